"""What a user passes as an array or a data frame, turned into NumPy's or refused by its name."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

LONGEST = 60


def is_sparse(X: object) -> bool:
    """Tell a sparse matrix (of any library) from a dense one."""
    return hasattr(X, "tocsr")


def shown(value: object) -> str:
    """Return a short text of `value` for a message; a failing or long repr stays harmless."""
    try:
        text = repr(value)
    except Exception:  # noqa: BLE001 - a user's repr may raise anything
        text = f"a {type(value).__name__}"
    if len(text) <= LONGEST and "\n" not in text:
        return text
    if type(value) is list and ", " in text[: LONGEST - 6]:  # no number is cut in two
        return text[: LONGEST - 6].rpartition(", ")[0] + ", ...]"
    text = _ends(value) or " ".join(text.split())
    return text if len(text) <= LONGEST else text[: LONGEST - 3] + "..."


def _ends(value: Any) -> str:
    """Return the first and the last numbers of an array or a column; "" of anything else."""
    if isinstance(value, np.ndarray):
        name, array = "array", value
    elif type(value).__name__ == "Series":
        name, array = "Series", np.asarray(value)
    else:
        return ""
    if array.ndim != 1 or array.dtype.kind not in "biuf":
        return ""
    few = np.array2string(array, precision=3, threshold=4, edgeitems=2, separator=", ")
    return f"{name}({few})"


def is_lazy_frame(values: Any) -> bool:
    """Tell a data frame that has not been computed yet."""
    return hasattr(values, "collect") and not hasattr(values, "__array__")


def as_array(values: Any, name: str) -> NDArray[Any]:
    """Return the values as an array, as they are.

    Raises
    ------
    TypeError
        A container that NumPy would misread or load whole.
    ValueError
        Rows of different lengths.
    """
    if type(values) is np.ndarray:
        return values
    _refuse_look_alikes(values, name)
    try:
        return np.asarray(values)
    except ValueError as error:
        uneven = _uneven(values, name) or error
        message = f"{name} must be an array, got rows of different lengths: {uneven}"
        raise ValueError(message) from error


def objects_as_floats(array: NDArray[np.object_], name: str) -> NDArray[np.float64]:
    """Return an array of Python numbers as float64; None becomes NaN.

    Raises
    ------
    TypeError
        An entry that is not a real number.
    ValueError
        An integer beyond float64.
    """
    for index, value in np.ndenumerate(array):
        if not (value is None or is_real(value)):
            message = f"{name} must hold numbers: {found(array, name, index, shown(value))}"
            raise TypeError(message)
    try:
        return array.astype(np.float64)
    except OverflowError as error:
        index, value = next((i, v) for i, v in np.ndenumerate(array) if is_too_large(v))
        message = (
            f"{name} holds an integer too large for float64: "
            f"{found(array, name, index, shown(value))}; rescale it"
        )
        raise ValueError(message) from error


def found(values: Any, name: str, index: tuple[int, ...], text: str) -> str:
    """Return what stands where, for a message: with its column's name in a data frame."""
    where = f"{name}[{', '.join(map(str, index))}]" if index else name
    if len(index) != 2 or column_labels(values) is None:
        return f"{where} is {text}"
    return f"{column_name(values, index[1])} holds {text} at {where}"


def column_name(values: Any, column: int) -> str:
    """Return what a message calls a column: its number where nothing names it."""
    labels = column_labels(values)
    return f"column {column if labels is None else shown(plain(labels[column]))}"


def column_labels(values: Any) -> list[Any] | None:
    """Return what a data frame calls its columns, or None where the values are no data frame."""
    if type(values) is np.ndarray or is_lazy_frame(values):  # asking may cost the work it puts off
        return None
    labels = getattr(values, "column_names", None)  # PyArrow's, whose columns are arrays
    labels = getattr(values, "columns", None) if labels is None else labels
    return None if labels is None or callable(labels) else list(labels)


def column_types(values: Any) -> list[str]:
    """Return the types of a data frame's columns, in its library's words."""
    if column_labels(values) is None:
        return []
    types = getattr(getattr(values, "schema", None), "types", None)  # PyArrow's
    return list(map(str, getattr(values, "dtypes", ()) if types is None else types))


def plain(value: Any) -> Any:
    """Return the value without its NumPy type, for a message."""
    return value.item() if isinstance(value, np.generic) else value


def is_real(value: object) -> bool:
    """Tell a real number from everything else."""
    # Every NumPy scalar has the method, also text, dates and complex numbers.
    other = (str, bytes, complex, np.complexfloating, np.datetime64, np.timedelta64, np.ndarray)
    return hasattr(value, "__float__") and not isinstance(value, other)


def is_too_large(value: Any) -> bool:
    """Tell an integer that float64 cannot hold."""
    try:
        float(value or 0)
    except OverflowError:
        return True
    return False


def _uneven(values: Any, name: str) -> str:
    """Return which row first differs in length from row 0; "" where only something deeper does."""
    lengths = [_length(row) for row in values]
    for row, length in enumerate(lengths):
        if length != lengths[0]:
            return f"{name}[0] has {lengths[0]}, {name}[{row}] has {length}"
    return ""


def _length(row: Any) -> str:
    return f"length {len(row)}" if hasattr(row, "__len__") else "none"


def _refuse_look_alikes(values: Any, name: str) -> None:
    """Raise TypeError for containers that NumPy would silently misread or load whole."""
    if isinstance(values, np.ma.MaskedArray):
        message = (
            f"{name} is a masked array, and masked values are not supported; fill or drop them"
        )
    elif isinstance(values, np.matrix):
        message = f"{name} is a np.matrix, which is not supported; pass np.asarray({name})"
    elif is_dask(values):
        message = (
            f"{name} is a Dask collection, which fit takes and nothing else; map over its parts, such "
            f"as {name}.map_blocks(model.predict, drop_axis=1, dtype=model.classes_.dtype) or of data "
            f"frames {name}.map_partitions(model.predict), or call {name}.compute()"
        )
    elif is_lazy_frame(values):
        message = f"{name} is a lazy frame; call {name}.collect() first"
    elif is_sparse(values):
        message = f"{name} is sparse; pass {name}.toarray()"
    else:
        return
    raise TypeError(message)


def is_dask(values: Any) -> bool:
    """Tell a collection of Dask."""
    # xarray has the method without Dask too; it returns None then.
    return hasattr(values, "__dask_graph__") and values.__dask_graph__() is not None
