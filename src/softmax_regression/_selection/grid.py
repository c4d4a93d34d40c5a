"""The penalties of a path, from the strongest to the weakest."""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from .._arrays import as_array, shown
from .._input.hyperparameters import Hyperparameters
from .._likelihood.block import Block
from .._likelihood.sums import summed
from .._likelihood.survey import Survey, survey
from .._penalty import Penalty
from .._types import Matrix, Vector

# Decades of a path: from where weights are next to nothing, or zero, to where hardly any is held.
L2_DECADES, L1_DECADES = 7.0, 4.0
# Of max_kj |g_kj| s_j, the largest l2.
LARGEST_L2 = 1000.0


class Grid(NamedTuple):
    """λ in falling order, and the l1 and l2 that it stands for; `ratio` between two where it is free."""

    scale: Vector
    penalty_of: Callable[[float], Penalty]
    ratio: float | None = None

    @property
    def has_l1(self) -> bool:
        """Whether there is an l1 term."""
        return bool(np.any(self.penalty_of(float(self.scale[0])).l1))


class Asked(NamedTuple):
    """The arguments of `regularization_path` that say which penalties."""

    l2: Any
    l1: Any
    l1_ratio: float
    n_penalties: int


def grid_of(settings: Hyperparameters, problem: Block, asked: Asked) -> Grid:
    """Return the penalties given, or a geometric row of them."""
    l2, l1, l1_ratio, n_penalties = asked
    if l1 is not None:
        return _of_l1(settings, _falling("l1", l1), l2, l1_ratio)
    if l2 is not None:
        if l1_ratio:
            message = f"l2 with l1_ratio={l1_ratio:g} says two things: give l1, or l1_ratio=0"
            raise ValueError(message)
        return Grid(_falling("l2", l2), lambda each: Penalty(0.0, each))
    (about,) = summed(survey, [problem])
    decades = L1_DECADES if l1_ratio else L2_DECADES
    ratio = 10.0 ** (-decades / max(n_penalties - 1, 1))
    top = _top(about, settings.fit_intercept, l1_ratio)
    scale = top * ratio ** np.arange(n_penalties)
    return Grid(scale, lambda each: Penalty(l1_ratio * each, (1.0 - l1_ratio) * each), ratio)


def _of_l1(settings: Hyperparameters, scale: Vector, l2: Any, l1_ratio: float) -> Grid:
    if l2 is not None:
        fixed = float(_falling("l2", [l2] if np.ndim(l2) == 0 else l2)[0])
        if np.ndim(l2):
            message = (
                "with l1 as the path, l2 must be one number: give l1_ratio for an l2 that follows"
            )
            raise ValueError(message)
        return Grid(scale, lambda each: Penalty(each, fixed))
    if l1_ratio:
        return Grid(scale, lambda each: Penalty(each, each * (1.0 - l1_ratio) / l1_ratio))
    if settings.chooses_l2 or np.ndim(settings.l2):
        given = "'auto'" if settings.chooses_l2 else "one for each column"
        message = f"with l1 as the path l2 must be one number, and the model's is {given}: give l2"
        raise ValueError(message)
    return Grid(scale, lambda each: Penalty(each, settings.l2))


def _falling(name: str, values: Any) -> Vector:
    """Return penalties > 0 in falling order."""
    given = np.atleast_1d(as_array(values, name))
    if given.ndim != 1 or not given.size or given.dtype.kind not in "iuf":
        message = f"{name} must be numbers > 0, got {shown(values)}"
        raise TypeError(message)
    numbers = given.astype(np.float64)
    wrong = ~(np.isfinite(numbers) & (numbers > 0.0))
    if wrong.any():
        first = int(np.argmax(wrong))
        message = f"{name} must be finite and > 0, and {name}[{first}] is {numbers[first]}"
        raise ValueError(message)
    return np.unique(numbers)[::-1]


def _top(about: Survey, fit_intercept: bool, l1_ratio: float) -> float:
    """Return the λ at which all weights are zero, or next to it."""
    gradient, spread = largest_gradient(about, fit_intercept)
    with np.errstate(over="ignore"):
        if l1_ratio:
            top = float(np.abs(gradient).max(initial=0.0)) / l1_ratio
        else:
            top = LARGEST_L2 * float((np.abs(gradient) * spread).max(initial=0.0))
    return top if 0.0 < top < math.inf else 1.0


def largest_gradient(about: Survey, fit_intercept: bool) -> tuple[Matrix, Vector]:
    """Return the gradient of F (K, d) where there are no weights, and the sizes of the columns (d,)."""
    spread, gradient = about.spread, about.target_rows
    if not fit_intercept:
        spread = np.hypot(spread, about.mean)
        gradient = gradient + np.outer(about.targets - 1.0 / len(about.targets), about.mean)
    return gradient, spread
