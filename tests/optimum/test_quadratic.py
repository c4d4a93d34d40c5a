"""The quadratic model of a proximal Newton step: its minimiser, and the way there."""

import numpy as np
import pytest

from softmax_regression._optimum.cholesky import solved_once
from softmax_regression._optimum.quadratic import _ends_in_orthant, minimise_quadratic


class Known:
    """B as a matrix, solved to many digits."""

    rounds, drops, forcing = 200, 40, 1e-9

    def __init__(self, matrix):
        self.proximal_steps = 2
        self.matrix, self.diagonal, self.bound = matrix, matrix.diagonal(), 1.0
        self.solves = 0

    def product(self, direction):
        return self.matrix @ direction

    def solve(self, support, right):
        self.solves += 1
        return solved_once(self.matrix[np.ix_(support, support)], right)


def model(size, correlation, seed):
    """A gradient, l1 (none for the last coordinate) and B of correlated coordinates."""
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(2 * size, size)) + 3.0 * correlation * rng.normal(size=(2 * size, 1))
    l1 = np.full(size, 0.3)
    l1[-1] = 0.0
    return rng.normal(size=size), rng.normal(size=size), l1, Known(root.T @ root / len(root))


@pytest.mark.parametrize("correlation", [0.0, 0.5, 5.0])
@pytest.mark.parametrize("size", [1, 2, 10, 60])
@pytest.mark.parametrize("proximal_steps", [2, 40])
def test_the_minimiser_meets_the_first_order_conditions(size, correlation, proximal_steps):
    for seed in range(5):
        start, gradient, l1, hessian = model(size, correlation, seed)
        hessian.proximal_steps = proximal_steps
        x = minimise_quadratic(start, gradient, l1, hessian, None)
        slope = gradient + hessian.product(x - start)
        size_of = np.abs(gradient).max() * 1e-6
        assert (np.abs(slope[x == 0.0]) <= l1[x == 0.0] + size_of).all()
        np.testing.assert_allclose(
            slope[x != 0.0], -(l1 * np.sign(x))[x != 0.0], rtol=0, atol=size_of
        )


def test_a_known_support_takes_one_factor():
    start, gradient, l1, hessian = model(10, 0.5, 0)
    found = minimise_quadratic(start, gradient, l1, hessian, None)
    hessian.solves, hessian.forcing = 0, 0.1
    near = 1.01 * found
    again = minimise_quadratic(near, gradient + hessian.product(near - start), l1, hessian, None)
    assert hessian.solves == 1
    np.testing.assert_allclose(again, found, atol=1e-8)


def test_half_as_many_coordinates_become_zero_at_every_end_and_one_at_the_last():
    x, step = np.array([1.0, -2.0, 3.0, 4.0, 0.5, 7.0]), np.array([-8.0, 8.0, -6.0, -4.5, 1, -1])
    ends = list(_ends_in_orthant(x, step, np.sign(x)))
    assert [int((end == 0.0).sum()) for end in ends] == [4, 2, 1]
    for end in ends:
        assert (end * np.sign(x) >= 0.0).all()
    # Coordinates 0 and 1 become zero an eighth and a quarter of the way on.
    np.testing.assert_allclose(ends[1][2:], (x + 0.25 * step)[2:], atol=1e-15)
    np.testing.assert_allclose(ends[2][1:], (x + 0.125 * step)[1:], atol=1e-15)


def test_a_step_within_the_orthant_has_one_end():
    x, step = np.array([1.0, -2.0]), np.array([-0.5, 1.0])
    (end,) = _ends_in_orthant(x, step, np.sign(x))
    np.testing.assert_array_equal(end, x + step)


def test_columns_that_are_one_twice_have_a_minimiser_too():
    """B is singular; where the l1 term is lower, Newton's step goes beyond every sign."""
    rng = np.random.default_rng(0)
    root = rng.normal(size=(30, 4))
    matrix = np.tile(root.T @ root / 30, (2, 2))
    matrix.flat[::9] *= 1.0 + 1e-12
    hessian, l1 = Known(matrix), np.full(8, 0.1)
    start, gradient = np.zeros(8), np.tile(rng.normal(size=4), 2)
    start[:4], start[4:] = 1.0, -0.5
    x = minimise_quadratic(start, gradient, l1, hessian, None)
    slope = gradient + matrix @ (x - start)
    assert (np.abs(slope) <= l1 + 1e-6).all()
    np.testing.assert_allclose((slope * x).sum(), -l1 @ np.abs(x), atol=1e-6)
