"""What the property tests draw: problems, parameters, and a model that stands at given parameters."""

from typing import NamedTuple

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from softmax_regression import SoftmaxRegression


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
    rows = np.zeros((n_classes, n_features), weights.dtype)
    model = SoftmaxRegression(learning_rate=1.0, max_iter=0)
    model.fit(rows, np.arange(n_classes))
    model.coef_ = weights.copy()
    model.intercept_ = np.asarray(intercept, weights.dtype).copy()
    return model.set_params(**(PLAIN | settings))


# Plain gradient descent: no penalty, a fixed number of epochs, rows in their own order.
PLAIN = {"learning_rate": 0.1, "l2": 0.0, "tol": 0.0, "max_iter": 5, "shuffle": False}


def plain(**settings):
    """A new model of plain gradient descent."""
    return SoftmaxRegression(**(PLAIN | settings))


def matrices(n_rows, n_columns, largest=4.0):
    """Matrices of moderate numbers, zeros and repeated rows among them."""
    numbers = st.floats(-largest, largest, allow_subnormal=False).map(lambda x: round(x, 6) + 0.0)
    return arrays(np.float64, (n_rows, n_columns), elements=numbers)


@st.composite
def cases(draw, largest=4.0):
    """Draw 2 to 16 rows of 1 to 4 features, 2 to 4 classes."""
    n_classes = draw(st.integers(2, 4))
    n_features = draw(st.integers(1, 4))
    more = draw(st.lists(st.integers(0, n_classes - 1), max_size=12))
    y = np.array([*range(n_classes), *more])
    y = y[draw(st.permutations(range(len(y))))]
    X = draw(matrices(len(y), n_features, largest))
    weights = draw(matrices(n_classes, n_features))
    intercept = draw(matrices(1, n_classes))[0]
    sample_weight = np.array(draw(st.lists(st.integers(1, 4), min_size=len(y), max_size=len(y))))
    return Case(X, y, sample_weight.astype(float), weights, intercept)


def logits(largest=1e308, min_classes=1, max_classes=12, n_rows=3):
    """Rows of logits of any size float64 has."""
    numbers = st.floats(-largest, largest)
    return st.integers(min_classes, max_classes).flatmap(
        lambda n_classes: arrays(np.float64, (n_rows, n_classes), elements=numbers)
    )


def probability_rows(n_rows, n_classes):
    """Probability rows, some of them with zeros."""
    counts = arrays(np.int64, (n_rows, n_classes), elements=st.integers(0, 5))
    return counts.map(lambda c: (c + (c.sum(axis=1, keepdims=True) == 0)) * 1.0).map(
        lambda c: c / c.sum(axis=1, keepdims=True)
    )
