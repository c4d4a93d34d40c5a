"""Rows centred and scaled: the model is the same in either parameters, and sparse rows stay so."""

import numpy as np
import pytest
from strategies import Csr, likelihood_of
from tolerances import EPS

from softmax_regression import SoftmaxRegression
from softmax_regression._parameters import Parameters
from softmax_regression._likelihood.rows import DenseRows
from softmax_regression._likelihood.targets import Labels

RNG = np.random.default_rng(0)
X = np.where(RNG.random((90, 6)) < 0.4, RNG.normal(1.0, 2.0, (90, 6)), 0.0)
X[:, 2] += 50.0  # a column without zeros, far from zero
LABELS = np.arange(90) % 3
WEIGHT = RNG.uniform(0.2, 3.0, 90)
# Sums of 90 products of entries up to 50.
SUMMED = 90 * 50 * 50 * EPS


def standardised(rows, weight=None, **settings):
    given = {"fit_intercept": True} | settings
    return likelihood_of(rows, Labels(LABELS, 3), weight, **given)


@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["equal", "weighted"])
def test_dense_columns_have_mean_zero_and_variance_one(weight):
    (block,) = standardised(X, weight).blocks(np.float64)
    w = np.ones(90) if weight is None else weight
    values = block.rows.values
    np.testing.assert_allclose(w @ values[:, :6] / w.sum(), 0.0, atol=SUMMED)
    np.testing.assert_allclose(w @ values[:, :6] ** 2 / w.sum(), 1.0, rtol=SUMMED)


@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["equal", "weighted"])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_sparse_rows_are_centred_by_an_intercept_alone(weight, fit_intercept):
    data = standardised(Csr(X), weight, fit_intercept=fit_intercept)
    mean = np.average(X, axis=0, weights=weight) if fit_intercept else np.zeros(6)
    np.testing.assert_allclose(data.centre, mean, rtol=SUMMED)
    (block,) = data.blocks(np.float64)
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
    V = data.standardise(original)
    (block,) = data.blocks(np.float64)
    expected = original.weights @ X.T + original.intercept[:, None]
    logits = block.rows.logits(V)
    np.testing.assert_allclose(logits - logits[-1], expected - expected[-1], atol=SUMMED)
    again = data.restore(V)
    np.testing.assert_allclose(again.weights, original.weights, rtol=SUMMED)
    np.testing.assert_allclose(again.intercept, original.intercept, atol=SUMMED)
    assert data.penalty(0.1) @ (V**2).sum(axis=0) == pytest.approx(
        0.1 * (original.weights**2).sum(), rel=SUMMED
    )


def test_rotated_rows_have_one_scale():
    data = standardised(X - X.mean(axis=0), rotated=True)
    assert not data.centre.any()
    assert np.ptp(data.scale) == 0.0
    assert data.scale[0] == pytest.approx(np.sqrt(((X - X.mean(axis=0)) ** 2).mean()))


def test_the_offset_of_a_sparse_column_costs_no_passes():
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
    (raw,), (kept,) = list(data.passes(np.float64)), list(data.blocks(np.float64))
    assert isinstance(raw.rows, DenseRows) == (offset > 0 and fit_intercept)
    logits, expected = raw.rows.logits(V), kept.rows.logits(V)
    np.testing.assert_allclose(logits - logits[-1], expected - expected[-1], atol=SUMMED)
    gradient = kept.rows.gradient(residual)
    np.testing.assert_allclose(raw.rows.gradient(residual), gradient, atol=SUMMED)
    assert (raw.weight is None) == (weight is None)


def test_passes_take_kept_rows_where_there_are_any():
    data = standardised(X)
    (kept,) = data.blocks(np.float64)
    assert next(data.passes(np.float64)).rows is kept.rows
