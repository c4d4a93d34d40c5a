"""Newton steps with a damping that follows from how well F's model foretells its fall."""

from itertools import pairwise

import numpy as np
import pytest
from newton import optimum
from strategies import Csr, chunks_of, objective_of

from softmax_regression import SoftmaxRegression
from softmax_regression._likelihood.targets import Labels
from softmax_regression._objective import Point
from softmax_regression._optimum import curvature, damped_newton
from softmax_regression._optimum.damped_newton import FIRST, DampedNewton, mean_squares

NOISE = 1e-15


def objective(sigma, weight=None, l2=1e-4):
    rng = np.random.default_rng(0)
    N = rng.standard_normal((80, 4))
    y = (N @ rng.standard_normal((4, 5)) + rng.gumbel(size=(80, 5))).argmax(axis=1)
    return objective_of(np.exp(sigma * N), Labels(y, 5), weight, l2=l2)


class Descent:
    """Steps from zero, and where they lead."""

    def __init__(self, F, settled=1e-9):
        self.newton = DampedNewton(F, settled)
        self.evaluate = F.at
        self.point = F.at(np.zeros_like(F.class_frequencies()))

    def step(self, noise=NOISE, trials=100):
        found = self.newton.step(self.evaluate, self.point, noise=noise, trials=trials)
        if found is not None:
            self.point = found.point
        return found


def point_of(theta, value, gradient):
    """A point of which this is said."""
    return Point(theta, value, gradient, np.inf)


def descended(descent, steps):
    objectives = [descent.point.value]
    for _ in range(steps):
        if descent.step() is None:
            break
        objectives.append(descent.point.value)
    return objectives


def test_every_step_lowers_f_to_where_its_gradient_is_zero():
    descent = Descent(objective(3.0))
    objectives = descended(descent, 60)
    assert all(after <= before + NOISE for before, after in pairwise(objectives))
    assert np.abs(descent.point.gradient).max() < 1e-10


def test_the_mean_squares_are_those_of_the_weighted_objective():
    weight = np.random.default_rng(1).integers(1, 5, 80).astype(float)
    likelihood = objective(1.0, weight).likelihood
    (chunk,) = chunks_of(likelihood)
    expected = np.average(chunk.rows.values**2, axis=0, weights=weight)
    np.testing.assert_allclose(mean_squares(likelihood), expected, rtol=1e-13)


def test_near_the_end_steps_are_newtons_and_the_decrement_is_the_hessians():
    """A step that divides ½ gᵀ H⁻¹ g by a million at least, and foretells the fall of F."""
    descent = Descent(objective(1.0), settled=1e-3)
    while not np.isfinite(descent.newton.decrement):
        descent.step()
    descent.step()
    before, foretold = descent.point.value, None
    first = descent.newton.decrement
    descent.step()
    foretold = descent.newton.decrement
    assert foretold < 1e-3 * first
    descended(descent, 10)
    assert before - descent.point.value == pytest.approx(foretold, rel=0.1, abs=1e-14)


def test_away_from_the_end_the_decrement_is_not_known():
    descent = Descent(objective(3.0))
    descent.step()
    assert descent.newton.decrement == np.inf


def test_damping_falls_where_the_model_is_right_and_rises_where_it_is_wrong():
    newton = Descent(objective(1.0)).newton
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
    descent = Descent(objective(1.0))
    told = []

    def evaluate(theta):
        told.append(theta)
        point = descent.evaluate(theta)
        return point._replace(value=point.value + 10.0) if len(told) < 3 else point

    start = descent.point
    found = descent.newton.step(evaluate, start, noise=NOISE, trials=100)
    sizes = [np.linalg.norm(theta - start.theta) for theta in told]
    assert sizes[0] > sizes[1] > sizes[2]
    assert found.point.theta is told[2]
    assert descent.newton.damping == pytest.approx(FIRST * 3.0 * 6.0)


def test_where_the_undamped_step_fails_damping_begins_at_its_own_curvature():
    descent = Descent(objective(1.0), settled=10.0)
    told = []

    def evaluate(theta):
        told.append(theta)
        point = descent.evaluate(theta)
        return point._replace(value=point.value + 10.0) if len(told) < 2 else point

    descent.newton.damping = 1e6
    found = descent.newton.step(evaluate, descent.point, noise=NOISE, trials=100)
    assert found.point.theta is told[1]
    assert descent.newton.damping < 1.0
    assert np.linalg.norm(told[1]) > 0.1 * np.linalg.norm(told[0])


def test_an_undamped_step_uphill_is_not_taken(monkeypatch):
    """Without curvature left of a class, what solves for it is the inverse of rounding."""
    hessian_at = damped_newton.hessian_at

    def uphill(*given):
        hessian = hessian_at(*given)
        solve = hessian.solve
        hessian.solve = lambda right, damping: (
            solve(right, damping) if damping.any() else -1e110 * right
        )
        return hessian

    monkeypatch.setattr(damped_newton, "hessian_at", uphill)
    descent = Descent(objective(1.0), settled=10.0)
    before = descent.point.value
    assert descent.step().point.value < before
    assert descent.newton.decrement == np.inf


def test_no_step_is_better_than_one_that_only_rounding_sees():
    """F that never changes, and a slope that no step flattens: given up after a few trials."""
    descent = Descent(objective(1.0))
    gradient = 1e-12 * descent.point.gradient
    trials = []

    def evaluate(theta):
        trials.append(theta)
        return point_of(theta, 1.0, gradient)

    start = point_of(descent.point.theta, 1.0, gradient)
    found = descent.newton.step(evaluate, start, noise=1e-15, trials=100)
    assert found is None
    assert len(trials) == damped_newton.HIDDEN


def test_within_the_rounding_of_f_a_flatter_slope_is_progress():
    descent = Descent(objective(1.0))
    gradient = 1e-12 * descent.point.gradient
    found = descent.newton.step(
        lambda theta: point_of(theta, 1.0 + 1e-16, 0.1 * gradient),
        point_of(descent.point.theta, 1.0, gradient),
        noise=1e-15,
        trials=100,
    )
    assert found.left == pytest.approx(0.1)


def test_without_a_gradient_there_is_no_step():
    descent = Descent(objective(1.0))
    flat = point_of(descent.point.theta, 1.0, np.zeros_like(descent.point.gradient))
    assert descent.newton.step(descent.evaluate, flat, noise=NOISE, trials=9) is None


def test_trials_end_a_search():
    descent = Descent(objective(1.0))
    trials = []

    def evaluate(theta):
        trials.append(theta)
        return point_of(theta, np.inf, descent.point.gradient)

    found = descent.newton.step(evaluate, descent.point, noise=NOISE, trials=3)
    assert found is None
    assert len(trials) == 3


def test_products_count_as_passes_and_leave_one_for_f(monkeypatch):
    monkeypatch.setattr(curvature, "FULL_PARAMETERS", 5)
    descent = Descent(objective(3.0))
    assert descent.step(trials=50) is not None
    assert descent.newton.products > 0
    assert descent.step(trials=2) is None
    assert descent.newton.products <= 2


def test_products_lead_to_the_same_minimum(monkeypatch):
    factored = descended(Descent(objective(2.0)), 60)[-1]
    monkeypatch.setattr(curvature, "FULL_PARAMETERS", 5)
    assert descended(Descent(objective(2.0)), 200)[-1] == pytest.approx(factored, abs=1e-12)


@pytest.mark.parametrize("constant", [3.7, -1e3])
@pytest.mark.parametrize("seed", range(3))
def test_a_constant_sparse_column_without_a_penalty_hides_no_convergence(seed, constant):
    """Its curvature and gradient are the rounding of centring; the other columns decide."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(300, 6)) * (rng.random((300, 6)) < 0.2)
    y = (X @ rng.normal(size=(6, 3)) + rng.gumbel(size=(300, 3))).argmax(axis=1)
    model = SoftmaxRegression(l2=0.0).fit(Csr(np.column_stack([X, np.full(300, constant)])), y)
    lowest = optimum(X, np.eye(3)[y], 0.0)[2]
    assert model.converged_
    assert abs(model.loss_curve_[-1] - lowest) <= 1e-6
