"""Pairs (row i, class k other than its own y), c_ik = (e_y − e_k) ⊗ x_i, never written out.

A row of several possible classes (a soft target) has one of them for its own; the others are tied
to it: along a direction in which the log-likelihood rises for ever, their logits stay equal. What
is given per pair is an array (n_rows, n_classes) that counts for nothing at a row's own class.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]


class Pairs(NamedTuple):
    """Rows (m, D), their `own` classes (m,), and which classes are `tied` to them (m, K)."""

    rows: Matrix
    own: NDArray[np.intp]
    tied: NDArray[np.bool_]

    def at_own(self) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Return the index of the rows' own classes in an array (m, K)."""
        return np.arange(len(self.own)), self.own

    def margins(self, direction: Matrix) -> Matrix:
        """Return c_ik · δ for a δ (..., K, D), shape (..., m, K)."""
        logits = self.rows @ np.swapaxes(direction, -1, -2)
        rows, own = self.at_own()
        return np.asarray(logits[..., rows, own, None] - logits)

    def combined(self, factors: Matrix) -> Matrix:
        """Return Σ_ik f_ik c_ik, shape (K, D)."""
        change = -factors
        change[self.at_own()] = 0.0
        change[self.at_own()] = -change.sum(axis=1)
        return np.asarray(change.T @ self.rows)

    def gram(self, factors: Matrix) -> Matrix:
        """Return Σ_ik f_ik c_ik c_ikᵀ, shape (K, D, K, D)."""
        n_classes, columns = factors.shape[1], self.rows.shape[1]
        gram = np.zeros((n_classes, columns, n_classes, columns))
        for own in np.flatnonzero(np.bincount(self.own, minlength=n_classes)):
            of_class = self.own == own
            rows, factor = self.rows[of_class], factors[of_class]
            for other in np.flatnonzero(factor.any(axis=0)):
                product = (rows * factor[:, other, None]).T @ rows
                gram[own, :, own] += product
                gram[other, :, other] += product
                gram[own, :, other] -= product
                gram[other, :, own] -= product
        return gram


def pairs_of(rows: Matrix, targets: Matrix) -> Pairs:
    """Return the pairs of rows (m, D) with their classes of positive target (m, K)."""
    own = targets.argmax(axis=1)
    tied = targets > 0
    tied[np.arange(len(own)), own] = False
    return Pairs(rows, own, tied)
