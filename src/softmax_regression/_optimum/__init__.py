"""The fit that needs no tuning: to the optimum of F, with a proof of how close it is."""

from .minibatch import AveragedDescent
from .minimise import minimise
from .row_metric import RowMetric
from .rows import raw_block
from .solution import Solution

__all__ = ["AveragedDescent", "RowMetric", "Solution", "minimise", "raw_block"]
