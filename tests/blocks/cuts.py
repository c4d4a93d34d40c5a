"""Rows, cuts of them into blocks, and what counts readings: shared by the tests of blocks."""

from itertools import pairwise
from typing import NamedTuple

import numpy as np

from softmax_regression import SoftmaxRegression
from softmax_regression._blocks import gathered


class Rows(NamedTuple):
    X: np.ndarray
    y: np.ndarray
    weight: np.ndarray | None = None


def drawn(n_rows=3_000, n_features=6, n_classes=4, seed=0):
    """Columns of unlike scales and means, labels of a softmax model."""
    rng = np.random.default_rng(seed)
    Z = rng.normal(size=(n_rows, n_features)) @ (
        np.eye(n_features) + 0.3 * rng.normal(size=(n_features,) * 2)
    )
    W = rng.normal(size=(n_classes, n_features))
    y = (Z @ W.T + rng.gumbel(size=(n_rows, n_classes))).argmax(axis=1)
    return Rows(Z * 10.0 ** rng.uniform(-1, 2, n_features) + rng.normal(size=n_features), y)


def cut(rows, ends):
    """The rows in blocks that end so."""
    edges = [0, *ends, len(rows.y)]
    arrays = [array for array in rows if array is not None]
    return [tuple(array[a:b] for array in arrays) for a, b in pairwise(edges)]


def evenly(rows, n_blocks):
    return cut(rows, np.linspace(0, len(rows.y), n_blocks + 1).astype(int)[1:-1])


def unevenly(rows, n_blocks):
    """Blocks of random sizes, some of them empty."""
    ends = np.sort(np.random.default_rng(n_blocks).integers(len(rows.y), size=n_blocks - 1))
    if n_blocks > 2:
        ends[:2] = 0
    return cut(rows, ends)


def sample_of(monkeypatch, rows, n_rows):
    """Let a sample hold so many dense rows."""
    X = np.asarray(rows.X)
    monkeypatch.setattr(gathered, "LIMIT", n_rows * X.shape[1] * X.itemsize)


class Counted:
    """A map that counts how often it is called."""

    def __init__(self, inner=map):
        self.inner, self.calls = inner, 0

    def __call__(self, function, items):
        self.calls += 1
        return self.inner(function, items)


class Loader:
    """What loads a block, in any process."""

    def __init__(self, *arrays):
        self.arrays = arrays

    def __call__(self):
        return self.arrays


class Raises:
    def __init__(self, error):
        self.error = error

    def __call__(self):
        raise self.error


def exact(**settings):
    """A model that is fitted to many digits."""
    return SoftmaxRegression(**({"tol": 1e-11, "l2": 1e-3} | settings))


def curve(model):
    return np.concatenate([model.loss_curve_, [model.optimality_gap_]])
