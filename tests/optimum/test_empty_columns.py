"""Columns without an entry in any row: the same optimum, in less time."""

import numpy as np
import pytest
from strategies import Csr

from softmax_regression import SoftmaxRegression
from softmax_regression._likelihood.block import Block
from softmax_regression._likelihood.targets import Labels
from softmax_regression._optimum.empty_columns import OccupiedColumns

RNG = np.random.default_rng(0)
N, D, K = 120, 12, 3
EMPTY = np.array([0, 3, 4, 11])
X = RNG.standard_normal((N, D)) * (RNG.random((N, D)) < 0.6)
X[:, EMPTY] = 0.0
Y = (X @ RNG.standard_normal((D, K)) + RNG.gumbel(size=(N, K))).argmax(axis=1)
LABELS = Labels(Y, K)

SETTINGS = {
    "l2": {"l2": 1e-2},
    "l1": {"l1": 1e-2, "l2": 1e-3},
    "l2 by column": {"l2": np.linspace(1e-3, 1.0, D)},
    "no intercept": {"l2": 1e-2, "fit_intercept": False},
}


@pytest.mark.parametrize("kind", SETTINGS)
def test_the_optimum_is_that_of_filled_in_rows(kind):
    settings = SETTINGS[kind] | {"tol": 1e-12}
    expected = SoftmaxRegression(**settings).fit(X, Y)
    heard = []
    model = SoftmaxRegression(**settings, callback=lambda p: heard.append(p.coef.shape))
    model.fit(Csr(X), Y)
    assert model.converged_
    np.testing.assert_allclose(model.coef_, expected.coef_, rtol=0, atol=1e-5)
    np.testing.assert_array_equal(model.coef_[:, EMPTY], 0.0)
    assert model.loss_curve_[-1] == pytest.approx(expected.loss_curve_[-1], abs=1e-11)
    assert set(heard) == {(K, D)}


def test_weights_of_a_warm_start_go_to_zero_where_no_row_has_an_entry():
    model = SoftmaxRegression(l2=1e-2, warm_start=True).fit(X + 1.0, Y)
    assert (model.coef_[:, EMPTY] == 0.0).all()  # constant columns
    model.coef_ = model.coef_ + 0.1 * RNG.standard_normal((K, D))
    expected = SoftmaxRegression(l2=1e-2, tol=1e-12).fit(X, Y)
    model.set_params(tol=1e-12).fit(Csr(X), Y)
    np.testing.assert_allclose(model.coef_, expected.coef_, rtol=0, atol=1e-5)


def test_a_stream_goes_on_in_all_columns():
    model = SoftmaxRegression(l2=1e-2).fit(Csr(X), Y)
    before = model.loss(X, Y)
    for first in range(0, N, 20):
        rows = slice(first, first + 20)
        model.partial_fit(Csr(X[rows]), Y[rows])
    assert model.coef_.shape == (K, D)
    assert model.loss(X, Y) <= before + 0.02


@pytest.mark.parametrize(
    ("rows", "taken"),
    [
        (Csr(X), True),
        (X, False),
        (Csr(X[:, 1:]), True),
        (Csr(np.delete(X, EMPTY[1:], axis=1)), False),
        (Csr(np.zeros((N, D))), False),
    ],
    ids=["sparse", "dense", "three of eleven", "one of nine", "none at all"],
)
def test_a_quarter_of_the_columns_is_worth_it(rows, taken):
    found = OccupiedColumns.of(Block(rows, LABELS))
    assert (found is not None) == taken
