"""What a fit says of itself rests on its own epochs, not on those of the fits it goes on from."""

import math
import re
import warnings

import numpy as np
import pytest
from strategies import plain

from softmax_regression import ConvergenceWarning, SoftmaxRegression

RNG = np.random.default_rng(23)
X = RNG.normal(size=(60, 3))
Y = (X @ RNG.normal(size=(3, 3)) + RNG.gumbel(size=(60, 3))).argmax(axis=1)


def told(model, *data, **more):
    """The warnings of a fit, as texts."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.fit(*data, **more)
    return [str(warning.message) for warning in caught]


# The count of epochs


def test_descent_after_the_optimum_adds_its_epochs():
    model = SoftmaxRegression(warm_start=True).fit(X, Y)
    before, curve = model.n_iter_, model.loss_curve_
    model.set_params(learning_rate=0.1, max_iter=5, tol=0.0).fit(X, Y)
    assert model.n_iter_ == before + 5
    assert np.array_equal(model.loss_curve_[:-5], curve)


@pytest.mark.parametrize("learning_rate", ["auto", 0.1])
def test_a_fit_of_no_epochs_adds_none(learning_rate):
    model = SoftmaxRegression(warm_start=True).fit(X, Y)
    before, curve = model.n_iter_, model.loss_curve_
    model.set_params(learning_rate=learning_rate, max_iter=0).fit(X, Y)
    assert model.n_iter_ == before
    assert np.array_equal(model.loss_curve_, curve)


def test_the_optimum_after_descent_adds_its_passes():
    model = plain(warm_start=True).fit(X, Y, validation_data=(X, Y))
    alone = SoftmaxRegression(warm_start=True, max_iter=0).fit(X, Y)
    alone.coef_, alone.intercept_ = model.coef_, model.intercept_
    for each in (model, alone):
        each.set_params(learning_rate="auto", l2=0.01, tol=1e-6, max_iter=100).fit(X, Y)
    assert model.n_iter_ == 5 + alone.n_iter_
    assert np.array_equal(model.loss_curve_[5:], alone.loss_curve_)
    assert len(model.validation_curve_) == 5


# A loss that rises


def test_a_rise_is_one_since_this_fit_s_start():
    """From ln 3 at zero down to F*, a little aside, then up: still below ln 3, but a rise."""
    model = SoftmaxRegression(l2=1e-3, warm_start=True).fit(X, Y)
    assert model.loss_curve_[0] > model.loss_curve_[-1] + 0.05
    model.coef_[0] += 0.1
    model.set_params(learning_rate=20.0, max_iter=2, tol=0.0, batch_size=60)
    (text,) = told(model, X, Y)
    first, last = model.loss_curve_[-2:]
    assert first + 0.01 < last < model.loss_curve_[0]
    assert f"the loss rose from {first:.6g} to {last:.6g} nats" in text


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_rounding_at_the_optimum_is_no_rise(dtype):
    model = SoftmaxRegression(warm_start=True).fit(X.astype(dtype), Y)
    model.set_params(learning_rate=1e-3, max_iter=20, tol=0.0, batch_size=60)
    assert told(model, X.astype(dtype), Y) == []


FAR_TOO_LARGE = {"learning_rate": 100.0, "batch_size": 7, "max_iter": 30, "random_state": 0}


@pytest.mark.parametrize("tol", [0.0, 1e-6])
def test_a_loss_that_is_high_from_the_first_epoch_on_has_risen_since_the_start(tol):
    model = SoftmaxRegression(**FAR_TOO_LARGE, tol=tol)
    (text,) = told(model, X, Y)
    assert 2 * math.log(3) < model.loss_curve_[-1] < 2 * model.loss_curve_[0]
    assert f"the loss rose from 1.09861 to {model.loss_curve_[-1]:.6g} nats" in text
    assert not model.converged_


def test_a_warm_start_begins_at_its_own_f():
    model = SoftmaxRegression(l2=1e-3, warm_start=True).fit(X, Y)
    first = model.loss_curve_[-1]
    (text,) = told(model.set_params(**FAR_TOO_LARGE), X, Y)
    assert f"the loss rose from {first:.6g} to {model.loss_curve_[-1]:.6g} nats" in text


def test_with_early_stopping_the_rise_is_that_of_the_validation_loss():
    model = SoftmaxRegression(**FAR_TOO_LARGE, early_stopping=True)
    (text,) = told(model, X, Y, validation_data=(X, Y))
    lowest = model.validation_curve_.min()
    assert f"the validation loss rose from 1.09861 to {lowest:.6g} nats" in text
    assert not model.converged_


def test_with_early_stopping_a_warm_start_begins_at_its_own_validation_loss():
    model = SoftmaxRegression(l2=1e-3, warm_start=True).fit(X, Y)
    first = model.loss(X, Y)
    model.set_params(**FAR_TOO_LARGE, early_stopping=True)
    (text,) = told(model, X, Y, validation_data=(X, Y))
    assert f"the validation loss rose from {first:.6g} to" in text


def test_rows_that_fit_in_one_batch_beside_a_hold_out_are_not_shuffled():
    settings = {"learning_rate": 0.5, "early_stopping": True, "random_state": 0, "max_iter": 5}
    in_turn, mixed = (
        SoftmaxRegression(**settings, batch_size=54, shuffle=shuffle, tol=0.0).fit(X, Y)
        for shuffle in (False, True)
    )
    assert np.array_equal(in_turn.coef_, mixed.coef_)
    assert np.array_equal(in_turn.loss_curve_, mixed.loss_curve_)


def test_a_fall_after_a_worse_fit_is_no_rise():
    model = plain(learning_rate=20.0, warm_start=True, max_iter=2, batch_size=60)
    assert "the loss rose" in told(model, X, Y)[0]
    assert told(model.set_params(learning_rate=0.01, max_iter=5), X, Y) == []


# The end by max_iter


@pytest.mark.parametrize(
    ("max_iter", "change"), [(2, "in the last epoch"), (4, "in the last 3 epochs"),
                             (9, "in the last 4 epochs")],
)  # fmt: skip
def test_the_change_is_that_of_the_epochs_that_were_run(max_iter, change):
    model = plain(tol=1e-3, max_iter=max_iter, n_iter_no_change=4)
    (text,) = told(model, X, Y)
    assert change in text
    epochs = min(max_iter - 1, 4)
    expected = model.loss_curve_[-1] - model.loss_curve_[-1 - epochs]
    assert f"the loss changed by {expected:+.2g} nats" in text
    assert "set tol=0" in text


def test_of_one_epoch_there_is_no_change_to_tell():
    (text,) = told(plain(tol=1e-3, max_iter=1), X, Y)
    assert re.match(r"max_iter=1 epochs ended the fit before tol=0\.001 did\. Raise", text)


def test_a_loss_that_wavers_upwards_is_told_with_its_sign():
    model = plain(tol=1e-3, max_iter=2, batch_size=3, learning_rate=3.0)
    (text,) = told(model, X, Y)
    change = np.diff(model.loss_curve_)[0]
    assert change > 0
    assert f"changed by {change:+.2g} nats in the last epoch" in text


def test_with_early_stopping_the_validation_loss_is_told():
    model = plain(tol=1e-4, max_iter=3, early_stopping=True)
    (text,) = told(model, X, Y, validation_data=(X, Y))
    change = model.validation_curve_[-1] - model.validation_curve_[0]
    assert f"the validation loss changed by {change:+.2g} nats in the last 2 epochs. Raise" in text
    assert "tol=0 " not in text


def test_in_a_warm_start_the_epochs_of_earlier_fits_do_not_count():
    model = plain(warm_start=True).fit(X, Y)
    (text,) = told(model.set_params(tol=1e-6, max_iter=2), X, Y)
    change = model.loss_curve_[-1] - model.loss_curve_[-2]
    assert f"changed by {change:+.2g} nats in the last epoch" in text
    assert math.isinf(model.optimality_gap_)


def test_a_fit_of_no_epochs_warns_of_nothing():
    assert told(SoftmaxRegression(learning_rate=0.1, max_iter=0), X, Y) == []


def test_the_warning_is_of_the_documented_kind():
    with pytest.warns(ConvergenceWarning, match="ended the fit"):
        plain(tol=1e-3, max_iter=1).fit(X, Y)
