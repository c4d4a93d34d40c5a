"""Some rows of every block, which stand for all of them where the driver needs to see rows.

Of each block rows are drawn without replacement, and each weighs as much as the rows it stands for.
No block need know its place: they are drawn by one seed, at the same places of blocks of one size.
A block that comes again as the same object is told apart by its `repetition`.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .._arrays import is_sparse
from .._input.blocks import GivenRows
from .._types import Features

# What the rows of a sample may take: the one thing of all rows that the driver holds.
LIMIT = 64 * 2**20


class Quota(NamedTuple):
    """What may be drawn of a block: so many bytes, and no more than a `share` of its rows."""

    seed: int
    size: float
    share: float = 1.0

    def rows(self, given: GivenRows) -> int:
        """Return how many rows of a block are drawn."""
        most = min(given.n_rows, self.size / max(1.0, row_bytes(given.X)))
        return int(min(most, self.share * given.n_rows + 0.5))


def drawn(rows: GivenRows, quota: Quota) -> GivenRows:
    """Return some of the rows of a block, all of them where its quota is as large."""
    size = quota.rows(rows)
    if size == rows.n_rows:
        return rows
    generator = np.random.default_rng([quota.seed, rows.repetition])
    chosen = np.sort(generator.choice(rows.n_rows, size, replace=False))
    weight = np.ones(size) if rows.weight is None else rows.weight[chosen]
    return rows._replace(
        X=rows.X[chosen], y=rows.y[chosen], weight=weight * (rows.n_rows / max(1, size))
    )


def joined(parts: Sequence[GivenRows]) -> GivenRows:
    """Return the rows of all parts, in their order."""
    first = parts[0]
    weight = None
    if any(part.weight is not None for part in parts):
        weights = [np.ones(p.n_rows) if p.weight is None else p.weight for p in parts]
        weight = np.concatenate(weights)
    y = np.concatenate([part.y for part in parts])
    return first._replace(X=_stacked([part.X for part in parts]), y=y, weight=weight)


def row_bytes(X: Features) -> float:
    """Return the bytes of a row, of sparse rows the mean."""
    if not is_sparse(X):
        return float(X.shape[1] * X.dtype.itemsize)
    return float(X.nnz * (X.dtype.itemsize + 8) / max(1, X.shape[0]))


def _stacked(matrices: Sequence[Features]) -> Features:
    if len(matrices) == 1:
        return matrices[0]
    if not is_sparse(matrices[0]):
        return np.concatenate(matrices)
    data = np.concatenate([matrix.data for matrix in matrices])
    indices = np.concatenate([matrix.indices for matrix in matrices])
    shape = sum(matrix.shape[0] for matrix in matrices), matrices[0].shape[1]
    parts: Any = (data, indices, _starts(matrices))
    return type(matrices[0])(parts, shape=shape)


def _starts(matrices: Sequence[Features]) -> NDArray[np.int64]:
    """Return where each row of the stacked matrix begins."""
    counts = [np.diff(matrix.indptr).astype(np.int64) for matrix in matrices]
    return np.concatenate([[0], np.cumsum(np.concatenate(counts))])
