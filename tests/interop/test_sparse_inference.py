"""Sparse rows give the inference of the same rows filled in."""

import numpy as np
import pytest
import scipy.sparse as sp

from softmax_regression import SoftmaxRegression


def problem(density: float, fit_intercept: bool = True):
    generator = np.random.default_rng(4)
    X = sp.random_array((800, 12), density=density, rng=generator, format="csr")
    logits = (X @ generator.normal(size=(12, 3))) * 3 + generator.gumbel(size=(800, 3))
    y, groups = logits.argmax(axis=1), generator.integers(0, 60, 800)
    return X, X.toarray(), y, groups, SoftmaxRegression(l2=0, fit_intercept=fit_intercept)


@pytest.mark.parametrize("density", [0.05, 0.4])
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("covariance", ["observed", "robust", "cluster"])
def test_inference_of_sparse_rows(density, fit_intercept, covariance, monkeypatch):
    """The thinner ones by sparse products, however few they are."""
    monkeypatch.setattr("softmax_regression._likelihood.rows.LEAST_WORK", 0)
    sparse, dense, y, groups, model = problem(density, fit_intercept)
    kind = {"covariance": covariance, "groups": groups if covariance == "cluster" else None}
    one = model.fit(sparse, y).inference(sparse, y, **kind)
    other = model.fit(dense, y).inference(dense, y, **kind)
    for ask, tolerance in (
        (lambda i, _: i.summary().columns, 1e-7),
        (lambda i, X: i.marginal_effect(0, X).columns, 1e-7),
        (lambda i, X: i.average_difference(X, X * 2).columns, 1e-7),
    ):
        found, expected = ask(one, sparse), ask(other, dense)
        for key in ("estimate", "standard_error"):
            np.testing.assert_allclose(found[key], expected[key], rtol=tolerance, atol=1e-9)
    for found, expected in zip(
        one.predict_interval(sparse), other.predict_interval(dense), strict=True
    ):
        np.testing.assert_allclose(found, expected, rtol=1e-7)
    assert str(model.explain(sparse[:1])) == str(model.explain(dense[:1]))
    if covariance == "observed":
        for statistic in ("likelihood-ratio", "score"):
            found, expected = (i.test([0, 3], statistic=statistic).statistic for i in (one, other))
            assert found == pytest.approx(expected, rel=1e-6)


def test_a_constant_sparse_column_is_collinear_with_the_intercept():
    _, dense, y, _, model = problem(0.1)
    X = sp.csr_array(np.column_stack([dense, np.full(len(y), 3.7)]))
    model.fit(X, y)
    with pytest.raises(ValueError, match=r"collinear.*x12"):
        model.inference(X, y)
