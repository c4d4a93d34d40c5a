"""The proof: exact intercepts, then the duality gap, all in float64.

For l2 > 0 the dual point q_i = p_i(W, b) is feasible when Σ_i w_i (p_i − t_i) = 0, that is,
when the intercepts are optimal for W; then F(W, b) − D(q) = ‖∂F/∂W‖² / (2 l2), an upper bound
on F − F* (weak duality; Shalev-Shwartz and Zhang, 2014, Proximal SDCA, arXiv 1309.2375).
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .passes import Value, evaluate, softmax_in_place
from .standardised import CACHE_BYTES, Block, Floats, Standardised

INTERCEPT_STEPS = 30
ROUNDING = 2e-16


class Certificate(NamedTuple):
    """A point (K, D), F and its gradient there, and a proven bound on F − F*."""

    parameters: NDArray[np.float64]
    value: Value
    gap: float


def duality_gap(
    gradient: NDArray[np.float64], penalty: NDArray[np.float64], n_features: int
) -> float:
    """Σ_kj g_kj² / (2 penalty_j) over the weights; infinite without a penalty."""
    penalty = penalty[:n_features]
    if not penalty.all():
        return np.inf
    weights = gradient[:, :n_features]
    gap = 0.5 * float(np.vdot(weights, weights / penalty))
    return gap if np.isfinite(gap) else np.inf


def certify(
    rows: Standardised, penalty: NDArray[np.float64], parameters: NDArray[np.float64]
) -> Certificate:
    """Solve the intercepts, evaluate F in float64 and bound its distance from the minimum."""
    if rows.fit_intercept:
        parameters = parameters.copy()
        parameters[:, -1] += _intercept_correction(rows, parameters)
    value = evaluate(rows, penalty, parameters, np.float64)
    return Certificate(parameters, value, duality_gap(value.gradient, penalty, rows.n_features))


def _intercept_correction(
    rows: Standardised, parameters: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Newton's method on the K intercepts, the weights held; the matrix is kept while it serves."""
    logits = _Logits(rows, parameters)
    shift = np.zeros(rows.n_classes)
    best, least = shift, np.inf
    inverse: NDArray[np.float64] | None = None
    for _ in range(INTERCEPT_STEPS):
        gradient = _intercept_gradient(rows, logits, shift)
        size = float(np.abs(gradient).max())
        if not size < least:
            break
        if inverse is None or size > 0.1 * least:
            inverse = _intercept_inverse(rows, logits, shift)
        best, least = shift, size
        if size <= ROUNDING:
            break
        shift = shift - inverse @ gradient
    return np.asarray(best - best.mean())


class _Logits:
    """Blocks with their float64 logits (K, b), kept while they fit the cache."""

    def __init__(self, rows: Standardised, parameters: NDArray[np.float64]) -> None:
        self.rows = rows
        self.parameters = parameters
        fits = 8 * rows.n_rows * rows.n_classes <= CACHE_BYTES
        self.kept = list(self._compute()) if fits else None

    def _compute(self) -> Iterator[tuple[Block, Floats]]:
        for block in self.rows.blocks(np.float64):
            yield block, block.rows.logits(self.parameters)

    def probabilities(self, shift: NDArray[np.float64]) -> Iterator[tuple[Block, Floats]]:
        """Blocks with softmax(z + shift), (K, b)."""
        for block, logits in self._compute() if self.kept is None else self.kept:
            p = logits + shift[:, None]
            p -= np.maximum.reduce(p, axis=0)
            softmax_in_place(p)
            yield block, p


def _intercept_gradient(
    rows: Standardised, logits: _Logits, shift: NDArray[np.float64]
) -> NDArray[np.float64]:
    """(1 / Σ w) Σ_i w_i (p_i − t_i), shape (K,)."""
    gradient = np.zeros(rows.n_classes)
    for block, p in logits.probabilities(shift):
        block.targets.subtract_from(p)
        gradient += p.sum(axis=1) if block.weight is None else p @ block.weight
    return gradient / rows.total


def _intercept_inverse(
    rows: Standardised, logits: _Logits, shift: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Inverse of (1 / Σ w) Σ_i w_i (diag(p_i) − p_i p_iᵀ) on vectors of zero sum, (K, K)."""
    hessian = np.zeros((rows.n_classes, rows.n_classes))
    for block, p in logits.probabilities(shift):
        # A step needs few digits of the matrix; the gradient decides where Newton ends.
        root = p.astype(np.float32)
        if block.weight is not None:
            root *= np.sqrt(block.weight).astype(np.float32)
        hessian -= root @ root.T
    # The rows of diag(p) − p pᵀ sum to zero, which also cleans the float32 rounding.
    np.fill_diagonal(hessian, 0.0)
    np.fill_diagonal(hessian, -hessian.sum(axis=1))
    hessian /= rows.total
    # The ones vector spans the kernel; a multiple of 11ᵀ makes the matrix regular.
    level = float(np.trace(hessian)) / len(hessian)
    ridge = 1e-12 * level * np.eye(len(hessian)) + 1e-300
    return np.asarray(np.linalg.inv(hessian + level + ridge))
