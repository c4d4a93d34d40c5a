"""The penalty of F against its definition, for one l1 and l2 or one for every column."""

import numpy as np
import pytest
from tolerances import EPS

from softmax_regression._likelihood.coordinates import Coordinates
from softmax_regression._parameters import Parameters
from softmax_regression._penalty import LARGEST, Penalty

RNG = np.random.default_rng(5)
K, D = 4, 6
W = RNG.normal(size=(K, D))
EACH = RNG.uniform(0.1, 2.0, (2, D))
PENALTIES = {
    "none": Penalty(0.0, 0.0),
    "l1": Penalty(0.3, 0.0),
    "l2": Penalty(0.0, 0.2),
    "both": Penalty(0.3, 0.2),
    "by column": Penalty(*EACH),
    "some columns": Penalty(np.where(np.arange(D) < 2, EACH[0], 0.0), EACH[1] * (np.arange(D) > 3)),
}
EVERY = pytest.mark.parametrize("penalty", PENALTIES.values(), ids=PENALTIES)
ROUNDED = {"rtol": 100 * EPS, "atol": 100 * EPS}


def defined(penalty, weights):
    l1, l2 = np.broadcast_to(penalty.l1, D), np.broadcast_to(penalty.l2, D)
    return sum(
        l1[j] * abs(w) + 0.5 * l2[j] * w**2 for row in weights for j, w in enumerate(row.tolist())
    )


@EVERY
def test_the_value_is_its_definition(penalty):
    assert penalty.value(W) == pytest.approx(defined(penalty, W), rel=100 * EPS)


@EVERY
def test_the_slope_is_the_derivative_of_the_smooth_part(penalty):
    smooth, step = penalty._replace(l1=0.0), 2.0**-10
    expected = np.zeros((K, D))
    for place in np.ndindex(K, D):
        move = np.zeros((K, D))
        move[place] = step
        expected[place] = (smooth.value(W + move) - smooth.value(W - move)) / (2 * step)
    np.testing.assert_allclose(penalty.slope(W), expected, rtol=0, atol=1e-11)


@EVERY
def test_the_slope_keeps_the_precision_of_the_weights(penalty):
    assert penalty.slope(W.astype(np.float32)).dtype == np.float32


@EVERY
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_in_other_coordinates_the_same_weights_cost_the_same(penalty, fit_intercept):
    centre = RNG.normal(size=D) * fit_intercept
    coordinates = Coordinates(centre, RNG.uniform(0.5, 3.0, D), fit_intercept)
    original = Parameters(W, RNG.normal(size=K) * fit_intercept)
    theta, inner = coordinates.inward(original), penalty.within(coordinates)
    assert inner.value(theta) == pytest.approx(penalty.value(W), rel=100 * EPS)
    slope = inner.slope(theta)[:, :D]
    np.testing.assert_allclose(slope, penalty.slope(W) / coordinates.scale, **ROUNDED)
    if fit_intercept:
        assert not inner.slope(theta)[:, -1].any()


def test_a_penalty_that_overflows_stays_finite():
    tiny = Coordinates(np.zeros(D), np.full(D, 1e-300), fit_intercept=False)
    assert (Penalty(0.0, 1.0).within(tiny).l2 == LARGEST).all()
    assert not Penalty(0.0, 0.0).within(tiny).l2.any()


def test_the_penalty_of_some_columns_is_theirs():
    chosen = np.array([4, 1])
    part = PENALTIES["by column"].columns(chosen)
    assert part.value(W[:, chosen]) == pytest.approx(
        sum(Penalty(*EACH[:, j]).value(W[:, [j]]) for j in chosen), rel=100 * EPS
    )


def test_the_bound_is_the_conjugate_of_the_penalty():
    """max_v Σ_kj g_kj v_kj − ½ l2_j v_kj², found at v = g / l2; the intercept does not count."""
    gradient, penalty = RNG.normal(size=(K, D + 1)), Penalty(0.0, np.append(EACH[1], 0.0), 1)
    v = gradient[:, :D] / EACH[1]
    expected = float(np.vdot(gradient[:, :D], v)) - Penalty(0.0, EACH[1]).value(v)
    assert penalty.bound(gradient) == pytest.approx(expected, rel=100 * EPS)


@pytest.mark.parametrize("name", ["none", "l1", "both", "by column", "some columns"])
def test_where_a_column_has_no_l2_or_some_an_l1_there_is_no_bound(name):
    penalty = PENALTIES[name].within(Coordinates.identity(D, fit_intercept=True))
    assert penalty.bound(np.ones((K, D + 1))) == np.inf


def test_a_bound_that_overflows_is_infinite():
    with np.errstate(over="ignore"):
        assert Penalty(0.0, np.full(D, 1e-300)).bound(np.full((K, D), 1e200)) == np.inf


@EVERY
def test_no_shift_of_a_column_is_cheaper_than_the_cheapest(penalty):
    """Of columns with one large entry, where mean, median and what lies between are far apart."""
    weights = W + 5.0 * np.eye(K, D)
    shift = penalty.cheapest(weights)
    lowest = penalty.value(weights - shift)
    for move in np.concatenate([-np.logspace(-6, 1, 30), np.logspace(-6, 1, 30)]):
        for j in range(D):
            moved = shift.copy()
            moved[j] += move
            assert penalty.value(weights - moved) >= lowest - 1e-13


@pytest.mark.parametrize("n_classes", [4, 6])
def test_with_l1_alone_the_cheapest_shift_leaves_a_weight_of_zero(n_classes):
    """Of an even number of classes every shift between two weights costs the same."""
    weights = np.random.default_rng(0).standard_normal((n_classes, 50))
    penalty = Penalty(np.full(50, 0.1), np.zeros(50))
    assert (weights - penalty.cheapest(weights) == 0.0).any(axis=0).all()
