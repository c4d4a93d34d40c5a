"""Products with the Hessian of the data term, and its diagonals, without forming it.

H = Σ_i w_i (diag(p_i) − p_i p_iᵀ) ⊗ x̃_i x̃_iᵀ
"""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np

from .._types import Floats, Index, Matrix, Precision, Vector
from .information import class_variances, sampled
from .rows import Rows
from .sums import Largest
from .survey import slices
from .targets import RowIndex
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
    classes, columns = np.divmod(free, theta.shape[1])
    bounds = np.searchsorted(classes, np.arange(len(theta) + 1))
    blocks = [(k, slice(*ends)) for k, ends in enumerate(pairwise(bounds)) if ends[0] < ends[1]]
    used, place = (columns, None) if len(blocks) < 2 else np.unique(columns, return_inverse=True)
    dtype: Precision = np.float64 if exact else np.float32
    total, matrix = 0.0, np.zeros((len(free), len(free)))
    for part in _parts(chunk, share, max(1, CHUNK_ENTRIES // max(1, len(free)))):
        rows, weight = chunk.rows.part(part), None if chunk.weight is None else chunk.weight[part]
        total += rows.n_rows if weight is None else float(weight.sum())
        p = _probabilities_of(chunk, part, rows, theta)
        root = np.sqrt(class_variances(p))
        if weight is not None:
            scale = np.sqrt(weight)
            p, root = p * scale, root * scale
        own = rows.some(used) if len(used) < theta.shape[1] else rows.dense().values
        own = own.astype(dtype, copy=False)
        if place is not None:
            own = own[:, place]
        products = _across_classes(own, p.astype(dtype, copy=False), blocks)
        for k, block in blocks:
            scaled = own[:, block] * root[k].astype(dtype, copy=False)[:, None]
            np.matmul(scaled.T, scaled, out=products[block, block])
        matrix += products
    return total, matrix


def _across_classes(own: Floats, p: Floats, blocks: list[tuple[int, slice]]) -> Floats:
    """−Σ_i p_ik p_il x̃_ij x̃_im of the coefficients (k, j) and (l, m); what is of one class is not set."""
    if len(blocks) < 2:
        return np.empty((own.shape[1],) * 2, own.dtype)
    mixed = np.empty_like(own)
    for k, block in blocks:
        np.multiply(own[:, block], p[k][:, None], out=mixed[:, block])
    products = mixed.T @ mixed
    return np.negative(products, out=products)


def _probabilities_of(chunk: Chunk, part: RowIndex, rows: Rows, theta: Matrix) -> Floats:
    """Return the probabilities of a part of the chunk, which are known if it is cut and not drawn."""
    if isinstance(part, slice):
        return _kept_probabilities(chunk, theta)[:, part]
    return softmax(rows.logits(theta))


def _parts(chunk: Chunk, share: float, size: int) -> Iterator[RowIndex]:
    """Yield all rows or that share of them, `size` at a time.

    They are drawn at random: every k-th might meet a pattern.
    """
    n_rows = chunk.rows.n_rows
    if share >= 1.0:
        yield from slices(n_rows, size)
        return
    drawn = chunk.generator().choice(n_rows, max(1, int(share * n_rows)), replace=False)
    drawn.sort()
    for part in slices(len(drawn), size):
        yield drawn[part]


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
