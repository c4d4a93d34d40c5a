"""Rows of X in working precision: centred, scaled, in blocks.

With x̃ = (x − μ) / s the model is z = V x̃ + c, where V = W s and c = b + W μ. F does not
change under this substitution; its penalty becomes (l2 / 2) Σ_kj (V_kj / s_j)². The
parameters of the solver are one matrix (V, c) of shape (K, D), D = d + 1 with an intercept.
"""

import math
from collections.abc import Iterator
from copy import copy
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._arrays import is_sparse
from .._objective import Parameters
from .._targets import Targets
from .arrays import Floats
from .columns import NEGLIGIBLE, ColumnMoments, Columns, repeated, slices
from .rows import Block, CentredRows, DenseRows, Rows

# Means up to so many standard deviations cost few digits where they are subtracted last.
NEAR = 64.0
# Copies of the rows, and what is computed of all of them, are kept up to this size.
CACHE_BYTES = 128 * 2**20
# Rows of a block, fewer where their logits would be more than so many entries.
BLOCK_ROWS = 4096
BLOCK_ENTRIES = 2**20
# A penalty that overflows holds its column at 0; this much does so too, and stays finite.
LARGEST_PENALTY = 1e200
TINY = 1e-300


class Standardised:
    """The data term's rows, and the maps between original and standardised parameters.

    `rotated` rows are centred, and their columns have no meaning of their own. The
    penalty counts what float32 would round of the weights `single` times.
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
        single: float = 0.0,
    ) -> None:
        self.X = X.tocsr() if is_sparse(X) else X
        self.sparse = is_sparse(X)
        self.targets = targets
        self.sample_weight = sample_weight
        self.fit_intercept = fit_intercept
        self.order = order
        self.rotated = rotated
        self.single = single
        self.n_rows: int = X.shape[0]
        self.n_features: int = X.shape[1]
        self.n_classes: int = targets.n_classes
        self.n_columns = self.n_features + fit_intercept
        self.block_rows = max(256, min(BLOCK_ROWS, BLOCK_ENTRIES // self.n_classes))
        if self.sparse:
            self.block_rows = max(self.block_rows, 2**22 // self.n_classes)
        self.chosen: NDArray[np.intp] | None = None
        self._repeated: NDArray[np.float64] | None = None
        self._cache: list[Block] | None = None
        self._cache_dtype: type[np.floating[Any]] | None = None
        columns = Columns(self.X, targets, sample_weight)
        self.total, self.mean_targets = columns.total, columns.mean_targets
        moments = columns.moments()
        self.centre, self.scale = self._centre_and_scale(moments)
        self._mean, self._spread = moments.mean, moments.spread
        self.near = bool((np.abs(moments.mean) <= NEAR * self.scale).all())
        self.mean_target_rows = self._mean_target_rows(moments)

    def _centre_and_scale(
        self, moments: ColumnMoments
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

    def _mean_target_rows(self, moments: ColumnMoments) -> NDArray[np.float64]:
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
            self._repeated = repeated(self.n_rows, self.centre, 1.0 / self.scale, np.zeros(d))
        centre, inverse, scratch = self._repeated
        for first in range(0, len(chosen), len(scratch)):
            rows = chosen[first : first + len(scratch)]
            centred = scratch[: len(rows)]
            np.subtract(rows, centre[: len(rows)], out=centred)
            np.multiply(centred, inverse[: len(rows)], out=centred)
            values[first : first + len(rows), :d] = centred
        return values

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
        for part in slices(self.n_rows, self.block_rows):
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
        for part in slices(self.n_rows, self.block_rows):
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

    def deviations(self) -> NDArray[np.float64]:
        """Return the columns' standard deviations; roots of second moments without an intercept."""
        if not self.sparse:
            return np.hypot(self._spread, 0.0 if self.fit_intercept else self._mean)
        sums = np.zeros(self.n_features)
        for part in slices(self.n_rows, self.block_rows):
            rows = CentredRows(self.X[part].astype(np.float64), False)
            weight = (
                np.ones(rows.n_rows) if self.sample_weight is None else self.sample_weight[part]
            )
            sums += rows.squares(weight[None])[0]
        return np.asarray(np.sqrt(np.maximum(sums / self.total - self.centre**2, 0.0)))

    def _fits(self, dtype: type[np.floating[Any]]) -> bool:
        size = np.dtype(dtype).itemsize
        entries = 2 * self.X.nnz if self.sparse else self.n_rows * self.n_columns
        return bool(entries * size <= CACHE_BYTES)

    def largest(self) -> float:
        """Return a bound on the root mean square of every column of x̃."""
        if not self.sparse:
            return math.sqrt(self.n_columns) if self.rotated else 1.0
        return 2.0 * float(np.abs(self.X.data).max(initial=0.0))

    def squares(self) -> NDArray[np.float64]:
        """Mean squares of the columns of x̃, (d,); ones where they have been scaled."""
        if not (self.sparse or self.rotated):
            return np.ones(self.n_features)
        sums = np.zeros(self.n_columns)
        for block in self.blocks(np.float64):
            sums += block.rows.squares(block.weights()[None])[0]
        return sums[: self.n_features] / self.total + TINY

    def intercept(self, parameters: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the last column of (V, c), a copy; zeros without an intercept."""
        return parameters[:, -1].copy() if self.fit_intercept else np.zeros(self.n_classes)

    def penalty(self, l2: float) -> NDArray[np.float64]:
        """l2 / s_j² for every column, zero for the intercept, shape (D,)."""
        penalty = np.zeros(self.n_columns)
        with np.errstate(over="ignore", divide="ignore"):
            weights = np.minimum(l2 / self.scale**2, LARGEST_PENALTY)
        penalty[: self.n_features] = weights if l2 else 0.0
        if self.single:
            penalty[: self.n_features] += self.single * self._rounding()
        return penalty

    def _rounding(self) -> NDArray[np.float64]:
        """Return what float32 adds to F, as a penalty on V, (d,).

        It rounds w_kj, and w_kj x_ij, by u = 2⁻²⁴ of them at most. Were these errors spread evenly,
        a logit would be off by an e with E[e²] = ⅔ u² Σ_j w_kj² E[x_j²], and F by ½ e² times a
        curvature p (1 − p) ≤ ¼.
        """
        squares = self.squares() + (self.centre / self.scale) ** 2
        return np.asarray(2.0**-48 / 6.0 * squares)

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
