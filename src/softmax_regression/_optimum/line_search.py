"""The step length along a descent direction.

Armijo's rule with quadratic interpolation (Nocedal and Wright, Numerical Optimization,
2nd ed., section 3.5); along a convex F the slope at the trial point replaces F where F's
own digits are exhausted (Hager and Zhang, 2005, SIAM Journal on Optimization 16(1)).
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from .._objective import Point
from .._types import Matrix, Precision

DECREASE = 1e-4
TRIALS = 25
# While this share of the slope is left after the first trial, F still falls: go on to where the
# secant sees its end, and beyond, because the slope of a softmax loss decays like exp(-t).
STEEP = 0.25
BEYOND = 1.3


class Step(NamedTuple):
    """A point; its distance, a share of the direction; the share of the slope left there."""

    point: Point
    length: float
    left: float


def search(
    evaluate: Callable[[Matrix], Point],
    start: Point,
    direction: Matrix,
    *,
    noise: float,
    extrapolate: bool,
    first: float = 1.0,
    dtype: Precision = np.float64,
) -> Step | None:
    """Return the accepted step, or None where no step lowers F.

    `first` is the length tried first, a share of the direction. `noise` is the rounding error of
    one F; a step within it counts if it flattens the slope. Points are numbers of `dtype`: a pass
    in float32 would else tell of another point.
    """
    slope = float(np.vdot(start.gradient, direction))

    def trial(length: float) -> Step:
        theta = start.theta + length * direction
        if dtype is not np.float64:
            theta = theta.astype(dtype).astype(np.float64)
        found = evaluate(theta)
        there = float(np.vdot(found.gradient, direction))
        return Step(found, length, there / slope if slope else np.inf)

    length = first
    for number in range(TRIALS):
        step = trial(length)
        rise = step.point.value - start.value
        if rise <= DECREASE * length * slope:
            if extrapolate and number == 0 and step.left > STEEP:
                longer = trial(length * min(10.0, BEYOND / (1.0 - min(step.left, 0.9))))
                return min(step, longer, key=lambda tried: tried.point.value)
            return step
        if rise <= noise and abs(step.left) < 0.9:
            return step
        if abs(length * slope) < noise:
            return None
        length *= shrink(rise, length * slope)
    return None


def shrink(rise: float, predicted: float) -> float:
    """Minimiser of the parabola through F(0), F'(0) and F(t), within [0.1, 0.5] of t."""
    if not np.isfinite(rise):
        return 0.1
    return float(np.clip(-0.5 * predicted / (rise - predicted), 0.1, 0.5))
