"""scikit-learn's and mlxtend's plots and inspection tools, with string labels."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from sklearn.base import BaseEstimator
from sklearn.calibration import CalibrationDisplay
from sklearn.inspection import (
    DecisionBoundaryDisplay,
    PartialDependenceDisplay,
    permutation_importance,
)
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import (
    ConfusionMatrixDisplay,
    DetCurveDisplay,
    PrecisionRecallDisplay,
    RocCurveDisplay,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import estimator_html_repr

from softmax_regression import SoftmaxRegression


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


@pytest.fixture
def model(iris):
    return SoftmaxRegression(l2=1e-2).fit(*iris)


@pytest.fixture
def two_classes(iris):
    X, y = iris
    keep = y != "setosa"
    return X[keep], y[keep]


@pytest.mark.parametrize("method", ["auto", "predict", "predict_proba", "decision_function"])
def test_decision_boundary(iris, method):
    X, y = iris
    model = SoftmaxRegression(l2=1e-2).fit(X[:, 2:], y)

    display = DecisionBoundaryDisplay.from_estimator(
        model, X[:, 2:], response_method=method, grid_resolution=10
    )

    assert np.isfinite(display.response).all()


@pytest.mark.parametrize("method", ["predict_proba", "decision_function"])
def test_decision_boundary_of_two_classes(two_classes, method):
    X, y = two_classes
    model = SoftmaxRegression(l2=1e-2).fit(X[:, 2:], y)

    display = DecisionBoundaryDisplay.from_estimator(
        model, X[:, 2:], response_method=method, grid_resolution=10, class_of_interest="virginica"
    )

    assert display.response.shape == (10, 10)


def test_confusion_matrix(model, iris):
    display = ConfusionMatrixDisplay.from_estimator(model, *iris)

    assert display.display_labels.tolist() == ["setosa", "versicolor", "virginica"]
    assert display.confusion_matrix[0, 0] == 50


@pytest.mark.parametrize(
    "display",
    [RocCurveDisplay, PrecisionRecallDisplay, DetCurveDisplay, CalibrationDisplay],
    ids=lambda d: d.__name__,
)
def test_curves_of_two_classes(two_classes, display):
    X, y = two_classes
    model = SoftmaxRegression(l2=1e-2).fit(X, y)

    shown = display.from_estimator(model, X, y, pos_label="virginica")

    texts = [text.get_text() for text in shown.ax_.get_legend().get_texts()]
    assert any("SoftmaxRegression" in text for text in texts)


def test_partial_dependence(model, iris):
    display = PartialDependenceDisplay.from_estimator(model, iris[0], [2], target="virginica")

    # Longer petals make virginica more likely, all else kept.
    average = display.pd_results[0]["average"][display.target_idx]
    assert (np.diff(average) > 0).all()


def test_permutation_importance(model, iris):
    importance = permutation_importance(model, *iris, n_repeats=3, random_state=0)

    # The petal measures carry the classification.
    assert importance.importances_mean[2:].min() > importance.importances_mean[:2].max()


def test_diagram_of_a_pipeline_names_the_model():
    assert "SoftmaxRegression" in estimator_html_repr(
        make_pipeline(StandardScaler(), SoftmaxRegression(l1=0.5))
    )


def box(model):
    """The part of a pipeline's diagram that belongs to the model at its end."""
    diagram = estimator_html_repr(model)
    return diagram[diagram.rindex(f"<div>{type(model[-1]).__name__}</div>") :]


@pytest.mark.skipif(
    not hasattr(BaseEstimator, "_get_fitted_attr_html"), reason="scikit-learn < 1.9"
)
@pytest.mark.parametrize("learner", [SoftmaxRegression(l2=0.5), LogisticRegression(C=0.5)])
def test_a_box_of_a_diagram_has_a_link_and_tables_of_parameters_and_attributes(learner, iris):
    fitted = box(make_pipeline(StandardScaler(), learner).fit(*iris))

    assert 'class="sk-estimator-doc-link fitted" rel="noreferrer" target="_blank" href=' in fitted
    assert f"Documentation for {type(learner).__name__}" in fitted
    parameters, _, attributes = fitted.partition("<summary>Fitted attributes</summary>")
    assert "<summary>Parameters</summary>" in parameters
    for name in learner.get_params():
        assert f"Copy {name} to clipboard" in parameters
        assert f"--doc-link-{name};" in parameters  # with its explanation from the docstring
    assert parameters.count('class="user-set"') == 1
    for name in vars(learner):
        if name.endswith("_") and not name.startswith("_"):
            assert f"--doc-link-{name};" in attributes


def test_a_box_of_a_diagram_that_is_not_fitted_has_no_attributes():
    empty = box(make_pipeline(StandardScaler(), SoftmaxRegression()))

    assert "<summary>Parameters</summary>" in empty
    assert "Fitted attributes" not in empty
