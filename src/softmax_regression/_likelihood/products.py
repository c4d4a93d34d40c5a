"""Products of rows with matrices of one row per class.

A softmax does not tell logits from those less the last one, and residuals sum to zero over
classes: both leave K − 1 rows to multiply by.
"""

from typing import Any

import numpy as np

from .._arrays import is_sparse
from .._types import Floats

# BLAS multiplies so few rows fastest one by one, and a few more by fours: five cost more than
# eight.
ONE_BY_ONE = 3
BY_FOURS = 16
# A matrix that is far from the processor is read once for all rows; three then are worth four.
FAR_BYTES = 2**22
# With fewer entries to multiply, what surrounds a product costs more.
MANY_ENTRIES = 5000
# Features from which on float32 multiplies faster with the rows first.
WIDE = 256


def relative_logits(weights: Floats, matrix: Any) -> Floats:
    """W Xᵀ, (K, d) -> (K, b); of few classes less the last one."""
    if not _few(weights, matrix):
        return _products(weights, matrix, np.empty((len(weights), matrix.shape[0]), weights.dtype))
    relative = _by_fours(weights[:-1] - weights[-1], matrix)
    logits = np.empty((max(len(weights), len(relative)), matrix.shape[0]), weights.dtype)
    _products(relative, matrix, logits[: len(relative)])
    logits[len(weights) - 1] = 0.0
    return logits[: len(weights)]


def closed_sums(residual: Floats, matrix: Any) -> Floats:
    """R X of residuals that sum to zero over classes, (K, b) -> (K, d)."""
    if not _few(residual, matrix):
        return weighted_sums(residual, matrix)
    sums = weighted_sums(residual[:-1], matrix)
    return np.concatenate([sums, -np.add.reduce(sums, axis=0)[None]])


def weighted_sums(factors: Floats, matrix: Any) -> Floats:
    """R X, (K, b) -> (K, d)."""
    if is_sparse(matrix):
        return np.ascontiguousarray((matrix.T @ factors.T).T)
    if _is_one_by_one(factors, matrix):
        sums = np.empty((len(factors), matrix.shape[1]), factors.dtype)
        for row, each in zip(sums, factors, strict=True):
            np.dot(each, matrix, out=row)
        return sums
    return np.asarray((_by_fours(factors, matrix) @ matrix)[: len(factors)])


def class_logits(weights: Floats, X: Floats, out: Floats) -> None:
    """Write W Xᵀ, classes first, (K, d) -> (K, b), into C-ordered `out`."""
    # BLAS multiplies wide rows of float32 up to twice as fast with the rows first.
    if X.dtype == np.float32 and X.shape[1] >= WIDE:
        out[...] = (X @ weights.T).T
    else:
        np.matmul(weights, X.T, out=out)


def totals(factors: Floats) -> Floats:
    """Σ_i factors_ki, (K, b) -> (K,)."""
    return factors @ np.ones(factors.shape[1], factors.dtype)


def _few(classes: Floats, matrix: Any) -> bool:
    """Whether a product of K − 1 rows is worth the arithmetic around it."""
    return len(classes) <= BY_FOURS and (is_sparse(matrix) or matrix.size >= MANY_ENTRIES)


def _products(weights: Floats, matrix: Any, out: Floats) -> Floats:
    """W Xᵀ, (K, d) -> (K, b), into `out`."""
    if is_sparse(matrix):
        out[...] = (matrix @ weights.T).T
    elif _is_one_by_one(weights, matrix):
        for row, each in zip(out, weights, strict=True):
            np.dot(matrix, each, out=row)
    else:
        class_logits(weights, matrix, out)
    return out


def _is_one_by_one(rows: Floats, matrix: Floats) -> bool:
    """Whether so few rows are multiplied by the matrix fastest one by one."""
    if len(rows) == ONE_BY_ONE and _is_far(matrix):
        return False
    return len(rows) <= ONE_BY_ONE and matrix.size >= MANY_ENTRIES


def _is_far(matrix: Any) -> bool:
    return not is_sparse(matrix) and matrix.nbytes >= FAR_BYTES


def filled_up(n_rows: int, *, is_far: bool = False) -> int:
    """Return of how many rows a product costs least: as many, or up to the next multiple of four."""
    least = ONE_BY_ONE + (not is_far)
    return n_rows + (-n_rows % 4 if least <= n_rows <= BY_FOURS else 0)


def _by_fours(rows: Floats, matrix: Any) -> Floats:
    """Append rows of zeros up to a multiple of four, of which a product with the matrix costs less."""
    size = filled_up(len(rows), is_far=_is_far(matrix))
    if size == len(rows):
        return rows
    filled = np.zeros((size, rows.shape[1]), rows.dtype)
    filled[: len(rows)] = rows
    return filled
