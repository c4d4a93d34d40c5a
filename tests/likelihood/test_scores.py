"""Products of scores, averages with derivatives and sparse moments, against plain loops over rows."""

import pickle
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from softmax_regression._likelihood import rows as rows_module
from softmax_regression._likelihood.averages import average_probabilities, average_slopes
from softmax_regression._likelihood.block import Block, Memo
from softmax_regression._likelihood.coordinates import Coordinates
from softmax_regression._likelihood.information import class_covariances, expanded, information
from softmax_regression._likelihood.rows import CentredRows
from softmax_regression._likelihood.scores import grouped_scores, score_products
from softmax_regression._likelihood.sums import summed
from softmax_regression._likelihood.targets import Labels, ProbabilityRows
from softmax_regression._likelihood.working import Chunk, Likelihood, over_chunks

CLOSE = {"rtol": 1e-10, "atol": 1e-12}


class Problem(NamedTuple):
    block: Block
    coordinates: Coordinates
    theta: np.ndarray
    t: np.ndarray
    w: np.ndarray

    @property
    def x(self):
        """(x − μ) / s and a one for the intercept."""
        values = (self.block.X - self.coordinates.centre) / self.coordinates.scale
        ones = np.ones((len(values), int(self.coordinates.fit_intercept)))
        return np.hstack([values, ones])

    @property
    def p(self):
        z = np.exp(self.x @ self.theta.T)
        return z / z.sum(axis=1, keepdims=True)

    def sums(self, function, *arguments):
        seen = (self.coordinates, np.float64, False)
        return summed(over_chunks, [self.block], function, seen, arguments)


def problem(seed, n=40, d=3, n_classes=4, *, rows=False, intercept=True, weighted=True):
    generator = np.random.default_rng(seed)
    X = generator.normal(size=(n, d))
    coordinates = Coordinates(X.mean(axis=0) * intercept, X.std(axis=0), intercept)
    theta = generator.normal(size=(n_classes, d + intercept))
    w = generator.uniform(0.5, 3.0, n) if weighted else np.ones(n)
    if rows:
        t = generator.dirichlet(np.ones(n_classes), n)
        targets = ProbabilityRows(t)
    else:
        labels = generator.integers(0, n_classes, n)
        t, targets = np.eye(n_classes)[labels], Labels(labels, n_classes)
    return Problem(Block(X, targets, w if weighted else None), coordinates, theta, t, w)


SEEDS = st.integers(0, 2**32 - 1)
ORDER = np.array([3, 1, 0, 2])


@given(SEEDS, st.booleans(), st.booleans(), st.booleans(), st.sampled_from([2, 30]))
def test_products_of_scores(seed, counts, rows, weighted, d):
    given_ = problem(seed, d=d, rows=rows, weighted=weighted)
    (sums,) = given_.sums(score_products, given_.theta, ORDER, counts)
    moments = expanded(sums, given_.theta.shape[1])
    pairs = [(k, m) for k in range(3) for m in range(k, 3)]
    for moment, (k, m) in zip(moments, pairs, strict=True):
        expected = 0.0
        for x, p, t, w in zip(given_.x, given_.p, given_.t, given_.w, strict=True):
            if counts:
                copies = [
                    share * np.outer(e - p, e - p) for share, e in zip(t, np.eye(4), strict=True)
                ]
                middle = w * sum(copies)
            else:
                middle = w**2 * np.outer(t - p, t - p)
            expected = expected + middle[ORDER[k], ORDER[m]] * np.outer(x, x)
        np.testing.assert_allclose(moment, expected, **CLOSE)


@given(SEEDS, st.booleans())
def test_scores_summed_by_group(seed, intercept):
    given_ = problem(seed, intercept=intercept)
    groups = np.sort(np.random.default_rng(seed).integers(0, 7, 40))
    (sums,) = grouped_scores(given_.block, given_.coordinates, given_.theta, groups, 7)
    scores = given_.w[:, None, None] * (given_.t - given_.p)[:, :, None] * given_.x[:, None, :]
    for g in range(7):
        np.testing.assert_allclose(sums[g], scores[groups == g].sum(axis=0), **CLOSE)


@given(SEEDS)
def test_groups_that_span_blocks_and_chunks_add_up(seed):
    given_ = problem(seed, n=9000, n_classes=3)
    groups = np.sort(np.random.default_rng(seed).integers(0, 3, 9000))
    arguments = (given_.coordinates, given_.theta)
    (whole,) = grouped_scores(given_.block, *arguments, groups, 3)
    parts = [slice(0, 100), slice(100, 9000)]
    (cut,) = (
        sum(each)
        for each in zip(
            *(
                grouped_scores(given_.block.take(part), *arguments, groups[part], 3)
                for part in parts
            ),
            strict=True,
        )
    )
    np.testing.assert_allclose(whole, cut, rtol=1e-9, atol=1e-9)


def derivative(function, theta, step=1e-6):
    """∂ function / ∂θ by central differences, (K, *θ.shape)."""
    out = []
    for place in np.ndindex(theta.shape):
        moved = np.zeros_like(theta)
        moved[place] = step
        out.append((function(theta + moved) - function(theta - moved)) / (2 * step))
    return np.moveaxis(np.array(out), 0, -1).reshape(-1, *theta.shape)


@given(SEEDS, st.booleans())
def test_average_probabilities_and_their_derivative(seed, intercept):
    given_ = problem(seed, intercept=intercept)
    total, p, found = given_.sums(average_probabilities, given_.theta)
    assert total == pytest.approx(given_.w.sum())
    np.testing.assert_allclose(p, given_.w @ given_.p, **CLOSE)
    expected = derivative(lambda theta: given_.w @ given_._replace(theta=theta).p, given_.theta)
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-7)


@given(SEEDS, st.integers(0, 2))
def test_average_slopes_and_their_derivative(seed, j):
    given_ = problem(seed)

    def slopes(theta):
        p = given_._replace(theta=theta).p
        return given_.w @ (p * (theta[:, j] - (p @ theta[:, j])[:, None]))

    _, effect, found, direct = given_.sums(average_slopes, given_.theta, given_.theta[:, j])
    np.testing.assert_allclose(effect, slopes(given_.theta), **CLOSE)
    found[:, :, j] += direct
    np.testing.assert_allclose(found, derivative(slopes, given_.theta), rtol=1e-5, atol=1e-6)


class SparseMatrix:
    """As much of a CSR matrix as the library asks for, dense inside."""

    def __init__(self, values):
        self.values, self.shape, self.dtype = values, values.shape, values.dtype
        self.nnz = np.count_nonzero(values)

    def tocsr(self):
        return self

    def toarray(self):
        return self.values.copy()

    def multiply(self, other):
        return SparseMatrix(
            self.values * (other.values if isinstance(other, SparseMatrix) else other)
        )

    @property
    def T(self):
        return SparseMatrix(self.values.T)

    def __matmul__(self, other):
        if isinstance(other, SparseMatrix):
            return SparseMatrix(self.values @ other.values)
        return self.values @ other

    def __getitem__(self, key):
        return SparseMatrix(self.values[key])


@given(SEEDS, st.booleans())
def test_moments_of_a_thin_sparse_matrix_are_those_of_the_dense_one(seed, intercept):
    generator = np.random.default_rng(seed)
    X = generator.normal(size=(60, 12)) * (generator.random((60, 12)) < 0.08)
    theta = generator.normal(size=(3, 12 + intercept))
    coordinates = Coordinates(X.mean(axis=0) * intercept, np.ones(12), intercept)
    labels = Labels(generator.integers(0, 3, 60), 3)
    weight = generator.uniform(0.5, 2.0, 60)
    sparse = Chunk(CentredRows(SparseMatrix(X), coordinates), labels, weight)
    dense = Chunk(sparse.rows.dense(), labels, weight)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rows_module, "LEAST_WORK", 0.0)
        assert sparse.rows.is_thin == (np.count_nonzero(X) <= 0.1 * X.size)
        for function in (
            lambda chunk: information(chunk, theta, class_covariances)[1],
            lambda chunk: score_products(chunk, theta, np.array([1, 2, 0]), False)[0],
        ):
            one, other = (expanded(function(chunk), theta.shape[1]) for chunk in (sparse, dense))
            np.testing.assert_allclose(one, other, **CLOSE)


def test_rows_that_are_few_are_filled_in():
    few = CentredRows(SparseMatrix(np.eye(30)), Coordinates.identity(30, True))
    many = CentredRows(SparseMatrix(np.eye(200)), Coordinates.identity(200, True))
    assert not few.is_thin
    assert many.is_thin


def test_rows_that_are_not_thin_are_filled_in():
    full = CentredRows(SparseMatrix(np.ones((5, 3))), Coordinates.identity(3, True))
    single = CentredRows(SparseMatrix(np.eye(30, dtype=np.float32)), Coordinates.identity(30, True))
    dense = CentredRows(np.zeros((5, 3)), Coordinates.identity(3, True))
    assert not full.is_thin
    assert not single.is_thin
    assert not dense.is_thin


def test_rough_products_are_those_of_float32():
    given_ = problem(0, d=30, n=500)
    exact, rough = (
        given_.sums(information, given_.theta, class_covariances, 1, exact)[1]
        for exact in (True, False)
    )
    assert exact.dtype == rough.dtype == np.float64
    assert 1e-9 < np.abs(exact - rough).max() / np.abs(exact).max() < 1e-5


def test_the_functions_travel_to_other_processes():
    for function in (score_products, grouped_scores, average_probabilities, average_slopes):
        assert pickle.loads(pickle.dumps(function)) is function


def test_they_go_through_the_door_of_a_likelihood():
    given_ = problem(3)
    likelihood = Likelihood([given_.block._replace(memo=Memo())], coordinates=given_.coordinates)
    halves = Likelihood(
        [given_.block.take(slice(0, 15)), given_.block.take(slice(15, 40))],
        coordinates=given_.coordinates,
    )
    for function, arguments in (
        (score_products, (given_.theta, ORDER, False)),
        (average_probabilities, (given_.theta,)),
        (average_slopes, (given_.theta, given_.theta[:, 0])),
    ):
        for one, other in zip(
            likelihood.sums(function, *arguments), halves.sums(function, *arguments), strict=True
        ):
            np.testing.assert_allclose(one, other, **CLOSE)
