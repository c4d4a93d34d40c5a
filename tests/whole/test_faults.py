"""Every way of giving bad input: what is raised, and that nothing else has happened.

The rows are numbered; a refused call names its row, its error and a fragment of its message, and
leaves the model, the inputs, NumPy's global random state and its error state as they were.
"""

import multiprocessing
import pickle
import sys
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import product

import numpy as np
import pytest
from strategies import Csr, global_states, model_at, named, plain, thinned
from tolerances import EPS, EPS32, REORDERED

from softmax_regression import (
    ConvergenceWarning,
    DataConversionWarning,
    DivergenceError,
    NotFittedError,
    SoftmaxRegression,
    cross_entropy,
    cross_entropy_gradient,
    log_softmax,
    softmax,
)

RNG = np.random.default_rng(7)
X = RNG.normal(size=(30, 3))
Y = np.arange(30) % 3
NAMES = np.array(["ash", "birch", "cedar"])[Y]
NAN, INF = float("nan"), float("inf")


def with_entry(array, index, value, dtype=None):
    """A copy with one entry replaced."""
    copy = np.array(array, dtype=dtype)
    copy[index] = value
    return copy


class Frame:
    """The least a data frame must have: column names, and a way to become an array."""

    def __init__(self, columns, values=X):
        self.columns = columns
        self.values = np.asarray(values)

    def __array__(self, dtype=None, copy=None):
        return np.array(self.values, dtype=dtype, copy=copy)


def fitted(**settings):
    return plain(**settings).fit(X, Y)


def everything_about(*things):
    """What must not change: the things themselves, the global random state, the error state."""
    models = (vars(thing) if isinstance(thing, SoftmaxRegression) else thing for thing in things)
    return pickle.dumps(list(models)), global_states()


@contextmanager
def nothing_changes(*things):
    before = everything_about(*things)
    yield
    assert everything_about(*things) == before


def refuse(call, model, arguments, error, fragment):
    """The call raises the error with the fragment, and changes nothing."""
    with nothing_changes(model, *arguments), pytest.raises(error, match=fragment) as caught:
        call(model, *arguments)
    assert len(str(caught.value)) < 500  # never the whole array


def row(number, name, error, fragment, *arguments):
    return pytest.param(error, fragment, arguments, id=f"{number}-{name}")


# X, wherever it is taken

BAD_X = [
    row(1, "nan", ValueError, r"Input X contains NaN: X\[3, 1\] is nan", with_entry(X, (3, 1), NAN)),
    row(1, "nan_f32", ValueError, r"contains NaN: X\[0, 2\]", with_entry(X, (0, 2), NAN, "f4")),
    row(1, "none", ValueError, r"contains NaN: X\[3, 1\] is None", with_entry(X, (3, 1), None, "O")),
    row(2, "inf", ValueError, r"infinity or a value too large for float64: X\[4, 0\] is inf",
        with_entry(X, (4, 0), INF)),
    row(2, "minus_inf", ValueError, r"too large for float64: X\[4, 0\] is -inf",
        with_entry(X, (4, 0), -INF)),
    row(2, "inf_f32", ValueError, "too large for float32", with_entry(X, (4, 0), INF, "f4")),
    row(3, "longdouble", ValueError, "infinity or a value too large for float64",
        with_entry(X, (4, 0), np.longdouble("1e400"), "g")),
    row(3, "int", ValueError, "infinity or a value too large", with_entry(X, (4, 0), 10**400, "O")),
    row(4, "1d", ValueError, r"Expected 2D array, got 1D array.*reshape\(-1, 1\)", X[:, 0]),
    row(5, "3d", ValueError, "Expected 2D array, got 3D", X[:, :, None]),
    row(5, "0d", ValueError, "Expected 2D array, got 0D", np.float64(3.0)),
    row(5, "missing", ValueError, "Expected 2D array, got NoneType", None),
    row(5, "ragged", ValueError, "rows of different lengths", [[1, 2, 3], [4, 5]]),
    row(8, "no_features", ValueError, "0 feature|has 0 features", X[:, :0]),
    row(11, "strings", ValueError, r"could not convert string to float", X.astype(str)),
    row(11, "one_string", ValueError, r"convert string to float: X\[2, 1\] is 'tall'",
        with_entry(X, (2, 1), "tall", "O")),
    row(11, "bytes", ValueError, "could not convert string to float", X.astype("S")),
    row(12, "complex", ValueError, "Complex data not supported", X + 1j),
    row(12, "object_complex", ValueError, r"Complex data not supported: X\[2, 1\]",
        with_entry(X, (2, 1), 1j, "O")),
    row(13, "datetime", TypeError, "must hold numbers, got dtype datetime64", X.astype("M8[s]")),
    row(13, "timedelta", TypeError, "must hold numbers, got dtype timedelta64", X.astype("m8[s]")),
    row(13, "dict", TypeError, r"must hold numbers.*X\[2, 1\] is of type dict",
        with_entry(X, (2, 1), {}, "O")),
    row(14, "masked", TypeError, "masked values are not supported; fill or drop them",
        np.ma.masked_less(X, 0)),
    row(14, "matrix", TypeError, "np.matrix", X.view(np.matrix)),
    row(15, "sparse_nan", ValueError, r"contains NaN: X\[3, 1\] is nan",
        Csr(with_entry(X * (X > 0), (3, 1), NAN))),
    row(15, "sparse_complex", ValueError, "Complex data", Csr(X + 1j)),
]  # fmt: skip

USES = {
    "fit": lambda model, bad: model.fit(bad, Y),
    "partial_fit": lambda model, bad: model.partial_fit(bad, Y),
    "validation": lambda model, bad: model.fit(X, Y, validation_data=(bad, Y)),
    "decision_function": lambda model, bad: model.decision_function(bad),
    "predict": lambda model, bad: model.predict(bad),
    "predict_proba": lambda model, bad: model.predict_proba(bad),
    "predict_log_proba": lambda model, bad: model.predict_log_proba(bad),
    "score": lambda model, bad: model.score(bad, Y),
    "loss": lambda model, bad: model.loss(bad, Y),
    "gradient": lambda model, bad: model.gradient(bad, Y),
}


@pytest.mark.parametrize(("error", "fragment", "arguments"), BAD_X)
def test_bad_x(error, fragment, arguments):
    if getattr(arguments[0], "dtype", None) == np.longdouble and np.finfo("g").maxexp <= 1024:
        pytest.skip("longdouble is float64 here")
    model = fitted()
    for use, call in USES.items():
        told = fragment
        if use == "validation":
            told = told.replace(r"X\[", r"validation_data\[0\]\[")
            told = told.replace("Input X", r"Input validation_data\[0\]")
        with named(use):
            refuse(call, model, arguments, error, told)


@pytest.mark.parametrize(("error", "fragment", "arguments"), BAD_X)
def test_bad_x_leaves_an_unfitted_model_unfitted(error, fragment, arguments):
    refuse(USES["fit"], plain(), arguments, error, fragment)


# What fit refuses, from a fresh and from a fitted model

BAD_FIT = [
    row(6, "no_rows", ValueError, r"0 sample\(s\) \(shape=\(0.*\) while a minimum of 1",
        X[:0], Y[:0]),
    row(9, "one_sample", ValueError, "needs at least 2 classes.*only one class: 0", X[:1], Y[:1]),
    row(9, "one_class", ValueError, "only one class: ash", X, np.full(30, "ash")),
    row(9, "one_column", ValueError, "only one class", X, np.ones((30, 1))),
    row(22, "continuous", ValueError, r"Unknown label type: continuous.*y\[0\].*regression", X, X[:, 0]),
    row(24, "nan", ValueError, r"Input y contains NaN: y\[4\]", X, with_entry(Y, 4, NAN, float)),
    row(24, "nan_object", ValueError, r"Input y contains NaN: y\[4\]", X, with_entry(NAMES, 4, NAN, "O")),
    row(24, "nan_row", ValueError, r"Input y contains NaN.*row 4", X, with_entry(np.eye(3)[Y], 4, NAN)),
    row(24, "inf", ValueError, r"Input y contains infinity: y\[4\]", X, with_entry(Y, 4, INF, float)),
    row(25, "none_first", ValueError, r"y\[0\] is None", X, with_entry(NAMES, 0, None, "O")),
    row(25, "none_list", ValueError, r"y\[1\] is None", X[:2], [1, None]),
    row(25, "no_y", ValueError, "y is None", X, None),
    row(26, "mixed", TypeError, "y mixes int and str", X, with_entry(Y, 0, "a", "O")),
    row(26, "mixed_list", TypeError, "y mixes int and str", X[:2], [1, "a"]),
    row(26, "mixed_bool", TypeError, "y mixes bool and str", X[:2], [True, "a"]),
    row(27, "length", ValueError, r"inconsistent numbers of samples: \[30, 29\]", X, Y[:-1]),
    row(27, "length_rows", ValueError, r"samples: \[30, 29\]", X, np.eye(3)[Y[:-1]]),
    row(29, "multilabel", ValueError, "probability row.*or class labels.*multilabel",
        X, with_entry(np.eye(3)[Y], (0, 1), 1)),
    row(29, "multioutput", ValueError, "labels of shape.*or one probability row",
        X, np.stack([NAMES, NAMES], axis=1)),
    row(29, "3d", ValueError, "one- or two-dimensional", X, np.ones((30, 3, 1))),
    row(29, "scalar", ValueError, "one- or two-dimensional", X, 1),
    row(30, "sum", ValueError, "sum 1: row 5 has minimum 0.0 and sum 0.9",
        X, with_entry(np.eye(3)[Y], 5, [0.9, 0, 0])),
    row(30, "negative", ValueError, "row 5 has minimum -0.5 and sum 1.0",
        X, with_entry(np.eye(3)[Y], 5, [1.5, -0.5, 0])),
    row(30, "just_off", ValueError, "row 5", X, with_entry(np.eye(3)[Y], 5, [1 + 1e-7, 0, 0])),
    row(36, "negative", ValueError, r"Negative values in data passed to `sample_weight`: .*\[2\] is -1",
        X, Y, with_entry(np.ones(30), 2, -1)),
    row(37, "zero", ValueError, "at least one non-zero number, but sample_weight gives every row",
        X, Y, np.zeros(30)),
    row(39, "nan", ValueError, r"Input sample_weight contains NaN: sample_weight\[2\]",
        X, Y, with_entry(np.ones(30), 2, NAN)),
    row(39, "inf", ValueError, r"sample_weight contains infinity: sample_weight\[2\]",
        X, Y, with_entry(np.ones(30), 2, INF)),
    row(39, "length", ValueError, r"sample_weight.shape == \(29,\), expected \(30,\)", X, Y, np.ones(29)),
    row(39, "2d", ValueError, r"sample_weight.shape == \(30, 1\), expected", X, Y, np.ones((30, 1))),
    row(39, "scalar", ValueError, r"sample_weight.shape == \(\)", X, Y, 2.0),
    row(39, "text", TypeError, "sample_weight must hold numbers", X, Y, np.full(30, "2")),
    row(39, "object_text", TypeError, r"sample_weight must hold numbers.*\[0\] is '2'",
        X, Y, np.full(30, "2", object)),
    row(39, "complex", TypeError, "sample_weight must hold numbers", X, Y, np.ones(30) + 0j),
    row(39, "ragged", ValueError, "sample_weight must be an array, got rows of different lengths",
        X, Y, [[1.0], [1.0, 2.0]]),
    row(39, "huge", ValueError, "sample_weight holds an integer too large", X, Y, [10**400] * 30),
    row(39, "masked", TypeError, "sample_weight is a masked array.*fill or drop", X, Y, np.ma.masked_less(X[:, 0], 0)),
    row(14, "masked_y", TypeError, "y is a masked array", X, np.ma.masked_equal(Y, 1)),
    row(15, "sparse_y", TypeError, r"y is sparse; pass y.toarray\(\)", X, Csr(np.eye(3)[Y])),
    row(12, "complex_y", ValueError, "Complex data not supported: y", X, Y + 1j),
    row(5, "ragged_y", ValueError, "y must be an array, got rows of different lengths", X[:2], [[1], [2, 3]]),
    row(11, "mixed_names", TypeError, "string names", Frame(["a", "b", 3]), Y),
]  # fmt: skip


@pytest.mark.parametrize(("error", "fragment", "arguments"), BAD_FIT)
@pytest.mark.filterwarnings("ignore::softmax_regression.DataConversionWarning")
def test_bad_fit(error, fragment, arguments):
    for state, model in {
        "fresh": plain(), "fitted": fitted(), "warm": fitted(warm_start=True),
    }.items():  # fmt: skip
        with named(state):
            refuse(SoftmaxRegression.fit, model, arguments, error, fragment)


@pytest.mark.parametrize(
    ("error", "fragment", "arguments"),
    [case for case in BAD_FIT if case.id.partition("-")[0] not in ("6", "9", "37")],
)
def test_bad_partial_fit(error, fragment, arguments):
    def call(model, X, y, weight=None):
        return model.partial_fit(X, y, sample_weight=weight)

    refuse(call, fitted(), arguments, error, fragment)


@pytest.mark.parametrize(
    ("error", "fragment", "arguments"),
    [case for case in BAD_FIT if case.id.partition("-")[0] not in ("9",)],
)
def test_bad_rows_to_judge(error, fragment, arguments):
    model = fitted()
    for method in (SoftmaxRegression.loss, SoftmaxRegression.gradient, SoftmaxRegression.score):
        with named(method.__name__):
            refuse(method, model, arguments, error, fragment)


@pytest.mark.parametrize(
    ("settings", "error", "fragment"),
    [
        ({"l2": -1}, ValueError, "l2 must be finite, >= 0, got -1"),
        ({"l2": NAN}, ValueError, "l2 must be finite.*got nan"),
        ({"l1": True}, TypeError, "l1 must be a number, got True"),
        ({"learning_rate": 0}, ValueError, "learning_rate must be finite, > 0, got 0"),
        ({"learning_rate": "fast"}, ValueError, "learning_rate must be 'auto' or .*got 'fast'"),
        ({"batch_size": 0}, ValueError, "batch_size must be >= 1, got 0"),
        ({"batch_size": 10.0}, TypeError, r"batch_size must be an integer, got 10\.0"),
        ({"momentum": 1.0}, ValueError, "momentum must be finite, >= 0 and < 1, got 1"),
        ({"max_iter": -1}, ValueError, "max_iter must be >= 0, got -1"),
        ({"tol": "0"}, TypeError, "tol must be a number, got '0'"),
        ({"fit_intercept": 1}, TypeError, "fit_intercept must be True or False, got 1"),
        ({"random_state": -3}, ValueError, "random_state must be >= 0, got -3"),
        ({"callback": 3}, TypeError, "callback must be a callable"),
        ({"class_weight": {5: 1}}, ValueError, r"class_weight names the class 5.*\[0, 1, 2\]"),
        ({"class_weight": {1: -1}}, ValueError, r"class_weight\[1\] must be finite, >= 0"),
        ({"class_weight": {0: 0, 1: 0, 2: 0}}, ValueError, "but class_weight gives every row the"),
        ({"learning_rate": float}, ValueError, r"learning_rate\(0\) must be finite, > 0, got 0"),
    ],
    ids=str,
)
@pytest.mark.parametrize("state", ["fresh", "fitted"])
def test_row_56_bad_hyperparameters(settings, error, fragment, state):
    model = plain() if state == "fresh" else fitted()
    model.set_params(**settings)
    refuse(SoftmaxRegression.fit, model, (X, Y), error, fragment)


def test_row_56_no_epochs_give_the_zero_model():
    model = plain(max_iter=0).fit(X, Y)
    assert not model.coef_.any()
    assert not model.intercept_.any()
    np.testing.assert_array_max_ulp(model.predict_proba(X), np.full((30, 3), 1 / 3), 1)


@pytest.mark.parametrize(
    ("data", "error", "fragment"),
    [
        (X, TypeError, r"tuple \(X, y\) or \(X, y, sample_weight\), got ndarray"),
        ((X,), TypeError, "got tuple of length 1"),
        ((X[:, :2], Y), ValueError, r"validation_data\[0\] has 2 features.*expecting 3"),
        ((X[:0], Y[:0]), ValueError, r"0 sample\(s\)"),
        (
            (X, Y + 1),
            ValueError,
            r"^validation_data\[1\]\[2\] is 3, which is not among the classes \[0, 1, 2\]",
        ),
        ((X, Y[1:]), ValueError, r"samples: \[30, 29\]"),
        ((X, Y, np.ones(3)), ValueError, r"shape == \(3,\), expected \(30,\)"),
        (
            (X, Y, np.zeros(30)),
            ValueError,
            r"but validation_data\[2\] gives every row the weight 0",
        ),
        ((X, np.eye(4)[Y]), ValueError, r"^validation_data\[1\] has probability rows of 4 classes"),
    ],
    ids=range(9),
)
def test_bad_validation_data(data, error, fragment):
    def call(model, *data):
        return model.fit(X, Y, validation_data=data if len(data) != 30 else np.array(data))

    refuse(call, fitted(), data, error, fragment)


@pytest.mark.parametrize(
    ("settings", "error", "fragment"),
    [
        ({"early_stopping": True}, ValueError, "early_stopping=True needs all rows"),
        ({"class_weight": "balanced"}, ValueError, "class_weight='balanced' needs all rows"),
    ],
    ids=["early_stopping", "balanced"],
)
def test_partial_fit_refuses_settings_that_need_all_rows(settings, error, fragment):
    refuse(SoftmaxRegression.partial_fit, fitted().set_params(**settings), (X, Y), error, fragment)


def test_row_56_a_validation_part_without_rows():
    model = fitted(early_stopping=False).set_params(early_stopping=True)
    fragment = "validation_fraction=0.1 of 3 rows of weight > 0 leaves no row to validate on"
    refuse(SoftmaxRegression.fit, model, (X[:3], Y[:3]), ValueError, fragment)
    refuse(SoftmaxRegression.fit, model, (X, Y, 1.0 * (np.arange(30) < 3)), ValueError, fragment)


# Accepted, and right


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_row_7_no_rows_to_predict_give_an_empty_result(n_classes, dtype):
    X0 = X[:, :2].astype(dtype)
    model = plain().fit(X0, Y % n_classes)
    empty = X0[:0]
    assert model.predict(empty).shape == (0,)
    assert model.predict(empty).dtype == model.classes_.dtype
    assert model.decision_function(empty).shape == ((0,) if n_classes == 2 else (0, 3))
    for method in (model.predict_proba, model.predict_log_proba, model.decision_function):
        assert method(empty).dtype == dtype
    assert model.predict_proba(empty).shape == (0, n_classes)


@pytest.mark.parametrize("dtype", ["O", "longdouble", "i1", "u1", "u8", "bool", "f2", "f4"])
def test_rows_10_16_17_other_numbers_are_converted_first(dtype):
    """uint8 would wrap and bool would saturate in their own arithmetic."""
    numbers = RNG.integers(0, 2 if dtype == "bool" else 120, size=(30, 3)).astype(dtype)
    kept = np.float32 if dtype in ("f2", "f4") else np.float64
    settings = {"learning_rate": 1e-5}
    model = plain(**settings).fit(numbers, Y)
    expected = plain(**settings).fit(numbers.astype(kept), Y)
    assert model.coef_.dtype == kept
    assert (model.coef_ == expected.coef_).all()
    assert (model.predict_proba(numbers) == expected.predict_proba(numbers.astype(kept))).all()


def test_row_3_float64_rows_meet_a_float32_model_without_a_cast_to_float32():
    model = plain().fit(X.astype("f4"), Y)
    assert np.isfinite(model.predict_proba(X * 1e100)).all()
    assert model.predict_proba(X).dtype == np.float64


def as_sparse_sees(X):
    return np.where(X > 0, X, 0.0)


@pytest.mark.parametrize("settings", [
    {}, {"batch_size": 7, "shuffle": True, "random_state": 0}, {"early_stopping": True, "random_state": 0},
])  # fmt: skip
@pytest.mark.parametrize("dtype", ["f4", "f8", "i8"])
def test_row_15_sparse_rows_are_accepted_everywhere_and_never_made_dense(settings, dtype):
    dense = (4 * as_sparse_sees(X)).astype(dtype)
    sparse = Csr(dense)
    one, other = plain(**settings).fit(dense, Y), plain(**settings).fit(sparse, Y)
    bound = 1e3 * EPS32 if dtype == "f4" else REORDERED
    np.testing.assert_allclose(one.coef_, other.coef_, rtol=0, atol=bound)
    for method in ("decision_function", "predict_proba", "predict_log_proba", "predict"):
        both = getattr(one, method)(dense), getattr(one, method)(sparse)
        assert both[0].dtype == both[1].dtype
        np.testing.assert_allclose(*both, rtol=0, atol=bound)
    assert one.score(dense, Y) == one.score(sparse, Y)
    assert abs(one.loss(dense, Y) - one.loss(sparse, Y)) <= bound
    for g_dense, g_sparse in zip(one.gradient(dense, Y), one.gradient(sparse, Y), strict=True):
        np.testing.assert_allclose(g_dense, g_sparse, rtol=0, atol=bound)
    other.set_params(early_stopping=False).partial_fit(sparse, Y)


@pytest.mark.parametrize("dtype", ["f4", "f8", "i8"])
def test_row_15_the_fit_that_needs_no_tuning_finds_the_same_optimum_of_sparse_rows(dtype):
    """Two fits whose F is within tol of its minimum differ by tol at most, and by F's rounding."""
    dense = (4 * as_sparse_sees(X)).astype(dtype)
    settings = {"l2": 0.1, "tol": 1e-5}
    models = [SoftmaxRegression(**settings).fit(rows, Y) for rows in (dense, Csr(dense))]
    values = [m.loss(dense, Y) + 0.05 * float((m.coef_.astype("f8") ** 2).sum()) for m in models]
    assert abs(values[0] - values[1]) <= settings["tol"] + 50 * EPS32 * (dtype == "f4")
    models[1].partial_fit(Csr(dense), Y)


def layouts(array):
    """The same numbers, held in memory in other ways; the last one is not even aligned."""
    read_only = array.copy()
    read_only.flags.writeable = False
    wide = np.zeros((60, 9))
    wide[::2, ::3] = array
    shifted = np.frombuffer(b"x" + array.tobytes(), np.uint8)[1:].view("f8").reshape(array.shape)
    return {
        "read_only": read_only,
        "fortran": np.asfortranarray(array),
        "strided": wide[::2, ::3],
        "reversed": array[::-1].copy()[::-1],
        "big_endian": array.astype(">f8"),
        "unaligned": shifted,
        "list": array.tolist(),
        "tuple": tuple(map(tuple, array.tolist())),
    }


@pytest.mark.parametrize("layout", layouts(X))
def test_row_18_layout_changes_nothing_and_inputs_stay(layout):
    given = layouts(X)[layout]
    settings = {"batch_size": 7, "shuffle": True, "random_state": 0}
    expected = plain(**settings).fit(X, Y)
    with nothing_changes(given, Y):
        model = plain(**settings).fit(given, Y)
        probabilities = model.predict_proba(given)
    np.testing.assert_allclose(model.coef_, expected.coef_, rtol=REORDERED)
    np.testing.assert_allclose(probabilities, expected.predict_proba(X), rtol=REORDERED)
    assert probabilities.dtype == np.float64
    assert model.coef_.dtype == np.dtype("f8")


def test_row_18_read_only_targets_and_weights():
    arguments = [X.copy(), np.eye(3)[Y], np.ones(30) * (1 + Y)]
    for array in arguments:
        array.flags.writeable = False
    settings = {"class_weight": "balanced", "label_smoothing": 0.1, "batch_size": 7}
    with nothing_changes(*arguments):
        plain(**settings).fit(*arguments)


def test_row_19_a_frame_keeps_its_column_names():
    frame = Frame(["a", "b", "c"])
    model = plain().fit(frame, Y)
    assert model.feature_names_in_.tolist() == ["a", "b", "c"]
    assert isinstance(model.predict_proba(frame), np.ndarray)
    assert (model.coef_ == plain().fit(X, Y).coef_).all()
    assert not hasattr(model.fit(X, Y), "feature_names_in_")


def test_row_20_feature_count_differs():
    fragment = "X has 2 features, but SoftmaxRegression is expecting 3 features as input"
    for use in ("predict", "predict_proba", "partial_fit", "loss", "score"):
        refuse(USES[use], fitted(), (X[:, :2],), ValueError, fragment)
    refuse(SoftmaxRegression.fit, fitted(warm_start=True), (X[:, :2], Y), ValueError, fragment)


@pytest.mark.parametrize(
    ("columns", "fragment"),
    [
        (["b", "a", "c"], "feature names should match.*must be in the same order"),
        (["a", "b", "d"], "unseen at fit time:\n- d\n.*now missing:\n- c"),
        ([*"uvwxyz"], "- \\.\\.\\."),
    ],
    ids=["reordered", "renamed", "many"],
)
def test_row_21_feature_names_differ(columns, fragment):
    model = plain().fit(Frame(["a", "b", "c"]), Y)
    given = Frame(columns, np.tile(X, 2)[:, : len(columns)])
    for use in ("predict", "partial_fit", "loss"):
        refuse(USES[use], model, (given,), ValueError, "(?s)" + fragment)
    refuse(USES["fit"], model.set_params(warm_start=True), (given,), ValueError, "feature")


def test_row_21_missing_names_are_warned_of():
    named, unnamed = plain().fit(Frame(["a", "b", "c"]), Y), fitted()
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        named.predict(X)
    with pytest.warns(UserWarning, match="was fitted without feature names"):
        unnamed.predict(Frame(["a", "b", "c"]))


@pytest.mark.parametrize(("first", "later", "fragment"), [
    (Frame(["a", "b", "c"]), X, "does not have valid feature names, but .* was fitted with them"),
    (X, Frame(["a", "b", "c"]), "has feature names, but .* was fitted without"),
], ids=["missing", "new"])  # fmt: skip
def test_names_on_one_side_only_are_warned_of_wherever_rows_come_again(first, later, fragment):
    with pytest.warns(UserWarning, match=rf"^validation_data\[0\] {fragment}"):
        plain().fit(first, Y, validation_data=(later, Y))
    with pytest.warns(UserWarning, match=f"^X {fragment}"):
        plain(warm_start=True).fit(first, Y).fit(later, Y)
    with pytest.warns(UserWarning, match=f"^X {fragment}"):
        plain().fit(first, Y).partial_fit(later, Y)


@pytest.mark.parametrize("dtype", [float, "f4", "i1", "u1", "u8", bool, "S4", "O", "M8[Y]"])
def test_rows_23_34_labels_come_back_with_their_dtype(dtype):
    labels = (Y % 2 if dtype is bool else Y).astype("i8").astype(dtype)
    if dtype == "O":
        labels = NAMES.astype(object)
    model = plain(max_iter=50).fit(X, labels)
    assert model.classes_.dtype == labels.dtype
    assert model.predict(X).dtype == labels.dtype
    assert set(model.predict(X).tolist()) <= set(labels.tolist())
    assert (model.coef_ == plain(max_iter=50).fit(X, labels.astype(str)).coef_).all()


@pytest.mark.parametrize("dtype", ["i1", "i2", "u1", "u8", "i8"])
@pytest.mark.parametrize("end", ["min", "max"])
def test_row_34_labels_at_the_end_of_their_range(dtype, end):
    """Differences of int8 labels do not fit int8, uint64 labels do not fit int64."""
    info = np.iinfo(dtype)
    values = {"min": [info.min, info.min + 1, 100], "max": [info.max - 200, info.max - 1, info.max]}
    labels = np.array(
        [values[end][k] % 2**64 if dtype == "u8" else values[end][k] for k in Y], dtype
    )
    order = np.argsort(np.unique(values[end]))
    model = plain().fit(X, labels)
    assert model.classes_.tolist() == values[end]
    assert (model.coef_ == fitted().coef_[order]).all()
    pieces = plain(max_iter=1).partial_fit(X, labels, classes=np.unique(labels))
    assert (pieces.coef_ == plain(max_iter=1).fit(X, Y).coef_).all()


def test_row_34_long_labels_are_not_cut():
    model = plain().partial_fit(X[:3], ["a", "bb", "a"], classes=["a", "bb", "a long name"])
    model.partial_fit(X[3:5], ["a long name", "a"])
    model.intercept_ = np.array([0.0, 99.0, 0.0])
    assert model.predict(X[:1]).tolist() == ["a long name"] == [model.classes_[1]]


def test_row_28_a_column_of_labels_is_accepted_with_a_warning():
    with pytest.warns(DataConversionWarning, match="column-vector y.*ravel"):
        model = plain().fit(X, Y[:, None])
    assert (model.coef_ == fitted().coef_).all()


def test_row_29_probability_rows_are_accepted():
    rows = RNG.dirichlet(np.ones(4), size=30)
    model = plain().fit(X, rows)
    assert model.classes_.tolist() == [0, 1, 2, 3]
    assert model.coef_.shape == (4, 3)


def test_row_30_rows_off_by_rounding_are_accepted():
    rows = np.full((30, 3), 1 / 3)
    for dtype in ("f2", "f4", "f8"):
        plain().fit(X, rows.astype(dtype))


def test_row_31_a_target_of_0_on_an_impossible_class_counts_0():
    logits = [-INF, 0.0, 1.0]
    assert np.isfinite(cross_entropy(logits, [0, 0.5, 0.5]))
    assert cross_entropy_gradient(logits, [0, 0.5, 0.5])[0] == 0
    model = model_at(np.zeros((3, 1)), [0.0, 1e308, -1e308])
    assert model.loss([[1.0]], [1]) == 0
    assert not np.isnan(model.gradient([[1.0]], [1])[0]).any()


@pytest.mark.parametrize("index", [-1, 3])
@pytest.mark.parametrize("function", [cross_entropy, cross_entropy_gradient])
def test_row_32_class_indices_do_not_wrap(function, index):
    with pytest.raises(IndexError, match=rf"in 0\.\.2; targets\[1\] is {index}"):
        function(np.zeros((2, 3)), [0, index])


def test_row_33_gapped_labels_take_a_column_each():
    model = plain().fit(X, np.array([0, 5, 10**6])[Y])
    assert model.coef_.shape == (3, 3)
    assert (model.coef_ == fitted().coef_).all()


def test_row_35_nearly_all_labels_unique_is_warned_of():
    with pytest.warns(UserWarning, match="unique classes is greater than 50% of the number"):
        plain().fit(X, np.arange(30) // 1)


@pytest.mark.parametrize("state", ["fresh", "fitted"])
def test_row_38_a_call_of_weight_zero_is_an_exact_no_op(state):
    model = plain(momentum=0.9, batch_size=4).partial_fit(X, Y, [0, 1, 2])
    if state == "fresh":
        model = plain().partial_fit(X, Y, [0, 1, 2], np.zeros(30))
        assert not model.coef_.any()
    with nothing_changes(model):
        model.partial_fit(X, Y, sample_weight=np.zeros(30))


def test_row_38_a_batch_of_weight_zero_is_left_out():
    weight = np.repeat([1.0, 0.0, 1.0], 10)
    kept = weight > 0
    settings = {"batch_size": 10, "momentum": 0.9}
    one, other = plain(**settings).fit(X, Y, weight), plain(**settings).fit(X[kept], Y[kept])
    assert (one.coef_ == other.coef_).all()
    assert (one.loss_curve_ == other.loss_curve_).all()


def test_row_40_a_class_of_weight_zero_is_absent_and_warned_of():
    weight = 1.0 * (Y != 1)
    with pytest.warns(UserWarning, match="all rows of class 1 have weight 0"):
        model = plain().fit(X, Y, weight)
    kept = Y != 1
    without = plain().fit(X[kept], Y[kept])
    assert model.classes_.tolist() == [0, 2]
    np.testing.assert_allclose(model.coef_, without.coef_, rtol=REORDERED)


def test_row_41_scaled_weights_give_the_same_fit():
    weight = 1.0 + Y
    for scale in (1e-300, 7.0, 1e300):
        scaled = plain().fit(X, Y, scale * weight)
        np.testing.assert_allclose(scaled.coef_, plain().fit(X, Y, weight).coef_, rtol=REORDERED)


def test_row_42_partial_fit_without_classes_first():
    fragment = "classes must be passed on the first call to partial_fit"
    refuse(SoftmaxRegression.partial_fit, plain(), (X, Y), ValueError, fragment)


def test_row_43_partial_fit_with_an_unknown_label():
    fragment = r"y\[0\] is 3, which is not among the classes \[0, 1, 2\]"
    refuse(SoftmaxRegression.partial_fit, fitted(), (X, Y + 3), ValueError, fragment)
    fragment = "y holds text, but the model's classes are numbers; convert y"
    refuse(SoftmaxRegression.partial_fit, fitted(), (X, NAMES), TypeError, fragment)


UNKNOWN = r"\[2\] is 3, which is not among the classes \[0, 1, 2\]; "


@pytest.mark.parametrize(
    ("call", "fragment"),
    [
        (lambda model, y: model.loss(X, y), "^y" + UNKNOWN + "drop the row$"),
        (lambda model, y: model.gradient(X, y), "^y" + UNKNOWN + "drop the row$"),
        (lambda model, y: model.partial_fit(X, y), "^y" + UNKNOWN + "name every class"),
        (lambda model, y: model.fit(X, Y, validation_data=(X, y)),
         r"^validation_data\[1\]" + UNKNOWN + "drop the row$"),
    ],
    ids=["loss", "gradient", "partial_fit", "validation"],
)  # fmt: skip
def test_an_unknown_label_is_named_with_its_argument_and_what_to_do(call, fragment):
    refuse(call, fitted(), (with_entry(Y, 2, 3),), ValueError, fragment)


@pytest.mark.parametrize("use", ["loss", "gradient", "score", "partial_fit", "validation"])
@pytest.mark.parametrize(("learned", "given"), [("numbers", "text"), ("text", "numbers")])
def test_text_and_numbers_are_never_the_same_labels(use, learned, given):
    labels = {"numbers": Y, "text": Y.astype(str)}
    model = plain().fit(X, labels[learned])
    name = r"validation_data\[1\]" if use == "validation" else "y"
    calls = {"validation": lambda model, y: model.fit(X, labels[learned], validation_data=(X, y))}
    call = calls.get(use, lambda model, y: getattr(model, use)(X, y))
    fragment = f"^{name} holds {given}, but the model's classes are {learned}; convert {name}$"
    refuse(call, model, (labels[given],), TypeError, fragment)


@pytest.mark.parametrize(
    ("classes", "error", "fragment"),
    [
        ([0, 1, 2, 3], ValueError, r"`classes=\[0, 1, 2, 3\]` is not the same as on last call"),
        ([0, 1], ValueError, "not the same as on last call"),
        (["a", "b"], ValueError, "not the same as on last call"),
        ([0, 1, 1], ValueError, "classes must be distinct"),
        ([0], ValueError, "only one class"),
        ([0, None], ValueError, r"classes\[1\] is None"),
        ([0, "a"], TypeError, "classes mixes int and str"),
        ([0.5, 1.0], ValueError, "continuous"),
    ],
    ids=range(8),
)
def test_row_44_partial_fit_with_other_classes(classes, error, fragment):
    refuse(SoftmaxRegression.partial_fit, fitted(), (X, Y, classes), error, fragment)
    if "last call" not in fragment:
        refuse(SoftmaxRegression.partial_fit, plain(), (X, Y, classes), error, fragment)


def test_row_44_the_order_of_classes_does_not_matter():
    one = plain().partial_fit(X, Y, [0, 1, 2])
    other = plain().partial_fit(X, Y, [2, 0, 1]).partial_fit(X, Y, [1, 0, 2])
    assert (one.partial_fit(X, Y).coef_ == other.coef_).all()


def test_row_45_the_column_of_a_class_missing_from_a_batch_still_moves():
    model = plain().partial_fit(X[Y < 2], Y[Y < 2], [0, 1, 2])
    assert model.coef_[2].all()


def test_row_46_fit_then_partial_fit():
    model = fitted(batch_size=7)
    before = model.loss(X, Y)
    for _ in range(3):
        model.partial_fit(X, Y).partial_fit(np.asfortranarray(X), np.eye(3)[Y])
    assert model.loss(X, Y) < before
    assert model.coef_.flags.c_contiguous


@pytest.mark.parametrize("use", [use for use in USES if "fit" not in use and use != "validation"])
def test_row_47_use_before_fit(use):
    for error in (NotFittedError, ValueError, AttributeError):
        refuse(USES[use], plain(), (X,), error, "not fitted yet. Call 'fit'")


@pytest.mark.parametrize("top", [1e308, 3e38])
def test_row_48_huge_logits_are_right(top):
    model = model_at([[1.0], [0.0], [-1.0]], np.zeros(3))
    with np.errstate(all="raise", under="ignore"):
        assert model.predict_proba([[top]]).tolist() == [[1, 0, 0]]
        assert model.predict_log_proba([[top / 2]]).tolist() == [[0, -top / 2, -top]]
        assert model.loss([[top / 2]], [2]) == top


@pytest.mark.parametrize("bad", [[NAN, 0.0], [INF, 0.0], [-INF, -INF]], ids=str)
def test_row_49_a_row_without_a_softmax_is_nan_and_alone(bad):
    for function in (softmax, log_softmax):
        result = function([bad, [0.0, 0.0]])
        assert np.isnan(result[0]).all()
        assert (result[1] == function([0.0, 0.0])).all()


def test_rows_50_51_saturated_rows_keep_their_digits():
    """-log p = log1p(e^-40) = e^-40 up to a relative e^-40."""
    model = model_at([[0.0], [1.0]], np.zeros(2))
    assert abs(model.loss([[40.0]], [1]) / np.exp(-40.0) - 1) <= 4 * EPS
    assert model.loss([[800.0]], [0]) == 800
    assert model.predict_log_proba([[1e4]]).tolist() == [[-1e4, 0]]
    d_coef, _ = model.gradient([[40.0]], [1])
    assert abs(d_coef[1, 0] / (-40 * np.exp(-40.0)) - 1) <= 8 * EPS


@pytest.mark.parametrize(("dtype", "eps"), [("f4", EPS32), ("f8", EPS)])
@pytest.mark.parametrize("n_classes", [2, 3, 100])
def test_row_52_probabilities_sum_to_one(dtype, eps, n_classes):
    rows = (3 * RNG.normal(size=(200, n_classes))).astype(dtype)
    p = softmax(rows)
    assert abs(p.sum(axis=1, dtype="f8") - 1).max() <= 4 * eps
    if dtype == "f8":
        np.random.default_rng(0).multinomial(10, p)


def test_row_53_features_of_1e10_are_never_silent():
    with pytest.warns(ConvergenceWarning, match=r"learning_rate=0\.1 is too large.*features"):
        model = fitted().fit(1e10 * X, Y)
    assert not model.converged_
    assert np.isfinite(model.coef_).all()


@pytest.mark.parametrize("learning_rate", [0.1, 1e6])
def test_row_54_features_of_1e300_overflow_by_name(learning_rate):
    model = plain(learning_rate=learning_rate)
    with pytest.raises(DivergenceError, match="Floating-point under-/overflow occurred at epoch #"):
        model.fit(1e300 * X, Y)
    assert np.isfinite(model.coef_).all()


@pytest.mark.parametrize("batch_size", [7, 30])
@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_row_55_a_step_too_large_keeps_the_last_finite_parameters(batch_size, dtype, momentum):
    model = plain(
        learning_rate=1e30, batch_size=batch_size, max_iter=100, momentum=momentum, l2=1.0
    )
    with pytest.raises(DivergenceError, match=r"scaling input data.*might help") as caught:
        model.fit(X.astype(dtype), Y)
    error = caught.value
    assert error.learning_rate == 1e30
    assert not np.isfinite(error.loss)
    assert f"epoch #{error.epoch}" in str(error)
    assert f"loss is {error.loss}" in str(error)
    assert "learning_rate=1e+30" in str(error)
    assert model.n_iter_ == error.epoch - 1
    assert not model.converged_
    assert np.isfinite(model.coef_).all()
    assert np.isfinite(model.intercept_).all()
    assert np.isfinite(model.loss_curve_).all()
    assert pickle.loads(pickle.dumps(error)).args == error.args


def test_row_55_partial_fit_too():
    model = plain(learning_rate=1e30, l2=1.0)

    def learn():
        for _ in range(100):
            model.partial_fit(X, Y, [0, 1, 2])

    with pytest.warns(ConvergenceWarning, match="is too large"), pytest.raises(DivergenceError):
        learn()
    assert np.isfinite(model.coef_).all()


def test_row_57_separable_data_without_a_penalty():
    """Without a minimum the fit goes on until max_iter, and says so."""
    rows, labels = np.array([[-1.0], [1.0]]), [0, 1]
    model = plain(learning_rate=1.0, tol=1e-6, max_iter=100)
    with pytest.warns(ConvergenceWarning):
        model.fit(rows, labels)
    assert np.isfinite(model.coef_).all()
    assert not model.converged_


CONSTANT_AND_REPEATED = np.hstack([X, np.full((30, 1), 7.0), X[:, :1]])


def test_row_58_a_repeated_feature_shares_its_weight_and_a_constant_one_is_no_error():
    model = plain(learning_rate=0.01, max_iter=50).fit(CONSTANT_AND_REPEATED, Y)
    assert np.isfinite(model.coef_).all()
    np.testing.assert_allclose(model.coef_[:, 0], model.coef_[:, -1], rtol=REORDERED)


def test_row_58_the_optimum_is_the_same_without_the_constant_and_the_copy():
    """Without a penalty neither adds anything the other columns and b could not say."""
    settings = {"l2": 0.0, "tol": 1e-6}
    loss = SoftmaxRegression(**settings).fit(X, Y).loss(X, Y)
    model = SoftmaxRegression(**settings).fit(CONSTANT_AND_REPEATED, Y)
    assert np.isfinite(model.coef_).all()
    assert abs(model.loss(CONSTANT_AND_REPEATED, Y) - loss) <= settings["tol"]


@pytest.mark.parametrize("scale", [5e-324, 1e-310])
@pytest.mark.parametrize("learning_rate", [0.1, "auto"])
@pytest.mark.filterwarnings("ignore::softmax_regression.ConvergenceWarning")
def test_row_59_subnormal_features(scale, learning_rate):
    tiny = np.sign(X) * scale
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        model = plain(learning_rate=learning_rate).fit(tiny, Y)
        assert abs(model.loss(tiny, Y) - np.log(3)) <= 4 * np.spacing(np.log(3)) + 1e-9


def test_row_60_one_class_overwhelmingly_likely():
    labels = with_entry(np.zeros(30, int), [0, 1], 1)
    model = plain(learning_rate=1e-6).fit(X * 100, labels)
    assert np.isfinite(model.loss(100 * X, labels))


class Stop(Exception):
    """What a callback raises."""


def interrupting(error, epoch):
    def callback(progress):
        if progress.epoch == epoch:
            raise error

    return callback


@pytest.mark.parametrize(("error", "epoch", "state"), thinned(product(
    [KeyboardInterrupt, MemoryError, Stop, StopIteration, SystemExit], [1, 2, 5],
    ["fresh", "fitted", "warm"],
), 4))  # fmt: skip
def test_rows_65_66_an_interrupted_fit_leaves_the_previous_model(error, epoch, state):
    settings = {"batch_size": 7, "shuffle": True, "random_state": 0, "momentum": 0.5}
    model = plain(**settings)
    if state != "fresh":
        model.fit(X, Y).set_params(warm_start=state == "warm")
    callback = interrupting(error(), epoch)
    before = {key: pickle.dumps(value) for key, value in vars(model).items()}
    with pytest.raises(error) as caught:
        model.set_params(callback=callback).fit(X, Y)
    assert caught.traceback[-1].name == "callback"
    model.set_params(callback=None)
    assert {key: pickle.dumps(value) for key, value in vars(model).items()} == before


@pytest.mark.parametrize("nth", [1, 2, 3, 8])
def test_row_65_an_interrupt_inside_a_pass(nth):
    """A schedule is called before, a sparse product within a pass: both may raise anything."""

    class Interrupted(Csr):
        calls = 0

        def __matmul__(self, other):
            Interrupted.calls += 1
            if Interrupted.calls > nth:
                raise KeyboardInterrupt
            return super().__matmul__(other)

        def __getitem__(self, rows):
            return Interrupted(self.dense[rows])

    model = fitted(warm_start=True, batch_size=3, momentum=0.5)
    with nothing_changes(model), pytest.raises(KeyboardInterrupt):
        model.fit(Interrupted(X), Y)
    Interrupted.calls = 0
    with nothing_changes(model), pytest.raises(KeyboardInterrupt):
        model.partial_fit(Interrupted(X), Y)


def test_row_66_an_exception_in_a_schedule():
    def schedule(epoch):
        if epoch == 2:
            raise Stop
        return 0.1

    model = fitted()
    model.learning_rate = schedule
    coef = model.coef_
    with pytest.raises(Stop):
        model.fit(X, Y)
    assert model.coef_ is coef


def test_row_67_predictions_from_many_threads_are_the_serial_ones_bitwise():
    model = fitted()
    serial = model.predict_proba(X)
    with ThreadPoolExecutor(8) as pool:
        for result in pool.map(lambda _: model.predict_proba(X), range(400)):
            assert result.tobytes() == serial.tobytes()


def test_row_67_fits_in_two_threads_are_the_serial_ones_bitwise():
    def learn(seed):
        return plain(batch_size=3, shuffle=True, random_state=seed, max_iter=30).fit(X, Y).coef_

    expected = [learn(seed) for seed in range(4)]
    with ThreadPoolExecutor(2) as pool:
        for one, other in zip(expected, pool.map(learn, range(4)), strict=True):
            assert one.tobytes() == other.tobytes()


def predict_in_child(pickled, queue):
    queue.put(pickle.loads(pickled).predict_proba(X))


@pytest.mark.skipif(sys.platform == "win32", reason="no fork on Windows")
@pytest.mark.skipif(threading.active_count() > 1, reason="forking with threads")
def test_row_68_a_forked_child_predicts():
    model = fitted()
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # fork in a process with threads
        child = context.Process(target=predict_in_child, args=(pickle.dumps(model), queue))
        child.start()
    result = queue.get(timeout=30)
    child.join(timeout=30)
    assert result.tobytes() == model.predict_proba(X).tobytes()


def test_row_68_a_model_can_be_pickled_inside_a_callback():
    copies = []
    model = plain(warm_start=True)
    model.callback = lambda progress: copies.append(pickle.dumps(progress))
    model.fit(X, Y)
    assert [pickle.loads(copy).epoch for copy in copies] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("seed", [0, None, np.random.default_rng(0), np.random.RandomState(0),
                                  np.random.SeedSequence(0), np.int32(3)], ids=range(6))  # fmt: skip
def test_row_69_seeds_leave_the_global_random_state_untouched(seed):
    with nothing_changes():
        plain(random_state=seed, shuffle=True, batch_size=7, early_stopping=True).fit(X, Y)


def test_row_69_an_integer_seed_gives_the_same_fit_bitwise():
    settings = {"random_state": 4, "shuffle": True, "batch_size": 7}
    assert fitted(**settings).coef_.tobytes() == fitted(**settings).coef_.tobytes()
    assert (
        fitted(**settings).coef_.tobytes()
        != fitted(**settings | {"random_state": 5}).coef_.tobytes()
    )


# Row 70, what is promised bitwise, is test_estimator.py's; row 71, memory, test_memory.py's.


def test_row_72_flat_places_are_counted_in_intp():
    """The last of 2^31 places of a classes-first array would wrap in int32."""
    from softmax_regression._likelihood.targets import Labels

    n_classes = 2**31
    targets = Labels(np.array([n_classes - 1, 5], np.intp), n_classes)
    assert targets._true_places().tolist() == [2 * (n_classes - 1), 11]


@pytest.mark.parametrize("scale", [1e-100, 1.0, 1e100])
def test_the_error_state_of_the_caller_does_not_matter(scale):
    """With every error but underflow raising, fits and predictions are the same."""
    settings = {"learning_rate": 0.1 / scale / scale}
    loose = plain(**settings).fit(X * scale, Y)
    with np.errstate(all="raise", under="ignore"):
        strict = plain(**settings).fit(X * scale, Y)
        assert np.isfinite(strict.predict_proba(X * scale)).all()
        strict.predict(X * scale * 1e100)
        assert np.isfinite(strict.loss(X * scale, Y))
    assert (strict.coef_ == loose.coef_).all()
