"""X as a user gives it, checked once and turned into a float matrix the core can trust."""

import math
from collections.abc import Iterator
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ._arrays import as_array, is_lazy_frame, is_sparse
from ._warn import warn


class SparseMatrix(Protocol):
    """A sparse matrix or array of any library that can turn itself into CSR form."""

    def tocsr(self) -> Any:
        """Return the matrix in compressed sparse row form."""


# A dense float32 or float64 array, or a sparse matrix in CSR form: whatever has `@`, `.T`
# and row slicing.
Features: TypeAlias = Any

BLOCK_BYTES = 1 << 20  # a block of rows that stays in a core's cache


def check_features(X: Any, n_features: int | None = None, *, name: str = "X") -> Features:
    """Return X as a finite float32 or float64 matrix (n_samples, n_features), copied only to cast.

    float32 and float64 stay, float16 becomes float32, everything else becomes float64.
    """
    if type(X) is not np.ndarray or X.dtype.char not in "fd":
        X = _as_csr(X, name) if is_sparse(X) else _as_matrix(X, name)
    elif not (X.dtype.isnative and X.flags.aligned):
        X = X.astype(X.dtype.newbyteorder("="))
    _check_shape(X, n_features, name)
    _check_finite(X, name)
    return X


def row_blocks(n_rows: int, row_bytes: int) -> Iterator[slice]:
    """Yield slices that cover the rows in order, each about `BLOCK_BYTES` large."""
    step = max(1, BLOCK_BYTES // max(1, row_bytes))
    for start in range(0, n_rows, step):
        yield slice(start, min(start + step, n_rows))


def feature_names(X: Any) -> NDArray[np.object_] | None:
    """Return the column names of a data frame, or None where the columns have no string names."""
    if type(X) is np.ndarray:
        return None
    if is_lazy_frame(X):  # its names may cost the work it puts off; it is refused later
        return None
    columns = getattr(X, "column_names", None)
    columns = getattr(X, "columns", None) if columns is None else columns
    if columns is None or callable(columns):
        return None
    names = list(columns)
    strings = sum(isinstance(name, str) for name in names)
    if strings == 0:
        return None
    if strings < len(names):
        kinds = sorted({type(name).__name__ for name in names})
        message = (
            "Feature names are only supported if all input features have string names, but X has "
            f"column names of the types {kinds}. Convert them, e.g. X.columns = "
            "X.columns.astype(str)"
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
    return "\n".join(lines) + "\n"


def _as_csr(X: Any, name: str) -> Features:
    matrix = X.tocsr()
    _check_kind(matrix.dtype, name)
    if matrix.dtype.char in "fd" and matrix.dtype.isnative:
        return matrix
    return matrix.astype(np.float32 if matrix.dtype.char in "ef" else np.float64)


def _as_matrix(X: Any, name: str) -> NDArray[Any]:
    array = as_array(X, name)
    if array.dtype.char == "O":
        if array.ndim == 0:
            message = f"Expected 2D array, got {type(X).__name__} instead for {name}"
            raise ValueError(message)
        return _from_objects(array, name)
    _check_kind(array.dtype, name)
    kept = {"f": np.float32, "e": np.float32}.get(array.dtype.char, np.float64)
    with np.errstate(over="ignore"):  # a long double beyond float64 becomes inf, refused below
        return np.require(array.astype(kept, copy=False), requirements=["ALIGNED"])


def _check_kind(dtype: np.dtype[Any], name: str) -> None:
    if dtype.kind == "c":
        message = f"Complex data not supported: {name} has dtype {dtype}; pass the real part"
        raise ValueError(message)
    if dtype.kind in "SUT":
        message = f"could not convert string to float: {name} has dtype {dtype}; encode the text"
        raise ValueError(message)
    if dtype.kind not in "biuf":
        message = f"{name} must hold numbers, got dtype {dtype}; convert it to float first"
        raise TypeError(message)


def _from_objects(array: NDArray[Any], name: str) -> NDArray[np.float64]:
    for index, value in np.ndenumerate(array):
        place = f"{name}[{', '.join(map(str, index))}]"
        if isinstance(value, (str, bytes)):
            message = f"could not convert string to float: {place} is {value!r}; encode the text"
            raise ValueError(message)
        if value is None or type(value).__name__ in ("NAType", "NaTType"):
            message = (
                f"Input {name} contains NaN: {place} is {value!r}; fill or drop missing values"
            )
            raise ValueError(message)
        if isinstance(value, (complex, np.complexfloating)):
            message = f"Complex data not supported: {place} is {value!r}; pass the real part"
            raise ValueError(message)
        if not hasattr(value, "__float__") or isinstance(value, (np.ndarray, np.datetime64)):
            message = (
                f"{name} must hold numbers: the argument must be a string or a real number, but "
                f"{place} is of type {type(value).__name__}"
            )
            raise TypeError(message)
    try:
        return array.astype(np.float64)
    except OverflowError as error:
        message = f"Input {name} contains infinity or a value too large for float64; rescale it"
        raise ValueError(message) from error


def _check_shape(X: Features, n_features: int | None, name: str) -> None:
    if X.ndim == 1:
        message = (
            f"Expected 2D array, got 1D array of shape {X.shape} instead for {name}. Reshape "
            "your data with array.reshape(-1, 1) if it is a single feature or array.reshape(1, -1) "
            "if it is a single sample"
        )
        raise ValueError(message)
    if X.ndim != 2:
        message = f"Expected 2D array, got {X.ndim}D array of shape {X.shape} instead for {name}"
        raise ValueError(message)
    if n_features is not None and X.shape[1] != n_features:
        message = (
            f"{name} has {X.shape[1]} features, but SoftmaxRegression is expecting {n_features} "
            "features as input"
        )
        raise ValueError(message)
    if X.shape[1] == 0:
        message = (
            f"Found array with 0 feature(s) (shape={X.shape}) while a minimum of 1 is required. "
            f"Give {name} at least one column"
        )
        raise ValueError(message)


def _check_finite(X: Features, name: str) -> None:
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
            _raise_not_finite(X, values, rows, name)


def _raise_not_finite(X: Features, values: NDArray[Any], rows: slice, name: str) -> None:
    row, column = (int(i) for i in np.argwhere(~np.isfinite(values[rows]))[0])
    row += rows.start
    value = values[row, column]
    if is_sparse(X):
        entry = row
        row = int(np.searchsorted(X.indptr, entry, side="right")) - 1
        column = int(X.indices[entry])
    found = f"{name}[{row}, {column}] is {value}"
    if np.isnan(value):
        message = f"Input {name} contains NaN: {found}; fill or drop missing values"
    else:
        message = (
            f"Input {name} contains infinity or a value too large for {X.dtype}: {found}; "
            "replace or rescale it"
        )
    raise ValueError(message)
