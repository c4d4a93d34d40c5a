"""Model files and pickles: nothing is lost, nothing half written, no damage goes unnoticed."""

import contextlib
import copy
import ctypes
import errno
import io
import json
import math
import os
import pickle
import stat
import sys
import threading
import types
import warnings
import zipfile
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings

from softmax_regression import (
    InconsistentVersionWarning,
    ModelFileError,
    NotFittedError,
    SoftmaxRegression,
    __version__,
    _archive,
    _persistence,
)
from softmax_regression._input.hyperparameters import Draws
from softmax_regression._optimum import AveragedDescent, RowMetric

GOLDEN = {n: Path(__file__).parent / "data" / f"model_format_{n}.npz" for n in (1, 2)}
EXAMPLES = settings().max_examples
MUTATIONS, REWRITTEN_HEADERS = 100 * min(EXAMPLES, 100), 10 * min(EXAMPLES, 2000)
MEMORY_BYTES = 64 << 20

only_linux = pytest.mark.skipif(sys.platform != "linux", reason="uses Linux process limits")
only_posix = pytest.mark.skipif(os.name != "posix", reason="Windows has no file modes")


def data(labels=("a", "b", "c"), dtype=np.float64):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 4)).astype(dtype)
    return X, np.asarray(labels)[np.arange(60) % len(labels)]


def fitted(labels=("a", "b", "c"), dtype=np.float64, **parameters):
    textbook = {"learning_rate": 0.1, "momentum": 0.5, "max_iter": 5, "tol": 0, "random_state": 3}
    return SoftmaxRegression(**(textbook | parameters)).fit(*data(labels, dtype))


class Frame(np.ndarray):
    """An array with column names, as a data frame has them."""

    columns = ("width <cm>", "höhe", "x\0y", "\udc80")


def fitted_on_names(**parameters):
    X, y = data()
    return SoftmaxRegression(tol=0, max_iter=3, **parameters).fit(X.view(Frame), y)


def streamed(n_features=4, **parameters):
    """A model after two calls of `partial_fit`; it has not seen its fourth class."""
    rng = np.random.default_rng(1)
    model = SoftmaxRegression(**parameters)
    for _ in range(2):
        X, y = rng.normal(size=(20, n_features)), rng.integers(3, size=20)
        model.partial_fit(X, y, classes=range(4))
    return model


def loaded(model, path):
    model.save(path)
    return SoftmaxRegression.load(path)


def assert_same(model, other):
    """Every attribute is equal, of the same type, dtype and shape; the generators' states too."""
    assert type(model) is type(other)
    if model is None:
        return
    assert vars(model).keys() == vars(other).keys()
    for name, value in vars(model).items():
        twin = vars(other)[name]
        assert type(value) is type(twin), name
        if isinstance(value, np.ndarray):
            assert (value.dtype, value.shape) == (twin.dtype, twin.shape), name
            assert value.tolist() == twin.tolist(), name
        elif isinstance(value, Draws):
            assert value.generator.bit_generator.state == twin.generator.bit_generator.state
        elif isinstance(value, (AveragedDescent, RowMetric)):
            assert_same(value, twin)
        else:
            assert value == twin, name


# Nothing is lost

LABELS = {
    "int64": np.array([3, -1, 7]),
    "uint8": np.array([0, 1, 200], dtype=np.uint8),
    "big-endian": np.array([1, 2, 3], dtype=">i4"),
    "bool": np.array([True, False]),
    "float32": np.array([0.0, 2.0, -1.0], dtype=np.float32),
    "bytes": np.array([b"a", b"bc", b"d\0e"]),
    "dates": np.array(["2024-01-01", "1999-12-31"], dtype="datetime64[D]"),
    "durations": np.array([5, 7], dtype="timedelta64[ns]"),
    "str": np.array(["no", "yes", "ümlaut"]),
    "wide str": np.array(["no", "yes"], dtype="<U50"),
    "big-endian str": np.array(["no", "yes"], dtype=">U3"),
    "object": np.array(["no", "", "nul\0", "\udc80", "<b>"], dtype=object),
    "numpy str objects": np.array([np.str_("no"), np.str_("yes")], dtype=object),
    "StringDType": np.array(["no", "nul\0", "long" * 9], dtype=np.dtypes.StringDType()),
}


@pytest.mark.parametrize("labels", LABELS.values(), ids=LABELS.keys())
def test_labels_of_every_kind_come_back_with_their_dtype(labels, tmp_path):
    model = fitted(labels)
    again = loaded(model, tmp_path / "model")
    assert again.classes_.dtype == model.classes_.dtype
    assert_same(model, again)
    X, _ = data()
    assert again.predict(X).tolist() == model.predict(X).tolist()


MODELS = {
    "textbook": fitted,
    "no tuning": lambda: SoftmaxRegression().fit(*data()),
    "float32": lambda: fitted(dtype=np.float32),
    "names": fitted_on_names,
    "no epoch": lambda: fitted(max_iter=0),
    "two classes": lambda: fitted((0, 1), class_weight={0: 1, 1: 2.5}),
    "balanced": lambda: fitted(class_weight="balanced", fit_intercept=False, label_smoothing=0.1),
    "early stopping": lambda: fitted(early_stopping=True, tol=1e-3, max_iter=100),
    "stream": streamed,
    "stream of wide rows": lambda: streamed(n_features=1100),
    "stream without intercept": lambda: streamed(fit_intercept=False),
    "textbook stream": lambda: streamed(learning_rate=0.1),
}


@pytest.mark.parametrize("make", MODELS.values(), ids=MODELS.keys())
def test_every_attribute_comes_back_and_the_bytes_are_the_models(make, tmp_path):
    """An attribute that the estimator gains must be added to the file, or this fails."""
    model = make()
    again = loaded(model, tmp_path / "first")
    assert_same(model, again)
    again.save(tmp_path / "second")
    assert (tmp_path / "second").read_bytes() == (tmp_path / "first").read_bytes()


@pytest.mark.parametrize(
    "parameters",
    [
        {"random_state": None, "batch_size": 8},
        {"random_state": np.int64(5), "batch_size": 8},
        {"learning_rate": "auto", "momentum": 0, "max_iter": 2},
    ],
    ids=["textbook", "seeded", "no tuning"],
)
def test_training_goes_on_as_if_never_saved(parameters, tmp_path):
    """Momentum, epoch count, random state and stream all matter for the next steps' bits."""
    X, y = data()
    model = fitted(**parameters, warm_start=True).partial_fit(X[:20], y[:20])
    again = loaded(model, tmp_path / "model")
    for each in (model, again):
        each.fit(X, y)
        each.partial_fit(X[:20], y[:20])
        each.fit(X, y)
    assert_same(model.set_params(random_state=0), again.set_params(random_state=0))


def test_loaded_arrays_can_be_written_to(tmp_path):
    again = loaded(fitted(LABELS["int64"]), tmp_path / "model")
    assert all(value.flags.writeable for value in vars(again).values() if hasattr(value, "flags"))


def test_what_the_model_cannot_change_is_not_in_the_bytes(tmp_path, monkeypatch):
    """The clock, and the layout of an array in memory."""
    model = fitted()
    model.save(tmp_path / "now")
    monkeypatch.setattr("time.time", lambda: 2e9)
    model.coef_ = np.asfortranarray(model.coef_)
    model.save(tmp_path / "later")
    assert (tmp_path / "now").read_bytes() == (tmp_path / "later").read_bytes()


def test_numpy_reads_the_file_without_pickle(tmp_path):
    model = fitted()
    model.save(tmp_path / "model.npz")
    with np.load(tmp_path / "model.npz", allow_pickle=False) as archive:
        np.testing.assert_array_equal(archive["coef_"], model.coef_)
        header = json.loads(archive["header"].tobytes())
    assert header["labels"] == {"kind": "<U1", "values": ["a", "b", "c"]}
    assert header["parameters"]["learning_rate"] == 0.1


def test_a_subclass_comes_back_as_itself(tmp_path):
    class Mine(SoftmaxRegression):
        pass

    Mine(tol=0, max_iter=1).fit(*data()).save(tmp_path / "model")
    assert type(Mine.load(tmp_path / "model")) is Mine
    assert type(SoftmaxRegression.load(tmp_path / "model")) is SoftmaxRegression


def test_attributes_of_others_are_left_out(tmp_path):
    model = fitted()
    model.note = "mine"
    assert not hasattr(loaded(model, tmp_path / "model"), "note")


def golden_model():
    """A model whose learned state is these numbers, whatever a fit would find."""
    parameters = {"l2": 0.25, "class_weight": {"lingon": 2}, "random_state": 0, "tol": 0}
    model = SoftmaxRegression(**parameters)
    metric = RowMetric(np.array([1.5, -2.0]), np.array([0.5, 4.0]), 6.5, 9.5, 0.25, np.eye(2), 3.5)
    metric.inverse, metric.waiting = 2 * np.eye(2), 1.5
    stream = AveragedDescent(
        np.arange(9.0).reshape(3, 3) / 8, np.array([0.25, 0.25, 0.0]), metric, 7.0, 100.0
    )
    stream.average = stream.parameters / 4
    vars(model).update(
        coef_=np.array([[0.5, -1.25], [0.0, 3.0], [-0.5, 2.0**-30]]),
        intercept_=np.array([0.1, -0.2, 0.1]),
        classes_=np.array(["blåbær", "lingon", "nul\0"], dtype=object),
        feature_names_in_=np.array(["width", "height"], dtype=object),
        n_features_in_=2,
        n_iter_=2,
        loss_curve_=np.array([1.5, 0.75]),
        validation_curve_=np.array([1.25, 1.0]),
        optimality_gap_=2.0**-20,
        converged_=True,
        l2_=model.l2,
        _velocity=np.arange(9) / 10,
        _epoch=2,
        _draws=Draws(np.random.default_rng(0)),
        _stream=stream,
    )
    return model


def test_the_golden_file():
    """Written by version 0.1.0, once: ``golden_model().save(GOLDEN[2])``."""
    assert_same(SoftmaxRegression.load(GOLDEN[2]), golden_model())


def test_the_golden_file_of_format_1():
    """Its stream goes on where it stood, after as many rows, with a metric that begins anew."""
    model = golden_model()
    model._stream.metric, model._stream.behind = RowMetric(np.zeros(2), np.zeros(2)), 0.0
    assert_same(SoftmaxRegression.load(GOLDEN[1]), model)


def former(model):
    """The model with its stream as a pickle of format 1 has it."""
    numbers = {"moment_weight": 6.5, "rows": 7, "steps": 2, "rows_at_renewal": 4}
    kept = {name: vars(model._stream)[name] for name in ("parameters", "average", "penalty")}
    vars(model._stream).clear()
    vars(model._stream).update(kept | numbers | {"moment": np.eye(3), "metric": 2 * np.eye(3)})
    return model


@pytest.mark.parametrize("again", ["file", "pickle"])
def test_a_stream_of_format_1_learns_on(again):
    if again == "file":
        model = SoftmaxRegression.load(GOLDEN[1])
    else:
        model = pickle.loads(pickle.dumps(former(golden_model())))
    # The golden stream is not where its made-up parameters are.
    average = model._stream.average
    model.coef_, model.intercept_ = average[:, :2].copy(), average[:, 2].copy()
    before = average.copy()
    del model.feature_names_in_
    X = np.random.default_rng(0).normal(size=(30, 2))
    model.set_params(class_weight=None).partial_fit(X, model.classes_[np.arange(30) % 3])
    assert model._stream.rows > 30
    assert np.isfinite(model.coef_).all()
    assert not np.array_equal(model._stream.average, before)


# What cannot be held is refused before anything is written

REFUSED = {
    "schedule": ({"learning_rate": lambda _: 0.1}, "learning_rate is a function"),
    "callback": ({"callback": print}, "callback is a builtin_function_or_method"),
    "generator": ({"random_state": np.random.default_rng(0)}, "random_state is a Generator"),
    "random state": ({"random_state": np.random.RandomState(0)}, "random_state is a RandomState"),
    "seeds": ({"random_state": np.random.SeedSequence(0)}, "random_state is a SeedSequence"),
    "key": ({"class_weight": {(1, 2): 1.0}}, "a key of class_weight is a tuple"),
}


@pytest.mark.parametrize(("parameters", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_parameters_that_are_no_plain_values(parameters, message, tmp_path):
    model = fitted().set_params(**parameters)
    with pytest.raises(TypeError, match=f"{message}.*pickle"):
        model.save(tmp_path / "model")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "labels",
    [
        np.array([Decimal(1), Decimal(2)]),
        np.array(["a", 1], dtype=object),
        np.array([1, 2], dtype=np.longdouble),
    ],
    ids=["decimal", "mixed", "long double"],
)
def test_labels_that_no_file_can_hold(labels, tmp_path):
    model = fitted((0, 1))
    model.classes_ = labels
    with pytest.raises(TypeError, match=r"labels of type .*pickle"):
        model.save(tmp_path / "model")
    assert not list(tmp_path.iterdir())


def test_a_generator_of_another_kind_is_refused(tmp_path):
    model = fitted(random_state=np.random.Generator(np.random.MT19937(0)), max_iter=1)
    with pytest.raises(TypeError, match=r"MT19937 generator.*pickle"):
        model.set_params(random_state=None).save(tmp_path / "model")


def test_an_unfitted_model_is_refused(tmp_path):
    with pytest.raises(NotFittedError, match="not fitted yet"):
        SoftmaxRegression().save(tmp_path / "model")


WRONG = {
    "parameter": ({"l2": -1}, "l2 must be finite, >= 0"),
    "coefficients": ({"coef_": np.full((3, 4), np.nan)}, "coef_ must be finite"),
    "curve": ({"loss_curve_": np.zeros(3, dtype=int)}, "loss_curve_ must be float32 or float64"),
    "shape": ({"intercept_": np.zeros(4)}, r"intercept_ of shape \(4,\) does not fit"),
    "flat": ({"loss_curve_": np.zeros((2, 2))}, r"loss_curve_ of shape \(2, 2\) does not fit"),
    "names": ({"feature_names_in_": np.array(["x"])}, "feature_names_in_ must hold 4 strings"),
    "wide": ({"classes_": np.array(["a", "b", "c"], "<U9999999")}, r"use y.astype\(object\)"),
    "long": ({"classes_": np.array(["a", "b", "c" * (1 << 24)], object)}, "use pickle"),
}


@pytest.mark.parametrize(("attributes", "message"), WRONG.values(), ids=WRONG.keys())
def test_a_model_that_could_not_be_loaded_is_not_saved(attributes, message, tmp_path):
    """Saving checks what loading checks, so that a mistake shows while the model is there."""
    model = fitted()
    vars(model).update(attributes)
    with pytest.raises(ValueError, match=message):
        model.save(tmp_path / "model")
    assert not list(tmp_path.iterdir())


# Slim files


def test_a_slim_file_predicts_the_same_and_holds_nothing_for_a_later_fit(tmp_path):
    model = streamed()
    model.save(tmp_path / "whole")
    model.save(tmp_path / "slim", slim=True)

    loaded = SoftmaxRegression.load(tmp_path / "slim")

    X = data()[0]
    assert (loaded.predict_proba(X) == model.predict_proba(X)).all()
    assert loaded.get_params() == model.get_params()
    assert (loaded.n_iter_, loaded.converged_) == (model.n_iter_, model.converged_)
    np.testing.assert_array_equal(loaded.loss_curve_, model.loss_curve_)
    assert not vars(loaded).keys() & {"_velocity", "_draws", "_stream"}
    with np.load(tmp_path / "slim") as file:
        assert set(file) == {
            "header", "coef_", "intercept_", "classes_", "loss_curve_", "validation_curve_",
        }  # fmt: skip
        assert json.loads(file["header"].tobytes())["generator"] is None
    assert (tmp_path / "slim").stat().st_size < (tmp_path / "whole").stat().st_size
    loaded.save(tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == (tmp_path / "slim").read_bytes()


def test_a_slim_file_of_a_generator_that_a_whole_one_cannot_hold(tmp_path):
    model = fitted(random_state=np.random.Generator(np.random.MT19937(0)), max_iter=1)
    model.set_params(random_state=None).save(tmp_path / "model", slim=True)
    assert SoftmaxRegression.load(tmp_path / "model").predict(data()[0]).shape == (len(data()[0]),)


@pytest.mark.parametrize("rate", ["auto", 0.1])
def test_a_slim_model_learns_on_from_its_parameters(rate, tmp_path):
    X, y = data()
    model = fitted(momentum=0.0).set_params(learning_rate=rate)
    model.save(tmp_path / "model", slim=True)
    by_hand = SoftmaxRegression(**model.get_params())
    by_hand.coef_, by_hand.intercept_, by_hand.classes_ = (
        model.coef_,
        model.intercept_,
        model.classes_,
    )

    loaded = SoftmaxRegression.load(tmp_path / "model").partial_fit(X, y)

    np.testing.assert_array_equal(loaded.coef_, by_hand.partial_fit(X, y).coef_)
    assert loaded.n_iter_ == model.n_iter_ + 1


# Paths


def test_a_missing_folder_is_named(tmp_path):
    path = tmp_path / "not" / "there"
    with pytest.raises(FileNotFoundError, match=r"No such folder; make it.*there") as caught:
        fitted().save(path / "model")
    assert caught.value.filename == str(path)


def test_what_cannot_be_written_is_named_and_no_temporary_file(tmp_path):
    (tmp_path / "file").touch()
    (tmp_path / "folder" / "inside").mkdir(parents=True)
    for path in (tmp_path / "file" / "model", tmp_path / "folder"):
        with pytest.raises(OSError) as caught:  # noqa: PT011 - which kind depends on the system
            fitted().save(path)
        assert caught.value.filename == str(path)
        assert ".tmp" not in str(caught.value)
        assert caught.value.errno


def test_an_error_without_a_number_is_let_through(tmp_path, monkeypatch):
    def fail(_):
        raise OSError

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match=r"^$"):
        fitted().save(tmp_path / "model")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "path", [None, 3, b"model", io.BytesIO()], ids=["none", "number", "bytes", "file"]
)
def test_what_is_no_path_is_refused_by_name(path):
    for call in (fitted().save, SoftmaxRegression.load):
        with pytest.raises(TypeError, match=r"path must be text or a pathlib\.Path, got"):
            call(path)


# Nothing is half written


@only_posix
def test_the_mode_of_an_older_file_is_kept(tmp_path):
    path = tmp_path / "model"
    path.touch()
    for mode in (0o600, 0o640, 0o755):
        path.chmod(mode)
        fitted().save(path)
        assert stat.S_IMODE(path.stat().st_mode) == mode


@only_posix
@pytest.mark.parametrize("umask", [0o022, 0o077, 0o000], ids=oct)
def test_a_new_file_gets_the_mode_the_umask_leaves(umask, tmp_path):
    before = os.umask(umask)
    try:
        fitted().save(tmp_path / "model")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "model").stat().st_mode) == 0o666 & ~umask


@only_posix
def test_a_link_goes_on_pointing_to_the_file(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "model")
    for _ in range(2):  # the target is new, then old
        fitted().save(tmp_path / "link")
        assert (tmp_path / "link").is_symlink()
    SoftmaxRegression.load(tmp_path / "model")


def test_the_path_is_taken_as_it_is(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    fitted().save("model")
    SoftmaxRegression.load(Path("model"))
    assert [path.name for path in tmp_path.iterdir()] == ["model"]
    with pytest.raises(FileNotFoundError):
        fitted().save(tmp_path / "absent" / "model")
    with pytest.raises(IsADirectoryError):
        fitted().save(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


@pytest.fixture
def older(tmp_path):
    """A path with a saved model, in a folder of its own."""
    path = tmp_path / "folder" / "model"
    path.parent.mkdir()
    fitted(max_iter=1).save(path)
    return path


def assert_whole(path, *contents):
    assert path.read_bytes() in contents
    assert [each.name for each in path.parent.iterdir()] == [path.name]


class HalfWritten(io.FileIO):
    """A file on a disk that fills up in the middle of a write."""

    def write(self, content):
        super().write(content[: len(content) // 2])
        raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("call", ["open", "write", "fsync", "chmod", "replace"])
@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "full"), KeyboardInterrupt()], ids=repr)
def test_a_failing_call_leaves_the_older_file(call, error, older, monkeypatch):
    before = older.read_bytes()

    def fail(*_, **__):
        raise error

    if call == "write":
        monkeypatch.setattr(
            _archive, "open", lambda path, *_, **__: HalfWritten(path, "xb"), raising=False
        )
        error = OSError()
    else:
        monkeypatch.setattr(os, call, fail)
    with pytest.raises(type(error)):
        fitted().save(older)
    monkeypatch.undo()
    assert_whole(older, before)


def test_a_disk_that_cannot_sync_folders_has_the_newer_file(older, monkeypatch):
    """The second fsync asks to remember the new name, when the new file is already in place."""
    calls = []

    def fail_second(descriptor):
        calls.append(descriptor)
        if len(calls) == 2:
            raise OSError(errno.EINVAL, "Invalid argument")

    monkeypatch.setattr(os, "fsync", fail_second)
    model = fitted()
    model.save(older)
    assert len(calls) == 2
    assert_same(SoftmaxRegression.load(older), model)


@only_linux
def test_a_real_limit_on_the_file_size_leaves_the_older_file(older):
    import resource

    before = older.read_bytes()
    model = fitted()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (500, limits[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            model.save(older)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert_whole(older, before)


def was_interrupted(task, function, count):
    """Run `task` with a KeyboardInterrupt before the count-th line of `function`, if it has one."""
    left, interrupted = [count], []

    def each_line(_, event, __):
        if event == "line":
            left[0] -= 1
            if left[0] == 0:
                raise KeyboardInterrupt
        return each_line

    def run():
        sys.settrace(lambda frame, *_: each_line if frame.f_code is function.__code__ else None)
        try:
            task()
        except KeyboardInterrupt:
            interrupted.append(True)

    # A thread of its own, since raising from a trace function may leave an exception behind.
    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return bool(interrupted)


# Python itself may be interrupted between the end of a with block and closing the file.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_an_interrupt_before_any_line_leaves_one_whole_file(older, tmp_path):
    model, before = fitted(), older.read_bytes()
    model.save(tmp_path / "new")
    after = (tmp_path / "new").read_bytes()
    line = 1
    while was_interrupted(lambda: model.save(older), _archive.replace, line):
        assert_whole(older, before, after)
        line += 1
    assert line > 8
    assert_whole(older, after)


# No damage goes unnoticed


def damaged(path):
    with pytest.raises(ModelFileError) as caught:
        SoftmaxRegression.load(path)
    assert str(caught.value) == f"not a softmax_regression model file or damaged: {path}"


@contextlib.contextmanager
def limited_memory(n_bytes):
    """Let the process map `n_bytes` more and nothing beyond; elsewhere than on Linux, anything."""
    if sys.platform != "linux":
        yield
        return
    import resource

    with contextlib.suppress(AttributeError):  # only glibc can give free memory back on demand
        ctypes.CDLL(None).malloc_trim(0)
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    limits = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (used + n_bytes, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, limits)


@only_linux
def test_the_memory_limit_of_these_tests_bites():
    with limited_memory(MEMORY_BYTES), pytest.raises(MemoryError):
        np.empty(MEMORY_BYTES + (1 << 20), dtype=np.uint8)


def mutated(content, rng):
    """Return `content` with one small fault of a random kind."""
    out = bytearray(content)
    start, length = int(rng.integers(len(out))), int(rng.integers(1, 64))
    kind = rng.integers(7)
    if kind == 0:
        out[start] ^= 1 << int(rng.integers(8))
    elif kind == 1:
        out[start : start + 8] = rng.bytes(8)[: len(out) - start]
    elif kind == 2:
        del out[start:]
    elif kind == 3:
        del out[start : start + length]
    elif kind == 4:
        out[start:start] = rng.bytes(length)
    elif kind == 5:
        out[start:start] = out[start : start + length]
    else:
        out[start : start + length] = bytes(min(length, len(out) - start))
    return bytes(out)


def overwrite(file, content):
    """Change what a file holds, far faster than by creating it anew."""
    file.seek(0)
    file.write(content)
    file.truncate()


def test_mutated_files_are_refused_or_the_same_model(tmp_path):
    """The zip format repeats some facts and ignores others, so not every mutation is damage."""
    rng, path = np.random.default_rng(0), tmp_path / "model"
    fitted_on_names().save(path)
    strings = path.read_bytes()
    fitted(LABELS["dates"], np.float32).partial_fit(*data(LABELS["dates"])).save(path)
    originals = (strings, path.read_bytes())
    refused = 0
    with limited_memory(MEMORY_BYTES), path.open("r+b", buffering=0) as file:
        for turn in range(MUTATIONS):
            overwrite(file, mutated(originals[turn % 2], rng))
            try:
                model = SoftmaxRegression.load(path)
            except ModelFileError:
                refused += 1
            else:
                assert _persistence._to_bytes(model) == originals[turn % 2]
    assert refused > MUTATIONS / 2


@pytest.mark.parametrize("content", [b"", b"PK", b"\x00" * 4096, b"not a model", b"PK\x05\x06"])
def test_other_files_are_refused(content, tmp_path):
    (tmp_path / "model").write_bytes(content)
    damaged(tmp_path / "model")


def test_a_file_that_cannot_be_opened_is_no_damage(tmp_path):
    with pytest.raises(FileNotFoundError):
        SoftmaxRegression.load(tmp_path / "absent")


def rewritten(original, header=None, members=None, compression=zipfile.ZIP_STORED):
    """Return a model file with changes to its header or members, and with valid checksums."""
    with zipfile.ZipFile(io.BytesIO(original)) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    described = json.loads(content["header.npy"][128:])
    described = described | header(described) if callable(header) else described | (header or {})
    content["header.npy"] = npy(np.frombuffer(json.dumps(described).encode(), np.uint8))
    content |= members or {}
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        for name, data in content.items():
            if data is not None:
                archive.writestr(name, data)
    return file.getvalue()


def rewrite(path, *changes, **named_changes):
    path.write_bytes(rewritten(path.read_bytes(), *changes, **named_changes))


def npy(array):
    return _archive.npy_header(array.dtype.str, array.shape) + array.tobytes()


def arrays(**changed):
    """A change to what the header says of arrays: their dtype and shape, None for no such array."""

    def change(header):
        described = header["arrays"] | changed
        return {"arrays": {name: value for name, value in described.items() if value}}

    return change


HUGE = 1 << 40
NAN = np.full((3, 4), np.nan)
RANDOM = fitted()._draws.generator.bit_generator.state
FORGED = {
    "shape of 8 TiB": {"header": arrays(coef_=["<f8", [HUGE, 1]])},
    "shape and file of 8 TiB": {
        "header": arrays(coef_=["<f8", [HUGE, 1]]),
        "members": {"coef_.npy": _archive.npy_header("<f8", (HUGE, 1))},
    },
    "other shape of that size": {"header": arrays(coef_=["<f8", [4, 3]])},
    "other shape": {
        "header": arrays(coef_=["<f8", [4, 3]]),
        "members": {"coef_.npy": npy(NAN.T.copy())},
    },
    "negative shape": {"header": arrays(coef_=["<f8", [-3, -4]])},
    "fractional shape": {"header": arrays(coef_=["<f8", [3.0, 4]])},
    "object array": {
        "header": arrays(coef_=["|O", [3, 4]]),
        "members": {"coef_.npy": npy(np.zeros((3, 4), object))},
    },
    "pickle": {"members": {"coef_.npy": pickle.dumps(NAN)}},
    "header that is a pickle": {"members": {"header.npy": pickle.dumps({})}},
    "integers": {
        "header": arrays(coef_=["<i8", [3, 4]]),
        "members": {"coef_.npy": npy(np.zeros((3, 4), "<i8"))},
    },
    "NaN weights": {"members": {"coef_.npy": npy(NAN)}},
    "missing member": {"members": {"coef_.npy": None}},
    "missing header": {"members": {"header.npy": None}},
    "missing array": {"header": arrays(coef_=None), "members": {"coef_.npy": None}},
    "member too many": {"members": {"evil.npy": b""}},
    "member of another name": {"members": {"../coef_.npy": b""}},
    "compressed": {"compression": zipfile.ZIP_DEFLATED},
    "zip bomb": {
        "members": {"header.npy": bytes(1 << 25)},
        "compression": zipfile.ZIP_DEFLATED,
    },
    "long header": {"members": {"header.npy": npy(np.full((1 << 24) + 1, 32, np.uint8))}},
    "deep header": {"members": {"header.npy": npy(np.full(1 << 17, ord("["), np.uint8))}},
    "NaN in the header": {"header": {"optimality_gap": math.nan}},
    "other format": {"header": {"format": "another"}},
    "version 0": {"header": {"version": 0}},
    "version 1.0": {"header": {"version": 1.0}},
    "wide labels": {"header": {"labels": {"kind": "<U9999999", "values": ["a", "b", "c"]}}},
    "cut labels": {"header": {"labels": {"kind": "<U1", "values": ["a", "b", "cc"]}}},
    "number as label": {"header": {"labels": {"kind": "object", "values": ["a", "b", 3]}}},
    "equal labels": {"header": {"labels": {"kind": "object", "values": ["a", "b", "b"]}}},
    "other stream": {"header": {"stream": dict.fromkeys(_persistence.STREAM_NUMBERS, 0)}},
    "two labels": {"header": {"labels": {"kind": "StringDType", "values": ["a", "b"]}}},
    "number as name": {"header": {"feature_names": ["a", "b", "c", 4]}},
    "unknown parameter": {"header": {"parameters": {"C": 1.0}}},
    "illegal parameter": {"header": {"parameters": {"l2": -1.0}}},
    "epoch -1": {"header": {"epoch": -1}},
    "other generator": {"header": {"generator": RANDOM | {"bit_generator": "MT19937"}}},
    "generator out of range": {"header": {"generator": RANDOM | {"has_uint32": 1 << 33}}},
    "generator that rounds": {"header": {"generator": RANDOM | {"uinteger": 1.5}}},
}


@pytest.mark.parametrize("forgery", FORGED.values(), ids=FORGED.keys())
def test_forged_files_are_refused_within_the_memory_limit(forgery, tmp_path):
    """Checksums hold here, so that only the checks of the loader stand in the way."""
    path = tmp_path / "model"
    fitted().save(path)
    rewrite(path)
    SoftmaxRegression.load(path)
    rewrite(path, **forgery)
    with limited_memory(MEMORY_BYTES):
        damaged(path)


def test_a_stream_of_another_shape_is_refused(tmp_path):
    path = tmp_path / "model"
    streamed().save(path)
    penalty = {"_stream.penalty": ["<f8", [2]]}
    rewrite(path, arrays(**penalty), {"_stream.penalty.npy": npy(np.zeros(2))})
    damaged(path)


def test_a_repeated_member_is_refused(tmp_path):
    fitted().save(tmp_path / "model")
    with warnings.catch_warnings(), zipfile.ZipFile(tmp_path / "model", "a") as archive:
        warnings.simplefilter("ignore", UserWarning)  # zipfile's own, about the repetition
        archive.writestr("coef_.npy", archive.read("coef_.npy"))
    damaged(tmp_path / "model")


def leaves(value, path=()):
    """Yield the path to every value in a JSON document, inner ones too."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, item in items:
        yield (*path, key)
        if isinstance(item, (dict, list)):
            yield from leaves(item, (*path, key))


def test_a_header_with_any_value_replaced_gives_a_model_or_the_one_error(tmp_path):
    """Whoever loads it gets a model that predicts, or ModelFileError, and no other surprise."""
    junk = [None, True, -1, 0, 1, 2**70, 0.5, -1e308, "", "auto", "<f8", "PCG64", [], [1], {}]
    junk += [{"keys": [[]], "values": [1]}, ["a", "b", "c"], "|V9", "<M8[7q]", "<U0", "<f2"]
    path = tmp_path / "model"
    fitted(class_weight={"a": 2.0}).save(path)
    original, X = path.read_bytes(), data()[0]
    with zipfile.ZipFile(path) as archive:
        header = json.loads(archive.read("header.npy")[128:])
    places, rng = list(leaves(header)), np.random.default_rng(0)
    n_loaded = 0
    with path.open("r+b", buffering=0) as file:
        for _ in range(REWRITTEN_HEADERS):
            changed = copy.deepcopy(header)
            *outer, last = places[rng.integers(len(places))]
            target = changed
            for key in outer:
                target = target[key]
            target[last] = junk[rng.integers(len(junk))]
            overwrite(file, rewritten(original, changed))
            with contextlib.suppress(ModelFileError):
                model = SoftmaxRegression.load(path)
                assert np.isfinite(model.predict_proba(X)).all()
                n_loaded += 1
    assert 0 < n_loaded < REWRITTEN_HEADERS


@pytest.mark.parametrize("extra", [{}, {"library": None}], ids=["named", "unnamed"])
def test_a_newer_format_is_refused_by_its_version(extra, tmp_path):
    path = tmp_path / "model"
    fitted().save(path)
    rewrite(path, {"version": 4, "library": "9.8", "arrays": "unknown"} | extra)
    with pytest.raises(ModelFileError, match=r"has format version 4, .*up to version 3") as caught:
        SoftmaxRegression.load(path)
    assert str(path) in str(caught.value)
    assert __version__ in str(caught.value)
    assert str(extra.get("library", "9.8")) in str(caught.value)


def test_an_unknown_entry_of_the_header_is_ignored(tmp_path):
    path = tmp_path / "model"
    fitted().save(path)
    rewrite(path, {"note": "from elsewhere"})
    assert_same(SoftmaxRegression.load(path), fitted())


def test_want_of_memory_is_not_called_damage(tmp_path, monkeypatch):
    def no_memory(*_, **__):
        raise MemoryError

    fitted().save(tmp_path / "model")
    monkeypatch.setattr(json, "loads", no_memory)
    with pytest.raises(MemoryError):
        SoftmaxRegression.load(tmp_path / "model")


# Pickle


def test_pickle_and_copy_keep_everything():
    model = fitted()
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        assert_same(pickle.loads(pickle.dumps(model, protocol)), model)
    assert_same(copy.copy(model), model)
    assert_same(copy.deepcopy(model), model)
    unfitted = SoftmaxRegression(callback=print)
    assert_same(pickle.loads(pickle.dumps(unfitted)), unfitted)


def pickled_by(version, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(_persistence, "__version__", version)
        return pickle.dumps(fitted())


MAJOR, MINOR = map(int, __version__.split(".")[:2])


@pytest.mark.parametrize("version", [f"{MAJOR + 1}.{MINOR}.0", f"{MAJOR}.{MINOR + 1}.0"])
def test_a_pickle_of_another_major_or_minor_version_warns(version, monkeypatch):
    content = pickled_by(version, monkeypatch)
    with pytest.warns(InconsistentVersionWarning) as caught:
        model = pickle.loads(content)
    assert_same(model, fitted())
    warning = caught[0].message
    assert version in str(warning)
    assert __version__ in str(warning)
    assert caught[0].filename == __file__
    told = (warning.estimator_name, warning.current_version, warning.original_version)
    assert told == ("SoftmaxRegression", __version__, version)


def test_a_pickle_of_another_patch_does_not_warn(monkeypatch):
    pickle.loads(pickled_by(f"{MAJOR}.{MINOR}.99", monkeypatch))


def test_a_pickle_with_a_generator_of_its_own_goes_on_drawing_from_it():
    state = fitted().__getstate__()
    del state["_draws"]
    state["_generator"] = np.random.default_rng(7)
    again = SoftmaxRegression()
    again.__setstate__(state)
    assert again._draws.generator is state["_generator"]
    assert "_generator" not in vars(again)


def test_a_pickle_without_a_version_warns():
    model = SoftmaxRegression()
    with pytest.warns(InconsistentVersionWarning, match="unknown"):
        model.__setstate__(vars(fitted()))
    assert_same(model, fitted())


def test_scikit_learns_filter_catches_the_warning_too(monkeypatch):
    """A stand-in with the signature of scikit-learn 1.9's class; the real one in tests/interop."""

    class Theirs(UserWarning):
        def __init__(self, *, estimator_name, current_sklearn_version, original_sklearn_version):
            self.versions = estimator_name, current_sklearn_version, original_sklearn_version

        def __str__(self):
            return str(self.versions)

    module = types.ModuleType("sklearn.exceptions")
    module.InconsistentVersionWarning = Theirs
    content = pickled_by("99.0", monkeypatch)
    monkeypatch.setitem(sys.modules, "sklearn.exceptions", module)
    with pytest.warns(Theirs, match=r"pickled with softmax_regression 99\.0") as caught:
        pickle.loads(content)
    assert isinstance(caught[0].message, InconsistentVersionWarning)
    again = pickle.loads(pickle.dumps(caught[0].message))
    assert str(again) == str(caught[0].message)
    assert isinstance(again, Theirs)


# An l2 for each column


@pytest.mark.parametrize("slim", [False, True])
@pytest.mark.parametrize(
    "l2", [[0, 1], np.array([0.1, 0.2], np.float32), np.array([0.0, 0.5])], ids=range(3)
)
def test_an_l2_for_each_column_comes_back_as_an_array(l2, slim, tmp_path):
    rows = np.random.default_rng(0).normal(size=(40, 2))
    model = SoftmaxRegression(l2=l2).fit(rows, np.arange(40) % 3)
    model.save(tmp_path / "model", slim=slim)
    other = SoftmaxRegression.load(tmp_path / "model")
    assert other.l2.dtype == np.float64
    assert other.l2.tolist() == np.asarray(l2, float).tolist()
    np.testing.assert_array_equal(other.coef_, model.coef_)
    again = [each.set_params(warm_start=True, max_iter=1000).fit(rows, np.arange(40) % 3).coef_
             for each in (model, other)]  # fmt: skip
    np.testing.assert_allclose(*again, atol=1e-3 if slim else 0.0)
    with np.load(tmp_path / "model") as file:
        assert file["l2"].tolist() == other.l2.tolist()


def test_only_a_file_with_an_l2_for_each_column_needs_a_newer_library(monkeypatch, tmp_path):
    """An older one says so, and does not take the file for damaged or for a fit of another l2."""
    rows = np.random.default_rng(0).normal(size=(40, 2))
    for l2 in (0.1, [0.0, 0.1]):
        SoftmaxRegression(l2=l2).fit(rows, np.arange(40) % 3).save(tmp_path / f"{np.ndim(l2)}")
    monkeypatch.setattr(_persistence, "VERSION", 2)
    assert SoftmaxRegression.load(tmp_path / "0").l2 == 0.1
    with pytest.raises(ModelFileError, match=r"has format version 3.*Install a newer"):
        SoftmaxRegression.load(tmp_path / "1")


def test_the_l2_of_a_foreign_file_is_checked(tmp_path):
    path = tmp_path / "model"
    rows = np.random.default_rng(0).normal(size=(40, 2))
    model = SoftmaxRegression(l2=[0.25, 0.5]).fit(rows, np.arange(40) % 3)
    model.save(path)
    with np.load(path) as file:
        members = {name: file[name] for name in file.files}
    for wrong in (-0.25, np.nan, np.inf):
        path.write_bytes(_archive.pack(members | {"l2": np.array([0.25, wrong])}))
        with pytest.raises(ModelFileError, match="damaged") as caught:
            SoftmaxRegression.load(path)
        assert "l2[1] must be finite" in str(caught.value.__cause__)
    path.write_bytes(_archive.pack(members))
    assert SoftmaxRegression.load(path).l2.tolist() == [0.25, 0.5]


def test_a_subclass_that_chooses_l2_itself_is_saved_without_it(tmp_path):
    class Fixed(SoftmaxRegression):
        def __init__(self):
            super().__init__(l2=[0.0, 0.1])

    rows = np.random.default_rng(0).normal(size=(40, 2))
    Fixed().fit(rows, np.arange(40) % 3).save(tmp_path / "model")
    assert Fixed.load(tmp_path / "model").l2 == [0.0, 0.1]


@pytest.mark.parametrize("copied", [lambda m: pickle.loads(pickle.dumps(m)), copy.deepcopy])
def test_a_pickle_or_copy_has_the_same_l2_for_each_column(copied):
    model = SoftmaxRegression(l2=np.array([0.1, 0.2]))
    other = copied(model)
    assert other.l2 is not model.l2
    assert other.l2.tolist() == [0.1, 0.2]


def test_the_l2_of_the_fit_is_kept_whatever_is_asked_for_by_now(tmp_path):
    """An array and a number, either way round; a file whose array does not fit is refused."""
    for used, asked in ((np.array([0.1, 0.2]), 0.3), (0.3, np.array([0.1, 0.2]))):
        model = SoftmaxRegression(l2=used).fit([[0.0, 1.0], [1.0, 0.5], [2.0, 0.0]], [0, 1, 0])
        model.set_params(l2=asked).save(tmp_path / "model.npz")
        loaded = SoftmaxRegression.load(tmp_path / "model.npz")
        np.testing.assert_array_equal(loaded.l2_, used)
        np.testing.assert_array_equal(loaded.l2, asked)
        assert type(loaded.l2_) is type(used)


@pytest.mark.parametrize("wrong", [[0.1], [0.1, -0.2]])
def test_an_l2_of_the_fit_that_cannot_be_is_refused(tmp_path, wrong):
    model = SoftmaxRegression(l2=[0.1, 0.2]).fit([[0.0, 1.0], [1.0, 0.5], [2.0, 0.0]], [0, 1, 0])
    model.l2_ = np.array(wrong)
    model.save(tmp_path / "model.npz")
    with pytest.raises(ModelFileError) as caught:
        SoftmaxRegression.load(tmp_path / "model.npz")
    assert "l2_ of shape" in str(caught.value.__cause__)
