"""Which first matrix the full passes go on with."""

import numpy as np
import pytest
from strategies import objective_of

from softmax_regression._likelihood.targets import Labels
from softmax_regression._optimum import curvature
from softmax_regression._optimum.curvature import ClassBlocks, Diagonal, Full, PrincipalAxes
from softmax_regression._optimum.first_matrix import FirstMatrix
from softmax_regression._optimum.full_phase import UNCHANGED, UNSEEN, DampedNewton, FullPhase
from softmax_regression._optimum.lbfgs import Memory
from softmax_regression._optimum.limits import Limits
from softmax_regression._optimum.line_search import Step
from softmax_regression._optimum.pace import steps_to


def phase(n_rows, n_features, n_classes, tol):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n_rows, n_features))
    weights = rng.standard_normal((n_classes, n_features)) * 2 / np.sqrt(n_features)
    y = (X @ weights.T + rng.gumbel(size=(n_rows, n_classes))).argmax(axis=1)
    y[:n_classes] = np.arange(n_classes)
    objective = objective_of(X, Labels(y, n_classes), l2=1e-5)
    return FullPhase(objective, Limits(tol, 1_000), lambda *_: False)


def from_zero(descent):
    likelihood = descent.objective.likelihood
    return descent.run(descent.evaluate(np.zeros((likelihood.n_classes, likelihood.n_columns))))


def test_a_renewed_matrix_that_begins_with_a_short_step_is_given_up(monkeypatch):
    """The second matrix is made fifty times too small: the fit goes on with the first."""
    builds, memories = [], []
    build, step = FirstMatrix.build, FullPhase._step

    def spoilt(self, theta, dtype):
        apply = build(self, theta, dtype)
        builds.append(apply)
        return apply if len(builds) != 2 else lambda gradient: 50.0 * apply(gradient)

    def recorded(self):
        found = step(self)
        memories.append(self.matrix.memory)
        return found

    monkeypatch.setattr(FirstMatrix, "build", spoilt)
    monkeypatch.setattr(FullPhase, "_step", recorded)
    descent = phase(4_000, 40, 12, 1e-6)
    assert from_zero(descent).converged
    assert len(builds) > 1
    renewed = PrincipalAxes.first_renewal
    assert memories[renewed] is memories[renewed - 1]


def test_class_blocks_take_over_once_passes_have_made_them_worth_it():
    descent = phase(4_000, 40, 12, 1e-5)
    assert isinstance(descent.matrix.curvature, PrincipalAxes)
    assert from_zero(descent).converged
    assert isinstance(descent.matrix.curvature, ClassBlocks)


def test_dear_principal_axes_take_over_once_passes_have_cost_as_much(monkeypatch):
    monkeypatch.setattr(curvature, "AXES_PASSES", 0.0)
    monkeypatch.setattr(curvature, "FULL_PARAMETERS", 0)
    descent = phase(2_000, 170, 5, 1e-6)
    assert isinstance(descent.matrix.curvature, Diagonal)
    assert from_zero(descent).converged
    assert isinstance(descent.matrix.curvature, PrincipalAxes)


def test_two_classes_begin_with_their_hessian_and_keep_it():
    descent = phase(4_000, 120, 2, 1e-5)
    assert not descent.plan.newton
    assert isinstance(descent.matrix.curvature, Full)
    assert from_zero(descent).converged
    descent.matrix.renewal, descent.matrix.begun = 0, (0, np.inf)
    descent.matrix.direction(descent.point, np.float64, descent.passes, descent.aim)
    assert descent.matrix.former is not None
    assert isinstance(descent.matrix.curvature, Full)


def test_steps_left_are_those_at_the_pace_so_far():
    """From 1 to 1e-4 in four steps."""
    assert steps_to(1e-6, 1e-4, 1.0, 4) == pytest.approx(2.0)
    assert steps_to(1e-6, 1e-4, 1.0, 2) == pytest.approx(1.0)
    assert steps_to(1e-2, 1e-4, 1.0, 4) == 0.0


def test_the_pace_is_that_on_the_matrix_at_hand():
    """Of eight steps, four on another matrix do not count."""
    descent = phase(4_000, 40, 12, 1e-3)
    from_zero(descent)
    matrix, point = descent.matrix, descent.point._replace(bound=1e-2)
    matrix.begun, matrix.steps = (4, 1.0), 8
    assert matrix._steps_left(point, 1e-6) == pytest.approx(8.0)


@pytest.mark.parametrize(
    ("aim", "then", "now"),
    [(0.0, 1.0, 1e-4), (1e-6, 1e-4, 1e-4), (1e-6, 1.0, 0.0), (1e-6, np.inf, 1.0)],
)
def test_without_a_pace_no_end_is_in_sight(aim, then, now):
    assert steps_to(aim, now, then, 4) == np.inf


def test_a_matrix_is_not_built_anew_where_the_fit_ends_before_that_pays():
    descent = phase(4_000, 40, 12, 1e-3)
    from_zero(descent)
    matrix, aim = descent.matrix, descent.aim
    matrix.begun, matrix.steps, matrix.renewal = (0, 1.0), 8, 8
    point = descent.point._replace(bound=2.0 * aim)
    matrix.direction(point, np.float64, descent.passes, aim)
    assert matrix.former is None
    assert matrix.renewal > 8
    matrix.begun, matrix.steps = (0, 2.1 * aim), matrix.renewal
    matrix.direction(point, np.float64, descent.passes, aim)
    assert matrix.former is not None


def test_where_rounding_turns_a_direction_uphill_the_pairs_are_forgotten(monkeypatch):
    direction = Memory.direction

    def turned(self, gradient):
        found = direction(self, gradient)
        return -found if self.added else found

    monkeypatch.setattr(Memory, "direction", turned)
    assert from_zero(phase(4_000, 40, 12, 1e-2)).converged


def test_a_decrement_on_a_hessian_of_some_steps_ago_is_an_estimate_only_after_few_passes():
    """After many, the Hessian at the point costs little: F was 6e-4 above where 6e-8 was foretold."""
    descent = phase(1_500, 8, 16, 1e-6)
    assert not descent.plan.newton
    descent.matrix.use(Full(descent.objective))
    descent.passes = 10
    assert descent._estimates()
    descent.passes = 120
    assert not descent._estimates()
    descent._go_over()
    assert descent._estimates()


def test_a_step_that_goes_beyond_leaves_two_decrements_in_doubt():
    """Longer and plain steps in turn: F was 3e-5 above where a plain one foretold less than 1e-6."""
    descent = phase(300, 4, 3, 1e-6)
    assert descent.plan.newton
    descent.objective = descent.objective.with_l2(np.zeros(5))
    descent.decrement = 0.5e-6
    point = descent.evaluate(np.zeros((3, 5)))
    done = []
    for length, left in [(1.0, 0.1), (1.0, 0.3), (1.0, 0.1), (3.0, 0.1), (1.0, 0.1), (1.0, 0.1)]:
        descent._see(Step(point, length, left))
        done.append(descent._looks_done())
    assert done == [True, False, True, False, False, True]


def test_a_decrement_is_doubted_by_what_the_last_step_found_of_its_curvature():
    """Hessians with no digit left for it: a hundredth of what was foretold, F 3e-5 above."""
    descent = phase(300, 4, 3, 1e-6)
    descent.objective = descent.objective.with_l2(np.zeros(5))
    point = descent.evaluate(np.zeros((3, 5)))
    steps = [(1.0, 0.98, 0.02), (10.0, 0.8, 0.02), (1.0, 0.0, 0.02), (1.0, -0.9, 1.0)]
    for length, left, share in steps:
        descent._see(Step(point, length, left))
        descent.decrement = 0.9e-7 * share
        assert descent._looks_done()
        descent.decrement = 1.1e-7 * share
        assert not descent._looks_done()
    descent._see(Step(point, 1.0, np.inf))  # no slope, and nothing to gain
    descent.decrement = 0.0
    assert descent._looks_done()


@pytest.mark.parametrize("tol", [1e-6, 1e-7])
def test_newton_takes_a_hessian_again_that_has_hardly_changed(monkeypatch, tol):
    """At the last steps, where they leave hardly any slope; never where more digits are asked for."""
    descent = phase(300, 4, 3, tol)
    builds, left = [], []
    build, see = FirstMatrix.build, FullPhase._see
    monkeypatch.setattr(FirstMatrix, "build", lambda *given: builds.append(0) or build(*given))
    monkeypatch.setattr(
        FullPhase, "_see", lambda self, step: see(self, step) or left.append(self.left)
    )
    assert from_zero(descent).converged
    reused = sum(each <= UNCHANGED for each in left[:-1])
    assert reused > 0
    assert len(builds) == len(left) - (reused if tol == 1e-6 else 0)


def test_an_estimate_by_the_hessian_of_the_step_before_aims_lower():
    descent = phase(300, 4, 3, 1e-6)
    descent.objective = descent.objective.with_l2(np.zeros(5))
    descent.decrement, descent.left = 0.5e-6, 0.0
    assert descent._looks_done()
    descent.former = True
    assert not descent._looks_done()
    descent._go_over()  # to steps that are each taken on their own
    assert descent._looks_done()


def test_no_gap_that_is_told_is_above_f(monkeypatch):
    descent = phase(300, 4, 3, 1e-6)
    descent._stand(descent.evaluate(np.zeros((3, 5))))
    certify = descent.proof.certify
    wide = lambda *given: certify(*given)._replace(bound=1e3)
    monkeypatch.setattr(descent.proof, "certify", wide)
    assert not descent._certify()
    assert descent.gap <= descent.point.value * (1.0 + 1e-12)


def test_damped_steps_go_on_in_float64():
    descent = phase(4_000, 40, 12, 1e-6)
    assert descent.dtype is np.float32
    descent._stand(descent.evaluate(np.zeros((12, 41))))
    rounded = descent.point.value
    descent._go_over()
    assert descent.dtype is np.float64
    assert 0.0 < abs(descent.point.value - rounded) < 1e-6
    assert descent.point.value == pytest.approx(np.log(12), rel=1e-15)


def test_damped_steps_that_f_does_not_see_end_without_a_proof(monkeypatch):
    """Every step is within the rounding of F, and no proof is found: that is told, not tried for ever."""
    steps = []

    def unseen(self, evaluate, start, **_):
        steps.append(start)
        self.decrement = 0.0
        return Step(evaluate(start.theta), 1.0, 0.5)

    monkeypatch.setattr(DampedNewton, "step", unseen)
    descent = phase(300, 4, 3, 1e-6)
    wide = lambda point, *_: point._replace(bound=1e3)
    monkeypatch.setattr(descent.proof, "certify", wide)
    monkeypatch.setattr(descent.proof, "as_it_stands", wide)
    found = from_zero(descent)
    assert (found.converged, found.reason) == (False, "rounding")
    assert len(steps) == UNSEEN
