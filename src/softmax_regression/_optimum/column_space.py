"""Nearly collinear columns without a penalty: the same problem in axes of unit spread.

The Hessian is made of squares: where columns differ by 1e-8 of their spread, it has no digit left of
what that is worth. Without a penalty every basis has the same minimum, and in A = X̃ Q R⁻¹, with Q
the principal axes of the rows and R their spreads along them, no curvature is small. Axes along
which the rows differ by rounding alone get no weight, nor do those whose weights turn out so large
that X Wᵀ is rounding. Columns with a penalty stay as they are.
"""

import math
from collections.abc import Iterator
from copy import copy

import numpy as np

from .._likelihood.block import Block
from .._likelihood.information import second_moment
from .._likelihood.working import Likelihood, chunks
from .._parameters import Parameters
from .._penalty import Penalty
from .._types import Index, Mask, Matrix, Vector
from .moments import SHARE, mean_second_moment

# Smallest part of the largest second moment that the Hessian resolves.
RESOLVED = 1e-10
# Rows, and of them for each column, from which on a share may show that much by itself.
MANY_ROWS = 4096
ROWS_PER_COLUMN = 64
# Spreads along an axis, of columns of unit spread and mean, up to which it is rounding, and up to
# which its weights may be too large for products of the rows: the more, the less is learned.
ROUNDING = 1e-13
LARGER = (1e-11, 1e-9, 1e-7)
EPS = float(np.finfo(np.float64).eps)
# Mean squares of columns of unit spread, where they vary.
CONSTANT = 0.5
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
        if n_rows >= max(MANY_ROWS, ROWS_PER_COLUMN * d) and _some_rows_tell(likelihood, free):
            return None
        moment = mean_second_moment(likelihood, np.float64, 1)[np.ix_(free, free)]
        if not np.isfinite(moment).all():
            return None
        moments = np.linalg.eigvalsh(moment)
        return ColumnSpace(block, likelihood, l2) if moments[0] < RESOLVED * moments[-1] else None

    def __init__(self, block: Block, likelihood: Likelihood, l2: Vector) -> None:
        self.free, self.held, self.l2 = np.flatnonzero(l2 == 0.0), np.flatnonzero(l2), l2
        self.inner = likelihood.coordinates
        self.centre = self.inner.centre
        self.deviation = self.inner.deviations(likelihood.survey)
        parts = list(chunks(block, self.inner, np.float64))
        rows = np.concatenate([part.rows.dense().values[:, : len(l2)] for part in parts])
        weight = np.concatenate([part.weights() for part in parts]) / likelihood.survey.weight
        axes = _principal_axes(rows[:, self.free] * np.sqrt(weight)[:, None])
        along = rows[:, self.free] @ axes
        spread = np.sqrt(weight @ along**2)
        least = np.maximum(ROUNDING * math.sqrt(len(self.free)), EPS * self._far(axes))
        self._keep(spread > least, axes, spread, along, rows[:, self.held])

    def _keep(self, kept: Mask, axes: Matrix, spread: Vector, along: Matrix, held: Matrix) -> None:
        self.axes, self.spread = axes[:, kept], spread[kept]
        self.coordinates: Matrix = np.concatenate([along[:, kept] / self.spread, held], axis=1)
        self.penalty = Penalty(
            0.0, np.concatenate([np.zeros(len(self.spread)), self.l2[self.held]])
        )

    def _far(self, axes: Matrix) -> Vector:
        """Return how far from zero the columns of each axis are, which is how they are rounded."""
        return np.asarray(np.abs(self.inner.centre / self.inner.scale)[self.free] @ np.abs(axes))

    def narrower(self) -> "Iterator[ColumnSpace]":
        """Yield spaces of fewer and fewer axes, those left out that take the largest weights."""
        far = self._far(self.axes)
        along, held = np.split(self.coordinates, [len(self.spread)], axis=1)
        for least in LARGER:
            kept = self.spread > least * np.hypot(1.0, far)
            space = copy(self)
            space._keep(kept, self.axes, self.spread, along * self.spread, held)
            yield space

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


def _some_rows_tell(likelihood: Likelihood, free: Index) -> bool:
    """Whether a share of the rows alone has enough of a spread along every axis.

    The other rows only add to it, and along no axis is there more than all columns have together.
    """
    _, sums = likelihood.sums(second_moment, SHARE, products=True)
    moment = sums[np.ix_(free, free)] / likelihood.survey.weight
    if not np.isfinite(moment).all():
        return False
    return bool(np.linalg.eigvalsh(moment)[0] >= RESOLVED * len(free))


def _principal_axes(rows: Matrix) -> Matrix:
    """Return the right singular vectors as columns; constant columns have no part in them.

    Not eigenvectors of the second moment: of what is less than 1e-8 that has no digit.
    """
    varying = np.flatnonzero((rows**2).sum(axis=0) > CONSTANT)
    _, _, found = np.linalg.svd(np.linalg.qr(rows[:, varying], mode="r"))
    axes = np.zeros((rows.shape[1], len(found)))
    axes[varying] = found.T
    return axes
