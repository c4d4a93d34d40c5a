"""A reading a step: how many there are, and what ends them."""

import numpy as np
import pytest
from cuts import Counted, Rows, drawn, evenly, exact, sample_of

from softmax_regression import ConvergenceWarning, SoftmaxRegression

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
    sample_of(monkeypatch, ROWS, 2_000)
    model = exact(tol=0.0, **settings).fit_blocks(evenly(ROWS, 4))
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
