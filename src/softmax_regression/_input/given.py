"""What a fit, or a question about one, is given: checked, and as a problem."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .._likelihood.block import Block
from .._parameters import Parameters
from .._types import Features
from .features import check_feature_names, check_features, feature_names
from .groups import refuse_groups
from .hyperparameters import Hyperparameters
from .labels import check_y, class_columns, distinct, encode, find_classes
from .weights import apply_class_weight, check_sample_weight, refuse_all_zero


class Description(NamedTuple):
    """What a model is a model of: its classes and its features."""

    classes: NDArray[Any]
    n_features: int
    names: NDArray[np.object_] | None

    def with_parameters(self, parameters: Parameters) -> dict[str, Any]:
        """Return the attributes from which a model predicts, with arrays of their own."""
        named = {} if self.names is None else {"feature_names_in_": self.names}
        return named | {
            "coef_": parameters.weights.copy(),
            "intercept_": parameters.intercept.copy(),
            "classes_": self.classes,
            "n_features_in_": self.n_features,
        }


class Judged(NamedTuple):
    """The rows that count: as a fit learns from them, and as `loss` judges them.

    `judged` has their targets as given and their sample weights alone; `places` (m,) are theirs
    among all `n_rows`.
    """

    classes: NDArray[Any]
    problem: Block
    judged: Block
    places: NDArray[np.intp]
    n_rows: int


def learning_problem(
    settings: Hyperparameters, X: Any, y: Any, sample_weight: Any, groups: Any
) -> tuple[NDArray[Any], Block, Judged | None]:
    """Return the classes, the checked rows with their full weights, and what an l2 is found by."""
    if settings.chooses_l2:
        rows = judged_problem(settings, X, y, sample_weight)
        return rows.classes, rows.problem, rows
    refuse_groups(groups)
    given = _given(settings, X, y, sample_weight)
    return given.classes, _learned(given, settings), None


def judged_problem(settings: Hyperparameters, X: Any, y: Any, sample_weight: Any) -> Judged:
    """Return the rows of a fit, and what their losses are judged by."""
    given = _given(settings, X, y, sample_weight)
    problem = _learned(given, settings)
    n_rows, counts = given.features.shape[0], given.learned_weight
    places = np.arange(n_rows) if counts is None else np.flatnonzero(counts)
    targets = encode(given.y[places], given.classes)
    weight = None if given.weight is None else given.weight[places]
    return Judged(given.classes, problem, Block(problem.X, targets, weight), places, n_rows)


class _Given(NamedTuple):
    """Checked rows; what class weights make of their targets and weights is what is learned."""

    features: Features
    y: NDArray[Any]
    weight: NDArray[np.float64] | None
    learned_y: NDArray[Any]
    learned_weight: NDArray[np.float64] | None
    classes: NDArray[Any]


def _given(settings: Hyperparameters, X: Any, y: Any, sample_weight: Any) -> _Given:
    features = check_features(X)
    checked_y, weight = check_rows(features, y, sample_weight)
    columns = class_columns(y) if checked_y.ndim == 2 else None
    refuse_all_zero(weight)
    learned_y, learned_weight = checked_y, weight
    if settings.class_weight is not None:
        known = distinct(checked_y, columns)
        learned_weight, weighted = apply_class_weight(
            weight, settings.class_weight, known, encode(checked_y, known)
        )
        refuse_all_zero(learned_weight, name="class_weight")
        if checked_y.ndim == 2:
            learned_y = weighted.given
    classes = find_classes(learned_y, learned_weight, columns)
    return _Given(features, checked_y, weight, learned_y, learned_weight, classes)


def _learned(given: _Given, settings: Hyperparameters) -> Block:
    return problem_of(
        given.features,
        given.learned_y,
        given.learned_weight,
        given.classes,
        smoothing=settings.label_smoothing,
    )


def problem_of(
    X: Features,
    y: NDArray[Any],
    weight: NDArray[np.float64] | None,
    classes: NDArray[Any],
    *,
    smoothing: float = 0.0,
    name: str = "y",
    remedy: str = "drop the row",
) -> Block:
    """Return the rows that count."""
    absent = None if weight is None else weight == 0
    targets = encode(y, classes, smoothing=smoothing, absent=absent, name=name, remedy=remedy)
    return Block(X, targets, weight).counted()


def validation_problem(validation_data: Any, description: Description) -> Block | None:
    """Return the checked rows to validate on, or None where there are none."""
    if validation_data is None:
        return None
    if not isinstance(validation_data, (tuple, list)) or len(validation_data) not in (2, 3):
        given = type(validation_data).__name__
        if isinstance(validation_data, (tuple, list)):
            given += f" of length {len(validation_data)}"
        message = f"validation_data must be a tuple (X, y) or (X, y, sample_weight), got {given}"
        raise TypeError(message)
    X, y, *weights = validation_data
    check_feature_names(feature_names(X), description.names, name="validation_data[0]")
    features = check_features(X, description.n_features, name="validation_data[0]")
    _refuse_no_rows(features, "validation_data[0]")
    classes = description.classes
    checked_y = check_y(y, features.shape[0], name="validation_data[1]", classes=classes)
    weight = check_sample_weight(
        weights[0] if weights else None, features.shape[0], name="validation_data[2]"
    )
    refuse_all_zero(weight, name="validation_data[2]")
    return problem_of(features, checked_y, weight, classes, name="validation_data[1]")


def check_rows(
    X: Features, y: Any, sample_weight: Any, classes: NDArray[Any] | None = None
) -> tuple[NDArray[Any], NDArray[np.float64] | None]:
    """Return the checked targets, of the classes where these are known, and weights of some rows."""
    _refuse_no_rows(X)
    checked_y = check_y(y, X.shape[0], classes=classes)
    return checked_y, check_sample_weight(sample_weight, X.shape[0])


def _refuse_no_rows(X: Features, name: str = "X") -> None:
    if X.shape[0] == 0:
        message = (
            f"Found array with 0 sample(s) (shape={X.shape}) while a minimum of 1 is required. "
            f"Give {name} at least one row"
        )
        raise ValueError(message)
