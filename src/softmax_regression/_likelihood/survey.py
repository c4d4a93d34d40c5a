"""What one reading of the rows tells: weights, means and deviations, and the mean target rows."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from .._arrays import is_sparse
from .._types import Index, Matrix, Vector
from .block import Block
from .products import weighted_sums

# Entries at a time, so that what is computed of them stays near the processor.
CHUNK_ENTRIES = 2**15
# Entries of the targets at a time, which are dense also where X is not.
TARGET_ENTRIES = 2**22
# Squares of smaller deviations may underflow, and those of its inverse overflow.
SMALLEST_SPREAD = 1e-140
# Entries up to this are taken for 0: their weights would not fit into float64.
NEGLIGIBLE = 1e-304


class Survey(NamedTuple):
    """Number and total weight of the rows, and weighted means over them.

    `targets` (K,) is the mean of t_i, `mean` m and `spread` (d,) are those of the columns, and
    `target_rows` (K, d) is the mean of t_i (x_i − m)ᵀ.
    """

    n_rows: int
    weight: float
    targets: Vector
    mean: Vector
    spread: Vector
    target_rows: Matrix
    sparse: bool

    def __add__(self, other: "Survey") -> "Survey":  # type: ignore[override]
        """Return the survey of both sets of rows.

        Pairwise: Chan, Golub and LeVeque (1983), The American Statistician 37(3), 242-247.
        """
        if not (self.weight and other.weight):
            return self if self.weight else other
        weight = self.weight + other.weight
        one, two = self.weight / weight, other.weight / weight
        apart = other.mean - self.mean
        within = np.hypot(np.sqrt(one) * self.spread, np.sqrt(two) * other.spread)
        return Survey(
            self.n_rows + other.n_rows,
            weight,
            one * self.targets + two * other.targets,
            self.mean + two * apart,
            np.hypot(within, np.sqrt(one * two) * apart),
            one * (self.target_rows - np.outer(self.targets, two * apart))
            + two * (other.target_rows + np.outer(other.targets, one * apart)),
            self.sparse,
        )


def survey(block: Block) -> tuple[Survey]:
    """Return the survey of a block, as the only entry of its sums."""
    total, sparse = block.total(), is_sparse(block.X)
    if not total:
        none, rows = np.zeros(block.X.shape[1]), np.zeros((block.targets.n_classes, 1))
        return (Survey(block.n_rows, 0.0, rows[:, 0], none, none, rows * none, sparse),)
    targets = _mean_targets(block, total)
    moments = _sparse_moments if sparse else _dense_moments
    mean, spread, target_rows = moments(block, total, targets)
    return (Survey(block.n_rows, total, targets, mean, spread, target_rows, sparse),)


def _mean_targets(block: Block, total: float) -> Vector:
    """Weighted mean of the targets, smoothing included, (K,)."""
    frequency = block.targets.class_totals(block.weight) / total
    smoothing = block.targets.smoothing
    return np.asarray((1.0 - smoothing) * frequency + smoothing / block.targets.n_classes)


def _dense_moments(block: Block, total: float, targets: Vector) -> tuple[Vector, Vector, Matrix]:
    """Return the means and deviations of the columns, and the mean target rows."""
    moments = _moments_in(None, block, total, targets)
    spread = moments[1]
    spread[~np.isfinite(spread)] = np.nan  # squares overflow: F will say so
    doubtful = np.flatnonzero(spread <= SMALLEST_SPREAD)
    if len(doubtful):
        unit = _powers_of_two(block, doubtful)
        if (unit != 1.0).any():
            mean, spread, target_rows = _moments_in(unit, block, total, targets)
            return unit * mean, unit * spread, unit * target_rows
    return moments


def _sparse_moments(block: Block, total: float, targets: Vector) -> tuple[Vector, Vector, Matrix]:
    squares, sums = np.zeros(block.X.shape[1]), np.zeros((len(targets), block.X.shape[1]))
    for part in slices(block.n_rows, max(1, TARGET_ENTRIES // len(targets))):
        rows, weighted = block.X[part], _weighted_targets(block, part)
        sums += weighted_sums(weighted, rows)
        squares += weighted_sums(np.add.reduce(weighted, axis=0)[None], rows.multiply(rows))[0]
    mean = np.add.reduce(sums, axis=0) / total
    # Where this cancels, the column is nearly constant, and hardly worth being sparse.
    spread = np.sqrt(np.maximum(squares / total - mean * mean, 0.0))
    return mean, spread, sums / total - np.outer(targets, mean)


def _moments_in(
    unit: Vector | None, block: Block, total: float, targets: Vector
) -> tuple[Vector, Vector, Matrix]:
    """Return the moments of X / unit."""
    n_rows, d = block.X.shape
    # A shift by nearby values keeps the variance from cancelling: Chan, Golub and LeVeque.
    head = block.X[: chunk_rows(n_rows, d)]
    head = head if unit is None else head / unit
    nearby = np.add.reduce(head, axis=0, dtype=np.float64) / len(head)
    shift, scratch = repeated(n_rows, nearby, np.zeros(d))
    first, second, sums = np.zeros(d), np.zeros(d), np.zeros((len(targets), d))
    ones = np.ones(len(scratch))
    for part in slices(n_rows, len(scratch)):
        rows = block.X[part] if unit is None else block.X[part] / unit
        weight = ones[: len(rows)] if block.weight is None else block.weight[part]
        deviation = scratch[: len(rows)]
        np.subtract(rows, shift[: len(rows)], out=deviation)
        first += weight @ deviation
        sums += weighted_sums(_weighted_targets(block, part), deviation)
        np.square(deviation, out=deviation)
        second += weight @ deviation
    first /= total
    spread = np.sqrt(np.maximum(second / total - first * first, 0.0))
    return shift[0] + first, spread, sums / total - np.outer(targets, first)


def _weighted_targets(block: Block, part: slice) -> Matrix:
    """w_i t_i of some rows, (K, b)."""
    targets = np.zeros((block.targets.n_classes, part.stop - part.start))
    weight = 1.0 if block.weight is None else block.weight[part]
    block.targets.take(part).subtract_from(targets, np.negative(weight))
    return targets


def _powers_of_two(block: Block, columns: Index) -> Vector:
    """Return a unit for every column: 1, or near its largest entry where its square underflows."""
    n_rows, d = block.X.shape
    largest = np.zeros(len(columns))
    for part in slices(n_rows, chunk_rows(n_rows, d)):
        np.maximum(largest, np.abs(block.X[part][:, columns]).max(axis=0), out=largest)
    extreme = (largest > NEGLIGIBLE) & (largest < SMALLEST_SPREAD)
    unit = np.ones(d)
    unit[columns[extreme]] = np.ldexp(1.0, np.frexp(largest[extreme])[1] - 1)
    return unit


def slices(n_rows: int, size: int) -> Iterator[slice]:
    """Cut the rows into runs of `size`."""
    for first in range(0, n_rows, size):
        yield slice(first, min(first + size, n_rows))


def chunk_rows(n_rows: int, columns: int) -> int:
    """How many rows a chunk has."""
    return max(1, min(n_rows, max(16, CHUNK_ENTRIES // max(1, columns))))


def repeated(n_rows: int, *rows: Vector) -> Matrix:
    """Each row as often as a chunk has rows, (len(rows), chunk rows, d).

    NumPy is slow to subtract one row from many.
    """
    copies = np.empty((len(rows), chunk_rows(n_rows, len(rows[0])), len(rows[0])))
    for many, row in zip(copies, rows, strict=True):
        many[:] = row
    return copies
