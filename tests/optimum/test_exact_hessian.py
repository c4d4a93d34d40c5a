"""The Hessian of F at a point: its factor and its products solve the same system."""

import numpy as np
import pytest
from strategies import Csr

from softmax_regression._optimum import curvature, exact_hessian
from softmax_regression._optimum.exact_hessian import (
    HessianByFactor,
    HessianByProducts,
    hessian_at,
    step_passes,
)
from softmax_regression._optimum.passes import evaluate
from softmax_regression._optimum.standardised import Standardised
from softmax_regression._targets import Labels

WEIGHT = np.random.default_rng(3).integers(1, 4, 90).astype(float)


def rows(weight, sparse=False, n_classes=4):
    rng = np.random.default_rng(0)
    X = np.exp(rng.standard_normal((90, 5)))
    labels = Labels(rng.integers(0, n_classes, 90), n_classes)
    return Standardised(Csr(X) if sparse else X, labels, weight, fit_intercept=True)


def parameters(data):
    V = np.random.default_rng(1).standard_normal((data.n_classes, data.n_columns))
    return V - V.mean(axis=0)


def image(data, penalty, V, step):
    """H s by the gradient's central difference, its error of the order 1e-10."""
    ahead, back = (
        evaluate(data, penalty, V + sign * 1e-5 * step, np.float64).gradient for sign in (1, -1)
    )
    return (ahead - back) / 2e-5


@pytest.mark.parametrize("sparse", [False, True], ids=["dense", "sparse"])
@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["equal", "weighted"])
def test_the_factor_inverts_the_hessian_of_all_rows(weight, sparse):
    data = rows(weight, sparse)
    V, penalty, damping = parameters(data), data.penalty(1e-3), np.linspace(0.0, 0.1, 6)
    step = 0.1 * parameters(data)[::-1]
    right = image(data, penalty, V, step) + damping * step
    found = HessianByFactor(data, penalty, V)
    np.testing.assert_allclose(found.solve(right, damping), step, rtol=0, atol=1e-6)
    assert found.solved
    assert found.products == 0


def test_no_row_is_left_to_a_sample(monkeypatch):
    monkeypatch.setattr("softmax_regression._optimum.moments.SAMPLED_ROWS", 10)
    test_the_factor_inverts_the_hessian_of_all_rows(WEIGHT, False)


@pytest.mark.parametrize("sparse", [False, True], ids=["dense", "sparse"])
def test_the_products_lead_to_the_same_step(monkeypatch, sparse):
    monkeypatch.setattr(exact_hessian, "LEFT", 1e-9)
    data = rows(WEIGHT, sparse)
    V, penalty, damping = parameters(data), data.penalty(1e-3), np.linspace(0.0, 0.1, 6)
    right = 0.01 * parameters(data)[::-1]
    found = HessianByProducts(data, penalty, V, 80)
    expected = HessianByFactor(data, penalty, V).solve(right, damping)
    np.testing.assert_allclose(found.solve(right, damping), expected, rtol=1e-6, atol=1e-9)
    assert found.solved
    assert 0 < found.products < 80


def test_no_more_products_than_allowed():
    data = rows(None)
    found = HessianByProducts(data, data.penalty(1e-6), parameters(data), 2)
    found.solve(parameters(data), np.zeros(6))
    assert found.products == 2
    assert not found.solved


def test_a_matrix_where_it_fits_else_products(monkeypatch):
    data = rows(None)
    assert isinstance(hessian_at(data, data.penalty(1.0), parameters(data), 5), HessianByFactor)
    few = step_passes(data)
    assert few < 3
    monkeypatch.setattr(curvature, "FULL_PARAMETERS", 5)
    assert isinstance(hessian_at(data, data.penalty(1.0), parameters(data), 5), HessianByProducts)
    assert step_passes(data) > few
