"""The README's conventions: which penalty gives another library's model, and ours, the same weights."""

import re
from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression, SGDClassifier

from softmax_regression import SoftmaxRegression

L2 = 0.05
README = Path(__file__).parents[2] / "README.md"


def stated(name):
    """The README's formulas for a parameter, as Python."""
    text = README.read_text(encoding="utf-8")
    return [formula.replace("·", "*") for formula in re.findall(rf"`{name} = (.*?)`", text)]


def species(iris, n_classes):
    """Rows, labels and integer weights of some species that overlap."""
    X, y = iris
    keep = np.isin(y, np.unique(y)[-n_classes:])
    return X[keep], y[keep], 1.0 + np.arange(keep.sum()) % 3


def against_the_first(model):
    """The weights and intercepts of every class less those of the first, in float64."""
    return model.coef_[1:] - model.coef_[0], model.intercept_[1:] - model.intercept_[0]


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_c_of_logistic_regression(iris, n_classes, weighted):
    X, y, weight = species(iris, n_classes)
    weight = weight if weighted else np.ones(len(y))
    C = 1 / (L2 * weight.sum())
    for_more, for_two = (formula for formula in stated("l2") if "C" in formula)
    l2 = eval(for_two if n_classes == 2 else for_more, {"n": weight.sum(), "C": C})

    ours = SoftmaxRegression(l2=l2, tol=1e-12).fit(X, y, weight)
    theirs = LogisticRegression(C=C, tol=1e-8, max_iter=1000).fit(X, y, weight)

    coef, intercept = against_the_first(ours)
    one_row = (theirs.coef_, theirs.intercept_)
    expected = one_row if n_classes == 2 else against_the_first(theirs)
    np.testing.assert_allclose(coef, expected[0], atol=1e-5)
    np.testing.assert_allclose(intercept, expected[1], atol=1e-5)


def test_alpha_of_sgd_classifier_for_two_classes(iris):
    """Averaged over 300,000 steps its weights are good to a percent; alpha = l2 is a third off."""
    X, y, _ = species(iris, 2)

    coef, _ = against_the_first(SoftmaxRegression(l2=L2, tol=1e-12).fit(X, y))
    settings = {"loss": "log_loss", "learning_rate": "constant", "eta0": 0.01, "tol": None}
    settings |= {"average": True, "max_iter": 3000, "random_state": 0}
    (alpha,) = stated("alpha")
    theirs = SGDClassifier(alpha=eval(alpha, {"l2": L2}), **settings).fit(X, y)

    np.testing.assert_allclose(theirs.coef_, coef, rtol=0, atol=0.02 * np.abs(coef).max())
