"""Newton steps, damped while F does not fall as foretold: for where F is far from quadratic.

    (H + μ B) s = −g,   F(θ) − F(θ + s)  against  −gᵀs − ½ sᵀ H s = ½ (μ sᵀ B s − gᵀ s)

with H the Hessian of F from all rows, and B_j the mean square of column j in every class, so that
damping is a larger penalty. μ falls after a step of which the model of F foretold the fall, and
rises where it did not, before the step is taken or after it (Levenberg, 1944, Quarterly of Applied
Mathematics 2; Moré, 1978, Lecture Notes in Mathematics 630).
"""

import math
from collections.abc import Callable

import numpy as np

from .._likelihood.curvature import column_squares
from .._likelihood.working import Likelihood
from .._objective import Objective, Point
from .._types import Index, Matrix, Vector
from .exact_hessian import ExactHessian, hessian_at
from .line_search import DECREASE, Step

FIRST = 1e-2
LEAST = 1e-20
RAISED = 3.0
LOWERED = 0.25
# Where damping makes less than this part of the fall foretold, it is lowered by this factor.
IDLE = 0.01
# Of the fall foretold: with more the model is good, with less it is poor.
GOOD = 0.75
POOR = 0.25
# Of the slope: no more may be left, forth or back, of a step within the rounding of F.
FLAT = 0.9
# So many steps are tried where the fall foretold is within that.
HIDDEN = 8


class DampedNewton:
    """The damping, as the last step left it.

    `decrement` is ½ gᵀ H⁻¹ g before the last step where that is at most `settled`, else infinite:
    it is not known, and the damped one is too small. `products` counts the last step's with H,
    each a pass over the rows.
    """

    def __init__(self, objective: Objective, settled: float) -> None:
        self.objective, self.settled = objective, settled
        self.spread = mean_squares(objective.likelihood)
        self.damping = FIRST
        self.decrement = np.inf
        self.products = 0

    def step(
        self, evaluate: Callable[[Matrix], Point], start: Point, *, noise: float, trials: int
    ) -> Step | None:
        """Return a point where F is lower, or None where none is found in `trials` passes.

        `noise` is the rounding error of one F.
        """
        hessian = hessian_at(self.objective, start.theta, trials)
        gradient = closed(start.gradient, hessian.order)
        direction, damping = self._first(hessian, gradient), self.damping
        if math.isfinite(self.decrement):
            damping = 0.0
        found, factor = None, RAISED
        for number in range(trials):
            if hessian.products + number >= trials:
                break  # conjugate gradients may not have ended
            slope = float(np.vdot(gradient, direction))
            length = float(self.spread @ (direction**2).sum(axis=0))
            foretold = 0.5 * (damping * length - slope)
            if not foretold > (noise if number >= HIDDEN else 0.0):
                break
            there = evaluate(start.theta + direction)
            fall = start.value - there.value
            left = float(np.vdot(closed(there.gradient, hessian.order), direction)) / slope
            if fall >= DECREASE * foretold or (fall >= -noise and abs(left) < FLAT):
                found = Step(there, 1.0, left)
                self._learn(fall / foretold, damping * length / foretold, raised=factor > RAISED)
                break
            if damping:
                self.damping *= factor
                factor *= 2.0
            else:
                self.damping = min(self.damping, -slope / length)
            damping = self.damping
            direction = -hessian.solve(gradient, damping * self.spread)
        self.products = hessian.products
        return found

    def _first(self, hessian: ExactHessian, gradient: Matrix) -> Matrix:
        """Return the step tried first: undamped where the end is near."""
        self.decrement = np.inf
        damped = -hessian.solve(gradient, self.damping * self.spread)
        if -0.5 * float(np.vdot(gradient, damped)) > self.settled:
            return damped
        undamped = -hessian.solve(gradient, np.zeros_like(self.spread))
        decrement = -0.5 * float(np.vdot(gradient, undamped))
        # Where a class is so sure that nothing is left of its curvature, the step may be no descent.
        if not 0.0 <= decrement <= self.settled or not hessian.solved:
            return damped
        self.decrement = decrement
        return undamped

    def _learn(self, share: float, damped: float, *, raised: bool) -> None:
        """Change the damping after a step that brought this share of the fall foretold.

        `damped` is what damping makes of that.
        """
        if share < POOR:
            self.damping *= RAISED
        elif share > GOOD and not raised:
            self.damping = max(self.damping * (LOWERED if damped > IDLE else IDLE), LEAST)


def closed(gradient: Matrix, order: Index) -> Matrix:
    """Return a gradient that sums to zero over classes, by that of the last class in `order`.

    The rounding of its sums would hide all that pulls at a class of little curvature.
    """
    gradient = gradient.copy()
    gradient[order[-1]] = -np.add.reduce(gradient[order[:-1]], axis=0)
    return gradient


def mean_squares(likelihood: Likelihood) -> Vector:
    """(1 / Σ w) Σ_i w_i x̃_ij², (D,)."""
    weight, squares = likelihood.sums(column_squares, 1)
    return np.asarray(squares[0] / weight)
