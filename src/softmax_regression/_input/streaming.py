"""What `partial_fit` is given: some rows at a time, of classes that are named at the first."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._likelihood.block import Block
from .features import check_feature_names, check_features, feature_names
from .given import Description, check_rows, problem_of
from .hyperparameters import Hyperparameters
from .labels import check_classes, class_columns, distinct, listed, refuse_other_columns
from .weights import class_weighted

REMEDY = (
    "name every class that may come in `classes` on the first call to partial_fit, or drop the row"
)


def streaming_problem(
    settings: Hyperparameters,
    fitted: dict[str, Any],
    X: Any,
    y: Any,
    *,
    classes: Any,
    sample_weight: Any,
) -> tuple[Description, Block]:
    """Return what the model is a model of, and the checked rows with their full weights.

    `fitted` is what was learned before, empty at the first call.
    """
    _refuse_whole_data_settings(settings)
    names = fitted.get("feature_names_in_") if fitted else feature_names(X)
    if fitted:
        check_feature_names(feature_names(X), names)
    features = check_features(X, fitted.get("n_features_in_"))
    checked_y, weight = check_rows(features, y, sample_weight)
    columns = class_columns(y) if checked_y.ndim == 2 else None
    known = _known_classes(classes, checked_y, columns, fitted.get("classes_"))
    refuse_other_columns(columns, known)
    problem = problem_of(
        features, checked_y, weight, known, smoothing=settings.label_smoothing, remedy=REMEDY
    )
    problem = class_weighted(problem, settings.class_weight, known)
    return Description(known, features.shape[1], names), problem


def _known_classes(
    classes: Any,
    y: NDArray[Any],
    columns: NDArray[Any] | None,
    fitted: NDArray[Any] | None,
) -> NDArray[Any]:
    """Return the classes of a stream: those of the model, or those that its first call names."""
    if fitted is None:
        if classes is None and y.ndim == 2:
            return distinct(y, columns)
        if classes is None:
            message = (
                "classes must be passed on the first call to partial_fit. Give every label that "
                "may ever come, such as classes=np.unique(y) of all rows"
            )
            raise ValueError(message)
        return check_classes(classes)
    if classes is None:
        return fitted
    given = check_classes(classes)
    if not np.array_equal(given, distinct(fitted)):
        message = (
            f"`classes={listed(given)}` is not the same as on last call to partial_fit, was: "
            f"{listed(fitted)}; leave it out, or begin a new model"
        )
        raise ValueError(message)
    return fitted


def _refuse_whole_data_settings(settings: Hyperparameters) -> None:
    if settings.early_stopping:
        message = "early_stopping=True needs all rows: use fit, or set early_stopping=False"
        raise ValueError(message)
    if settings.chooses_l2:
        message = "l2='auto' needs all rows: use fit, or set l2 to a number such as its l2_"
        raise ValueError(message)
    if settings.class_weight == "balanced":
        message = (
            "class_weight='balanced' needs all rows: compute the weights on a sample and give them "
            "to partial_fit as a dict"
        )
        raise ValueError(message)
