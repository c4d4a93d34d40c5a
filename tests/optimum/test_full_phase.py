"""Which first matrix the full passes go on with."""

import numpy as np
import pytest

from strategies import likelihood_of

from softmax_regression._optimum import curvature
from softmax_regression._optimum.curvature import ClassBlocks, Diagonal, Full, PrincipalAxes
from softmax_regression._optimum.full_phase import FullPhase
from softmax_regression._optimum.lbfgs import Memory
from softmax_regression._likelihood.targets import Labels


def phase(n_rows, n_features, n_classes, tol):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n_rows, n_features))
    weights = rng.standard_normal((n_classes, n_features)) * 2 / np.sqrt(n_features)
    y = (X @ weights.T + rng.gumbel(size=(n_rows, n_classes))).argmax(axis=1)
    y[:n_classes] = np.arange(n_classes)
    rows = likelihood_of(X, Labels(y, n_classes), None, fit_intercept=True)
    return FullPhase(rows, 1e-5, tol, 1_000, lambda *_: False)


def from_zero(descent):
    start = np.zeros((descent.rows.n_classes, descent.rows.n_columns))
    return descent.run(start, descent.evaluate(start))


def test_a_renewed_matrix_that_begins_with_a_short_step_is_given_up(monkeypatch):
    """The second matrix is made fifty times too small: the fit goes on with the first."""
    builds, memories = [], []
    build, step = FullPhase._build, FullPhase._step

    def spoilt(self):
        apply = build(self)
        builds.append(apply)
        return apply if len(builds) != 2 else lambda gradient: 50.0 * apply(gradient)

    def recorded(self):
        found = step(self)
        memories.append(self.memory)
        return found

    monkeypatch.setattr(FullPhase, "_build", spoilt)
    monkeypatch.setattr(FullPhase, "_step", recorded)
    descent = phase(4_000, 40, 12, 1e-6)
    assert from_zero(descent).converged
    assert len(builds) > 1
    renewed = PrincipalAxes.first_renewal
    assert memories[renewed] is memories[renewed - 1]


def test_class_blocks_take_over_once_passes_have_made_them_worth_it():
    descent = phase(4_000, 40, 12, 1e-5)
    assert isinstance(descent.curvature, PrincipalAxes)
    assert from_zero(descent).converged
    assert isinstance(descent.curvature, ClassBlocks)


def test_dear_principal_axes_take_over_once_passes_have_cost_as_much(monkeypatch):
    monkeypatch.setattr(curvature, "AXES_PASSES", 0.0)
    monkeypatch.setattr(curvature, "FULL_PARAMETERS", 0)
    descent = phase(2_000, 170, 5, 1e-6)
    assert isinstance(descent.curvature, Diagonal)
    assert from_zero(descent).converged
    assert isinstance(descent.curvature, PrincipalAxes)


def test_two_classes_begin_with_their_hessian_and_keep_it():
    descent = phase(4_000, 120, 2, 1e-5)
    assert not descent.plan.newton
    assert isinstance(descent.curvature, Full)
    assert from_zero(descent).converged
    descent.renewal, descent.begun = 0, (0, np.inf)
    assert descent._is_due()
    assert isinstance(descent.curvature, Full)


def steps_left(tol, begun, now):
    descent = phase(300, 6, 4, tol)
    descent.begun, descent.iteration, descent.bound = begun, 4, now
    return descent._steps_left()


def test_steps_left_are_those_at_the_pace_so_far():
    """From 1 to 1e-4 in four steps; the aim is half of tol."""
    assert steps_left(2e-6, (0, 1.0), 1e-4) == pytest.approx(2.0)
    assert steps_left(2e-6, (2, 1.0), 1e-4) == pytest.approx(1.0)
    assert steps_left(1e-2, (0, 1.0), 1e-4) == 0.0


@pytest.mark.parametrize(
    ("tol", "begun", "now"),
    [(0.0, 1.0, 1e-4), (1e-6, 1e-4, 1e-4), (1e-6, 1.0, 0.0), (1e-6, np.inf, 1.0)],
)
def test_without_a_pace_no_end_is_in_sight(tol, begun, now):
    assert steps_left(tol, (0, begun), now) == np.inf


def test_a_matrix_is_not_built_anew_where_the_fit_ends_before_that_pays():
    descent = phase(4_000, 40, 12, 1e-3)
    from_zero(descent)
    descent.begun, descent.iteration, descent.renewal = (0, 1.0), 8, 8
    descent.bound = 2.0 * descent.aim
    assert not descent._is_due()
    assert descent.renewal > 8
    descent.begun, descent.iteration = (0, 2.1 * descent.aim), descent.renewal
    assert descent._is_due()


def test_where_rounding_turns_a_direction_uphill_the_pairs_are_forgotten(monkeypatch):
    direction = Memory.direction

    def turned(self, gradient):
        found = direction(self, gradient)
        return -found if self.added else found

    monkeypatch.setattr(Memory, "direction", turned)
    assert from_zero(phase(4_000, 40, 12, 1e-2)).converged
