"""Weighted second moments of the rows: what every curvature of F is made of.

    M_m = Σ_i w_i c_m(p_i) x̃_i x̃_iᵀ

with factors c_m of the probabilities p_i: p_k (1 − p_k) for the block of class k alone,
p_k (δ_kl − p_l) for the classes k and l.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any, TypeGuard

import numpy as np

from .._types import Floats, Index, Matrix
from .rows import CentredRows, Rows
from .sums import added
from .value import exponentials, flushed, loss_and_gradient, probabilities
from .working import Chunk

Factors = Callable[[Floats], Floats]

# From so many on, the products x̃_ij x̃_il are worth forming once for all factors.
MANY_FACTORS = 8
# Classes up to which a product sums all others for less than nearly sure rows cost one by one.
FEW_CLASSES = 16
# 1 − p has lost digits that tell where it is less.
NEARLY_ONE = 1e-4
# Up to so many columns, half of a product saves no time.
NARROW = 24
# One factor after the other passes over the rows: a quarter of the entries stay near the processor.
PASSES = 4
CHUNK_ENTRIES = 2**20
# From so many rows on for every column, sums cost little beside the products that they add up.
ROWS_A_COLUMN = 4
# Rows of a sample that follow one another, and what spreads where they begin: every k-th row might
# meet a pattern, and a few long runs miss a class in rows that are sorted.
RUN = 64
GOLDEN = 0.6180339887498949


def sampled(chunk: Chunk, share: int) -> Chunk:
    """Return 1 / `share` of the rows, in runs, each begun somewhere in its part; all of them for 1."""
    n_rows = chunk.rows.n_rows
    if share == 1 or not n_rows:
        return chunk
    size = -(-n_rows // share)
    parts = np.arange(-(-size // RUN))
    run = -(-size // len(parts))
    width = n_rows // len(parts)
    begin = (chunk.place() + GOLDEN * parts) % 1.0 * (width - run + 1)
    first = parts * width + begin.astype(np.intp)
    return chunk.part((first[:, None] + np.arange(run)).ravel())


def class_variances(p: Floats) -> Floats:
    """p_k (1 − p_k), (K, b)."""
    return p * complements(p)


def complements(p: Floats) -> Floats:
    """1 − p, (K, b): of a class that has nearly all, the sum of the others, to all its digits.

    Where a class is told from the others in every row, what is left of 1 is all its curvature.
    """
    if len(p) == 2:
        return p[::-1]
    if len(p) <= FEW_CLASSES:
        return np.asarray(_others(len(p), p.dtype) @ p)
    rest = 1 - p
    if np.minimum.reduce(rest, axis=None, initial=1.0) < NEARLY_ONE:
        k, i = np.nonzero(rest < NEARLY_ONE)
        others = p[:, i]
        others[k, np.arange(len(i))] = 0.0
        rest[k, i] = np.add.reduce(others, axis=0)
    return rest


@lru_cache(maxsize=16)
def _others(n_classes: int, dtype: Any) -> Floats:
    """1 − I, which sums all classes but one."""
    return np.asarray(1 - np.eye(n_classes, dtype=dtype))


def class_covariances(p: Floats) -> Floats:
    """p_k (δ_kl − p_l) for k ≤ l < K, row after row of the triangle, (K, b) -> (K (K − 1) / 2, b).

    The last class is left out: its covariances follow from the others'.
    """
    if len(p) == 2:
        return p[:1] * p[1:]
    free, variances = p[:-1], class_variances(p)
    covariances = _triangle(free, -free)
    first = 0
    for k in range(len(free)):
        covariances[first] = variances[k]
        first += len(free) - k
    return covariances


def information(
    chunk: Chunk, theta: Matrix, factors: Factors, share: int = 1, exact: bool = True
) -> tuple[float, Matrix]:
    """Return Σ_i w_i and the M_m of the `factors`, (m, D, D), or their triangles (m, D (D + 1) / 2).

    `share` is that of `sampled`; the triangles are row after row, as `expanded` takes them. Products
    are made in float32 unless `exact`, sums over chunks in float64.
    """
    chunk = sampled(chunk, share)
    known = chunk.recalled("probabilities", (theta,))
    p = probabilities(chunk, theta) if known is None else known
    return chunk.total(), _weighted_moments(chunk, p, factors, theta.shape[1], exact)


def value_and_information(
    chunk: Chunk, theta: Matrix, order: Index, exact: bool
) -> tuple[float, Matrix, Matrix]:
    """Return `value`, and the M_m of `information` of all classes of `order` but its last.

    One reading, one softmax for both, of so few rows at a time that they stay near the processor.
    """
    n_factors, columns = _number(class_covariances, len(theta)), theta.shape[1]
    size = _rows_at_once(chunk.rows, n_factors, columns, signed=False)
    firsts = range(0, max(1, chunk.rows.n_rows), size)
    parts = (chunk.part(slice(first, first + size)) for first in firsts)
    return added(_of_part(part, theta, order, exact) for part in parts)


def _of_part(
    chunk: Chunk, theta: Matrix, order: Index, exact: bool
) -> tuple[float, Matrix, Matrix]:
    if not _is_thin(chunk.rows):
        chunk = chunk._replace(rows=chunk.rows.dense())
    losses, p, total = exponentials(chunk, theta)
    p *= 1 / total
    sums = _weighted_moments(chunk, p[order], class_covariances, theta.shape[1], exact)
    loss, gradient = loss_and_gradient(chunk, losses, p)
    return loss, gradient, sums


def _weighted_moments(
    chunk: Chunk, p: Floats, factors: Factors, columns: int, exact: bool
) -> Matrix:
    """Σ_i w_i c_m(p_i) x̃_i x̃_iᵀ."""
    p = flushed(p)

    def weighted(some: slice) -> Floats:
        c = factors(p[:, some])
        if chunk.weight is not None:
            c *= chunk.weight[some]
        return c if exact else c.astype(np.float32, copy=False)

    return moments(chunk.rows, weighted, _number(factors, len(p)), columns)


@lru_cache(maxsize=16)
def _number(factors: Factors, n_classes: int) -> int:
    """Return how many factors there are of so many classes."""
    return len(factors(np.full((n_classes, 1), 1.0 / n_classes)))


def moments(
    rows: Rows,
    factors: Callable[[slice], Floats],
    n_factors: int,
    columns: int,
    *,
    signed: bool = False,
) -> Matrix:
    """Return Σ_i c_mi x̃_i x̃_iᵀ as `information` does, of the `factors` (m, b) of some rows.

    `signed` factors change their sign from row to row.
    """
    size = _rows_at_once(rows, n_factors, columns, signed)
    if _is_thin(rows):
        return _thin_moments(rows, factors, n_factors, columns, size)
    products, _ = _fastest(n_factors, columns, signed)
    sums: Any = None
    for first in range(0, max(1, rows.n_rows), size):
        some = slice(first, first + size)
        c, values = factors(some), rows.part(some).dense().values
        part = products(c, values.astype(c.dtype, copy=False))
        sums = part.astype(np.float64, copy=False) if sums is None else np.add(sums, part, out=sums)
    return np.asarray(sums)


def _is_thin(rows: Rows) -> TypeGuard[CentredRows]:
    """Whether the moments of the rows are sparse products."""
    return isinstance(rows, CentredRows) and rows.is_thin


def _rows_at_once(rows: Rows, n_factors: int, columns: int, signed: bool) -> int:
    """Return how many rows stay near the processor with what is made of them."""
    if _is_thin(rows):
        return max(64, CHUNK_ENTRIES // n_factors)
    return _fastest(n_factors, columns, signed)[1]


def _thin_moments(
    rows: CentredRows,
    factors: Callable[[slice], Floats],
    n_factors: int,
    columns: int,
    size: int,
) -> Matrix:
    """Σ_i c_mi x̃_i x̃_iᵀ by sparse products, one for each m."""
    sums = np.zeros((n_factors, columns, columns))
    for first in range(0, rows.n_rows, size):
        some = slice(first, first + size)
        part = rows.part(some)
        for m, c in enumerate(factors(some)):
            sums[m] += part.moment(c)
    return sums


def second_moment(chunk: Chunk, share: int = 1) -> tuple[float, Matrix]:
    """Return Σ_i w_i and Σ_i w_i x̃_i x̃_iᵀ, (D, D), over a share of the rows."""
    chunk = sampled(chunk, share)
    values = chunk.rows.dense().values
    if chunk.weight is not None:
        values = values * np.sqrt(chunk.weight)[:, None]
    return chunk.total(), np.asarray(values.T @ values, np.float64)


def expanded(sums: Matrix, columns: int) -> Matrix:
    """Return (m, D, D), from the triangles where there is no more."""
    if sums.ndim == 3:
        return sums
    j, other = triangle_indices(columns)
    moments = np.empty((len(sums), columns, columns))
    moments[:, j, other] = moments[:, other, j] = sums
    return moments


@lru_cache(maxsize=8)
def triangle_indices(columns: int) -> tuple[Index, Index]:
    """Return the places j ≤ l of a square matrix, row after row."""
    return np.triu_indices(columns)


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


def _fastest(
    n_factors: int, columns: int, signed: bool
) -> tuple[Callable[[Floats, Floats], Floats], int]:
    """Return the fastest way to Σ_i c_mi x_i x_iᵀ, as measured, and how many rows at once it takes."""
    if n_factors >= max(MANY_FACTORS, columns // 2):
        return _packed, _rows_of(max(n_factors, columns * (columns + 1) // 2))
    if columns <= NARROW:
        return _stacked, _rows_of(n_factors * columns)
    enough = min(ROWS_A_COLUMN * columns, 2 * CHUNK_ENTRIES // columns)
    return _scaled if signed else _squared, max(enough, _rows_of(PASSES * (n_factors + columns)))


def _rows_of(entries: int) -> int:
    """Return how many rows of so many entries are made at once."""
    return max(64, CHUNK_ENTRIES // entries)


def _packed(c: Floats, values: Floats) -> Floats:
    """Σ_i c_mi x_i x_iᵀ, the products of columns being formed once for all m."""
    return c @ pair_products(np.ascontiguousarray(values.T)).T


def _stacked(c: Floats, values: Floats) -> Floats:
    """Σ_i c_mi x_i x_iᵀ as one product of the columns c_mi x_ij of all m."""
    columns = c[:, None, :] * np.ascontiguousarray(values.T)
    products = columns.reshape(len(c) * values.shape[1], len(values)) @ values
    return products.reshape(len(c), values.shape[1], values.shape[1])


def _squared(c: Floats, values: Floats) -> Floats:
    """Σ_i c_mi x_i x_iᵀ = ± Rᵀ R of the rows √|c_mi| x_i: BLAS then forms but one triangle.

    No factor changes its sign from row to row.
    """
    rows, sums = np.empty_like(values), _blank(c, values)
    for each, root in zip(sums, np.sqrt(np.abs(c)), strict=True):
        np.multiply(values, root[:, None], out=rows)
        np.matmul(rows.T, rows, out=each)
    sums *= np.sign(np.add.reduce(c, axis=1))[:, None, None]
    return sums


def _scaled(c: Floats, values: Floats) -> Floats:
    """Σ_i c_mi x_i x_iᵀ of the rows c_mi x_i, one m after the other."""
    rows, sums = np.empty_like(values), _blank(c, values)
    for each, scale in zip(sums, c, strict=True):
        np.multiply(values, scale[:, None], out=rows)
        np.matmul(rows.T, values, out=each)
    return sums


def _blank(c: Floats, values: Floats) -> Floats:
    return np.empty((len(c), values.shape[1], values.shape[1]), values.dtype)
