"""The constructor's arguments: stored as they are, checked in fit, by name, value and range."""

import inspect
import math

import numpy as np
import pytest
from strategies import plain

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
      for value in (True, "1", None, [0.1], 1j, np.array(0.1)) if (name, value) != ("l2", "1")],
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
