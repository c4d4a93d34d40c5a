"""Where a fit ended."""

from typing import NamedTuple

from .._parameters import Parameters
from .._types import Apply, Vector


class Solution(NamedTuple):
    """Where a fit ended.

    `gap` is a proven bound on F − F*, infinite without a proof; `decrement` the estimate
    ½ gᵀ P⁻¹ g of F − F* before the last step; `reason` one of "converged", "max_iter",
    "stopped", "rounding", "non-finite", or "float32" where the rounding to it took `tol` away;
    `n_iter` counts the readings of the rows, `passes` those that `max_iter` bounds;
    `centre` and `deviation` the means μ of the columns and their standard deviations, (d,), about
    0 without an intercept; `first` the first matrix P⁻¹ of L-BFGS at the end, for fits near it.
    """

    parameters: Parameters
    objective: float
    gap: float
    decrement: float
    converged: bool
    n_iter: int
    passes: int
    reason: str
    centre: Vector
    deviation: Vector
    first: Apply | None = None
