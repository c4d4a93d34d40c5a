"""What a fit tells: lines, callbacks, and when it stops."""

import dataclasses
import logging
import math
import re

import numpy as np
import pytest
from strategies import plain

from softmax_regression import Progress, SoftmaxRegression
from softmax_regression import _progress as progress_module
from softmax_regression._progress import Plateau

RNG = np.random.default_rng(2)
X = RNG.normal(size=(40, 3))
Y = (X[:, 0] + 0.5 * RNG.normal(size=40) > 0).astype(int)
STATE = Progress(3, 20, 0.5, None, math.inf, 1.5)


def test_a_plateau_is_patience_values_without_a_fall_of_tol():
    plateau = Plateau(tol=0.1, patience=2)
    values = [1.0, 0.95, 0.8, 0.75, 0.65, 0.64, 0.63]
    assert [plateau.reached(value) for value in values] == [False] * 6 + [True]


def test_a_fall_below_the_lowest_by_tol_starts_the_wait_anew():
    plateau = Plateau(tol=0.1, patience=2)
    assert [plateau.reached(value) for value in (1.0, 2.0, 0.8, 0.9)] == [False] * 4
    assert plateau.reached(0.85)


def test_tol_zero_waits_for_any_fall():
    plateau = Plateau(tol=0.0, patience=2)
    falling = [1 - k * 1e-15 for k in range(20)]
    assert not any(plateau.reached(value) for value in falling)
    assert [plateau.reached(falling[-1]) for _ in range(2)] == [False, True]


def test_nan_is_neither_a_fall_nor_a_plateau():
    plateau = Plateau(tol=0.0, patience=2)
    values = [math.nan, 1.0, math.nan, math.nan, math.nan, 1.0, 1.0]
    assert [plateau.reached(value) for value in values] == [False] * 6 + [True]
    assert plateau.lowest == 1.0


def test_progress_is_one_short_line():
    assert str(STATE) == "epoch  3/20  loss 0.500000  at most 8.5 s left"
    full = dataclasses.replace(STATE, validation_loss=0.25, optimality_gap=1e-7)
    assert str(full) == (
        "epoch  3/20  loss 0.500000  validation 0.250000  gap 1.0e-07  at most 8.5 s left"
    )


def test_progress_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        STATE.loss = 0.0


def test_the_callback_sees_every_epoch_once():
    seen = []
    model = plain(callback=seen.append, max_iter=4, batch_size=7).fit(X, Y, validation_data=(X, Y))
    assert [state.epoch for state in seen] == [1, 2, 3, 4]
    assert [state.loss for state in seen] == model.loss_curve_.tolist()
    assert [state.validation_loss for state in seen] == model.validation_curve_.tolist()
    assert all(state.max_iter == 4 for state in seen)
    assert all(state.optimality_gap == math.inf for state in seen)
    times = [state.elapsed for state in seen]
    assert times == sorted(times)
    assert times[0] >= 0


def test_without_validation_data_there_is_no_validation_loss():
    seen = []
    model = plain(callback=seen.append).fit(X, Y)
    assert {state.validation_loss for state in seen} == {None}
    assert model.validation_curve_.shape == (0,)


@pytest.mark.parametrize("answer", [True, 1, "yes", np.True_], ids=range(4))
def test_a_true_answer_of_the_callback_stops_the_fit(answer):
    model = plain(max_iter=100, callback=lambda state: answer if state.epoch == 3 else None)
    model.fit(X, Y)
    assert model.n_iter_ == len(model.loss_curve_) == 3
    assert not model.converged_
    assert (model.coef_ == plain(max_iter=3).fit(X, Y).coef_).all()


@pytest.mark.parametrize("answer", [None, False, 0, ""], ids=str)
def test_a_false_answer_does_not(answer):
    assert plain(callback=lambda _: answer).fit(X, Y).n_iter_ == 5


def test_a_fit_stopped_by_its_callback_warns_of_nothing():
    SoftmaxRegression(learning_rate=0.1, callback=lambda _: True).fit(X, Y)


@pytest.mark.parametrize("learning_rate", [0.1, "auto"])
@pytest.mark.filterwarnings("ignore::softmax_regression.ConvergenceWarning")
def test_nothing_is_printed_unless_asked(capfd, learning_rate):
    model = SoftmaxRegression(learning_rate=learning_rate, max_iter=5, verbose=0)
    model.fit(X, Y, validation_data=(X, Y))
    model.predict(X)
    assert capfd.readouterr() == ("", "")


def test_verbose_prints_lines_of_progress(capsys):
    seen = []
    plain(verbose=1, max_iter=12, callback=seen.append).fit(X, Y, validation_data=(X, Y))
    lines = capsys.readouterr().out.splitlines()
    assert 2 <= len(lines) <= 12
    assert lines[0].startswith("epoch  1/12  loss 0.693147  validation ")
    assert lines[-1].startswith(f"epoch 12/12  loss {seen[-1].loss:.6f}")
    assert all(
        re.fullmatch(r"epoch [ \d]\d/12  loss [\d.]+  validation [\d.]+  .*", line)
        for line in lines
    )


def test_lines_are_throttled_but_the_first_and_the_last_are_there(capsys, monkeypatch):
    monkeypatch.setattr(progress_module, "SECONDS_BETWEEN_LINES", 1e9)
    plain(verbose=1, max_iter=50).fit(X, Y)
    assert [line[:11] for line in capsys.readouterr().out.splitlines()] == [
        "epoch  1/50",
        "epoch 50/50",
    ]
    monkeypatch.setattr(progress_module, "SECONDS_BETWEEN_LINES", 0.0)
    plain(verbose=1, max_iter=50).fit(X, Y)
    assert len(capsys.readouterr().out.splitlines()) == 50


def test_the_line_of_the_epoch_that_stops_the_fit_is_printed(capsys, monkeypatch):
    monkeypatch.setattr(progress_module, "SECONDS_BETWEEN_LINES", 1e9)
    model = plain(verbose=1, max_iter=1000, tol=0.01).fit(X, Y)
    assert model.converged_
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.startswith(f"epoch {model.n_iter_:4d}/1000")


def test_every_epoch_is_logged_for_who_listens(caplog):
    with caplog.at_level(logging.DEBUG, "softmax_regression"):
        plain(max_iter=3).fit(X, Y)
    assert [record.getMessage()[:9] for record in caplog.records] == [
        "epoch 1/3",
        "epoch 2/3",
        "epoch 3/3",
    ]


def test_the_library_s_logger_prints_nothing_by_itself(capfd):
    logger = logging.getLogger("softmax_regression")
    assert any(isinstance(handler, logging.NullHandler) for handler in logger.handlers)
    assert logger.level == logging.NOTSET
    plain().fit(X, Y)
    assert capfd.readouterr() == ("", "")
