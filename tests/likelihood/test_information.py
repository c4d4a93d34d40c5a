"""Mean weighted second moments, against sums row by row."""

import numpy as np
import pytest

from strategies import likelihood_of

from softmax_regression._optimum import moments
from softmax_regression._optimum.moments import (
    class_covariances,
    class_variances,
    dense_values,
    mean_moments,
    pair_products,
    sampled,
    second_moment,
)
from softmax_regression._likelihood.working import Chunk
from softmax_regression._likelihood.targets import Labels

# Means of 300 products of order 1.
SUMMED = 1e-13

RNG = np.random.default_rng(0)
WEIGHT = RNG.uniform(0.2, 3.0, 300)


def rows(n_classes, weight=None, n_features=4):
    X = np.random.default_rng(1).standard_normal((300, n_features)) + 1.0
    return likelihood_of(
        X, Labels(np.arange(300) % n_classes, n_classes), weight, fit_intercept=True
    )


def parameters(data):
    drawn = np.random.default_rng(2).standard_normal((data.n_classes, data.n_columns))
    return drawn - drawn.mean(axis=0)


def softmax_of(data, V):
    (block,) = data.blocks(np.float64)
    Z = block.rows.values @ V.T
    P = np.exp(Z - Z.max(axis=1, keepdims=True))
    return block.rows.values, P / P.sum(axis=1, keepdims=True)


def test_pair_products_run_along_the_upper_triangle():
    r = RNG.standard_normal((5, 7))
    j, other = np.triu_indices(5)
    assert np.array_equal(pair_products(r), r[j] * r[other])


def test_class_covariances_run_along_the_upper_triangle():
    p = RNG.dirichlet(np.ones(4), size=6).T
    k, other = np.triu_indices(4)
    expected = [np.diag(column) - np.outer(column, column) for column in p.T]
    np.testing.assert_allclose(
        class_covariances(p), np.stack(expected)[:, k, other].T, rtol=0, atol=1e-16
    )


# The products of columns are formed once, the columns are scaled, or the rows.
@pytest.mark.parametrize("size", [(2, 4), (3, 4), (7, 4), (21, 4), (2, 24), (7, 40)])
@pytest.mark.parametrize("factors", [class_variances, class_covariances])
@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["equal", "weighted"])
@pytest.mark.parametrize("entries", [2**20, 100])
def test_moments_are_the_sums_over_rows(size, factors, weight, entries, monkeypatch):
    monkeypatch.setattr(moments, "CHUNK_ENTRIES", entries)
    n_classes, n_features = size
    data = rows(n_classes, weight, n_features)
    V = parameters(data)
    values, P = softmax_of(data, V)
    w = np.full(300, 1 / 300) if weight is None else weight / weight.sum()
    expected = np.einsum("mi,i,ij,il->mjl", factors(P.T), w, values, values)
    found = mean_moments(data, V, np.float64, factors, len(expected))
    np.testing.assert_allclose(found, expected, rtol=0, atol=SUMMED)


@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["equal", "weighted"])
def test_second_moment_is_the_mean_of_outer_products(weight):
    data = rows(3, weight)
    values, _ = softmax_of(data, parameters(data))
    w = np.full(300, 1 / 300) if weight is None else weight / weight.sum()
    expected = (values.T * w) @ values
    np.testing.assert_allclose(second_moment(data, np.float64), expected, rtol=0, atol=SUMMED)


def test_many_rows_are_sampled_in_runs_that_leave_no_block_out(monkeypatch):
    """Also where the labels are sorted, a sample has all of them."""
    monkeypatch.setattr(moments, "SAMPLED_ROWS", 100)
    data = rows(3)
    data.block_rows = 64
    all_blocks, parts = list(data.blocks(np.float64)), list(sampled(data, np.float64))
    assert [len(part.targets.labels) for part in parts] == [8, 8, 8, 8, 6]
    for whole, part in zip(all_blocks, parts, strict=True):
        first = np.flatnonzero((whole.rows.values == part.rows.values[0]).all(axis=1))[0]
        assert np.array_equal(
            whole.rows.values[first : first + len(part.rows.values)], part.rows.values
        )
    assert len(list(sampled(data, np.float32))) == 5


def test_dense_curvatures_refuse_other_rows():
    with pytest.raises(TypeError, match="dense rows"):
        dense_values(Block(None, None, None))
