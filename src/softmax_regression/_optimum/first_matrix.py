"""The first matrix P of L-BFGS, the pairs made on it, and when it is built anew.

P is built at the steps 0, f, 3f, 7f, ..., of the curvature that the passes made so far are worth,
unless the steps left, at the pace so far, cost less than building it.
"""

import math

import numpy as np

from .._objective import Objective, Point
from .._types import Apply, Matrix, Precision
from .curvature import Curvature, Diagonal, Full, choose
from .lbfgs import Memory
from .line_search import STEEP, Step
from .pace import steps_to

# A new P whose first step comes out shorter than this is given up for the one before.
SHORT = 0.25
# P is built anew where the passes left, at the pace so far, are this share of what that costs.
WORTH = 0.5


class FirstMatrix:
    """P of one minimisation: directions made with it, and what their steps have taught.

    `length` is where the next line search begins.
    """

    def __init__(self, objective: Objective, *, full: bool) -> None:
        self.objective = objective
        self.curvature: Curvature = Full(objective) if full else choose(objective)
        self.steps = self.renewal = 0
        self.begun = 0, math.inf
        self.length = 1.0
        self.memory: Memory | None = None
        self.former: Memory | None = None

    def build(self, theta: Matrix, dtype: Precision) -> Apply:
        """Return P⁻¹ at θ, from rows in `dtype`."""
        return self.curvature.build(theta, dtype)

    def begin(self, apply: Apply, dtype: Precision, bound: float) -> Memory:
        """Go on with another P, without the pairs made for the last."""
        self.memory = Memory(apply, dtype, self.curvature.least_scale)
        self.length = 1.0
        self.begun = self.steps, bound
        self.renewal = 2 * self.steps + self.curvature.first_renewal
        return self.memory

    def use(self, curvature: Curvature) -> None:
        """Take another curvature from here on."""
        self.curvature, self.steps = curvature, 0

    def direction(self, point: Point, dtype: Precision, passes: int, aim: float) -> Matrix:
        """Return L-BFGS's direction after so many `passes`, on a P built anew where that pays."""
        memory = self.memory
        if memory is None:
            memory = self._begin_at(point, dtype)
        elif self.steps >= self.renewal:
            chosen, left = self._worth(passes), self._steps_left(point, aim)
            if left >= WORTH * chosen.cost:
                if isinstance(self.curvature, Diagonal) and chosen is not self.curvature:
                    self.steps = 0  # the richer one has waited long enough
                self.former, self.curvature = memory, chosen
                memory = self._begin_at(point, dtype)
            else:
                self.renewal = self.steps + max(1, int(left))
        direction = memory.direction(point.gradient)
        if float(np.vdot(point.gradient, direction)) < 0.0:
            return direction
        memory.clear()
        return memory.direction(point.gradient)

    def learn(self, before: Point, step: Step | None) -> None:
        """Keep a step, and go back to the former P where the first one on a new P came out short."""
        former, self.former = self.former, None
        if step is None or self.memory is None:
            return
        # The next search begins where this one ended, or beyond where F still fell steeply.
        self.length = min(1.0, step.length if step.left < STEEP else 2.0 * step.length)
        if former is not None and self.length < SHORT:
            self.memory, self.length = former, 1.0
        change = step.point.theta - before.theta
        self.memory.add(change, before.gradient, step.point.gradient)
        self.steps += 1

    def _begin_at(self, point: Point, dtype: Precision) -> Memory:
        return self.begin(self.build(point.theta, dtype), dtype, point.bound)

    def _worth(self, passes: int) -> Curvature:
        """Return the curvature that is worth its cost after so many `passes`."""
        if isinstance(self.curvature, Full):
            return self.curvature
        chosen = choose(self.objective, passes)
        return self.curvature if type(chosen) is type(self.curvature) else chosen

    def _steps_left(self, point: Point, aim: float) -> float:
        """Return the steps left to the aim at the pace on this P."""
        first, bound = self.begun
        return steps_to(aim, point.bound, bound, self.steps - first)
