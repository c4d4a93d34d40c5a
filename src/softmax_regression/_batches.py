"""The batches of an epoch: rows in a drawn order, in memory that is used again."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ._arrays import is_sparse
from ._likelihood.targets import Targets
from ._types import Features

# Numbers in the rows that are gathered or multiplied at a time, or in their logits, and rows that
# a product pays for.
ENTRIES = 2**18
LEAST_ROWS = 256

Reader: TypeAlias = Callable[[slice], tuple[Features, Targets]]


class Piece(NamedTuple):
    """Rows of one batch that lie next to each other in memory; mostly all of them.

    `weight` is w_i / Σ w_i over the batch, shape (n_rows,), or 1 / batch_size.
    """

    X: Features
    targets: Targets
    weight: Any


class Batches:
    """The rows of a fit, cut into batches in the order of an epoch.

    Small batches are gathered several at once. Large ones are cut into pieces, so that what is
    multiplied stays near the processor.
    """

    def __init__(
        self,
        X: Features,
        targets: Targets,
        sample_weight: NDArray[Any] | None,
        batch_size: int,
    ) -> None:
        self.X, self.targets, self.sample_weight = X, targets, sample_weight
        self.batch_size = self.piece_size = self.ahead = batch_size
        self._buffer: NDArray[Any] | None = None
        if not is_sparse(X):  # each product with sparse rows has a cost of its own
            most = max(LEAST_ROWS, ENTRIES // max(X.shape[1], targets.n_classes))
            self.piece_size = -(-batch_size // -(-batch_size // most))
            self.ahead = most // batch_size * batch_size or self.piece_size

    @property
    def n_rows(self) -> int:
        """The number of rows."""
        return self.targets.n_rows

    def walk(self, order: NDArray[np.intp] | None) -> Iterator[Iterable[Piece]]:
        """Yield the pieces of each batch, one to be used before the next; the last may be smaller.

        With `order` None they are views.
        """
        rows = slice(0, self.n_rows if order is None else order.size)
        read = self._reader(order)
        if self.piece_size < self.batch_size:
            for batch in _cut(rows, self.batch_size):
                yield self._pieces(batch, read, order)
        else:
            for batches in _cut(rows, self.ahead):
                yield from self._batches(batches, read, order)

    def _pieces(
        self, batch: slice, read: Reader, order: NDArray[np.intp] | None
    ) -> Iterator[Piece]:
        weight = self._weight(batch, order)
        for rows in _cut(batch, self.piece_size):
            share = weight if isinstance(weight, float) else weight[_within(batch, rows)]
            yield Piece(*read(rows), share)

    def _batches(
        self, rows: slice, read: Reader, order: NDArray[np.intp] | None
    ) -> Iterator[tuple[Piece]]:
        """Yield some batches of one piece each."""
        X, targets = read(rows)
        parts: Sequence[Targets] = targets.cut(self.batch_size)
        for batch, part in zip(_cut(rows, self.batch_size), parts, strict=True):
            its = X if batch == rows else X[_within(rows, batch)]
            yield (Piece(its, part, self._weight(batch, order)),)

    def _weight(self, batch: slice, order: NDArray[np.intp] | None) -> Any:
        """Return w_i / Σ w_i of a batch, shape (batch_size,), or 1 / batch_size."""
        equal = 1.0 / (batch.stop - batch.start)
        if self.sample_weight is None:
            return equal
        weight = self.sample_weight[batch if order is None else order[batch]]
        if weight.min() == weight.max():  # then as if there were no weights
            return equal
        return (weight / weight.sum()).astype(self.X.dtype)

    def _reader(self, order: NDArray[np.intp] | None) -> Reader:
        """Return what returns rows by their places in the order, in memory that it uses again."""
        X, targets = self.X, self.targets
        if order is None:
            whole = slice(0, self.n_rows)  # a part of a sparse X is a copy
            return lambda rows: (X if rows == whole else X[rows], targets.take(rows))
        # `take` would copy all of an X in any other order, each time.
        if is_sparse(X) or not X.flags.c_contiguous:
            return lambda rows: (X[order[rows]], targets.take(order[rows]))
        if self._buffer is None:  # kept, as new memory costs more than writing to it
            self._buffer = np.empty((min(self.n_rows, self.ahead), X.shape[1]), X.dtype)
        buffer = self._buffer

        def read(rows: slice) -> tuple[Features, Targets]:
            chosen = order[rows]
            # "clip" writes straight into the buffer; the default mode "raise" makes a copy first.
            gathered = X.take(chosen, axis=0, out=buffer[: chosen.size], mode="clip")
            return gathered, targets.take(chosen)

        return read


def _cut(rows: slice, size: int) -> Iterator[slice]:
    for first in range(rows.start, rows.stop, size):
        yield slice(first, min(first + size, rows.stop))


def _within(outer: slice, rows: slice) -> slice:
    return slice(rows.start - outer.start, rows.stop - outer.start)
