"""What a model predicts from: `coef_`, `intercept_` and `classes_`, learned or set by hand."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._arrays import as_array, found, objects_as_floats
from ._exceptions import NotFittedError, sibling
from ._input.hyperparameters import Hyperparameters, check_hyperparameters
from ._input.labels import check_classes_by_hand

NAMES = ("coef_", "intercept_", "classes_")


def is_begun(attributes: dict[str, Any]) -> bool:
    """Tell whether there is anything to predict from, or a part of it."""
    return any(name in attributes for name in NAMES)


def learned_attributes(model: Any) -> dict[str, Any]:
    """Return the model's attributes in one read, with those it predicts from as checked arrays.

    Raises
    ------
    NotFittedError
        One of these is missing.
    TypeError, ValueError
        Attributes set by hand are no numbers, not finite, or do not fit together.
    """
    attributes: dict[str, Any] = vars(model)
    missing = [name for name in NAMES if name not in attributes]
    if missing:
        raise sibling(NotFittedError)(_not_fitted(type(model).__name__, missing))
    return attributes if _fit_together(attributes) else attributes | _by_hand(attributes)


def settings_of(model: Any, fitted: dict[str, Any]) -> Hyperparameters:
    """Return the settings that a question about a fit goes by, with the l2 it took.

    Raises
    ------
    NotFittedError
        It is "auto", and the parameters were set by hand.
    """
    settings = check_hyperparameters(model)
    if not settings.chooses_l2:
        return settings.for_columns(fitted["n_features_in_"], fitted.get("feature_names_in_"))
    if "l2_" not in fitted:
        message = (
            "l2='auto' has not been looked for: these parameters are of no such fit. Call fit, or set "
            "l2 to the number they were learned with"
        )
        raise sibling(NotFittedError)(message)
    return settings._replace(l2=fitted["l2_"])


def _not_fitted(estimator: str, missing: list[str]) -> str:
    given = [name for name in NAMES if name not in missing]
    if not given:
        return (
            f"This {estimator} instance is not fitted yet. Call 'fit' with appropriate arguments "
            f"before using this estimator, or set {', '.join(NAMES[:2])} and {NAMES[2]}"
        )
    return (
        f"This {estimator} instance is not fitted yet: it has {' and '.join(given)}, but "
        f"{' and '.join(missing)} must be set too, or call 'fit'"
    )


def _fit_together(attributes: dict[str, Any]) -> bool:
    """Tell arrays as `fit` leaves them, without looking at the numbers."""
    coef, intercept, classes = (attributes[name] for name in NAMES)
    names = attributes.get("feature_names_in_")
    return (
        type(coef) is type(intercept) is type(classes) is np.ndarray
        and coef.ndim == 2
        and coef.shape == (intercept.size, attributes.get("n_features_in_"))
        and coef.shape[:1] == intercept.shape == classes.shape
        and (names is None or type(names) is np.ndarray)
        and coef.dtype.char + intercept.dtype.char in ("dd", "ff", "fd", "df")
    )


def _by_hand(attributes: dict[str, Any]) -> dict[str, Any]:
    coef = _floats(attributes["coef_"], "coef_")
    if coef.ndim != 2 or coef.shape[0] < 2 or coef.shape[1] < 1:
        message = (
            f"coef_ must have shape (n_classes, n_features), with at least 2 classes, got "
            f"{coef.shape}; of one row w for two classes make the two rows -w / 2 and w / 2, and "
            "of its intercept -b / 2 and b / 2"
        )
        raise ValueError(message)
    intercept = _floats(attributes["intercept_"], "intercept_")
    if intercept.shape != coef.shape[:1]:
        message = (
            f"intercept_ of shape {intercept.shape} does not fit coef_ of shape {coef.shape}; give "
            "one number for each of its rows"
        )
        raise ValueError(message)
    return {
        "coef_": coef,
        "intercept_": intercept,
        "classes_": check_classes_by_hand(attributes["classes_"], coef.shape[0]),
        **_features(attributes, coef.shape[1]),
    }


def _features(attributes: dict[str, Any], n_columns: int) -> dict[str, Any]:
    """Return the number of features, and their names where there are any."""
    if attributes.get("n_features_in_", n_columns) != n_columns:
        message = (
            f"coef_ has {n_columns} columns, but n_features_in_ is {attributes['n_features_in_']}; "
            "set it too"
        )
        raise ValueError(message)
    if "feature_names_in_" not in attributes:
        return {"n_features_in_": n_columns}
    names = np.array(attributes["feature_names_in_"], dtype=object)
    if names.shape != (n_columns,):
        message = (
            f"coef_ has {n_columns} columns, but feature_names_in_ has shape {names.shape}; set it "
            "too, or delete it"
        )
        raise ValueError(message)
    return {"n_features_in_": n_columns, "feature_names_in_": names}


def _floats(values: Any, name: str) -> NDArray[Any]:
    """Return finite numbers as float32, if they were, or float64."""
    array = as_array(values, name)
    if array.dtype.kind == "O":
        array = objects_as_floats(array, name)
    if array.dtype.kind not in "biuf":
        message = f"{name} must hold numbers, got dtype {array.dtype}"
        raise TypeError(message)
    array = array.astype(np.float32 if array.dtype.char in "ef" else np.float64)
    if not np.isfinite(array).all():
        index = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
        message = f"{name} must be finite: {found(array, name, index, str(array[index]))}"
        raise ValueError(message)
    return array
