"""scikit-learn's and mlxtend's plots and inspection tools, with string labels."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from sklearn.calibration import CalibrationDisplay
from sklearn.inspection import (
    DecisionBoundaryDisplay,
    PartialDependenceDisplay,
    permutation_importance,
)
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
