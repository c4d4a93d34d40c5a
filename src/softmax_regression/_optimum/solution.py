"""Where a fit ended, and what it reports on the way."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .._objective import Parameters

# F, the parameters, the duality gap and the passes so far; a true return stops the fit.
Report = Callable[[float, Callable[[], Parameters], float, int], bool]


class Solution(NamedTuple):
    """Where a fit ended.

    `gap` is a proven bound on F − F*, infinite without a proof; `decrement` the estimate
    ½ gᵀ P⁻¹ g of F − F* before the last step; `reason` one of "converged", "max_iter",
    "stopped", "rounding", "non-finite", or "float32" where the rounding to it took `tol` away;
    `centre` and `deviation` the means μ of the columns and their standard deviations, (d,), about
    0 without an intercept.
    """

    parameters: Parameters
    objective: float
    gap: float
    decrement: float
    converged: bool
    n_iter: int
    reason: str
    centre: NDArray[np.float64]
    deviation: NDArray[np.float64]
