"""Inverses by halves, sandwiches, and what is refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from softmax_regression import SoftmaxRegression
from softmax_regression._inference.covariance import Definite, SingularError, class_order, sandwich


@given(st.integers(0, 2**32 - 1), st.sampled_from([1, 5, 64, 65, 150]))
def test_the_inverse_and_solutions_of_a_definite_matrix(seed, size):
    generator = np.random.default_rng(seed)
    root = generator.normal(size=(size, size + 3)) * np.exp(generator.uniform(-8, 8, size))[:, None]
    matrix = root @ root.T
    definite = Definite(matrix)
    scale = np.sqrt(np.diagonal(matrix))
    identity = (matrix @ definite.inverse()) / scale[:, None] * scale
    np.testing.assert_allclose(identity, np.eye(size), atol=1e-7)
    right = generator.normal(size=size)
    np.testing.assert_allclose(
        definite.solve(right), definite.inverse() @ right, rtol=1e-6, atol=1e-12
    )


@pytest.mark.parametrize(
    "matrix",
    [
        np.zeros((2, 2)),
        np.ones((2, 2)),
        np.array([[1.0, 2.0], [2.0, 1.0]]),
        np.full((2, 2), np.nan),
    ],
    ids=["zero", "rank one", "indefinite", "NaN"],
)
def test_a_matrix_without_an_inverse(matrix):
    with pytest.raises(SingularError):
        Definite(matrix)


def test_the_reference_comes_last():
    assert class_order(1, 4).tolist() == [0, 2, 3, 1]


def test_a_sandwich_of_the_information_is_the_inverse():
    matrix = np.array([[2.0, 0.5], [0.5, 1.0]])
    inverse = np.linalg.inv(matrix)
    np.testing.assert_allclose(sandwich(inverse, matrix), inverse)


def test_many_clusters_are_summed_a_few_at_a_time(monkeypatch):
    generator = np.random.default_rng(2)
    X, groups = generator.normal(size=(200, 3)), generator.integers(0, 50, 200)
    y = (X @ generator.normal(size=(3, 3)) + generator.gumbel(size=(200, 3))).argmax(axis=1)
    model = SoftmaxRegression(l2=0).fit(X, y)
    whole = model.inference(X, y, covariance="cluster", groups=groups)
    monkeypatch.setattr("softmax_regression._inference.covariance.SCORE_ENTRIES", 30)
    parts = model.inference(X, y, covariance="cluster", groups=groups.astype(str))
    np.testing.assert_allclose(whole.covariance(1, 0), parts.covariance(1, 0), rtol=1e-10)
