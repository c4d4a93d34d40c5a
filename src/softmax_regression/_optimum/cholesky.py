"""Solving with triangles and positive definite matrices, in NumPy alone."""

from functools import cached_property

import numpy as np

from .._types import Matrix, Vector

# Rows up to which LAPACK's other factor costs less than the inverses of one block.
SMALL = 128
# Rows of a triangle from which on its inverse is found by halves.
WHOLE = 64


class Triangle:
    """A lower triangle L with both solves by blocks, for one vector or for columns.

    NumPy has no triangular solve; inverting the small diagonal blocks of L turns one into
    matrix products (Golub and Van Loan, Matrix Computations, 4th ed., section 3.1).
    """

    WIDTH = 48

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
        self.equilibrate = 1 / np.sqrt(np.maximum(matrix.diagonal(), 1e-300))
        self.scaled = matrix * self.equilibrate[:, None]
        self.scaled *= self.equilibrate
        self.lower = _cholesky_with_ridge(self.scaled, 1e-15 * len(matrix))
        self.solved = 0

    @cached_property
    def triangle(self) -> Triangle:
        """L, with what its solves need."""
        return Triangle(self.lower)

    def solve(self, right: Matrix) -> Matrix:
        """A⁻¹ r for one vector r."""
        self.solved += 1
        scaled = right * self.equilibrate
        # Newton's steps ask once: inverses that serve many solves would cost more than another factor.
        if self.solved == 1 and len(scaled) <= SMALL:
            return np.asarray(np.linalg.solve(self.scaled, scaled) * self.equilibrate)
        half = self.triangle.solve(scaled)
        return np.asarray(self.triangle.solve_transposed(half) * self.equilibrate)


def inverse(matrix: Matrix, ridge: float) -> Matrix:
    """Return (A + ridge)⁻¹ of a positive semidefinite A with unit diagonal, which is overwritten.

    It is L⁻ᵀ L⁻¹, half the arithmetic of a general inverse; of the least ridge that allows it, if
    this one does not.
    """
    lower = inverse_of_triangle(_cholesky_with_ridge(matrix, ridge))
    return np.asarray(lower.T @ lower)


def inverse_of_triangle(lower: Matrix) -> Matrix:
    """L⁻¹ by halves: [[A, 0], [B, C]]⁻¹ = [[A⁻¹, 0], [−C⁻¹ B A⁻¹, C⁻¹]]."""
    size = len(lower)
    if size <= WHOLE:
        return np.asarray(np.tril(np.linalg.inv(lower)))
    half = size // 2
    inverse = np.zeros_like(lower)
    first = inverse[:half, :half] = inverse_of_triangle(lower[:half, :half])
    last = inverse[half:, half:] = inverse_of_triangle(lower[half:, half:])
    inverse[half:, :half] = -last @ (lower[half:, :half] @ first)
    return inverse


def solved_once(matrix: Matrix, right: Vector) -> Vector:
    """A⁻¹ r for one vector r, after which no factor is kept."""
    if len(right) <= SMALL:
        try:
            return np.asarray(np.linalg.solve(matrix, right))
        except np.linalg.LinAlgError:
            pass
    return Cholesky(matrix).solve(right)


def _cholesky_with_ridge(matrix: Matrix, ridge: float) -> Matrix:
    """Cholesky factor of a matrix with unit diagonal, with this ridge or the least that allows it.

    The matrix is overwritten.

    Where none below 1 does, rounding has left nothing but the diagonal.
    """
    while ridge <= 1.0:
        try:
            matrix.flat[:: len(matrix) + 1] = 1.0 + ridge
            return np.asarray(np.linalg.cholesky(matrix))
        except np.linalg.LinAlgError:
            ridge *= 10.0
    matrix[:] = np.eye(len(matrix))
    return matrix
