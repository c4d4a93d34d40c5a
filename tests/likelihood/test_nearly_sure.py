"""Rows one class of which has nearly all: what pulls at it, and its curvature, keep their digits."""

import numpy as np
import pytest
from strategies import chunks_of, likelihood_of

from softmax_regression._likelihood.curvature import tilt
from softmax_regression._likelihood.information import (
    FEW_CLASSES,
    NEARLY_ONE,
    class_covariances,
    class_variances,
    complements,
)
from softmax_regression._likelihood.targets import Labels, ProbabilityRows
from softmax_regression._likelihood.value import softmax, value

# The logits, up to 100, are rounded, and with them every probability.
RELATIVE = 100 * 4 * np.finfo(float).eps


def separated(targets, weight=None):
    """Rows far on their own sides, θ, and their probabilities in longdouble."""
    X = np.array([[1.0], [1.5], [-1.0], [-2.0], [-1.7]])
    likelihood = likelihood_of(X, targets, weight)
    theta = np.array([[60.0, 0.0], [-50.0, 0.5], [-10.0, -20.0]])
    (chunk,) = chunks_of(likelihood)
    Z = theta.astype(np.longdouble) @ chunk.rows.values.T
    E = np.exp(Z - Z.max(axis=0))
    return chunk, theta, E / E.sum(axis=0)


LABELS = np.array([0, 0, 1, 1, 1])


@pytest.mark.parametrize("weight", [None, np.array([1.0, 2.0, 0.5, 3.0, 1.0])])
@pytest.mark.parametrize("kind", [Labels, ProbabilityRows])
def test_the_gradient_of_rows_nearly_sure_has_all_its_digits(weight, kind):
    given = Labels(LABELS, 3) if kind is Labels else ProbabilityRows(np.eye(3)[LABELS])
    chunk, theta, P = separated(given, weight)
    # p − t of the own class is minus the sum of the others, which longdouble adds without loss.
    residual = P.copy()
    rows = np.arange(5)
    residual[LABELS, rows] = 0.0
    residual[LABELS, rows] = -residual.sum(axis=0)
    w = np.ones(5) if weight is None else weight
    _, gradient = value(chunk, theta)
    right = (residual * w) @ chunk.rows.values
    assert 0.0 < np.abs(right).max() < 1e-10
    np.testing.assert_allclose(gradient, right.astype(float), rtol=RELATIVE, atol=0)
    _, _, squares = tilt(chunk, theta, np.zeros_like(theta))
    np.testing.assert_allclose(squares, (residual**2 @ w).astype(float), rtol=2 * RELATIVE, atol=0)


def test_the_curvature_of_rows_nearly_sure_has_all_its_digits():
    chunk, theta, P = separated(Labels(LABELS, 3))
    p = softmax(chunk.rows.logits(theta))
    rest = np.array([P[1] + P[2], P[0] + P[2], P[0] + P[1]]).astype(float)
    assert rest.min() < 1e-15
    np.testing.assert_allclose(complements(p), rest, rtol=RELATIVE, atol=0)
    np.testing.assert_allclose(class_variances(p), (P * rest).astype(float), rtol=2 * RELATIVE)
    np.testing.assert_allclose(
        class_covariances(p)[0], (P * rest).astype(float)[0], rtol=2 * RELATIVE
    )
    assert complements(np.empty((3, 0))).shape == (3, 0)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n_classes", [3, FEW_CLASSES, FEW_CLASSES + 1, 40])
def test_what_is_left_of_one_is_the_sum_of_the_others(n_classes, dtype):
    """Of few classes by a product, of many where the difference from 1 has lost its digits."""
    rng = np.random.default_rng(0)
    logits = rng.uniform(0.0, 5.0, (n_classes, 50))
    logits[1, :25] += rng.uniform(10.0, 40.0, 25)
    p = softmax(logits.astype(dtype))
    right = ((1 - np.eye(n_classes)).astype(np.longdouble) @ p.astype(np.longdouble)).astype(float)
    found = complements(p)
    assert found.dtype == dtype
    # Sums that nearly are 1 keep some digits fewer than those that were added anew.
    kept = right >= NEARLY_ONE
    eps = float(np.finfo(dtype).eps)
    np.testing.assert_allclose(found[~kept], right[~kept], rtol=n_classes * eps)
    np.testing.assert_allclose(found[kept], right[kept], rtol=n_classes * eps / NEARLY_ONE)
    assert (~kept).any()
