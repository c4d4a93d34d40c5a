"""Averaged mini-batch descent: steps nobody chose, in the metric of the rows."""

import pickle

import numpy as np
import pytest

from softmax_regression._likelihood.rows import DenseRows
from softmax_regression._likelihood.targets import Labels
from softmax_regression._likelihood.working import Chunk
from softmax_regression._optimum.minibatch import AveragedDescent


def drawn(n_rows=6_000, n_features=5, n_classes=3):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n_rows, n_features)) + 2
    weights = rng.standard_normal((n_classes, n_features))
    y = np.argmax((X - 2) @ weights.T + rng.gumbel(size=(n_rows, n_classes)), axis=1)
    return X, y


def stream(X, y, weight=None, batch=64):
    state = AveragedDescent(np.zeros((3, X.shape[1] + 1)), np.zeros(X.shape[1] + 1))
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
    X, y = drawn()
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
def test_the_bend_bounds_the_second_derivative(weighted):
    X, y = drawn(1_000)
    rng = np.random.default_rng(1)
    weight = rng.uniform(0.1, 2, 1_000) if weighted else np.ones(1_000)
    rows = np.column_stack([X, np.ones(1_000)])
    direction, penalty = rng.standard_normal((3, 6)), np.full(6, 0.1)
    state = AveragedDescent(np.zeros((3, 6)), penalty)
    block = Chunk(DenseRows(rows), Labels(y, 3), weight if weighted else None)
    change = rows @ direction.T
    change -= change.mean(axis=1, keepdims=True)
    expected = 0.5 * np.average((change**2).sum(axis=1), weights=weight)
    expected += (penalty * direction**2).sum()
    assert state._bend(block, direction, weight.sum()) == pytest.approx(expected, rel=1e-12)


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
