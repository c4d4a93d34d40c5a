"""Weighted mean second moments of the rows: what every dense Hessian of F is made of."""

import numpy as np

from .._likelihood.curvature import column_squares
from .._likelihood.information import Factors, expanded, information, second_moment
from .._likelihood.value import softmax
from .._likelihood.working import Likelihood
from .._types import Floats, Matrix, Precision, Vector

# Above this many rows a random eighth is enough to approximate a Hessian.
SAMPLED_ROWS = 50_000
SHARE = 8
# Of a column's mean square: less in a sample is no chance.
MISSED = 0.5


def share(n_rows: int) -> int:
    """Return which part of the rows a Hessian is made of: one in so many."""
    return 1 if n_rows <= SAMPLED_ROWS else SHARE


def n_sampled(n_rows: int) -> int:
    """How many of the rows a Hessian is made of."""
    return n_rows // share(n_rows)


def mean_moments(
    likelihood: Likelihood, theta: Matrix, dtype: Precision, factors: Factors, part: int
) -> Matrix:
    """M_m / Σ w for each of the factors, (m, D, D), at θ from one in `part` rows in `dtype`."""
    common = common_probabilities(likelihood, theta)
    if common is not None and not likelihood.sparse:
        return factors(common)[:, :, None] * mean_second_moment(likelihood, dtype, part)
    weight, sums = likelihood.sums(information, theta, factors, part, dtype=dtype)
    return expanded(sums / weight, likelihood.n_columns)


def common_probabilities(likelihood: Likelihood, theta: Matrix) -> Floats | None:
    """Return the probabilities (K, 1) of every row where there are no weights yet."""
    if theta[:, : likelihood.n_features].any():
        return None
    return softmax(likelihood.coordinates.intercept(theta)[:, None])


def mean_second_moment(likelihood: Likelihood, dtype: Precision, part: int) -> Matrix:
    """(1 / Σ w) Σ_i w_i x̃_i x̃_iᵀ over one in `part` rows, (D, D)."""
    weight, sums = likelihood.sums(second_moment, part, dtype=dtype)
    return np.asarray(sums / weight)


def missed(likelihood: Likelihood) -> Vector:
    """Return the unit mean square of the columns that a sample of the rows misses, (D,), else 0.

    The few rows that tell such a column from a constant are not in the sample.
    """
    part = share(likelihood.n_rows)
    if part == 1:
        return np.zeros(likelihood.n_columns)
    weight, squares = likelihood.sums(column_squares, part, products=True)
    seen = squares[0] / weight
    return np.where(seen < MISSED, 1.0 - seen, 0.0)
