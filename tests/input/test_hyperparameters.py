"""The constructor's arguments: stored as they are, checked in fit, by name, value and range."""

import inspect
import math
from fractions import Fraction

import numpy as np
import pytest
from strategies import Csr, plain

from softmax_regression import SoftmaxRegression
from softmax_regression._input.hyperparameters import (
    check_hyperparameters,
    check_learning_rate,
    make_generator,
)

DEFAULTS = {
    "l2": 1e-4,
    "l1": 0.0,
    "learning_rate": "auto",
    "batch_size": "auto",
    "momentum": 0.0,
    "fit_intercept": True,
    "class_weight": None,
    "label_smoothing": 0.0,
    "early_stopping": False,
    "validation_fraction": 0.1,
    "n_iter_no_change": 5,
    "shuffle": True,
    "random_state": None,
    "warm_start": False,
    "verbose": 0,
    "callback": None,
}
X, Y = np.array([[0.0], [1.0], [2.0], [3.0]]), [0, 1, 0, 1]
NAN, INF = math.nan, math.inf


def check(**changed):
    return check_hyperparameters(SoftmaxRegression(**changed))


def test_every_argument_is_keyword_only_with_the_documented_default():
    parameters = inspect.signature(SoftmaxRegression).parameters
    assert set(parameters) == {*DEFAULTS, "max_iter", "tol"}
    for name, default in DEFAULTS.items():
        assert parameters[name].default == default
        assert parameters[name].kind is inspect.Parameter.KEYWORD_ONLY


def test_the_defaults_are_legal():
    check()


def test_arguments_are_stored_unchanged_and_unchecked():
    """Identity, not equality: scikit-learn's clone compares so."""
    given = {name: object() for name in SoftmaxRegression().get_params()}
    model = SoftmaxRegression(**given)
    assert model.get_params() == given
    assert all(getattr(model, name) is value for name, value in given.items())
    assert vars(model).keys() == given.keys()


def test_fit_leaves_the_arguments_as_they_were():
    weights = {0: 1.0, 1: 2.0}
    generator = np.random.default_rng(0)
    model = plain(class_weight=weights, random_state=generator)
    before = dict(model.get_params())
    model.fit(X, Y)
    assert all(model.get_params()[name] is value for name, value in before.items())
    assert weights == {0: 1.0, 1: 2.0}


@pytest.mark.parametrize("arguments", [(1e-4,), ({"l2": 1.0},)])
def test_positional_arguments_are_refused(arguments):
    with pytest.raises(TypeError):
        SoftmaxRegression(*arguments)


def test_an_unknown_argument_is_refused():
    with pytest.raises(TypeError, match="eta0"):
        SoftmaxRegression(eta0=0.1)
    model = SoftmaxRegression()
    with pytest.raises(ValueError, match=r"Invalid parameter 'eta0'.*'learning_rate'"):
        model.set_params(l2=3.0, eta0=0.1)
    assert model.l2 == 1e-4


def test_set_params_returns_the_model_and_keeps_what_was_learned():
    model = plain().fit(X, Y)
    coef = model.coef_
    assert model.set_params(l2=2.0) is model
    assert model.set_params() is model
    assert (model.l2, model.coef_ is coef) == (2.0, True)


def test_the_text_names_what_differs_from_the_defaults():
    assert repr(SoftmaxRegression()) == "SoftmaxRegression()"
    assert repr(SoftmaxRegression(l2=1e-4, l1=0.5, tol=NAN)) == "SoftmaxRegression(l1=0.5, tol=nan)"


BAD_NUMBER = [
    ("l2", -1e-9), ("l2", NAN), ("l2", INF), ("l1", -1), ("l1", NAN), ("l1", INF),
    ("learning_rate", 0), ("learning_rate", -0.1), ("learning_rate", NAN), ("learning_rate", INF),
    ("momentum", -0.1), ("momentum", 1), ("momentum", NAN), ("tol", -1e-9), ("tol", NAN),
    ("tol", INF), ("label_smoothing", -0.1), ("label_smoothing", 1.0), ("label_smoothing", NAN),
    ("validation_fraction", 0.0), ("validation_fraction", 1.0), ("validation_fraction", NAN),
    ("batch_size", 0), ("batch_size", -5), ("max_iter", -1), ("n_iter_no_change", 0),
    ("verbose", -1), ("random_state", -1), ("learning_rate", "fast"), ("batch_size", "all"),
    ("class_weight", "equal"), ("l2", "1"), ("class_weight", {0: -1.0}), ("class_weight", {0: NAN}),
]  # fmt: skip

BAD_KIND = [
    *[(name, value) for name in ("l2", "l1", "momentum", "tol", "label_smoothing",
                                 "validation_fraction")
      for value in (True, "1", None, 1j, np.array(0.1)) if (name, value) != ("l2", "1")],
    *[(name, [0.1]) for name in ("l1", "momentum", "tol", "label_smoothing",
                                 "validation_fraction")],
    *[(name, value) for name in ("max_iter", "n_iter_no_change", "batch_size")
      for value in (True, 2.0, None, [3])],
    *[(name, value) for name in ("fit_intercept", "early_stopping", "shuffle", "warm_start")
      for value in (1, 0, "yes", None)],
    ("learning_rate", None), ("learning_rate", True), ("learning_rate", [0.1]),
    ("verbose", "yes"), ("verbose", 1.5), ("random_state", 1.5), ("random_state", "0"),
    ("random_state", True), ("callback", "print"), ("callback", 1), ("class_weight", [1, 2]),
    ("class_weight", {0: "1"}), ("class_weight", {0: True}), ("class_weight", 2.0),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value"), [("l2", 10**400), ("class_weight", {0: 10**400})])
def test_integers_beyond_float64_are_infinite(name, value):
    with pytest.raises(ValueError, match=rf"{name}.* must be finite, >= 0, got inf"):
        check(**{name: value})


@pytest.mark.parametrize(("name", "value"), BAD_NUMBER, ids=str)
def test_illegal_values_are_refused_by_name_and_value(name, value):
    with pytest.raises(ValueError, match=name) as caught:
        check(**{name: value})
    shown = next(iter(value.values())) if isinstance(value, dict) else value
    assert str(shown) in str(caught.value)


@pytest.mark.parametrize(("name", "value"), BAD_KIND, ids=str)
def test_values_of_the_wrong_kind_are_refused_by_name(name, value):
    with pytest.raises(TypeError, match=rf"{name}.* must be"):
        check(**{name: value})


@pytest.mark.parametrize("changed", [
    {"l2": 0}, {"l2": np.float32(0.1)}, {"l1": np.int64(2)}, {"learning_rate": 1},
    {"learning_rate": np.float64(0.5)}, {"learning_rate": lambda _: 0.1}, {"batch_size": np.int8(3)},
    {"max_iter": 0}, {"tol": 0}, {"fit_intercept": np.bool_(True)}, {"class_weight": {}},
    {"class_weight": "balanced"}, {"verbose": True}, {"callback": print},
    {"random_state": np.uint8(1)}, {"random_state": np.random.RandomState(0)},
    {"random_state": np.random.SeedSequence(1)}, {"random_state": np.random.default_rng(0)},
], ids=range(18))  # fmt: skip
def test_legal_values_of_every_kind_are_taken(changed):
    (name,) = changed
    checked = getattr(check(**changed), name)
    assert checked == changed[name]
    plain(**changed).fit(X, Y)


def test_momentum_needs_a_rate_of_its_own():
    with pytest.raises(ValueError, match=r"momentum=0\.9 needs a numeric or callable"):
        check(momentum=0.9)


class Awkward:
    """A value whose text cannot be had, and another whose text is endless."""

    def __repr__(self):
        raise RuntimeError


@pytest.mark.parametrize("value", [Awkward(), "x" * 10_000], ids=["raises", "endless"])
def test_a_message_survives_any_value(value):
    with pytest.raises((TypeError, ValueError), match="batch_size must be") as caught:
        check(batch_size=value)
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize(("rate", "error"), [(0.0, ValueError), (NAN, ValueError), ("1", TypeError),
                                             (None, TypeError), (-1, ValueError)], ids=str)  # fmt: skip
def test_a_schedule_s_rate_is_checked_with_its_epoch(rate, error):
    with pytest.raises(error, match=r"learning_rate\(7\) must be"):
        check_learning_rate(rate, 7)
    with pytest.raises(error, match=r"learning_rate\(2\) must be"):
        plain(learning_rate=lambda epoch: rate if epoch == 2 else 0.1).fit(X, Y)


def test_make_generator_gives_one_stream_per_seed():
    def draw(seed):
        return make_generator(seed).integers(2**60, size=3).tolist()

    assert draw(1) == draw(np.int64(1)) == draw(np.random.default_rng(1))
    assert draw(np.random.SeedSequence(1)) == draw(1)
    assert draw(np.random.RandomState(1)) == draw(np.random.RandomState(1)) != draw(1)
    assert draw(None) != draw(None)
    generator = np.random.default_rng(5)
    assert make_generator(generator) is generator


# One l2 for each column


@pytest.mark.parametrize("l2", [
    [0, 1], (0.0, 1.0), np.array([0, 1]), np.array([0, 1], np.float32), [Fraction(0), 1],
    np.array([0, 1], object), memoryview(np.array([0.0, 1.0])),
], ids=range(7))  # fmt: skip
def test_an_l2_for_each_column_may_be_any_array(l2):
    checked = check(l2=l2).l2
    assert checked.dtype == np.float64
    assert checked.tolist() == [0.0, 1.0]
    assert not np.shares_memory(checked, np.asarray(l2, float))


@pytest.mark.parametrize(("l2", "message"), [
    ([0.1, -0.5, -1.0], r"l2\[1\] must be finite, >= 0, got -0\.5; 0 leaves a column without"),
    ([0.1, 0.1, NAN], r"l2\[2\] must be finite, >= 0, got nan"),
    ([INF, 0.1], r"l2\[0\] must be finite, >= 0, got inf"),
    ([0.1, None], r"l2\[1\] must be finite, >= 0, got nan"),
    ([1, 10**400], r"l2 holds an integer too large for float64: l2\[1\] is 1000"),
    ([[0.1, 0.2]], r"l2 must be one number or have shape \(n_features,\), got shape \(1, 2\): give"),
    ([[0.1], [0.2, 0.3]], r"l2 must be an array, got rows of different lengths"),
])  # fmt: skip
def test_an_illegal_l2_of_a_column_is_refused_by_its_place(l2, message):
    with pytest.raises(ValueError, match=message):
        check(l2=l2)


@pytest.mark.parametrize(("l2", "message"), [
    ([0.1, "0.2"], r"l2 must hold numbers: l2\[1\] is '0\.2'"),
    (["a", "b"], r"l2 must hold numbers: l2\[0\] is 'a'"),
    (np.array([1.0, 1j]), r"l2 must hold numbers: l2\[0\] is \(1\+0j\)"),
    (np.array([True, False]), r"l2 must hold numbers: l2\[0\] is np\.True_; give the penalty's strength"),
    (np.array([], bool), r"l2 must hold numbers: dtype bool; give"),
    (np.array(["2020"], "M8[D]"), r"l2 must hold numbers: l2\[0\] is np\.datetime64"),
    (np.ma.array([1.0], mask=[True]), "l2 is a masked array"),
    (Csr([[1.0]]), "l2 is sparse"),
    ({0: 1.0}, r"l2 must be a number, or one for each column of X, got \{0: 1\.0\}"),
])  # fmt: skip
def test_an_l2_of_another_kind_is_refused(l2, message):
    with pytest.raises(TypeError, match=message):
        check(l2=l2)


class Named:
    """A data frame of two columns, as far as the library looks."""

    def __init__(self, columns):
        self.columns = columns

    def __array__(self, dtype=None, copy=None):
        return np.zeros((4, len(self.columns)))


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_as_many_l2_as_columns_are_needed(method):
    names = ["age", "km", "fare", "day", "hour", "row"]
    learn = {"classes": [0, 1]} if method == "partial_fit" else {}
    for rows, named in (
        (np.zeros((4, 2)), ""),
        (Named(names[:2]), r" \('age', 'km'\)"),
        (Named(names), r" \('age', 'km', 'fare', 'day', 'hour', \.\.\.\)"),
    ):
        n_columns = np.shape(rows)[1] if not named else len(rows.columns)
        message = (
            rf"l2 has length 3, but X has {n_columns} columns{named}: give one number for each of "
            "them, in their order, or one for all"
        )
        model = SoftmaxRegression(l2=[0.1, 0.2, 0.3])
        with pytest.raises(ValueError, match=message):
            getattr(model, method)(rows, Y, **learn)
        assert not hasattr(model, "coef_")
    with pytest.raises(ValueError, match="l2 has length 0, but X has 1 columns"):
        SoftmaxRegression(l2=[]).fit(X, Y)


def test_fit_and_set_params_leave_an_l2_for_each_column_alone():
    l2 = np.array([0.1, 0.0])
    l2.flags.writeable = False
    model = SoftmaxRegression().set_params(l2=l2)
    assert model.l2 is model.get_params()["l2"] is l2
    rows = np.random.default_rng(0).normal(size=(30, 2))
    model.fit(rows, np.arange(30) % 2).partial_fit(rows, np.arange(30) % 2)
    assert model.get_params()["l2"] is l2
    assert l2.tolist() == [0.1, 0.0]


def test_equal_l2_of_all_columns_are_one_number_and_others_stay_as_they_are():
    assert check(l2=[0.5, 0.5]).for_columns(2, None).l2 == 0.5
    assert check(l2=[0.5, 0.25]).for_columns(2, None).l2.tolist() == [0.5, 0.25]
    assert check(l2=0.5).for_columns(2, None).l2 == 0.5
    assert check(l2=[0.5, 0.0]).unpenalised.tolist() == [1]
    assert check(l2=0.0).unpenalised is None
