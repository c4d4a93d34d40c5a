"""Products with the Hessian of the data term, and its diagonals, without forming it.

H = Σ_i w_i (diag(p_i) − p_i p_iᵀ) ⊗ x̃_i x̃_iᵀ
"""

from itertools import pairwise
from typing import Any

import numpy as np

from .._types import Floats, Index, Matrix, Precision, Vector
from .information import class_variances, sampled
from .sums import Largest
from .value import probabilities, softmax
from .working import Chunk

CHUNK_ENTRIES = 2**20


def product(chunk: Chunk, theta: Matrix, direction: Matrix) -> tuple[Floats]:
    """Return H v for a direction v, (K, D), with the probabilities at θ."""
    p = _kept_probabilities(chunk, theta)
    change = chunk.rows.logits(direction)
    change -= np.einsum("kb,kb->b", p, change)
    change *= p
    if chunk.weight is not None:
        change *= chunk.weight
    return (chunk.rows.gradient(change),)


def tilt(chunk: Chunk, theta: Matrix, direction: Matrix) -> tuple[Floats, Largest, Vector]:
    """Return H v, the largest share that v takes of a probability, and the terms' squares (K,).

    These are Σ_i w_i ((p_ik − t_ik)² + p_ik² δ_ik²) of what a gradient and H v are sums of. To first
    order p_ik grows by p_ik δ_ik with δ_i = Δ_i − ⟨p_i, Δ_i⟩ where the logits grow by Δ_i.
    """
    p, growth = _kept_probabilities(chunk, theta), chunk.rows.logits(direction)
    growth -= np.einsum("kb,kb->b", p, growth)
    share = Largest(-growth.min(initial=0.0))
    growth *= p
    residual = p.copy()
    chunk.targets.take_from(residual)
    squares = (residual**2 + growth**2) @ chunk.weights()
    return chunk.rows.gradient(growth * chunk.weights()), share, squares


def diagonal(chunk: Chunk, theta: Matrix) -> tuple[Floats]:
    """Return the diagonal of H, (K, D)."""
    p = _kept_probabilities(chunk, theta)
    variances = class_variances(p)
    if chunk.weight is not None:
        variances *= chunk.weight
    return (chunk.rows.squares(variances),)


def free_matrix(
    chunk: Chunk, theta: Matrix, free: Index, share: float, exact: bool
) -> tuple[float, Matrix]:
    """Return Σ w_i and H on some coefficients, by their flat places in (K, D).

    Over all rows in float64 if `exact`; otherwise over a random share, with
    products in float32.
    """
    sample = _drawn(chunk, share)
    classes, columns = np.divmod(free, theta.shape[1])
    total, matrix = 0.0, np.zeros((len(free), len(free)))
    size = max(1, CHUNK_ENTRIES // max(1, len(free)))
    used, place = np.unique(columns, return_inverse=True)
    for first in range(0, len(sample), size):
        part = sample[first : first + size]
        rows, weight = chunk.rows.part(part), None if chunk.weight is None else chunk.weight[part]
        total += len(part) if weight is None else float(weight.sum())
        p = softmax(rows.logits(theta))
        root = np.sqrt(class_variances(p))
        if weight is not None:
            p *= np.sqrt(weight)
            root *= np.sqrt(weight)
        dtype: Precision = np.float64 if exact else np.float32
        own = rows.some(used).astype(dtype, copy=False)[:, place]
        mixed = own * p.astype(dtype, copy=False)[classes].T
        products = mixed.T @ mixed
        own *= root.astype(dtype, copy=False)[classes].T
        for begin, end in pairwise(np.searchsorted(classes, np.arange(len(p) + 1))):
            products[begin:end, begin:end] = -(own[:, begin:end].T @ own[:, begin:end])
        matrix -= products
    return total, matrix


def _drawn(chunk: Chunk, share: float) -> Index:
    """Return that share of the row indices, drawn at random: every k-th might meet a pattern."""
    rows = np.arange(chunk.rows.n_rows)
    if share >= 1.0:
        return rows
    return np.sort(chunk.generator().choice(rows, max(1, int(share * len(rows))), replace=False))


def column_squares(chunk: Chunk, share: int) -> tuple[float, Matrix]:
    """Return Σ_i w_i and Σ_i w_i x̃_ij², (1, D), over a share of the rows."""
    chunk = sampled(chunk, share)
    squares = chunk.rows.squares(chunk.weights()[None])
    return chunk.total(), squares.astype(np.float64)


def spread(
    chunk: Chunk, theta: Matrix, axes: Floats | None, share: int
) -> tuple[float, Matrix, Any]:
    """Return Σ w_i, Σ s_ik (x̃_iᵀ u_j)² along some axes, (K, D), and Σ s_ik x̃_i with an intercept.

    s_ik = w_i p_ik (1 − p_ik). The axes u are the columns of a matrix (D, D), None: the features.
    """
    whole, chunk = chunk, sampled(chunk, share)
    variances = class_variances(probabilities(chunk, theta))
    if chunk.weight is not None:
        variances *= chunk.weight
    if axes is None:
        squares = chunk.rows.squares(variances)
    else:
        squares = variances @ whole.kept("squares", (axes,), lambda: _squares(chunk, axes))
    first = chunk.rows.sums(variances).astype(np.float64)
    return chunk.total(), squares.astype(np.float64), first


def _squares(chunk: Chunk, axes: Floats) -> Floats:
    along = chunk.rows.dense().values @ axes
    np.square(along, out=along)
    return np.asarray(along)


def _kept_probabilities(chunk: Chunk, theta: Matrix) -> Floats:
    return chunk.kept("probabilities", (theta,), lambda: probabilities(chunk, theta))
