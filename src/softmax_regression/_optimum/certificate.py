"""The proof: exact intercepts, then the duality gap, all in float64.

For l2 > 0 the dual point q_i = p_i(W, b) is feasible when Σ_i w_i (p_i − t_i) = 0, that is,
when the intercepts are optimal for W; then F(W, b) − D(q) = ‖∂F/∂W‖² / (2 l2), an upper bound
on F − F* (weak duality; Shalev-Shwartz and Zhang, 2014, Proximal SDCA, arXiv 1309.2375).
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .lbfgs import Memory
from .passes import Value, evaluate, flushed, softmax_in_place
from .standardised import CACHE_BYTES, Block, Floats, Standardised

INTERCEPT_STEPS = 60
# The matrix of a Newton step is kept while a step leaves less than this of the gradient.
SERVES = 0.5
# An intercept gradient r moves the bound by at most ‖r‖ ‖c − c*‖: nothing up to EXACT, where no
# correction is worth a pass, and more than the rounding of F above INEXACT: no proof.
EXACT = 1e-15
INEXACT = 1e-13
TINY = 1e-300


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
    rows: Standardised,
    penalty: NDArray[np.float64],
    parameters: NDArray[np.float64],
    value: Value | None = None,
) -> Certificate:
    """Solve the intercepts, evaluate F in float64 and bound its distance from the minimum.

    `value` is F at `parameters` where a float64 pass was just made there.
    """
    exact = value is not None and float(np.abs(value.gradient[:, -1]).max()) <= EXACT
    if rows.fit_intercept and not exact:
        parameters = exact_intercept(rows, parameters)
        value = None
    if value is None:
        value = evaluate(rows, penalty, parameters, np.float64)
    gap = duality_gap(value.gradient, penalty, rows.n_features)
    if rows.fit_intercept and not np.abs(value.gradient[:, -1]).max() <= INEXACT:
        gap = np.inf
    return Certificate(parameters, value, gap)


def exact_intercept(rows: Standardised, parameters: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (V, c) with the c that minimises F for this V."""
    parameters = parameters.copy()
    parameters[:, -1] += _intercept_correction(rows, parameters)
    return parameters


def _intercept_correction(
    rows: Standardised, parameters: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Newton's method on the K intercepts, the weights held; L-BFGS while a matrix serves.

    A step that was too long is taken back for one of generalised iterative scaling, which always
    lowers F: c_k += log(t_k / p_k) of the mean targets and probabilities (Darroch and Ratcliff,
    1972, Annals of Mathematical Statistics 43(5), theorem 1; here each feature is a constant).
    """
    logits = _Logits(rows, parameters)
    shift = best = np.zeros(rows.n_classes)
    least, scaled = np.inf, False
    scaling = best
    memory, at_best = Memory(), best
    inverse: NDArray[np.float64] | None = None
    for _ in range(INTERCEPT_STEPS):
        gradient, mean = _intercept_gradient(rows, logits, shift)
        size = float(np.abs(gradient).max())
        if size < least or scaled:
            if size <= EXACT:
                best = shift
                break
            if inverse is None or size > SERVES * least:
                inverse = _intercept_inverse(rows, logits, shift)
                memory.clear()
            else:
                memory.add(shift - best, gradient - at_best)
            best, least, scaled, at_best = shift, size, False, gradient
            scaling = np.log(np.maximum(mean - gradient, TINY) / np.maximum(mean, TINY))
            shift = shift + memory.direction(gradient, inverse.dot)
        elif least <= INEXACT:
            break
        else:
            shift, scaled = best + scaling, True
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
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(1 / Σ w) Σ_i w_i (p_i − t_i) and the mean of p alone, both (K,)."""
    gradient, mean = np.zeros(rows.n_classes), np.zeros(rows.n_classes)
    for block, p in logits.probabilities(shift):
        mean += p.sum(axis=1) if block.weight is None else p @ block.weight
        block.targets.subtract_from(p)
        gradient += p.sum(axis=1) if block.weight is None else p @ block.weight
    return gradient / rows.total, mean / rows.total


def _intercept_inverse(
    rows: Standardised, logits: _Logits, shift: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Inverse of (1 / Σ w) Σ_i w_i (diag(p_i) − p_i p_iᵀ) on vectors of zero sum, (K, K)."""
    hessian = np.zeros((rows.n_classes, rows.n_classes))
    for block, p in logits.probabilities(shift):
        # A step needs few digits of the matrix; the gradient decides where Newton ends.
        root = flushed(p.astype(np.float32))
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
