"""Averaged mini-batch descent: steps nobody chose, in the metric of the rows."""

import pickle
from itertools import product

import numpy as np
import pytest
from strategies import thinned

from softmax_regression._likelihood.rows import DenseRows
from softmax_regression._likelihood.targets import Labels
from softmax_regression._likelihood.working import Chunk
from softmax_regression._optimum.minibatch import AveragedDescent
from softmax_regression._optimum.row_metric import RowMetric


def drawn(n_rows=6_000, n_features=5, n_classes=3):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n_rows, n_features)) + 2
    weights = rng.standard_normal((n_classes, n_features))
    y = np.argmax((X - 2) @ weights.T + rng.gumbel(size=(n_rows, n_classes)), axis=1)
    return X, y


def new(parameters, penalty):
    n_features = parameters.shape[1] - 1
    return AveragedDescent(
        parameters, penalty, RowMetric(np.zeros(n_features), np.zeros(n_features))
    )


def stream(X, y, weight=None, batch=64):
    state = new(np.zeros((3, X.shape[1] + 1)), np.zeros(X.shape[1] + 1))
    rows = np.column_stack([X, np.ones(len(X))])
    losses = []
    for first in range(0, len(X), batch):
        part = slice(first, first + batch)
        w = None if weight is None else weight[part]
        losses.append(state.step(Chunk(DenseRows(rows[part]), Labels(y[part], 3), w)))
    return state, losses


def loss(state, X, y):
    Z = np.column_stack([X, np.ones(len(X))]) @ state.average.T
    Z -= Z.max(axis=1, keepdims=True)
    return np.mean(np.log(np.exp(Z).sum(axis=1)) - Z[np.arange(len(y)), y])


def test_one_pass_lands_near_the_optimum_whatever_the_scales():
    X, y = drawn(3_000)
    even, _ = stream(X, y)
    scales = np.logspace(-3, 3, 5)
    uneven, _ = stream(X * scales, y)
    lowest = loss(stream(np.tile(X, (5, 1)), np.tile(y, 5))[0], X, y)
    assert loss(even, X, y) - lowest < 0.02 * (np.log(3) - lowest)
    assert loss(uneven, X * scales, y) - lowest < 0.02 * (np.log(3) - lowest)


def test_each_step_reports_the_objective_before_it():
    X, y = drawn(128)
    _, losses = stream(X, y)
    assert losses[0] == pytest.approx(np.log(3), rel=1e-12)
    assert losses[1] < losses[0]


def test_rows_unlike_all_before_are_not_overshot():
    """A column that was nearly constant until now has a metric in which its step is huge."""
    X, y = drawn(640)
    X[:, 0] = 1e-3 * X[:, 0]
    state, _ = stream(X, y)
    rows = np.array([[30.0, 2, 2, 2, 2, 1], [10.0, 2, 2, 2, 2, 1]])
    unlike = Chunk(DenseRows(rows), Labels(np.array([1, 2]), 3), None)
    before = state.step(unlike)
    assert state.step(unlike) <= before
    assert loss(state, X, y) < np.log(3)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("size", [1e-2, 1.0, 1e3])
def test_no_step_raises_f_on_its_block(weighted, size):
    """Of any length, in a metric that is wrong by any factor, from weights small and large."""
    X, y = drawn(1_000)
    rng = np.random.default_rng(1)
    weight = rng.uniform(0.1, 2, 1_000) if weighted else None
    rows = DenseRows(np.column_stack([X, np.ones(1_000)]))
    block = Chunk(rows, Labels(y, 3), weight)
    for spread in (0.1, 1.0, 10.0):
        state = new(spread * rng.standard_normal((3, 6)), np.full(6, 0.1))
        first = state.step(block)
        state.metric.variance = state.metric.variance / size
        state.metric.covariance = state.metric.covariance / size
        state.metric.renew(np.full(5, 0.1))
        before = state.step(block)
        assert before <= first
        assert state.step(block) <= before * (1 + 1e-12)


def test_a_safe_step_is_not_shortened_for_nothing():
    """At equal odds of 3 classes κ = ⅓, and a step in its metric is shorter than any bound asks."""
    X, y = drawn(1_000)
    state = new(np.zeros((3, 6)), np.zeros(6))
    state.step(Chunk(DenseRows(np.column_stack([X, np.ones(1_000)])), Labels(y, 3), None))
    whole = new(np.zeros((3, 6)), np.zeros(6))
    whole._safe = lambda *arguments: arguments[3]
    whole.step(Chunk(DenseRows(np.column_stack([X, np.ones(1_000)])), Labels(y, 3), None))
    assert np.array_equal(state.parameters, whole.parameters)


@pytest.mark.parametrize(("batch", "offset"), thinned(product([1, 64], [300.0, -1e4]), 3))
def test_where_columns_are_centred_does_not_matter(batch, offset):
    """The path is that of centred and scaled rows; digits are lost to the offset alone."""
    X, y = drawn(640 if batch > 1 else 160)
    scales = np.array([1e-6, 1e-2, 1.0, 1e2, 1e6])
    near, _ = stream(X, y, batch=batch)
    far, _ = stream((X + offset) * scales, y, batch=batch)
    # Rounding of X some 1e-12 of a deviation, times a condition of the metric.
    np.testing.assert_allclose(far.average[:, :5] * scales, near.average[:, :5], rtol=0, atol=1e-8)
    centred = far.average[:, 5] + far.average[:, :5] @ (offset * scales)
    np.testing.assert_allclose(centred, near.average[:, 5], rtol=0, atol=1e-6)


def test_rows_in_random_order_are_counted_until_they_tell_enough():
    X, y = drawn(640)
    rows = np.column_stack([X, np.ones(len(X))])
    state = new(np.zeros((3, 6)), np.zeros(6))
    state.in_random_order = True
    for first in range(0, 640, 64):
        part = slice(first, first + 64)
        state.step(Chunk(DenseRows(rows[part]), Labels(y[part], 3), None))
    assert state.metric.seen == 320  # 50 a column, with the ones of the intercept
    assert state.rows == 640


def test_what_lies_behind_counts_as_so_many_rows():
    """A start worth n rows moves n times less than one worth none, and is forgotten in time."""
    X, y = drawn(640)
    rows = np.column_stack([X, np.ones(len(X))])
    moved = []
    for behind in (1e3, 1e6):
        state = new(np.zeros((3, 6)), np.zeros(6))
        state.behind = behind
        state.step(Chunk(DenseRows(rows[:64]), Labels(y[:64], 3), None))
        moved.append(np.linalg.norm(state.average))
    assert moved[1] < moved[0] * 1e-3
    state.behind = 10.0
    for _ in range(20):
        state.step(Chunk(DenseRows(rows), Labels(y, 3), None))
    assert loss(state, X, y) - loss(stream(np.tile(X, (20, 1)), np.tile(y, 20))[0], X, y) < 0.01


def test_an_average_above_the_minimum_is_worth_the_rows_that_leave_such_an_error():
    state = new(np.ones((3, 6)), np.zeros(6))
    state.rows, state.behind = 300.0, 700.0
    state.is_above(6 * 2 / 2 / 1000)  # what 1000 rows leave, D (K − 1) / 2 n
    assert (state.rows, state.behind) == (300.0, 700.0)
    state.is_above(6 * 2 / 2 / 100)
    assert state.rows == pytest.approx(30.0, rel=1e-12)
    assert state.behind == pytest.approx(70.0, rel=1e-12)
    state.is_above(np.inf)
    assert (state.rows, state.behind) == (0.0, 0.0)


def test_only_ratios_of_weights_count():
    X, y = drawn(1_000)
    weight = np.random.default_rng(1).uniform(0.1, 2, 1_000)
    one, other = stream(X, y, weight)[0], stream(X, y, 1000 * weight)[0]
    np.testing.assert_allclose(one.average, other.average, rtol=1e-9)


def test_a_batch_of_weight_zero_changes_nothing():
    state, _ = stream(*drawn(512))
    before = pickle.dumps(state)
    empty = Chunk(DenseRows(np.ones((5, 6))), Labels(np.zeros(5, np.intp), 3), np.zeros(5))
    assert np.isnan(state.step(empty))
    assert pickle.dumps(state) == before


def test_a_pickled_stream_goes_on_bit_for_bit():
    X, y = drawn(512)
    state, _ = stream(X, y)
    again = pickle.loads(pickle.dumps(state))
    block = Chunk(DenseRows(np.ones((5, 6))), Labels(np.zeros(5, np.intp), 3), None)
    assert state.step(block) == again.step(block)
    assert np.array_equal(state.average, again.average)
