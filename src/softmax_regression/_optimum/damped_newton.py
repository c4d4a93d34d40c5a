"""Newton steps, damped while F does not fall as foretold: for where F is far from quadratic.

    (H + μ B) s = −g,   F(θ) − F(θ + s)  against  −gᵀs − ½ sᵀ H s = ½ (μ sᵀ B s − gᵀ s)

with H the Hessian of F from all rows, and B_j the mean square of column j in every class, so that
damping is a larger penalty. μ falls after a step of which the model of F foretold the fall, and
rises where it did not, before the step is taken or after it (Levenberg, 1944, Quarterly of Applied
Mathematics 2; Moré, 1978, Lecture Notes in Mathematics 630).
"""

from collections.abc import Callable

import numpy as np

from .._likelihood.curvature import column_squares
from .._likelihood.working import Likelihood
from .._objective import Objective, Point
from .._types import Matrix, Vector
from .exact_hessian import ExactHessian, hessian_at
from .line_search import DECREASE, Step

FIRST = 1e-2
LEAST = 1e-12
RAISED = 4.0
LOWERED = 0.2
# Of the fall foretold: with more the model is good, with less it is poor.
GOOD = 0.75
POOR = 0.25
# Of the slope: no more may be left, forth or back, of a step within the rounding of F.
FLAT = 0.9


class DampedNewton:
    """The damping, as the last step left it.

    `decrement` is ½ gᵀ (H + μ B)⁻¹ g before the last step, with μ = 0 where that is at most
    `settled`; `products` counts the last step's with H, each a pass over the rows.
    """

    def __init__(self, objective: Objective, settled: float) -> None:
        self.objective, self.settled = objective, settled
        self.spread = mean_squares(objective.likelihood)
        self.damping = FIRST
        self.decrement = np.inf
        self.products = 0

    def step(
        self, evaluate: Callable[[Matrix], Point], point: Point, *, noise: float, trials: int
    ) -> Step | None:
        """Return a point where F is lower, or None where none is found in `trials` passes.

        `noise` is the rounding error of one F.
        """
        hessian = hessian_at(self.objective, point.theta, trials)
        found, tried = None, False
        for number in range(trials):
            damping, direction = self._direction(hessian, point.gradient, tried)
            if hessian.products + number >= trials:
                self.decrement = np.inf  # conjugate gradients have not ended
                break
            slope = float(np.vdot(point.gradient, direction))
            foretold = 0.5 * (damping * float(self.spread @ (direction**2).sum(axis=0)) - slope)
            if not foretold > 0.0:
                break
            there = evaluate(point.theta + direction)
            fall, left = point.value - there.value, float(np.vdot(there.gradient, direction))
            hidden = foretold <= noise  # by rounding: the slope tells what F does not
            share = 1.0 - abs(left / slope) if hidden else fall / foretold
            if damping:
                self._learn(share)
            if fall >= DECREASE * foretold or (fall >= -noise and abs(left) < -FLAT * slope):
                found = Step(there, 1.0, left / slope)
                break
            if hidden:
                break
            tried = True
        self.products = hessian.products
        return found

    def _direction(
        self, hessian: ExactHessian, gradient: Matrix, tried: bool
    ) -> tuple[float, Matrix]:
        """Return the damping and the step, undamped where the end is near.

        Else it would look nearer than it is.
        """
        direction = -hessian.solve(gradient, self.damping * self.spread)
        self.decrement = -0.5 * float(np.vdot(gradient, direction))
        if tried or self.decrement > self.settled:
            return self.damping, direction
        undamped = -hessian.solve(gradient, np.zeros_like(self.spread))
        self.decrement = -0.5 * float(np.vdot(gradient, undamped))
        near = self.decrement <= self.settled
        return (0.0, undamped) if near else (self.damping, direction)

    def _learn(self, share: float) -> None:
        """Change the damping after a step that brought so much of the fall foretold."""
        if share > GOOD:
            self.damping = max(LOWERED * self.damping, LEAST)
        elif not share >= POOR:
            self.damping *= RAISED


def mean_squares(likelihood: Likelihood) -> Vector:
    """(1 / Σ w) Σ_i w_i x̃_ij², (D,)."""
    weight, squares = likelihood.sums(column_squares, 1)
    return np.asarray(squares[0] / weight)
