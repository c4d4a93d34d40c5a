"""A reading a step: how many there are, and what ends them."""

import math
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
from cuts import Counted, Rows, drawn, evenly, exact, sample_of
from strategies import objective_of

from softmax_regression import ConvergenceWarning, SoftmaxRegression
from softmax_regression._blocks.descent import Descent
from softmax_regression._blocks.model import SmoothModel
from softmax_regression._blocks.proximal_model import PairedProducts, ProximalModel
from softmax_regression._blocks.start import CLOSE, sample_optimum
from softmax_regression._likelihood.targets import Labels
from softmax_regression._optimum import Limits

ROWS = drawn(12_000, 10, 4)


@pytest.mark.parametrize(("rows", "most"), [(4_000, 8), (1_000, 10), (60, 20)])
def test_a_better_sample_takes_fewer_readings(rows, most, monkeypatch):
    """Also 60 rows for 44 coefficients lead to the proof: by the Hessian of all rows."""
    sample_of(monkeypatch, ROWS, rows)
    model = SoftmaxRegression(l2=1e-3).fit_blocks(evenly(ROWS, 4), map=(door := Counted()))
    assert model.converged_
    assert model.n_iter_ == door.calls <= most


def test_the_first_readings_come_near(monkeypatch):
    """Within 1e-3 nats after 3, the description included."""
    sample_of(monkeypatch, ROWS, 4_000)
    model = exact().fit_blocks(evenly(ROWS, 4))
    assert model.loss_curve_[1] - model.loss_curve_[-1] <= 1e-3


@pytest.mark.parametrize("settings", [{}, {"l1": 1e-3}], ids=["l2", "l1"])
def test_without_a_tolerance_it_goes_on_until_digits_end(settings, monkeypatch):
    sample_of(monkeypatch, ROWS, 300)
    model = exact(tol=0.0, **settings).fit_blocks(evenly(drawn(2_000, 10, 4), 4))
    assert model.stop_reason_ == "rounding"
    assert model.optimality_gap_ <= 1e-12


def test_without_a_penalty_a_sample_that_is_not_parted_tells_of_all_rows(monkeypatch):
    sample_of(monkeypatch, ROWS, 2_000)
    model = exact(l2=0.0).fit_blocks(evenly(ROWS, 4))
    assert model.converged_
    assert model.optimality_gap_ == np.inf
    expected = exact(l2=0.0).fit(*ROWS[:2])
    np.testing.assert_allclose(model.coef_, expected.coef_, rtol=1e-4, atol=1e-6)


def test_without_a_penalty_a_parted_sample_tells_nothing(monkeypatch):
    sample_of(monkeypatch, ROWS, 2_000)
    y = (ROWS.X[:, 0] > 0).astype(int)
    with pytest.warns(ConvergenceWarning):
        model = exact(l2=0.0, tol=1e-6).fit_blocks(evenly(Rows(ROWS.X, y), 4))
    assert model.stop_reason_ != "callback"


def objective(l1=0.0):
    X, y = ROWS[:2]
    return objective_of(X[:300], Labels(y[:300], 4), l1=l1, l2=1e-2)


class Told:
    """A model that foretells what it is told to, and leads to points of the values it is told."""

    proves, fits, lacks, slow = True, False, False, 1.0

    def __init__(self, F, foretold, values):
        self.F, self.fall, self.values = F, foretold, list(values)

    def at(self, theta, **_):
        return self.F.at(theta)._replace(value=self.values.pop(0)), None

    def bound(self, _):
        return 1.0

    def direction(self, point):
        return np.zeros_like(point.theta)

    def foretold(self, *_):
        return self.fall

    def forget(self):
        return False


def test_without_a_proof_a_fall_that_is_foretold_within_tol_is_the_end():
    F = objective()
    model = Told(F, 1e-6, [])
    model.proves = False
    found = Descent(F, model, Limits(1e-6, 50), lambda *_: False).run([])
    assert (found.reason, found.gap) == ("converged", math.inf)


@pytest.mark.parametrize(("foretold", "values"), [(math.nan, []), (0.0, [math.inf])])
def test_a_step_that_leaves_the_numbers_ends_the_descent(foretold, values):
    F = objective()
    model = Told(F, foretold, values)
    assert Descent(F, model, Limits(1e-6, 50), lambda *_: False).run([]).reason == "non-finite"


def test_a_start_that_is_no_number_ends_the_descent():
    F = objective()
    F.constant = lambda theta: F.at(theta)._replace(value=math.nan)
    found = Descent(F, Told(F, 1.0, []), Limits(1e-6, 50), lambda *_: False).run([])
    assert found.reason == "non-finite"


def test_what_steps_have_shown_is_dropped_once():
    F = objective()
    model, begin = SmoothModel(F, F), F.at(F.class_frequencies())
    assert not model.forget()
    model.learn(begin, begin, None)  # no step: its curvature is lost
    assert not model.forget()
    model.learn(begin, F.at(begin.theta - begin.gradient), None)
    assert model.forget()
    assert not model.forget()


@pytest.mark.parametrize("kind", [SmoothModel, partial(ProximalModel, tol=1e-6)], ids=["l2", "l1"])
def test_a_hessian_of_all_rows_is_that_of_its_point_alone(kind):
    """Where a step leads elsewhere, it may be summed again."""
    F = objective(l1=1e-2 if isinstance(kind, partial) else 0.0)
    model, begin = kind(F, F), F.at(F.class_frequencies())
    assert model.lacks
    _, hessian = model.at(begin.theta, summed=True)
    model.learn(begin, begin, hessian)
    assert not model.lacks
    model.learn(begin, F.at(begin.theta - begin.gradient), None)
    assert model.lacks


def test_what_proximal_steps_have_shown_is_dropped_once():
    model = ProximalModel.__new__(ProximalModel)
    model.local = SimpleNamespace(pairs=["one"])
    assert model.forget()
    assert not model.forget()


def test_a_step_without_curvature_corrects_no_hessian():
    F = objective()
    free = np.arange(F.class_frequencies().size)
    hessian = PairedProducts(F, F.class_frequencies(), free)
    hessian.update(np.ones(free.size), np.zeros(free.size))
    assert hessian.corrections == []


def test_a_direction_that_raises_f_is_the_end_where_there_is_no_better_model():
    F = objective()
    found = Descent(F, Told(F, -1.0, []), Limits(1e-6, 50), lambda *_: False).run([])
    assert (found.reason, found.converged) == ("rounding", False)


def test_a_sample_of_fewer_rows_than_parameters_is_minimised_too():
    """Its optimum is found to a part of what rows may differ by, not of their parameters."""
    rng = np.random.default_rng(0)
    X, labels = rng.normal(size=(60, 400)), rng.integers(5, size=60)
    objective = objective_of(X, Labels(labels, 5), l2=0.1)
    held = objective.with_l2(objective.l2 + np.r_[np.full(400, 1 / 60), 0.0])
    assert held.at(sample_optimum(objective)).bound <= CLOSE
