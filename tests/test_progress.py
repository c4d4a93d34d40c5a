"""What a fit tells: lines, callbacks, and when it stops."""

import logging
import math
import pickle
import re

import numpy as np
import pytest
from strategies import plain

from softmax_regression import ConvergenceWarning, Progress, SoftmaxRegression
from softmax_regression import _progress as progress_module
from softmax_regression._progress import Monitor, Plateau

RNG = np.random.default_rng(2)
X = RNG.normal(size=(40, 3))
Y = (X[:, 0] + 0.5 * RNG.normal(size=40) > 0).astype(int)
STATE = {
    "epoch": 3,
    "max_iter": 20,
    "loss": 0.5,
    "validation_loss": None,
    "optimality_gap": math.inf,
    "elapsed": 1.5,
}


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
    assert str(Progress(**STATE)) == "epoch  3/20  loss 0.500000  at most 8.5 s left"
    full = Progress(**STATE | {"validation_loss": 0.25, "optimality_gap": 1e-7})
    assert str(full) == (
        "epoch  3/20  loss 0.500000  validation 0.250000  gap 1.0e-07  at most 8.5 s left"
    )


def test_a_step_tells_its_epoch_and_no_time_left():
    """How many steps there will be nobody knows."""
    step = Progress(**STATE, step=2)
    assert str(step) == "step  2  epoch  3  loss 0.500000"


def test_progress_is_shown_with_what_it_tells():
    assert repr(Progress(**STATE)) == (
        "Progress(epoch=3, max_iter=20, loss=0.5, validation_loss=None, optimality_gap=inf, "
        "elapsed=1.5, step=None, l2=None)"
    )


def test_progress_cannot_be_changed():
    with pytest.raises(AttributeError, match="cannot be changed"):
        Progress(**STATE).loss = 0.0


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


@pytest.mark.parametrize("answer", [True, np.True_], ids=range(2))
def test_true_itself_from_the_callback_stops_the_fit(answer):
    model = plain(max_iter=100, callback=lambda state: answer if state.epoch == 3 else False)
    model.fit(X, Y)
    assert model.n_iter_ == len(model.loss_curve_) == 3
    assert not model.converged_
    assert model.stop_reason_ == "callback"
    assert (model.coef_ == plain(max_iter=3).fit(X, Y).coef_).all()


@pytest.mark.parametrize("answer", [None, False, 0, "", 1, "yes", [0], 12.5], ids=str)
def test_any_other_answer_does_not(answer):
    """A callback's value may be that of what it calls, such as the length written to a file."""
    assert plain(callback=lambda _: answer).fit(X, Y).n_iter_ == 5


@pytest.mark.parametrize("learning_rate", [0.1, "auto"])
def test_a_fit_stopped_by_a_callback_that_decides_warns_of_nothing(learning_rate):
    decides = SoftmaxRegression(learning_rate=learning_rate, callback=lambda p: p.epoch > 1)
    assert decides.fit(X, Y).stop_reason_ == "callback"


@pytest.mark.parametrize("learning_rate", [0.1, "auto"])
@pytest.mark.parametrize("epoch", [1, 3])
def test_a_true_that_may_not_have_been_meant_is_told(epoch, learning_rate):
    """tqdm's `update` returns True whenever it draws, and None otherwise."""
    model = SoftmaxRegression(learning_rate=learning_rate)
    model.set_params(callback=lambda p: True if p.epoch >= epoch else None)
    with pytest.warns(ConvergenceWarning, match=r"callback ended the fit at epoch \d+ "):
        model.fit(X, Y)
    assert model.stop_reason_ == "callback"
    assert not model.converged_


def test_a_true_of_the_epoch_that_converged_is_not_told():
    model = SoftmaxRegression(learning_rate=0.1, n_iter_no_change=2, tol=1.0)
    model.set_params(callback=lambda p: True if p.epoch == 3 else None).fit(X, Y)
    assert model.stop_reason_ == "tol"
    assert model.n_iter_ == 3


# The weights on the way


def test_the_callback_can_keep_the_path_of_the_weights():
    path = []
    plain(max_iter=4, callback=lambda p: path.append((p.coef, p.intercept))).fit(X, Y)
    for epoch, (coef, intercept) in enumerate(path, 1):
        model = plain(max_iter=epoch).fit(X, Y)
        np.testing.assert_array_equal(coef, model.coef_)
        np.testing.assert_array_equal(intercept, model.intercept_)


def wide():
    """More columns than rows: the fit runs in coordinates of the row space."""
    rng = np.random.default_rng(1)
    return rng.normal(size=(20, 60)), np.arange(20) % 3


@pytest.mark.parametrize("l1", [0.0, 1e-3])
@pytest.mark.parametrize("data", [(X, Y), wide()], ids=["narrow", "wide"])
def test_every_step_s_loss_is_the_objective_of_its_weights(data, l1):
    path, settings = [], {"l1": l1, "l2": 1e-3, "tol": 1e-9}
    model = SoftmaxRegression(**settings)
    model.set_params(callback=lambda p: path.append((p.loss, p.coef, p.intercept))).fit(*data)
    assert len(path) > 2
    for loss, coef, intercept in path:
        model.coef_, model.intercept_ = coef, intercept
        penalty = l1 * np.abs(coef).sum() + 0.5e-3 * (coef**2).sum()
        assert model.loss(*data) + penalty == pytest.approx(loss, rel=1e-6)


def test_the_weights_are_copies_made_once():
    def spoil(progress):
        assert progress.coef is progress.coef
        progress.coef[:] = np.nan
        progress.intercept[:] = np.nan

    model, untouched = plain(callback=spoil).fit(X, Y), plain().fit(X, Y)
    np.testing.assert_array_equal(model.coef_, untouched.coef_)
    np.testing.assert_array_equal(model.intercept_, untouched.intercept_)


def test_weights_that_were_not_read_in_time_are_refused_and_not_wrong():
    seen = []
    plain(callback=lambda p: seen.append(p) or (p.coef if p.epoch == 2 else None)).fit(X, Y)
    np.testing.assert_array_equal(seen[1].coef, plain(max_iter=2).fit(X, Y).coef_)
    for progress in (seen[0], seen[-1], Progress(**STATE)):
        with pytest.raises(AttributeError, match="while the callback runs"):
            progress.coef  # noqa: B018 - reading is what fails


def test_a_pickled_progress_keeps_the_weights_that_were_read():
    copies = []

    def keep(progress):
        if progress.epoch == 2:
            progress.intercept  # noqa: B018 - reading makes the copy
        copies.append(pickle.loads(pickle.dumps(progress)))

    plain(callback=keep, max_iter=2).fit(X, Y)
    assert [copy.epoch for copy in copies] == [1, 2]
    np.testing.assert_array_equal(copies[1].coef, plain(max_iter=2).fit(X, Y).coef_)
    with pytest.raises(AttributeError, match="while the callback runs"):
        copies[0].coef  # noqa: B018 - reading is what fails


# Steps and epochs


@pytest.mark.parametrize("l1", [0.0, 1e-3])
def test_steps_count_from_where_the_fit_begins_and_epochs_are_passes(l1):
    seen = []
    model = SoftmaxRegression(l1=l1, callback=seen.append).fit(X, Y)
    assert [state.step for state in seen] == list(range(len(seen)))
    assert [state.loss for state in seen] == model.loss_curve_[:-1].tolist()
    epochs = [state.epoch for state in seen]
    assert epochs == sorted(set(epochs))
    assert epochs[0] >= 1
    assert epochs[-1] <= model.n_iter_


def test_a_fit_that_begins_with_mini_batches_has_run_their_epoch_before_its_first_step():
    rng, seen = np.random.default_rng(0), []
    rows = rng.normal(size=(4000, 12))
    labels = (rows[:, :3] + rng.gumbel(size=(4000, 3))).argmax(axis=1)
    SoftmaxRegression(callback=seen.append).fit(rows, labels)
    assert [state.step for state in seen[:2]] == [0, 1]
    # A survey, the epoch, and F at its end at least.
    assert 3 <= seen[0].epoch < seen[1].epoch


def test_gradient_descent_has_no_steps_to_tell():
    seen = []
    plain(callback=seen.append).fit(X, Y)
    assert {state.step for state in seen} == {None}


@pytest.mark.parametrize("l1", [0.0, 1e-2])
def test_no_gap_on_the_way_is_above_the_objective(l1):
    """F is never below 0; columns of very different scales make the bound of the start useless."""
    seen = []
    scaled = X * [1.0, 1e4, 1e-4]
    SoftmaxRegression(l1=l1, l2=1e-8, callback=seen.append).fit(scaled, Y)
    assert len(seen) > 2
    assert all(0.0 <= state.optimality_gap <= state.loss for state in seen)


def test_a_bound_above_the_objective_is_told_as_the_objective():
    seen = []
    monitor = Monitor(max_iter=5, callback=seen.append)
    monitor.report(0.5, lambda: None, 2.0, 1)
    monitor.search(0.1, 0.5, lambda: None, 2.0, 1)
    monitor.report(0.5, lambda: None, 0.1, 2)
    monitor.report(0.5, lambda: None, math.inf, 3)
    assert [state.optimality_gap for state in seen] == [0.5, 0.5, 0.1, math.inf]


# Lines


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


@pytest.mark.parametrize(
    ("settings", "closing"),
    [
        ({}, r"Converged after \d+ epochs  loss 0.\d{6}  gap \de-\d\d  \d.\d\d s"),
        ({"l2": 0.0}, r"Converged after \d+ epochs  loss 0.\d{6}  \d.\d\d s"),
        ({"max_iter": 0}, r"Ran 0 epochs, as asked  \d.\d\d s"),
    ],
    ids=["proven", "estimated", "no epoch"],
)
def test_a_fit_without_a_learning_rate_tells_steps_and_how_it_ended(settings, closing, capsys):
    SoftmaxRegression(verbose=1, **settings).fit(X, Y)
    *lines, last = capsys.readouterr().out.splitlines()
    assert re.fullmatch(closing.replace(r"\de-", r"\d\.\de-"), last), last
    assert all(re.match(r"step +\d+  epoch +\d+  loss ", line) for line in lines)
    assert not any("left" in line for line in lines)


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


def test_how_a_fit_without_a_learning_rate_ended_is_logged_above_its_steps(caplog):
    with caplog.at_level(logging.DEBUG, "softmax_regression"):
        SoftmaxRegression().fit(X, Y)
    *steps, last = [(record.levelname, record.getMessage().split()[0]) for record in caplog.records]
    assert set(steps) == {("DEBUG", "step")}
    assert last == ("INFO", "Converged")


def test_the_library_s_logger_prints_nothing_by_itself(capfd):
    logger = logging.getLogger("softmax_regression")
    assert any(isinstance(handler, logging.NullHandler) for handler in logger.handlers)
    assert logger.level == logging.NOTSET
    plain().fit(X, Y)
    assert capfd.readouterr() == ("", "")
