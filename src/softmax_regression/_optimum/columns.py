"""Means and standard deviations of the columns of X, and the mean target rows, in one reading."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .._arrays import is_sparse
from .._targets import Targets
from .arrays import Index, Matrix, Vector
from .rows import weighted_sums

# Entries at a time, so that what is computed of them stays near the processor.
CHUNK_ENTRIES = 2**15
# Entries of the targets at a time, which are dense also where X is not.
TARGET_ENTRIES = 2**22
# Squares of smaller deviations may underflow, and those of its inverse overflow.
SMALLEST_SPREAD = 1e-140
# Entries up to this are taken for 0: their weights would not fit into float64.
NEGLIGIBLE = 1e-304


class ColumnMoments(NamedTuple):
    """Means m and standard deviations of the columns, (d,), and the mean of t_i (x_i − m)ᵀ, (K, d)."""

    mean: Vector
    spread: Vector
    target_rows: Matrix

    def times(self, unit: Vector) -> "ColumnMoments":
        """Of X from those of X / unit."""
        return ColumnMoments(*(unit * each for each in self))


class Columns:
    """The columns of X with the weights and the targets of its rows."""

    def __init__(self, X: Any, targets: Targets, sample_weight: Vector | None) -> None:
        self.X, self.targets, self.sample_weight = X, targets, sample_weight
        self.n_rows, self.n_features = X.shape
        self.total = float(self.n_rows if sample_weight is None else sample_weight.sum())
        self.mean_targets = self._mean_targets()

    def _mean_targets(self) -> Vector:
        """Weighted mean of the targets, smoothing included, (K,)."""
        frequency = self.targets.class_totals(self.sample_weight) / self.total
        smoothing = self.targets.smoothing
        return np.asarray((1.0 - smoothing) * frequency + smoothing / self.targets.n_classes)

    def moments(self) -> ColumnMoments:
        """Return the weighted moments, with spreads of one where X is sparse."""
        if is_sparse(self.X):
            return self._sparse_moments()
        moments = self._moments_in(None)
        moments.spread[~np.isfinite(moments.spread)] = np.nan  # squares overflow: F will say so
        doubtful = np.flatnonzero(moments.spread <= SMALLEST_SPREAD)
        if len(doubtful):
            unit = self._powers_of_two(doubtful)
            if (unit != 1.0).any():
                return self._moments_in(unit).times(unit)
        return moments

    def _sparse_moments(self) -> ColumnMoments:
        sums = np.zeros((self.targets.n_classes, self.n_features))
        for part in slices(self.n_rows, max(1, TARGET_ENTRIES // self.targets.n_classes)):
            sums += weighted_sums(self._weighted_targets(part), self.X[part])
        mean = np.add.reduce(sums, axis=0) / self.total
        target_rows = sums / self.total - np.outer(self.mean_targets, mean)
        return ColumnMoments(mean, np.ones(self.n_features), target_rows)

    def _moments_in(self, unit: Vector | None) -> ColumnMoments:
        """Return the weighted moments of X / unit."""
        d = self.n_features
        # A shift by nearby values keeps the variance from cancelling: Chan, Golub and LeVeque
        # (1983), "Algorithms for computing the sample variance".
        head = self.X[: chunk_rows(self.n_rows, d)]
        mean = (head if unit is None else head / unit).mean(axis=0, dtype=np.float64)
        shift, scratch = repeated(self.n_rows, mean, np.zeros(d))
        first, second, sums = np.zeros(d), np.zeros(d), np.zeros((self.targets.n_classes, d))
        ones = np.ones(len(scratch))
        for part in slices(self.n_rows, len(scratch)):
            rows = self.X[part] if unit is None else self.X[part] / unit
            weight = ones[: len(rows)] if self.sample_weight is None else self.sample_weight[part]
            deviation = scratch[: len(rows)]
            np.subtract(rows, shift[: len(rows)], out=deviation)
            first += weight @ deviation
            sums += weighted_sums(self._weighted_targets(part), deviation)
            np.square(deviation, out=deviation)
            second += weight @ deviation
        first /= self.total
        spread = np.sqrt(np.maximum(second / self.total - first * first, 0.0))
        target_rows = sums / self.total - np.outer(self.mean_targets, first)
        return ColumnMoments(shift[0] + first, spread, target_rows)

    def _weighted_targets(self, part: slice) -> Matrix:
        """w_i t_i of some rows, (K, b)."""
        targets = np.zeros((self.targets.n_classes, part.stop - part.start))
        weight = 1.0 if self.sample_weight is None else self.sample_weight[part]
        self.targets.take(part).subtract_from(targets, np.negative(weight))
        return targets

    def _powers_of_two(self, columns: Index) -> Vector:
        """Return a unit for every column: 1, or near its largest entry where its square underflows."""
        largest = np.zeros(len(columns))
        for part in slices(self.n_rows, chunk_rows(self.n_rows, self.n_features)):
            np.maximum(largest, np.abs(self.X[part][:, columns]).max(axis=0), out=largest)
        extreme = (largest > NEGLIGIBLE) & (largest < SMALLEST_SPREAD)
        unit = np.ones(self.n_features)
        unit[columns[extreme]] = np.ldexp(1.0, np.frexp(largest[extreme])[1] - 1)
        return unit


def slices(n_rows: int, size: int) -> Iterator[slice]:
    """Cut the rows into runs of `size`."""
    for first in range(0, n_rows, size):
        yield slice(first, min(first + size, n_rows))


def chunk_rows(n_rows: int, columns: int) -> int:
    """How many rows a chunk has."""
    return min(n_rows, max(16, CHUNK_ENTRIES // max(1, columns)))


def repeated(n_rows: int, *rows: Vector) -> NDArray[np.float64]:
    """Each row as often as a chunk has rows: NumPy is slow to subtract one row from many."""
    copies = np.empty((len(rows), chunk_rows(n_rows, len(rows[0])), len(rows[0])))
    for many, row in zip(copies, rows, strict=True):
        many[:] = row
    return copies
