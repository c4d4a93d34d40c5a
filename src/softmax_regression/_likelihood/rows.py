"""Rows in working precision: seen through their coordinates, multiplied by one row per class."""

from typing import Any, Protocol

import numpy as np

from .._arrays import is_sparse
from .._types import Floats, Index, Matrix
from .coordinates import Coordinates
from .products import closed_sums, relative_logits, totals, weighted_sums
from .survey import repeated, slices
from .targets import RowIndex

# Of the squares of a sparse column: centring in float32 leaves no less.
LEAST_SQUARES = 1e-6
# Share of entries up to which a product with a sparse matrix beats one with the matrix filled in,
# and multiplications of that up to which it costs less than the call for sparse ones.
THIN = 0.1
LEAST_WORK = 4e6


def repeated_coordinates(n_rows: int, coordinates: Coordinates) -> Matrix:
    """Return μ, 1 / s and a scratch row as `standardised` takes them, each repeated."""
    centre, scale = coordinates.centre, coordinates.scale
    return repeated(n_rows, centre, 1.0 / scale, np.zeros(len(centre)))


def standardised(matrix: Floats, copies: Floats, n_columns: int, dtype: Any) -> Floats:
    """Return (x − μ) / s of dense rows, and a column of ones for an intercept, (b, D)."""
    d = matrix.shape[1]
    values = np.empty((len(matrix), n_columns), dtype)
    values[:, d:] = 1.0
    centres, inverses, scratch = copies
    for part in slices(len(matrix), len(scratch)):
        some = matrix[part]
        centred = scratch[: len(some)]
        np.subtract(some, centres[: len(some)], out=centred)
        np.multiply(centred, inverses[: len(some)], out=centred)
        values[part, :d] = centred
    return values


class Rows(Protocol):
    """b rows x̃_i, in working precision, and their products with matrices of K rows."""

    n_rows: int
    dtype: np.dtype[np.floating[Any]]

    @property
    def nbytes(self) -> int:
        """The memory that the rows take."""
        ...

    def logits(self, theta: Floats) -> Floats:
        """θ x̃_i, up to a shift common to all classes, (K, D) -> (K, b)."""
        ...

    def margins(self, theta: Floats) -> Floats:
        """Return x̃_i (θ_0 − θ_1) of two classes, (2, D) -> (b,)."""
        ...

    def gradient(self, residual: Floats) -> Floats:
        """Σ_i r_ki x̃_i of residuals that sum to zero over classes, (K, b) -> (K, D)."""
        ...

    def sums(self, factors: Floats) -> Floats:
        """Σ_i factors_ki x̃_i, (K, b) -> (K, D)."""
        ...

    def squares(self, factors: Floats) -> Floats:
        """Σ_i factors_ki x̃_ij², (K, b) -> (K, D)."""
        ...

    def part(self, rows: RowIndex) -> "Rows":
        """Return some of the rows."""
        ...

    def dense(self) -> "DenseRows":
        """Return the same rows, filled in."""
        ...

    def some(self, columns: Index) -> Floats:
        """Return some columns, filled in, (b, len(columns)); the last of all is the intercept's."""
        ...


class DenseRows:
    """The rows themselves, (b, D); the last column is one where there is an intercept."""

    __slots__ = ("dtype", "n_rows", "values")

    def __init__(self, values: Floats) -> None:
        self.values = values
        self.n_rows = len(values)
        self.dtype = values.dtype

    @property
    def nbytes(self) -> int:
        """The memory that the rows take."""
        return self.values.nbytes

    def logits(self, theta: Floats) -> Floats:
        """θ x̃_i, up to a shift common to all classes, (K, D) -> (K, b)."""
        return relative_logits(theta.astype(self.dtype, copy=False), self.values)

    def margins(self, theta: Floats) -> Floats:
        """Return x̃_i (θ_0 − θ_1) of two classes, (2, D) -> (b,)."""
        margins: Floats = self.values @ (theta[0] - theta[1]).astype(self.dtype, copy=False)
        return margins

    def gradient(self, residual: Floats) -> Floats:
        """Σ_i r_ki x̃_i of residuals that sum to zero over classes, (K, b) -> (K, D)."""
        return closed_sums(residual, self.values)

    def sums(self, factors: Floats) -> Floats:
        """Σ_i factors_ki x̃_i, (K, b) -> (K, D)."""
        return weighted_sums(factors, self.values)

    def squares(self, factors: Floats) -> Floats:
        """Σ_i factors_ki x̃_ij², (K, b) -> (K, D)."""
        return factors @ (self.values * self.values)

    def part(self, rows: RowIndex) -> "DenseRows":
        """Return some of the rows."""
        return DenseRows(self.values[rows])

    def dense(self) -> "DenseRows":
        """Return the rows."""
        return self

    def some(self, columns: Index) -> Floats:
        """Return some columns, (b, len(columns))."""
        return self.values[:, columns]


class CentredRows:
    """Rows (x − μ) / s of a matrix, dense or CSR-like, of which nothing is copied or filled in.

    (X − 1μᵀ) S⁻¹ Vᵀ = X (V S⁻¹)ᵀ − 1 (V S⁻¹ μ)ᵀ: centre and scale go to the parameters.
    """

    __slots__ = ("centre", "coordinates", "dtype", "matrix", "n_rows")

    def __init__(self, matrix: Any, coordinates: Coordinates) -> None:
        self.matrix = matrix
        self.n_rows = matrix.shape[0]
        self.dtype = matrix.dtype
        self.coordinates = coordinates
        self.centre = coordinates.centre.astype(self.dtype, copy=False)

    @property
    def nbytes(self) -> int:
        """The memory that the rows take: an index beside each entry of a sparse matrix."""
        entries = 2 * self.matrix.nnz if is_sparse(self.matrix) else self.matrix.size
        return int(entries * self.dtype.itemsize)

    def logits(self, theta: Floats) -> Floats:
        """θ x̃_i, up to a shift common to all classes, (K, D) -> (K, b)."""
        theta = theta.astype(self.dtype, copy=False)
        n_features = self.matrix.shape[1]
        weights = theta[:, :n_features] / self._scale
        logits = relative_logits(weights, self.matrix)
        if self.coordinates.fit_intercept:
            logits += theta[:, n_features:] - (weights @ self.centre)[:, None]
        return logits

    def margins(self, theta: Floats) -> Floats:
        """Return x̃_i (θ_0 − θ_1) of two classes, (2, D) -> (b,)."""
        change = (theta[0] - theta[1]).astype(self.dtype, copy=False)
        n_features = self.matrix.shape[1]
        weights = change[:n_features] / self._scale
        margins: Floats = self.matrix @ weights
        if self.coordinates.fit_intercept:
            margins += change[n_features] - weights @ self.centre
        return margins

    def gradient(self, residual: Floats) -> Floats:
        """Σ_i r_ki x̃_i of residuals that sum to zero over classes, (K, b) -> (K, D)."""
        return self._standardised(closed_sums(residual, self.matrix), totals(residual))

    def sums(self, factors: Floats) -> Floats:
        """Σ_i factors_ki x̃_i, (K, b) -> (K, D)."""
        return self._standardised(weighted_sums(factors, self.matrix), totals(factors))

    def squares(self, factors: Floats) -> Floats:
        """Σ_i factors_ki x̃_ij², (K, b) -> (K, D)."""
        squared = self.matrix.multiply(self.matrix) if is_sparse(self.matrix) else self.matrix**2
        squares, total = squared.T @ factors.T, totals(factors)
        if self.coordinates.fit_intercept:
            # Σ w (x − μ)² = Σ w x² − μ (2 Σ w x − μ Σ w), up to what rounding leaves of Σ w x².
            least = LEAST_SQUARES * squares
            centre = self.centre[:, None]
            squares -= centre * (2 * (self.matrix.T @ factors.T) - centre * total)
            np.maximum(squares, least, out=squares)
        return self._appended(squares.T / np.square(self._scale), total)

    @property
    def is_thin(self) -> bool:
        """Whether sparse products beat dense ones, and centring after them costs few digits."""
        if not is_sparse(self.matrix) or self.dtype != np.float64:
            return False
        if float(self.n_rows) * self.matrix.shape[1] ** 2 < LEAST_WORK:
            return False
        return bool(self.matrix.nnz <= THIN * self.n_rows * self.matrix.shape[1])

    def moment(self, factors: Floats) -> Floats:
        """Σ_i f_i x̃_i x̃_iᵀ of a sparse matrix, which stays sparse, (b,) -> (D, D).

        With an intercept Σ f x̃ x̃ᵀ = Σ f x xᵀ − s μᵀ − μ sᵀ + μ μᵀ Σ f, where s = Σ f x.
        """
        scaled = self.matrix.multiply(factors[:, None]).tocsr()
        moment = (self.matrix.T @ scaled).toarray()
        if not self.coordinates.fit_intercept:
            return np.asarray(moment)
        sums, total = self.matrix.T @ factors, factors.sum()
        centred = sums - total * self.centre
        moment -= np.outer(centred, self.centre) + np.outer(self.centre, sums)
        with_intercept = np.empty((self.coordinates.n_columns,) * 2, self.dtype)
        with_intercept[:-1, :-1] = moment
        with_intercept[-1, :-1] = with_intercept[:-1, -1] = centred
        with_intercept[-1, -1] = total
        return with_intercept

    def part(self, rows: RowIndex) -> "CentredRows":
        """Return some of the rows."""
        return CentredRows(self.matrix[rows], self.coordinates)

    def dense(self) -> DenseRows:
        """Return the same rows, filled in: for few columns, or few rows at a time."""
        if is_sparse(self.matrix):
            return DenseRows(self.some(np.arange(self.coordinates.n_columns)))
        copies = repeated_coordinates(self.n_rows, self.coordinates)
        return DenseRows(standardised(self.matrix, copies, self.coordinates.n_columns, self.dtype))

    def some(self, columns: Index) -> Floats:
        """Return some columns, filled in, (b, len(columns))."""
        inner = columns < self.matrix.shape[1]
        features = columns[inner]
        values = np.ones((self.n_rows, len(columns)), self.dtype)
        chosen = self.matrix[:, features]
        # A product with the identity is what every sparse library has.
        filled = chosen @ np.eye(len(features), dtype=self.dtype) if is_sparse(chosen) else chosen
        scale = self._scale if is_sparse(chosen) else self.coordinates.scale[features]
        values[:, inner] = (filled - self.centre[features]) / scale
        return values

    @property
    def _scale(self) -> Any:
        """s; of sparse rows 1, in their own precision."""
        return 1.0 if is_sparse(self.matrix) else self.coordinates.scale

    def _standardised(self, sums: Floats, total: Floats) -> Floats:
        """Σ_i r_ki x̃_i from Σ_i r_ki x_i and Σ_i r_ki."""
        if self.coordinates.fit_intercept:
            sums -= total[:, None] * self.centre
        return self._appended(sums / self._scale, total)

    def _appended(self, columns: Floats, intercept: Floats) -> Floats:
        appended = np.empty((columns.shape[0], self.coordinates.n_columns), self.dtype)
        appended[:, : columns.shape[1]] = columns
        if self.coordinates.fit_intercept:
            appended[:, -1] = intercept
        return appended
