"""Newton steps with a damping that follows from how well F's model foretells its fall."""

from itertools import pairwise

import numpy as np
import pytest

from softmax_regression._optimum import curvature, damped_newton
from softmax_regression._optimum.damped_newton import FIRST, DampedNewton, mean_squares
from softmax_regression._optimum.passes import Value, evaluate
from softmax_regression._optimum.standardised import Standardised
from softmax_regression._targets import Labels

NOISE = 1e-15


def rows(sigma, weight=None):
    rng = np.random.default_rng(0)
    N = rng.standard_normal((80, 4))
    y = (N @ rng.standard_normal((4, 5)) + rng.gumbel(size=(80, 5))).argmax(axis=1)
    return Standardised(np.exp(sigma * N), Labels(y, 5), weight, fit_intercept=True)


class Descent:
    """Steps from zero, and where they lead."""

    def __init__(self, data, l2=1e-4, settled=1e-9):
        self.data, self.penalty = data, data.penalty(l2)
        self.newton = DampedNewton(data, self.penalty, settled)
        self.parameters = np.zeros((data.n_classes, data.n_columns))
        self.value, self.passes = self.evaluate(self.parameters), 0

    def evaluate(self, parameters):
        self.passes = getattr(self, "passes", 0) + 1
        return evaluate(self.data, self.penalty, parameters, np.float64)

    def step(self, noise=NOISE, trials=100):
        found = self.newton.step(
            self.evaluate, self.parameters, self.value, noise=noise, trials=trials
        )
        if found is not None:
            self.parameters, self.value = found.point, found.value
        return found


def descended(descent, steps):
    objectives = [descent.value.objective]
    for _ in range(steps):
        if descent.step() is None:
            break
        objectives.append(descent.value.objective)
    return objectives


def test_every_step_lowers_f_to_where_its_gradient_is_zero():
    descent = Descent(rows(3.0))
    objectives = descended(descent, 60)
    assert all(after <= before + NOISE for before, after in pairwise(objectives))
    assert np.abs(descent.value.gradient).max() < 1e-10


def test_the_mean_squares_are_those_of_the_weighted_rows():
    weight = np.random.default_rng(1).integers(1, 5, 80).astype(float)
    data = rows(1.0, weight)
    (block,) = data.blocks(np.float64)
    expected = np.average(block.rows.values**2, axis=0, weights=weight)
    np.testing.assert_allclose(mean_squares(data), expected, rtol=1e-13)


def test_near_the_end_steps_are_newtons_and_the_decrement_is_the_hessians():
    """A step that divides ½ gᵀ H⁻¹ g by a million at least, and foretells the fall of F."""
    descent = Descent(rows(1.0), settled=1e-3)
    while not np.isfinite(descent.newton.decrement):
        descent.step()
    descent.step()
    before, foretold = descent.value.objective, None
    first = descent.newton.decrement
    descent.step()
    foretold = descent.newton.decrement
    assert foretold < 1e-3 * first
    descended(descent, 10)
    assert before - descent.value.objective == pytest.approx(foretold, rel=0.1, abs=1e-14)


def test_away_from_the_end_the_decrement_is_not_known():
    descent = Descent(rows(3.0))
    descent.step()
    assert descent.newton.decrement == np.inf


def test_damping_falls_where_the_model_is_right_and_rises_where_it_is_wrong():
    newton = Descent(rows(1.0)).newton
    newton._learn(0.9, 0.5, raised=False)
    falling = newton.damping
    assert falling < FIRST
    newton._learn(0.9, 1e-4, raised=False)
    assert newton.damping <= 0.01 * falling
    low = newton.damping
    newton._learn(0.9, 0.5, raised=True)
    newton._learn(0.5, 0.5, raised=False)
    assert newton.damping == low
    newton._learn(0.1, 0.5, raised=False)
    assert newton.damping > low


def test_a_step_that_raises_f_is_taken_back_and_damped():
    """An evaluation that tells of a rise until the third step."""
    descent = Descent(rows(1.0))
    told = []

    def evaluate(parameters):
        told.append(parameters)
        value = descent.evaluate(parameters)
        return value._replace(objective=value.objective + 10.0) if len(told) < 3 else value

    start = descent.parameters
    found = descent.newton.step(evaluate, start, descent.value, noise=NOISE, trials=100)
    sizes = [np.linalg.norm(point - start) for point in told]
    assert sizes[0] > sizes[1] > sizes[2]
    assert found.point is told[2]
    assert descent.newton.damping == pytest.approx(FIRST * 3.0 * 6.0)


def test_where_the_undamped_step_fails_damping_begins_at_its_own_curvature():
    descent = Descent(rows(1.0), settled=10.0)
    told = []

    def evaluate(parameters):
        told.append(parameters)
        value = descent.evaluate(parameters)
        return value._replace(objective=value.objective + 10.0) if len(told) < 2 else value

    descent.newton.damping = 1e6
    found = descent.newton.step(
        evaluate, descent.parameters, descent.value, noise=NOISE, trials=100
    )
    assert found.point is told[1]
    assert descent.newton.damping < 1.0
    assert np.linalg.norm(told[1]) > 0.1 * np.linalg.norm(told[0])


def test_no_step_is_better_than_one_that_only_rounding_sees():
    """F that never changes, and a slope that no step flattens: given up after a few trials."""
    descent = Descent(rows(1.0))
    gradient = 1e-12 * descent.value.gradient
    trials = []

    def evaluate(parameters):
        trials.append(parameters)
        return Value(1.0, gradient)

    found = descent.newton.step(
        evaluate, descent.parameters, Value(1.0, gradient), noise=1e-15, trials=100
    )
    assert found is None
    assert len(trials) == damped_newton.HIDDEN


def test_within_the_rounding_of_f_a_flatter_slope_is_progress():
    descent = Descent(rows(1.0))
    gradient = 1e-12 * descent.value.gradient
    found = descent.newton.step(
        lambda _: Value(1.0 + 1e-16, 0.1 * gradient),
        descent.parameters,
        Value(1.0, gradient),
        noise=1e-15,
        trials=100,
    )
    assert found.left == pytest.approx(0.1)


def test_without_a_gradient_there_is_no_step():
    descent = Descent(rows(1.0))
    flat = Value(1.0, np.zeros_like(descent.parameters))
    assert (
        descent.newton.step(descent.evaluate, descent.parameters, flat, noise=NOISE, trials=9)
        is None
    )


def test_trials_end_a_search():
    descent = Descent(rows(1.0))
    trials = []

    def evaluate(parameters):
        trials.append(parameters)
        return Value(np.inf, descent.value.gradient)

    found = descent.newton.step(evaluate, descent.parameters, descent.value, noise=NOISE, trials=3)
    assert found is None
    assert len(trials) == 3


def test_products_count_as_passes_and_leave_one_for_f(monkeypatch):
    monkeypatch.setattr(curvature, "FULL_PARAMETERS", 5)
    descent = Descent(rows(3.0))
    assert descent.step(trials=50) is not None
    assert descent.newton.products > 0
    assert descent.step(trials=2) is None
    assert descent.newton.products <= 2


def test_products_lead_to_the_same_minimum(monkeypatch):
    factored = descended(Descent(rows(2.0)), 60)[-1]
    monkeypatch.setattr(curvature, "FULL_PARAMETERS", 5)
    assert descended(Descent(rows(2.0)), 200)[-1] == pytest.approx(factored, abs=1e-12)
