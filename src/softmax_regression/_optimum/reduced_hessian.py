"""The Hessian of F's smooth part on the free coefficients, in two forms.

    H = (1 / Σ w) Σ_i w_i (diag(p_i) − p_i p_iᵀ) ⊗ x̃_i x̃_iᵀ + diag(penalty)

Few free coefficients of dense rows: the matrix, corrected between builds by the BFGS formula.
Otherwise: products with it by passes over the rows, and conjugate gradients.
"""

import numpy as np

from .._likelihood.curvature import diagonal, free_matrix, product
from .._objective import Objective
from .._types import Index, Matrix, Vector
from .cholesky import solved_once
from .conjugate_gradients import conjugate_gradients
from .quadratic import FORCING

RIDGE = 1e-12  # relative; keeps H invertible where duplicate columns make it singular
SINGLE_RIDGE = 1e-6  # above the rounding of float32
MATRIX_WORK = 2e8
ROWS_PER_COEFFICIENT = 20
SMALL_WORK = 4e6  # multiplications up to which H costs hardly more than what surrounds it
CONJUGATE_GRADIENTS = 20
SOLVED = 0.1  # of the residual may be left


class HessianMatrix:
    """H as a matrix on the free coefficients (flat places in (K, D)).

    `exact`: from all rows in float64. Otherwise from a sample where rows are many, in float32.
    `copies` is 2 where they are the second class's of two, and the first's are their opposites: the
    half of H along both has the data term twice. A `cheap` one is exact, and not worth keeping.
    """

    def __init__(
        self,
        objective: Objective,
        theta: Matrix,
        free: Index,
        exact: bool,
        *,
        copies: int = 1,
    ) -> None:
        likelihood, penalty = objective.likelihood, objective.l2
        self.free = free
        self.cheap = float(likelihood.n_rows) * len(free) ** 2 <= SMALL_WORK
        self.exact = exact or self.cheap
        share = 1.0 if self.exact else wanted_rows(len(free)) / likelihood.n_rows
        weight, matrix = likelihood.sums(free_matrix, theta, free, share, self.exact)
        matrix *= copies / max(weight, 1e-300)
        self.take(matrix, penalty[free % likelihood.n_columns])

    def take(self, matrix: Matrix, penalty: Vector) -> None:
        """Take the data term's matrix, in place, and the penalty of each coefficient."""
        exact, free = self.exact, self.free
        matrix.flat[:: len(free) + 1] *= 1.0 + (RIDGE if exact else SINGLE_RIDGE)
        matrix.flat[:: len(free) + 1] += penalty + 1e-300
        self.matrix = matrix
        self.diagonal = matrix.diagonal().copy()
        self.rounds = 40
        self.proximal_steps = worthwhile_steps(len(free))
        self.drops = 40
        self.bound, self.forcing = 1.0, FORCING

    def product(self, direction: Vector) -> Vector:
        """H v."""
        product: Vector = self.matrix @ direction
        return product

    def solve(self, support: Index, right: Vector) -> Vector:
        """Solve H x = right on the coordinates of the support."""
        return solved_once(self.matrix[support[:, None], support], right)

    def update(self, step: Vector, change: Vector) -> None:
        """H + y yᵀ / (yᵀs) − H s sᵀ H / (sᵀ H s), with y the change of gradient along s.

        Nocedal and Wright, Numerical Optimization, 2nd ed., equation 6.19.
        """
        product = self.matrix @ step
        curvature, modelled = float(step @ change), float(step @ product)
        if curvature > 1e-10 * modelled > 0.0:
            self.matrix += np.outer(change, change / curvature)
            self.matrix -= np.outer(product, product / modelled)
            self.diagonal = self.matrix.diagonal().copy()


def worthwhile_steps(size: int) -> int:
    """Return how many proximal steps with a matrix of this size cost no more than a factor of it."""
    return 2 + size // 40


def wanted_rows(size: int) -> int:
    """Return how many rows a matrix of this size is made of where it need not be exact."""
    return max(ROWS_PER_COEFFICIENT * size, int(MATRIX_WORK) // max(1, size**2))


class HessianProducts:
    """H by passes over the rows, at fixed parameters; `copies` as in `HessianMatrix`."""

    def __init__(
        self, objective: Objective, theta: Matrix, free: Index, *, copies: int = 1
    ) -> None:
        likelihood, penalty = objective.likelihood, objective.l2
        self.likelihood, self.theta, self.free = likelihood, theta, free
        self.shape, self.copies = theta.shape, copies
        self.penalty = np.broadcast_to(penalty, self.shape).ravel()[free]
        (squares,) = likelihood.sums(diagonal, theta)
        squares *= copies / likelihood.survey.weight
        self.diagonal = np.asarray(squares.ravel()[free] + self.penalty + 1e-300)
        self.rounds, self.proximal_steps, self.drops = 4, 4, 1
        self.bound, self.forcing = 1.0, FORCING

    def product(self, direction: Vector) -> Vector:
        """H v."""
        whole = np.zeros(self.shape)
        whole.ravel()[self.free] = direction
        if self.copies == 2:
            whole[0] = -whole[1]
        (sums,) = self.likelihood.sums(product, self.theta, whole)
        sums = sums / self.likelihood.survey.weight
        return np.asarray(sums.ravel()[self.free] + self.penalty * direction)

    def solve(self, support: Index, right: Vector) -> Vector:
        """H x = right on the support to a tenth, by preconditioned conjugate gradients."""
        diagonal, whole = self.diagonal[support], np.zeros_like(self.diagonal)

        def product(direction: Vector) -> Vector:
            whole[support] = direction
            return self.product(whole)[support]

        return conjugate_gradients(
            product,
            lambda residual: residual / diagonal,
            right,
            left=SOLVED,
            steps=CONJUGATE_GRADIENTS,
        )
