"""A fit over blocks that need not fit into memory: the same optimum, in a handful of readings."""

from .fit import prepared

__all__ = ["prepared"]
