"""`to_sklearn` gives a LogisticRegression that predicts the same."""

import copy

import numpy as np
import pytest
import sklearn.exceptions
from sklearn.linear_model import LogisticRegression
from sklearn.utils.validation import check_is_fitted

from softmax_regression import SoftmaxRegression


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_same_probabilities(iris, n_classes, fit_intercept):
    X, y = iris
    keep = np.isin(y, np.unique(y)[-n_classes:])
    model = SoftmaxRegression(l2=1e-2, fit_intercept=fit_intercept).fit(X[keep], y[keep])

    twin = model.to_sklearn()

    assert type(twin) is LogisticRegression
    check_is_fitted(twin)
    # A rounding of logits of size 100, for rows far off, is a relative one of their exponentials.
    np.testing.assert_allclose(twin.predict_proba(X), model.predict_proba(X), rtol=1e-12)
    np.testing.assert_array_equal(twin.predict(X), model.predict(X))
    np.testing.assert_allclose(
        twin.decision_function(X), model.decision_function(X), rtol=1e-12, atol=1e-13
    )
    assert twin.fit_intercept is fit_intercept


def test_the_arrays_are_copies(iris):
    model = SoftmaxRegression(l2=1e-2).fit(*iris)
    before = copy.deepcopy(model.coef_)

    model.to_sklearn().coef_[:] = 0.0

    np.testing.assert_array_equal(model.coef_, before)


def test_feature_names_go_along(iris):
    import pandas as pd

    frame = pd.DataFrame(iris[0], columns=list("abcd"))

    twin = SoftmaxRegression(l2=1e-2).fit(frame, iris[1]).to_sklearn()

    assert list(twin.feature_names_in_) == list("abcd")
    twin.predict(frame)  # a warning about missing names would raise


def test_an_unfitted_model_is_refused():
    with pytest.raises(sklearn.exceptions.NotFittedError):
        SoftmaxRegression().to_sklearn()


def test_float32_stays(iris):
    twin = SoftmaxRegression(l2=1e-2).fit(iris[0].astype(np.float32), iris[1]).to_sklearn()

    assert twin.coef_.dtype == np.float32


def test_an_l2_for_each_column_leaves_the_twin_equal(iris):
    """Its penalty is none of its own: a refit has scikit-learn's default."""
    X, y = iris
    model = SoftmaxRegression(l2=[0.0, 0.1, 1.0, 0.01]).fit(X, y)
    twin = model.to_sklearn()
    np.testing.assert_allclose(twin.predict_proba(X), model.predict_proba(X), rtol=1e-12)
    assert twin.C == 1.0
