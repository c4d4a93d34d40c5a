"""The rows that a result was made of, held by reference, for the questions that need them again."""

from typing import Any, NamedTuple

import numpy as np

from .._likelihood.block import Block
from .._likelihood.coordinates import Coordinates
from .._likelihood.survey import slices
from .._likelihood.targets import Labels
from .._types import Features, Matrix, Vector


class Rows(NamedTuple):
    """`block`: the rows that count. `weight`: those of all `n_rows` rows given, None where equal."""

    block: Block
    weight: Vector | None
    n_rows: int


def unlabelled(X: Features, n_classes: int, weight: Vector | None) -> Block:
    """Return rows whose targets nobody asks for."""
    labels = Labels(np.zeros(X.shape[0], dtype=np.intp), n_classes)
    return Block(X, labels, weight).counted()


def standardised(X: Features, coordinates: Coordinates, part: slice) -> Matrix:
    """Return (x − μ) / s of some rows, and a one for the intercept, filled in, (b, D)."""
    rows: Any = X[part]
    values = np.ones((rows.shape[0], coordinates.n_columns))
    dense = rows.toarray() if hasattr(rows, "toarray") else rows
    values[:, : coordinates.n_features] = (dense - coordinates.centre) / coordinates.scale
    return values


def parts(n_rows: int, columns: int) -> list[slice]:
    """Cut rows of so many columns into runs of about 2²⁰ entries."""
    return list(slices(n_rows, max(1, 2**20 // max(1, columns))))
