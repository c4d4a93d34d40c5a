"""Columns with heavy tails and many classes: the fit ends at the minimum that Newton's method finds.

The minima are those of an independent damped Newton method, to a decrement of 1e-9.
"""

import numpy as np
import pytest
from newton import objective, optimum
from strategies import Csr, unless_fast

from softmax_regression import SoftmaxRegression


def heavy_tails(n_rows, n_features, n_classes, sigma):
    rng = np.random.default_rng(0)
    N = rng.normal(size=(n_rows, n_features))
    y = N @ rng.normal(size=(n_features, n_classes)) + rng.gumbel(size=(n_rows, n_classes))
    return np.exp(sigma * N), y.argmax(axis=1)


@pytest.mark.parametrize(
    ("l2", "right"),
    [(1e-4, 0.05253271), *unless_fast((1e-5, 0.01232677), (1e-6, 0.00229368))],
)
def test_a_few_rows_of_many_classes_come_to_the_minimum(l2, right):
    X, y = heavy_tails(200, 30, 10, 3)
    model = SoftmaxRegression(l2=l2).fit(X, y)
    assert model.converged_
    assert model.optimality_gap_ <= 1e-6
    assert right - 1e-8 <= model.loss_curve_[-1] <= right + model.optimality_gap_ + 1e-8


@pytest.mark.parametrize(
    ("shape", "sigma", "l2", "right"),
    [
        ((60, 130, 6), 3, 1e-4, 5.694199937e-07),
        *unless_fast(
            ((100, 20, 8), 4, 1e-5, 0.0003632430),
            ((200, 30, 10), 2, 1e-6, 0.0009793485),
            ((100, 20, 8), 4, 1.0, 0.3353163037),
            ((200, 60, 6), 3, 1e-4, 0.0001995403),
        ),
    ],
)
def test_so_do_its_sisters(shape, sigma, l2, right):
    X, y = heavy_tails(*shape, sigma)
    model = SoftmaxRegression(l2=l2).fit(X, y)
    assert model.converged_
    assert model.optimality_gap_ <= 1e-6
    assert abs(model.loss_curve_[-1] - right) <= 1e-6 + 1e-9


def test_sparse_rows_too():
    X, y = heavy_tails(150, 12, 8, 3)
    X[np.random.default_rng(1).random(X.shape) < 0.3] = 0.0
    _, _, right = optimum(X, np.eye(8)[y], 1e-5)
    model = SoftmaxRegression(l2=1e-5).fit(Csr(X), y)
    assert model.converged_
    assert -1e-9 <= model.loss_curve_[-1] - right <= model.optimality_gap_ <= 1e-6


@pytest.mark.parametrize("seed", [2, *unless_fast(33)])
def test_a_sparse_fit_without_a_penalty_is_not_told_from_its_last_steps(seed):
    """Where L-BFGS foretells less than 1e-6, F is 2e-5 and 4e-5 above its minimum."""
    rng = np.random.default_rng(seed)
    N = rng.normal(size=(1_500, 6))
    X = np.exp(3 * N) * 10.0 ** rng.uniform(-3, 3, size=6)
    y = (0.4 * N @ rng.normal(size=(6, 7)) + rng.gumbel(size=(1_500, 7))).argmax(axis=1)
    _, _, right = optimum(X, np.eye(7)[y], 0.0)
    model = SoftmaxRegression(l2=0).fit(Csr(X), y)
    assert model.converged_
    found = objective(X, np.eye(7)[y], model.coef_, model.intercept_, 0.0)
    assert -1e-9 <= found - right <= 1e-6
