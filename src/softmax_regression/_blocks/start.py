"""Where the descent over all rows begins: the optimum of the sample."""

import numpy as np

from .._likelihood.block import Block, Memo
from .._likelihood.value import balanced
from .._likelihood.working import Likelihood
from .._objective import Objective
from .._optimum.full_phase import FullPhase
from .._optimum.limits import Limits
from .._optimum.proximal import ProximalPhase
from .._penalty import Penalty
from .._types import Matrix

# What is kept of the sample beside its rows: a copy in working precision.
MEMO_BYTES = 96 * 2**20
# The sample's optimum is about free / (2 m) above that of all rows, at most ½ where free parameters
# are more than its rows; it is found to this part of it. No proof is asked for: a step from where so
# little of that was estimated to be left is the last.
CLOSE = 0.01
LEFT = 0.01
MOST_PASSES = 200


def sample_objective(sample: Block, whole: Objective, penalty: Penalty) -> Objective:
    """Return F over the sample, in the coordinates of all rows."""
    seen = [sample._replace(memo=Memo(MEMO_BYTES))]
    return Objective(Likelihood(seen, coordinates=whole.likelihood.coordinates), penalty)


def sample_optimum(objective: Objective) -> Matrix:
    """Return θ where F over the sample, with a ridge, is least.

    The ridge of 1 / m on standardised columns holds classes that the m rows of the sample part and
    all rows may not.
    """
    likelihood = objective.likelihood
    free = (likelihood.n_classes - 1) * likelihood.n_columns
    limits = Limits(0.5 * CLOSE * min(1.0, free / likelihood.n_rows), MOST_PASSES)
    ridge = np.zeros(likelihood.n_columns)
    squares = likelihood.coordinates.squares(likelihood.survey)
    ridge[: likelihood.n_features] = squares / likelihood.n_rows
    held = objective.with_l2(objective.l2 + ridge)
    if objective.penalty.has_l1:
        solution = ProximalPhase(held, limits, _unheard).run(None)
    else:
        phase = FullPhase(held, limits, lambda *_: phase.decrement <= LEFT * limits.tol)
        solution = phase.run(held.constant(balanced(held.class_frequencies())))
    return likelihood.coordinates.inward(solution.parameters)


def _unheard(*_: object) -> bool:
    return False
