"""Nearly collinear columns without a penalty: the same problem in axes of unit spread.

The Hessian is made of squares: where columns differ by 1e-8 of their spread, it has no digit left of
what that is worth. Without a penalty every basis has the same minimum, and in A = X̃ Q R⁻¹, with Q
the principal axes of the rows and R their spreads along them, no curvature is small. Axes along
which the rows differ by rounding alone get no weight.
"""

import math

import numpy as np

from .._likelihood.block import Block
from .._likelihood.working import Likelihood, chunks
from .._parameters import Parameters
from .._types import Matrix
from .moments import mean_second_moment

# Smallest part of the largest second moment that the Hessian resolves.
RESOLVED = 1e-10
# Spreads of columns of unit spread up to which they are rounding.
ROUNDING = 1e-13
# Multiplications that the axes may cost.
WORK = 2e9


class ColumnSpace:
    """Coordinates (n, r) of the rows, and the maps of the parameters, where columns are collinear."""

    @staticmethod
    def of(block: Block, likelihood: Likelihood) -> "ColumnSpace | None":
        """Return the axes of rows without a penalty; None where columns are as good, or too many."""
        d, n_rows = likelihood.n_features, float(likelihood.n_rows)
        if likelihood.sparse or d < 2 or n_rows * d**2 > WORK or d**3 > WORK:
            return None
        moment = mean_second_moment(likelihood, np.float64, 1)[:d, :d]
        if not np.isfinite(moment).all():
            return None
        moments, axes = np.linalg.eigh(moment)
        return ColumnSpace(block, likelihood, axes) if moments[0] < RESOLVED * moments[-1] else None

    def __init__(self, block: Block, likelihood: Likelihood, axes: Matrix) -> None:
        self.inner = likelihood.coordinates
        self.centre = self.inner.centre
        self.deviation = self.inner.deviations(likelihood.survey)
        parts = chunks(block, self.inner, np.float64)
        along = np.concatenate([part.rows.dense().values[:, : len(axes)] @ axes for part in parts])
        weight = np.ones(len(along)) if block.weight is None else block.weight
        spread = np.sqrt(weight @ along**2 / likelihood.survey.weight)
        kept = spread > ROUNDING * math.sqrt(len(axes))
        self.axes, self.spread = axes[:, kept], spread[kept]
        self.coordinates: Matrix = along[:, kept] / self.spread

    def expand(self, parameters: Parameters) -> Parameters:
        """(V R⁻¹ Qᵀ, c) of X̃, and (W, b) of that."""
        weights = (parameters.weights / self.spread) @ self.axes.T
        columns = [weights, parameters.intercept[:, None]]
        return self.inner.outward(np.concatenate(columns[: 1 + self.inner.fit_intercept], axis=1))

    def reduce(self, parameters: Parameters) -> Parameters:
        """(W, b) -> (V, c), without what no row sees."""
        standardised = self.inner.inward(parameters)
        weights = standardised[:, : len(self.axes)] @ self.axes * self.spread
        return Parameters(weights, self.inner.intercept(standardised))
