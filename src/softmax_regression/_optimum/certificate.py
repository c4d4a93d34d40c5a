"""The proof: a dual feasible point near the probabilities, and the gap to it, all in float64.

For l2 > 0 any distributions q_i with Σ_i w_i (q_i − t_i) = 0 bound the distance from the minimum
(weak duality; Shalev-Shwartz and Zhang, 2014, Proximal SDCA, arXiv 1309.2375):

    F(W, b) − F* ≤ mean KL(q_i ‖ p_i) + ‖∂F/∂W at q‖² / (2 l2)

At the intercepts that are optimal for W, q = p is feasible, and the first term is zero. Near them
q_i = (1 − ε) p_i + ε s is, where s is the one distribution that closes the sum (`closed_gap`), and
both terms follow from F and its gradient. In columns of huge spread the second term takes another
dual point (`free_columns`), and so it does in columns without a penalty beside others: of these it
has no gradient at all.
"""

import math

import numpy as np

from .._objective import Objective, Point
from .._types import Matrix, Precision, Vector
from .free_columns import FreeColumns
from .intercepts import EXACT, INEXACT, TINY, Intercepts
from .told_apart import OWN, gap_by_groups

# Intercepts are not solved for where they widen the bound by less than this factor, and solved
# to this part of `tol` where they are.
CLOSE = 1.1
CLOSED = 0.02
LARGEST_SHARE = 0.5


def closed_gap(objective: Objective, point: Point) -> float:
    """Return a proven bound on F − F* where the intercepts are only nearly optimal."""
    if objective.penalty.has_l1 or not objective.proves:
        return math.inf
    divergence, change = closing(objective, point)
    if not math.isfinite(divergence):
        return np.inf
    return divergence + objective.bound(point.gradient + change)


def closing(objective: Objective, point: Point) -> tuple[float, Matrix]:
    """Return the divergence of the nearest feasible q from p, and how it changes the gradient.

    With the mean targets t̄, the mean probabilities p̄ and r = p̄ − t̄, the smallest ε for which
    s = p̄ − r / ε has no negative entry is max_k r_k / p̄_k. By convexity the divergence is at most
    ε mean KL(s ‖ p_i). What is left to classes without targets, at most INEXACT, goes to the
    others. The divergence is infinite where there is no q.
    """
    none = np.zeros(point.theta.shape)
    if not objective.likelihood.fit_intercept:
        return 0.0, none
    residual = point.gradient[:, -1]
    if np.abs(residual).max() <= EXACT:
        return 0.0, none
    targets = objective.likelihood.survey.targets
    present = targets > 0.0
    mean = np.where(present, targets + residual, 0.0)
    if not residual[~present].max(initial=0.0) <= INEXACT:
        return np.inf, none
    mean += (1.0 - mean.sum()) * targets
    residual = mean - targets
    share = float((residual[present] / mean[present]).max())
    if not 0.0 < share < 1.0:
        return 0.0 if share <= 0.0 else np.inf, none
    shared = np.maximum(mean - residual / share, 0.0)
    divergence, change = _towards(objective, point, shared)
    return share * divergence, share * change


def _towards(objective: Objective, point: Point, shared: Vector) -> tuple[float, Matrix]:
    """Mean KL(s ‖ p_i), and E_kj, the mean of (s_k − p_ik) x̃_ij (K, D), for a distribution s.

    Both follow from F and its gradient: with the mean M of t_i x̃_iᵀ, the mean of p_i x̃_iᵀ is M
    plus the data term's gradient, and the mean of log p_ik is θ_k x̄ less the mean of lse(z_i),
    which is the loss plus ⟨M, θ⟩.
    """
    M = objective.likelihood.mean_target_rows
    mean_row = np.add.reduce(M, axis=0)
    penalty, slope = objective.penalty.value_and_slope(point.theta)
    mean_log = point.theta @ mean_row - (point.value - penalty + float(np.vdot(M, point.theta)))
    used = shared > 0.0
    divergence = float(shared[used] @ (np.log(shared[used]) - mean_log[used]))
    data = point.gradient - slope
    return max(divergence, 0.0), np.outer(shared, mean_row) - (data + M)


class Proof:
    """Bounds F − F* of one problem, at most by `tol` if possible."""

    def __init__(self, objective: Objective, tol: float) -> None:
        self.objective, self.tol = objective, tol
        self.intercepts = Intercepts(objective.likelihood)
        self.free = None
        if objective.penalty.has_l2:
            self.free = FreeColumns.of(objective.likelihood, objective.l2, tol)
        self.seen = objective
        if self.free is not None and objective.proves:
            self.seen = objective.with_l2(self.free.raised(objective.l2, hidden=True))

    def expected(self, point: Point) -> float:
        """Return the bound that there would be at exact intercepts: an estimate."""
        return point.bound if self.seen is self.objective else self.seen.bound(point.gradient)

    def certify(self, point: Point, dtype: Precision) -> Point:
        """Evaluate F in float64 and bound its distance from the minimum, at intercepts that allow it.

        `point` comes from a pass in `dtype`. The intercepts are solved for only where they are what
        the proof lacks, and first of all by passes in `dtype`; free columns are closed where that
        is not enough.
        """
        found = self._with_intercepts(point, dtype)
        if self.free is None or found.bound <= self.tol:
            return found
        raised = self.objective.with_l2(self.free.raised(self.objective.l2, hidden=False))
        if self.objective.proves and raised.bound(found.gradient) > self.tol:
            return found
        bound = min(found.bound, self._without_free_columns(self.free, found))
        if self.objective.proves and bound > self.tol:
            bound = min(bound, gap_by_groups(self.objective, found, self.tol, self._of_group))
        return found._replace(bound=bound)

    def _of_group(self, objective: Objective, theta: Matrix) -> Point:
        return Proof(objective, OWN * self.tol).certify(objective.at(theta), np.float64)

    def _without_free_columns(self, free: FreeColumns, found: Point) -> float:
        """Return the bound whose dual point has no gradient in the free columns."""
        closing = free.closing(found.theta, self.objective.l2, found.gradient)
        if closing is None:
            return np.inf
        if closing.divergence == np.inf:
            return found.value  # F is never below 0
        l2 = self.objective.l2  # where it is 0 there is no gradient left, and no error
        seen = self.objective.with_l2(np.where(l2, l2, np.inf))
        return closing.divergence + seen.bound(np.abs(closing.left) + closing.error)

    def _with_intercepts(self, point: Point, dtype: Precision) -> Point:
        found = self.as_it_stands(point)
        if dtype is not np.float64:
            theta = point.theta
            if not self._nearly_closed(found):
                theta = self.intercepts.solve(theta, self._share(found), dtype)
            found = self.as_it_stands(self.objective.at(theta))
        if self._nearly_closed(found):
            return found
        theta = self.intercepts.solve(found.theta, self._share(found), np.float64)
        return self.as_it_stands(self.objective.at(theta))

    def as_it_stands(self, point: Point) -> Point:
        """Bound F's distance from the minimum at the intercepts that there are, in float64."""
        return point._replace(bound=closed_gap(self.objective, point))

    def _nearly_closed(self, found: Point) -> bool:
        """Whether `tol` is proven, or the intercepts are not what widens the bound."""
        if found.bound <= self.tol:
            return True
        return found.bound <= CLOSE * self.objective.bound(found.gradient)

    def _share(self, found: Point) -> float:
        """Return an ε whose part in `closed_gap` is a few hundredths of `tol`."""
        targets = self.objective.likelihood.survey.targets
        divergence, change = _towards(self.objective, found, targets)
        moved = math.sqrt(2.0 * self.objective.bound(change))
        share = min(self.tol / (divergence + TINY), math.sqrt(self.tol) / (moved + TINY))
        return min(CLOSED * share, LARGEST_SHARE)
