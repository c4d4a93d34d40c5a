"""Rows one class of which has nearly all: what pulls at it, and its curvature, keep their digits."""

import numpy as np
import pytest
from strategies import chunks_of, likelihood_of

from softmax_regression._likelihood.curvature import tilt
from softmax_regression._likelihood.information import (
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
