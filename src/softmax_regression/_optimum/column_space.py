"""Nearly collinear columns without a penalty: the same problem in axes of unit spread.

The Hessian is made of squares: where columns differ by 1e-8 of their spread, it has no digit left of
what that is worth. Without a penalty every basis has the same minimum, and in A = X̃ Q R⁻¹, with Q
the principal axes of the rows and R their spreads along them, no curvature is small. Axes along
which the rows differ by rounding alone get no weight. Columns with a penalty stay as they are.
"""

import math

import numpy as np

from .._likelihood.block import Block
from .._likelihood.working import Likelihood, chunks
from .._parameters import Parameters
from .._penalty import Penalty
from .._types import Matrix, Vector
from .moments import mean_second_moment

# Smallest part of the largest second moment that the Hessian resolves.
RESOLVED = 1e-10
# Spreads of columns of unit spread up to which they are rounding.
ROUNDING = 1e-13
# Multiplications that the axes may cost.
WORK = 2e9


class ColumnSpace:
    """Coordinates (n, r) of the rows, and the maps of the parameters, where columns are collinear.

    Along the axes of the `free` columns first, then of the `held` ones, which have a `penalty`.
    """

    @staticmethod
    def of(block: Block, likelihood: Likelihood, penalty: Penalty) -> "ColumnSpace | None":
        """Return axes of the columns without a penalty; None where these are as good, or too many."""
        d, n_rows = likelihood.n_features, float(likelihood.n_rows)
        l2 = np.asarray(penalty.within(likelihood.coordinates).l2)[:d]
        free = np.flatnonzero(l2 == 0.0)
        if likelihood.sparse or len(free) < 2 or n_rows * d**2 > WORK or d**3 > WORK:
            return None
        moment = mean_second_moment(likelihood, np.float64, 1)[np.ix_(free, free)]
        if not np.isfinite(moment).all():
            return None
        moments, axes = np.linalg.eigh(moment)
        if not moments[0] < RESOLVED * moments[-1]:
            return None
        return ColumnSpace(block, likelihood, axes, l2)

    def __init__(self, block: Block, likelihood: Likelihood, axes: Matrix, l2: Vector) -> None:
        self.free, self.held = np.flatnonzero(l2 == 0.0), np.flatnonzero(l2)
        self.inner = likelihood.coordinates
        self.centre = self.inner.centre
        self.deviation = self.inner.deviations(likelihood.survey)
        parts = [part.rows.dense().values for part in chunks(block, self.inner, np.float64)]
        along = np.concatenate([part[:, self.free] @ axes for part in parts])
        weight = np.ones(len(along)) if block.weight is None else block.weight
        spread = np.sqrt(weight @ along**2 / likelihood.survey.weight)
        kept = spread > ROUNDING * math.sqrt(len(axes))
        self.axes, self.spread = axes[:, kept], spread[kept]
        held = np.concatenate([part[:, self.held] for part in parts])
        self.coordinates: Matrix = np.concatenate([along[:, kept] / self.spread, held], axis=1)
        self.penalty = Penalty(0.0, np.concatenate([np.zeros(len(self.spread)), l2[self.held]]))

    def expand(self, parameters: Parameters) -> Parameters:
        """(V R⁻¹ Qᵀ, c) of X̃, and (W, b) of that."""
        along, held = np.split(parameters.weights, [len(self.spread)], axis=1)
        weights = np.empty((len(along), self.inner.n_features))
        weights[:, self.free], weights[:, self.held] = (along / self.spread) @ self.axes.T, held
        columns = [weights, parameters.intercept[:, None]]
        return self.inner.outward(np.concatenate(columns[: 1 + self.inner.fit_intercept], axis=1))

    def reduce(self, parameters: Parameters) -> Parameters:
        """(W, b) -> (V, c), without what no row sees."""
        standardised = self.inner.inward(parameters)
        along = standardised[:, self.free] @ self.axes * self.spread
        weights = np.concatenate([along, standardised[:, self.held]], axis=1)
        return Parameters(weights, self.inner.intercept(standardised))
