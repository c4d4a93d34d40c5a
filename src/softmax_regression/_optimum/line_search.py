"""The step length along a descent direction.

Armijo's rule with quadratic interpolation (Nocedal and Wright, Numerical Optimization,
2nd ed., section 3.5); along a convex F the slope at the trial point replaces F where F's
own digits are exhausted (Hager and Zhang, 2005, SIAM Journal on Optimization 16(1)).
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from .passes import Value

DECREASE = 1e-4
TRIALS = 25
# While this share of the slope is left after the first trial, F still falls: go on to where the
# secant sees its end, and beyond, because the slope of a softmax loss decays like exp(-t).
STEEP = 0.25
BEYOND = 1.3


def search(
    evaluate: Callable[[NDArray[np.float64]], Value],
    parameters: NDArray[np.float64],
    value: Value,
    direction: NDArray[np.float64],
    *,
    noise: float,
    extrapolate: bool,
    first: float = 1.0,
) -> tuple[NDArray[np.float64], Value] | None:
    """Return the accepted point and its value, or None where no step lowers F.

    `first` is the length tried first, a share of the direction.
    `noise` is the rounding error of one F; a step within it counts if it flattens the slope.
    """
    slope = float(np.vdot(value.gradient, direction))
    t = first
    for trial in range(TRIALS):
        point = parameters + t * direction
        found = evaluate(point)
        there = float(np.vdot(found.gradient, direction))
        rise = found.objective - value.objective
        if rise <= DECREASE * t * slope:
            if extrapolate and trial == 0 and there < STEEP * slope:
                longer_by = min(10.0, BEYOND * slope / (slope - there))
                further = parameters + t * longer_by * direction
                longer = evaluate(further)
                if longer.objective < found.objective:
                    return further, longer
            return point, found
        if rise <= noise and abs(there) < 0.9 * abs(slope):
            return point, found
        if abs(t * slope) < noise:
            return None
        t *= shrink(rise, t * slope)
    return None


def shrink(rise: float, predicted: float) -> float:
    """Minimiser of the parabola through F(0), F'(0) and F(t), within [0.1, 0.5] of t."""
    if not np.isfinite(rise):
        return 0.1
    return float(np.clip(-0.5 * predicted / (rise - predicted), 0.1, 0.5))
