"""What a user passes as an array, turned into NumPy's or refused by its name."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._hyperparameters import shown
from ._likelihood.products import is_sparse


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
        message = f"{name} must be an array, got rows of different lengths: {error}"
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
        if not (value is None or _is_real(value)):
            place = f"{name}[{', '.join(map(str, index))}]" if index else name
            message = f"{name} must hold numbers: {place} is {shown(value)}"
            raise TypeError(message)
    try:
        return array.astype(np.float64)
    except OverflowError as error:
        message = f"{name} holds an integer too large for float64; rescale it"
        raise ValueError(message) from error


def _is_real(value: object) -> bool:
    # Every NumPy scalar has the method, also text, dates and complex numbers.
    other = (str, bytes, complex, np.complexfloating, np.datetime64, np.timedelta64, np.ndarray)
    return hasattr(value, "__float__") and not isinstance(value, other)


def _refuse_look_alikes(values: Any, name: str) -> None:
    """Raise TypeError for containers that NumPy would silently misread or load whole."""
    if isinstance(values, np.ma.MaskedArray):
        message = (
            f"{name} is a masked array, and masked values are not supported; fill or drop them"
        )
    elif isinstance(values, np.matrix):
        message = f"{name} is a np.matrix, which is not supported; pass np.asarray({name})"
    elif _is_dask(values):
        message = f"{name} is a Dask collection; call {name}.compute() or fit its blocks in turn"
    elif is_lazy_frame(values):
        message = f"{name} is a lazy frame; call {name}.collect() first"
    elif is_sparse(values):
        message = f"{name} is sparse; pass {name}.toarray()"
    else:
        return
    raise TypeError(message)


def _is_dask(values: Any) -> bool:
    # xarray has the method without Dask too; it returns None then.
    return hasattr(values, "__dask_graph__") and values.__dask_graph__() is not None
