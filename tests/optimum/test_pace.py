"""When passes are too many."""

import math

import numpy as np
import pytest
from strategies import likelihood_of

from softmax_regression._likelihood.targets import Labels
from softmax_regression._optimum.pace import FEWEST, Pace, steps_to


def pace(distances, max_iter=1_000, n_classes=4):
    X = np.random.default_rng(0).standard_normal((300, 6))
    rows = likelihood_of(X, Labels(np.arange(300) % n_classes, n_classes))
    found = Pace(rows, max_iter)
    for number, distance in enumerate(distances, 1):
        found.note(number, distance)
    return found


def test_a_distance_that_falls_tenfold_in_four_steps_takes_twelve_to_a_thousandth():
    assert steps_to(1e-4, 1e-1, 1.0, 4) == pytest.approx(12.0)
    assert steps_to(1.0, 1e-1, 1.0, 4) == 0.0


@pytest.mark.parametrize(
    ("aim", "now", "then"),
    [(0.0, 0.1, 1.0), (1e-4, 1.0, 1.0), (1e-4, 2.0, 1.0), (1e-4, 0.0, 1.0), (1e-4, 1.0, np.inf)],
)
def test_without_a_fall_no_end_is_in_sight(aim, now, then):
    assert steps_to(aim, now, then, 4) == math.inf


def test_few_passes_are_never_too_slow():
    slow = pace(np.full(20, 1.0))
    assert slow.cost > 20
    assert not slow.is_too_slow(1e-6)


def test_a_distance_that_stays_is_too_slow_once_newton_would_have_cost_as_much():
    slow = pace(np.full(70, 1.0))
    assert slow.cost <= 70
    assert slow.is_too_slow(1e-6)


def test_one_that_falls_fast_enough_is_not():
    """Each of 70 passes has halved it; ten more lead to the aim."""
    fast = pace(0.5 ** np.arange(70.0))
    assert not fast.is_too_slow(0.5**80)


def test_the_pace_is_that_of_the_second_half():
    assert pace([*0.5 ** np.arange(35.0), *np.full(35, 0.5**34)]).is_too_slow(1e-12)
    assert not pace([*np.full(35, 1.0), *0.5 ** np.arange(35.0)]).is_too_slow(1e-12)


def test_however_dear_newton_is_the_passes_that_are_left_decide():
    """1,250 at this pace, of which 250 have been made: 750 are left."""
    distances = 1e-6 ** (np.arange(250.0) / 1_250)
    tight, wide = pace(distances), pace(distances, max_iter=1_400)
    tight.cost = wide.cost = math.inf
    assert tight.is_too_slow(1e-6)
    assert not wide.is_too_slow(1e-6)


def test_a_fit_of_few_passes_makes_them():
    dear = pace(np.full(FEWEST - 1, 1.0), max_iter=FEWEST)
    dear.cost = math.inf
    assert not dear.is_too_slow(1e-6)
