"""y as a user gives it, and the targets t the core works with: class labels or probability rows.

Cross-entropy meets a target only through two linear forms, `inner` (Σ_k t_k z_k) and
`subtract_from` (P - T). Whoever has them never builds an n x K one-hot matrix. Both work on
classes-first arrays of shape (n_classes, n_rows).
"""

import math
import warnings
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ._exceptions import DataConversionWarning
from ._sklearn import sibling

RowIndex: TypeAlias = slice | NDArray[np.intp]


class Labels:
    """One true class per row: `labels` (n_rows,) in 0 … n_classes-1, smoothed by `smoothing` s.

    t = (1 - s) · onehot(label) + s / n_classes.
    """

    def __init__(self, labels: NDArray[np.intp], n_classes: int, smoothing: float = 0.0) -> None:
        self.labels = labels
        self.n_classes = n_classes
        self.smoothing = smoothing
        self._places: NDArray[np.intp] | None = None

    @property
    def n_rows(self) -> int:
        """The number of rows."""
        return len(self.labels)

    @property
    def given(self) -> NDArray[np.intp]:
        """The targets without smoothing, as `cross_entropy` takes them."""
        return self.labels

    def take(self, rows: RowIndex) -> "Labels":
        """Return the targets of some rows."""
        return Labels(self.labels[rows], self.n_classes, self.smoothing)

    def class_totals(self, sample_weight: NDArray[Any] | None) -> NDArray[np.float64]:
        """Return Σ_i w_i t_i without smoothing, shape (n_classes,)."""
        return np.bincount(self.labels, sample_weight, self.n_classes).astype(np.float64)

    def row_weights(self, class_weight: NDArray[Any]) -> NDArray[np.float64]:
        """Return each row's class weight Σ_k t_k c_k without smoothing, shape (n_rows,)."""
        return np.asarray(class_weight[self.labels], dtype=np.float64)

    def inner(self, Z: NDArray[Any]) -> NDArray[Any]:
        """Return Σ_k t_k z_k for every column of Z (n_classes, n_rows)."""
        true_class: NDArray[Any] = Z.take(self._true_places())
        if self.smoothing:
            true_class = (1.0 - self.smoothing) * true_class + self.smoothing * Z.mean(axis=0)
        return true_class

    def subtract_from(self, P: NDArray[Any], scale: Any = 1.0) -> None:
        """Do P -= scale · T in place; P (n_classes, n_rows) is C-contiguous, scale (n_rows,)."""
        if self.smoothing:
            P -= np.multiply(scale, self.smoothing / self.n_classes)
            scale = np.multiply(scale, 1.0 - self.smoothing)
        P.reshape(-1)[self._true_places()] -= scale

    def _true_places(self) -> NDArray[np.intp]:
        """Return the flat places of the true classes in a C-ordered (n_classes, n_rows) array."""
        # A flat index is three times faster than the pair (labels, arange).
        if self._places is None:
            n_rows = self.labels.shape[0]
            self._places = self.labels * n_rows
            self._places += np.arange(n_rows)
        return self._places


@dataclass(frozen=True)
class ProbabilityRows:
    """One probability row per sample, `rows` (n_rows, n_classes), smoothed by `smoothing` s.

    t = (1 - s) · row + s / n_classes.
    """

    rows: NDArray[Any]
    smoothing: float = 0.0

    @property
    def n_rows(self) -> int:
        """The number of rows."""
        return len(self.rows)

    @property
    def n_classes(self) -> int:
        """The number of classes."""
        return int(self.rows.shape[1])

    @property
    def given(self) -> NDArray[Any]:
        """The targets without smoothing, as `cross_entropy` takes them."""
        return self.rows

    def take(self, rows: RowIndex) -> "ProbabilityRows":
        """Return the targets of some rows."""
        return ProbabilityRows(self.rows[rows], self.smoothing)

    def class_totals(self, sample_weight: NDArray[Any] | None) -> NDArray[np.float64]:
        """Return Σ_i w_i t_i without smoothing, shape (n_classes,)."""
        weight = np.ones(self.n_rows) if sample_weight is None else sample_weight
        return np.asarray(weight @ self.rows, dtype=np.float64)

    def row_weights(self, class_weight: NDArray[Any]) -> NDArray[np.float64]:
        """Return each row's class weight Σ_k t_k c_k without smoothing, shape (n_rows,)."""
        return np.asarray(self.rows @ class_weight, dtype=np.float64)

    def inner(self, Z: NDArray[Any]) -> NDArray[Any]:
        """Return Σ_k t_k z_k for every column of Z (n_classes, n_rows)."""
        return np.asarray(np.einsum("ik,ki->i", self._smoothed, Z))

    def subtract_from(self, P: NDArray[Any], scale: Any = 1.0) -> None:
        """Do P -= scale · T in place; P (n_classes, n_rows), scale a number or (n_rows,)."""
        P -= self._smoothed.T * scale

    @cached_property
    def _smoothed(self) -> NDArray[Any]:
        if not self.smoothing:
            return self.rows
        return (1.0 - self.smoothing) * self.rows + self.smoothing / self.n_classes


Targets: TypeAlias = Labels | ProbabilityRows


def check_y(y: Any, n_rows: int) -> NDArray[Any]:
    """Return y as labels (n_rows,) or as checked probability rows (n_rows, n_classes).

    Raises
    ------
    TypeError
        y is masked, sparse, lazy or mixes types.
    ValueError
        y is missing, holds NaN or None, is continuous, is two-dimensional without being
        probability rows, or has another length than X.
    """
    array = _as_label_array(y)
    if array.ndim == 2 and array.shape[1] == 1:
        message = (
            "A column-vector y was passed when a 1d array was expected. Please change the shape "
            "of y to (n_samples,), for example using ravel()"
        )
        warnings.warn(message, sibling(DataConversionWarning), stacklevel=4)
        array = array.ravel()
    if array.ndim not in (1, 2):
        message = f"y must be one- or two-dimensional, got shape {array.shape}"
        raise ValueError(message)
    if array.shape[0] != n_rows:
        message = (
            f"Found input variables with inconsistent numbers of samples: "
            f"[{n_rows}, {array.shape[0]}] in X and y"
        )
        raise ValueError(message)
    return _check_labels(array) if array.ndim == 1 else _check_probability_rows(array)


def find_classes(y: NDArray[Any], sample_weight: NDArray[Any] | None) -> NDArray[Any]:
    """Return the sorted classes of checked targets; a class whose weights are all 0 is absent."""
    if y.ndim == 2:
        return np.arange(y.shape[1])
    classes = np.unique(y)
    if sample_weight is not None and not sample_weight.all():
        present = np.unique(y[sample_weight > 0])
        if present.shape != classes.shape:
            absent = np.setdiff1d(classes, present)
            message = (
                f"all rows of class {absent[0]!r} have weight 0: rows of weight 0 count as absent, "
                "so the class is not learned. Drop these rows, or give them weight"
            )
            warnings.warn(message, UserWarning, stacklevel=4)
            classes = present
    if classes.shape[0] < 2:
        raise ValueError(_one_class(classes))
    if classes.shape[0] > max(20, y.shape[0] // 2):
        message = (
            "The number of unique classes is greater than 50% of the number of samples. `y` could "
            "represent a regression problem, not a classification problem."
        )
        warnings.warn(message, UserWarning, stacklevel=4)
    return classes


def encode(
    y: NDArray[Any],
    classes: NDArray[Any],
    *,
    smoothing: float = 0.0,
    absent: NDArray[np.bool_] | None = None,
) -> Targets:
    """Return checked y as targets for sorted `classes`; rows marked `absent` may hold any label.

    Raises
    ------
    ValueError
        A label that is not among the classes, or rows with another number of columns.
    """
    if y.ndim == 2:
        if y.shape[1] != classes.shape[0]:
            message = (
                f"y has probability rows of {y.shape[1]} classes, but the model has "
                f"{classes.shape[0]}; give one column per class, in the order of classes_"
            )
            raise ValueError(message)
        return ProbabilityRows(y, smoothing)
    labels = np.minimum(_search(classes, y), classes.shape[0] - 1)
    unknown = classes[labels] != y
    if absent is not None:
        labels[absent] = 0
        unknown &= ~absent
    if unknown.any():
        first = int(np.argmax(unknown))
        message = (
            f"y[{first}] is {y[first]!r}, which is not among the classes {_listed(classes)}; "
            "name every class that may come in `classes` on the first call to partial_fit, or "
            "drop the row"
        )
        raise ValueError(message)
    return Labels(labels, classes.shape[0], smoothing)


def check_classes(classes: Any) -> NDArray[Any]:
    """Return the `classes` argument of partial_fit, sorted and known to be distinct labels."""
    array = _check_labels(_as_label_array(classes, name="classes"))
    found = np.unique(array)
    if found.shape[0] != array.shape[0]:
        message = f"classes must be distinct, got {array.shape[0]} with {found.shape[0]} distinct"
        raise ValueError(message)
    if found.shape[0] < 2:
        raise ValueError(_one_class(found))
    return found


def _search(classes: NDArray[Any], y: NDArray[Any]) -> NDArray[np.intp]:
    try:
        return np.searchsorted(classes, y)
    except TypeError as error:
        message = (
            f"y holds {type(y[0]).__name__} labels, but the model's classes are "
            f"{type(classes[0]).__name__}; give labels of the same type"
        )
        raise TypeError(message) from error


def _one_class(classes: NDArray[Any]) -> str:
    shown = str(classes[0]) if classes.shape[0] else "none"
    return (
        "SoftmaxRegression needs at least 2 classes, but the data contains only one class: "
        f"{shown}. Give rows of a second class"
    )


def _listed(classes: NDArray[Any]) -> str:
    shown = ", ".join(repr(label) for label in classes[:10].tolist())
    return f"[{shown}, ...]" if classes.shape[0] > 10 else f"[{shown}]"


def _as_label_array(y: Any, name: str = "y") -> NDArray[Any]:
    if y is None:
        message = "SoftmaxRegression requires y to be passed, but the target y is None"
        raise ValueError(message)
    kinds = (
        (isinstance(y, np.ma.MaskedArray), "a masked array; fill or drop the masked values"),
        (hasattr(y, "tocsr"), "sparse; pass y.toarray() or class labels"),
        (hasattr(y, "__dask_graph__"), "a Dask collection; call y.compute() first"),
        (hasattr(y, "collect") and not hasattr(y, "__array__"), "lazy; call y.collect() first"),
    )
    for refused, what in kinds:
        if refused:
            message = f"{name} is {what}"
            raise TypeError(message)
    try:
        array = np.asarray(y)
    except ValueError as error:
        message = f"{name} must hold one label or one probability row per sample: {error}"
        raise ValueError(message) from error
    return _unboxed(array, name) if array.dtype.char == "O" else array


def _unboxed(array: NDArray[Any], name: str) -> NDArray[Any]:
    """Return an object array of labels with its kind checked; numbers become a numeric array."""
    for index, value in np.ndenumerate(array):
        place = f"{name}[{', '.join(map(str, index))}]"
        if value is None or type(value).__name__ in ("NAType", "NaTType"):
            message = f"{place} is {value!r}; y must hold labels without missing values"
            raise ValueError(message)
        if isinstance(value, (float, np.floating)) and math.isnan(value):
            message = f"Input {name} contains NaN: {place} is {value}; drop the row or label it"
            raise ValueError(message)
    kinds = sorted({_kind(value) for value in array.ravel()})
    if len(kinds) > 1:
        message = (
            f"{name} mixes {' and '.join(kinds)}; y must hold labels of one type without missing "
            "values"
        )
        raise TypeError(message)
    if kinds in (["bool"], ["int"], ["float"]):
        return np.array(array.tolist())
    return array


def _kind(label: object) -> str:
    if isinstance(label, (bool, np.bool_)):
        return "bool"
    for name, kinds in (("int", (int, np.integer)), ("float", (float, np.floating))):
        if isinstance(label, kinds):
            return name
    return "str" if isinstance(label, str) else type(label).__name__


def _check_labels(y: NDArray[Any]) -> NDArray[Any]:
    if y.ndim != 1:
        message = f"labels must be one-dimensional, got shape {y.shape}"
        raise ValueError(message)
    if y.dtype.kind == "c":
        message = f"Complex data not supported: y has dtype {y.dtype}; give class labels"
        raise ValueError(message)
    if y.dtype.kind == "f":
        _check_integral(y)
    return y


def _check_integral(y: NDArray[Any]) -> None:
    finite = np.isfinite(y)
    if not finite.all():
        first = int(np.argmin(finite))
        what = "NaN" if np.isnan(y[first]) else "infinity"
        message = f"Input y contains {what}: y[{first}] is {y[first]}; drop the row or label it"
        raise ValueError(message)
    fractional = y != np.floor(y)
    if fractional.any():
        first = int(np.argmax(fractional))
        message = (
            f"Unknown label type: continuous. y[{first}] is {y[first]!r}. Maybe you are trying to "
            "fit a classifier, which expects discrete classes on a regression target with "
            "continuous values"
        )
        raise ValueError(message)


def _check_probability_rows(y: NDArray[Any]) -> NDArray[Any]:
    if y.dtype.kind not in "biuf":
        message = (
            f"a two-dimensional y must hold probability rows, got dtype {y.dtype}; give labels of "
            "shape (n_samples,) or one probability row per sample"
        )
        raise ValueError(message)
    rows = y if y.dtype.char in "fd" and y.dtype.isnative else y.astype(np.float64)
    with np.errstate(invalid="ignore", over="ignore"):
        sums = rows.sum(axis=1, dtype=np.float64)
        tolerance = math.sqrt(np.finfo(rows.dtype).eps)
        legal = (rows.min(axis=1, initial=0.0) >= 0.0) & (np.abs(sums - 1.0) <= tolerance)
    if not legal.all():
        first = int(np.argmin(legal))
        message = (
            f"a two-dimensional y must hold probability rows, non-negative with sum 1: row {first} "
            f"has minimum {rows[first].min(initial=0.0)} and sum {sums[first]}. Give one "
            "probability row per sample (one-hot included), or class labels of shape (n_samples,); "
            "multilabel and multi-output targets are not supported"
        )
        if np.isnan(rows[first]).any():
            message = f"Input y contains NaN: {message}"
        raise ValueError(message)
    if rows.shape[1] < 2:
        raise ValueError(_one_class(np.arange(rows.shape[1])))
    return rows
