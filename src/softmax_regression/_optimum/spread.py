"""Each class's rows seen from their own mean: what first matrices of less than D x D are made of.

Class k weighs row i by s_ik = w_i p_ik (1 − p_ik) / Σ w. Around the mean m_k of the x̃_i by these
weights, its weights and its intercept do not pull at each other: with C the spread around m_k, and
s = Σ_i s_ik, the block of class k in the Hessian of the data term is

    [[C + s m mᵀ, s m], [s mᵀ, s]] = [[I, m], [0, 1]] [[C, 0], [0, s]] [[I, 0], [mᵀ, 1]]

so that approximating C alone keeps the intercept's row and column exact.
"""

from typing import NamedTuple

import numpy as np

from .._likelihood.curvature import spread
from .._likelihood.value import balanced
from .._likelihood.working import Likelihood
from .._types import Apply, Floats, Matrix, Precision
from .moments import share

# Of the squares of a column: rounding leaves no less.
LEAST_SPREAD = 1e-3


class Spread(NamedTuple):
    """Σ_i s_ik (x̃_iᵀ u_j)² along some axes (K, D), s_k (K, 1), and m_k (K, D), 0 for the intercept."""

    squares: Matrix
    weight: Matrix
    means: Matrix

    @staticmethod
    def of_all(likelihood: Likelihood, squares: Floats) -> "Spread":
        """All rows count alike: where there is an intercept, they are centred already."""
        none = np.zeros((len(squares), likelihood.n_columns))
        return Spread(squares.astype(np.float64), none[:, :1], none)

    @staticmethod
    def of_classes(
        likelihood: Likelihood, theta: Matrix, dtype: Precision, axes: Floats | None = None
    ) -> "Spread":
        """Sum over a sample of the rows, along the axes that are the columns of a matrix (D, D)."""
        part = share(likelihood.n_rows)
        total, squares, first = likelihood.sums(spread, theta, axes, part, dtype=dtype)
        if not likelihood.fit_intercept:
            first = np.zeros_like(first)
        weight = first[:, -1:] / total
        means = first / (total * weight + 1e-300)
        if likelihood.fit_intercept:
            means[:, -1] = 0.0
        return Spread(squares / total, weight, means)

    def around(self, along: Floats) -> Matrix:
        """Σ_i s_ik (u_jᵀ (x̃_i − m_k))², the means being `along` (K, D) on the axes."""
        return np.maximum(self.squares - self.weight * along**2, LEAST_SPREAD * self.squares)

    def bordered(self, solve: Apply) -> Apply:
        """P⁻¹ of all blocks, from `solve` for the spread and the intercept apart."""
        if not self.weight.any():
            return lambda gradient: balanced(solve(gradient))

        def apply(gradient: Matrix) -> Matrix:
            step = solve(gradient - self.means * gradient[:, -1:])
            step[:, -1] -= np.einsum("kj,kj->k", self.means, step)
            return balanced(step)

        return apply
