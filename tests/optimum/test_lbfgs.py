"""L-BFGS directions and the line search, on a quadratic where both are known."""

import numpy as np
import pytest

from softmax_regression._objective import Point
from softmax_regression._optimum.lbfgs import PAIRS, Memory
from softmax_regression._optimum.line_search import search

A = np.diag([1.0, 10.0, 100.0])


def identity(gradient):
    return gradient.copy()


def value(point):
    return Point(point, 0.5 * float(point @ A @ point), A @ point, np.inf)


def test_without_pairs_the_direction_is_minus_the_first_matrix():
    gradient = np.array([1.0, 2.0, 3.0])
    assert np.array_equal(Memory(identity, np.float64).direction(gradient), -gradient)


def test_the_last_pair_is_met():
    """The secant equation H y = s holds for the newest pair."""
    memory = Memory(identity, np.float64)
    rng = np.random.default_rng(0)
    for _ in range(5):
        step = rng.standard_normal(3)
        memory.add(step, np.zeros(3), A @ step)
    np.testing.assert_allclose(-memory.direction(A @ step), step, rtol=1e-12)


def test_across_the_pairs_the_first_matrix_keeps_its_least_scale():
    """One pair along the steepest axis, whose scale is 1/100: the other axes stay at 1."""
    memory = Memory(identity, np.float64, least_scale=1.0)
    memory.add(np.array([0.0, 0.0, 1.0]), np.zeros(3), np.array([0.0, 0.0, 100.0]))
    np.testing.assert_allclose(memory.direction(np.ones(3)), [-1.0, -1.0, -0.01], rtol=1e-12)


def two_loops(pairs, gradient):
    """−H g by the recursion of Nocedal and Wright, algorithm 7.4, with P = identity."""
    q, projections = gradient.copy(), []
    for s, y in reversed(pairs):
        projections.append(s @ q / (s @ y))
        q = q - projections[-1] * y
    s, y = pairs[-1]
    r = s @ y / (y @ y) * q
    for (s, y), projection in zip(pairs, reversed(projections), strict=True):
        r = r + (projection - y @ r / (s @ y)) * s
    return -r


@pytest.mark.parametrize("count", [1, 3, PAIRS, PAIRS + 7])
def test_the_compact_form_is_the_two_loop_recursion(count):
    rng = np.random.default_rng(count)
    B = np.diag(np.linspace(1.0, 9.0, 40))
    memory, pairs, gradient = Memory(identity, np.float64), [], rng.standard_normal(40)
    for _ in range(count):
        step = rng.standard_normal(40)
        pairs.append((step, B @ step))
        after = gradient + pairs[-1][1]
        memory.add(step, gradient, after)
        gradient = after
    expected = two_loops(pairs[-PAIRS:], gradient)
    np.testing.assert_allclose(memory.direction(gradient), expected, rtol=1e-9, atol=1e-9)


def test_pairs_lost_in_rounding_are_not_kept():
    memory = Memory(identity, np.float64)
    memory.add(np.array([1.0, 0, 0]), np.zeros(3), np.array([0.0, 1.0, 0]))
    gradient = np.array([1.0, 2.0, 3.0])
    assert np.array_equal(memory.direction(gradient), -gradient)


def test_a_step_too_long_is_shortened_and_one_too_short_lengthened():
    start = np.array([1.0, 1.0, 1.0])
    for factor in (1e-3, 0.2, 10.0, 1e4):
        direction = -factor * A @ start / 100
        found = search(value, value(start), direction, noise=1e-15, extrapolate=True)
        assert found is not None
        assert found.point.value < value(start).value


def test_no_step_from_the_minimum():
    start = np.zeros(3)
    uphill = np.array([1e-9, 0, 0])
    assert search(value, value(start), uphill, noise=1e-15, extrapolate=False) is None


def test_a_step_onto_non_finite_ground_is_shortened():
    def cliff(point):
        return (
            value(point)
            if np.abs(point).max() < 2
            else Point(point, np.inf, np.full(3, np.nan), np.inf)
        )

    start = np.array([1.0, 0, 0])
    found = search(cliff, value(start), np.array([-9.0, 0, 0]), noise=0, extrapolate=False)
    assert found is not None
    assert found.point.value == pytest.approx(0.5 * found.point.theta[0] ** 2)


def test_where_no_length_ends_on_finite_ground_there_is_no_step():
    def beyond(point):
        return Point(point, np.inf, np.full(3, np.nan), np.inf)

    start = np.array([1.0, 0, 0])
    found = search(beyond, value(start), np.array([-9.0, 0, 0]), noise=0, extrapolate=False)
    assert found is None
