"""Fits at their edges: few steps, loose tolerances, rows of no weight, held-out rows, wide rows."""

import warnings

import numpy as np
import pytest
from newton import objective, optimum
from strategies import model_at, plain
from tolerances import REORDERED

from softmax_regression import ConvergenceWarning, SoftmaxRegression, cross_entropy
from softmax_regression._batches import Piece
from softmax_regression._descent import BatchObjective
from softmax_regression._likelihood.held_out import hold_out
from softmax_regression._likelihood.targets import Labels, ProbabilityRows
from softmax_regression._parameters import Parameters
from softmax_regression._penalty import Penalty

RNG = np.random.default_rng(23)
N, D, K = 60, 4, 3
X = RNG.normal(size=(N, D)) @ RNG.normal(size=(D, D)) + 2
Y = RNG.permutation(np.arange(N) % K)
WEIGHT = RNG.uniform(0.2, 1.0, N)


@pytest.mark.parametrize("shape", [(60, 3, 3), (400, 6, 4)])
def test_newton_s_method_takes_few_passes(shape):
    """Quadratic convergence from the class frequencies: eight steps suffice for 1e-12."""
    n_rows, n_features, n_classes = shape
    rng = np.random.default_rng(1)
    rows = rng.normal(size=(n_rows, n_features))
    Z = rows @ rng.normal(size=(n_features, n_classes)) + 2 * rng.gumbel(size=(n_rows, n_classes))
    steps = []
    model = SoftmaxRegression(l2=0.01, tol=1e-12, callback=lambda told: steps.append(told.step))
    model.fit(rows, Z.argmax(axis=1))
    assert model.converged_
    assert max(steps) <= 8


@pytest.mark.parametrize(
    "shape",
    [(200, 3, 3), pytest.param((6000, 40, 10), marks=pytest.mark.thorough)],
    ids=["newton", "l-bfgs"],
)
def test_an_unpenalised_fit_ends_within_tol_of_the_optimum(shape):
    """Without a proof the estimate decides; noisy labels keep the optimum finite."""
    n_rows, n_features, n_classes = shape
    rng = np.random.default_rng(3)
    rows = rng.normal(size=(n_rows, n_features)) * np.geomspace(0.1, 10, n_features)
    Z = rows @ rng.normal(size=(n_features, n_classes)) + 3 * rng.gumbel(size=(n_rows, n_classes))
    labels = Z.argmax(axis=1)
    least = SoftmaxRegression(l2=0.0, tol=1e-9).fit(rows, labels).loss(rows, labels)
    for tol in (1e-2, 1e-3, 1e-5):
        model = SoftmaxRegression(l2=0.0, tol=tol).fit(rows, labels)
        assert model.converged_
        assert model.loss(rows, labels) - least <= tol


# The textbook's descent at its edges


@pytest.mark.parametrize("targets", [Labels(np.array([0, 1]), 2), ProbabilityRows(np.eye(2))])
def test_exponentials_that_lose_digits_are_shifted(targets):
    """Logits near -740 have exponentials with few digits left, although none is 0."""
    batch = BatchObjective((2, 1), Penalty(0.0, 0.0), True, np.float64)
    parameters = Parameters(np.array([[0.3], [-0.4]]), np.array([-740.0, -740.5]))
    rows = np.array([[1.0], [-1.0]])
    loss = batch.evaluate([Piece(rows, targets, 0.5)], parameters)
    Z = rows @ parameters.weights.T + parameters.intercept
    assert abs(loss - cross_entropy(Z, np.array([0, 1])).mean()) <= 1e-12


def test_rows_of_weight_zero_do_not_stop_a_batch_from_others():
    """A batch without any weight is left out; its neighbours step as if it were not there."""
    weight = np.ones(30)
    weight[10:20] = 0.0
    model = plain(batch_size=10, max_iter=3).fit(X[:30], Y[:30], weight)
    kept = np.r_[0:10, 20:30]
    other = plain(batch_size=10, max_iter=3).fit(X[kept], Y[kept])
    np.testing.assert_allclose(model.coef_, other.coef_, rtol=REORDERED)
    np.testing.assert_allclose(model.loss_curve_, other.loss_curve_, rtol=REORDERED)


def test_wide_float32_rows_take_the_step_of_float64():
    """From 256 columns on, float32 products run with the rows first."""
    wide = RNG.normal(size=(40, 300))
    labels = np.arange(40) % K
    settings = {"learning_rate": 0.01, "max_iter": 3, "batch_size": 8}
    one = plain(**settings).fit(wide.astype("f4"), labels)
    other = plain(**settings).fit(wide, labels)
    np.testing.assert_allclose(one.coef_, other.coef_, rtol=0, atol=1e-5)
    weights = RNG.normal(size=(K, 300)).astype("f4")
    model = model_at(weights, np.zeros(K), max_iter=1, warm_start=True).fit(
        wide.astype("f4"), labels
    )
    expected = cross_entropy(wide.astype("f4") @ weights.T, labels).mean()
    assert abs(model.loss_curve_[0] - expected) <= 1e-3


def test_shuffled_batches_never_hold_a_held_out_row():
    """Other numbers in the held-out rows change their own curve and no bit of the training's."""
    settings = {"early_stopping": True, "validation_fraction": 0.3, "n_iter_no_change": 99}
    settings |= {"batch_size": 5, "shuffle": True, "random_state": 0}
    _, held_out = hold_out(Labels(Y, K), 0.3, np.random.default_rng(0))
    changed = X.copy()
    changed[held_out] += 3.0
    one, other = (plain(**settings).fit(rows, Y) for rows in (X, changed))
    assert one.loss_curve_.tobytes() == other.loss_curve_.tobytes()
    assert (one.validation_curve_ != other.validation_curve_).all()


@pytest.mark.parametrize(
    "settings", [{}, {"learning_rate": "auto", "l2": 0.1}], ids=["plain", "auto"]
)
def test_held_out_rows_are_judged_with_their_weights(settings):
    settings = {"max_iter": 4, "early_stopping": True, "validation_fraction": 0.3} | settings
    labels = (X @ RNG.normal(size=(D, K))).argmax(axis=1)
    _, held_out = hold_out(Labels(labels, K), 0.3, np.random.default_rng(0))
    seen = plain(random_state=0, **settings)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # four passes are too few on purpose
        seen.fit(X, labels, WEIGHT)
    best = seen.loss(X[held_out], labels[held_out], WEIGHT[held_out])
    assert abs(best - seen.validation_curve_.min()) <= 1e-12


def test_the_gap_of_float32_parameters_covers_their_rounding():
    """Far from the origin a coefficient's rounding lifts F by more than the float64 gap."""
    rows = (X + 100_000).astype(np.float32)
    with pytest.warns(ConvergenceWarning, match="precision of float32"):
        model = SoftmaxRegression(l2=0.01, tol=1e-11).fit(rows, Y)
    assert model.coef_.dtype == np.float32
    assert not model.converged_
    exact = rows.astype(np.float64)
    *_, least = optimum(exact, np.eye(K)[Y], 0.01)
    lifted = objective(exact, np.eye(K)[Y], model.coef_, model.intercept_, 0.01) - least
    assert lifted > 1e-10  # ten times the tolerance of the float64 gap
    assert lifted <= model.optimality_gap_


@pytest.mark.parametrize("intercept", [[0.0, 0, 0], [-1.0, 2, 2], [3.0, 1, 3]])
def test_the_first_of_equally_probable_classes_is_predicted(intercept):
    predicted = model_at(np.zeros((K, D)), intercept).predict(X)
    assert (predicted == np.argmax(intercept)).all()
