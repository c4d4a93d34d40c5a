"""The door to the rows: the same sums from a list, a memory map, threads and processes, and any cut."""

from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from multiprocessing import get_context

import numpy as np
import pytest

from softmax_regression._likelihood.block import Block
from softmax_regression._likelihood.coordinates import Coordinates
from softmax_regression._likelihood.information import class_covariances, information
from softmax_regression._likelihood.sums import summed
from softmax_regression._likelihood.survey import survey
from softmax_regression._likelihood.targets import Labels
from softmax_regression._likelihood.value import value
from softmax_regression._likelihood.working import over_chunks

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
}


def cut(n_blocks):
    """Blocks of uneven sizes, the first of more than one empty."""
    ends = np.sort(np.random.default_rng(n_blocks).integers(N, size=n_blocks - 1))
    if n_blocks > 1:
        ends[0] = 0
    edges = [0, *ends, N]
    return [
        Block(X[a:b], Labels(Y[a:b], K), WEIGHT[a:b], number)
        for number, (a, b) in enumerate(zip(edges[:-1], edges[1:], strict=True))
    ]


def sums(name, source, **options):
    function, arguments = ALL[name]
    if function is survey:
        return summed(survey, source, **options)
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
def pools():
    with (
        ThreadPoolExecutor(2) as threads,
        ProcessPoolExecutor(2, mp_context=get_context("spawn")) as processes,
    ):
        yield {"threads": threads.map, "processes": processes.map}


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    file = tmp_path_factory.mktemp("rows") / "X.npy"
    np.save(file, X)
    return file


def loaders(path, n_blocks):
    edges = np.cumsum([0, *(block.n_rows for block in cut(n_blocks))])
    parts = zip(edges[:-1], edges[1:], strict=True)
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
