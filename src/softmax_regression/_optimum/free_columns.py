"""Columns that the penalty leaves free: their part of the proof comes from the curvature.

In a column of huge spread s the penalty l2 / s² is so small that what rounding leaves of the
gradient g would widen the bound g² / (2 penalty) by all that was to be proven. The dual point

    q_i = p_i + J_i D x̃_i,  J_i = diag(p_i) − p_i p_iᵀ,  (H + penalty) D = −g in the free columns

has no such gradient: g changes by H D, and in the free columns −penalty D is left, exactly. With
q_ik = p_ik (1 + δ_ik) and all δ ≥ −m, its divergence is at most c(m) ½ Dᵀ H D (`_enlargement`).
That D exists is enough: where the D that was computed leaves e of the equation, it lies within
‖e‖ / √λ of that one in the norm of H + penalty, λ being the least curvature.
"""

import math
from typing import NamedTuple

import numpy as np

from .._likelihood.curvature import free_matrix, tilt
from .._likelihood.value import balanced
from .._likelihood.working import Likelihood
from .._types import Index, Mask, Matrix, Vector
from .cholesky import Cholesky
from .curvature import FULL_PARAMETERS, FULL_WORK

EPS = float(np.finfo(np.float64).eps)

# Roundings of a gradient in columns of unit spread; the part of `tol` they may take of a proof.
ROUNDING = 1e-15
PART = 1e-3
# Penalties up to which, in columns of unit spread, digits that F does not show widen the bound.
SMALL = 1e-6
# Before the proof, the curvature of a free column is taken for this part of its mean square.
ASSUMED = 1e-3
# Where more of a probability is taken, Newton's step tells nothing.
LARGEST_SHARE = 0.9
SOLVES = 2
# Mean squares of columns that hold nothing.
TINY = 1e-300


class Closing(NamedTuple):
    """A dual point: D and H D (K, D), the divergence at most, and how far D is off at most."""

    step: Matrix
    change: Matrix
    divergence: float
    slack: float


class FreeColumns:
    """The free columns of one problem, and how their gradient is taken away."""

    @staticmethod
    def of(
        likelihood: Likelihood, penalty: Vector, tol: float, small: float = SMALL
    ) -> "FreeColumns | None":
        """Return the columns of a `small` penalty, if too many those of one that rounding hides.

        None where there are none, or still too many.
        """
        squares = likelihood.coordinates.squares(likelihood.survey) + TINY
        penalty = penalty[: likelihood.n_features] / squares
        hidden = ROUNDING**2 / (PART * max(tol, EPS))
        for limit in (max(small, hidden), hidden):
            chosen = np.flatnonzero(penalty < limit)
            size = (len(chosen) + likelihood.fit_intercept) * (likelihood.n_classes - 1)
            if size <= FULL_PARAMETERS and float(likelihood.n_rows) * size**2 <= FULL_WORK:
                break
        else:
            return None
        if not len(chosen):
            return None
        assumed = ASSUMED * squares[chosen]
        return FreeColumns(likelihood, chosen, assumed, penalty[chosen] < hidden)

    def __init__(
        self, likelihood: Likelihood, chosen: Index, assumed: Vector, hidden: Mask
    ) -> None:
        self.likelihood, self.chosen = likelihood, chosen
        self.assumed, self.hidden = assumed, hidden
        intercept = np.arange(likelihood.n_features, likelihood.n_columns)
        self.places = np.concatenate([chosen, intercept])

    def raised(self, penalty: Vector, *, hidden: bool) -> Vector:
        """Return the penalty, in free columns no less than their curvature is taken for.

        Only in those that rounding hides, or in all.
        """
        raised, which = penalty.copy(), self.hidden if hidden else slice(None)
        columns = self.chosen[which]
        raised[columns] = np.maximum(raised[columns], self.assumed[which])
        return raised

    def close(self, theta: Matrix, penalty: Vector, gradient: Matrix) -> Closing | None:
        """Return the dual point near θ (K, D) without this gradient; None in collinear columns.

        Far from the minimum there is none yet, and the divergence is infinite. The gradient counts
        in the free columns and the intercept, where it sums to zero over classes.
        """
        matrix = self._matrix(theta, penalty[self.places])
        curvature = _least_curvature(matrix)
        if not curvature > 0.0:
            return None
        factor, step = Cholesky(matrix), np.zeros_like(theta)
        left = gradient[:, self.places]
        for _ in range(SOLVES):
            step[:-1, self.places] -= factor.solve(left[:-1].ravel()).reshape(left[:-1].shape)
            balanced(step)
            change, share = self.likelihood.sums(tilt, theta, step, products=True)
            change = change / self.likelihood.survey.weight
            left = (gradient + change + penalty * step)[:, self.places]
        if not share <= LARGEST_SHARE:
            return Closing(step, change, math.inf, 0.0)
        scaled = (np.abs(left[:-1]).ravel() + ROUNDING) * factor.equilibrate
        slack = float(np.linalg.norm(scaled)) / math.sqrt(curvature)
        length = math.sqrt(max(float(np.vdot(step, change)), 0.0)) + slack
        return Closing(step, change, 0.5 * _enlargement(float(share)) * length**2, slack)

    def _matrix(self, theta: Matrix, penalty: Vector) -> Matrix:
        """H + penalty on the free columns of K − 1 classes, the last one's weights being zero."""
        free, width, columns = len(theta) - 1, theta.shape[1], len(self.places)
        places = (np.arange(free)[:, None] * width + self.places).ravel()
        weight, matrix = self.likelihood.sums(free_matrix, theta, places, 1.0, True, products=True)
        matrix = (matrix / weight).reshape(free, columns, free, columns)
        j = np.arange(columns)
        matrix[:, j, :, j] += penalty[:, None, None] * (np.eye(free) - 1.0 / (free + 1))
        return np.asarray(matrix.reshape(free * columns, -1))


def _enlargement(share: float) -> float:
    """c(m) of KL(q ‖ p) ≤ c(m) ½ Σ_k p_k δ_k²: (1 + δ) log(1 + δ) − δ over ½ δ² falls in δ."""
    if share < 1e-3:
        return 1.0 + share
    return 2.0 * ((1.0 - share) * math.log1p(-share) + share) / share**2


def _least_curvature(matrix: Matrix) -> float:
    """Return the least eigenvalue of the matrix scaled to unit diagonal, less what rounding moves it."""
    diagonal = np.diagonal(matrix)
    if not (diagonal.min() > 0.0 and math.isfinite(diagonal.max())):
        return 0.0
    root = 1.0 / np.sqrt(diagonal)
    least = float(np.linalg.eigvalsh(matrix * root[:, None] * root)[0])
    return least - 4.0 * EPS * len(matrix)
