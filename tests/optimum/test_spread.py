"""The spread around the mean of each class, and the border that the intercept adds."""

import numpy as np

from softmax_regression._optimum.spread import LEAST_SPREAD, Spread

# Two classes, two columns and the intercept; class 0's rows are one row, up to rounding.
MEANS = np.array([[300.0, -7.0, 0.0], [0.5, 0.25, 0.0]])
WEIGHT = np.array([[0.2], [0.1]])
SQUARES = WEIGHT * (MEANS**2 + [[0.0, 0.0, 1.0], [2.0, 3.0, 1.0]])
SQUARES[0, :2] *= 1 - 1e-7


def test_the_spread_is_what_the_mean_leaves_of_the_squares():
    spread = Spread(SQUARES, WEIGHT, MEANS)
    expected = WEIGHT[1] * [2.0, 3.0, 1.0]
    np.testing.assert_allclose(spread.around(MEANS)[1], expected, rtol=1e-15)


def test_where_rounding_leaves_less_than_nothing_the_matrix_stays_positive():
    spread = Spread(SQUARES, WEIGHT, MEANS)
    around = spread.around(MEANS)
    np.testing.assert_array_equal(around[0, :2], LEAST_SPREAD * SQUARES[0, :2])
    apply = spread.bordered(lambda gradient: gradient / around)
    for gradient in np.eye(3):
        both = np.stack([gradient, -gradient])
        assert np.vdot(both, apply(both)) > 0
