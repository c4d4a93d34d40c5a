"""The door to the rows: the same sums from a list, a memory map, threads and processes, and any cut.

And what is made of them elsewhere: F in coordinates from outside, standard errors.
"""

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import pairwise

import numpy as np
import pytest

from softmax_regression._likelihood.block import Block
from softmax_regression._likelihood.coordinates import Coordinates
from softmax_regression._likelihood.information import class_covariances, expanded, information
from softmax_regression._likelihood.margins import margins
from softmax_regression._likelihood.scores import score_products
from softmax_regression._likelihood.sums import Largest, summed
from softmax_regression._likelihood.survey import survey
from softmax_regression._likelihood.targets import Labels, ProbabilityRows
from softmax_regression._likelihood.value import value
from softmax_regression._likelihood.working import Likelihood, over_chunks
from softmax_regression._objective import Objective
from softmax_regression._parameters import Parameters
from softmax_regression._penalty import Penalty

N, D, K = 230, 4, 3
RNG = np.random.default_rng(0)
X = RNG.normal(5.0, 2.0, (N, D))
Y = RNG.integers(K, size=N)
WEIGHT = RNG.uniform(0.5, 2.0, N)
THETA = RNG.normal(size=(K, D + 1))
COORDINATES = Coordinates(X.mean(axis=0), X.std(axis=0), fit_intercept=True)
ALL = {
    "survey": (survey, ()),
    "value": (value, (THETA,)),
    "information": (information, (THETA, class_covariances)),
    "margins": (margins, (COORDINATES.outward(THETA),)),
    "scores": (score_products, (THETA, np.array([2, 0, 1]), True)),
}
OF_BLOCKS = (survey, margins)


def cut(n_blocks):
    """Blocks of uneven sizes, the first of more than one empty."""
    ends = np.sort(np.random.default_rng(n_blocks).integers(N, size=n_blocks - 1))
    if n_blocks > 1:
        ends[0] = 0
    edges = [0, *ends, N]
    return [
        Block(X[a:b], Labels(Y[a:b], K), WEIGHT[a:b], number)
        for number, (a, b) in enumerate(pairwise(edges))
    ]


def sums(name, source, **options):
    function, arguments = ALL[name]
    if function in OF_BLOCKS:
        return summed(function, source, *arguments, **options)
    seen = (COORDINATES, np.float64, False)
    return summed(over_chunks, source, function, seen, arguments, **options)


def flat(result):
    """All numbers of a result, also those of surveys, in one vector."""
    entries = [part for each in result for part in (each if isinstance(each, tuple) else [each])]
    return np.concatenate([np.ravel(entry) for entry in entries])


def load(path, number, a, b):
    rows = np.load(path, mmap_mode="r")
    return Block(rows[a:b], Labels(Y[a:b], K), WEIGHT[a:b], number)


@pytest.fixture(scope="module")
def pools(processes):
    with ThreadPoolExecutor(2) as threads:
        yield {"threads": threads.map, "processes": processes.map}


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    file = tmp_path_factory.mktemp("rows") / "X.npy"
    np.save(file, X)
    return file


def loaders(path, n_blocks):
    edges = np.cumsum([0, *(block.n_rows for block in cut(n_blocks))])
    parts = pairwise(edges)
    return [partial(load, path, number, a, b) for number, (a, b) in enumerate(parts)]


@pytest.mark.parametrize("name", ALL)
def test_the_same_partition_gives_the_same_bits_from_anywhere(name, pools, path):
    expected = flat(sums(name, cut(5)))
    np.testing.assert_array_equal(flat(sums(name, loaders(path, 5))), expected)
    for pool in pools.values():
        np.testing.assert_array_equal(flat(sums(name, loaders(path, 5), map=pool)), expected)


@pytest.mark.parametrize("n_blocks", [2, 5, 50])
@pytest.mark.parametrize("name", ALL)
def test_any_cut_of_the_rows_gives_the_same_sums(name, n_blocks):
    """Sums of 230 terms differ by their order alone."""
    expected = flat(sums(name, cut(1)))
    scale = np.abs(expected).max()
    np.testing.assert_allclose(
        flat(sums(name, cut(n_blocks))), expected, rtol=1e-12, atol=1e-12 * scale
    )


def test_f_in_coordinates_from_outside_is_the_same_from_anywhere(pools, path):
    """Coordinates that a driver has, or keeps from an earlier fit, need no survey of these rows."""
    given = Coordinates(np.full(D, 3.0), np.full(D, 1.5), fit_intercept=True)
    original = COORDINATES.outward(THETA)

    def at(source, coordinates, **options):
        objective = Objective(
            Likelihood(source, coordinates=coordinates, **options), Penalty(0.0, 0.1)
        )
        return objective.at(objective.likelihood.coordinates.inward(original))

    expected = at(cut(5), given)
    for pool in pools.values():
        found = at(loaders(path, 5), given, map=pool)
        assert found.value == expected.value
        np.testing.assert_array_equal(found.gradient, expected.gradient)
    assert at(cut(50), None).value == pytest.approx(expected.value, rel=1e-12)


def test_standard_errors_through_the_door_are_those_of_the_plain_information(pools, path):
    """The information of K − 1 classes in the solver's coordinates, inverted, and mapped outward."""
    likelihood = Likelihood(loaders(path, 5), map=pools["processes"])
    original = Parameters(RNG.normal(size=(K, D)) / 5.0, np.zeros(K))
    theta = likelihood.coordinates.inward(original)
    _, sums = likelihood.sums(information, theta, class_covariances)
    free, inner = K - 1, np.zeros((K, D + 1, K, D + 1))
    k, other = np.triu_indices(free)
    blocks = np.empty((free, D + 1, free, D + 1))
    blocks[k, :, other] = blocks[other, :, k] = expanded(sums, D + 1)
    inverse = np.linalg.inv(blocks.reshape(free * (D + 1), -1))
    inner[:free, :, :free] = inverse.reshape(blocks.shape)
    found = likelihood.coordinates.covariance(inner)[:free, :, :free]

    rows = np.hstack([X, np.ones((N, 1))])
    p = np.exp(rows @ np.hstack([original.weights, original.intercept[:, None]]).T)
    p /= p.sum(axis=1, keepdims=True)
    q = p[:, :free]
    curvature = q[:, :, None] * (np.eye(free) - q[:, None, :]) * WEIGHT[:, None, None]
    plain = np.einsum("ikl,ij,im->kjlm", curvature, rows, rows).reshape(free * (D + 1), -1)
    standard_errors = np.sqrt(np.diagonal(np.linalg.inv(plain)))
    np.testing.assert_allclose(
        np.sqrt(np.diagonal(found.reshape(plain.shape))), standard_errors, rtol=1e-12
    )


def test_margins_are_the_most_by_which_a_row_s_own_class_is_behind():
    original = COORDINATES.outward(THETA)
    Z = X @ original.weights.T + original.intercept
    behind = [max(np.delete(z, k)) - z[k] for z, k in zip(Z, Y, strict=True)]
    assert max(behind) > 0.0
    for n_blocks in (1, 5):
        (found,) = summed(margins, cut(n_blocks), original)
        assert found == pytest.approx(max(behind), rel=1e-12)
    ahead = np.array(behind) < 0.0
    (found,) = margins(Block(X[ahead], Labels(Y[ahead], K)), original)
    assert found == pytest.approx(max(np.array(behind)[ahead]), rel=1e-12)
    several = ProbabilityRows(RNG.dirichlet(np.ones(K), N))
    assert margins(Block(X, several), original) == (np.inf,)


def test_margins_read_no_row_after_some_that_are_not_parted(monkeypatch):
    monkeypatch.setattr("softmax_regression._likelihood.logits.BLOCK_BYTES", 8 * D * 2)
    rows = np.array([[1.0] * D, [-1.0] * D, [1e308] * D, [1e308] * D])  # whose logits overflow
    slopes = Parameters(np.array([[1.0] * D, [-1.0] * D]), np.zeros(2))
    (found,) = margins(Block(rows, Labels(np.array([0, 0, 0, 0]), 2)), slopes)
    assert found == 2.0 * D
    with np.errstate(over="ignore"), pytest.raises(ValueError, match="overflow"):
        margins(Block(rows, Labels(np.array([0, 1, 0, 0]), 2)), slopes)


def test_the_sum_of_largest_numbers_is_the_largest_or_none():
    assert Largest(2.0) + 3.0 == 3.0
    assert Largest(3.0) + Largest(2.0) == 3.0
    assert np.isnan(Largest(np.nan) + 1.0)
    assert np.isnan(Largest(1.0) + np.nan)
