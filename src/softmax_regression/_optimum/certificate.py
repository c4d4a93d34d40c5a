"""The proof: a dual feasible point near the probabilities, and the gap to it, all in float64.

For l2 > 0 any distributions q_i with Σ_i w_i (q_i − t_i) = 0 bound the distance from the minimum
(weak duality; Shalev-Shwartz and Zhang, 2014, Proximal SDCA, arXiv 1309.2375):

    F(W, b) − F* ≤ mean KL(q_i ‖ p_i) + ‖∂F/∂W at q‖² / (2 l2)

At the intercepts that are optimal for W, q = p is feasible, and the first term is zero. Near them
q_i = (1 − ε) p_i + ε s is, where s is the one distribution that closes the sum (`closed_gap`), and
both terms follow from F and its gradient. In columns of huge spread the second term takes another
dual point (`free_columns`).
"""

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .free_columns import FreeColumns
from .intercepts import EXACT, INEXACT, TINY, Intercepts
from .passes import Value, evaluate
from .standardised import Standardised

# Intercepts are not solved for where they widen the bound by less than this factor, and solved
# to this part of `tol` where they are.
CLOSE = 1.1
CLOSED = 0.02
LARGEST_SHARE = 0.5


class Certificate(NamedTuple):
    """A point (K, D), F and its gradient there, and a proven bound on F − F*."""

    parameters: NDArray[np.float64]
    value: Value
    gap: float


def duality_gap(
    gradient: NDArray[np.float64], penalty: NDArray[np.float64], n_features: int
) -> float:
    """Σ_kj g_kj² / (2 penalty_j) over the weights, at optimal intercepts; infinite without a penalty."""
    penalty = penalty[:n_features]
    if not np.minimum.reduce(penalty, initial=np.inf) > 0.0:
        return np.inf
    weights = gradient[:, :n_features]
    gap = 0.5 * float(np.einsum("kj,kj->j", weights, weights) @ (1.0 / penalty))
    return gap if math.isfinite(gap) else np.inf


def closed_gap(
    rows: Standardised,
    penalty: NDArray[np.float64],
    parameters: NDArray[np.float64],
    value: Value,
) -> float:
    """Return a proven bound on F − F* where the intercepts are only nearly optimal.

    With the mean targets t̄, the mean probabilities p̄ and r = p̄ − t̄, the smallest ε for which
    s = p̄ − r / ε has no negative entry is max_k r_k / p̄_k. By convexity the divergence is at most
    ε mean KL(s ‖ p_i). What is left to classes without targets, at most INEXACT, goes to the
    others.
    """
    gap = duality_gap(value.gradient, penalty, rows.n_features)
    if not (rows.fit_intercept and math.isfinite(gap)):
        return gap
    residual = value.gradient[:, -1]
    if np.abs(residual).max() <= EXACT:
        return gap
    targets = rows.mean_targets
    present = targets > 0.0
    mean = np.where(present, targets + residual, 0.0)
    if residual[~present].max(initial=0.0) > INEXACT:
        return np.inf
    mean += (1.0 - mean.sum()) * targets
    residual = mean - targets
    share = float((residual[present] / mean[present]).max())
    if not 0.0 < share < 1.0:
        return gap if share <= 0.0 else np.inf
    shared = np.maximum(mean - residual / share, 0.0)
    divergence, change = _towards(rows, penalty, parameters, value, shared)
    moved = value.gradient[:, : rows.n_features] + share * change
    return share * divergence + duality_gap(moved, penalty, rows.n_features)


def _towards(
    rows: Standardised,
    penalty: NDArray[np.float64],
    parameters: NDArray[np.float64],
    value: Value,
    shared: NDArray[np.float64],
) -> tuple[float, NDArray[np.float64]]:
    """Mean KL(s ‖ p_i), and E_kj, the mean of (s_k − p_ik) x̃_ij (K, d), for a distribution s.

    Both follow from F and its gradient: with the mean M of t_i x̃_iᵀ, the mean of p_i x̃_iᵀ is M
    plus the data term's gradient, and the mean of log p_ik is V_k x̄ less the mean of lse(z_i),
    which is the loss plus ⟨M, V⟩.
    """
    M = rows.mean_target_rows
    mean_row = np.add.reduce(M, axis=0)
    shrinkage = penalty * parameters
    loss = value.objective - 0.5 * float(np.vdot(shrinkage, parameters))
    mean_log = parameters @ mean_row - (loss + float(np.vdot(M, parameters)))
    used = shared > 0.0
    divergence = float(shared[used] @ (np.log(shared[used]) - mean_log[used]))
    change = np.outer(shared, mean_row) - (value.gradient - shrinkage + M)
    return max(divergence, 0.0), change[:, : rows.n_features]


class Proof:
    """Bounds F − F* of one problem, at most by `tol` if possible."""

    def __init__(self, rows: Standardised, penalty: NDArray[np.float64], tol: float) -> None:
        self.rows, self.penalty, self.tol = rows, penalty, tol
        self.intercepts = Intercepts(rows)
        penalised = bool(penalty[: rows.n_features].all())
        self.free = FreeColumns.of(rows, penalty, tol) if penalised else None
        self.seen = penalty if self.free is None else self.free.raised(penalty, hidden=True)

    def expected(self, value: Value) -> float:
        """Return the bound that there would be at exact intercepts: an estimate."""
        return duality_gap(value.gradient, self.seen, self.rows.n_features)

    def certify(
        self, parameters: NDArray[np.float64], value: Value, dtype: type[np.floating[Any]]
    ) -> Certificate:
        """Evaluate F in float64 and bound its distance from the minimum, at intercepts that allow it.

        `value` is F at `parameters` by a pass in `dtype`. The intercepts are solved for only where
        they are what the proof lacks, and first of all by passes in `dtype`; free columns are
        closed where that is not enough.
        """
        found = self._with_intercepts(parameters, value, dtype)
        if self.free is None or found.gap <= self.tol:
            return found
        raised = self.free.raised(self.penalty, hidden=False)
        if duality_gap(found.value.gradient, raised, self.rows.n_features) > self.tol:
            return found
        return found._replace(gap=min(found.gap, self._without_free_columns(self.free, found)))

    def _without_free_columns(self, free: FreeColumns, found: Certificate) -> float:
        """Return the bound whose dual point has no gradient in the free columns."""
        closing = free.close(found.parameters, self.penalty, found.value.gradient)
        if closing is None:
            return np.inf
        size = np.abs(found.value.gradient + closing.change) + closing.slack
        left = self.penalty * np.abs(closing.step) + np.sqrt(self.penalty) * closing.slack
        size[:, free.places] = left[:, free.places]
        return closing.divergence + duality_gap(size, self.penalty, self.rows.n_features)

    def _with_intercepts(
        self, parameters: NDArray[np.float64], value: Value, dtype: type[np.floating[Any]]
    ) -> Certificate:
        found = self._at(parameters, value)
        if dtype is not np.float64:
            if not self._nearly_closed(found):
                parameters = self.intercepts.solve(parameters, self._share(found), dtype)
            found = self._evaluated(parameters)
        if self._nearly_closed(found):
            return found
        parameters = self.intercepts.solve(found.parameters, self._share(found), np.float64)
        return self._evaluated(parameters)

    def _evaluated(self, parameters: NDArray[np.float64]) -> Certificate:
        return self._at(parameters, evaluate(self.rows, self.penalty, parameters, np.float64))

    def _at(self, parameters: NDArray[np.float64], value: Value) -> Certificate:
        return Certificate(
            parameters, value, closed_gap(self.rows, self.penalty, parameters, value)
        )

    def _nearly_closed(self, found: Certificate) -> bool:
        """Whether `tol` is proven, or the intercepts are not what widens the bound."""
        if found.gap <= self.tol:
            return True
        gap = duality_gap(found.value.gradient, self.penalty, self.rows.n_features)
        return found.gap <= CLOSE * gap

    def _share(self, found: Certificate) -> float:
        """Return an ε whose part in `closed_gap` is a few hundredths of `tol`."""
        targets = self.rows.mean_targets
        divergence, change = _towards(
            self.rows, self.penalty, found.parameters, found.value, targets
        )
        moved = math.sqrt(2.0 * duality_gap(change, self.penalty, self.rows.n_features))
        share = min(self.tol / (divergence + TINY), math.sqrt(self.tol) / (moved + TINY))
        return min(CLOSED * share, LARGEST_SHARE)
