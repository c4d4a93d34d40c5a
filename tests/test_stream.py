"""Rows that stream past once: from columns anywhere, from a fit, and with a rate that is too large."""

import copy
import functools
import pickle
import warnings
from itertools import product

import numpy as np
import pytest
from strategies import plain, thinned, unless_fast

from softmax_regression import ConvergenceWarning, SoftmaxRegression

K = 3


def drawn(n_rows, n_features=3, n_classes=K, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n_rows, n_features))
    weights = rng.standard_normal((n_classes, n_features))
    y = np.argmax(X @ weights.T + rng.gumbel(size=(n_rows, n_classes)), axis=1)
    return X, y


def streamed(X, y, size, model=None, **parameters):
    model = SoftmaxRegression(**parameters) if model is None else model
    for first in range(0, len(X), size):
        rows = slice(first, first + size)
        model.partial_fit(X[rows], y[rows], classes=np.arange(K))
    return model


# From columns anywhere


@functools.cache
def centred(size):
    """Rows about zero, and their loss after a stream of them and at the minimum."""
    X, y = drawn(2_000)
    return X, y, streamed(X, y, size, l2=0.0).loss(X, y), SoftmaxRegression().fit(X, y).loss(X, y)


@pytest.mark.parametrize(
    ("size", "offset"),
    [(25, -1e4), (100, 300.0), *unless_fast((10, -1e4), (10, 30.0), (10, 300.0), (100, -1e4))],
)
def test_columns_far_from_zero_are_learned_from_as_centred_ones(offset, size):
    """Year, Kelvin, pressure: 0.766 nats of 1.099 can be had, and were not from the first steps."""
    X, y, near, least = centred(size)
    scales = np.array([1e-6, 1.0, 1e6])
    far = streamed((X + offset) * scales, y, size, l2=0.0).loss((X + offset) * scales, y)
    assert far == pytest.approx(near, abs=1e-6)  # digits lost to the offset, over 2,000 steps
    assert near - least < 0.02


def test_a_stream_far_from_zero_in_single_precision():
    X, y = drawn(2_000)
    far = (X + 300).astype(np.float32)
    near = streamed(X, y, 100).loss(X, y)
    assert streamed(far, y, 100).loss(far, y) == pytest.approx(near, abs=1e-4)  # X to 1.5e-5


def test_a_drift_by_hundreds_of_deviations_is_followed():
    """Before each chunk of the last tenth the loss is that of a fit that is told the drift."""
    X, y = drawn(10_000)
    drifting = X + np.linspace(0, 300, len(X))[:, None] * np.array([1.0, -0.5, 0.3])
    model, losses = SoftmaxRegression(), []
    for first in range(0, len(X), 100):
        rows = slice(first, first + 100)
        if first >= 9_000:
            losses.append(model.loss(drifting[rows], y[rows]))
        model.partial_fit(drifting[rows], y[rows], classes=range(K))
    known = SoftmaxRegression().fit(drifting, y).loss(drifting[9_000:], y[9_000:])
    assert np.mean(losses) < known + 0.05


def test_without_an_intercept_nothing_is_centred():
    X, y = drawn(2_000)
    model = streamed(X + 1, y, 100, fit_intercept=False)
    least = SoftmaxRegression(fit_intercept=False).fit(X + 1, y).loss(X + 1, y)
    assert not model.intercept_.any()
    assert model.loss(X + 1, y) - least < 0.01


# From a fit


@pytest.mark.parametrize(("settings", "size"), [
    ({}, 1), ({"fit_intercept": False}, 10), ({"l1": 1e-3}, 10), ({"l2": 0.0}, 10),
    *unless_fast(({}, 10), ({"fit_intercept": False}, 1), ({"l1": 1e-3}, 1), ({"l2": 0.0}, 1)),
])  # fmt: skip
def test_a_fit_s_precision_is_kept(size, settings):
    """On held-out rows the loss rises by no more than the fit's own error, D (K − 1) / 2 n nats."""
    X, y = drawn(2_000)
    fitted, later, held_out = slice(0, 1_000), slice(1_000, 1_150), slice(1_300, None)
    model = SoftmaxRegression(**settings).fit(X[fitted], y[fitted]).set_params(l1=0.0)
    before = highest = model.loss(X[held_out], y[held_out])
    for first in range(later.start, later.stop, size):
        rows = slice(first, first + size)
        model.partial_fit(X[rows], y[rows])
        highest = max(highest, model.loss(X[held_out], y[held_out]))
    assert highest - before <= 4 * (K - 1) / 2 / 1_000


def test_a_fit_of_wide_rows_and_one_of_collinear_columns_are_kept():
    for X in (drawn(60, 200)[0], np.tile(drawn(200)[0], (1, 2))):
        y = np.arange(len(X)) % K
        model = SoftmaxRegression(l2=0.0 if len(X) == 200 else 0.1).fit(X, y)
        before = model.predict_proba(X)
        np.testing.assert_allclose(model._stream.metric.variance, X.var(axis=0), rtol=1e-9)
        model.partial_fit(X[:1], y[:1])
        assert np.abs(model.predict_proba(X) - before).max() < 0.05


def test_weights_of_the_fit_s_rows_count_as_so_many():
    X, y = drawn(500)
    weight = np.random.default_rng(1).uniform(0.1, 3, 500)
    model = SoftmaxRegression().fit(X, y, weight)
    assert model._stream.behind == pytest.approx(weight.sum() ** 2 / (weight @ weight), rel=1e-12)
    deviation = np.sqrt(np.average((X - np.average(X, 0, weight)) ** 2, 0, weight))
    np.testing.assert_allclose(np.sqrt(model._stream.metric.variance), deviation, rtol=1e-12)


def test_rows_of_another_kind_are_still_learned_after_a_fit():
    """The classes change places: from 1,000 rows behind to the new optimum in 5,000."""
    X, y = drawn(6_000)
    model = SoftmaxRegression().fit(X[:1_000], y[:1_000])
    changed = (y + 1) % K
    before = model.loss(X, changed)
    streamed(X[1_000:], changed[1_000:], 50, model)
    least = SoftmaxRegression().fit(X, changed).loss(X, changed)
    assert before > least + 1.0
    assert model.loss(X, changed) < least + 0.01


def test_a_fit_cut_short_is_worth_fewer_rows():
    X, y = drawn(5_000)
    with pytest.warns(ConvergenceWarning):
        short = SoftmaxRegression(max_iter=1).fit(X, y)
    assert 0 < short._stream.behind < SoftmaxRegression().fit(X, y)._stream.behind == 5_000


def test_a_fit_under_l1_is_worth_fewer_rows_to_a_stream_without():
    X, y = drawn(2_000)
    model = SoftmaxRegression(l1=0.1).fit(X, y)
    assert 0 < model._stream.behind < 500
    streamed(X, y, 100, model.set_params(l1=0.0))
    assert model.loss(X, y) < SoftmaxRegression().fit(X, y).loss(X, y) + 0.02


def test_a_fit_that_ended_on_held_out_rows_is_worth_its_rows():
    X, y = drawn(2_000)
    model = SoftmaxRegression(early_stopping=True, tol=1e-2, n_iter_no_change=1).fit(X, y)
    assert model._stream.behind == 1_800
    model.set_params(early_stopping=False).partial_fit(X[:10], y[:10])
    assert (model._stream.behind, model._stream.rows) == (1_800, 10)


def test_a_changed_penalty_costs_as_much_as_it_moves_the_minimum():
    X, y = drawn(2_000)
    model = SoftmaxRegression(l2=1e-3).fit(X, y)
    little = copy.deepcopy(model).set_params(l2=1.1e-3).partial_fit(X[:10], y[:10])
    much = copy.deepcopy(model).set_params(l2=1.0).partial_fit(X[:10], y[:10])
    assert little._stream.behind == 2_000
    assert much._stream.behind < 50
    assert np.abs(streamed(X, y, 100, much).coef_).max() < 0.5 * np.abs(model.coef_).max()


def test_a_penalty_that_changes_at_every_call_does_not_begin_anew():
    X, y = drawn(3_000)
    model = SoftmaxRegression()
    for first in range(0, len(X), 30):
        model.set_params(l2=1e-3 / (1 + first))
        model.partial_fit(X[first : first + 30], y[first : first + 30], classes=range(K))
    assert model.loss(X, y) - SoftmaxRegression(l2=0.0).fit(X, y).loss(X, y) < 0.01


def test_a_stream_from_parameters_alone_heeds_another_penalty():
    """Of a file of format 1 no moments are known: what another l2 costs is not, either."""
    X, y = drawn(500)
    model = streamed(X, y, 100)
    metric = model._stream.metric
    metric.rows = metric.seen = 0.0
    model.set_params(l2=1e-2).partial_fit(X, y)
    assert model._stream.rows == 500


@pytest.mark.parametrize("keep", ["pickle", "file"])
def test_a_kept_fit_goes_on_as_the_fit(keep, tmp_path):
    X, y = drawn(1_000)
    model = SoftmaxRegression().fit(X, y)
    if keep == "pickle":
        again = pickle.loads(pickle.dumps(model))
    else:
        model.save(tmp_path / "model")
        again = SoftmaxRegression.load(tmp_path / "model")
    for each in (model, again):
        streamed(X[:50], y[:50], 1, each)
    assert np.array_equal(model.coef_, again.coef_)
    assert model.loss(X, y) < again.loss(X, y) + 1e-3


@pytest.mark.parametrize("name", ["coef_", "intercept_"])
def test_from_parameters_set_by_hand_a_new_stream_begins(name):
    X, y = drawn(300)
    model = streamed(X[:200], y[:200], 50)
    setattr(model, name, getattr(model, name) * 2.0)
    new = SoftmaxRegression()
    new.coef_, new.intercept_, new.classes_ = model.coef_, model.intercept_, model.classes_
    for each in (model, new):
        each.partial_fit(X[200:], y[200:])
    np.testing.assert_array_equal(model.coef_, new.coef_)
    assert model._stream.rows == new._stream.rows == 100


def test_a_copy_s_stream_is_its_own():
    X, y = drawn(500)
    model = streamed(X, y, 100)
    held = pickle.dumps(model._stream)
    start = model._stream
    copy.deepcopy(model).partial_fit(X, y)
    assert model._stream is start
    assert pickle.dumps(model._stream) == held


# With a rate that is too large


@pytest.mark.parametrize("size", [10, 100, *unless_fast(1)])
def test_a_rate_that_is_too_large_is_told(size):
    X, y = drawn(300 if size == 1 else 600)
    model = plain(learning_rate=0.1)
    with pytest.warns(ConvergenceWarning, match=r"nats a row.*learning_rate=0\.1 is too large"):
        streamed(1e3 * X, y, size, model)
    assert model.loss_curve_.mean() > 2 * np.log(K)


@pytest.mark.parametrize(("size", "order"), thinned(product([1, 10, 300], ["sorted", "drawn"]), 3))
def test_a_rate_that_suits_the_rows_is_not_complained_of(size, order):
    X, y = drawn(300 if size == 1 else 600)
    if order == "sorted":
        X, y = X[np.argsort(y)], np.sort(y)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        streamed(X, y, size, plain(learning_rate=0.1))


def test_one_unlucky_row_is_no_alarm():
    """10 nats of one row are chance; as a mean of 256 rows they are not."""
    X, y = np.array([[10.0]]), [0]
    model = plain(learning_rate=1e-3)
    model.coef_, model.intercept_ = np.array([[-0.5], [0.5], [0.0]]), np.zeros(3)
    model.classes_ = np.arange(3)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.partial_fit(X, y)
    with pytest.warns(ConvergenceWarning, match="is too large"):
        model.partial_fit(np.repeat(X, 300, axis=0), np.zeros(300, int))
