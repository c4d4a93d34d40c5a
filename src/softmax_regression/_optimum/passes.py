"""F and its gradient at one point: the data term by one pass over the rows, and the penalty.

F = (1 / Σ w) Σ_i w_i CE(t_i, p_i) + ½ Σ_kj penalty_j θ_kj²
"""

from typing import NamedTuple

import numpy as np

from .._likelihood.coordinates import Coordinates
from .._likelihood.value import value
from .._likelihood.working import Likelihood
from .._types import Matrix, Precision, Vector

# A penalty that overflows holds its column at 0; this much does so too, and stays finite.
LARGEST_PENALTY = 1e200


class Value(NamedTuple):
    """F and its gradient (K, D) at one point, in float64."""

    objective: float
    gradient: Matrix


def evaluate(likelihood: Likelihood, penalty: Vector, theta: Matrix, dtype: Precision) -> Value:
    """F and its gradient by one pass in `dtype`, summed over chunks in float64."""
    working = theta.astype(dtype, copy=False)
    loss, gradient = likelihood.sums(value, working, dtype=dtype, products=True)
    total = likelihood.survey.weight
    gradient = gradient / total
    shrinkage = penalty * theta
    gradient += shrinkage
    return Value(loss / total + 0.5 * float(np.vdot(shrinkage, theta)), gradient)


def column_penalty(coordinates: Coordinates, l2: float) -> Vector:
    """l2 / s_j² for every column, zero for the intercept, shape (D,)."""
    penalty = np.zeros(coordinates.n_columns)
    with np.errstate(over="ignore", divide="ignore"):
        weights = np.minimum(l2 / coordinates.scale**2, LARGEST_PENALTY)
    penalty[: coordinates.n_features] = weights if l2 else 0.0
    return penalty
