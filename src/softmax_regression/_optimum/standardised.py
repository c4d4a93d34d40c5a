"""Rows of X in working precision: centred, scaled, in blocks.

With x̃ = (x − μ) / s the model is z = V x̃ + c, where V = W s and c = b + W μ. F does not
change under this substitution; its penalty becomes (l2 / 2) Σ_kj (V_kj / s_j)². The
parameters of the solver are one matrix (V, c) of shape (K, D), D = d + 1 with an intercept.
"""

import math
from collections.abc import Iterator
from copy import copy
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .._arrays import is_sparse
from .._objective import Parameters
from .._targets import Targets
from .arrays import Floats
from .rows import Block, CentredRows, DenseRows, Rows, weighted_sums

# Entries at a time, so that what is computed of them stays near the processor.
CHUNK_ENTRIES = 2**15
# Means up to so many standard deviations cost few digits where they are subtracted last.
NEAR = 64.0
CACHE_BYTES = 128 * 2**20
BLOCK_ROWS = 4096
BLOCK_ENTRIES = 2**20
# Squares of smaller deviations may underflow, and those of its inverse overflow.
SMALLEST = 1e-140
# Entries up to this are taken for 0: their weights would not fit into float64.
NEGLIGIBLE = 1e-304
# A penalty that overflows holds its column at 0; this much does so too, and stays finite.
LARGEST_PENALTY = 1e200


class Moments(NamedTuple):
    """Means m and standard deviations of the columns, (d,), and the mean of t_i (x_i − m)ᵀ, (K, d)."""

    mean: NDArray[np.float64]
    spread: NDArray[np.float64]
    target_rows: NDArray[np.float64]

    def times(self, unit: NDArray[np.float64]) -> "Moments":
        """Of X from those of X / unit."""
        return Moments(*(unit * each for each in self))


class Standardised:
    """The data term's rows, and the maps between original and standardised parameters.

    `rotated` rows are centred, and their columns have no meaning of their own.
    """

    def __init__(
        self,
        X: Any,
        targets: Targets,
        sample_weight: NDArray[np.float64] | None,
        *,
        fit_intercept: bool,
        order: NDArray[np.intp] | None = None,
        rotated: bool = False,
    ) -> None:
        self.X = X.tocsr() if is_sparse(X) else X
        self.sparse = is_sparse(X)
        self.targets = targets
        self.sample_weight = sample_weight
        self.fit_intercept = fit_intercept
        self.order = order
        self.rotated = rotated
        self.n_rows: int = X.shape[0]
        self.n_features: int = X.shape[1]
        self.n_classes: int = targets.n_classes
        self.n_columns = self.n_features + fit_intercept
        self.total = float(self.n_rows if sample_weight is None else sample_weight.sum())
        self.block_rows = max(256, min(BLOCK_ROWS, BLOCK_ENTRIES // self.n_classes))
        if self.sparse:
            self.block_rows = max(self.block_rows, 2**22 // self.n_classes)
        self.chosen: NDArray[np.intp] | None = None
        self._repeated: NDArray[np.float64] | None = None
        self._cache: list[Block] | None = None
        self._cache_dtype: type[np.floating[Any]] | None = None
        self.mean_targets = self._mean_targets()
        moments = self._moments()
        self.centre, self.scale = self._centre_and_scale(moments)
        self.near = bool((np.abs(moments.mean) <= NEAR * self.scale).all())
        self.mean_target_rows = self._mean_target_rows(moments)

    def _slices(self, size: int | None = None) -> Iterator[slice]:
        size = size or self.block_rows
        for first in range(0, self.n_rows, size):
            yield slice(first, min(first + size, self.n_rows))

    def _centre_and_scale(
        self, moments: Moments
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return μ and s of x̃ = (x − μ) / s; zero and one where useless."""
        mean, spread, d = moments.mean, moments.spread, self.n_features
        if self.sparse:
            return mean if self.fit_intercept else np.zeros(d), np.ones(d)
        if self.rotated:
            # No axis of a rotated space is special: one scale for all.
            return np.zeros(d), np.full(d, float(np.linalg.norm(self.X)) / math.sqrt(self.X.size))
        if not self.fit_intercept:
            # Centring would need an intercept to absorb it.
            spread, mean = np.hypot(spread, mean), np.zeros(d)
        constant = (spread <= 1e-14 * np.abs(mean)) | (spread <= NEGLIGIBLE)
        return mean, np.where(constant, 1.0, spread)

    def _moments(self) -> Moments:
        if self.sparse:
            return self._sparse_moments()
        moments = self._moments_in(None)
        moments.spread[~np.isfinite(moments.spread)] = np.nan  # squares overflow: F will say so
        doubtful = np.flatnonzero(moments.spread <= SMALLEST)
        if len(doubtful):
            unit = self._powers_of_two(doubtful)
            if (unit != 1.0).any():
                return self._moments_in(unit).times(unit)
        return moments

    def _sparse_moments(self) -> Moments:
        sums = np.zeros((self.n_classes, self.n_features))
        for part in self._slices():
            sums += weighted_sums(self._weighted_targets(part), self.X[part])
        mean = np.add.reduce(sums, axis=0) / self.total
        target_rows = sums / self.total - np.outer(self.mean_targets, mean)
        return Moments(mean, np.ones(self.n_features), target_rows)

    def _weighted_targets(self, part: slice) -> NDArray[np.float64]:
        """w_i t_i of some rows, (K, b)."""
        targets = np.zeros((self.n_classes, part.stop - part.start))
        weight = 1.0 if self.sample_weight is None else self.sample_weight[part]
        self.targets.take(part).subtract_from(targets, np.negative(weight))
        return targets

    def _powers_of_two(self, columns: NDArray[np.intp]) -> NDArray[np.float64]:
        """Return a unit for every column: 1, or near its largest entry where its square underflows."""
        largest = np.zeros(len(columns))
        for part in self._slices():
            np.maximum(largest, np.abs(self.X[part][:, columns]).max(axis=0), out=largest)
        extreme = (largest > NEGLIGIBLE) & (largest < SMALLEST)
        unit = np.ones(self.n_features)
        unit[columns[extreme]] = np.ldexp(1.0, np.frexp(largest[extreme])[1] - 1)
        return unit

    def _moments_in(self, unit: NDArray[np.float64] | None) -> Moments:
        """Return the weighted moments of X / unit."""
        d = self.n_features
        # A shift by nearby values keeps the variance from cancelling: Chan, Golub and LeVeque
        # (1983), "Algorithms for computing the sample variance".
        head = self.X[: self._chunk_rows()]
        mean = (head if unit is None else head / unit).mean(axis=0, dtype=np.float64)
        shift, scratch = self._repeat(mean, np.zeros(d))
        first, second, sums = np.zeros(d), np.zeros(d), np.zeros((self.n_classes, d))
        ones = np.ones(len(scratch))
        for part in self._slices(len(scratch)):
            rows = self.X[part] if unit is None else self.X[part] / unit
            weight = ones if self.sample_weight is None else self.sample_weight[part]
            deviation, weight = scratch[: len(rows)], weight[: len(rows)]
            np.subtract(rows, shift[: len(rows)], out=deviation)
            first += weight @ deviation
            sums += weighted_sums(self._weighted_targets(part), deviation)
            np.square(deviation, out=deviation)
            second += weight @ deviation
        first /= self.total
        spread = np.sqrt(np.maximum(second / self.total - first * first, 0.0))
        target_rows = sums / self.total - np.outer(self.mean_targets, first)
        return Moments(shift[0] + first, spread, target_rows)

    def _mean_target_rows(self, moments: Moments) -> NDArray[np.float64]:
        """Weighted mean of t_i x̃_iᵀ, (K, D), in float64."""
        targets = self.mean_targets
        rows = np.empty((self.n_classes, self.n_columns))
        rows[:, -1] = targets
        moved = np.outer(targets, moments.mean - self.centre)
        rows[:, : self.n_features] = (moments.target_rows + moved) / self.scale
        return rows

    def _convert(self, part: slice, dtype: type[np.floating[Any]]) -> Block:
        picked = part if self.order is None else self.order[part]
        weight = None
        if self.sample_weight is not None:
            weight = self.sample_weight[picked].astype(dtype)
        if self.sparse:
            centre = self.centre if self.fit_intercept else None
            rows: Rows = CentredRows(self.X[picked].astype(dtype), self.fit_intercept, centre)
        else:
            chosen = self.X[picked] if self.chosen is None else self.X[picked][:, self.chosen]
            rows = DenseRows(self._standardised_rows(chosen, dtype))
        return Block(rows, self.targets.take(picked), weight)

    def _standardised_rows(self, chosen: Floats, dtype: type[np.floating[Any]]) -> Floats:
        """(x − μ) / s, and a column of ones for an intercept, (b, D)."""
        d = self.n_features
        values = np.empty((len(chosen), self.n_columns), dtype)
        values[:, d:] = 1.0
        if self._repeated is None:
            self._repeated = self._repeat(self.centre, 1.0 / self.scale, np.zeros(d))
        centre, inverse, scratch = self._repeated
        for first in range(0, len(chosen), len(scratch)):
            rows = chosen[first : first + len(scratch)]
            centred = scratch[: len(rows)]
            np.subtract(rows, centre[: len(rows)], out=centred)
            np.multiply(centred, inverse[: len(rows)], out=centred)
            values[first : first + len(rows), :d] = centred
        return values

    def _chunk_rows(self) -> int:
        return min(self.n_rows, max(16, CHUNK_ENTRIES // max(1, self.n_features)))

    def _repeat(self, *rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """Each row as often as a chunk has rows: NumPy is slow to subtract one row from many."""
        repeated = np.empty((len(rows), self._chunk_rows(), self.n_features))
        for many, row in zip(repeated, rows, strict=True):
            many[:] = row
        return repeated

    def columns(self, chosen: NDArray[np.intp]) -> "Standardised":
        """Return the same rows seen through some of their features."""
        part = copy(self)
        if self.sparse:
            part.X = self.X[:, chosen]
        else:
            part.chosen = chosen
        part.centre, part.scale = self.centre[chosen], self.scale[chosen]
        part.n_features = len(chosen)
        part.n_columns = part.n_features + self.fit_intercept
        part._cache = part._repeated = None
        kept = np.concatenate([chosen, np.arange(self.n_features, self.n_columns)])
        part.mean_target_rows = self.mean_target_rows[:, kept]
        return part

    def blocks(self, dtype: type[np.floating[Any]], *, keep: bool = True) -> Iterator[Block]:
        """All rows, block by block; kept in `dtype` while they fit the cache."""
        if self._cache is not None and self._cache_dtype is dtype:
            yield from self._cache
            return
        self._cache = None
        kept: list[Block] | None = [] if keep and self._fits(dtype) else None
        for part in self._slices():
            block = self._convert(part, dtype)
            if kept is not None:
                kept.append(block)
            yield block
        if kept is not None:
            self._cache, self._cache_dtype = kept, dtype

    def passes(self, dtype: type[np.floating[Any]]) -> Iterator[Block]:
        """All rows for their products alone: those of X itself where this is as exact."""
        cached = self._cache is not None and self._cache_dtype is dtype
        if cached or self.sparse or dtype is np.float32 or not self.near or self.chosen is not None:
            yield from self.blocks(dtype)
            return
        for part in self._slices():
            weight = None if self.sample_weight is None else self.sample_weight[part]
            matrix = np.asarray(self.X[part], np.float64)
            centre = self.centre if self.fit_intercept else None
            rows = CentredRows(matrix, self.fit_intercept, centre, self.scale)
            yield Block(rows, self.targets.take(part), weight)

    def batches(self, dtype: type[np.floating[Any]], size: int) -> Iterator[Block]:
        """Mini-batches of `size` rows, cut from the blocks in order."""
        for block in self.blocks(dtype):
            for first in range(0, block.rows.n_rows, size):
                yield block.part(slice(first, first + size))

    def _fits(self, dtype: type[np.floating[Any]]) -> bool:
        size = np.dtype(dtype).itemsize
        entries = 2 * self.X.nnz if self.sparse else self.n_rows * self.n_columns
        return bool(entries * size <= CACHE_BYTES)

    def _mean_targets(self) -> NDArray[np.float64]:
        """Weighted mean of the targets, smoothing included, (K,)."""
        frequency = self.targets.class_totals(self.sample_weight) / self.total
        smoothing = self.targets.smoothing
        return np.asarray((1.0 - smoothing) * frequency + smoothing / self.n_classes)

    def intercept(self, parameters: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the last column of (V, c), a copy; zeros without an intercept."""
        return parameters[:, -1].copy() if self.fit_intercept else np.zeros(self.n_classes)

    def penalty(self, l2: float) -> NDArray[np.float64]:
        """l2 / s_j² for every column, zero for the intercept, shape (D,)."""
        penalty = np.zeros(self.n_columns)
        with np.errstate(over="ignore", divide="ignore"):
            weights = np.minimum(l2 / self.scale**2, LARGEST_PENALTY)
        penalty[: self.n_features] = weights if l2 else 0.0
        return penalty

    def standardise(self, original: Parameters) -> NDArray[np.float64]:
        """(W, b) -> (V, c), shape (K, D)."""
        weights = original.weights * self.scale
        if not self.fit_intercept:
            return weights
        intercept = original.intercept + original.weights @ self.centre
        return np.concatenate([weights, intercept[:, None]], axis=1)

    def restoring_error(self, parameters: NDArray[np.float64]) -> float:
        """Return what rounding b = c − W μ adds to F at most."""
        if not self.fit_intercept:
            return 0.0
        weights, intercept = parameters[:, : self.n_features], parameters[:, -1]
        return intercept_error(weights / self.scale, intercept, self.centre)

    def restore(self, parameters: NDArray[np.float64]) -> Parameters:
        """(V, c) -> (W, b)."""
        weights = parameters[:, : self.n_features] / self.scale
        if not self.fit_intercept:
            return Parameters(weights, np.zeros(self.n_classes))
        return Parameters(weights, parameters[:, -1] - weights @ self.centre)


def intercept_error(
    weights: NDArray[np.float64], intercept: NDArray[np.float64], centre: NDArray[np.float64]
) -> float:
    """Return what rounding b = c − W μ adds to F at most: ¼ Σ_k δ_k², its curvature being ½."""
    sizes = np.abs(weights) @ np.abs(centre) + np.abs(intercept)
    rounding = float(np.finfo(np.float64).eps) * sizes
    return 0.25 * float(rounding @ rounding)
