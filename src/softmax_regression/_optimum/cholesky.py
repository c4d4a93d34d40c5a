"""Solving with triangles and positive definite matrices, in NumPy alone."""

import numpy as np

from .arrays import Matrix

LEAST_RIDGE = 1e-15  # times the number of rows
FIRST_RAISED = 1e-10
RAISED = 100.0


class Triangle:
    """A lower triangle L with both solves by blocks, for one vector or for columns.

    NumPy has no triangular solve; inverting the small diagonal blocks of L turns one into
    matrix products (Golub and Van Loan, Matrix Computations, 4th ed., section 3.1).
    """

    WIDTH = 64

    def __init__(self, lower: Matrix) -> None:
        self.lower = lower
        size = len(lower)
        self.parts = [slice(i, min(i + self.WIDTH, size)) for i in range(0, size, self.WIDTH)]
        self.inverses = [np.linalg.inv(lower[part, part]) for part in self.parts]

    def solve(self, right: Matrix) -> Matrix:
        """L⁻¹ r."""
        x = right.copy()
        for part, inverse in zip(self.parts, self.inverses, strict=True):
            if part.start:
                x[part] -= self.lower[part, : part.start] @ x[: part.start]
            x[part] = inverse @ x[part]
        return x

    def solve_transposed(self, right: Matrix) -> Matrix:
        """L⁻ᵀ r."""
        x = right.copy()
        for part, inverse in zip(reversed(self.parts), reversed(self.inverses), strict=True):
            if part.stop < len(x):
                x[part] -= self.lower[part.stop :, part].T @ x[part.stop :]
            x[part] = inverse.T @ x[part]
        return x


class Cholesky:
    """A = L Lᵀ, equilibrated first, with the least ridge that allows it."""

    def __init__(self, matrix: Matrix) -> None:
        self.equilibrate = 1 / np.sqrt(np.maximum(np.diagonal(matrix), 1e-300))
        self.scaled = matrix * self.equilibrate[:, None] * self.equilibrate
        self._factorise(LEAST_RIDGE * len(matrix))

    def _factorise(self, ridge: float) -> None:
        lower, self.ridge = _cholesky_with_ridge(self.scaled, ridge)
        self.triangle = Triangle(lower)

    def solve(self, right: Matrix, most: float = np.inf) -> Matrix:
        """A⁻¹ r for one vector r, with a ridge for which ½ rᵀ A⁻¹ r is at most `most`."""
        x = self._solved(right)
        while 0.5 * float(right @ x) > most and self.ridge <= 1.0:
            # Along a column that A hardly sees, rounding is all that ends the step.
            self._factorise(max(RAISED * self.ridge, FIRST_RAISED))
            x = self._solved(right)
        return x

    def _solved(self, right: Matrix) -> Matrix:
        half = self.triangle.solve(right * self.equilibrate)
        return np.asarray(self.triangle.solve_transposed(half) * self.equilibrate)


def _cholesky_with_ridge(matrix: Matrix, ridge: float) -> tuple[Matrix, float]:
    """Cholesky factor of a matrix of unit diagonal, with the least ridge from `ridge` that allows it.

    Where none below 1 does, rounding has left nothing but the diagonal.
    """
    while ridge <= 1.0:
        try:
            matrix.flat[:: len(matrix) + 1] = 1.0 + ridge
            return np.asarray(np.linalg.cholesky(matrix)), ridge
        except np.linalg.LinAlgError:
            ridge *= 10.0
    return np.eye(len(matrix)), ridge
