"""A row of weight 0 is absent: whatever is asked, the answer is that without the row."""

import warnings

import numpy as np
import pytest
from strategies import Csr, plain

from softmax_regression import ConvergenceWarning, SoftmaxRegression

RNG = np.random.default_rng(17)
X = RNG.normal(size=(60, 3))
Y = np.arange(60) % 3
WEIGHT = np.where(RNG.random(60) < 0.5, 0.0, 1.0 + np.arange(60) % 4)
KEPT = WEIGHT > 0

SETTINGS = {
    "batches": {"batch_size": 7},
    "shuffled": {"batch_size": 7, "shuffle": True, "random_state": 0},
    "early": {"batch_size": 7, "early_stopping": True, "random_state": 0, "max_iter": 20},
    "balanced": {"batch_size": 7, "class_weight": "balanced"},
}


def bits(model):
    return [model.coef_.tobytes(), model.intercept_.tobytes(), model.loss_curve_.tobytes(),
            model.validation_curve_.tobytes()]  # fmt: skip


@pytest.mark.parametrize("settings", SETTINGS)
@pytest.mark.parametrize("kind", [np.asarray, Csr])
def test_it_takes_no_place_in_a_batch_nor_among_held_out_rows(settings, kind):
    settings = SETTINGS[settings]
    model = plain(**settings).fit(kind(X), Y, WEIGHT)
    assert bits(model) == bits(plain(**settings).fit(kind(X[KEPT]), Y[KEPT], WEIGHT[KEPT]))


@pytest.mark.parametrize("settings", [{}, {"early_stopping": True, "validation_fraction": 0.4}])
def test_it_does_not_change_the_optimum(settings):
    settings = {"l2": 0.1, "random_state": 0, "tol": 1e-10} | settings
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # rows held out leave few to learn from
        model = SoftmaxRegression(**settings).fit(X, Y, WEIGHT)
        without = SoftmaxRegression(**settings).fit(X[KEPT], Y[KEPT], WEIGHT[KEPT])
    np.testing.assert_array_equal(model.coef_, without.coef_)


@pytest.mark.parametrize("learning_rate", ["auto", 0.1])
def test_rows_of_weight_are_enough_to_hold_some_out(learning_rate):
    """Of 60 rows 6 count: a split of all rows may leave none of them to learn from."""
    weight = np.zeros(60)
    weight[:6] = 1.0
    settings = {"early_stopping": True, "validation_fraction": 0.8, "random_state": 0, "l2": 0.1}
    settings["learning_rate"] = learning_rate
    model = SoftmaxRegression(**settings).fit(X, Y, weight)
    assert np.isfinite(model.loss_curve_).all()
    assert bits(model) == bits(SoftmaxRegression(**settings).fit(X[:6], Y[:6], weight[:6]))


@pytest.mark.parametrize("balanced", [False, True])
def test_a_class_of_weight_zero_is_not_learned(balanced):
    """Whether its rows weigh nothing or the class itself does."""
    kept = Y != 1
    settings = {"batch_size": 7} | ({"class_weight": "balanced"} if balanced else {})
    without = plain(**settings).fit(X[kept], Y[kept])
    with pytest.warns(UserWarning, match="all rows of class 1 have weight 0"):
        by_rows = plain(**settings).fit(X, Y, kept.astype(float))
    assert bits(by_rows) == bits(without)
    if not balanced:
        with pytest.warns(UserWarning, match="all rows of class 1 have weight 0"):
            by_class = plain(**settings, class_weight={1: 0.0}).fit(X, Y)
        assert by_class.classes_.tolist() == [0, 2]
        assert bits(by_class) == bits(without)


def test_in_a_stream_a_class_of_weight_zero_takes_no_place_in_a_batch():
    kept = Y != 1
    model = plain(batch_size=7, class_weight={1: 0.0}).partial_fit(X, Y, range(3))
    without = plain(batch_size=7).partial_fit(X[kept], Y[kept], range(3))
    assert bits(model) == bits(without)


def test_one_class_of_positive_weight_is_not_enough():
    with pytest.raises(ValueError, match=r"needs at least 2 classes.*only one class: 2"):
        plain(class_weight={0: 0.0, 1: 0}).fit(X, Y)


@pytest.mark.parametrize("learning_rate", ["auto", 0.1])
def test_it_takes_no_place_in_a_batch_of_a_stream(learning_rate):
    settings = {"learning_rate": learning_rate, "batch_size": 7}
    model = plain(**settings).partial_fit(X, Y, range(3), WEIGHT)
    without = plain(**settings).partial_fit(X[KEPT], Y[KEPT], range(3), WEIGHT[KEPT])
    assert bits(model) == bits(without)


def test_its_label_may_be_unknown():
    y = np.where(KEPT, Y, 7)
    model = plain().fit(X, Y)
    assert model.loss(X, y, WEIGHT) == model.loss(X[KEPT], Y[KEPT], WEIGHT[KEPT])
    for one, other in zip(
        model.gradient(X, y, WEIGHT), model.gradient(X[KEPT], Y[KEPT], WEIGHT[KEPT]), strict=True
    ):
        np.testing.assert_array_equal(one, other)
    model.partial_fit(X, y, sample_weight=WEIGHT)


def test_it_does_not_count_among_the_validation_data():
    data = (X, np.where(KEPT, Y, 7), WEIGHT)
    model = plain().fit(X, Y, validation_data=data)
    without = plain().fit(X, Y, validation_data=(X[KEPT], Y[KEPT], WEIGHT[KEPT]))
    assert bits(model) == bits(without)
