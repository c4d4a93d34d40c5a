"""The fit that needs no tuning: to the optimum of F, with a proof of how close it is."""

from .limits import Limits, Report
from .minibatch import BATCH, AveragedDescent
from .minimise import minimise, minimise_unwatched
from .row_metric import RowMetric
from .solution import Solution

__all__ = [
    "BATCH",
    "AveragedDescent",
    "Limits",
    "Report",
    "RowMetric",
    "Solution",
    "minimise",
    "minimise_unwatched",
]
