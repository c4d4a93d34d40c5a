"""Blocks of rows in working precision, and their products with matrices of one row per class.

A softmax does not tell logits from those less the last one, and residuals sum to zero over
classes: both leave K − 1 rows to multiply by.
"""

from typing import Any, NamedTuple, Protocol

import numpy as np

from .._arrays import is_sparse
from .._objective import class_logits
from .._targets import Targets
from .arrays import Floats

# BLAS multiplies so few rows fastest one by one, and a few more by fours: five cost more than
# eight.
ONE_BY_ONE = 3
BY_FOURS = 16
# With fewer entries to multiply, what surrounds a product costs more.
MANY_ENTRIES = 5000
# Of the squares of a sparse column: centring in float32 leaves no less.
LEAST_SQUARES = 1e-6


class Rows(Protocol):
    """A block of b rows x̃_i and its products with matrices of K rows."""

    n_rows: int
    dtype: np.dtype[np.floating[Any]]

    def logits(self, parameters: Floats) -> Floats:
        """V x̃_i, up to a shift common to all classes, (K, D) -> (K, b)."""
        ...

    def gradient(self, residual: Floats) -> Floats:
        """Σ_i r_ki x̃_i of residuals that sum to zero over classes, (K, b) -> (K, D)."""
        ...

    def sums(self, weights: Floats) -> Floats:
        """Σ_i weights_ki x̃_i, (K, b) -> (K, D)."""
        ...

    def squares(self, weights: Floats) -> Floats:
        """Σ_i weights_ki x̃_ij², (K, b) -> (K, D)."""
        ...

    def part(self, rows: slice) -> "Rows": ...


class DenseRows:
    """b rows (b, D); the last column is one where there is an intercept."""

    __slots__ = ("dtype", "n_rows", "values")

    def __init__(self, values: Floats) -> None:
        self.values = values
        self.n_rows = len(values)
        self.dtype = values.dtype

    def logits(self, parameters: Floats) -> Floats:
        """V x̃_i, up to a shift common to all classes, (K, D) -> (K, b)."""
        return relative_logits(parameters.astype(self.dtype, copy=False), self.values)

    def gradient(self, residual: Floats) -> Floats:
        """Σ_i r_ki x̃_i of residuals that sum to zero over classes, (K, b) -> (K, D)."""
        return closed_sums(residual, self.values)

    def sums(self, weights: Floats) -> Floats:
        """Σ_i weights_ki x̃_i, (K, b) -> (K, D)."""
        return weighted_sums(weights, self.values)

    def squares(self, weights: Floats) -> Floats:
        """Σ_i weights_ki x̃_ij², (K, b) -> (K, D)."""
        return weights @ (self.values * self.values)

    def part(self, rows: slice) -> "DenseRows":
        """Return some of the rows."""
        return DenseRows(self.values[rows])


class CentredRows:
    """b rows (x − μ) / s of a matrix, dense or CSR-like, of which nothing is copied or filled in.

    (X − 1μᵀ) S⁻¹ Vᵀ = X (V S⁻¹)ᵀ − 1 (V S⁻¹ μ)ᵀ: centre and scale go to the parameters.
    """

    __slots__ = ("centre", "dtype", "matrix", "n_rows", "scale", "with_intercept")

    def __init__(
        self, matrix: Any, with_intercept: bool, centre: Floats | None = None, scale: Any = 1.0
    ) -> None:
        self.matrix = matrix
        self.n_rows = matrix.shape[0]
        self.dtype = matrix.dtype
        self.with_intercept = with_intercept
        self.centre = None if centre is None else centre.astype(self.dtype, copy=False)
        self.scale = scale

    def logits(self, parameters: Floats) -> Floats:
        """V x̃_i, up to a shift common to all classes, (K, D) -> (K, b)."""
        parameters = parameters.astype(self.dtype, copy=False)
        n_features = self.matrix.shape[1]
        weights = parameters[:, :n_features] / self.scale
        logits = relative_logits(weights, self.matrix)
        offset = parameters[:, n_features:]
        if self.centre is not None:
            offset = offset - (weights @ self.centre)[:, None]
        if offset.size:
            logits += offset
        return logits

    def gradient(self, residual: Floats) -> Floats:
        """Σ_i r_ki x̃_i of residuals that sum to zero over classes, (K, b) -> (K, D)."""
        return self._standardised(closed_sums(residual, self.matrix), _totals(residual))

    def sums(self, weights: Floats) -> Floats:
        """Σ_i weights_ki x̃_i, (K, b) -> (K, D)."""
        return self._standardised(weighted_sums(weights, self.matrix), _totals(weights))

    def squares(self, weights: Floats) -> Floats:
        """Σ_i weights_ki x̃_ij² of a sparse matrix, (K, b) -> (K, D)."""
        squares, total = self.matrix.multiply(self.matrix).T @ weights.T, _totals(weights)
        if self.centre is not None:
            # Σ w (x − μ)² = Σ w x² − μ (2 Σ w x − μ Σ w), up to what rounding leaves of Σ w x².
            least = LEAST_SQUARES * squares
            centre = self.centre[:, None]
            squares -= centre * (2 * (self.matrix.T @ weights.T) - centre * total)
            np.maximum(squares, least, out=squares)
        return self._appended(squares.T, total)

    def dense(self) -> DenseRows:
        """Return the same rows, filled in: for few columns or few rows at a time."""
        n_features = self.matrix.shape[1]
        values = np.ones((self.n_rows, n_features + self.with_intercept), self.dtype)
        values[:, :n_features] = self.matrix @ np.eye(n_features, dtype=self.dtype)
        if self.centre is not None:
            values[:, :n_features] -= self.centre
        values[:, :n_features] /= self.scale
        return DenseRows(values)

    def part(self, rows: slice) -> "CentredRows":
        """Return some of the rows."""
        return CentredRows(self.matrix[rows], self.with_intercept, self.centre, self.scale)

    def _standardised(self, sums: Floats, total: Floats) -> Floats:
        """Σ_i r_ki x̃_i from Σ_i r_ki x_i and Σ_i r_ki."""
        if self.centre is not None:
            sums -= total[:, None] * self.centre
        return self._appended(sums / self.scale, total)

    def _appended(self, columns: Floats, intercept: Floats) -> Floats:
        appended = np.empty((columns.shape[0], columns.shape[1] + self.with_intercept), self.dtype)
        appended[:, : columns.shape[1]] = columns
        if self.with_intercept:
            appended[:, -1] = intercept
        return appended


def relative_logits(weights: Floats, matrix: Any) -> Floats:
    """W Xᵀ, (K, d) -> (K, b); of few classes less the last one."""
    if not _few(weights, matrix):
        return _products(weights, matrix, np.empty((len(weights), matrix.shape[0]), weights.dtype))
    relative = _by_fours(weights[:-1] - weights[-1])
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


def weighted_sums(weights: Floats, matrix: Any) -> Floats:
    """R X, (K, b) -> (K, d)."""
    if is_sparse(matrix):
        return np.ascontiguousarray((matrix.T @ weights.T).T)
    if len(weights) <= ONE_BY_ONE and matrix.size >= MANY_ENTRIES:
        sums = np.empty((len(weights), matrix.shape[1]), weights.dtype)
        for row, each in zip(sums, weights, strict=True):
            np.dot(each, matrix, out=row)
        return sums
    return np.asarray((_by_fours(weights) @ matrix)[: len(weights)])


def _totals(weights: Floats) -> Floats:
    """Σ_i weights_ki, (K, b) -> (K,)."""
    return weights @ np.ones(weights.shape[1], weights.dtype)


def _few(classes: Floats, matrix: Any) -> bool:
    """Whether a product of K − 1 rows is worth the arithmetic around it."""
    return len(classes) <= BY_FOURS and (is_sparse(matrix) or matrix.size >= MANY_ENTRIES)


def _products(weights: Floats, matrix: Any, out: Floats) -> Floats:
    """W Xᵀ, (K, d) -> (K, b), into `out`."""
    if is_sparse(matrix):
        out[...] = (matrix @ weights.T).T
    elif len(weights) > ONE_BY_ONE or matrix.size < MANY_ENTRIES:
        class_logits(weights, matrix, out)
    else:
        for row, each in zip(out, weights, strict=True):
            np.dot(matrix, each, out=row)
    return out


def _by_fours(matrix: Floats) -> Floats:
    """Append rows of zeros up to a multiple of four, of which a product costs less."""
    missing = -len(matrix) % 4
    if not (missing and ONE_BY_ONE < len(matrix) <= BY_FOURS):
        return matrix
    filled = np.zeros((len(matrix) + missing, matrix.shape[1]), matrix.dtype)
    filled[: len(matrix)] = matrix
    return filled


class Block(NamedTuple):
    """Rows with their targets and, unless uniform, their weights (b,) in working precision."""

    rows: Rows
    targets: Targets
    weight: Floats | None

    def weights(self) -> Floats:
        """w_i, also where they are uniform, (b,)."""
        return np.ones(self.rows.n_rows, self.rows.dtype) if self.weight is None else self.weight

    def total(self) -> float:
        """Σ_i w_i."""
        if self.weight is None:
            return float(self.rows.n_rows)
        return float(self.weight.sum(dtype=np.float64))

    def part(self, rows: slice) -> "Block":
        """Return some of the rows."""
        weight = None if self.weight is None else self.weight[rows]
        return Block(self.rows.part(rows), self.targets.take(rows), weight)


def raw_block(X: Any, targets: Targets, weight: Floats | None, fit_intercept: bool) -> Block:
    """Return rows as they are, in float64, with a column of ones for the intercept."""
    if is_sparse(X):
        return Block(CentredRows(X.astype(np.float64), fit_intercept), targets, weight)
    values = np.ones((X.shape[0], X.shape[1] + fit_intercept))
    values[:, : X.shape[1]] = X
    return Block(DenseRows(values), targets, weight)
