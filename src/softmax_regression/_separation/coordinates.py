"""Columns of unit spread, the constant last, and an orthonormal system of the rows of a sample."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .._arrays import is_sparse
from .._likelihood.logits import row_blocks
from .._parameters import Parameters
from .._types import Features, Index
from .pairs import Matrix
from .result import Contrast

# Roundings of the entries up to which a combination of columns is 0.
ROUNDINGS = 64.0
# Mean squares along every axis from which columns of unit spread need no others.
WELL = 1e-4
EPS = float(np.finfo(np.float64).eps)


class Columns(NamedTuple):
    """x̃ = (x − μ) / s, and a 1 for the intercept; centred only where there is one.

    Of the columns `among` all `n_features`, (d,).
    """

    centre: NDArray[np.float64]
    scale: NDArray[np.float64]
    fit_intercept: bool
    among: Index
    n_features: int

    @staticmethod
    def of(sample: Matrix, X: Features, fit_intercept: bool, among: Index) -> "Columns":
        """Return the mean and spread in the sample (m, d), or in all rows where that has none."""
        centre, scale = np.zeros(sample.shape[1]), np.ones(sample.shape[1])
        first = sample[0]
        if fit_intercept:
            # From the first row: a column without spread has no rounding then.
            centre = first + (sample - first).mean(axis=0)
        spread = np.sqrt(((sample - centre) ** 2).mean(axis=0))
        if not spread.all():
            spread = np.where(spread > 0, spread, _farthest(X, centre, among))
        scale[spread > 0] = spread[spread > 0]
        return Columns(centre, scale, fit_intercept, among, X.shape[1])

    def rows(self, X: Features) -> Matrix:
        """Return x̃, shape (m, D)."""
        rows = (dense(X, self.among) - self.centre) / self.scale
        return np.column_stack([rows, np.ones(len(rows))]) if self.fit_intercept else rows

    def sizes(self, X: Features) -> Matrix:
        """Return the sizes (m, D) of what x̃ is computed from, whose rounding it carries."""
        sizes = (np.abs(dense(X, self.among)) + np.abs(self.centre)) / self.scale
        return np.column_stack([sizes, np.ones(len(sizes))]) if self.fit_intercept else sizes

    def inward(self, fit: Parameters) -> Matrix:
        """Turn W and b into coordinates of x̃, (K, D)."""
        weights = fit.weights[:, self.among]
        slopes = weights * self.scale
        if not self.fit_intercept:
            return np.asarray(slopes, np.float64)
        return np.column_stack([slopes, fit.intercept + weights @ self.centre])

    def outward(self, directions: Matrix) -> tuple[Matrix, NDArray[np.float64]]:
        """Turn directions (q, K, D) into the caller's columns times s, and say what is 0 there (D,).

        A slope stays itself; the intercept is b = c − W μ.
        """
        columns = directions.shape[2]
        smallest = np.full(columns, 1e-9)
        if not self.fit_intercept:
            return directions, smallest
        outward = directions.copy()
        shift = self.centre / self.scale
        outward[:, :, -1] -= directions[:, :, :-1] @ shift
        smallest[-1] *= 1.0 + np.abs(shift).sum()
        return outward, smallest

    def named(self, contrasts: tuple[Contrast, ...]) -> tuple[Contrast, ...]:
        """Return contrasts of these columns with their places among all columns."""
        places = [*map(int, self.among), self.n_features]
        return tuple(each._replace(feature=places[each.feature]) for each in contrasts)


def _farthest(X: Features, centre: NDArray[np.float64], among: Index) -> NDArray[np.float64]:
    """Return max_i |x_ij − μ_j|."""
    farthest = np.zeros(len(centre))
    for rows in row_blocks(X.shape[0], 8 * len(centre)):
        np.maximum(farthest, np.abs(dense(X[rows], among) - centre).max(axis=0), out=farthest)
    return farthest


def dense(X: Any, among: Index) -> Matrix:
    """Return the columns `among` all of some rows, CSR or not, as a float64 array."""
    if not is_sparse(X):
        chosen = X if len(among) == X.shape[1] else X[:, among]
        return np.asarray(chosen, np.float64)
    n_rows, n_columns = X.shape[0], len(among)
    place = np.full(X.shape[1], -1)
    place[among] = np.arange(n_columns)
    column = place[X.indices]
    seen = column >= 0
    cells = np.repeat(np.arange(n_rows), np.diff(X.indptr))[seen] * n_columns + column[seen]
    values: Matrix = np.bincount(cells, X.data[seen], n_rows * n_columns).astype(np.float64)
    return values.reshape(n_rows, n_columns)


def axes(rows: Matrix, sizes: Matrix) -> tuple[Matrix, Matrix]:
    """Return (D, r) axes that tell the rows apart well, and (D, D − r) on which they are 0."""
    try:
        np.linalg.cholesky(rows.T @ rows / len(rows) - WELL * np.eye(rows.shape[1]))
    except np.linalg.LinAlgError:
        return _principal_axes(rows, sizes)
    return np.eye(rows.shape[1]), np.zeros((rows.shape[1], 0))


def _principal_axes(rows: Matrix, sizes: Matrix) -> tuple[Matrix, Matrix]:
    """Return axes that make the rows orthonormal, and those on which they are 0 but for rounding."""
    triangle = np.linalg.qr(rows, mode="r")
    _, spreads, vectors = np.linalg.svd(triangle)
    spreads = np.concatenate([spreads, np.zeros(rows.shape[1] - len(spreads))])
    # Entries of the axes that should be 0 are a few roundings.
    rounding = ROUNDINGS * EPS * np.linalg.norm(sizes @ np.maximum(np.abs(vectors.T), 0.1), axis=0)
    seen = spreads > rounding
    scaled = vectors[seen].T * (np.sqrt(len(rows)) / spreads[seen])
    return np.asarray(scaled), np.asarray(vectors[~seen].T)
