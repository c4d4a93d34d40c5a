"""scikit-learn's callback protocol, which exists from version 1.9."""

import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.model_selection import GridSearchCV

from softmax_regression import DivergenceError, SoftmaxRegression

if sklearn.__version__ < "1.9":
    pytest.skip("scikit-learn < 1.9 has no callbacks", allow_module_level=True)

from sklearn.callback import ProgressBar, ScoringMonitor


class Recorder:
    """Notes every hook; asks for a stop at the end of epoch `stop_at`, counted from 0."""

    def __init__(self, stop_at=None):
        self.stop_at = stop_at
        self.seen = []
        self.scores = []
        self.metadata = []

    def setup(self, estimator, context):  # noqa: ARG002 - called by keyword
        self.seen.append("setup")

    def teardown(self, estimator, context):  # noqa: ARG002 - called by keyword
        self.seen.append("teardown")

    def on_fit_task_begin(self, _estimator, context):
        self.seen.append(f"begin {context.task_name} {context.task_id}")

    def on_fit_task_end(
        self, _estimator, context, *, X=None, y=None, metadata=None, fitted_estimator=None
    ):
        self.seen.append(f"end {context.task_name} {context.task_id}")
        if fitted_estimator is not None:
            self.scores.append(fitted_estimator.loss(X, y))
            self.metadata.append(metadata)
        return context.task_name == "epoch" and context.task_id == self.stop_at


def textbook(**settings):
    return SoftmaxRegression(learning_rate=0.1, tol=0, random_state=0, **settings)


def test_hooks_come_in_order_and_once_per_epoch(iris):
    recorder = Recorder()

    textbook(max_iter=2).set_callbacks(recorder).fit(*iris)

    assert recorder.seen == [
        "setup",
        "begin fit 0",
        "begin epoch 0", "end epoch 0",
        "begin epoch 1", "end epoch 1",
        "end fit 0",
        "teardown",
    ]  # fmt: skip


def test_each_epoch_shows_a_model_that_predicts(iris):
    recorder = Recorder()

    model = textbook(max_iter=3).set_callbacks(recorder).fit(*iris)

    *epochs, last = recorder.scores
    by_hand = [textbook(max_iter=n).fit(*iris).loss(*iris) for n in (1, 2, 3)]
    assert epochs == by_hand
    assert last == model.loss(*iris)


def test_hooks_hear_of_the_steps_of_a_search_for_a_penalty(iris):
    told, recorder = [], Recorder()

    model = SoftmaxRegression(l2="auto", callback=told.append).set_callbacks(recorder).fit(*iris)

    searched = [each for each in told if each.l2 is not None]
    assert len(recorder.scores) >= len(searched)
    assert recorder.scores[-1] == pytest.approx(model.loss(*iris), abs=1e-6)
    assert recorder.seen[-2:] == ["end fit 0", "teardown"]


def test_a_hook_can_stop_a_search_and_hears_no_more_than_max_iter_epochs(iris):
    stopped = SoftmaxRegression(l2="auto").set_callbacks(Recorder(stop_at=3)).fit(*iris)
    assert stopped.stop_reason_ == "callback"
    recorder = Recorder()
    SoftmaxRegression(l2="auto", tol=0.1, max_iter=4).set_callbacks(recorder).fit(*iris)
    assert recorder.seen.count("begin epoch 3") == 1
    assert "begin epoch 4" not in recorder.seen


@pytest.mark.parametrize("settings", [{"learning_rate": 0.1}, {}], ids=["textbook", "auto"])
def test_a_hook_can_stop_the_fit(iris, settings):
    recorder = Recorder(stop_at=1)

    def at_the_second(now):
        return (now.epoch if now.step is None else now.step) == 2

    model = SoftmaxRegression(**settings).set_callbacks(recorder).fit(*iris)

    stopped = SoftmaxRegression(**settings, callback=at_the_second)
    assert model.n_iter_ == stopped.fit(*iris).n_iter_
    np.testing.assert_array_equal(model.loss_curve_, stopped.loss_curve_)
    assert not model.converged_
    assert recorder.seen[-3:] == ["end epoch 1", "end fit 0", "teardown"]


@pytest.mark.parametrize("settings", [{"learning_rate": 0.5, "tol": 0.1}, {}, {"tol": 1e-3}])
def test_every_begin_has_its_end(iris, settings):
    recorder = Recorder()

    SoftmaxRegression(**settings).set_callbacks(recorder).fit(*iris)

    notes = recorder.seen[2:-2]
    assert [note.replace("begin", "end") for note in notes[::2]] == notes[1::2]


@pytest.mark.filterwarnings("ignore::softmax_regression.ConvergenceWarning")
@pytest.mark.parametrize("max_iter", [1, 2, 3, 8])
def test_there_are_at_most_max_iter_epochs(iris, max_iter):
    recorder = Recorder()

    SoftmaxRegression(max_iter=max_iter).set_callbacks(recorder).fit(*iris)

    begun = sum(note.startswith("begin epoch") for note in recorder.seen)
    assert 1 <= begun <= max_iter


def test_callbacks_change_nothing_that_is_learned(iris):
    with_callback = textbook(max_iter=5).set_callbacks(Recorder()).fit(*iris)
    without = textbook(max_iter=5).fit(*iris)

    np.testing.assert_array_equal(with_callback.coef_, without.coef_)
    np.testing.assert_array_equal(with_callback.loss_curve_, without.loss_curve_)


def test_sample_weight_is_metadata(iris):
    recorder = Recorder()
    weight = np.arange(1.0, 151.0)

    textbook(max_iter=1).set_callbacks(recorder).fit(*iris, sample_weight=weight)

    np.testing.assert_array_equal(recorder.metadata[0]["sample_weight"], weight)


def test_zero_epochs(iris):
    recorder = Recorder()

    textbook(max_iter=0).set_callbacks(recorder).fit(*iris)

    assert recorder.seen == ["setup", "begin fit 0", "end fit 0", "teardown"]


def test_teardown_also_after_an_error(iris):
    X, y = iris
    recorder = Recorder()
    model = SoftmaxRegression(learning_rate=1e300, tol=0).set_callbacks(recorder)

    with pytest.raises(DivergenceError):
        model.fit(X, y)

    assert recorder.seen[-1] == "teardown"
    assert "_callback_fit_ctx" not in vars(model)


def test_feature_names_reach_the_shown_models(iris):
    frame = pd.DataFrame(iris[0], columns=list("abcd"))
    recorder = Recorder()

    textbook(max_iter=1).set_callbacks(recorder).fit(frame, iris[1])  # a warning would raise

    assert len(recorder.scores) == 2


def test_no_callbacks_removes_them():
    model = SoftmaxRegression().set_callbacks(Recorder())

    assert "_skl_callbacks" not in vars(model.set_callbacks())


def test_something_else_is_refused():
    with pytest.raises(TypeError, match="FitCallback"):
        SoftmaxRegression().set_callbacks(print)


def test_scoring_monitor_follows_the_epochs(iris):
    monitor = ScoringMonitor(scoring="neg_log_loss")
    model = textbook(max_iter=4).set_callbacks(monitor).fit(*iris)

    scores = [row["neg_log_loss"] for row in monitor.get_logs().data if row["task_name"] == "epoch"]

    assert len(scores) == 4
    # scikit-learn clips and renormalises probabilities: equal to rounding.
    np.testing.assert_allclose(scores[-1], -model.loss(*iris), rtol=1e-12)


def test_scoring_monitor_inside_a_grid_search(iris):
    monitor = ScoringMonitor(scoring="accuracy")
    model = textbook(max_iter=2).set_callbacks(monitor)

    GridSearchCV(model, {"l2": [1e-2, 1e-3]}, cv=2, refit=False).fit(*iris)

    epochs = [row for row in monitor.get_logs().data if row["task_name"] == "epoch"]
    assert len(epochs) == 2 * 2 * 2  # settings x folds x epochs


def test_progress_bar_of_a_grid_search_reaches_the_epochs(iris, capsys):
    search = GridSearchCV(textbook(max_iter=2), {"l2": [1e-2]}, cv=2)

    search.set_callbacks(ProgressBar(max_propagation_depth=None)).fit(*iris)

    assert "SoftmaxRegression - fit" in capsys.readouterr().out
