"""X as a user gives it, checked once and turned into a float matrix the core can trust."""

import math
import re
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from .._arrays import (
    as_array,
    column_labels,
    column_name,
    column_types,
    found,
    is_real,
    is_sparse,
    is_too_large,
    plain,
    shown,
)
from .._likelihood.logits import BLOCK_BYTES, row_blocks
from .._types import Features
from .._warn import warn


class SparseMatrix(Protocol):
    """A sparse matrix or array of any library that can turn itself into CSR form."""

    def tocsr(self) -> Any:
        """Return the matrix in compressed sparse row form."""


MOST_COLUMNS = 5  # that a message names

# The column types of pandas, polars and PyArrow whose values are no numbers, though NumPy or the
# frame itself may make some of them.
DATES = re.compile("date|time|duration|period|interval", re.IGNORECASE)


def check_features(
    X: Any, n_features: int | None = None, *, name: str = "X", finite: bool = True
) -> Features:
    """Return X as a finite float32 or float64 matrix (n_samples, n_features), copied only to cast.

    float32 and float64 stay, float16 becomes float32, everything else becomes float64. Rows that
    have been seen to be `finite` before need not be read for it again: False.
    """
    given = X
    if type(X) is not np.ndarray or X.dtype.char not in "fd":
        X = _as_csr(X, name) if is_sparse(X) else _as_matrix(X, n_features, name)
    elif not (X.dtype.isnative and X.flags.aligned):
        X = X.astype(X.dtype.newbyteorder("="))
    _check_shape(X, n_features, name)
    if finite:
        check_finite(X, given, name)
    return X


def feature_names(X: Any) -> NDArray[np.object_] | None:
    """Return the column names of a data frame, or None where the columns have no string names."""
    names = column_labels(X)
    if names is None:
        return None
    strings = sum(isinstance(name, str) for name in names)
    if strings == 0:
        return None
    if strings < len(names):
        kinds = sorted({type(name).__name__ for name in names})
        first = next(name for name in names if not isinstance(name, str))
        message = (
            "Feature names are only supported if all input features have string names, but X has "
            f"column names of the types {kinds}, such as {shown(plain(first))}. Convert them, e.g. "
            "X.columns = X.columns.astype(str)"
        )
        raise TypeError(message)
    return np.array(names, dtype=object)


def check_feature_names(
    given: NDArray[np.object_] | None, fitted: NDArray[np.object_] | None, *, name: str = "X"
) -> None:
    """Raise where both sets of names exist and differ; warn where only one exists.

    Raises
    ------
    ValueError
        Names unseen in fit, missing, or in another order.
    """
    model = "SoftmaxRegression was fitted"
    if given is None and fitted is None:
        return
    if fitted is None:
        warn(f"{name} has feature names, but {model} without feature names", UserWarning)
    elif given is None:
        warn(f"{name} does not have valid feature names, but {model} with them", UserWarning)
    elif given.shape != fitted.shape or bool(np.any(given != fitted)):
        raise ValueError(_names_differ(set(given), set(fitted)))


def _names_differ(given: set[str], fitted: set[str]) -> str:
    lines = ["The feature names should match those that were passed during fit."]
    for title, names in (
        ("Feature names unseen at fit time:", given - fitted),
        ("Feature names seen at fit time, yet now missing:", fitted - given),
    ):
        if names:
            shown = sorted(names)[:5]
            lines += [title, *(f"- {name}" for name in shown)]
            lines += ["- ..."] if len(names) > len(shown) else []
    if given == fitted:
        lines.append("Feature names must be in the same order as they were in fit.")
        lines.append("A data frame is brought to it by X[list(model.feature_names_in_)].")
    return "\n".join(lines) + "\n"


def _as_csr(X: Any, name: str) -> Features:
    matrix = X.tocsr()
    _check_kind(matrix.dtype, name)
    if matrix.dtype.char in "fd" and matrix.dtype.isnative:
        return matrix
    return matrix.astype(np.float32 if matrix.dtype.char in "ef" else np.float64)


def _as_matrix(X: Any, n_features: int | None, name: str) -> NDArray[Any]:
    refuse_dates(X, name)
    array = as_array(X, name)
    if array.dtype.char == "O" and array.ndim == 0:
        message = f"Expected 2D array, got {type(X).__name__} instead for {name}; give a matrix"
        raise ValueError(message)
    _check_shape(array, n_features, name, column=hasattr(X, "to_frame"))
    if array.dtype.char == "O":
        return _from_objects(array, X, name)
    if array.dtype.kind in "SUT":
        raise ValueError(_text(array, X, name))
    if array.dtype.kind == "c" and array.size:
        raise ValueError(_complex(array, X, name))
    _check_kind(array.dtype, name)
    kept = {"f": np.float32, "e": np.float32}.get(array.dtype.char, np.float64)
    with np.errstate(over="ignore"):  # a long double beyond float64 becomes inf, refused below
        return np.require(array.astype(kept, copy=False), requirements=["ALIGNED"])


def refuse_dates(X: Any, name: str) -> None:
    """Raise TypeError at a data frame's first column of dates, times or durations.

    NumPy has no common type for these and numbers; polars hands it the numbers behind them.
    """
    for column, kind in enumerate(column_types(X)):
        if DATES.match(kind):
            message = (
                f"{name} must hold numbers, but {column_name(X, column)} is of type {kind}; make "
                "numbers of it, such as the days since a start, or drop it"
            )
            raise TypeError(message)


def _check_kind(dtype: np.dtype[Any], name: str) -> None:
    if dtype.kind == "c":
        message = f"Complex data not supported: {name} has dtype {dtype}; pass the real part"
        raise ValueError(message)
    if dtype.kind in "mM":
        message = (
            f"{name} must hold numbers, got dtype {dtype}; make numbers of it, such as the days "
            "since a start"
        )
        raise TypeError(message)
    if dtype.kind not in "biuf":
        message = f"{name} must hold numbers, got dtype {dtype}; convert it to float first"
        raise TypeError(message)


def _text(array: NDArray[Any], given: Any, name: str) -> str:
    """Return the message about an array of text: its first entry that is no written number."""
    places = list(np.ndindex(array.shape))
    index = next((index for index in places if not _is_number(array[index])), None)
    if not places:
        what, remedy = f"{name} has dtype {array.dtype}", "encode the text"
    elif index is None:
        what = found(given, name, places[0], shown(plain(array[places[0]])))
        remedy = f"convert the numbers written as text with np.asarray({name}, dtype=float)"
    else:
        what = found(given, name, index, shown(plain(array[index])))
        remedy = "encode the text"
    return f"could not convert string to float: {what}; {remedy}"


def _complex(array: NDArray[Any], given: Any, name: str) -> str:
    index = np.unravel_index(int(np.argmax(array.imag != 0)), array.shape)
    what = found(given, name, tuple(map(int, index)), str(array[index]))
    return f"Complex data not supported: {what}; pass the real part"


def _is_number(text: Any) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _from_objects(array: NDArray[Any], given: Any, name: str) -> NDArray[np.float64]:
    for index, value in np.ndenumerate(array):
        if not (is_real(value) or _is_missing(value)):
            _refuse_object(value, index, given, name)
    missing = np.fromiter(map(_is_missing, array.flat), np.bool_, array.size).reshape(array.shape)
    if missing.any():
        row, column = (int(i) for i in np.argwhere(missing)[0])
        what = found(given, name, (row, column), shown(array[row, column]))
        counts = {"NaN": missing.sum(axis=0)}
        raise ValueError(_not_finite(what, counts, given, name))
    try:
        return array.astype(np.float64)
    except OverflowError as error:
        index, value = next(each for each in np.ndenumerate(array) if is_too_large(each[1]))
        what = found(given, name, index, shown(value))
        message = (
            f"Input {name} contains infinity or a value too large for float64: {what}; rescale it"
        )
        raise ValueError(message) from error


def _is_missing(value: Any) -> bool:
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(value, (float, np.floating)) and math.isnan(value)


def _refuse_object(value: Any, index: tuple[int, ...], given: Any, name: str) -> None:
    what = found(given, name, index, shown(plain(value)))
    if isinstance(value, (str, bytes)):
        message = f"could not convert string to float: {what}; encode the text"
        raise ValueError(message)
    if isinstance(value, (complex, np.complexfloating)):
        message = f"Complex data not supported: {what}; pass the real part"
        raise ValueError(message)
    row, column = index
    message = (
        f"{name} must hold numbers: the argument must be a string or a real number, but "
        f"{name}[{row}, {column}] is of type {type(value).__name__} ({column_name(given, column)}); "
        "make numbers of the column, or drop it"
    )
    raise TypeError(message)


def _check_shape(X: Features, n_features: int | None, name: str, *, column: bool = False) -> None:
    """Raise where X is no matrix of so many features; `column` if it was a data frame's column."""
    if X.ndim == 1:
        reshaped = f"{name}.to_frame()" if column else "array.reshape(-1, 1)"
        message = (
            f"Expected 2D array, got 1D array of shape {X.shape} instead for {name}. Reshape "
            f"your data with {reshaped} if it is a single feature or array.reshape(1, -1) "
            "if it is a single sample"
        )
        raise ValueError(message)
    if X.ndim != 2:
        message = (
            f"Expected 2D array, got {X.ndim}D array of shape {X.shape} instead for {name}; give "
            "one row of features per sample"
        )
        raise ValueError(message)
    if n_features is not None and X.shape[1] != n_features:
        message = (
            f"{name} has {X.shape[1]} features, but SoftmaxRegression is expecting {n_features} "
            "features as input; give the columns seen in fit"
        )
        raise ValueError(message)
    if X.shape[1] == 0:
        message = (
            f"Found array with 0 feature(s) (shape={X.shape}) while a minimum of 1 is required. "
            f"Give {name} at least one column"
        )
        raise ValueError(message)


def check_finite(X: Features, given: Any, name: str) -> None:
    """Raise at the first NaN or infinity.

    A sum of squares is finite only if every entry is, and costs one read and no copy; only where
    it overflows does every entry get looked at. `vdot`, unlike `dot`, raises no floating-point
    error then.
    """
    values = X if type(X) is np.ndarray or not is_sparse(X) else X.data[:, np.newaxis]
    if values.nbytes <= BLOCK_BYTES:
        flat = values.ravel(order="K")
        if math.isfinite(np.vdot(flat, flat)):
            return
    for rows in row_blocks(values.shape[0], values.shape[1] * values.itemsize):
        flat = values[rows].ravel(order="K")
        if not math.isfinite(np.vdot(flat, flat)) and not np.isfinite(flat).all():
            _raise_not_finite(X, values, rows, given, name)


def _raise_not_finite(
    X: Features, values: NDArray[Any], rows: slice, given: Any, name: str
) -> None:
    row, column = (int(i) for i in np.argwhere(~np.isfinite(values[rows]))[0])
    row += rows.start
    value = values[row, column]
    if is_sparse(X):
        entry = row
        row = int(np.searchsorted(X.indptr, entry, side="right")) - 1
        column = int(X.indices[entry])
    what = found(given, name, (row, column), str(value))
    bad = {"NaN": np.isnan, "infinite": np.isinf}
    counts = {kind: _counts(X, values, is_bad) for kind, is_bad in bad.items()}
    if math.isnan(value):
        raise ValueError(_not_finite(what, counts, given, name))
    message = (
        f"Input {name} contains infinity or a value too large for {X.dtype}: {what}; "
        f"{_tally(counts, given)}; replace or rescale it"
    )
    raise ValueError(message)


def _not_finite(what: str, counts: dict[str, NDArray[np.intp]], given: Any, name: str) -> str:
    return (
        f"Input {name} contains NaN: {what}; {_tally(counts, given)}; fill or drop missing values"
    )


def _counts(X: Features, values: NDArray[Any], is_bad: Any) -> NDArray[np.intp]:
    """Return how many entries of each column are bad."""
    if is_sparse(X):
        return np.bincount(X.indices[is_bad(X.data)], minlength=X.shape[1])
    total = np.zeros(X.shape[1], np.intp)
    for rows in row_blocks(values.shape[0], values.shape[1] * values.itemsize):
        total += np.count_nonzero(is_bad(values[rows]), axis=0)
    return total


def _tally(counts: dict[str, NDArray[np.intp]], given: Any) -> str:
    """Return how many cells of each kind there are, and in which columns, the first few by name."""
    texts = []
    for kind, per_column in counts.items():
        columns = np.flatnonzero(per_column)
        names = [f"{per_column[k]} in {column_name(given, int(k))}" for k in columns[:MOST_COLUMNS]]
        if len(columns) > MOST_COLUMNS:
            names.append(f"the rest in {len(columns) - MOST_COLUMNS} more columns")
        if len(columns) == 1:
            texts.append(names[0].replace(" in", f" {kind} in", 1))
        elif names:
            texts.append(f"{per_column.sum()} {kind}, {', '.join(names)}")
    return "; ".join(texts)
