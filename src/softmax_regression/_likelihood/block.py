"""Some rows with their targets and weights, and what may be kept of them between two sums."""

from operator import is_
from typing import Any, NamedTuple

import numpy as np

from .._types import Features, Index, Vector
from .picked import picked
from .targets import RowIndex, Targets

# What is kept of all rows together: copies in working precision, logits, probabilities.
MEMO_BYTES = 256 * 2**20


class Memo:
    """What is kept of a block, up to a `limit` in bytes; nothing needs it to be right.

    Under a name stand the values of the block's chunks, all made with the same `key`: a tuple of
    objects that are compared by identity.
    """

    def __init__(self, limit: float = MEMO_BYTES) -> None:
        self.limit = limit
        self._kept: dict[str, _Entry] = {}

    def kept(self, name: str, key: tuple[Any, ...]) -> dict[int, Any]:
        """Return what was kept of the chunks for this key, by their numbers."""
        entry = self._kept.get(name)
        return entry.values if entry and _same(entry.key, key) else {}

    def recall(self, name: str, key: tuple[Any, ...], chunk: int) -> Any:
        """Return what was kept of a chunk for this key, or None."""
        return self.kept(name, key).get(chunk)

    def keep(self, name: str, key: tuple[Any, ...], chunk: int, value: Any, size: float) -> None:
        """Keep the value of a chunk if those of the whole block, `size` bytes, find room.

        What was kept under the name for another key is dropped.
        """
        entry = self._kept.get(name)
        if entry is None or not _same(entry.key, key):
            self._kept.pop(name, None)
            if size + sum(each.size for each in self._kept.values()) > self.limit:
                return
            entry = self._kept[name] = _Entry(key, size, {})
        entry.values[chunk] = value


class _Entry(NamedTuple):
    key: tuple[Any, ...]
    size: float
    values: dict[int, Any]


def _same(one: tuple[Any, ...], other: tuple[Any, ...]) -> bool:
    return len(one) == len(other) and all(map(is_, one, other))


class Block(NamedTuple):
    """Rows X (m, d), dense or CSR, their targets and their weights (m,), None where all are 1.

    `number` is the block's place among all, which seeds whatever is drawn from it. `memo` is None
    where the block does not stay.
    """

    X: Features
    targets: Targets
    weight: Vector | None = None
    number: int = 0
    memo: Memo | None = None

    @property
    def n_rows(self) -> int:
        """The number of rows."""
        return self.targets.n_rows

    def take(self, rows: RowIndex) -> "Block":
        """Return some of the rows, of which nothing is kept."""
        weight = None if self.weight is None else self.weight[rows]
        return Block(self.X[rows], self.targets.take(rows), weight, self.number)

    def pick(self, rows: Index) -> "Block":
        """Return some of the rows for as long as a fit, without a copy of those in a file."""
        weight = None if self.weight is None else self.weight[rows]
        return Block(picked(self.X, rows), self.targets.take(rows), weight, self.number)

    def counted(self) -> "Block":
        """Return the rows that count: those of weight 0 are absent."""
        if self.weight is None or self.weight.all():
            return self
        return self.pick(np.flatnonzero(self.weight))

    def weights(self) -> Vector:
        """Return w_i, also where they are uniform, (m,)."""
        return np.ones(self.n_rows) if self.weight is None else self.weight

    def total(self) -> float:
        """Return Σ_i w_i."""
        return float(self.n_rows if self.weight is None else self.weight.sum())
