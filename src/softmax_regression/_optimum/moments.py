"""Mean weighted second moments of the rows: what every dense Hessian of F is made of.

    M_m = (1 / Σ w) Σ_i w_i c_m(p_i) x̃_i x̃_iᵀ

with factors c_m of the probabilities p_i: p_k (1 − p_k) for the block of class k alone,
p_k (δ_kl − p_l) for the classes k and l.
"""

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from .arrays import Floats
from .passes import flushed, probabilities, softmax
from .rows import Block, CentredRows, DenseRows, Rows
from .standardised import Standardised

Factors = Callable[[Floats], Floats]
Blocks = Callable[[Standardised, type[np.floating[Any]]], Iterator[Block]]

# Above this many rows a random eighth is enough to approximate a Hessian.
SAMPLED_ROWS = 50_000
SHARE = 8
# Of a column's mean square: less in a sample is no chance.
MISSED = 0.5
# From so many on, the products x̃_ij x̃_il are worth forming once for all factors.
MANY_FACTORS = 8
# Up to so many columns, half of a product saves no time.
NARROW = 24
CHUNK_ENTRIES = 2**20


def n_sampled(n_rows: int) -> int:
    """How many of the rows a Hessian is made of."""
    return n_rows if n_rows <= SAMPLED_ROWS else n_rows // SHARE


def sampled(rows: Standardised, dtype: type[np.floating[Any]]) -> Iterator[Block]:
    """All blocks, or a run of each, begun at random, where rows are many."""
    if rows.n_rows <= SAMPLED_ROWS:
        yield from rows.blocks(dtype)
        return
    generator = np.random.default_rng(0)
    for block in rows.blocks(dtype):
        size = -(-block.rows.n_rows // SHARE)
        first = int(generator.integers(block.rows.n_rows - size + 1))
        yield block.part(slice(first, first + size))


def missed(rows: Standardised, dtype: type[np.floating[Any]]) -> NDArray[np.float64]:
    """Return the unit mean square of the columns that a sample of the rows misses, (D,), else 0.

    The few rows that tell such a column from a constant are not in the sample.
    """
    if n_sampled(rows.n_rows) == rows.n_rows:
        return np.zeros(rows.n_columns)
    seen = second_moment(rows, dtype).diagonal()
    return np.where(seen < MISSED, 1.0 - seen, 0.0)


def dense_values(block: Block) -> Floats:
    """Return the rows (b, D) of a dense block."""
    if not isinstance(block.rows, DenseRows):
        message = "this curvature needs dense rows"
        raise TypeError(message)
    return block.rows.values


def filled(rows: Rows) -> DenseRows:
    """Return the rows as dense ones."""
    return rows.dense() if isinstance(rows, CentredRows) else cast("DenseRows", rows)


def class_variances(p: Floats) -> Floats:
    """p_k (1 − p_k), (K, b)."""
    return p * (1 - p)


def class_covariances(p: Floats) -> Floats:
    """p_k (δ_kl − p_l) for k ≤ l, row after row of the triangle, (K, b) -> (K (K + 1) / 2, b)."""
    covariances = _triangle(p, -p)
    first = 0
    for k in range(len(p)):
        covariances[first] += p[k]
        first += len(p) - k
    return covariances


def pair_products(rows: Floats) -> Floats:
    """r_j r_l for j ≤ l, row after row of the triangle, (D, b) -> (D (D + 1) / 2, b)."""
    return _triangle(rows, rows)


def _triangle(left: Floats, right: Floats) -> Floats:
    size, n_columns = left.shape
    products = np.empty((size * (size + 1) // 2, n_columns), left.dtype)
    first = 0
    for j in range(size):
        np.multiply(left[j], right[j:], out=products[first : first + size - j])
        first += size - j
    return products


def mean_moments(
    rows: Standardised,
    parameters: NDArray[np.float64],
    dtype: type[np.floating[Any]],
    factors: Factors,
    n_factors: int,
    *,
    blocks: Blocks = sampled,
) -> NDArray[np.float64]:
    """M_m for each of `n_factors`, (m, D, D), at `parameters` (K, D) from `blocks` in `dtype`."""
    common = common_probabilities(rows, parameters)
    if common is not None and not rows.sparse:
        return factors(common)[:, :, None] * second_moment(rows, dtype, blocks)
    total, sums = 0.0, np.zeros(1)
    for block in blocks(rows, dtype):
        p = flushed(probabilities(block, parameters))
        sums = sums + _sums(block, p, factors, n_factors, rows.n_columns)
        total += block.total()
    return _expanded(sums / total, rows.n_columns)


def common_probabilities(rows: Standardised, parameters: NDArray[np.float64]) -> Floats | None:
    """Return the probabilities (K, 1) of every row where there are no weights yet."""
    if parameters[:, : rows.n_features].any():
        return None
    return softmax(rows.intercept(parameters)[:, None])


def second_moment(
    rows: Standardised, dtype: type[np.floating[Any]], blocks: Blocks = sampled
) -> NDArray[np.float64]:
    """(1 / Σ w) Σ_i w_i x̃_i x̃_iᵀ over some of the rows, (D, D)."""
    total, sums = 0.0, np.zeros((rows.n_columns, rows.n_columns))
    for block in blocks(rows, dtype):
        values = dense_values(block)
        if block.weight is not None:
            values = values * np.sqrt(block.weight)[:, None]
        sums += values.T @ values
        total += block.total()
    return np.asarray(sums / total)


def _sums(
    block: Block, p: Floats, factors: Factors, n_factors: int, columns: int
) -> NDArray[np.float64]:
    """Σ_i w_i c_m(p_i) x̃_i x̃_iᵀ, (m, D, D), or the triangles j ≤ l alone, (m, D (D + 1) / 2)."""
    products, entries = _fastest(n_factors, columns)
    chunk = max(64, CHUNK_ENTRIES // max(entries, n_factors))
    sums: Any = 0.0
    for first in range(0, block.rows.n_rows, chunk):
        rows = slice(first, first + chunk)
        c = factors(p[:, rows])
        if block.weight is not None:
            c *= block.weight[rows]
        values = filled(block.rows.part(rows)).values
        sums = sums + products(c, values).astype(np.float64)
    return np.asarray(sums)


def _fastest(n_factors: int, columns: int) -> tuple[Callable[[Floats, Floats], Floats], int]:
    """Return the fastest way to Σ_i c_mi x_i x_iᵀ, as measured, and the entries it makes of a row."""
    if n_factors >= max(MANY_FACTORS, columns // 2):
        return _packed, columns * (columns + 1) // 2
    return _stacked if columns <= NARROW else _squared, n_factors * columns


def _packed(c: Floats, values: Floats) -> Floats:
    """Σ_i c_mi x_i x_iᵀ, the products of columns being formed once for all m."""
    return c @ pair_products(np.ascontiguousarray(values.T)).T


def _stacked(c: Floats, values: Floats) -> Floats:
    """Σ_i c_mi x_i x_iᵀ as one product of the columns c_mi x_ij of all m."""
    columns = (c[:, None, :] * np.ascontiguousarray(values.T)).reshape(-1, len(values))
    return (columns @ values).reshape(len(c), values.shape[1], -1)


def _squared(c: Floats, values: Floats) -> Floats:
    """Σ_i c_mi x_i x_iᵀ = ± Rᵀ R of the rows √|c_mi| x_i: BLAS then forms but one triangle.

    No factor changes its sign from row to row.
    """
    rows = np.sqrt(np.abs(c))[:, :, None] * values
    sums = np.matmul(rows.transpose(0, 2, 1), rows)
    sums *= np.sign(np.add.reduce(c, axis=1))[:, None, None]
    return np.asarray(sums)


def _expanded(sums: NDArray[np.float64], columns: int) -> NDArray[np.float64]:
    """(m, D, D), from the triangles where there is no more."""
    if sums.ndim == 3:
        return sums
    j, other = triangle_indices(columns)
    moments = np.empty((len(sums), columns, columns))
    moments[:, j, other] = moments[:, other, j] = sums
    return moments


@lru_cache(maxsize=8)
def triangle_indices(columns: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the places j ≤ l of a square matrix, row after row."""
    return np.triu_indices(columns)
