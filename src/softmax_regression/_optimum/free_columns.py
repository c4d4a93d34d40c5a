"""Columns that the penalty leaves free: their part of the proof comes from the curvature.

In a column of huge spread s the penalty l2 / s² is so small that what rounding leaves of the
gradient g would widen the bound g² / (2 penalty) by all that was to be proven. The dual point

    q_i = p_i + J_i D x̃_i,  J_i = diag(p_i) − p_i p_iᵀ,  (H + penalty) D = −g in the free columns

has no such gradient: g changes by H D, and in the free columns −penalty D is left, exactly. D has
the weights of all classes but one, of which minus the sum of the others is left. With
q_ik = p_ik (1 + δ_ik) and all δ ≥ −m, its divergence is at most c(m) ½ Dᵀ H D (`_enlargement`).
That D exists is enough: where the D that was computed leaves e of the equation, it lies within
‖e‖ / √λ of that one in the norm of H + penalty, λ being the least curvature.
"""

import math
from typing import NamedTuple

import numpy as np

from .._likelihood.curvature import diagonal, free_matrix, tilt
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
# What rounding hides of dense columns is less.
HIDDEN = ROUNDING**2 / (PART * EPS)
# Before the proof, the curvature of a free column is taken for this part of its mean square.
ASSUMED = 1e-3
# Where more of a probability is taken, Newton's step tells nothing.
LARGEST_SHARE = 0.9
SOLVES = 2
# Mean squares of columns that hold nothing.
TINY = 1e-300


class Closing(NamedTuple):
    """A dual point: the gradient at q, how far it is off at most, and the divergence at most.

    `left` and `error` are (K, D).
    """

    left: Matrix
    error: Matrix
    divergence: float


class FreeColumns:
    """The free columns of one problem, and how their gradient is taken away."""

    @staticmethod
    def of(
        likelihood: Likelihood, penalty: Vector, tol: float, small: float = SMALL
    ) -> "FreeColumns | None":
        """Return the columns of a `small` penalty, if too many those of one that rounding hides.

        None where there are none, or still too many.
        """
        squares = np.maximum(likelihood.coordinates.squares(likelihood.survey), TINY)
        penalty = penalty[: likelihood.n_features] / squares
        if not likelihood.sparse and penalty.min(initial=np.inf) >= max(small, HIDDEN):
            return None
        rounding = _roundings(likelihood, squares)
        hidden = rounding[: len(squares)] ** 2 / squares / (PART * max(tol, EPS))
        for limit in (np.maximum(small, hidden), hidden):
            chosen = np.flatnonzero(penalty < limit)
            size = (len(chosen) + likelihood.fit_intercept) * (likelihood.n_classes - 1)
            if size <= FULL_PARAMETERS and float(likelihood.n_rows) * size**2 <= FULL_WORK:
                break
        else:
            return None
        if not len(chosen):
            return None
        assumed = ASSUMED * squares[chosen]
        hides = penalty[chosen] < hidden[chosen]
        return FreeColumns(likelihood, chosen, assumed, hides, rounding)

    def __init__(
        self,
        likelihood: Likelihood,
        chosen: Index,
        assumed: Vector,
        hidden: Mask,
        rounding: Vector,
    ) -> None:
        self.likelihood, self.chosen = likelihood, chosen
        self.assumed, self.hidden, self.rounding = assumed, hidden, rounding

    def raised(self, penalty: Vector, *, hidden: bool) -> Vector:
        """Return the penalty, in free columns no less than their curvature is taken for.

        Only in those that rounding hides, or in all.
        """
        raised, which = penalty.copy(), self.hidden if hidden else slice(None)
        columns = self.chosen[which]
        raised[columns] = np.maximum(raised[columns], self.assumed[which])
        return raised

    def closing(self, theta: Matrix, penalty: Vector, gradient: Matrix) -> Closing | None:
        """Return the dual point near θ (K, D) without this gradient, None where there is none.

        Far from the minimum there is none yet, and the divergence is infinite. The gradient counts
        in the free columns and the intercept, where it sums to zero over classes.
        """
        (curvature,) = self.likelihood.sums(diagonal, theta, products=True)
        curvature = curvature / self.likelihood.survey.weight
        relative = (curvature[:, self.chosen] * (ASSUMED / self.assumed)).max(axis=1)
        inside = np.zeros(theta.shape, bool)
        inside[:, self.chosen] = inside[:, self.likelihood.n_features :] = True
        inside[int(relative.argmax())] = False
        return self._closing(theta, penalty, gradient, inside, np.sqrt(curvature))

    def _closing(
        self, theta: Matrix, penalty: Vector, gradient: Matrix, inside: Mask, root: Matrix
    ) -> Closing | None:
        """Return the dual point of a D that is not zero `inside` alone: all classes but one."""
        free = np.flatnonzero(inside)
        held = np.broadcast_to(penalty, theta.shape)
        matrix = self._matrix(theta, held[inside], free)
        least = _least_curvature(matrix)
        if not least > 0.0:
            return None
        factor, step, left = Cholesky(matrix), np.zeros_like(theta), gradient
        for _ in range(SOLVES):
            step[inside] -= factor.solve(left[inside])
            change, share, squares = self.likelihood.sums(tilt, theta, step, products=True)
            change = change / self.likelihood.survey.weight
            left = gradient + change + penalty * step
        if not share <= LARGEST_SHARE:
            return Closing(left, np.zeros_like(left), math.inf)
        # By Cauchy and Schwarz a class's sums are of no more than its terms' root mean square.
        terms = np.sqrt(squares / self.likelihood.survey.weight)
        rounding = terms[:, None] * self.rounding
        unsolved = (np.abs(left) + rounding)[inside] * factor.equilibrate
        slack = float(np.linalg.norm(unsolved)) / math.sqrt(least)
        length = math.sqrt(max(float(np.vdot(step, change)), 0.0)) + slack
        divergence = 0.5 * _enlargement(float(share)) * length**2
        left, error = gradient + change, slack * root + rounding
        left[inside], error[inside] = -(held * step)[inside], 0.0
        reference = ~inside.any(axis=1)
        places = inside.any(axis=0)
        others = np.ix_(~reference, places)
        left[np.ix_(reference, places)] = -left[others].sum(axis=0)
        error[np.ix_(reference, places)] = error[others].sum(axis=0)
        return Closing(left, error, divergence)

    def _matrix(self, theta: Matrix, penalty: Vector, free: Index) -> Matrix:
        """H + penalty on some weights and intercepts, by their flat places in (K, D)."""
        weight, matrix = self.likelihood.sums(free_matrix, theta, free, 1.0, True, products=True)
        matrix = matrix / weight
        matrix.flat[:: len(free) + 1] += penalty
        return np.asarray(matrix)


def _roundings(likelihood: Likelihood, squares: Vector) -> Vector:
    """Return the roundings of a gradient in columns of these mean squares, (D,).

    Products of sparse rows are centred after they are made, so that the logits are rounded as the
    column farthest from zero is.
    """
    size = np.sqrt(squares)
    if likelihood.sparse:
        far = np.abs(likelihood.coordinates.centre / likelihood.coordinates.scale) / size
        size = size * np.hypot(1.0, far[squares > TINY].max(initial=0.0))
    return ROUNDING * np.concatenate([size, np.ones(likelihood.n_columns - len(size))])


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
