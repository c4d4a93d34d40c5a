"""Two classes as one margin, against the softmax of both."""

import numpy as np
import pytest
from strategies import Csr
from tolerances import EPS, REORDERED

from softmax_regression import cross_entropy, cross_entropy_gradient, softmax
from softmax_regression._likelihood import two_classes
from softmax_regression._likelihood.block import Block, Memo
from softmax_regression._likelihood.coordinates import Coordinates
from softmax_regression._likelihood.information import class_covariances
from softmax_regression._likelihood.targets import Labels, ProbabilityRows
from softmax_regression._likelihood.value import value
from softmax_regression._likelihood.working import chunks, raw_chunk

RNG = np.random.default_rng(0)
N, D = 40, 5
X = RNG.normal(size=(N, D)) * (RNG.random((N, D)) < 0.7)
LABELS = RNG.integers(2, size=N)
ROWS = RNG.dirichlet(np.ones(2), N)
WEIGHT = RNG.uniform(0.2, 3.0, N)
THETA = RNG.normal(size=(2, D + 1))

TARGETS = {
    "labels": (Labels(LABELS, 2), np.eye(2)[LABELS]),
    "smoothed": (Labels(LABELS, 2, 0.2), 0.8 * np.eye(2)[LABELS] + 0.1),
    "rows": (ProbabilityRows(ROWS), ROWS),
    "smoothed rows": (ProbabilityRows(ROWS, 0.2), 0.8 * ROWS + 0.1),
    "equal rows": (ProbabilityRows(np.full((N, 2), 0.5)), np.full((N, 2), 0.5)),
}


def logits(theta=THETA):
    return X @ theta[:, :D].T + theta[:, D]


@pytest.mark.parametrize("targets", TARGETS)
@pytest.mark.parametrize("kind", [np.asarray, Csr], ids=["dense", "sparse"])
@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["equal", "weighted"])
@pytest.mark.parametrize("size", [1.0, 30.0])
def test_the_sums_are_those_of_the_softmax(kind, targets, weight, size):
    given, dense = TARGETS[targets]
    loss, gradient = value(raw_chunk(kind(X), given, weight, True), size * THETA)
    weights = np.ones(N) if weight is None else weight
    residual = softmax(logits(size * THETA)) - dense
    assert loss == pytest.approx(
        weights @ cross_entropy(logits(size * THETA), dense), rel=REORDERED
    )
    expected = (residual * weights[:, None]).T @ np.column_stack([X, np.ones(N)])
    # The residuals of sure rows are rounded to an EPS of 1.
    np.testing.assert_allclose(gradient, expected, rtol=REORDERED, atol=10 * N * EPS)
    np.testing.assert_array_equal(gradient[0], -gradient[1])


@pytest.mark.parametrize("far", [False, True], ids=["near", "far from zero"])
@pytest.mark.parametrize("products", [False, True], ids=["rows", "products"])
def test_centred_rows_have_the_same_margins(products, far):
    moved = X + (1e4 if far else 2.0)
    coordinates = Coordinates(moved.mean(axis=0), moved.std(axis=0), True)
    block = Block(moved, Labels(LABELS, 2), None, 0, Memo())
    (chunk,) = chunks(block, coordinates, np.float64, products=products)
    seen = chunk.rows.margins(THETA)
    z = (moved - coordinates.centre) / coordinates.scale @ THETA[:, :D].T + THETA[:, D]
    np.testing.assert_allclose(seen, z[:, 0] - z[:, 1], rtol=0, atol=1e5 * EPS if far else 50 * EPS)


@pytest.mark.parametrize("label", [0, 1])
@pytest.mark.parametrize("margin", [20.0, 40.0, 700.0])
def test_rows_sure_of_their_class_keep_all_digits_of_their_gradient(label, margin):
    theta = np.zeros((2, D + 1))
    theta[label, D] = margin
    labels = np.full(N, label)
    loss, gradient = value(raw_chunk(X, Labels(labels, 2), None, True), theta)
    expected = cross_entropy_gradient(logits(theta), labels).sum(axis=0)
    np.testing.assert_allclose(gradient[:, D], expected, rtol=1e-14)
    assert loss == pytest.approx(N * np.exp(-margin), rel=1e-8, abs=N * EPS)


@pytest.mark.parametrize("label", [0, 1])
def test_what_overflows_is_an_infinite_loss_of_the_wrong_class_and_none_of_the_right(label):
    with np.errstate(all="ignore"):
        theta = np.zeros((2, D + 1))
        theta[0, D] = np.inf
        loss, _ = value(raw_chunk(X, Labels(np.full(N, label), 2), None, True), theta)
    assert loss == (np.inf if label else 0.0)


def test_float32_rows_have_float32_losses_added_in_float64():
    given = TARGETS["rows"][0]
    chunk = next(
        chunks(Block(X, given, None, 0, Memo()), Coordinates.identity(D, True), np.float32)
    )
    loss, gradient = value(chunk, THETA.astype(np.float32))
    expected, there = value(raw_chunk(X, given, None, True), THETA)
    assert gradient.dtype == np.float64
    assert expected == pytest.approx(loss, rel=1e-6)
    np.testing.assert_allclose(gradient, there, rtol=0, atol=1e-4)


@pytest.mark.parametrize("margin", [0.0, 1.0, 40.0, 800.0])
def test_probabilities_keep_the_digits_of_the_lesser_and_sum_to_one(margin):
    p = two_classes.softmax(np.array([margin, -margin]))
    np.testing.assert_allclose(p[1, 0], np.exp(-margin) / (1 + np.exp(-margin)), rtol=4 * EPS)
    np.testing.assert_array_equal(p[:, 0], p[::-1, 1])
    np.testing.assert_allclose(p.sum(axis=0), 1.0, rtol=2 * EPS)


def test_the_only_covariance_keeps_its_digits_where_a_class_is_nearly_sure():
    margins = np.linspace(-50.0, 50.0, 11)
    raised = np.exp(-np.abs(margins))
    (found,) = class_covariances(two_classes.softmax(margins))
    np.testing.assert_allclose(found, raised / (1 + raised) ** 2, rtol=8 * EPS)


def test_sides_are_those_of_the_larger_target():
    labels = Labels(np.array([0, 1, 1]), 2, 0.1)
    signs, other = labels.sides(np.dtype(np.float64))
    assert signs.tolist() == [1.0, -1.0, -1.0]
    assert other == pytest.approx(0.05)
    assert labels.sides(np.dtype(np.float64))[0] is signs
    assert labels.sides(np.dtype(np.float32))[0].dtype == np.float32
    signs, others = ProbabilityRows(np.array([[0.7, 0.3], [0.5, 0.5], [0.0, 1.0]])).sides(
        np.dtype(np.float64)
    )
    assert signs.tolist() == [1.0, 1.0, -1.0]
    np.testing.assert_allclose(others, [0.3, 0.5, 0.0])
