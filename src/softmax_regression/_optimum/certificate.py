"""The proof: a dual feasible point near the probabilities, and the gap to it, all in float64.

For l2 > 0 any distributions q_i with Σ_i w_i (q_i − t_i) = 0 bound the distance from the minimum
(weak duality; Shalev-Shwartz and Zhang, 2014, Proximal SDCA, arXiv 1309.2375):

    F(W, b) − F* ≤ mean KL(q_i ‖ p_i) + ‖∂F/∂W at q‖² / (2 l2)

At the intercepts that are optimal for W, q = p is feasible, and the first term is zero. Near them
q_i = (1 − ε) p_i + ε s is, where s is the one distribution that closes the sum (`closed_gap`).
"""

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .lbfgs import Memory
from .passes import Value, evaluate, flushed, softmax
from .standardised import CACHE_BYTES, Block, Floats, Standardised

INTERCEPT_STEPS = 60
# The matrix of a Newton step is kept while a step leaves less than this of the gradient.
SERVES = 0.5
# Up to EXACT a mean probability less its mean target is the rounding of its sum, and nothing is to
# be gained; up to INEXACT it moves no more of the bound than F's own rounding. In float32 both are
# SINGLE times as large.
EXACT = 1e-15
INEXACT = 1e-13
SINGLE = 1e7
TINY = 1e-300
# Intercepts are not solved for where they widen the bound by less than this factor, and solved
# to this part of `tol` where they are.
CLOSE = 1.1
CLOSED = 0.02


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
    if not penalty.all():
        return np.inf
    weights = gradient[:, :n_features]
    gap = 0.5 * float(np.vdot(weights, weights / penalty))
    return gap if np.isfinite(gap) else np.inf


def closed_gap(
    rows: Standardised,
    penalty: NDArray[np.float64],
    parameters: NDArray[np.float64],
    value: Value,
) -> float:
    """Return a proven bound on F − F* where the intercepts are only nearly optimal.

    With the mean targets t̄, the mean probabilities p̄ and r = p̄ − t̄, the smallest ε for which
    s = p̄ − r / ε has no negative entry is max_k r_k / p̄_k. By convexity the divergence is at most
    ε mean KL(s ‖ p_i), and the gradient moves by ε E, E_kj the mean of (s_k − p_ik) x̃_ij, with
    Σ_k E_kj² ≤ 2 mean x̃_ij². What is left to classes without targets, at most INEXACT, goes to the
    others.
    """
    gap = duality_gap(value.gradient, penalty, rows.n_features)
    if not (rows.fit_intercept and math.isfinite(gap)):
        return gap
    residual = value.gradient[:, -1]
    if np.abs(residual).max() <= EXACT:
        return gap
    targets = rows.mean_targets()
    mean = targets + residual
    absent = targets <= 0.0
    share = float((residual[~absent] / mean[~absent]).max())
    if not share < 1.0 or mean[absent].max(initial=0.0) > INEXACT:
        return np.inf
    spread = rows.root_mean_squares()
    moved = share * math.sqrt(float((spread**2 / penalty[: rows.n_features]).sum()))
    return (math.sqrt(gap) + moved) ** 2 + share * _largest_divergence(parameters, spread)


def _largest_divergence(parameters: NDArray[np.float64], spread: NDArray[np.float64]) -> float:
    """Bound on mean KL(s ‖ p_i) for every distribution s: log K + 2 mean max_k |z_ik|.

    The mean over i of max_k |V_k x̃_i| is at most (Σ_k mean (V_k x̃_i)²)^½, and (mean (V_k x̃_i)²)^½
    at most Σ_j |V_kj| (mean x̃_ij²)^½.
    """
    intercept = parameters[:, -1]
    sizes = np.abs(parameters[:, :-1]) @ spread
    centred = np.abs(intercept - intercept.mean()).max()
    return math.log(len(parameters)) + 2.0 * float(centred + np.sqrt(sizes @ sizes))


def certify(
    rows: Standardised,
    penalty: NDArray[np.float64],
    parameters: NDArray[np.float64],
    tol: float,
    value: Value | None = None,
) -> Certificate:
    """Evaluate F in float64 and bound its distance from the minimum, at most by `tol` if possible.

    `value` is F at `parameters` where a float64 pass was just made there. Elsewhere the intercepts
    are solved for in float32, and in float64 where that is what the proof lacks.
    """
    share = _share_for(rows, penalty, parameters, tol) if rows.fit_intercept else 0.0
    if value is None:
        if rows.fit_intercept:
            parameters = exact_intercept(rows, parameters, share, np.float32)
        value = evaluate(rows, penalty, parameters, np.float64)
    gap = closed_gap(rows, penalty, parameters, value)
    if not gap <= max(tol, CLOSE * duality_gap(value.gradient, penalty, rows.n_features)):
        parameters = exact_intercept(rows, parameters, share)
        value = evaluate(rows, penalty, parameters, np.float64)
        gap = closed_gap(rows, penalty, parameters, value)
    return Certificate(parameters, value, gap)


def _share_for(
    rows: Standardised, penalty: NDArray[np.float64], parameters: NDArray[np.float64], tol: float
) -> float:
    """Return an ε whose part in `closed_gap` is a few hundredths of `tol`."""
    penalty = penalty[: rows.n_features]
    if not penalty.all():
        return 0.0
    spread = rows.root_mean_squares()
    moved = math.sqrt(float((spread**2 / penalty).sum()))
    return CLOSED * min(tol / _largest_divergence(parameters, spread), math.sqrt(tol) / moved)


def exact_intercept(
    rows: Standardised,
    parameters: NDArray[np.float64],
    share: float = 0.0,
    dtype: type[np.floating[Any]] = np.float64,
) -> NDArray[np.float64]:
    """Return (V, c) with the c that minimises F for this V, as far as rows in `dtype` tell.

    With a `share` > 0 the mean probabilities need only be at most that share above the mean
    targets.
    """
    parameters = parameters.copy()
    parameters[:, -1] += _intercept_correction(_Logits(rows, parameters, dtype), share)
    return parameters


def _intercept_correction(logits: "_Logits", share: float) -> NDArray[np.float64]:
    """Newton's method on the K intercepts, the weights held; L-BFGS while a matrix serves.

    A step that was too long is taken back for one of generalised iterative scaling, which always
    lowers F: c_k += log(t_k / p_k) of the mean targets and probabilities (Darroch and Ratcliff,
    1972, Annals of Mathematical Statistics 43(5), theorem 1; here each feature is a constant).
    """
    targets = logits.rows.mean_targets()
    shift = best = scaling = at_best = np.zeros(len(targets))
    unit = 1.0 if logits.dtype is np.float64 else SINGLE
    least, scaled = np.inf, False
    memory = Memory(np.copy, np.float64)
    for _ in range(INTERCEPT_STEPS):
        mean, inverse = _intercept_moments(logits, shift, curved=math.isinf(least))
        gradient = mean - targets
        size = float(np.abs(gradient).max())
        if size < least or scaled:
            if size <= unit * EXACT or (gradient <= share * mean).all():
                best = shift
                break
            if size > SERVES * least:
                _, inverse = _intercept_moments(logits, shift, curved=True)
            if inverse is not None:
                memory = Memory(inverse.dot, np.float64)
            else:
                memory.add(shift - best, gradient - at_best)
            best, least, scaled, at_best = shift, size, False, gradient
            scaling = np.log(np.maximum(targets, TINY) / np.maximum(mean, TINY))
            shift = shift + memory.direction(gradient)
        elif least <= unit * INEXACT:
            break
        else:
            shift, scaled = best + scaling, True
    return np.asarray(best - best.mean())


class _Logits:
    """Blocks with their logits (K, b) in `dtype`, kept while they fit the cache."""

    def __init__(
        self,
        rows: Standardised,
        parameters: NDArray[np.float64],
        dtype: type[np.floating[Any]],
    ) -> None:
        self.rows, self.parameters, self.dtype = rows, parameters, dtype
        fits = np.dtype(dtype).itemsize * rows.n_rows * rows.n_classes <= CACHE_BYTES
        self.kept = list(self._compute()) if fits else None

    def _compute(self) -> Iterator[tuple[Block, Floats]]:
        for block in self.rows.blocks(self.dtype):
            yield block, block.rows.logits(self.parameters)

    def probabilities(self, shift: NDArray[np.float64]) -> Iterator[tuple[Block, Floats]]:
        """Blocks with softmax(z + shift), (K, b)."""
        for block, logits in self._compute() if self.kept is None else self.kept:
            yield block, softmax(logits + shift[:, None].astype(self.dtype))


def _intercept_moments(
    logits: _Logits, shift: NDArray[np.float64], *, curved: bool
) -> tuple[NDArray[np.float64], NDArray[np.float64] | None]:
    """Mean probabilities (K,), and the inverse of the Hessian (K, K) where it is `curved`."""
    mean = np.zeros(len(shift))
    products = np.zeros((len(shift), len(shift)))
    for block, p in logits.probabilities(shift):
        mean += p.sum(axis=1) if block.weight is None else p @ block.weight
        if curved:
            # A step needs few digits of the matrix; the gradient decides where Newton ends.
            root = flushed(p.astype(np.float32))
            if block.weight is not None:
                root *= np.sqrt(block.weight).astype(np.float32)
            products += root @ root.T
    total = logits.rows.total
    inverse = _intercept_inverse(products / total) if curved else None
    return mean / total, inverse


def _intercept_inverse(products: NDArray[np.float64]) -> NDArray[np.float64]:
    """Inverse of the mean of diag(p) − p pᵀ on vectors of zero sum, from the mean of p pᵀ."""
    hessian = -products
    # The rows of diag(p) − p pᵀ sum to zero, which also cleans the float32 rounding.
    np.fill_diagonal(hessian, 0.0)
    np.fill_diagonal(hessian, -hessian.sum(axis=1))
    # The ones vector spans the kernel; a multiple of 11ᵀ makes the matrix regular.
    level = float(np.trace(hessian)) / len(hessian)
    ridge = 1e-12 * level * np.eye(len(hessian)) + 1e-300
    return np.asarray(np.linalg.inv(hessian + level + ridge))
