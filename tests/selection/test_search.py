"""The search for an l2 on curves that are known: where it ends, how soon, and what it says."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from softmax_regression._selection.curve import Point
from softmax_regression._selection.search import Judge, Search, between, rising

ROWS = np.random.default_rng(0).normal(size=100)


def judge():
    with np.errstate(invalid="ignore"):
        return Judge(lambda losses: float(losses.mean()), lambda d: float(d.std(ddof=1) / 10.0))


def searched(mean, start=1.0, noise=0.02):
    """A search on losses with that mean, which rows reach with a spread that moves with l2."""
    calls = []

    def curve(l2):
        calls.append(l2)
        x = math.log(l2)
        spread = noise * (ROWS - ROWS.mean()) * (1.0 + 0.2 * x)
        return Point(l2, mean(x) + spread)

    search = Search(curve, judge(), start)
    search.run()
    return search, calls


@given(st.floats(-14.0, 8.0), st.floats(0.02, 1.0))
def test_the_minimum_of_a_parabola_is_found_in_few_steps(minimum, width):
    search, calls = searched(lambda x: 1.0 + width * (x - minimum) ** 2 / 10.0, noise=1e-3)
    x = math.log(search.best.l2)
    # What is left is worth 0.0026 nats at most: less than the models of the curve tell.
    assert abs(x - minimum) < 0.16
    # The start, a decade down, decades up until the loss has risen, a look, and two steps between.
    assert len(calls) <= 6 + math.ceil(abs(minimum) / math.log(10.0))
    assert search.edge is None
    assert len(calls) == len(set(calls))


@pytest.mark.parametrize("minimum", [-4.05, -4.3, -13.55])
def test_a_least_l2_to_which_the_loss_still_fell_is_not_taken_for_the_minimum(minimum):
    """Three points on a parabola of the loss itself, where that of its logarithm has it at the last."""
    search, _ = searched(lambda x: 1.0 + (x - minimum) ** 2 / 10.0, noise=1e-3)
    assert abs(math.log(search.best.l2) - minimum) < 0.05


def test_a_gain_that_chance_explains_is_not_followed():
    _, sure = searched(lambda x: 1.0 + 0.001 * (x + 3.0) ** 2, noise=1e-4)
    _, unsure = searched(lambda x: 1.0 + 0.001 * (x + 3.0) ** 2, noise=0.5)
    assert len(unsure) <= 5
    assert len(sure) <= 6


def test_a_loss_that_falls_to_the_end_is_at_an_edge():
    low, _ = searched(lambda x: 0.5 * math.exp(0.6 * x), noise=1e-6)
    assert low.edge == "low"
    assert low.judge.mean(low.best.losses) < 2e-4
    unending, calls = searched(lambda x: 10.0 + 0.1 * x, noise=1e-6)
    assert unending.edge == "low"
    assert len(calls) == 8
    high, calls = searched(lambda x: 10.0 - 0.1 * x, noise=1e-6)
    assert high.edge == "high"
    assert len(calls) == 7


def test_a_plateau_at_the_low_end_needs_no_smaller_penalty():
    search, calls = searched(lambda x: 1.0 + 0.01 * math.exp(x), start=100.0, noise=1e-2)
    assert search.edge is None
    assert len(calls) <= 10


def test_a_plateau_at_the_high_end_says_that_features_say_nothing():
    search, _ = searched(lambda x: 1.0 + 0.01 * math.exp(-x), start=1.0, noise=1e-3)
    assert search.edge == "high"


def test_losses_that_are_not_known_end_the_way_down():
    def mean(x):
        return 1.0 + x / 20.0 if x > -6.0 else np.inf

    search, _ = searched(mean, noise=1e-6)
    assert search.edge is None
    assert math.log(search.best.l2) > -6.0
    assert search.judge.mean(search.best.losses) == pytest.approx(0.7, abs=0.03)


def test_a_parabola_that_opens_downwards_promises_nothing():
    search, calls = searched(lambda x: 1.0 - 0.2 * math.exp(-(x**2)), noise=1e-6)
    assert search.best.l2 == pytest.approx(1.0)
    assert len(calls) <= 9


def test_a_bracket_whose_end_is_not_known_is_halved():
    def mean(x):
        return 1.0 + 0.1 * abs(x + 4.0) if x > -6.0 else np.inf

    search, calls = searched(mean, noise=1e-6)
    assert math.log(search.best.l2) == pytest.approx(-4.0, abs=0.7)
    assert len(calls) > 4


@given(
    st.floats(0.0, 2.0),
    st.floats(0.01, 1.0),
    st.floats(-2.5, 2.5).filter(lambda power: abs(power) > 0.02),
)
def test_a_constant_and_a_power_are_told_from_three_values(constant, factor, power):
    nodes, places = np.array([0.0, -1.5, 0.7]), np.linspace(-2.0, 2.0, 9)

    def value(x):
        return constant + factor * np.sign(power) * np.exp(power * x)

    found = rising(nodes, value(nodes), places)
    np.testing.assert_allclose(found, value(places), rtol=0.1, atol=0.1 * np.ptp(value(nodes)))


def test_values_that_fall_have_a_polynomial_of_logarithms_or_of_their_own():
    nodes, places = np.array([0.0, 1.0, 2.0]), np.array([0.5, 3.0])
    powers = 2.0 ** (nodes - nodes**2)
    np.testing.assert_allclose(rising(nodes, powers, places), 2.0 ** (places - places**2))
    np.testing.assert_allclose(between(nodes, 1.0 - nodes**2, places), 1.0 - places**2)


def test_a_start_without_a_known_loss_is_left_upwards():
    search, calls = searched(
        lambda x: 2.0 + 0.1 * (x - 4.0) ** 2 if x > 1.0 else np.inf, noise=1e-6
    )
    assert math.log(search.best.l2) == pytest.approx(4.0, abs=0.1)
    assert len(calls) <= 8


def test_no_more_are_tried_than_the_most(monkeypatch):
    monkeypatch.setattr("softmax_regression._selection.search.MOST", 2)
    _, calls = searched(lambda x: 1.0 + 0.1 * x, noise=1e-6)
    assert len(calls) == 2


def searched_above(middle, height, power, noise):
    """A search on a training loss that rises to a plateau about `middle`, and an optimism that falls."""
    calls = []

    def curve(l2):
        x = math.log(l2)
        calls.append(x)
        training = 1.4 + height / (1.0 + math.exp(middle - x))
        optimism = 0.3 * math.exp(-power * x)
        return Point(l2, training + optimism + noise * (1.0 + 0.2 * x) * ROWS, training)

    search = Search(curve, judge(), 1.0)
    search.run()
    return search, calls


def test_a_best_l2_above_all_others_is_looked_beyond():
    # At its foot the training loss seems to rise for ever.
    search, calls = searched_above(3.0, 0.05, 0.05, noise=0.02)
    assert math.log(search.best.l2) > 10.0
    assert search.edge == "high"
    assert len(calls) <= 9


def test_the_way_beyond_is_no_creeping():
    search, calls = searched_above(5.0, 0.1, 0.15, noise=1e-4)
    assert math.log(search.best.l2) == pytest.approx(4.45, abs=0.1)
    assert len(calls) <= 7


def test_two_curves_that_cross_are_added_up_at_once():
    calls = []

    def curve(l2):
        x = math.log(l2)
        calls.append(x)
        training = 0.3 + 0.05 * math.exp(0.6 * x)
        return Point(l2, training + 0.02 * math.exp(-0.3 * x) + 1e-4 * ROWS, training)

    search = Search(curve, judge(), 1.0)
    search.run()
    minimum = math.log(0.02 * 0.3 / (0.05 * 0.6)) / 0.9
    assert math.log(search.best.l2) == pytest.approx(minimum, abs=0.1)
    assert len(calls) <= 4
