"""Dask collections as blocks, with a stand-in for Dask; tests/distributed has the real one."""

import sys
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest

from softmax_regression import SoftmaxRegression

X = np.random.default_rng(0).normal(size=(90, 3))
Y = np.arange(90) % 3


class Collection:
    """What a Dask array or, without chunks, a data frame has."""

    def __init__(self, array, sizes, *, chunks=True, columns=None):
        edges = np.cumsum([0, *sizes])
        self.parts = [array[a:b] for a, b in pairwise(edges)]
        self.npartitions = len(sizes)
        if chunks:
            self.chunks = (tuple(sizes), *((columns or (n,)) for n in array.shape[1:]))

    def __dask_graph__(self):
        return {"a task": 1}

    def to_delayed(self, optimize_graph):
        assert optimize_graph is False
        return (
            np.array([None, *self.parts], dtype=object)[1:]
            if hasattr(self, "chunks")
            else self.parts
        )


@pytest.fixture(autouse=True)
def dask(monkeypatch):
    def delayed(function, pure):
        assert pure is False
        return lambda item: (function, item)

    def compute(*tasks):
        return tuple(function(item) for function, item in tasks)

    monkeypatch.setitem(sys.modules, "dask", SimpleNamespace(delayed=delayed, compute=compute))


@pytest.mark.parametrize("chunks", [True, False], ids=["arrays", "data frames"])
@pytest.mark.parametrize("weight", [None, np.arange(90.0)], ids=["", "weighted"])
def test_a_fit_on_collections_is_that_of_their_partitions(chunks, weight):
    sizes = (20, 30, 40)
    given = [array for array in (X, Y, weight) if array is not None]
    collections = [Collection(array, sizes, chunks=chunks) for array in given]
    found, expected = SoftmaxRegression().fit(*collections), SoftmaxRegression().fit(*given)
    np.testing.assert_allclose(found.coef_, expected.coef_, rtol=1e-12)


@pytest.mark.parametrize(
    ("X", "y", "error", "message"),
    [
        (Collection(X, (90,), columns=(2, 1)), Collection(Y, (90,)), ValueError,
         r"every chunk of X must hold whole rows, got chunks of \(2, 1\) columns; call X\.rechunk\(\{1: -1\}\)"),
        (Collection(X, (50, 40)), Collection(Y, (40, 50)), ValueError, "must be cut at the same rows"),
        (Collection(X, (50, 40)), Collection(Y, (90,)), ValueError,
         r"got 2 and 1 partitions; call y\.rechunk\(X\.chunks\[0\]\)"),
        (Collection(X, (50, 40), chunks=False), Collection(Y, (90,)), ValueError, r"y\.repartition\("),
        (Collection(X, (90,)), Y, TypeError, r"y is none; make it one with dask\.array\.from_array\(y"),
        (X, Collection(Y, (90,)), TypeError, "y is a Dask collection, which fit takes"),
    ],
)  # fmt: skip
def test_collections_that_do_not_match_are_refused(X, y, error, message):
    with pytest.raises(error, match=message):
        SoftmaxRegression().fit(X, y)


def test_groups_are_not_ignored():
    collections = [Collection(array, (20, 30, 40)) for array in (X, Y)]
    with pytest.raises(ValueError, match="groups is for l2='auto', which needs all rows in memory"):
        SoftmaxRegression().fit(*collections, groups=Y)
