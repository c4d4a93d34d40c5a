"""Inputs of the kinds that users met: the minimum of an independent Newton method, proven or told.

Timestamps, money, counts, indicators, constants, raw units and offsets, with few rows of many
classes, and the penalties and targets that go with them.
"""

import sys
import warnings
from itertools import product

import numpy as np
import pytest
from newton import objective, optimum
from strategies import Csr, thinned, unless_fast

from softmax_regression import ConvergenceWarning, SoftmaxRegression

# F is a mean of losses of a few nats, each of some roundings.
ROUNDING = 1e-13


def drawn(n_rows, n_features, n_classes, seed=0, strength=1.0):
    """Standard normal columns, and labels that they tell of."""
    rng = np.random.default_rng(seed)
    N = rng.normal(size=(n_rows, n_features))
    score = strength * N @ rng.normal(size=(n_features, n_classes))
    y = (score + rng.gumbel(size=(n_rows, n_classes))).argmax(axis=1)
    y[:n_classes] = np.arange(n_classes)
    return N, y, rng


def stamps(N, rng, unit):
    """The first column as a time since 1970 in whole units, a second being `unit` of them."""
    X = N.copy()
    X[:, 0] = np.floor((1.6e9 + 10.0 ** rng.uniform(4, 7) * N[:, 0]) * unit)
    return X


def log_normal(N, _):
    return np.exp(3 * N)


def pareto(N, _):
    return (0.05 + np.exp(-np.abs(N))) ** -4 * np.sign(N)


def counts(N, rng):
    return rng.poisson(np.exp(np.minimum(1.5 * N, 10.0))) * 1.0


def offsets(N, _):
    return N + 10.0 ** np.linspace(0, 6, N.shape[1])


def raw_units(N, _):
    return (N + 3.0) * 10.0 ** np.linspace(-6, 6, N.shape[1])


def indicators(N, _):
    return (N > 1.0) * 1.0


def nearly_equal(N, _):
    return np.column_stack([N, N[:, 0] + 1e-9 * N[:, 1], N[:, 1], np.full(len(N), 1e6)])


KINDS = [log_normal, pareto, counts, offsets, raw_units, indicators, nearly_equal]


def lowest(X, T, l2, weight=None, fit_intercept=True):
    """F at the minimum, in columns of unit spread about zero where there is an intercept."""
    X = X.astype(np.longdouble)
    centred = X - X.mean(axis=0) if fit_intercept else X
    return float(optimum(centred.astype(float), T, l2, weight, fit_intercept)[2])


def found(model, X, T):
    """F of what the model keeps."""
    return float(objective(X, T, model.coef_.astype(np.longdouble), model.intercept_, model.l2))


def assert_proven(model, X, T, right):
    assert model.converged_
    assert model.optimality_gap_ <= model.tol
    above = found(model, X, T) - right
    assert -1e-9 <= above <= model.optimality_gap_ + ROUNDING


@pytest.mark.parametrize(("l2", "kind"), thinned(product([1e-2, 1e-5], KINDS), 2))
def test_the_minimum_is_found_and_proven(kind, l2):
    N, y, rng = drawn(90, 4, 6)
    X = kind(N, rng)
    T = np.eye(6)[y]
    assert_proven(SoftmaxRegression(l2=l2).fit(X, y), X, T, lowest(X, T, l2))


@pytest.mark.parametrize("kind", [log_normal, counts, indicators], ids=lambda kind: kind.__name__)
def test_so_it_is_for_sparse_rows(kind):
    N, y, rng = drawn(120, 5, 5, seed=1)
    X = np.where(rng.random(N.shape) < 0.4, kind(N, rng), 0.0)
    T = np.eye(5)[y]
    assert_proven(SoftmaxRegression(l2=1e-4).fit(Csr(X), y), X, T, lowest(X, T, 1e-4))


@pytest.mark.parametrize(
    ("unit", "shape", "l2"),
    [
        (1e3, (120, 8, 15), 1e-3),
        (1e9, (43, 7, 14), 1e-2),
        *unless_fast(
            (1e6, (43, 7, 14), 1e-2),
            (1e3, (43, 7, 14), 1e-2),
            (1e6, (120, 8, 15), 1e-3),
            (1e9, (120, 8, 15), 1e-3),
        ),
    ],
)
def test_a_class_that_times_tell_from_all_others_leaves_the_proof(unit, shape, l2):
    """Next to no curvature, and a penalty that is less: the weights go on growing, F does not fall."""
    N, y, rng = drawn(*shape, seed=3, strength=0.5)
    X = stamps(N, rng, unit)
    y[np.argsort(X[:, 0])[-4:]] = 2
    y[y == 2] = np.where(X[y == 2, 0] >= np.sort(X[:, 0])[-4], 2, 3)
    model = SoftmaxRegression(l2=l2).fit(X, y)
    assert model.converged_
    assert model.optimality_gap_ <= 1e-6


@pytest.mark.parametrize(
    "penalty", [{"l2": 1e-4}, {"l1": 1e-3, "l2": 0.0}, *unless_fast({"l1": 1e-3, "l2": 1e-3})]
)
def test_pairs_of_classes_that_times_tell_from_all_others_are_proven(penalty):
    """Each class has curvature, against the other of its era; what parts the eras has none."""
    N, _, rng = drawn(160, 3, 6, seed=12)
    era = np.arange(160) % 3
    X = N.copy()
    X[:, 0] = np.floor((1.6e9 + 1e6 * era + 1e5 * N[:, 0]) * 1e9)
    X[:, 2] = np.floor((1.6e9 + 1e6 * N[:, 2]) * 1e9)
    y = 2 * era + (N[:, 1] + N[:, 2] + rng.gumbel(size=160) > 0.5)
    model = SoftmaxRegression(**penalty).fit(X, y)
    assert model.converged_
    assert model.n_iter_ <= 150
    # In times of days F is the same, up to what is left of a penalty on them.
    X[:, ::2] = (X[:, ::2] - 1.6e18) / 1e9 / 86_400
    rows = SoftmaxRegression(**penalty, tol=1e-9).fit(X, y)
    assert -1e-6 <= rows.loss_curve_[-1] - model.loss_curve_[-1] <= 0.02


@pytest.mark.parametrize("penalty", [{"l2": 0.0}, {"l2": 1e-4}, {"l1": 1e-3, "l2": 1e-3}])
def test_sparse_rows_that_fill_columns_far_from_zero_keep_their_digits(penalty):
    """Centred after they were multiplied, they took ten times as many readings, or had no proof."""
    N, y, rng = drawn(150, 4, 5, seed=13)
    X = stamps(N, rng, 1e9)
    X[:, 1] += 2e5
    X[:, 2] = np.where(rng.random(150) < 0.3, 0.0, X[:, 2])
    sparse, dense = (SoftmaxRegression(**penalty).fit(rows, y) for rows in (Csr(X), X))
    assert sparse.converged_
    assert sparse.loss_curve_[-1] == dense.loss_curve_[-1]
    assert sparse.n_iter_ == dense.n_iter_ + 1  # the one that told how far they are from zero


def test_soft_targets_and_weights_of_many_sizes():
    N, y, rng = drawn(150, 4, 5, seed=2)
    X = log_normal(N, rng)
    T = (rng.dirichlet(np.full(5, 0.3), 150) + np.eye(5)[y]) / 2
    weight = 10.0 ** rng.uniform(-3, 3, 150)
    model = SoftmaxRegression(l2=1e-4).fit(X, T, sample_weight=weight)
    right = float(optimum(X, T, 1e-4, weight)[2])
    F = objective(X, T, model.coef_, model.intercept_, 1e-4, sample_weight=weight)
    assert model.converged_
    assert -1e-9 <= F - right <= model.optimality_gap_ + ROUNDING


@pytest.mark.parametrize("kind", [log_normal, counts], ids=lambda kind: kind.__name__)
def test_many_classes_of_one_column(kind):
    """More classes than eight for a column, whose Hessian is small all the same."""
    N, y, rng = drawn(80, 1, 18, seed=4)
    X = kind(N, rng)
    T = np.eye(18)[y]
    assert_proven(SoftmaxRegression(l2=1e-3).fit(X, y), X, T, lowest(X, T, 1e-3))


def test_without_a_penalty_constants_have_no_part_in_axes_that_are_nearly_equal():
    """Eigenvectors of the second moment would mix a constant 1e6 with what is next to nothing."""
    N, y, rng = drawn(300, 4, 4, seed=5)
    X = np.column_stack([nearly_equal(N, rng), np.zeros(300), 1e-12 * N[:, 2] + N[:, 3]])
    T = np.eye(4)[y]
    model = SoftmaxRegression(l2=0.0).fit(X, y)
    assert model.converged_
    F = float(objective(X, T, model.coef_.astype(np.longdouble), model.intercept_, 0.0))
    assert pytest.approx(model.loss_curve_[-1], abs=1e-7) == F
    # Never more than of the columns that differ.
    assert float(optimum(N, T, 0.0)[2]) + 1e-6 >= F


def test_without_a_penalty_nor_an_intercept_times_are_told_or_learned():
    """F of the weights as they are, however large the weights of what differs least."""
    N, y, rng = drawn(200, 4, 4, seed=6)
    X = stamps(stamps(N, rng, 1e3)[:, ::-1], rng, 1e6)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model = SoftmaxRegression(l2=0.0, fit_intercept=False).fit(X, y)
    F = float(objective(X, np.eye(4)[y], model.coef_.astype(np.longdouble), 0.0, 0.0))
    assert pytest.approx(model.loss_curve_[-1], abs=1e-6) == F
    assert np.log(4) > F


@pytest.mark.parametrize(
    ("seed", "shape", "right"),
    [
        (74, (71, 7, 5), 0.004574159352),
        (254, (86, 4, 8), 0.355393154918),
        (300, (47, 6, 7), 0.003268841731),
    ],
)
def test_a_decrement_far_from_quadratic_is_no_estimate(seed, shape, right):
    """Heavy weights and tails without a penalty: the decrement was less than tol, F more above."""
    n_rows, n_features, n_classes = shape
    rng = np.random.default_rng(seed)
    rng.integers([40, 2, 3], [200, 8, 9])
    N = rng.normal(size=(n_rows, n_features))
    score = rng.choice([0.5, 2, 4]) * N @ rng.normal(size=(n_features, n_classes))
    y = (score + rng.gumbel(size=(n_rows, n_classes))).argmax(axis=1)
    y[:n_classes] = np.arange(n_classes)
    X = np.exp(rng.choice([1, 2, 3]) * N)
    weight = 10.0 ** rng.uniform(-3, 3, n_rows)
    model = SoftmaxRegression(l2=0.0).fit(X, y, sample_weight=weight)
    T = np.eye(n_classes)[y]
    F = float(objective(X, T, model.coef_, model.intercept_, 0.0, sample_weight=weight))
    assert model.converged_
    assert -1e-9 <= F - right <= 1e-6


@pytest.mark.parametrize(("l1", "kind"), thinned(product([1e-2, 1e-4], [log_normal, counts]), 3))
def test_sparse_rows_with_l1_take_few_readings(l1, kind):
    """H as a matrix: conjugate gradients took thousands of readings in columns of such spreads."""
    N, y, rng = drawn(120, 4, 8, seed=8)
    X = np.where(rng.random(N.shape) < 0.6, kind(N, rng), 0.0)
    sparse, dense = (SoftmaxRegression(l1=l1, l2=1e-4).fit(rows, y) for rows in (Csr(X), X))
    assert sparse.converged_
    assert dense.converged_
    assert abs(sparse.loss_curve_[-1] - dense.loss_curve_[-1]) <= 1e-6
    assert sparse.n_iter_ <= 150


@pytest.mark.parametrize(
    ("shape", "l1", "l2"),
    [((73, 4, 18), 1.35e-4, 1e-3), *unless_fast(((38, 12, 10), 4e-4, 1e-3))],
)
def test_many_signs_of_heavy_tails_are_found_in_few_steps(shape, l1, l2):
    """Coordinates brought back next to zero stopped every step: hundreds of steps, or no end."""
    N, y, rng = drawn(*shape, seed=9, strength=0.5)
    X = np.column_stack([log_normal(N[:, ::2], rng), counts(N[:, 1::2], rng)])
    model = SoftmaxRegression(l1=l1, l2=l2).fit(X, y)
    assert model.converged_
    assert model.n_iter_ <= 150


def test_nearly_parallel_columns_with_l1_and_no_intercept():
    N, y, rng = drawn(300, 5, 8, seed=10)
    X = offsets(N, rng)
    X[:, 0] = 1e5 + N[:, 0]
    model = SoftmaxRegression(l1=1e-2, l2=1e-4, fit_intercept=False).fit(X, y)
    assert model.converged_
    assert model.n_iter_ <= 150


def test_a_constant_column_of_sparse_rows_has_no_curvature_to_wait_for(monkeypatch):
    """Of rows that are too many, and too thin, to be filled in."""
    monkeypatch.setattr(sys.modules["softmax_regression._optimum.minimise"], "FEW", 0)
    N, y, rng = drawn(300, 4, 3, seed=11)
    X = np.where(rng.random(N.shape) < 0.3, N, 0.0)
    model = SoftmaxRegression(l2=0.0).fit(Csr(np.column_stack([X, np.full(300, 3.7)])), y)
    assert model.converged_
    right = float(optimum(X, np.eye(3)[y], 0.0)[2])
    assert abs(model.loss_curve_[-1] - right) <= 1e-6
