"""One reading of all rows a step, to the proven optimum.

A reading brings F and its gradient over all rows at a trial point, and with them the proof. The
step to it comes from a model that reads no row; where a step does not lower F, or F falls too
slowly, the sample behind the model is too poor, and a reading brings the Hessian of all rows too.
"""

import math
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from .._likelihood.value import balanced
from .._objective import Objective, Point
from .._optimum import Limits, Report, Solution
from .._optimum.line_search import DECREASE, shrink
from .._types import Matrix

# Roundings of one F by which it may seem to rise; then the gradient must fall to this part of it,
# after so many steps that do nothing at the latest.
NOISE = 4.0
FLAT = 0.9
PATIENCE = 3
SHORTEST = 1e-12
EPS = float(np.finfo(np.float64).eps)


class Model(Protocol):
    """What F is taken for around a point.

    `proves`: a bound on F − F* follows from a point alone. `fits`: the Hessian of all rows may be
    summed, and `lacks`: that of this point has not been. Where a decrement is more than the part
    `slow` of the last, the next point's is worth its cost.
    """

    @property
    def proves(self) -> bool: ...

    @property
    def fits(self) -> bool: ...

    @property
    def lacks(self) -> bool: ...

    @property
    def slow(self) -> float: ...

    def at(self, theta: Matrix, *, summed: bool = False) -> tuple[Point, Any]:
        """Return F by one reading, with the Hessian of all rows there if asked, as it `learn`s it."""
        ...

    def bound(self, point: Point) -> float:
        """Return a proven bound on F − F*, infinite where there is none."""
        ...

    def direction(self, point: Point) -> Matrix:
        """Return the step to where the model is least."""
        ...

    def foretold(self, point: Point, direction: Matrix) -> float:
        """Return the fall of F along a step, to first order."""
        ...

    def learn(self, before: Point, after: Point, hessian: Any) -> None:
        """Take in what a step has shown, and the Hessian where it led if it is known."""
        ...

    def forget(self) -> bool:
        """Drop what steps have shown; return whether there was any."""
        ...


class Descent:
    """One minimisation over blocks: its model, its limits, where it stands."""

    def __init__(self, objective: Objective, model: Model, limits: Limits, report: Report) -> None:
        self.objective, self.model = objective, model
        self.limits, self.report = limits, report
        self.decrement = math.inf
        self.idle = 0
        self.best = math.inf
        self.before = 0

    def run(self, thetas: Sequence[Matrix]) -> Solution:
        """Descend to the optimum from the best of some points and the class frequencies."""
        start = self._best(thetas)
        self.before = self.objective.likelihood.readings
        reason = self._stand(start)
        while reason is None:
            reason = self._step()
        return self._solution(reason)

    def _best(self, thetas: Sequence[Matrix]) -> Point:
        """Return where F is lowest, by one reading."""
        points = self.objective.at_each(thetas)
        points.append(self.objective.constant(balanced(self.objective.class_frequencies())))
        return min(points, key=lambda point: math.inf if math.isnan(point.value) else point.value)

    def _step(self) -> str | None:
        """Take a step; return why to stop, or None."""
        direction = self.model.direction(self.point)
        foretold = self.model.foretold(self.point, direction)
        last, self.decrement = self.decrement, 0.5 * foretold
        if not self.model.proves and 0.0 <= self.decrement <= self.limits.tol:
            return "converged"
        if math.isnan(foretold):
            return "non-finite"
        if not foretold > -self._noise():
            return self._anew()
        summed = self.model.fits and self.decrement > self.model.slow * last
        found, hessian = self.model.at(self.point.theta + direction, summed=summed)
        length = 1.0
        while not self._is_better(found, length * direction, length * foretold):
            rise = found.value - self.point.value
            hidden = length * foretold <= self._noise() or length < SHORTEST
            if hidden and not math.isfinite(found.value):
                return "non-finite"
            if self.model.lacks or hidden:
                return self._anew()
            length *= shrink(rise, -length * foretold)
            shorter = self.point.theta + length * direction
            found, hessian = self.model.at(shorter, summed=summed)
        self.model.learn(self.point, found, hessian)
        return self._stand(found)

    def _anew(self) -> str | None:
        """Take the Hessian of all rows at the point, or drop the pairs; return why to stop if neither.

        The model is wrong here, or its digits are spent.
        """
        if self.idle > PATIENCE or not self.model.lacks:
            return None if self.idle <= PATIENCE and self.model.forget() else "rounding"
        _, hessian = self.model.at(self.point.theta, summed=True)
        self.model.learn(self.point, self.point, hessian)
        return self._exhausted()

    def _is_better(self, found: Point, step: Matrix, foretold: float) -> bool:
        """Whether F fell, or may have where its fall is lost in rounding.

        There the gradient, or the bound made of it, should fall instead, within a few steps.
        """
        fall, noise = self.point.value - found.value, self._noise()
        if fall > noise and fall >= DECREASE * foretold:
            self.idle = 0
            return True
        if not fall >= -noise:
            return False
        before, after = (float(np.vdot(p.gradient, step)) for p in (self.point, found))
        lower = self.model.bound(found) < FLAT * self.best
        self.idle = 0 if lower else self.idle + 1
        if lower or fall >= DECREASE * foretold > 0.0 or abs(after) < -FLAT * before:
            return self.idle <= PATIENCE
        return not self.model.lacks and self.idle <= PATIENCE

    def _stand(self, point: Point) -> str | None:
        """Move to a point; return why to stop there, or None."""
        bound = self.model.bound(point) + self.objective.likelihood.coordinates.rounding(
            point.theta
        )
        if self.model.proves:
            bound = min(bound, point.value)  # F is never below 0
        self.point = point._replace(bound=bound)
        self.best = min(self.best, bound)
        if not self._is_finite():
            return "non-finite"
        likelihood, theta = self.objective.likelihood, point.theta
        outward = likelihood.coordinates.outward
        stop = self.report(point.value, lambda: outward(theta), bound, likelihood.readings)
        if bound <= self.limits.tol:
            return "converged"
        return "stopped" if stop else self._exhausted()

    def _exhausted(self) -> str | None:
        return "max_iter" if self._spent() >= self.limits.max_iter else None

    def _spent(self) -> int:
        """Return the readings since the start."""
        return self.objective.likelihood.readings - self.before

    def _noise(self) -> float:
        return NOISE * EPS * abs(self.point.value)

    def _is_finite(self) -> bool:
        gradient = self.point.gradient.ravel()
        return math.isfinite(self.point.value) and math.isfinite(gradient.dot(gradient))

    def _solution(self, reason: str) -> Solution:
        likelihood = self.objective.likelihood
        return Solution(
            parameters=likelihood.coordinates.outward(self.point.theta),
            objective=self.point.value,
            gap=self.point.bound if self.model.proves else math.inf,
            decrement=self.decrement,
            converged=reason == "converged",
            n_iter=likelihood.readings,
            passes=self._spent(),
            reason=reason,
            centre=likelihood.coordinates.centre,
            deviation=likelihood.deviations(),
        )
