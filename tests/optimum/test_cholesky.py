"""Solving with a positive definite matrix."""

import numpy as np
import pytest

from softmax_regression._optimum.cholesky import Cholesky, Triangle, inverse, solved_once


@pytest.mark.parametrize("size", [1, 63, 64, 65, 200])
def test_cholesky_solves(size):
    A = np.random.default_rng(3).standard_normal((size, 2 * size))
    matrix, right = A @ A.T, np.arange(size) + 1.0
    scale = np.logspace(-6, 6, size)
    factor = Cholesky(matrix * scale[:, None] * scale)
    for _ in range(2):  # the first solve of a small one goes another way
        found = factor.solve(right * scale)
        np.testing.assert_allclose(found * scale, np.linalg.solve(matrix, right), rtol=1e-9)


@pytest.mark.parametrize("size", [1, 64, 150])
@pytest.mark.parametrize("columns", [(), (3,)])
def test_a_triangle_is_solved_with_on_either_side(size, columns):
    rng = np.random.default_rng(4)
    lower = np.tril(rng.standard_normal((size, size))) / size + np.eye(size)
    right = rng.standard_normal((size, *columns))
    kept = right.copy()
    triangle = Triangle(lower)
    np.testing.assert_allclose(lower @ triangle.solve(right), right, atol=1e-12)
    np.testing.assert_allclose(lower.T @ triangle.solve_transposed(right), right, atol=1e-12)
    np.testing.assert_array_equal(right, kept)


def correlations(size, rank, seed=6):
    rows = np.random.default_rng(seed).standard_normal((rank, size))
    rows /= np.sqrt((rows * rows).sum(axis=0))
    return rows.T @ rows


@pytest.mark.parametrize("size", [1, 128, 129, 300])
@pytest.mark.parametrize("ridge", [0.5, 1e-6])
def test_the_inverse_is_that_with_the_ridge(size, ridge):
    """Also of correlations of half the rank; an error of ε is one of ε / ridge in it."""
    for rank in (2 * size, max(1, size // 2)):
        matrix = correlations(size, rank)
        ridged = matrix + ridge * np.eye(size)
        found = inverse(matrix, ridge)
        np.testing.assert_array_equal(found, found.T)
        tolerance = 1e-13 * size / ridge
        np.testing.assert_allclose(found @ ridged, np.eye(size), rtol=0, atol=tolerance)


def test_the_inverse_of_what_is_not_positive_has_a_larger_ridge():
    matrix = correlations(200, 100)
    matrix[0, 1] = matrix[1, 0] = 0.9
    assert np.linalg.eigvalsh(matrix)[0] < -1e-3
    assert np.linalg.eigvalsh(inverse(matrix, 1e-9))[0] > 0.0


@pytest.mark.parametrize("size", [1, 64, 200])
def test_one_vector_is_solved_for_without_a_factor_to_keep(size):
    A = np.random.default_rng(5).standard_normal((size, 2 * size))
    matrix, right = A @ A.T, np.arange(size) + 1.0
    np.testing.assert_allclose(matrix @ solved_once(matrix, right), right, rtol=1e-9)


def test_a_singular_matrix_is_solved_in_its_range_once():
    found = solved_once(np.ones((2, 2)), np.ones(2))
    np.testing.assert_allclose(found.sum(), 1.0, rtol=1e-6)


def test_cholesky_of_a_singular_matrix_solves_in_its_range():
    """Twice the same column: the ridge decides between them, and their sum is right."""
    matrix = np.array([[1.0, 1.0, 0.0], [1.0, 1.0, 0.0], [0.0, 0.0, 2.0]])
    found = Cholesky(matrix).solve(np.array([1.0, 1.0, 2.0]))
    np.testing.assert_allclose([found[0] + found[1], found[2]], [1.0, 1.0], rtol=1e-6)


def test_an_indefinite_matrix_gets_the_least_ridge_or_only_its_diagonal():
    matrix = np.array([[1.0, 1.1], [1.1, 1.0]])
    assert np.isfinite(Cholesky(matrix).solve(np.ones(2))).all()
    hopeless = np.array([[4.0, 50.0], [50.0, 4.0]])
    factor = Cholesky(hopeless)
    for _ in range(2):
        np.testing.assert_allclose(factor.solve(np.ones(2)), [0.25, 0.25], rtol=1e-15)
