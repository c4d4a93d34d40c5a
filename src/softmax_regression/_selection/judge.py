"""How the losses of rows become one loss, and what tells two of them apart."""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from .._likelihood.block import Block
from .._types import Index, Vector
from .held_out import mean_of, standard_error


class Point(NamedTuple):
    """One l2, every row's held-out loss there, (m,), and the mean `training` loss of the fit.

    The losses are all infinite where they are not known.

    Where only some rows are left out, the others have their training loss, and those that are
    the difference as often as they are drawn: the mean is unbiased.
    """

    l2: float
    losses: Vector
    training: float = 0.0


class Judge(NamedTuple):
    """How the losses of all rows become one, and the standard error of a difference."""

    mean: Callable[[Vector], float]
    error: Callable[[Vector], float]

    def gain(self, one: Point, other: Point) -> float:
        """Return how much lower the loss is at the other point."""
        with np.errstate(invalid="ignore"):
            gain = self.mean(one.losses) - self.mean(other.losses)
        return -math.inf if math.isnan(gain) else gain

    def paired_error(self, one: Point, other: Point) -> float:
        """Return the standard error of the difference."""
        with np.errstate(invalid="ignore"):
            return self.error(one.losses - other.losses)


def judge_of(judged: Block, codes: Index) -> Judge:
    """Return the weighted mean of losses, and the standard error of one."""
    return Judge(
        lambda losses: mean_of(losses, judged),
        lambda losses: standard_error(losses, judged, codes),
    )
