"""Rows of X in working precision: centred, scaled, in blocks.

With x̃ = (x − μ) / s the model is z = V x̃ + c, where V = W s and c = b + W μ. F does not
change under this substitution; its penalty becomes (l2 / 2) Σ_kj (V_kj / s_j)². The
parameters of the solver are one matrix (V, c) of shape (K, D), D = d + 1 with an intercept.
"""

import math
from collections.abc import Iterator
from copy import copy
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from .._objective import Parameters, class_logits
from .._targets import Targets

Floats = NDArray[np.floating[Any]]

CACHE_BYTES = 128 * 2**20
BLOCK_ROWS = 4096
BLOCK_ENTRIES = 2**20
# Of the squares of a sparse column: centring in float32 leaves no less.
LEAST_SQUARES = 1e-6
# Squares of smaller deviations may underflow, and those of its inverse overflow.
SMALLEST = 1e-140
# Entries up to this are taken for 0: their weights would not fit into float64.
NEGLIGIBLE = 1e-290
# A penalty that overflows holds its column at 0; this much does so too, and stays finite.
LARGEST_PENALTY = 1e200


class Rows(Protocol):
    """A block of b rows that knows its two products with K-row matrices."""

    n_rows: int
    dtype: np.dtype[np.floating[Any]]

    def logits(self, parameters: Floats) -> Floats: ...

    def gradient(self, residual: Floats) -> Floats: ...

    def squares(self, weights: Floats) -> Floats: ...

    def part(self, rows: slice) -> "Rows": ...


class DenseRows:
    """b rows (b, D); the last column is one where there is an intercept."""

    __slots__ = ("dtype", "n_rows", "values")

    def __init__(self, values: Floats) -> None:
        self.values = values
        self.n_rows = len(values)
        self.dtype = values.dtype

    def logits(self, parameters: Floats) -> Floats:
        """(K, D) -> (K, b)."""
        return class_logits(parameters.astype(self.values.dtype, copy=False), self.values)

    def gradient(self, residual: Floats) -> Floats:
        """(K, b) -> (K, D)."""
        return residual @ self.values

    def squares(self, weights: Floats) -> Floats:
        """Σ_i weights_ki x_ij², (K, b) -> (K, D)."""
        return weights @ (self.values * self.values)

    def part(self, rows: slice) -> "DenseRows":
        """Return some of the rows."""
        return DenseRows(self.values[rows])


class SparseRows:
    """b rows of a CSR-like matrix, less their `centre` (d,) where given; nothing is filled in.

    (X − 1μᵀ) Wᵀ = X Wᵀ − 1 (W μ)ᵀ: the centre goes to the parameters, and so does a scale.
    """

    __slots__ = ("centre", "dtype", "matrix", "n_rows", "with_intercept")

    def __init__(self, matrix: Any, with_intercept: bool, centre: Floats | None = None) -> None:
        self.matrix = matrix
        self.n_rows = matrix.shape[0]
        self.dtype = matrix.dtype
        self.with_intercept = with_intercept
        self.centre = None if centre is None else centre.astype(self.dtype, copy=False)

    def _append(self, columns: Floats, intercept: Floats) -> Floats:
        appended = np.empty((columns.shape[0], columns.shape[1] + self.with_intercept), self.dtype)
        appended[:, : columns.shape[1]] = columns
        if self.with_intercept:
            appended[:, -1] = intercept
        return appended

    def logits(self, parameters: Floats) -> Floats:
        """(K, D) -> (K, b)."""
        parameters = parameters.astype(self.matrix.dtype, copy=False)
        n_features = self.matrix.shape[1]
        weights = parameters[:, :n_features]
        logits = np.ascontiguousarray((self.matrix @ weights.T).T)
        if self.with_intercept:
            logits += parameters[:, n_features:]
        if self.centre is not None:
            logits -= (weights @ self.centre)[:, None]
        return logits

    def gradient(self, residual: Floats) -> Floats:
        """(K, b) -> (K, D)."""
        columns, total = self.matrix.T @ residual.T, residual.sum(axis=1)
        if self.centre is not None:
            columns -= self.centre[:, None] * total
        return self._append(columns.T, total)

    def squares(self, weights: Floats) -> Floats:
        """Σ_i weights_ki x_ij², (K, b) -> (K, D)."""
        squares, total = self.matrix.multiply(self.matrix).T @ weights.T, weights.sum(axis=1)
        if self.centre is not None:
            # Σ w (x − μ)² = Σ w x² − μ (2 Σ w x − μ Σ w), up to what rounding leaves of Σ w x².
            least = LEAST_SQUARES * squares
            centre = self.centre[:, None]
            squares -= centre * (2 * (self.matrix.T @ weights.T) - centre * total)
            np.maximum(squares, least, out=squares)
        return self._append(squares.T, total)

    def part(self, rows: slice) -> "SparseRows":
        """Return some of the rows."""
        return SparseRows(self.matrix[rows], self.with_intercept, self.centre)


class Block(NamedTuple):
    """Rows with their targets and, unless uniform, their weights (b,) in working precision."""

    rows: Rows
    targets: Targets
    weight: Floats | None

    def part(self, rows: slice) -> "Block":
        """Return some of the rows."""
        weight = None if self.weight is None else self.weight[rows]
        return Block(self.rows.part(rows), self.targets.take(rows), weight)


def raw_block(X: Any, targets: Targets, weight: Floats | None, fit_intercept: bool) -> Block:
    """Return rows as they are, in float64, with a column of ones for the intercept."""
    if hasattr(X, "tocsr"):
        return Block(SparseRows(X.astype(np.float64), fit_intercept), targets, weight)
    values = np.ones((X.shape[0], X.shape[1] + fit_intercept))
    values[:, : X.shape[1]] = X
    return Block(DenseRows(values), targets, weight)


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
        self.X = X.tocsr() if hasattr(X, "tocsr") else X
        self.sparse = self.X is not X or hasattr(X, "tocsr")
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
        self.centre, self.scale = self._moments()
        self.chosen: NDArray[np.intp] | None = None
        self._cache: list[Block] | None = None
        self._cache_dtype: type[np.floating[Any]] | None = None
        self._target_rows: NDArray[np.float64] | None = None

    def _slices(self) -> Iterator[slice]:
        for first in range(0, self.n_rows, self.block_rows):
            yield slice(first, min(first + self.block_rows, self.n_rows))

    def _moments(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Weighted mean and standard deviation of each column; zero and one where useless."""
        d = self.n_features
        if self.sparse:
            return self._sparse_means(), np.ones(d)
        if self.rotated:
            # No axis of a rotated space is special: one scale for all.
            return np.zeros(d), np.full(d, float(np.linalg.norm(self.X)) / math.sqrt(self.X.size))
        centre, spread = self._moments_in(np.ones(d))
        spread[~np.isfinite(spread)] = np.nan  # squares overflow: F will say so
        doubtful = np.flatnonzero(spread <= SMALLEST)
        if len(doubtful):
            unit = self._powers_of_two(doubtful)
            if (unit != 1.0).any():
                centre, spread = (unit * moment for moment in self._moments_in(unit))
        constant = spread <= 1e-14 * np.abs(centre)
        if not self.fit_intercept:
            # Centring would need an intercept to absorb it.
            spread = np.hypot(spread, centre)
            return np.zeros(d), np.where(spread > 0, spread, 1.0)
        return centre, np.where(constant | (spread == 0), 1.0, spread)

    def _sparse_means(self) -> NDArray[np.float64]:
        """Weighted mean of each column; zero where no intercept absorbs it."""
        if not self.fit_intercept:
            return np.zeros(self.n_features)
        weight = np.ones(self.n_rows) if self.sample_weight is None else self.sample_weight
        return np.asarray(self.X.T @ weight, np.float64) / self.total

    def _powers_of_two(self, columns: NDArray[np.intp]) -> NDArray[np.float64]:
        """Return a unit for every column: 1, or near its largest entry where its square underflows."""
        largest = np.zeros(len(columns))
        for part in self._slices():
            np.maximum(largest, np.abs(self.X[part][:, columns]).max(axis=0), out=largest)
        extreme = (largest > NEGLIGIBLE) & (largest < SMALLEST)
        unit = np.ones(self.n_features)
        unit[columns[extreme]] = np.ldexp(1.0, np.frexp(largest[extreme])[1] - 1)
        return unit

    def _moments_in(
        self, unit: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the weighted mean and standard deviation of each column of X / unit."""
        d = self.n_features
        # A shift by nearby values keeps the variance from cancelling: Chan, Golub and LeVeque
        # (1983), "Algorithms for computing the sample variance".
        shift = (self.X[: self.block_rows] / unit).mean(axis=0, dtype=np.float64)
        first, second = np.zeros(d), np.zeros(d)
        for part in self._slices():
            rows = self.X[part] / unit
            rows -= shift
            weight = np.ones(len(rows)) if self.sample_weight is None else self.sample_weight[part]
            first += weight @ rows
            np.square(rows, out=rows)
            second += weight @ rows
        first /= self.total
        return shift + first, np.sqrt(np.maximum(second / self.total - first * first, 0.0))

    def _convert(self, part: slice, dtype: type[np.floating[Any]]) -> Block:
        picked = part if self.order is None else self.order[part]
        weight = None
        if self.sample_weight is not None:
            weight = self.sample_weight[picked].astype(dtype)
        if self.sparse:
            centre = self.centre if self.fit_intercept else None
            rows: Rows = SparseRows(self.X[picked].astype(dtype), self.fit_intercept, centre)
        else:
            values = np.ones((part.stop - part.start, self.n_columns), dtype)
            chosen = self.X[picked] if self.chosen is None else self.X[picked][:, self.chosen]
            centred = chosen - self.centre
            np.divide(centred, self.scale, out=values[:, : self.n_features], casting="same_kind")
            rows = DenseRows(values)
        return Block(rows, self.targets.take(picked), weight)

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
        part._cache = part._target_rows = None
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

    def batches(self, dtype: type[np.floating[Any]], size: int) -> Iterator[Block]:
        """Mini-batches of `size` rows, cut from the blocks in order."""
        for block in self.blocks(dtype):
            for first in range(0, block.rows.n_rows, size):
                yield block.part(slice(first, first + size))

    def _fits(self, dtype: type[np.floating[Any]]) -> bool:
        size = np.dtype(dtype).itemsize
        entries = 2 * self.X.nnz if self.sparse else self.n_rows * self.n_columns
        return bool(entries * size <= CACHE_BYTES)

    def mean_targets(self) -> NDArray[np.float64]:
        """Weighted mean of the targets, smoothing included, (K,)."""
        frequency = self.targets.class_totals(self.sample_weight) / self.total
        smoothing = self.targets.smoothing
        return np.asarray((1.0 - smoothing) * frequency + smoothing / self.n_classes)

    def intercept(self, parameters: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the last column of (V, c), a copy; zeros without an intercept."""
        return parameters[:, -1].copy() if self.fit_intercept else np.zeros(self.n_classes)

    def mean_target_rows(self, *, keep: bool = False) -> NDArray[np.float64]:
        """Weighted mean of t_i x̃_iᵀ, (K, D), in float64; its rows are kept only if asked."""
        if self._target_rows is None:
            sums = np.zeros((self.n_classes, self.n_columns))
            # Rows kept in float32 stay: passes may go on in them.
            anew = (self._convert(part, np.float64) for part in self._slices())
            kept = keep or self._cache_dtype is np.float64
            for block in self.blocks(np.float64) if kept else anew:
                targets = np.zeros((self.n_classes, block.rows.n_rows))
                block.targets.subtract_from(
                    targets, -1.0 if block.weight is None else -block.weight
                )
                sums += block.rows.gradient(targets)
            self._target_rows = sums / self.total
        return self._target_rows

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
        """Return what rounding b = c − W μ adds to F at most: ¼ Σ_k δ_k², its curvature being ½."""
        if not self.fit_intercept:
            return 0.0
        sizes = np.abs(parameters[:, : self.n_features]) @ np.abs(self.centre / self.scale)
        rounding = float(np.finfo(np.float64).eps) * (sizes + np.abs(parameters[:, -1]))
        return 0.25 * float(rounding @ rounding)

    def restore(self, parameters: NDArray[np.float64]) -> Parameters:
        """(V, c) -> (W, b)."""
        weights = parameters[:, : self.n_features] / self.scale
        if not self.fit_intercept:
            return Parameters(weights, np.zeros(self.n_classes))
        return Parameters(weights, parameters[:, -1] - weights @ self.centre)
