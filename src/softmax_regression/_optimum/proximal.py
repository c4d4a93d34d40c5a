"""The fit with l1 > 0: proximal Newton steps on working sets of columns, to exact zeros.

A step minimises a quadratic model of F plus the l1 term on the free coefficients, then a line
search makes F fall (Lee, Sun and Saunders, 2014, SIAM Journal on Optimization 24(3)). Columns
outside the working set are read only for the gap and to choose the next set.
"""

import numpy as np

from .._objective import Penalty
from .arrays import Index, Matrix
from .elastic_net import ROUNDING, ElasticNet, Point
from .line_search import DECREASE, TRIALS, shrink
from .local_model import LocalModel
from .solution import Report, Solution
from .standardised import Standardised
from .unseen_step import sure_length
from .working_set import SMALLEST, choose_columns

PATIENCE = 3  # steps in a row that improve neither F nor the gap


class ProximalPhase:
    """One minimisation: its problem, its limits, where it stands.

    `passes` counts evaluations of F; what the Hessian reads is not counted, as elsewhere.
    """

    def __init__(
        self,
        rows: Standardised,
        penalty: Penalty,
        *,
        tol: float,
        max_iter: int,
        report: Report,
    ) -> None:
        thresholds = np.zeros(rows.n_columns)
        thresholds[: rows.n_features] = penalty.l1 / rows.scale
        l2 = rows.penalty(penalty.l2)
        self.problem = ElasticNet(rows, thresholds, l2, rows.n_columns, tol)
        self.tol, self.max_iter, self.report = tol, max_iter, report
        self.passes = 0
        self.decrement = np.inf
        self.reason = ""

    def run(self, parameters: Matrix) -> Solution:
        """Descend from `parameters` (K, D) to the optimum."""
        start = point = self.problem.at(parameters)
        self.passes = 1
        if self.max_iter == 1:
            point = self._unseen_step(start)
        self._tell(self.problem, point)
        size, idle, best = SMALLEST, 0, point.gap
        while not self.reason:
            if point.gap <= self.tol:
                point = self.problem.certified(point.parameters)
                if point.gap <= self.tol:
                    break
            before, columns = point, choose_columns(self.problem, point, size)
            point = self._descend_on(columns, point)
            size = 2 * len(columns)
            idle = 0 if self._improved(before, point, best) else idle + 1
            best = min(best, point.gap)
            if idle == PATIENCE and not self.reason:
                self.reason = "rounding"
        if (
            self.reason == "max_iter"
            and self.max_iter > 1
            and not point.objective < start.objective
        ):
            point = self._unseen_step(start)
            self._tell(self.problem, point)
        return self._solution(point)

    def _descend_on(self, columns: Index, point: Point) -> Point:
        """Minimise F over the weights of some columns; return the point over all of them."""
        problem = self.problem
        if 2 * len(columns) > problem.rows.n_features:
            return self._descend(problem, point, self.tol)
        part = problem.columns(columns)
        start = part.at(part.reduce(point.parameters))
        target = max(0.3 * self.tol, 0.02 * point.gap)
        found = self._descend(part, start, target)
        if self.reason:
            # No pass is left to see it over all columns; the proof will.
            return found._replace(parameters=part.expand(found.parameters), gap=np.inf)
        return self._visit(problem, part.expand(found.parameters))

    def _descend(self, problem: ElasticNet, point: Point, target: float) -> Point:
        """Take proximal Newton steps until the problem's own gap is `target`."""
        model = LocalModel(problem)
        idle, best = 0, point.gap
        while point.gap > target and idle < PATIENCE and not self.reason:
            found = self._step(problem, point, model)
            if found is None or not self._improved(point, found, best):
                idle += 1
                model.forget()
            else:
                idle, best = 0, min(best, found.gap)
                model.learn(point, found)
            point = point if found is None else found
        return point

    def _step(self, problem: ElasticNet, point: Point, model: LocalModel) -> Point | None:
        """Return the point at the first step 1, ... that meets Armijo's rule on F, or None."""
        direction = model.direction(point)
        predicted, noise = model.predicted(point, direction), ROUNDING * abs(point.objective)
        self.decrement = predicted
        if not predicted >= -noise:
            return None
        step = 1.0
        for _ in range(TRIALS):
            found = self._visit(problem, point.parameters + step * direction)
            rise = found.objective - point.objective
            if rise <= noise - DECREASE * step * predicted:
                return found
            if self.reason:
                return None
            step *= shrink(rise, -step * predicted)
        return None

    def _improved(self, before: Point, after: Point, best: float) -> bool:
        """Whether F fell by what a thousand steps need for `tol`, or else the gap below the best."""
        least = max(1e-3 * self.tol, ROUNDING * abs(before.objective))
        return before.objective - after.objective > least or after.gap < 0.9 * best

    def _visit(self, problem: ElasticNet, parameters: Matrix) -> Point:
        """Evaluate F: one pass, reported."""
        point = problem.at(parameters)
        self.passes += 1
        self._tell(problem, point)
        return point

    def _tell(self, problem: ElasticNet, point: Point) -> None:
        """Report a point; a reason to stop may follow."""
        restore = self.problem.rows.restore
        if self.report(
            point.objective,
            lambda: restore(problem.expand(point.parameters)),
            point.gap,
            self.passes,
        ):
            self.reason = "stopped"
        elif self.passes >= self.max_iter:
            self.reason = "max_iter"

    def _unseen_step(self, point: Point) -> Point:
        """Take a step that lowers F for certain, where no pass is left to look; the proof sees it."""
        columns = choose_columns(self.problem, point, SMALLEST)
        problem, seen = self.problem, point
        if 2 * len(columns) <= problem.rows.n_features:
            problem = problem.columns(columns)
            seen = point._replace(
                parameters=problem.reduce(point.parameters), gradient=problem.reduce(point.gradient)
            )
        model = LocalModel(problem)
        direction = model.direction(seen)
        slope = model.predicted(seen, direction)
        if not 0.0 < slope < np.inf:
            return point
        # The l1 term is convex: up to the whole step it falls as `slope` says, or faster.
        length = sure_length(
            problem.rows, problem.l2, seen.parameters, direction, slope=slope, longest=1.0
        )
        found = self.problem.at(problem.expand(seen.parameters + length * direction))
        return found if found.objective < point.objective else point

    def _solution(self, point: Point) -> Solution:
        if self.reason:
            point = self.problem.certified(point.parameters)
        if point.gap <= self.tol:
            self.reason = "converged"
        finite = bool(np.isfinite(point.objective) and np.isfinite(point.parameters).all())
        if not finite:
            self.reason = "non-finite"
        return Solution(
            parameters=self.problem.rows.restore(point.parameters),
            centre=self.problem.rows.centre,
            deviation=self.problem.rows.deviations(),
            objective=point.objective,
            gap=point.gap if finite else np.inf,
            decrement=self.decrement,
            converged=self.reason == "converged",
            n_iter=self.passes,
            reason=self.reason,
        )
