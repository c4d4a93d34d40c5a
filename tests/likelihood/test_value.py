"""Losses, exponentials and gradients of a chunk, against their definitions."""

import numpy as np
import pytest
from strategies import Csr
from tolerances import EPS, REORDERED

from softmax_regression import cross_entropy, softmax
from softmax_regression._likelihood.targets import Labels, ProbabilityRows
from softmax_regression._likelihood.value import exponentials, value
from softmax_regression._likelihood.working import raw_chunk

RNG = np.random.default_rng(0)
N, D, K = 40, 5, 4
X = RNG.normal(size=(N, D)) * (RNG.random((N, D)) < 0.7)
LABELS = RNG.integers(K, size=N)
ROWS = RNG.dirichlet(np.ones(K), N)
WEIGHT = RNG.uniform(0.2, 3.0, N)
THETA = RNG.normal(size=(K, D + 1))

TARGETS = {
    "labels": (Labels(LABELS, K), np.eye(K)[LABELS]),
    "smoothed": (Labels(LABELS, K, 0.2), 0.8 * np.eye(K)[LABELS] + 0.05),
    "rows": (ProbabilityRows(ROWS), ROWS),
}
GIVEN = pytest.mark.parametrize("targets", TARGETS)
KINDS = pytest.mark.parametrize("kind", [np.asarray, Csr], ids=["dense", "sparse"])


def logits(theta=THETA, rows=X):
    return rows @ theta[:, :D].T + theta[:, D]


@GIVEN
@KINDS
@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["equal", "weighted"])
def test_losses_and_probabilities_are_of_single_rows_whatever_their_weights(kind, targets, weight):
    given, dense = TARGETS[targets]
    losses, raised, total = exponentials(raw_chunk(kind(X), given, weight, True), THETA)
    np.testing.assert_allclose(losses, cross_entropy(logits(), dense), rtol=REORDERED)
    np.testing.assert_allclose(raised / total, softmax(logits()).T, rtol=REORDERED)


def test_the_likeliest_class_has_the_exponential_one():
    """So that their sum is between 1 and K, and no logit overflows."""
    for size in (1.0, 1e3, 1e300):
        _, raised, total = exponentials(raw_chunk(X, Labels(LABELS, K), None, True), size * THETA)
        np.testing.assert_array_equal(raised.max(axis=0), 1.0)
        assert (total >= 1.0).all()
        assert (total <= K).all()


def test_what_is_common_to_all_logits_costs_a_small_loss_no_digits():
    """Losses near 1e-9, at logits near 1e6: half a rounding of 1 each for the sum and its log."""
    theta = np.zeros((2, D + 1))
    theta[0, D], theta[1, D] = 2.0**20, 2.0**20 - 20.0
    losses, _, _ = exponentials(raw_chunk(X, Labels(np.zeros(N, np.intp), 2), None, True), theta)
    np.testing.assert_allclose(losses, np.log1p(np.exp(-20.0)), rtol=0, atol=EPS)


@GIVEN
@KINDS
@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["equal", "weighted"])
def test_the_sums_are_those_of_the_losses_and_their_derivatives(kind, targets, weight):
    given, dense = TARGETS[targets]
    total, gradient = value(raw_chunk(kind(X), given, weight, True), THETA)
    w = np.ones(N) if weight is None else weight
    assert total == pytest.approx(w @ cross_entropy(logits(), dense), rel=REORDERED)
    residual = (softmax(logits()) - dense) * w[:, None]
    expected = residual.T @ np.column_stack([X, np.ones(N)])
    np.testing.assert_allclose(gradient, expected, rtol=0, atol=REORDERED)
    assert gradient.dtype == np.float64
