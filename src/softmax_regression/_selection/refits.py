"""Fits without a row, or a group of rows, to the last digits."""

import numpy as np

from .._inference.covariance import NoEstimateError
from .._inference.estimate import Posterior
from .._likelihood.block import Block
from .._likelihood.logits import logits
from .._likelihood.working import Likelihood
from .._optimum import minimise_unwatched
from .._optimum.limits import Limits
from .._parameters import Parameters
from .._penalty import Penalty
from .._types import Index, Matrix

# Nats that a refit may stand above its minimum, before Newton's method settles it.
REFIT_TOL = 1e-9
REFIT_PASSES = 1000


class NoRefitError(ArithmeticError):
    """F has no minimum without these rows, or none is found."""


def refitted_logits(
    block: Block, penalty: Penalty, start: Parameters, fit_intercept: bool, unit: Index
) -> Matrix:
    """Return the logits of some rows from a fit without them, (m, K).

    Raises
    ------
    NoRefitError
        There is no such fit.
    """
    kept = np.ones(block.n_rows, dtype=bool)
    kept[unit] = False
    rest = block.take(np.flatnonzero(kept))
    limits = Limits(REFIT_TOL, REFIT_PASSES)
    solution = minimise_unwatched(rest, penalty, start, limits, fit_intercept=fit_intercept)
    found = None
    if not penalty.has_l1:
        found = _settled(rest, penalty, solution.parameters, fit_intercept)
    if found is None:
        if not (solution.converged and (penalty.has_l1 or penalty.has_l2)):
            raise NoRefitError
        found = solution.parameters
    return np.asarray(logits(block.X[unit], found))


def _settled(
    block: Block, penalty: Penalty, parameters: Parameters, fit_intercept: bool
) -> Parameters | None:
    """Return the minimum to the last digit, or None where the Hessian has no inverse."""
    posterior = Posterior(Likelihood([block], fit_intercept), penalty)
    try:
        with np.errstate(all="ignore"):
            theta = posterior.settled(posterior.inward(parameters)).theta
    except NoEstimateError:
        return None
    return posterior.likelihood.coordinates.outward(theta)
