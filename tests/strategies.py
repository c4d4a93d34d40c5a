"""What the tests draw and stand in with: problems, parameters, a model at given parameters, CSR."""

import pickle
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from softmax_regression import SoftmaxRegression
from softmax_regression._likelihood.block import Block, Memo
from softmax_regression._likelihood.working import Likelihood, chunks
from softmax_regression._objective import Objective
from softmax_regression._penalty import Penalty


def unless_fast(*cases):
    """Cases for the profiles `thorough` and `long` only, beside those that every run takes."""
    return cases if settings().max_examples > 10 else ()


def thinned(cases, step):
    """Return one case in so many for the profile `fast`, and all for the others."""
    return [*cases][:: 1 if unless_fast(True) else step]


@contextmanager
def named(case):
    """Say of which of many cases in one test a failure is."""
    try:
        yield
    except BaseException as error:
        error.add_note(f"in the case {case}")
        raise


class Case(NamedTuple):
    """Rows, labels 0 … n_classes-1 that all occur, sample weights, and some parameters."""

    X: np.ndarray
    y: np.ndarray
    sample_weight: np.ndarray
    weights: np.ndarray
    intercept: np.ndarray

    @property
    def n_classes(self):
        return len(self.intercept)

    def model(self, **settings):
        """A model of plain gradient descent that stands at the drawn parameters."""
        return model_at(self.weights, self.intercept, **settings)


def model_at(weights, intercept, **settings):
    """A model with the given W and b, labels 0 … n_classes-1, and no penalty unless asked."""
    weights = np.asarray(weights)
    n_classes, n_features = weights.shape
    rows = np.zeros((2 * n_classes, n_features), weights.dtype)
    model = SoftmaxRegression(learning_rate=1.0, max_iter=0)
    model.fit(rows, np.repeat(np.arange(n_classes), 2))
    model.coef_ = weights.copy()
    model.intercept_ = np.asarray(intercept, weights.dtype).copy()
    return model.set_params(**(PLAIN | settings))


# Plain gradient descent: no penalty, a fixed number of epochs, rows in their own order.
PLAIN = {"learning_rate": 0.1, "l2": 0.0, "tol": 0.0, "max_iter": 5, "shuffle": False}


def plain(**settings):
    """A new model of plain gradient descent."""
    return SoftmaxRegression(**(PLAIN | settings))


def global_states():
    """NumPy's global random state and error state, which no call may change."""
    state = np.random.get_state()  # noqa: NPY002 - the old state is what it is about
    return pickle.dumps(state), np.geterr()


def integers(n, dtype):
    """Integers of all sizes the dtype has, drawn at once as bytes, which is fast and shrinks to 0."""
    size = n * np.dtype(dtype).itemsize
    return st.binary(min_size=size, max_size=size).map(lambda drawn: np.frombuffer(drawn, dtype))


def matrices(n_rows, n_columns, largest=4.0):
    """Matrices of numbers of moderate size."""
    drawn = integers(n_rows * n_columns, np.int16)
    return drawn.map(lambda x: x.reshape(n_rows, n_columns) * (largest / 2**15 * 0.999))


@st.composite
def cases(draw, largest=4.0):
    """Draw 2 to 16 rows of 1 to 4 features, 2 to 4 classes, weights 1 to 4."""
    n_classes = draw(st.integers(2, 4))
    n_features = draw(st.integers(1, 4))
    more = draw(st.integers(0, 12))
    n_rows = n_classes + more
    y = np.concatenate([np.arange(n_classes), draw(integers(more, np.uint8)) % n_classes])
    return Case(
        X=draw(matrices(n_rows, n_features, largest)),
        y=np.roll(y, draw(st.integers(0, n_rows - 1))),
        sample_weight=1.0 + draw(integers(n_rows, np.uint8)) % 4,
        weights=draw(matrices(n_classes, n_features)),
        intercept=draw(matrices(1, n_classes))[0],
    )


def logits(largest=1e308, min_classes=1, max_classes=12, n_rows=3):
    """Rows of logits of any size float64 has."""
    numbers = st.floats(-largest, largest)
    return st.integers(min_classes, max_classes).flatmap(
        lambda n_classes: arrays(np.float64, (n_rows, n_classes), elements=numbers)
    )


def probability_rows(n_rows, n_classes):
    """Probability rows, some of them with zeros."""
    counts = integers(n_rows * n_classes, np.uint8).map(lambda c: c.reshape(n_rows, -1) % 5)
    positive = counts.map(lambda c: 1.0 * c + (c.sum(axis=1, keepdims=True) == 0))
    return positive.map(lambda c: c / c.sum(axis=1, keepdims=True))


class Csr:
    """A stand-in for a SciPy CSR matrix: what the library may use of one, and no more."""

    __array_ufunc__ = None
    ndim = 2

    def __init__(self, dense):
        self.dense = np.asarray(dense)
        rows, self.indices = np.nonzero(self.dense)
        self.data = self.dense[rows, self.indices]
        counts = np.bincount(rows, minlength=len(self.dense))
        self.indptr = np.concatenate([[0], np.cumsum(counts)])

    nnz = property(lambda self: len(self.data))
    dtype = property(lambda self: self.dense.dtype)
    shape = property(lambda self: self.dense.shape)
    T = property(lambda self: Csr(self.dense.T))

    def tocsr(self):
        return self

    def astype(self, dtype):
        return Csr(self.dense.astype(dtype))

    def toarray(self):
        return self.dense.copy()

    def multiply(self, other):
        return Csr(self.dense * other.dense)

    def __matmul__(self, other):
        return self.dense @ other

    def __getitem__(self, rows):
        return Csr(self.dense[rows])

    def __array__(self, dtype=None, copy=None):
        message = "a sparse matrix was made dense"
        raise AssertionError(message)


def likelihood_of(X, targets, weight=None, fit_intercept=True, **given):
    """Rows in memory as one block, of which something may be kept."""
    return Likelihood([Block(X, targets, weight, 0, Memo())], fit_intercept, **given)


def chunks_of(likelihood, dtype=np.float64, **asked):
    """All chunks of a likelihood of one block."""
    (block,) = likelihood.source
    return list(chunks(block, likelihood.coordinates, dtype, **asked))


def objective_of(X, targets, weight=None, fit_intercept=True, *, l1=0.0, l2=0.0, **given):
    """F in the solver's coordinates."""
    return Objective(likelihood_of(X, targets, weight, fit_intercept, **given), Penalty(l1, l2))


def assert_same_bits(found, expected):
    """Two fits over blocks by the same several readings, to the last bit."""
    assert found.converged_
    assert found.n_iter_ == expected.n_iter_ > 3
    np.testing.assert_array_equal(found.coef_, expected.coef_)
    np.testing.assert_array_equal(found.intercept_, expected.intercept_)
    np.testing.assert_array_equal(found.loss_curve_, expected.loss_curve_)
    assert found.optimality_gap_ == expected.optimality_gap_
