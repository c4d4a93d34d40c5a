"""A fit over blocks that need not fit into memory: the same optimum, in a handful of readings."""

from .fit import learn_blocks
from .gathered import gather

__all__ = ["gather", "learn_blocks"]
