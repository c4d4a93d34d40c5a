"""How full passes lead to the optimum, from the sizes of the problem and `tol` alone."""

from typing import NamedTuple

import numpy as np

from .._likelihood.working import Likelihood
from .._types import Precision
from .curvature import FEW_CLASSES, FULL_WORK, full_work

# Multiplications of a Hessian up to which Newton's few steps are faster than more passes; ten times
# as many where L-BFGS would take the same Hessian for its first and rows are so few for its size
# that it changes most from step to step.
NEWTON_WORK = 2e6
FEW_ROWS = 4
# Entries of a pass up to which it is all overhead, and float32 saves nothing.
SMALL_PASS = 5e5
# With a `tol` below this the fit ends on the full Hessian where that is no more than this work, or
# this many multiplications an entry of a pass, so that the probabilities do not show by which path
# it came: until the decrement before a step is SETTLED for Newton, whose step squares it and which
# goes so far at this `tol` too, and STILL for a Hessian of some steps ago.
POLISHED_TOL = 1e-6
POLISH_WORK = 2e9
POLISH_PASSES = 1000.0
SETTLED = 1e-9
STILL = 1e-13
# Else it pays where it costs less than the passes it saves, in multiplications an entry of a
# pass; from the start where it costs hardly more than a pass.
FULL_PASSES = 200.0
FULL_FIRST = 50.0
# Where free parameters are few, so that a full Hessian costs few passes, it takes over at the
# decrement NEAR, relative to F; float32 passes have no more digits at DIGITS.
FEW_PARAMETERS = 128
NEAR = 1e-5
DIGITS = 1e-9


class Plan(NamedTuple):
    """`newton`: steps with the Hessian at each point; else L-BFGS, first on a `full` Hessian or not.

    Newton `reuses` a Hessian that has hardly changed where no more digits are asked for.
    Passes begin in `dtype` and go on in float64 from a decrement of `finish` relative to F, with
    the full Hessian if it `pays`. With `polish` the fit ends on it, at a decrement of `settled`.
    """

    dtype: Precision
    newton: bool
    reuses: bool
    full: bool
    pays: bool
    polish: bool
    finish: float
    settled: float

    @staticmethod
    def of(likelihood: Likelihood, tol: float, *, polish: bool = True) -> "Plan":
        """Return the plan of a fit."""
        work = full_work(likelihood)
        pass_entries = float(likelihood.n_rows) * likelihood.n_columns * likelihood.n_classes
        pays = work <= min(FULL_WORK, FULL_PASSES * pass_entries)
        free = (likelihood.n_classes - 1) * likelihood.n_columns
        few = free <= FEW_PARAMETERS
        changes = likelihood.n_classes <= FEW_CLASSES and likelihood.n_rows <= FEW_ROWS * free
        newton = work <= (10.0 if changes else 1.0) * NEWTON_WORK
        in_reach = max(POLISH_WORK, min(FULL_WORK, POLISH_PASSES * pass_entries))
        asked = tol <= POLISHED_TOL if newton else tol < POLISHED_TOL
        polish = polish and work <= in_reach and asked
        return Plan(
            dtype=np.float64 if pass_entries <= SMALL_PASS else np.float32,
            newton=newton,
            reuses=newton and tol >= POLISHED_TOL,
            full=newton or work <= FULL_FIRST * pass_entries,
            pays=pays,
            polish=polish,
            finish=NEAR if polish or (few and pays) else DIGITS,
            settled=SETTLED if newton else STILL,
        )
