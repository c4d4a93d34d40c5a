"""The Hessian of F at a point: its factor and its products solve the same system."""

import numpy as np
import pytest
from strategies import Csr, objective_of

from softmax_regression._likelihood.targets import Labels
from softmax_regression._optimum import curvature, exact_hessian
from softmax_regression._optimum.exact_hessian import (
    HessianByFactor,
    HessianByProducts,
    hessian_at,
    largest_last,
    step_passes,
)

WEIGHT = np.random.default_rng(3).integers(1, 4, 90).astype(float)


def objective(weight, l2, sparse=False, n_classes=4):
    rng = np.random.default_rng(0)
    X = np.exp(rng.standard_normal((90, 5)))
    labels = Labels(rng.integers(0, n_classes, 90), n_classes)
    return objective_of(Csr(X) if sparse else X, labels, weight, l2=l2)


def parameters(F):
    theta = np.random.default_rng(1).standard_normal(F.class_frequencies().shape)
    return theta - theta.mean(axis=0)


def image(F, theta, step):
    """H s by the gradient's central difference, its error of the order 1e-10."""
    ahead, back = (F.at(theta + sign * 1e-5 * step).gradient for sign in (1, -1))
    return (ahead - back) / 2e-5


@pytest.mark.parametrize("sparse", [False, True], ids=["dense", "sparse"])
@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["equal", "weighted"])
def test_the_factor_inverts_the_hessian_of_all_rows(weight, sparse):
    F = objective(weight, 1e-3, sparse)
    theta, damping = parameters(F), np.linspace(0.0, 0.1, 6)
    step = 0.1 * theta[::-1]
    right = image(F, theta, step) + damping * step
    found = HessianByFactor(F, theta)
    np.testing.assert_allclose(found.solve(right, damping), step, rtol=0, atol=1e-6)
    assert found.solved
    assert found.products == 0


def test_no_row_is_left_to_a_sample(monkeypatch):
    monkeypatch.setattr("softmax_regression._optimum.moments.SAMPLED_ROWS", 10)
    test_the_factor_inverts_the_hessian_of_all_rows(WEIGHT, False)


@pytest.mark.parametrize("sparse", [False, True], ids=["dense", "sparse"])
def test_the_products_lead_to_the_same_step(monkeypatch, sparse):
    monkeypatch.setattr(exact_hessian, "LEFT", 1e-9)
    F = objective(WEIGHT, 1e-3, sparse)
    theta, damping = parameters(F), np.linspace(0.0, 0.1, 6)
    right = 0.01 * theta[::-1]
    found = HessianByProducts(F, theta, 80)
    expected = HessianByFactor(F, theta).solve(right, damping)
    np.testing.assert_allclose(found.solve(right, damping), expected, rtol=1e-6, atol=1e-9)
    assert found.solved
    assert 0 < found.products < 80


def test_no_more_products_than_allowed():
    F = objective(None, 1e-6)
    found = HessianByProducts(F, parameters(F), 2)
    found.solve(parameters(F), np.zeros(6))
    assert found.products == 2
    assert not found.solved


def test_a_matrix_where_it_fits_else_products(monkeypatch):
    F = objective(None, 1.0)
    assert isinstance(hessian_at(F, parameters(F), 5), HessianByFactor)
    few = step_passes(F.likelihood)
    assert few < 3
    monkeypatch.setattr(curvature, "FULL_PARAMETERS", 5)
    assert isinstance(hessian_at(F, parameters(F), 5), HessianByProducts)
    assert step_passes(F.likelihood) > few


def test_the_class_that_follows_from_the_others_is_that_of_the_largest_curvature():
    """The rounding of the others' weights and gradients is least in it."""
    assert largest_last(np.array([[1.0, 3.0], [4.0, 5.0], [0.0, 1e-9]])).tolist() == [2, 0, 1]
    F = objective(WEIGHT, 1e-3)
    theta = parameters(F)
    theta[2, -1] += 4.0
    theta[0, -1] -= 40.0
    for found in (HessianByFactor(F, theta), HessianByProducts(F, theta, 1)):
        assert found.order[-1] != 0
