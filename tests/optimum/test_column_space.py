"""Nearly collinear columns without a penalty: axes of unit spread, and the minimum they lead to."""

import numpy as np
import pytest
from newton import objective, optimum
from strategies import Csr

from softmax_regression import ConvergenceWarning, SoftmaxRegression
from softmax_regression._likelihood.block import Block
from softmax_regression._likelihood.targets import Labels
from softmax_regression._likelihood.working import Likelihood
from softmax_regression._optimum import column_space
from softmax_regression._optimum.column_space import ColumnSpace
from softmax_regression._optimum.minimise import _kept
from softmax_regression._optimum.solution import Solution
from softmax_regression._parameters import Parameters
from softmax_regression._penalty import Penalty

WEIGHT = np.linspace(0.1, 2.0, 200)


def collinear(noise, n_rows=200, seed=0):
    """Three columns, of which the last is the sum of the others up to `noise`, off the origin."""
    rng = np.random.default_rng(seed)
    S = rng.standard_normal((n_rows, 3))
    X = np.column_stack([S[:, :2], S[:, 0] + S[:, 1] + noise * S[:, 2]])
    y = (X[:, :2] @ rng.standard_normal((2, 3)) + rng.gumbel(size=(n_rows, 3))).argmax(axis=1)
    return X * [1.0, 10.0, 100.0] + 5.0, y, S


def space(X, y, weight=None, *, intercept=True):
    block = Block(X, Labels(y, 3), weight)
    return ColumnSpace.of(block, Likelihood([block], intercept), Penalty(0.0, 0.0))


@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["equal", "weighted"])
@pytest.mark.parametrize("intercept", [True, False])
def test_the_axes_have_unit_spread_and_the_same_logits(weight, intercept):
    X, y, _ = collinear(1e-7)
    X -= 0.0 if intercept else 5.0  # a constant would be a fourth direction
    turned = space(X, y, weight, intercept=intercept)
    w = np.ones(200) if weight is None else weight
    A = turned.coordinates
    np.testing.assert_allclose((A.T * w) @ A / w.sum(), np.eye(3), rtol=0, atol=1e-6)
    drawn = np.random.default_rng(1).standard_normal((3, 3))
    there = Parameters(drawn, intercept * np.arange(3.0))
    W, b = turned.expand(there)
    logits = X.astype(np.longdouble) @ W.T + b
    np.testing.assert_allclose(
        logits.astype(float), A @ there.weights.T + there.intercept, atol=1e-5
    )
    back = turned.reduce(Parameters(W, b))
    np.testing.assert_allclose(back.weights, there.weights, rtol=0, atol=1e-6)
    np.testing.assert_allclose(back.intercept, there.intercept, rtol=0, atol=1e-6)


def test_a_column_that_says_what_others_say_gives_no_axis():
    X, y, _ = collinear(0.0)
    assert space(X, y).coordinates.shape == (200, 2)


@pytest.mark.parametrize("offset", [1e3, 1e5, 1e7])
def test_what_columns_far_from_zero_say_of_their_rounding_gives_no_axis(offset):
    X, y, _ = collinear(0.0)
    X = X / [1.0, 10.0, 100.0] + offset * np.array([0.9, 0.8, 0.0])
    X[:, 2] = X[:, 0] + X[:, 1]
    assert space(X, y).coordinates.shape == (200, 2)


def test_what_takes_weights_too_large_for_their_products_gives_no_axis():
    """More columns than rows, far from zero: the rounding of their means is no direction."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((60, 80)) + 1e4
    y = np.arange(60) % 3
    assert next(space(X, y).narrower()).coordinates.shape == (60, 59)
    model = SoftmaxRegression(l2=0.0, max_iter=5, warm_start=True)
    with pytest.warns(ConvergenceWarning):
        model.fit(X, y)
    assert np.abs(model.coef_).max() < 1e3
    assert model.loss(X, y) == pytest.approx(model.loss_curve_[-1], rel=1e-3)


def test_only_dense_collinear_rows_are_turned(monkeypatch):
    X, y, _ = collinear(1e-3)
    assert space(X, y) is None
    X, y, _ = collinear(1e-8)
    assert space(Csr(X), y) is None
    assert space(X[:, :1], y) is None
    with np.errstate(all="ignore"):
        assert space(X * 1e200, y) is None
    assert space(X, y) is not None
    monkeypatch.setattr(column_space, "WORK", 100.0)
    assert space(X, y) is None


def test_of_many_rows_a_share_may_tell_that_no_column_is_collinear():
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((8192, 3)), np.arange(8192) % 3

    def readings(X):
        block = Block(X, Labels(y, 3))
        likelihood = Likelihood([block])
        found = ColumnSpace.of(block, likelihood, Penalty(0.0, 0.0))
        return found is None, likelihood.readings

    assert readings(X) == (True, 2)
    rare = X.copy()
    rare[:, 2] = X[:, 0]
    rare[:2, 2] += [1.0, -1.0]  # what it tells more is not in the share
    assert readings(rare) == (True, 3)
    X[:, 2] = X[:, 0] + 1e-7 * X[:, 1]
    assert readings(X) == (False, 3)
    with np.errstate(all="ignore"):
        assert readings(X * 1e200) == (True, 3)


@pytest.mark.parametrize("noise", [1e-7, 1e-8, 1e-9])
@pytest.mark.parametrize("tol", [1e-4, 1e-6])
def test_what_nearly_collinear_columns_still_tell_is_learned(noise, tol):
    """The noise alone tells much of the classes: the minimum is that of the columns it is made of."""
    X, _, S = collinear(noise)
    rng = np.random.default_rng(2)
    y = (S @ rng.standard_normal((3, 3)) + rng.gumbel(size=(200, 3))).argmax(axis=1)
    X = X.astype(np.longdouble)
    given = X.astype(float)
    # The third axis as the given rows have it, rounding and all.
    third = X[:, 2] / 100 - X[:, 1] / 10 - X[:, 0]
    third = given[:, 2].astype(np.longdouble) / 100 - given[:, 1] / np.longdouble(10) - given[:, 0]
    third = np.asarray((third - third.mean()) / third.std(), float)
    lowest = optimum(np.column_stack([S[:, :2], third]), np.eye(3)[y], 0.0)[2]
    model = SoftmaxRegression(l2=0.0, tol=tol).fit(given, y)
    assert model.converged_
    # Next to tol, rows that are themselves rounded to 1e-16 of 1e2.
    assert model.loss_curve_[-1] - lowest <= tol + 1e-8
    found = objective(given, np.eye(3)[y], model.coef_, model.intercept_, 0.0)
    assert found == pytest.approx(model.loss_curve_[-1], abs=1e-6)


@pytest.mark.parametrize(
    ("apart", "offset"), [(1e-11, 1e2), (1e-10, 1e3), (1e-9, 1e4), (1e-8, 1e5)]
)
def test_where_products_round_narrower_axes_are_tried_and_the_lowest_f_is_kept(apart, offset):
    """What columns differ by is worth 0.35 nats, and its weights' products are off by 4e-5 to 1e-4."""
    rng = np.random.default_rng(0)
    S = rng.standard_normal((200, 3))
    X = np.column_stack([S[:, :2], S[:, 0] + S[:, 1] + apart * S[:, 2]]) + offset
    y = (2 * S @ rng.standard_normal((3, 3)) + rng.gumbel(size=(200, 3))).argmax(axis=1)
    with pytest.warns(ConvergenceWarning, match="precision of float64"):
        model = SoftmaxRegression(l2=0.0).fit(X, y)
    F = float(objective(X, np.eye(3)[y], model.coef_.astype(np.longdouble), model.intercept_, 0.0))
    assert pytest.approx(model.loss_curve_[-1], abs=2e-3) == F
    two, all_of_it = (float(optimum(A, np.eye(3)[y], 0.0)[2]) for A in (S[:, :2], S))
    # The rows are rounded to 1e-3 of what the columns differ by: F's minimum is another by as little.
    assert all_of_it - 1e-4 <= model.loss_curve_[-1] < all_of_it + 1e-3 < two


@pytest.mark.parametrize(
    ("weights", "lowest", "expected"),
    [
        (1.5, 1.0, (1.5, False, "rounding")),
        (1.0 + 1e-9, 1.0, (1.0 + 1e-9, True, "converged")),
        (0.9, 0.9, (1.0, False, "rounding")),
    ],
    ids=["higher", "within tol", "lower"],
)
def test_f_of_the_axes_is_kept_with_what_the_weights_add_to_it(weights, lowest, expected):
    """The larger of both, and no lower than the lowest of wider axes: that is how far above it is."""
    none = Parameters(np.zeros((2, 1)), np.zeros(2))
    found = Solution(none, 1.0, np.inf, 0.0, True, 5, 5, "converged", np.zeros(1), np.ones(1))
    kept = _kept(found, weights, lowest, 1e-6)
    assert (kept.objective, kept.converged, kept.reason) == expected
    assert kept.decrement == kept.objective - lowest


def test_a_warm_start_goes_on_in_the_axes():
    X, y, _ = collinear(1e-8)
    model = SoftmaxRegression(l2=0.0, tol=1e-9, warm_start=True).fit(X, y)
    lowest, steps = model.loss_curve_[-1], []
    model.set_params(callback=lambda progress: steps.append(progress.step)).fit(X, y)
    assert max(steps) <= 2
    assert model.loss_curve_[-1] <= lowest + 1e-9  # tol: weights of 1e8 are rounded in either
