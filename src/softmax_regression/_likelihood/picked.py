"""Rows that stay in a file: some of them, picked without a copy, and orders in which to read them."""

import mmap
from typing import Any

import numpy as np

from .._types import Features, Index
from .targets import RowIndex

# Rows of a file that are read one after the other, where their order is random.
RUN = 256


class PickedRows:
    """Some rows of a memory map, which are read where they are asked for."""

    def __init__(self, X: Features, rows: Index) -> None:
        self.X, self.rows = X, rows
        self.shape = (len(rows), X.shape[1])
        self.dtype = X.dtype

    def __getitem__(self, rows: RowIndex) -> Features:
        return self.X[self.rows[rows]]


def picked(X: Features, rows: Index) -> Features:
    """Return some rows for as long as a fit: of a file they stay there."""
    return PickedRows(X, rows) if is_mapped(X) else X[rows]


def is_mapped(X: Any) -> bool:
    """Tell rows in a file from rows in memory."""
    while X is not None:
        if isinstance(X, (PickedRows, np.memmap, mmap.mmap)):
            return True
        X = getattr(X, "base", None)
    return False


def shuffled(X: Features, chunk: int, generator: "np.random.Generator") -> Index:
    """Return the rows in random order; those of a file in chunks of random runs, each shuffled.

    A row from here and one from there would read the file a page a row.
    """
    n_rows = X.shape[0]
    if not is_mapped(X):
        return generator.permutation(n_rows)
    runs = [np.arange(first, min(first + RUN, n_rows)) for first in range(0, n_rows, RUN)]
    order = np.concatenate([runs[place] for place in generator.permutation(len(runs))])
    for first in range(0, n_rows, chunk):
        generator.shuffle(order[first : first + chunk])
    return order
