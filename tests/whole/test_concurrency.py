"""Threads and processes get the serial results, bit for bit."""

import multiprocessing
import pickle
import sys
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from itertools import product

import numpy as np
import pytest
from strategies import thinned

from softmax_regression import SoftmaxRegression

RNG = np.random.default_rng(17)
X = RNG.normal(size=(60, 5))
Z = X @ RNG.normal(size=(5, 3)) + RNG.gumbel(size=(60, 3))
Y = np.array(["a", "b", "c"])[Z.argmax(axis=1)]
MODES = {
    "textbook": {
        "learning_rate": 0.1,
        "batch_size": 7,
        "momentum": 0.5,
        "max_iter": 30,
        "tol": 0.0,
    },
    "auto": {"l2": 0.01, "tol": 1e-9},
}
BOTH = pytest.mark.parametrize("mode", MODES)
TIMEOUT = 30.0  # seconds


def fitted(mode="auto", seed=0):
    return SoftmaxRegression(random_state=seed, **MODES[mode]).fit(X, Y)


@pytest.fixture
def eager_switching():
    """Let threads change over as often as the interpreter can."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


def in_threads(tasks):
    """Run the tasks at the same moment, a thread each, and return their results."""
    barrier = threading.Barrier(len(tasks))

    def run(task):
        barrier.wait(TIMEOUT)
        return task()

    with ThreadPoolExecutor(len(tasks)) as pool:
        return [future.result(TIMEOUT) for future in [pool.submit(run, task) for task in tasks]]


# Threads


@pytest.mark.usefixtures("eager_switching")
@pytest.mark.parametrize(
    "method", ["predict_proba", "predict_log_proba", "decision_function", "predict"]
)
def test_eight_threads_predict_on_one_model_as_one_does(method):
    """Each thread has rows of its own and another number of them: a shared buffer would show."""
    predict = getattr(fitted(), method)
    rows = [X[3 * k : 5 * k + 3] + k for k in range(8)]
    serial = [predict(part).tobytes() for part in rows]

    def task(k):
        return lambda: {predict(rows[k]).tobytes() for _ in range(40)}

    assert in_threads([task(k) for k in range(8)]) == [{expected} for expected in serial]


@pytest.mark.usefixtures("eager_switching")
@pytest.mark.parametrize("method", thinned(["predict", "predict_proba"], 2))
def test_a_prediction_during_a_refit_is_that_of_one_model_or_the_other(method):
    """Never the coefficients of one fit with the intercept or the classes of another."""
    labels = {"three": Y, "two": np.where(Y == "a", "left", "right")}
    expected = {
        getattr(SoftmaxRegression().fit(X, y), method)(X).tobytes() for y in labels.values()
    }
    model = SoftmaxRegression().fit(X, Y)
    done = threading.Event()

    def refit():
        for _ in range(2):
            for y in labels.values():
                model.fit(X, y)
        done.set()
        return set()

    def predict():
        found = set()
        while not done.is_set():
            found.add(getattr(model, method)(X).tobytes())
        return found

    assert set.union(*in_threads([refit, predict, predict])) <= expected


@pytest.mark.usefixtures("eager_switching")
def test_threads_judge_one_model_as_one_does():
    model = fitted()

    def judged():
        loss, gradient = model.loss(X, Y), model.gradient(X, Y)
        return pickle.dumps((loss, *gradient, model.score(X, Y)))

    expected = judged()
    assert in_threads([lambda: {judged() for _ in range(40)}] * 4) == [{expected}] * 4


@pytest.mark.usefixtures("eager_switching")
@BOTH
def test_fits_in_two_threads_are_the_serial_ones(mode):
    serial = [pickle.dumps(vars(fitted(mode, seed))) for seed in range(2)]
    for _ in range(2):
        tasks = [lambda seed=seed: pickle.dumps(vars(fitted(mode, seed))) for seed in range(2)]
        assert in_threads(tasks) == serial
    if mode == "textbook":
        assert serial[0] != serial[1]


@pytest.mark.usefixtures("eager_switching")
def test_predictions_beside_a_growing_model_are_of_one_of_its_states():
    """Rows served while partial_fit goes on: never coef_ of one step and intercept_ of the next."""
    model = SoftmaxRegression(**MODES["textbook"]).fit(X, Y)
    states = {model.decision_function(X).tobytes()}
    replay = pickle.loads(pickle.dumps(model))
    states |= {replay.partial_fit(X, Y).decision_function(X).tobytes() for _ in range(30)}

    def learn():
        for _ in range(30):
            model.partial_fit(X, Y)

    def serve():
        return {model.decision_function(X).tobytes() for _ in range(150)}

    _, *served = in_threads([learn, serve, serve])
    assert set.union(*served) <= states


@pytest.mark.usefixtures("eager_switching")
def test_the_error_state_and_the_random_state_of_other_threads_stay():
    """A fit that ignores overflow in one thread lets another's overflow raise."""

    def overflow():
        with np.errstate(over="raise"):
            for _ in range(300):
                with pytest.raises(FloatingPointError):
                    np.exp(np.full(3, 1e4))
        return "raised"

    before = repr(np.random.get_state())  # noqa: NPY002 - the state that must stay
    results = in_threads([overflow, lambda: fitted("textbook"), lambda: fitted("auto")])
    assert results[0] == "raised"
    assert repr(np.random.get_state()) == before  # noqa: NPY002


# Processes


def predict(model):
    return model.predict_proba(X).tobytes()


def refit(model):
    return model.fit(X, Y)


def answer(task, pickled, connection):
    """Do a task in a child; BLAS has been used by the parent and is used again here."""
    connection.send(task(pickle.loads(pickled)))


def in_child(method, task, model, processes):
    """Return what a child process answers within the time limit."""
    if method == "spawn":
        return processes.submit(task, model).result(TIMEOUT)
    context = multiprocessing.get_context(method)
    receiver, sender = context.Pipe(duplex=False)
    child = context.Process(target=answer, args=(task, pickle.dumps(model), sender))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # fork in a process with threads
        child.start()
    try:
        assert receiver.poll(TIMEOUT), "the child gave no answer"
        return receiver.recv()
    finally:
        child.join(TIMEOUT)
        child.kill()


METHODS = [m for m in ("fork", "spawn") if m in multiprocessing.get_all_start_methods()]


@pytest.mark.parametrize("method", thinned(METHODS, 2))
def test_a_child_process_predicts_as_its_parent(method, processes):
    model = fitted()
    assert in_child(method, predict, model, processes) == predict(model)


@pytest.mark.parametrize(("method", "mode"), thinned(product(METHODS, MODES), 3))
def test_a_model_fitted_in_a_child_comes_back_whole(method, mode, processes):
    """Pickled there and back, and fitted with its own seed: what a fit here would have given."""
    model = SoftmaxRegression(random_state=5, **MODES[mode])
    returned = in_child(method, refit, model, processes)
    here = refit(model)
    assert {name: pickle.dumps(value) for name, value in vars(returned).items()} == {
        name: pickle.dumps(value) for name, value in vars(here).items()
    }
    more = [m.partial_fit(X, Y).coef_.tobytes() for m in (returned, here)]
    assert more[0] == more[1]
