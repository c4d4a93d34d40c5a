"""The fit with l1 > 0: proximal Newton steps on working sets of columns, to exact zeros.

A step minimises a quadratic model of F plus the l1 term on the free coefficients, then a line
search makes F fall (Lee, Sun and Saunders, 2014, SIAM Journal on Optimization 24(3)). Columns
outside the working set are read only for the gap and to choose the next set.
"""

import numpy as np

from .._likelihood.value import balanced
from .._objective import Objective, Point
from .._types import Index, Matrix
from .elastic_net import ROUNDING, ElasticNet
from .limits import Limits, Report
from .line_search import DECREASE, TRIALS, shrink
from .local_model import LocalModel
from .solution import Solution
from .working_set import SMALLEST, choose_columns

PATIENCE = 3  # steps in a row that improve neither F nor the gap
NARROWED = 0.9  # a gap is improved where no more than this of it is left
LOWERED = 0.1  # of a bound that was no proof
STEEP = 0.2  # part of the first slope along a step with which F falls on behind it
HIDDEN = 1e-11  # falls relative to F that rows far from zero may hide: the gap tells more


class ProximalPhase:
    """One minimisation: its problem, its limits, where it stands.

    `passes` counts evaluations of F after the start; what the Hessian reads is not counted.
    """

    def __init__(self, objective: Objective, limits: Limits, report: Report) -> None:
        self.problem = ElasticNet(objective, limits.tol)
        self.limits, self.report, self.aim = limits, report, limits.tol
        self.passes = 0
        self.decrement = np.inf
        self.reason = ""

    def run(self, theta: Matrix | None) -> Solution:
        """Descend from θ (K, D) or the class frequencies, whichever is lower, to the optimum."""
        point = self._begin(theta)
        self._tell(self.problem, point)
        size, idle, best = SMALLEST, 0, point.bound
        while not self.reason:
            if point.bound <= self.aim:
                point = self.problem.proven(point)
                if point.bound <= self.limits.tol:
                    break
                point = self._lower_aim(point)
            before, columns = point, choose_columns(self.problem, point, size)
            point = self._descend_on(columns, point)
            size = 2 * len(columns)
            idle = 0 if self._improved(before, point, best) else idle + 1
            best = min(best, point.bound)
            if idle == PATIENCE and not self.reason:
                self.reason = "rounding"
        return self._solution(point)

    def _begin(self, theta: Matrix | None) -> Point:
        """Return the given start, or the class frequencies, whichever is lower."""
        objective = self.problem.objective
        frequencies = objective.constant(balanced(objective.class_frequencies()))
        given = None if theta is None else self.problem.at(theta)
        if given is not None and given.value <= frequencies.value:
            return given
        return self.problem.seen(frequencies)

    def _lower_aim(self, point: Point) -> Point:
        """Aim below a bound that was no proof; return the point with its estimate again."""
        point = self.problem.seen(point)
        self.aim = LOWERED * min(self.aim, point.bound)
        return point

    def _descend_on(self, columns: Index, point: Point) -> Point:
        """Minimise F over the weights of some columns; return the point over all of them."""
        problem = self.problem
        if 2 * len(columns) > problem.likelihood.n_features:
            return self._descend(problem, point, self.aim)
        part = problem.columns(columns)
        start = part.at(part.reduce(point.theta))
        target = max(0.3 * self.aim, 0.02 * point.bound)
        found = self._descend(part, start, target)
        if self.reason:
            # No pass is left to see it over all columns; the proof will.
            return found._replace(theta=part.expand(found.theta), bound=np.inf)
        return self._visit(problem, part.expand(found.theta))

    def _descend(self, problem: ElasticNet, point: Point, target: float) -> Point:
        """Take proximal Newton steps until the problem's own gap is `target`."""
        model = LocalModel(problem.objective)
        idle, best = 0, point.bound
        while point.bound > target and idle < PATIENCE and not self.reason:
            found = self._step(problem, point, model)
            if found is None or not self._improved(point, found, best):
                idle += 1
                model.forget()
            else:
                idle, best = 0, min(best, found.bound)
                model.learn(point, found)
            point = point if found is None else found
        return point

    def _step(self, problem: ElasticNet, point: Point, model: LocalModel) -> Point | None:
        """Return the point at the first step 1, ... that meets Armijo's rule on F, or None.

        Where F has no digits for it, one with a smaller gap will do. A step that has begun is not cut short by `max_iter`.
        """
        direction = model.direction(point)
        predicted, noise = model.predicted(point, direction), ROUNDING * abs(point.value)
        self.decrement = predicted
        hidden = predicted <= HIDDEN * abs(point.value)
        if not predicted >= -noise:
            return None
        step = 1.0
        for _ in range(TRIALS):
            found = problem.at(point.theta + step * direction)
            self.passes += 1
            rise = found.value - point.value
            narrower = hidden and found.bound < NARROWED * point.bound
            if narrower or rise <= noise - DECREASE * step * predicted:
                self._tell(problem, found)
                return found if step < 1.0 else self._twice(problem, found, direction)
            step *= shrink(rise, -step * predicted)
        return None

    def _twice(self, problem: ElasticNet, found: Point, direction: Matrix) -> Point:
        """Return the point at twice the step, if F falls on steeply behind `found`, and does to there.

        Where probabilities come near 0 or 1 a step of the quadratic model is too short. What would
        change its sign on the way, or is zero, stays zero.
        """
        l1 = problem.objective.l1
        signs = np.where(l1 > 0.0, np.sign(found.theta), 0.0)
        slope = float(np.vdot(found.gradient + l1 * signs, direction))
        far = self.decrement > self.limits.tol
        if self.reason or not (far and -slope > STEEP * self.decrement):
            return found
        beyond = found.theta + direction
        beyond[(beyond * signs <= 0.0) & (l1 > 0.0)] = 0.0
        other = problem.at(beyond)
        self.passes += 1
        if not other.value < found.value:
            return found
        self._tell(problem, other)
        return other

    def _improved(self, before: Point, after: Point, best: float) -> bool:
        """Whether F fell by what a thousand steps need for `tol`, or else the gap below the best."""
        least = max(1e-3 * self.limits.tol, ROUNDING * abs(before.value))
        return before.value - after.value > least or after.bound < NARROWED * best

    def _visit(self, problem: ElasticNet, theta: Matrix) -> Point:
        """Evaluate F: one pass, reported."""
        point = problem.at(theta)
        self.passes += 1
        self._tell(problem, point)
        return point

    def _tell(self, problem: ElasticNet, point: Point) -> None:
        """Report a point; a reason to stop may follow."""
        outward = self.problem.likelihood.coordinates.outward
        readings = self.problem.likelihood.readings
        stop = self.report(
            point.value, lambda: outward(problem.expand(point.theta)), point.bound, readings
        )
        if stop:
            self.reason = "stopped"
        elif self.passes >= self.limits.max_iter:
            self.reason = "max_iter"

    def _solution(self, point: Point) -> Solution:
        if self.reason:
            point = self.problem.certified(point.theta)
        if point.bound <= self.limits.tol:
            self.reason = "converged"
        finite = bool(np.isfinite(point.value) and np.isfinite(point.theta).all())
        if not finite:
            self.reason = "non-finite"
        return Solution(
            parameters=self.problem.likelihood.coordinates.outward(point.theta),
            objective=point.value,
            gap=point.bound if finite else np.inf,
            decrement=self.decrement,
            converged=self.reason == "converged",
            n_iter=self.problem.likelihood.readings,
            passes=self.passes,
            reason=self.reason,
            centre=self.problem.likelihood.coordinates.centre,
            deviation=self.problem.likelihood.deviations(),
        )
