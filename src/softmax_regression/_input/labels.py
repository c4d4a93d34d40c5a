"""y as a user gives it, checked once and encoded as targets, and the classes it names."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._arrays import as_array, column_labels, plain, shown
from .._exceptions import DataConversionWarning, sibling
from .._likelihood.targets import Labels, ProbabilityRows, Targets
from .._losses import no_distributions
from .._warn import warn


def check_y(
    y: Any, n_rows: int, *, name: str = "y", classes: NDArray[Any] | None = None
) -> NDArray[Any]:
    """Return y as labels (n_rows,) or as checked probability rows (n_rows, n_classes).

    Where the classes are known, a data frame of probability rows must name its columns as them.

    Raises
    ------
    TypeError
        y is masked, sparse, lazy or mixes types.
    ValueError
        y is missing, holds NaN or None, is continuous, is two-dimensional without being
        probability rows of the classes, or has another length than X.
    """
    array = _as_label_array(y, name)
    if array.ndim == 2 and array.shape[1] == 1:
        message = (
            "A column-vector y was passed when a 1d array was expected. Please change the shape "
            "of y to (n_samples,), for example using ravel()"
        )
        warn(message, sibling(DataConversionWarning))
        array = array.ravel()
    if array.ndim not in (1, 2):
        message = (
            f"{name} must be one- or two-dimensional, got {_described(y, array)}; give one label or "
            "one probability row per sample"
        )
        raise ValueError(message)
    if array.shape[0] != n_rows:
        message = (
            f"Found input variables with inconsistent numbers of samples: "
            f"[{n_rows}, {array.shape[0]}] in the features and {name}; give {name} one entry for "
            "each row of features"
        )
        raise ValueError(message)
    if array.ndim == 2 and classes is not None:
        refuse_other_columns(class_columns(y, name), classes, name)
    check = _check_labels if array.ndim == 1 else _check_probability_rows
    return check(array, name)


def class_columns(y: Any, name: str = "y") -> NDArray[Any] | None:
    """Return the classes after which a data frame of probability rows calls its columns.

    None without a data frame, and where the columns are only numbered, 0 … n_classes-1.
    """
    labels = [plain(label) for label in column_labels(y) or ()]
    numbered = all(type(label) is int and label == k for k, label in enumerate(labels))
    if numbered or len(labels) < 2:
        return None
    name = f"the columns of {name}"
    columns = _check_labels(_as_label_array(labels, name), name)
    _refuse_repeated(columns, name)
    return columns


def refuse_other_columns(
    columns: NDArray[Any] | None, classes: NDArray[Any], name: str = "y"
) -> None:
    """Raise where probability rows have columns called otherwise than the classes, in their order."""
    if columns is None or columns.tolist() == classes.tolist():
        return
    if sorted(map(str, columns.tolist())) == sorted(map(str, classes.tolist())):
        remedy = f"put them in that order, {name}[list(model.classes_)]"
    else:
        remedy = f"call them so, or pass np.asarray({name}) with a column per class in that order"
    message = (
        f"the columns of {name} are called {listed(columns)}, but the model's classes are "
        f"{listed(classes)}; {remedy}"
    )
    raise ValueError(message)


def distinct(
    y: NDArray[Any], columns: NDArray[Any] | None = None, *, name: str = "y"
) -> NDArray[Any]:
    """Return the classes that checked targets name: sorted, or as their columns are called.

    By counting or hashing, which beat sorting all of y.

    Raises
    ------
    TypeError
        Labels that have no order.
    """
    if y.ndim == 2:
        return np.arange(y.shape[1]) if columns is None else columns
    if y.dtype.kind in "OUST":
        return np.array(_in_order(y.tolist(), name), dtype=y.dtype)
    if _is_compact(y):
        low = y.min()
        found = np.flatnonzero(np.bincount(_offsets(y, low)))
        classes: NDArray[Any] = np.add(found, low, dtype=np.int64, casting="same_kind")
        return classes.astype(y.dtype)
    return np.unique(y)


def _in_order(labels: list[Any], name: str) -> list[Any]:
    try:
        return sorted(set(labels))
    except TypeError as error:
        enum = all(hasattr(label, "name") and hasattr(label, "value") for label in labels)
        remedy = f"[label.name for label in {name}]" if enum else "text or integers"
        message = (
            f"{name} must hold labels that can be sorted, but those of type "
            f"{type(labels[0]).__name__} have no order: {name}[0] is {label_text(labels[0])}; give "
            f"{remedy} instead"
        )
        raise TypeError(message) from error


def find_classes(
    y: NDArray[Any],
    sample_weight: NDArray[Any] | None,
    columns: NDArray[Any] | None = None,
    n_rows: int | None = None,
) -> NDArray[Any]:
    """Return the classes of checked targets; a class whose weights are all 0 is absent.

    Where y names each class once, with its total weight, `n_rows` says how many rows there are.
    """
    classes = distinct(y, columns)
    if y.ndim == 2:
        return classes
    if sample_weight is not None and not sample_weight.all():
        present = distinct(y[sample_weight > 0])
        if 2 <= present.shape[0] < classes.shape[0]:  # with fewer, the error below says it all
            absent = np.setdiff1d(classes, present)
            message = (
                f"all rows of class {label_text(absent[0])} have weight 0: rows of weight 0 count as "
                "absent, so the class is not learned. Drop these rows, or give them weight"
            )
            warn(message, UserWarning)
        classes = present
    if classes.shape[0] < 2:
        raise ValueError(_one_class(classes))
    if classes.shape[0] > max(20, (y.shape[0] if n_rows is None else n_rows) // 2):
        message = (
            "The number of unique classes is greater than 50% of the number of samples. `y` could "
            "represent a regression problem, not a classification problem."
        )
        warn(message, UserWarning)
    return classes


def encode(
    y: NDArray[Any],
    classes: NDArray[Any],
    *,
    smoothing: float = 0.0,
    absent: NDArray[np.bool_] | None = None,
    name: str = "y",
    remedy: str = "drop the row",
) -> Targets:
    """Return checked y as targets for `classes`; rows marked `absent` may hold any label.

    `remedy` is what to do about an unknown label.

    Raises
    ------
    TypeError
        Text where the classes are numbers, or numbers where they are text.
    ValueError
        A label that is not among the classes, or rows with another number of columns.
    """
    refuse_misfit(y, classes, name)
    if y.ndim == 2:
        return ProbabilityRows(y, smoothing)
    labels = _positions(classes, y)
    unknown = labels < 0
    if absent is not None:
        unknown &= ~absent
        labels[absent] = 0
    if unknown.any():
        first = int(np.argmax(unknown))
        message = (
            f"{name}[{first}] is {label_text(y[first])}, which is not among the classes "
            f"{listed(classes)}; {remedy}"
        )
        raise ValueError(message)
    return Labels(labels, classes.shape[0], smoothing)


def refuse_misfit(y: NDArray[Any], classes: NDArray[Any], name: str = "y") -> None:
    """Raise where no row of checked y could fit the classes: another width, or text for numbers."""
    if y.ndim == 2:
        if y.shape[1] != classes.shape[0]:
            message = (
                f"{name} has probability rows of {y.shape[1]} classes, but the model has "
                f"{classes.shape[0]}; give one column per class, in the order of classes_"
            )
            raise ValueError(message)
        return
    if y.size == 0:
        return
    given, known = _sort_of(y), _sort_of(classes)
    if given and known and given != known:
        message = f"{name} holds {given}, but the model's classes are {known}; convert {name}"
        raise TypeError(message)


def _sort_of(labels: NDArray[Any]) -> str:
    """Return what the labels are, where no label of another sort can be equal to one of them."""
    if labels.dtype.char == "O":
        text, octets = (isinstance(labels[0], kind) for kind in (str, bytes))
        return "text" if text else "bytes" if octets else ""
    sorts = {"U": "text", "T": "text", "S": "bytes", "M": "dates", "m": "durations"}
    return sorts.get(labels.dtype.kind, "numbers")


def check_classes(classes: Any) -> NDArray[Any]:
    """Return the `classes` argument of partial_fit, sorted and known to be distinct labels."""
    array = _as_label_array(classes, "classes")
    if array.ndim == 0:
        message = f"classes must be one-dimensional, got {_described(classes, array)}; give a list of labels"
        raise ValueError(message)
    array = _check_labels(array, "classes")
    _refuse_repeated(array, "classes")
    found = distinct(array, name="classes")
    if found.shape[0] < 2:
        raise ValueError(_one_class(found))
    return found


def check_classes_by_hand(classes: Any, n_classes: int) -> NDArray[Any]:
    """Return a model's `classes_`, in any order, known to be so many distinct labels."""
    array = _check_labels(_as_label_array(classes, "classes_"), "classes_")
    _refuse_repeated(array, "classes_")
    if len(array) != n_classes:
        message = f"classes_ must hold a label for each of the {n_classes} rows of coef_, got {len(array)}"
        raise ValueError(message)
    return array


def _refuse_repeated(labels: NDArray[Any], name: str) -> None:
    first: dict[Any, int] = {}
    different = len(set(labels.tolist()))
    for place, label in enumerate(labels.tolist()):
        if first.setdefault(label, place) != place:
            message = (
                f"{name} must be distinct, got {len(labels)} with {different} distinct: "
                f"{name}[{first[label]}] and {name}[{place}] are both {label_text(labels[place])}; "
                "give every class once"
            )
            raise ValueError(message)


def _positions(classes: NDArray[Any], y: NDArray[Any]) -> NDArray[np.intp]:
    """Return the place of every label among the classes, -1 where it is not among them."""
    if y.dtype.kind in "OUST" or classes.dtype.kind in "OUST":
        place = {label: k for k, label in enumerate(classes.tolist())}
        return np.fromiter((place.get(label, -1) for label in y.tolist()), np.intp, len(y))
    if (classes[1:] < classes[:-1]).any():
        order = np.argsort(classes)
        return np.append(order, -1)[_positions(classes[order], y)]
    if y.dtype == classes.dtype and _is_compact(classes):
        low, high = classes[0], classes[-1]
        table = np.full(int(high) - int(low) + 1, -1, np.intp)
        table[_offsets(classes, low)] = np.arange(len(classes))
        inside = (y >= low) & (y <= high)
        return np.where(inside, table.take(_offsets(y, low), mode="clip"), -1)
    labels = np.minimum(np.searchsorted(classes, y), len(classes) - 1)
    return np.where(classes[labels] == y, labels, -1)


def _is_compact(labels: NDArray[Any]) -> bool:
    """Tell whether a table over the range of integer labels is as small as the labels."""
    if labels.dtype.kind not in "iu" or len(labels) == 0:
        return False
    return int(labels.max()) - int(labels.min()) < max(1_000, 2 * len(labels))


def _offsets(labels: NDArray[Any], low: Any) -> NDArray[np.int64]:
    """Return labels - low; in their own dtype the difference of small integers could wrap."""
    offsets: NDArray[np.int64] = np.subtract(labels, low, dtype=np.int64, casting="same_kind")
    return offsets


def _one_class(classes: NDArray[Any]) -> str:
    only = "none"
    if classes.shape[0]:
        only = str(classes[0]) if classes.dtype.kind in "UT" else label_text(classes[0])
    return (
        "SoftmaxRegression needs at least 2 classes, but the data contains only one class: "
        f"{only}. Give rows of a second class"
    )


def label_text(label: Any) -> str:
    """Return a label for a message or a view: a date as a date, others as Python writes them."""
    if isinstance(label, np.datetime64):
        return str(np.datetime_as_string(label, unit="auto"))
    if isinstance(label, np.timedelta64) or hasattr(label, "isoformat"):
        return str(label)
    return shown(plain(label))


def listed(classes: NDArray[Any]) -> str:
    """Return the first few classes for a message."""
    texts = ", ".join(map(label_text, classes[:10]))
    return f"[{texts}, ...]" if classes.shape[0] > 10 else f"[{texts}]"


def _described(values: Any, array: NDArray[Any]) -> str:
    """Return the shape of an array, or the type of what is none."""
    return f"shape {array.shape}" if array.ndim else f"a {type(values).__name__}, of shape ()"


def _as_label_array(y: Any, name: str) -> NDArray[Any]:
    if y is None:
        message = f"SoftmaxRegression requires y to be passed, but the target {name} is None"
        raise ValueError(message)
    array = as_array(y, name)
    if not hasattr(y, "dtype") and _may_mix_kinds(y, array):
        labels = np.array(y, dtype=object)
        _unboxed(labels, name)
        if array.dtype.kind == "U":  # NumPy writes members of an Enum by their names, cut short
            array = np.array([str.__str__(label) for label in labels.flat]).reshape(labels.shape)
    return _unboxed(array, name) if array.dtype.char == "O" else array


def _may_mix_kinds(y: Any, array: NDArray[Any]) -> bool:
    """Whether NumPy may have turned labels of other kinds into text, or booleans into numbers."""
    if array.dtype.kind in "US":
        return True
    numbers = isinstance(y, (list, tuple)) and array.ndim == 1 and array.dtype.kind in "iuf"
    return numbers and not {bool, np.bool_}.isdisjoint(map(type, y))


def _unboxed(array: NDArray[Any], name: str) -> NDArray[Any]:
    """Return an object array of labels with its kind checked; numbers become a numeric array."""
    for index, value in np.ndenumerate(array):
        place = f"{name}[{', '.join(map(str, index))}]"
        if value is None or type(value).__name__ in ("NAType", "NaTType"):
            message = (
                f"{place} is {value!r}; labels must not be missing, so drop the row or label it"
            )
            raise ValueError(message)
        if isinstance(value, (float, np.floating)) and math.isnan(value):
            message = f"Input {name} contains NaN: {place} is {value}; drop the row or label it"
            raise ValueError(message)
    kinds = sorted({_kind(value) for value in array.ravel()})
    if set(kinds) == {"float", "int"}:
        return np.array(array.tolist(), dtype=np.float64)
    if len(kinds) > 1:
        raise TypeError(_mixed(array.ravel(), kinds, name))
    if kinds in (["bool"], ["int"], ["float"]):
        return np.array(array.tolist())
    return array


def _mixed(labels: NDArray[Any], kinds: list[str], name: str) -> str:
    """Return the message about labels of several kinds, with the first label of each."""
    each = [_kind(label) for label in labels]
    places = [each.index(kind) for kind in kinds]
    first = ", ".join(f"{name}[{place}] is {label_text(labels[place])}" for place in sorted(places))
    return (
        f"{name} mixes {' and '.join(kinds)}; y must hold labels of one type without missing "
        f"values: {first}; convert them, such as with [str(label) for label in {name}]"
    )


def _kind(label: object) -> str:
    if isinstance(label, (bool, np.bool_)):
        return "bool"
    for name, kinds in (("int", (int, np.integer)), ("float", (float, np.floating))):
        if isinstance(label, kinds):
            return name
    return "str" if isinstance(label, str) else type(label).__name__


def _check_labels(y: NDArray[Any], name: str) -> NDArray[Any]:
    if y.ndim != 1:
        message = f"{name} must be one-dimensional, got shape {y.shape}"
        raise ValueError(message)
    if y.dtype.kind == "c":
        message = f"Complex data not supported: {name} has dtype {y.dtype}; give class labels"
        raise ValueError(message)
    if y.dtype.kind == "f":
        _check_integral(y, name)
    if y.dtype.char == "O":
        _check_hashable(y, name)
    if y.dtype.kind in "mM" and np.isnat(y).any():
        message = f"{name}[{int(np.argmax(np.isnat(y)))}] is NaT; labels must not be missing, so drop the row or label it"
        raise ValueError(message)
    return y


def _check_hashable(y: NDArray[np.object_], name: str) -> None:
    for row, label in enumerate(y):
        if not _is_hashable(label):
            kind = type(label).__name__
            message = (
                f"{name}[{row}] is a {kind}; labels must be single values, such as text or integers"
            )
            raise TypeError(message)


def _is_hashable(label: object) -> bool:
    try:
        hash(label)
    except TypeError:
        return False
    return True


def _check_integral(y: NDArray[Any], name: str) -> None:
    finite = np.isfinite(y)
    if not finite.all():
        first = int(np.argmin(finite))
        what = "NaN" if np.isnan(y[first]) else "infinity"
        message = (
            f"Input {name} contains {what}: {name}[{first}] is {y[first]}; drop the row or label it"
        )
        raise ValueError(message)
    fractional = y != np.floor(y)
    if fractional.any():
        first = int(np.argmax(fractional))
        message = (
            f"Unknown label type: continuous. {name}[{first}] is {y[first]}. Maybe you are trying to "
            "fit a classifier, which expects discrete classes on a regression target with "
            "continuous values; cut them into classes"
        )
        raise ValueError(message)


def _check_probability_rows(y: NDArray[Any], name: str) -> NDArray[Any]:
    if y.dtype.kind not in "biuf":
        message = (
            f"a two-dimensional {name} must hold probability rows, got dtype {y.dtype}; give labels of "
            "shape (n_samples,) or one probability row per sample"
        )
        raise ValueError(message)
    kept = np.float32 if y.dtype.char in "ef" else np.float64
    rows: NDArray[Any] = y.astype(kept, copy=False)
    wrong, sums = no_distributions(rows, half=y.dtype.char == "e")
    if wrong.any():
        first = int(np.argmax(wrong))
        message = (
            f"a two-dimensional {name} must hold probability rows, non-negative with sum 1: row {first} "
            f"has minimum {rows[first].min(initial=0.0)} and sum {sums[first]}. Give one "
            "probability row per sample (one-hot included), or class labels of shape (n_samples,); "
            "multilabel and multi-output targets are not supported"
        )
        if np.isnan(rows[first]).any():
            message = f"Input {name} contains NaN: {message}"
        raise ValueError(message)
    return _with_sum_one(rows, sums)


def _with_sum_one(rows: NDArray[Any], sums: NDArray[np.float64]) -> NDArray[Any]:
    """Return the rows; in float64 and divided by their sums where one of those is not 1.

    Only of rows with sum 1 is ŷ - t the derivative of the cross-entropy.
    """
    exact = np.abs(sums - 1.0) <= rows.shape[1] * np.finfo(np.float64).eps
    if exact.all():
        return rows
    divisors = np.where(exact, 1.0, sums)
    return np.asarray(np.divide(rows, divisors[:, np.newaxis], dtype=np.float64))
