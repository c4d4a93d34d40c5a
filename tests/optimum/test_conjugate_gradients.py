"""Conjugate gradients against NumPy's direct solver."""

import numpy as np

from softmax_regression._optimum.conjugate_gradients import conjugate_gradients


def system(condition):
    rng = np.random.default_rng(0)
    axes, _ = np.linalg.qr(rng.standard_normal((12, 12)))
    matrix = axes * np.geomspace(1.0, condition, 12) @ axes.T
    return matrix, rng.standard_normal(12)


def solved(matrix, right, left, steps):
    products = []

    def product(direction):
        products.append(direction)
        return matrix @ direction

    diagonal = np.diagonal(matrix)
    x = conjugate_gradients(product, lambda r: r / diagonal, right, left=left, steps=steps)
    return x, len(products)


def test_as_many_steps_as_unknowns_solve_the_system():
    matrix, right = system(1e2)
    x, _ = solved(matrix, right, 1e-13, 30)
    np.testing.assert_allclose(x, np.linalg.solve(matrix, right), rtol=1e-10)


def test_they_end_with_the_part_of_the_residual_that_may_be_left():
    matrix, right = system(1e2)
    x, products = solved(matrix, right, 0.1, 100)
    residual, diagonal = right - matrix @ x, np.diagonal(matrix)
    assert residual**2 @ (1 / diagonal) <= 0.01 * (right**2 @ (1 / diagonal))
    assert products < 12


def test_they_end_after_the_last_step_allowed():
    matrix, right = system(1e6)
    assert solved(matrix, right, 1e-13, 3)[1] == 3
    assert not solved(matrix, right, 1e-13, 0)[0].any()


def test_a_solution_of_zero_takes_no_more_than_one_product():
    matrix, right = system(10.0)
    x, products = solved(matrix, 0.0 * right, 0.1, 5)
    assert products == 1
    assert not x.any()
