"""Blocks as a user gives them: what they are a list of, and the rows of each."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .._arrays import is_sparse, shown
from .._types import Features, Vector
from .features import check_features, feature_names
from .hyperparameters import Hyperparameters
from .labels import check_y, class_columns, encode, listed, refuse_other_columns
from .weights import unscaled_sample_weight


class GivenRows(NamedTuple):
    """The checked rows of one block: features, labels or probability rows, weights as given.

    `names` are those of the features and `columns` those of the probability rows, None where there
    are none. `repetition` counts the same object among the blocks before.
    """

    X: Features
    y: NDArray[Any]
    weight: Vector | None
    names: NDArray[np.object_] | None = None
    columns: NDArray[Any] | None = None
    repetition: int = 0

    @property
    def n_rows(self) -> int:
        """The number of rows."""
        return int(self.X.shape[0])

    def total(self) -> float:
        """Return Σ_i w_i as given, infinite where it overflows."""
        with np.errstate(over="ignore"):
            return float(self.n_rows if self.weight is None else self.weight.sum())


class Form(NamedTuple):
    """What the rows of all blocks have in common, and the `number` of the block it is known from."""

    number: int
    n_features: int
    names: NDArray[np.object_] | None
    columns: NDArray[Any] | None
    sparse: bool
    n_columns: int  # of probability rows; 0 for labels

    @staticmethod
    def of(rows: GivenRows, number: int) -> "Form":
        """Return the form of the rows of a block."""
        n_columns = rows.y.shape[1] if rows.y.ndim == 2 else 0
        sparse = is_sparse(rows.X)
        return Form(number, rows.X.shape[1], rows.names, rows.columns, sparse, n_columns)

    def refuse_other(self, other: "Form") -> None:
        """Raise where a later block has another form.

        Raises
        ------
        ValueError
            Another number of features, other names, or another kind of features or targets.
        """
        for one, two, remedy in (
            (self._features(), other._features(), "give all blocks the same columns"),
            (_named(self.names), _named(other.names), "name the columns of all blocks alike"),
            (self._kind(), other._kind(), "give all blocks the same kind of X"),
            (self._targets(), other._targets(), "give all blocks the same kind of y"),
            (_classes(self.columns), _classes(other.columns), "call them alike, in one order"),
        ):
            if one != two:
                message = f"block {other.number} has {two}, block {self.number} has {one}; {remedy}"
                raise ValueError(message)

    def _features(self) -> str:
        return f"{self.n_features} feature{'s' * (self.n_features != 1)}"

    def _kind(self) -> str:
        return "sparse rows" if self.sparse else "dense rows"

    def _targets(self) -> str:
        return f"probability rows of {self.n_columns} classes" if self.n_columns else "labels"


def check_blocks(blocks: Any) -> Sequence[Any]:
    """Return the blocks, known to be many and to be readable again.

    Raises
    ------
    TypeError
        No sequence.
    ValueError
        An empty one.
    """
    if isinstance(blocks, Iterator):
        message = (
            f"blocks are read several times, got {shown(blocks)}: pass a list, of callables if they "
            "do not fit into memory"
        )
        raise TypeError(message)
    if isinstance(blocks, (str, bytes, dict, np.ndarray)) or not (
        hasattr(blocks, "__len__") and hasattr(blocks, "__getitem__")
    ):
        message = (
            "blocks must be a list of tuples (X, y) or (X, y, sample_weight), or of callables that "
            f"return one, got {type(blocks).__name__}"
        )
        raise TypeError(message)
    if not len(blocks):
        message = "blocks is empty; give at least one block, such as [(X, y)]"
        raise ValueError(message)
    return blocks  # type: ignore[no-any-return]


def check_block(given: Any, *, finite: bool = True) -> GivenRows:
    """Return the checked rows of a block; those read before are known to be `finite`.

    Raises
    ------
    TypeError, ValueError
        As those of `fit`, and for a block that is no tuple.
    """
    if not isinstance(given, (tuple, list)) or len(given) not in (2, 3):
        kind = type(given).__name__
        if isinstance(given, (tuple, list)):
            kind += f" of length {len(given)}"
        message = (
            "a block must be a tuple (X, y) or (X, y, sample_weight), or a callable that returns "
            f"one, got {kind}"
        )
        raise TypeError(message)
    X, y, *weights = given
    names = feature_names(X)
    features = _no_rows(X) if _is_empty(X) else check_features(X, finite=finite)
    checked_y = check_y(y, features.shape[0])
    weight = None
    if weights and weights[0] is not None:
        weight = unscaled_sample_weight(weights[0], features.shape[0])
    columns = class_columns(y) if checked_y.ndim == 2 else None
    return GivenRows(features, checked_y, weight, names, columns)


def refuse_other_classes(rows: GivenRows, classes: NDArray[Any]) -> None:
    """Raise where rows of weight > 0 have other labels, or probability rows of other classes."""
    refuse_other_columns(rows.columns, classes)
    absent = None if rows.weight is None else rows.weight == 0
    remedy = "name every class in `classes`, or drop the row"
    encode(rows.y, classes, absent=absent, remedy=remedy)


def refuse_settings(settings: Hyperparameters, validation_data: Any) -> None:
    """Raise where a setting asks for what only rows in memory can give."""
    if settings.learning_rate != "auto":
        message = (
            f"fit_blocks needs learning_rate='auto', got {shown(settings.learning_rate)}: gradient "
            "descent over blocks is partial_fit, block by block"
        )
        raise ValueError(message)
    if settings.chooses_l2:
        message = "l2='auto' needs all rows in memory: use fit on a sample, and give l2 its l2_"
        raise ValueError(message)
    if settings.early_stopping and validation_data is None:
        message = (
            "early_stopping=True over blocks needs rows to watch: give "
            "validation_data=(X_val, y_val), or set early_stopping=False"
        )
        raise ValueError(message)


def _is_empty(X: Any) -> bool:
    shape = getattr(X, "shape", None)
    return isinstance(shape, tuple) and len(shape) == 2 and shape[0] == 0


def _no_rows(X: Any) -> Features:
    return np.zeros((0, int(X.shape[1])))


def _named(names: NDArray[np.object_] | None) -> str:
    return "no column names" if names is None else f"the columns {listed(names)}"


def _classes(columns: NDArray[Any] | None) -> str:
    return "no names of classes" if columns is None else f"the classes {listed(columns)}"
