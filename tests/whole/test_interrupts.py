"""An interrupt at any moment leaves the previous model or a complete one, never half of each.

Interrupts come from the callback at every epoch, from NumPy's functions at every call inside the
passes, and from the interpreter before any line of the library.
"""

import pickle
import sys
import threading
from functools import partial
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from strategies import plain, thinned

import softmax_regression
from softmax_regression import DivergenceError, SoftmaxRegression

RNG = np.random.default_rng(13)
X = RNG.normal(size=(40, 3))
Y = np.array(["a", "b", "c"])[RNG.permutation(np.arange(40) % 3)]
LATER = X[::-1] * 2 + 1  # other rows, so that a second fit ends elsewhere
WIDE = RNG.normal(size=(40, 90))


class Stop(Exception):
    """What a callback raises."""


ERRORS = [KeyboardInterrupt, MemoryError, Stop, StopIteration]
MODES = {
    "textbook": {"learning_rate": 0.1, "batch_size": 7, "momentum": 0.5, "max_iter": 6, "tol": 0.0},
    "auto": {"l2": 0.01, "tol": 1e-9, "batch_size": 7},
}
EARLY = {"early_stopping": True, "validation_fraction": 0.3, "n_iter_no_change": 3}
# How the interrupted call begins: without a model, anew over one, or from one.
CALLS = {
    "fresh": lambda model: model.fit(LATER, Y),
    "anew": lambda model: model.fit(LATER, Y),
    "warm": lambda model: model.set_params(warm_start=True).fit(LATER, Y),
    "early": lambda model: model.set_params(**EARLY).fit(LATER, Y),
    "partial_fit": lambda model: model.partial_fit(LATER, Y),
}
# A fast run takes every mode and every call, but not each with each.
PAIRS = thinned(product(reversed(MODES), CALLS), 2)
LEARNING = pytest.mark.parametrize(("mode", "call"), PAIRS)


def prepared(mode, call):
    """A model that stands where the interrupted call begins."""
    model = SoftmaxRegression(random_state=3, **MODES[mode])
    if call != "fresh":
        model.fit(X, Y)
    return model.partial_fit(X, Y) if call == "partial_fit" else model


def state(model):
    """Every attribute, by its bytes; parameters are the test's to change, not the fit's."""
    parameters = model.get_params()
    return {name: pickle.dumps(v) for name, v in vars(model).items() if name not in parameters}


def assert_whole(model, *allowed):
    """The model is one of the allowed states, and if fitted it predicts as that state does."""
    assert state(model) in allowed
    if hasattr(model, "coef_"):
        P = model.predict_proba(X)
        assert np.abs(P.sum(axis=1) - 1).max() < 1e-12
        assert np.isfinite(model.loss(X, Y))


def sampled(total, n_spread, n_last):
    """Some of 1 … total: evenly spread ones, and the last."""
    spread = np.linspace(1, total, n_spread).astype(int)[:total]
    return sorted({*spread.tolist(), *range(max(1, total - n_last), total + 1)})


# Raised by the callback


def raising(error, epoch):
    def callback(progress):
        if progress.epoch == epoch:
            raise error

    return callback


@pytest.mark.parametrize(("mode", "call"), [pair for pair in PAIRS if pair[1] != "partial_fit"])
def test_an_error_of_the_callback_at_any_epoch_leaves_the_previous_model(mode, call):
    """It comes out as the very object raised, and the next fit gives what it would have given."""
    finished = prepared(mode, call)
    epochs = []
    finished.callback = epochs.append
    CALLS[call](finished)
    assert len(epochs) >= 4
    for i, epoch in enumerate(progress.epoch for progress in epochs):
        model = prepared(mode, call)
        before = state(model)
        for kind in ERRORS[i % 4 :][:1] if i else ERRORS:
            error = kind("from the callback")
            model.callback = raising(error, epoch)
            with pytest.raises(kind, match="from the callback") as caught:
                CALLS[call](model)
            assert caught.value is error
            assert caught.traceback[-1].name == "callback"
            assert_whole(model, before)
        model.callback = None
        assert_whole(CALLS[call](model), state(finished))


def test_an_error_of_the_schedule_leaves_the_previous_model():
    model = prepared("textbook", "warm")
    before = state(model)
    for epoch in range(6):

        def schedule(finished_epochs, epoch=epoch):
            if finished_epochs == 6 + epoch:
                raise StopIteration
            return 0.1

        model.learning_rate = schedule
        with pytest.raises(StopIteration):
            CALLS["warm"](model)
        assert_whole(model, before)


# Raised inside the passes


class Interrupting:
    """A NumPy function that raises at its n-th call, and counts its calls."""

    def __init__(self, function, error, nth):
        self.function, self.error, self.left, self.calls = function, error, nth, 0

    def __call__(self, *args, **kwargs):
        self.calls += 1
        self.left -= 1
        if self.left == 0:
            raise self.error
        return self.function(*args, **kwargs)

    def __getattr__(self, name):
        return getattr(self.function, name)


def calls_of(name, mode, call, monkeypatch):
    """How often an uninterrupted call uses the NumPy function, and the state it ends in."""
    model, counting = prepared(mode, call), Interrupting(getattr(np, name), None, -1)
    with monkeypatch.context() as patch:
        patch.setattr(np, name, counting)
        CALLS[call](model)
    return counting.calls, state(model)


@LEARNING
@pytest.mark.parametrize("name", ["exp", "matmul"])
def test_an_interrupt_inside_a_pass_leaves_the_previous_model(name, mode, call, monkeypatch):
    n_calls, after = calls_of(name, mode, call, monkeypatch)
    if name == "exp":
        assert n_calls >= 4  # every pass has one
    model = prepared(mode, call)
    before = state(model)
    for nth in sampled(n_calls, 4, 2):
        kind = ERRORS[nth % 2]
        error = kind()
        with monkeypatch.context() as patch:
            patch.setattr(np, name, Interrupting(getattr(np, name), error, nth))
            with pytest.raises(kind) as caught:
                CALLS[call](model)
        assert caught.value is error
        assert_whole(model, before)
    assert_whole(CALLS[call](model), after)


@pytest.mark.parametrize("name", ["exp", "log1p"])
@pytest.mark.parametrize("method", ["predict_proba", "predict_log_proba", "loss", "gradient"])
def test_an_interrupted_prediction_changes_nothing(name, method, monkeypatch):
    model = prepared("auto", "anew")
    arguments = (X,) if method.startswith("predict") else (X, Y)
    before, expected = state(model), pickle.dumps(getattr(model, method)(*arguments))
    patched = Interrupting(getattr(np, name), KeyboardInterrupt, 1)
    with monkeypatch.context() as patch:
        patch.setattr(np, name, patched)
        try:
            getattr(model, method)(*arguments)
        except KeyboardInterrupt:
            assert patched.calls == 1
    assert_whole(model, before)
    assert pickle.dumps(getattr(model, method)(*arguments)) == expected


# Raised by the interpreter, before any line

SOURCE = str(Path(softmax_regression.__file__).parent)


class Tracer:
    """Raises KeyboardInterrupt before the n-th line (or bytecode) of the chosen functions."""

    def __init__(self, nth, event="line", function=None):
        self.left, self.event = nth, event
        self.code = None if function is None else function.__code__
        self.counted, self.interrupted = 0, False

    def __call__(self, frame, *_):
        code = frame.f_code
        chosen = code.co_filename.startswith(SOURCE) if self.code is None else code is self.code
        if not chosen:
            return None
        frame.f_trace_opcodes = self.event == "opcode"
        return self._local

    def _local(self, _, event, __):
        if event == self.event:
            self.counted += 1
            self.left -= 1
            if self.left == 0:
                raise KeyboardInterrupt
        return self._local

    def run(self, task):
        # A thread of its own, since raising from a trace function may leave an exception behind.
        thread = threading.Thread(target=self._traced, args=(task,))
        thread.start()
        thread.join()
        return self

    def _traced(self, task):
        sys.settrace(self)
        try:
            task()
        except KeyboardInterrupt:
            self.interrupted = True


def interrupted_before_bytecode(nth, function, task):
    """Whether the task came to the n-th bytecode of the function, where it was interrupted."""
    if sys.version_info < (3, 12):
        return Tracer(nth, "opcode", function).run(task).interrupted
    # From 3.12 on a trace function sees opcodes or not, by release; monitoring always does.
    tool, event, left = sys.monitoring.DEBUGGER_ID, sys.monitoring.events.INSTRUCTION, [nth]

    def count(*_):
        left[0] -= 1
        if left[0] == 0:
            raise KeyboardInterrupt

    sys.monitoring.use_tool_id(tool, __name__)
    sys.monitoring.register_callback(tool, event, count)
    sys.monitoring.set_local_events(tool, function.__code__, event)
    try:
        task()
    except KeyboardInterrupt:
        return True
    finally:
        sys.monitoring.set_local_events(tool, function.__code__, 0)
        sys.monitoring.register_callback(tool, event, None)
        sys.monitoring.free_tool_id(tool)
    return False


@LEARNING
def test_an_interrupt_before_any_line_leaves_one_whole_model(mode, call):
    """Every one of the last lines, where the model is taken over, and some of those before."""
    finished = prepared(mode, call)
    total = Tracer(-1).run(lambda: CALLS[call](finished)).counted
    after = state(finished)
    model = prepared(mode, call)
    before = state(model)
    for line in sampled(total, 3, 8):
        tracer = Tracer(line).run(partial(CALLS[call], model))
        assert tracer.interrupted
        assert_whole(model, before, after)
        if state(model) != before:
            model = prepared(mode, call)


@pytest.mark.parametrize("mode", thinned(MODES, 2))
def test_an_interrupt_before_any_bytecode_of_the_takeover_leaves_one_whole_model(mode, monkeypatch):
    calls, model = [], prepared(mode, "anew")
    with monkeypatch.context() as patch:
        patch.setattr(SoftmaxRegression, "_adopt", lambda _, *learned: calls.append(learned))
        CALLS["anew"](prepared(mode, "anew"))
    learned = calls[-1]
    after, before = state(CALLS["anew"](prepared(mode, "anew"))), state(model)
    nth, seen = 1, []
    takeover = SoftmaxRegression._adopt
    while interrupted_before_bytecode(nth, takeover, partial(takeover, model, *learned)):
        assert_whole(model, before, after)
        seen.append(state(model) == after)
        if seen[-1]:
            model = prepared(mode, "anew")
        nth += 1
    assert nth > 50
    assert seen == sorted(seen)  # the previous model up to one bytecode, the new one after it
    assert state(model) == after


# Ends of a fit that keep something


@pytest.mark.parametrize("batch_size", [7, 40])
def test_a_diverged_fit_is_a_complete_snapshot_too(batch_size):
    """coef_, intercept_, velocity, curve and epoch count are all there, and the loss is finite."""
    settings = {"learning_rate": 1e4, "l2": 1.0, "batch_size": batch_size, "max_iter": 1000}
    model = plain(**settings)
    with pytest.raises(DivergenceError):
        model.fit(X, Y)
    assert model.n_iter_ == model._epoch == len(model.loss_curve_)
    assert model._velocity.shape == (model.coef_.size + model.intercept_.size,)
    assert np.isfinite(model.loss(X, Y))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.filterwarnings("error")
def test_a_warning_made_an_error_leaves_the_complete_new_model(mode):
    settings = {"max_iter": 2, "tol": 1e-12}
    one = SoftmaxRegression(random_state=3, **MODES[mode] | settings)
    with pytest.raises(UserWarning, match="max_iter=2"):
        one.fit(WIDE, Y)
    other = SoftmaxRegression(random_state=3, **MODES[mode] | settings)
    with pytest.warns(UserWarning, match="max_iter=2"):
        other.fit(WIDE, Y)
    assert state(one) == state(other)
