"""Leave-one-out without refits: one Newton step on F without a row, as that row alone sees it.

With S = Σ w_i, r_i = p_i − t_i and A_i = diag(p_i) − p_i p_iᵀ, leaving row i out is an identity,

    (S − w_i) F₋ᵢ = S F − w_i (CE_i + ½ l2 ‖W‖²)

so that at θ the gradient and the Hessian of (S − w_i) F₋ᵢ are those of S F, less a term of the row:

    S ∇F − w_i (r_i x̃_iᵀ + l2 θ P)        G − w_i A_i ⊗ x̃_i x̃_iᵀ

P keeps the penalised columns, and G has the penalty (S − w_i) l2. With Woodbury's identity the
step changes the row's logits by

    (I − w_i M_i A_i)⁻¹ (w_i (M_i r_i + V x̃_i) − U x̃_i)
    M_i = (I ⊗ x̃_iᵀ) G⁻¹ (I ⊗ x̃_i)    V = G⁻¹ (l2 θ P)    U = G⁻¹ (S ∇F)

One G serves all rows, with S − Σ w_i² / S for S − w_i: exact where all weights are equal. The terms
in V and U are ours; without them this is the approximate cross-validation of Rad and Maleki (2020,
Journal of the Royal Statistical Society B 82(4)).
"""

from typing import NamedTuple

import numpy as np

from .._likelihood.information import CHUNK_ENTRIES, MANY_FACTORS, pair_products, triangle_indices
from .._likelihood.survey import slices
from .._likelihood.value import softmax
from .._likelihood.working import Chunk
from .._types import Floats, Index, Matrix, Vector


class Step(NamedTuple):
    """What a row needs to know of the step, which changes the logits of C `classes`.

    `theta` is (K, D), `share` V and `left` U are (C, D), and `forms` the blocks k ≤ l of G⁻¹:
    (pairs, D, D), or (pairs, D (D + 1) / 2) as `packed` returns them.
    """

    theta: Matrix
    classes: Index
    forms: Matrix
    share: Matrix
    left: Matrix


def step_of(
    theta: Matrix, classes: Index, inverse: Matrix, penalty_slope: Matrix, gradient: Matrix
) -> Step:
    """Return the step from G⁻¹ (C, D, C, D), l2 θ P and S ∇F (C, D)."""
    k, other = triangle_indices(len(classes))
    blocks = inverse[k, :, other]
    if len(k) >= max(MANY_FACTORS, theta.shape[1] // 2):
        blocks = packed(blocks)
    apply = inverse.reshape(gradient.size, -1)
    share = (apply @ penalty_slope.ravel()).reshape(gradient.shape)
    return Step(theta, classes, blocks, share, (apply @ gradient.ravel()).reshape(gradient.shape))


def packed(blocks: Matrix) -> Matrix:
    """Return the coefficients of x_j x_m, j ≤ m, in xᵀ B x, (pairs, D, D) -> (pairs, D (D + 1) / 2)."""
    j, other = triangle_indices(blocks.shape[1])
    sums = blocks[:, j, other] + blocks[:, other, j]
    sums[:, j == other] *= 0.5
    return np.asarray(sums)


def without_own_row(
    chunk: Chunk, step: Step, with_leverage: bool
) -> tuple[list[Floats], list[Vector]]:
    """Return the logits (b, K) of every row after a step away from it, and the rows' leverages (b,).

    The leverage is the largest eigenvalue of w_i M_i A_i, below 1; it is empty where nobody asks.
    Lists, whose sums over chunks are longer lists.
    """
    logits = chunk.rows.logits(step.theta)
    p = softmax(logits.copy())
    residual = p.copy()
    chunk.targets.subtract_from(residual)
    weight, classes = chunk.weights(), step.classes
    leverage = np.zeros(len(weight) if with_leverage else 0)
    entries = max(step.forms[0].size, 2 * len(classes) ** 2, step.theta.shape[1])
    for rows in slices(len(weight), max(16, CHUNK_ENTRIES // entries)):
        values = chunk.rows.part(rows).dense().values
        M = weight[rows, None, None] * quadratic_forms(values, step)
        own = p[classes, rows].T
        system = (M @ own[:, :, None]) * own[:, None] - M * own[:, None]
        diagonal = np.arange(len(classes))
        system[:, diagonal, diagonal] += 1.0
        right = (M @ residual[classes, rows].T[:, :, None])[:, :, 0]
        right += weight[rows, None] * (values @ step.share.T) - values @ step.left.T
        logits[classes, rows] += _solved(system, right).T
        if with_leverage:
            leverage[rows] = leverages(M, p[:, rows].T, classes)
    return [np.ascontiguousarray(logits.T)], [leverage]


def _solved(systems: Matrix, right: Matrix) -> Matrix:
    """Solve a system for each row, (b, C, C) and (b, C) -> (b, C); NaN where there is no solution."""
    try:
        return np.asarray(np.linalg.solve(systems, right[:, :, None])[:, :, 0])
    except np.linalg.LinAlgError:
        systems[np.linalg.det(systems) == 0.0] = np.nan
        return np.asarray(np.linalg.solve(systems, right[:, :, None])[:, :, 0])


def quadratic_forms(values: Floats, step: Step) -> Matrix:
    """M_i of some rows, (b, D) -> (b, C, C)."""
    if step.forms.ndim == 2:
        pairs = step.forms @ pair_products(np.ascontiguousarray(values.T))
    else:
        pairs = np.stack([np.einsum("bj,bj->b", values @ form, values) for form in step.forms])
    k, other = triangle_indices(len(step.classes))
    M = np.empty((len(values), len(step.classes), len(step.classes)))
    M[:, k, other] = M[:, other, k] = pairs.T
    return M


def leverages(M: Matrix, p: Floats, classes: Index) -> Vector:
    """Return the largest eigenvalue of M_i A_i, (b,).

    That of the symmetric B M_i Bᵀ with B_ck = √p_k (δ_ck − √p_k √p_c): A_i = Bᵀ B.
    """
    root = np.sqrt(p)
    B = -root[:, :, None] * p[:, None, classes]
    B[:, classes, np.arange(len(classes))] += root[:, classes]
    return np.asarray(np.linalg.eigvalsh(B @ M @ B.transpose(0, 2, 1))[:, -1])
