"""Rows centred and scaled: the model is the same in either parameters, and sparse rows stay so."""

import pickle

import numpy as np
import pytest
from strategies import Csr, chunks_of, likelihood_of
from tolerances import EPS

from softmax_regression import SoftmaxRegression
from softmax_regression._likelihood import working
from softmax_regression._likelihood.block import Block, Memo
from softmax_regression._likelihood.coordinates import Coordinates
from softmax_regression._likelihood.rows import DenseRows
from softmax_regression._likelihood.targets import Labels
from softmax_regression._likelihood.value import value
from softmax_regression._likelihood.working import Likelihood
from softmax_regression._parameters import Parameters
from softmax_regression._penalty import Penalty

RNG = np.random.default_rng(0)
X = np.where(RNG.random((90, 6)) < 0.4, RNG.normal(1.0, 2.0, (90, 6)), 0.0)
X[:, 2] += 50.0  # a column without zeros, far from zero
LABELS = np.arange(90) % 3
WEIGHT = RNG.uniform(0.2, 3.0, 90)
# Sums of 90 products of entries up to 50.
SUMMED = 90 * 50 * 50 * EPS


def standardised(rows, weight=None, **settings):
    return likelihood_of(rows, Labels(LABELS, 3), weight, **settings)


@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["equal", "weighted"])
def test_dense_columns_have_mean_zero_and_variance_one(weight):
    (block,) = chunks_of(standardised(X, weight))
    w = np.ones(90) if weight is None else weight
    values = block.rows.values
    np.testing.assert_allclose(w @ values[:, :6] / w.sum(), 0.0, atol=SUMMED)
    np.testing.assert_allclose(w @ values[:, :6] ** 2 / w.sum(), 1.0, rtol=SUMMED)


@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["equal", "weighted"])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_sparse_rows_are_centred_by_an_intercept_alone(weight, fit_intercept):
    data = standardised(Csr(X), weight, fit_intercept=fit_intercept)
    mean = np.average(X, axis=0, weights=weight) if fit_intercept else np.zeros(6)
    np.testing.assert_allclose(data.coordinates.centre, mean, rtol=SUMMED)
    (block,) = chunks_of(data)
    ones = np.ones((1, 90))
    centred = np.append((X - mean).sum(axis=0), np.full(int(fit_intercept), 90.0))
    np.testing.assert_allclose(block.rows.sums(ones)[0], centred, atol=SUMMED)


@pytest.mark.parametrize("kind", [np.asarray, Csr], ids=["dense", "sparse"])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_the_model_is_the_same_in_either_parameters(kind, fit_intercept):
    data = standardised(kind(X), fit_intercept=fit_intercept)
    original = Parameters(
        RNG.standard_normal((3, 6)), RNG.standard_normal(3) if fit_intercept else np.zeros(3)
    )
    V = data.coordinates.inward(original)
    (block,) = chunks_of(data)
    expected = original.weights @ X.T + original.intercept[:, None]
    logits = block.rows.logits(V)
    np.testing.assert_allclose(logits - logits[-1], expected - expected[-1], atol=SUMMED)
    again = data.coordinates.outward(V)
    np.testing.assert_allclose(again.weights, original.weights, rtol=SUMMED)
    np.testing.assert_allclose(again.intercept, original.intercept, atol=SUMMED)
    inner = Penalty(0.3, 0.1).within(data.coordinates)
    expected = Penalty(0.3, 0.1).value(original.weights)
    assert inner.value(V) == pytest.approx(expected, rel=SUMMED)


def test_coordinates_may_be_given():
    given = Coordinates(np.full(6, 0.5), np.full(6, 2.0), fit_intercept=True)
    data = standardised(X, coordinates=given)
    (chunk,) = chunks_of(data)
    np.testing.assert_allclose(chunk.rows.values[:, :6], (X - 0.5) / 2.0, atol=SUMMED)
    other = standardised(X)
    original = Parameters(RNG.standard_normal((3, 6)), RNG.standard_normal(3))
    losses = [each.sums(value, each.coordinates.inward(original))[0] for each in (data, other)]
    assert losses[0] == pytest.approx(losses[1], rel=SUMMED)


def test_the_mean_squares_of_the_columns_follow_from_the_survey():
    for kind in (np.asarray, Csr):
        for fit_intercept in (True, False):
            data = standardised(kind(X), WEIGHT, fit_intercept=fit_intercept)
            (chunk,) = chunks_of(data)
            expected = WEIGHT @ chunk.rows.dense().values[:, :6] ** 2 / WEIGHT.sum()
            found = data.coordinates.squares(data.survey)
            np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_the_offset_of_a_sparse_column_costs_no_readings():
    """An intercept takes an offset up, and the centred rows are the same."""
    passes = []
    for offset in (0.0, 5.0):
        rows = X.copy()
        rows[:, 2] += offset - 50.0
        passes.append(SoftmaxRegression(l2=0.01).fit(Csr(rows), LABELS).n_iter_)
    assert abs(passes[0] - passes[1]) <= 1


@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["equal", "weighted"])
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("offset", [0.0, 1e9])
def test_passes_over_x_itself_are_as_exact_as_over_its_standardised_rows(
    offset, fit_intercept, weight
):
    """Far from zero, X itself would lose nine digits."""
    data = standardised(X + offset, weight, fit_intercept=fit_intercept)
    V = RNG.standard_normal((3, data.n_columns))
    residual = RNG.standard_normal((3, 90))
    residual -= residual.mean(axis=0)
    (raw,), (kept,) = chunks_of(data, products=True), chunks_of(data)
    assert isinstance(raw.rows, DenseRows) == (offset > 0 and fit_intercept)
    logits, expected = raw.rows.logits(V), kept.rows.logits(V)
    np.testing.assert_allclose(logits - logits[-1], expected - expected[-1], atol=SUMMED)
    gradient = kept.rows.gradient(residual)
    np.testing.assert_allclose(raw.rows.gradient(residual), gradient, atol=SUMMED)
    assert (raw.weight is None) == (weight is None)


def test_products_take_kept_rows_where_there_are_any():
    data = standardised(X)
    (kept,) = chunks_of(data)
    assert chunks_of(data, products=True)[0].rows is kept.rows


def test_rows_that_find_no_room_are_made_anew():
    block = Block(X, Labels(LABELS, 3), None, 0, Memo(limit=90 * 7 * 8 - 1))
    data = Likelihood([block])
    assert chunks_of(data)[0].rows is not chunks_of(data)[0].rows
    assert chunks_of(data, np.float32)[0].rows is chunks_of(data, np.float32)[0].rows


def test_all_that_is_kept_of_a_block_has_one_budget():
    memo, key = Memo(limit=100.0), (object(),)
    memo.keep("rows", key, 0, "first", 60.0)
    memo.keep("logits", key, 0, "second", 60.0)
    assert memo.recall("rows", key, 0) == "first"
    assert memo.recall("logits", key, 0) is None
    memo.keep("rows", (object(),), 0, "third", 30.0)
    memo.keep("logits", key, 0, "second", 60.0)
    assert memo.recall("rows", key, 0) is None
    assert memo.recall("logits", key, 0) == "second"


def test_what_is_kept_of_a_chunk_is_made_once_for_a_key(monkeypatch):
    monkeypatch.setattr(working, "CHUNK_ROWS", 256)
    rows, labels = np.vstack([X] * 6), Labels(np.tile(LABELS, 6), 3)
    data, made = likelihood_of(rows, labels), []

    def logits(chunk, key):
        return chunk.kept("logits", (key,), lambda: made.append(chunk.number) or np.ones(3))

    one, other = np.zeros(1), np.zeros(1)
    for key in (one, one, other, one):
        for chunk in chunks_of(data):
            logits(chunk, key)
    assert len(made) == 3 * len(chunks_of(data)) == 9
    (chunk, *_) = chunks_of(Likelihood([Block(rows, labels)]))
    assert logits(chunk, one) is not logits(chunk, one)


def test_a_shuffled_epoch_has_every_row_once_and_its_order_stays(monkeypatch):
    monkeypatch.setattr(working, "CHUNK_ROWS", 256)
    rows, labels = np.vstack([X + i for i in range(6)]), Labels(np.tile(LABELS, 6), 3)
    data = likelihood_of(rows, labels)
    plain = np.concatenate([chunk.rows.values for chunk in chunks_of(data)])
    batches = list(data.batches(np.float64, 100, np.random.default_rng(0)))
    drawn = np.concatenate([batch.rows.values for batch in batches])
    assert not np.array_equal(drawn, plain)
    assert np.array_equal(np.sort(drawn, axis=0), np.sort(plain, axis=0))
    kept = np.concatenate([chunk.rows.values for chunk in chunks_of(data)])
    assert np.array_equal(kept, drawn)
    in_order = list(likelihood_of(rows, labels).batches(np.float64, 100, None))
    assert np.array_equal(np.concatenate([batch.rows.values for batch in in_order]), plain)


def test_every_sum_and_every_epoch_is_a_reading():
    data = standardised(X)
    assert data.readings == 1
    theta = np.zeros((3, 7))
    data.sums(value, theta)
    list(data.batches(np.float64, 10, None))
    part = data.columns(np.array([1, 2]))
    part.sums(value, np.zeros((3, 3)))
    assert data.readings == part.readings == 4


def test_a_loader_is_called_where_its_block_is_summed():
    block = Block(X, Labels(LABELS, 3))
    data, loaded = Likelihood([lambda: block]), Likelihood([block])
    theta = RNG.standard_normal((3, 7))
    for one, other in zip(data.sums(value, theta), loaded.sums(value, theta), strict=True):
        np.testing.assert_array_equal(one, other)
    batches = list(data.batches(np.float64, 50, None))
    assert [batch.rows.n_rows for batch in batches] == [50, 40]


def test_coordinates_travel_between_processes():
    data = standardised(X)
    again = pickle.loads(pickle.dumps(data.coordinates))
    np.testing.assert_array_equal(again.scale, data.coordinates.scale)


def test_a_chunk_draws_by_its_place_alone(monkeypatch):
    """Whoever holds it, and in whatever order: not as another chunk, nor as another block."""
    monkeypatch.setattr(working, "CHUNK_ROWS", 256)
    rows, labels = np.vstack([X] * 6), Labels(np.tile(LABELS, 6), 3)
    coordinates = Coordinates.identity(6, fit_intercept=True)
    blocks = [Block(rows, labels, None, number) for number in range(2)]
    drawn = [
        chunk.generator().random()
        for block in (*blocks, *reversed(blocks))
        for chunk in working.chunks(block, coordinates, np.float64)
    ]
    assert len(set(drawn)) == 6
    assert drawn[:6] == [*drawn[9:], *drawn[6:9]]
