"""Nearly collinear columns without a penalty: the same problem in axes of unit spread.

The Hessian is made of squares: where columns differ by 1e-8 of their spread, it has no digit left of
what that is worth. Without a penalty every basis has the same minimum, and in A = X̃ Q R⁻¹, with Q
the principal axes of the rows and R their spreads along them, no curvature is small. Axes along
which the rows differ by rounding alone get no weight.
"""

import math

import numpy as np
from numpy.typing import NDArray

from .._objective import Parameters
from .arrays import Matrix
from .moments import dense_values, second_moment
from .standardised import Standardised

# Smallest part of the largest second moment that the Hessian resolves.
RESOLVED = 1e-10
# Spreads of columns of unit spread up to which they are rounding.
ROUNDING = 1e-13
# Multiplications that the axes may cost.
WORK = 2e9


class ColumnSpace:
    """Coordinates (n, r) of the rows, and the maps of the parameters, where columns are collinear."""

    @staticmethod
    def of(rows: Standardised) -> "ColumnSpace | None":
        """Return the axes of rows without a penalty; None where columns are as good, or too many."""
        d = rows.n_features
        if rows.sparse or d < 2 or float(rows.n_rows) * d**2 > WORK or d**3 > WORK:
            return None
        moment = second_moment(rows, np.float64)[:d, :d]
        if not np.isfinite(moment).all():
            return None
        moments, axes = np.linalg.eigh(moment)
        return ColumnSpace(rows, axes) if moments[0] < RESOLVED * moments[-1] else None

    def __init__(self, rows: Standardised, axes: Matrix) -> None:
        self.rows, self.centre = rows, rows.centre
        along = np.concatenate(
            [dense_values(block)[:, : rows.n_features] @ axes for block in rows.blocks(np.float64)]
        )
        weight = np.ones(rows.n_rows) if rows.sample_weight is None else rows.sample_weight
        spread = np.sqrt(weight @ along**2 / rows.total)
        kept = spread > ROUNDING * math.sqrt(rows.n_features)
        self.axes, self.spread = axes[:, kept], spread[kept]
        self.coordinates: NDArray[np.float64] = along[:, kept] / self.spread

    def expand(self, parameters: Parameters) -> Parameters:
        """(V R⁻¹ Qᵀ, c) of X̃, and (W, b) of that."""
        weights = (parameters.weights / self.spread) @ self.axes.T
        columns = [weights, parameters.intercept[:, None]]
        return self.rows.restore(np.concatenate(columns[: 1 + self.rows.fit_intercept], axis=1))

    def reduce(self, parameters: Parameters) -> Parameters:
        """(W, b) -> (V, c), without what no row sees."""
        standardised = self.rows.standardise(parameters)
        weights = standardised[:, : self.rows.n_features] @ self.axes * self.spread
        return Parameters(weights, self.rows.intercept(standardised))

    def deviations(self) -> NDArray[np.float64]:
        """Return the columns' standard deviations; roots of second moments without an intercept."""
        return self.rows.deviations()
