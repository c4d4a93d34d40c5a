"""Blocks in working precision, in chunks that stay near the processor, and sums over them."""

from collections.abc import Callable, Iterator
from copy import copy
from itertools import repeat
from typing import Any, NamedTuple

import numpy as np

from .._arrays import is_sparse
from .._types import Features, Floats, Index, Precision, Vector
from .block import Block, Memo
from .coordinates import Coordinates
from .picked import shuffled
from .rows import CentredRows, DenseRows, Rows, repeated_coordinates, standardised
from .sums import Source, Sums, added, summed
from .survey import Survey, slices, survey
from .targets import RowIndex, Targets

# Rows of a chunk, fewer where they or their logits would be more than so many entries, but no fewer
# than a product with wide rows pays for.
CHUNK_ROWS = 2**15
CHUNK_ENTRIES = 2**20
WIDE_ROWS = 4096
# Sparse rows have few entries, and each product with them a cost of its own.
SPARSE_ENTRIES = 2**22


class Chunk(NamedTuple):
    """Some rows of a block with their targets and, unless uniform, their weights (b,).

    `number` is the place of the block among all and of the chunk in it. `memo` is that of the
    whole block, which has `block_rows` rows.
    """

    rows: Rows
    targets: Targets
    weight: Floats | None = None
    number: tuple[int, int] = (0, 0)
    memo: Memo | None = None
    block_rows: int = 0

    def weights(self) -> Floats:
        """w_i, also where they are uniform, (b,)."""
        return np.ones(self.rows.n_rows, self.rows.dtype) if self.weight is None else self.weight

    def total(self) -> float:
        """Σ_i w_i."""
        if self.weight is None:
            return float(self.rows.n_rows)
        return float(self.weight.sum(dtype=np.float64))

    def part(self, rows: RowIndex) -> "Chunk":
        """Return some of the rows, of which nothing is kept."""
        weight = None if self.weight is None else self.weight[rows]
        return Chunk(self.rows.part(rows), self.targets.take(rows), weight, self.number)

    def place(self) -> float:
        """Return a share in [0, 1), another in every chunk: Kronecker's sequence in two dimensions.

        Its steps are 1 / g and 1 / g² with g³ = g + 1, which leave the least gaps (Roberts, 2018, The
        unreasonable effectiveness of quasirandom sequences).
        """
        return (
            0.5 + self.number[0] * 0.7548776662466927 + self.number[1] * 0.5698402909980532
        ) % 1.0

    def generator(self) -> "np.random.Generator":
        """Return what draws from this chunk: the same whoever holds it, and in whatever order."""
        return np.random.default_rng(self.number)

    def kept(self, name: str, key: tuple[Any, ...], make: Callable[[], Floats]) -> Floats:
        """Return what was kept for this key, or what `make` returns, which is kept then."""
        value = self.recalled(name, key)
        if value is None:
            value = make()
            self.keep(name, key, value)
        return value

    def recalled(self, name: str, key: tuple[Any, ...]) -> Floats | None:
        """Return what was kept for this key, or None."""
        return None if self.memo is None else self.memo.recall(name, key, self.number[1])

    def keep(self, name: str, key: tuple[Any, ...], value: Floats) -> None:
        """Keep a value that is not written to any more, if there is room for those of all rows."""
        if self.memo is not None:
            size = value.nbytes * self.block_rows / max(1, self.rows.n_rows)
            self.memo.keep(name, key, self.number[1], value, size)


class _Working(NamedTuple):
    """What is kept of the rows of a chunk."""

    rows: Rows
    targets: Targets
    weight: Floats | None

    def size(self) -> int:
        """Return the bytes of the rows."""
        return self.rows.nbytes


class Likelihood:
    """The data term of F: a source of rows, seen through the solver's coordinates.

    `survey` is what the first reading of the rows told, which is not made where it is `known`.
    `readings` counts them all, from those that were made before.
    """

    def __init__(
        self,
        source: Source,
        fit_intercept: bool = True,
        coordinates: Coordinates | None = None,
        *,
        map: Any = map,
        known: Survey | None = None,
        readings: int = 0,
    ) -> None:
        self.source, self.map = source, map
        self._readings = [readings + (known is None)]
        self.survey = summed(survey, source, map=map)[0] if known is None else known
        self.sparse = self.survey.sparse
        self.n_rows, self.n_classes = self.survey.n_rows, len(self.survey.targets)
        self._see(coordinates or Coordinates.of(self.survey, fit_intercept))
        self.mean_target_rows = self.coordinates.mean_target_rows(self.survey)

    def _see(self, coordinates: Coordinates) -> None:
        self.coordinates = coordinates
        self.fit_intercept = coordinates.fit_intercept
        self.n_features, self.n_columns = coordinates.n_features, coordinates.n_columns

    @property
    def readings(self) -> int:
        """How often the rows have been read."""
        return self._readings[0]

    def count(self, readings: int) -> None:
        """Count readings of the rows that were not made here."""
        self._readings[0] += readings

    def deviations(self) -> Vector:
        """Return the deviations of the columns from their centre, (d,)."""
        return self.coordinates.deviations(self.survey)

    def sums(
        self,
        function: Callable[..., Sums],
        *arguments: Any,
        dtype: Precision = np.float64,
        products: bool = False,
    ) -> Sums:
        """Return Σ function(chunk, *arguments) over all rows, chunks being in `dtype`.

        With `products` the function asks for no more than products of the rows.
        """
        self._readings[0] += 1
        seen = (self.coordinates, dtype, products)
        return summed(over_chunks, self.source, function, seen, arguments, map=self.map)

    def batches(
        self, dtype: Precision, size: int, generator: "np.random.Generator | None"
    ) -> Iterator[Chunk]:
        """Yield mini-batches of `size` rows; of each block in an order drawn by `generator`.

        Where all rows in working precision are kept, they stay in that order.
        """
        self._readings[0] += 1
        for item in self.source:
            block = item() if callable(item) else item
            order = None
            if generator is not None and not is_sparse(block.X):
                order = shuffled(block.X, chunk_size(block), generator)
            for chunk in chunks(block, self.coordinates, dtype, order=order):
                for batch in slices(chunk.rows.n_rows, size):
                    yield chunk.part(batch)

    def columns(self, chosen: Index) -> "Likelihood":
        """Return the same rows seen through some of their features."""
        part = copy(self)
        part._see(self.coordinates.columns(chosen))
        kept = np.concatenate([chosen, np.arange(self.n_features, self.n_columns)])
        part.mean_target_rows = self.mean_target_rows[:, kept]
        return part


def chunks(
    block: Block,
    coordinates: Coordinates,
    dtype: Precision,
    *,
    products: bool = False,
    order: Index | None = None,
) -> Iterator[Chunk]:
    """Cut a block into chunks in `dtype`, kept while all of them find room.

    Where only products of the rows are asked for, and centring after them is as exact, they are
    those of X itself, and nothing is copied.
    """
    name = "rows" if coordinates.chosen is None else "columns"
    n_rows, size, memo = block.n_rows, chunk_size(block), block.memo
    known = {} if memo is None or order is not None else memo.kept(name, (coordinates, dtype))
    convert: _Conversion | None = None
    for number, first in enumerate(range(0, max(1, n_rows), size)):  # none: an empty chunk
        working: _Working | None = known.get(number)
        if working is None:
            part = slice(first, min(first + size, n_rows))
            convert = convert or _Conversion(block, coordinates, dtype)
            if products and convert.is_needless:
                working = convert.by_coordinates(part)
            else:
                working = convert(part if order is None else order[part])
                if memo is not None:
                    whole = working.size() * n_rows / max(1, working.rows.n_rows)
                    memo.keep(name, (coordinates, dtype), number, working, whole)
        yield Chunk(*working, (block.number, number), memo, n_rows)


def chunk_size(block: Block) -> int:
    """Return how many rows a chunk of the block has."""
    classes, columns = block.targets.n_classes, int(block.X.shape[1])
    if is_sparse(block.X):
        entries = max(1, int(block.X.nnz) // max(1, block.n_rows), classes)
        return max(256, SPARSE_ENTRIES // entries)
    rows = min(CHUNK_ROWS, max(WIDE_ROWS, CHUNK_ENTRIES // max(1, columns)))
    return max(256, min(rows, CHUNK_ENTRIES // classes))


def over_chunks(
    block: Block,
    function: Callable[..., Sums],
    seen: tuple[Coordinates, Precision, bool],
    arguments: tuple[Any, ...],
) -> Sums:
    coordinates, dtype, products = seen
    parts = chunks(block, coordinates, dtype, products=products)
    return added(map(function, parts, *map(repeat, arguments)))


class _Conversion:
    """From rows of a block to rows in working precision."""

    def __init__(self, block: Block, coordinates: Coordinates, dtype: Precision) -> None:
        self.block, self.coordinates, self.dtype = block, coordinates, dtype
        self.sparse = is_sparse(block.X)
        self._repeated: Floats | None = None

    @property
    def is_needless(self) -> bool:
        """Whether products of X itself, centred and scaled afterwards, are as exact."""
        plain = not self.sparse and self.dtype is np.float64 and self.coordinates.chosen is None
        return plain and self.coordinates.near

    def by_coordinates(self, part: slice) -> _Working:
        """Return rows of X itself, in float64, whose products are centred and scaled."""
        matrix = np.asarray(self.block.X[part], np.float64)
        weight = None if self.block.weight is None else self.block.weight[part]
        return _Working(
            CentredRows(matrix, self.coordinates), self.block.targets.take(part), weight
        )

    def __call__(self, picked: RowIndex) -> _Working:
        block, coordinates = self.block, self.coordinates
        rows = block.X[picked]
        if coordinates.chosen is not None:
            rows = rows[:, coordinates.chosen]
        weight = None if block.weight is None else block.weight[picked].astype(self.dtype)
        if self.sparse:
            seen: Rows = CentredRows(rows.astype(self.dtype), coordinates)
        else:
            seen = DenseRows(self._standardised(rows))
        return _Working(seen, block.targets.take(picked), weight)

    def _standardised(self, rows: Floats) -> Floats:
        """(x − μ) / s, and a column of ones for an intercept, (b, D)."""
        if self._repeated is None:
            self._repeated = repeated_coordinates(self.block.n_rows, self.coordinates)
        return standardised(rows, self._repeated, self.coordinates.n_columns, self.dtype)


def raw_chunk(X: Features, targets: Targets, weight: Vector | None, fit_intercept: bool) -> Chunk:
    """Return rows as they are, in float64, with a column of ones for the intercept."""
    if is_sparse(X):
        coordinates = Coordinates.identity(X.shape[1], fit_intercept)
        return Chunk(CentredRows(X.astype(np.float64), coordinates), targets, weight)
    values = np.empty((X.shape[0], X.shape[1] + fit_intercept))
    values[:, : X.shape[1]] = X
    values[:, X.shape[1] :] = 1.0
    return Chunk(DenseRows(values), targets, weight)
