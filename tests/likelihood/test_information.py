"""Mean weighted second moments, against sums row by row."""

from itertools import product

import numpy as np
import pytest
from strategies import Csr, chunks_of, likelihood_of, thinned

from softmax_regression._likelihood import information as information_module
from softmax_regression._likelihood import working
from softmax_regression._likelihood.block import Block
from softmax_regression._likelihood.coordinates import Coordinates
from softmax_regression._likelihood.information import (
    RUN,
    class_covariances,
    class_variances,
    expanded,
    information,
    pair_products,
    sampled,
    value_and_information,
)
from softmax_regression._likelihood.targets import Labels
from softmax_regression._likelihood.value import value
from softmax_regression._optimum.moments import (
    common_probabilities,
    mean_moments,
    mean_second_moment,
    missed,
)

# Means of 300 products of order 1.
SUMMED = 1e-13

RNG = np.random.default_rng(0)
WEIGHT = RNG.uniform(0.2, 3.0, 300)


def rows(n_classes, weight=None, n_features=4, kind=np.asarray):
    X = np.random.default_rng(1).standard_normal((300, n_features)) + 1.0
    return likelihood_of(
        kind(X), Labels(np.arange(300) % n_classes, n_classes), weight, fit_intercept=True
    )


def parameters(data):
    drawn = np.random.default_rng(2).standard_normal((data.n_classes, data.n_columns))
    return drawn - drawn.mean(axis=0)


def softmax_of(data, V):
    (chunk,) = chunks_of(data)
    values = chunk.rows.dense().values
    Z = values @ V.T
    P = np.exp(Z - Z.max(axis=1, keepdims=True))
    return values, P / P.sum(axis=1, keepdims=True)


def test_pair_products_run_along_the_upper_triangle():
    r = RNG.standard_normal((5, 7))
    j, other = np.triu_indices(5)
    assert np.array_equal(pair_products(r), r[j] * r[other])


def test_class_covariances_run_along_the_upper_triangle():
    """Of all classes but the last, whose covariances follow."""
    p = RNG.dirichlet(np.ones(5), size=6).T
    k, other = np.triu_indices(4)
    expected = [np.diag(column) - np.outer(column, column) for column in p[:4].T]
    # p sums to one but for its own rounding, and four others are added.
    np.testing.assert_allclose(
        class_covariances(p), np.stack(expected)[:, k, other].T, rtol=0, atol=4e-16
    )


# The products of columns are formed once, the columns are scaled, or the rows.
@pytest.mark.parametrize(("size", "factors", "weight", "entries", "kind"), thinned(product(
    [(3, 4), (7, 4), (21, 4), (2, 24), (3, 40), (7, 40)],
    [class_variances, class_covariances], [None, WEIGHT], [2**20, 100], [np.asarray, Csr],
), 3))  # fmt: skip
def test_moments_are_the_sums_over_rows(size, factors, weight, entries, kind, monkeypatch):  # noqa: PLR0917
    monkeypatch.setattr(information_module, "CHUNK_ENTRIES", entries)
    n_classes, n_features = size
    data = rows(n_classes, weight, n_features, kind)
    V = parameters(data)
    values, P = softmax_of(data, V)
    w = np.full(300, 1 / 300) if weight is None else weight / weight.sum()
    expected = np.einsum("mi,i,ij,il->mjl", factors(P.T), w, values, values, optimize=True)
    found = mean_moments(data, V, np.float64, factors, 1)
    np.testing.assert_allclose(found, expected, rtol=0, atol=SUMMED)


@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["equal", "weighted"])
def test_second_moment_is_the_mean_of_outer_products(weight):
    data = rows(3, weight)
    values, _ = softmax_of(data, parameters(data))
    w = np.full(300, 1 / 300) if weight is None else weight / weight.sum()
    expected = (values.T * w) @ values
    np.testing.assert_allclose(
        mean_second_moment(data, np.float64, 1), expected, rtol=0, atol=SUMMED
    )


def test_many_rows_are_sampled_in_runs_that_leave_no_part_of_a_chunk_out():
    """Also where the labels are sorted, or come in turns, a sample has all of them."""
    n_rows = 5_000
    values = np.arange(n_rows, dtype=float)[:, None]
    blocks = [
        Block(values, Labels(np.zeros(n_rows, np.intp), 2), None, number) for number in range(2)
    ]
    taken = []
    for block in blocks:
        (chunk,) = working.chunks(block, Coordinates.identity(1, fit_intercept=False), np.float64)
        part = sampled(chunk, 8)
        places = part.rows.values[:, 0].astype(int)
        assert n_rows / 8 <= len(places) <= n_rows / 8 + RUN
        assert (np.diff(places) > 0).all()
        assert np.unique(places // 500).size == 10
        assert (np.bincount(places % 8) > len(places) / 16).all()
        np.testing.assert_array_equal(sampled(chunk, 8).rows.values[:, 0], places)
        taken.append(places)
    assert not np.array_equal(*taken)  # nor where each block begins


@pytest.mark.parametrize("n_rows", [0, 1, 7, 9])
def test_a_few_rows_are_sampled_too(n_rows):
    block = Block(np.ones((n_rows, 2)), Labels(np.zeros(n_rows, np.intp), 2))
    (chunk,) = working.chunks(block, Coordinates.identity(2, fit_intercept=False), np.float64)
    assert sampled(chunk, 8).rows.n_rows == -(-n_rows // 8)


def test_a_column_that_a_sample_misses_is_told_and_no_other(monkeypatch):
    monkeypatch.setattr("softmax_regression._optimum.moments.SAMPLED_ROWS", 1000)
    X = RNG.standard_normal((4000, 2))
    X[:, 1] = 0.0
    X[3999, 1] = 1.0
    data = likelihood_of(X, Labels(np.arange(4000) % 2, 2))
    found = missed(data)
    assert found[0] == found[2] == 0.0
    assert found[1] > 0.9
    monkeypatch.undo()
    assert not missed(data).any()


def test_without_weights_all_rows_have_the_probabilities_of_the_intercepts():
    data = rows(3)
    theta = np.zeros((3, 5))
    theta[:, -1] = np.log([0.5, 0.3, 0.2])
    np.testing.assert_allclose(common_probabilities(data, theta)[:, 0], [0.5, 0.3, 0.2])
    found = mean_moments(data, theta, np.float64, class_variances, 1)
    weight, sums = data.sums(information, theta, class_variances)
    np.testing.assert_allclose(found, expanded(sums / weight, 5), rtol=0, atol=SUMMED)
    theta[0, 0] = 1.0
    assert common_probabilities(data, theta) is None


@pytest.mark.parametrize("kind", [np.asarray, Csr])
@pytest.mark.parametrize("weight", [None, WEIGHT])
@pytest.mark.parametrize("entries", [64, 2**20], ids=["in parts", "at once"])
def test_one_reading_for_value_and_information_says_what_two_do(kind, weight, entries, monkeypatch):
    monkeypatch.setattr("softmax_regression._likelihood.information.CHUNK_ENTRIES", entries)
    data = rows(4, weight, kind=kind)
    theta, order = parameters(data), np.array([3, 0, 2, 1])
    loss, gradient, sums = data.sums(value_and_information, theta, order, True, products=True)
    expected_loss, expected_gradient = data.sums(value, theta)
    _, expected = data.sums(information, theta[order], class_covariances)
    assert loss == pytest.approx(expected_loss, rel=SUMMED)
    # Sums of 300 products instead of their means.
    np.testing.assert_allclose(gradient, expected_gradient, rtol=0, atol=300 * SUMMED)
    np.testing.assert_allclose(sums, expected, rtol=0, atol=300 * SUMMED)
    rough = data.sums(value_and_information, theta, order, False)[2]
    np.testing.assert_allclose(rough, expected, rtol=0, atol=1e-5 * np.abs(expected).max())
    assert not np.array_equal(rough, expected)
