"""The fit that needs no tuning: to the optimum of F, with a proof of how close it is."""

from .limits import Limits, Report
from .minibatch import AveragedDescent
from .minimise import minimise
from .solution import Solution

__all__ = ["AveragedDescent", "Limits", "Report", "Solution", "minimise"]
