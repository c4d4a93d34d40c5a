"""Approximations P of the Hessian of F, each built from rows and applied as P⁻¹.

The Hessian of the data term is (1 / Σ w) Σ_i w_i (diag(p_i) − p_i p_iᵀ) ⊗ x̃_i x̃_iᵀ.
"""

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .passes import balanced, flushed, probabilities
from .standardised import CACHE_BYTES, Block, DenseRows, Floats, Standardised

Matrix = NDArray[np.float64]
Apply = Callable[[Matrix], Matrix]

BLOCK_COLUMNS = 160
BLOCK_STATE = 2**22
AXES_COLUMNS = 1536
SAMPLED_ROWS = 50_000
FULL_PARAMETERS = 1500
FULL_WORK = 8e9


def _sample(rows: Standardised, dtype: type[np.floating[Any]]) -> Iterator[Block]:
    """All blocks, or an even eighth of them where rows are many."""
    step = 1 if rows.n_rows <= SAMPLED_ROWS else 8
    return islice(rows.blocks(dtype), 0, None, step)


def _weight_sum(block: Block) -> float:
    if block.weight is None:
        return float(block.rows.n_rows)
    return float(block.weight.sum(dtype=np.float64))


def dense_values(block: Block) -> Floats:
    """Return the rows (b, D) of a dense block."""
    if not isinstance(block.rows, DenseRows):
        message = "this curvature needs dense rows"
        raise TypeError(message)
    return block.rows.values


class Cholesky:
    """A = L Lᵀ with both triangular solves by blocks.

    NumPy has no triangular solve; inverting the small diagonal blocks of L turns one into
    matrix products (Golub and Van Loan, Matrix Computations, 4th ed., section 3.1).
    """

    WIDTH = 64

    def __init__(self, matrix: Matrix) -> None:
        self.equilibrate = 1 / np.sqrt(np.maximum(np.diagonal(matrix), 1e-300))
        scaled = matrix * self.equilibrate[:, None] * self.equilibrate
        self.lower = _cholesky_with_ridge(scaled)
        size = len(matrix)
        self.parts = [slice(i, min(i + self.WIDTH, size)) for i in range(0, size, self.WIDTH)]
        self.inverses = [np.linalg.inv(self.lower[part, part]) for part in self.parts]

    def solve(self, right: Matrix) -> Matrix:
        """A⁻¹ r for one vector r."""
        x = right * self.equilibrate
        for part, inverse in zip(self.parts, self.inverses, strict=True):
            if part.start:
                x[part] -= self.lower[part, : part.start] @ x[: part.start]
            x[part] = inverse @ x[part]
        for part, inverse in zip(reversed(self.parts), reversed(self.inverses), strict=True):
            if part.stop < len(x):
                x[part] -= self.lower[part.stop :, part].T @ x[part.stop :]
            x[part] = inverse.T @ x[part]
        return np.asarray(x * self.equilibrate)


def _cholesky_with_ridge(matrix: Matrix) -> Matrix:
    """Cholesky factor of a matrix with unit diagonal, with the least ridge that allows it."""
    ridge = 1e-15 * len(matrix)
    while True:
        try:
            matrix.flat[:: len(matrix) + 1] = 1.0 + ridge
            return np.asarray(np.linalg.cholesky(matrix))
        except np.linalg.LinAlgError:
            ridge *= 10.0
            if ridge > 1.0 or not np.isfinite(matrix).all():
                raise


class Full:
    """The exact Hessian, solved for K − 1 classes.

    Rows of W that sum to zero over classes are u_k − mean(u) with u_K = 0. In u the data
    term keeps its first K − 1 blocks, and the penalty is penalty_j (I − 11ᵀ/K). Off its diagonal
    the data term is one symmetric product of the columns √w_i p_ik x̃_ij.
    """

    first_renewal = 12

    def __init__(self, rows: Standardised, penalty: Matrix) -> None:
        self.rows = rows
        free = rows.n_classes - 1
        coupling = np.eye(free) - 1 / rows.n_classes
        self.ridge = penalty[:, None, None] * coupling

    def build(self, parameters: Matrix, dtype: type[np.floating[Any]]) -> Apply:
        free, columns = len(parameters) - 1, parameters.shape[1]
        size = free * columns
        products = np.zeros((size, size))
        own = np.zeros((free, columns, columns))
        total = 0.0
        for block in _sample(self.rows, dtype):
            p = flushed(probabilities(block, parameters)[:free])
            own += _class_moments(block, p * (1 - p))
            if free > 1:
                scaled = p if block.weight is None else p * np.sqrt(block.weight)
                by_class = _class_columns(block, scaled)
                products += by_class @ by_class.T
            total += _weight_sum(block)
        hessian = products.reshape(free, columns, free, columns)
        products /= -total
        own /= total
        k, j = np.arange(free), np.arange(columns)
        hessian[k, :, k] = own
        hessian[:, j, :, j] += self.ridge
        factor = Cholesky(products)

        def apply(gradient: Matrix) -> Matrix:
            step = np.zeros_like(gradient)
            step[:-1] = factor.solve(gradient[:-1].ravel()).reshape(free, columns)
            return balanced(step)

        return apply


def _class_columns(block: Block, weights: Floats) -> Floats:
    """All products weights_ki x̃_ij, (K, b) -> (K D, b)."""
    values = dense_values(block)
    products = weights[:, None, :] * np.ascontiguousarray(values.T)
    return products.reshape(-1, len(values))


def _class_moments(block: Block, weights: Floats) -> Floats:
    """Σ_i w_i weights_ki x̃_i x̃_iᵀ for every class, (K, b) -> (K, D, D)."""
    values = dense_values(block)
    if block.weight is not None:
        weights = weights * block.weight
    moments = _class_columns(block, weights) @ values
    return moments.reshape(len(weights), values.shape[1], -1)


class ClassBlocks:
    """The K diagonal blocks of the Hessian, one D x D matrix per class.

    H_kk = (1 / Σ w) Σ_i w_i p_ik (1 − p_ik) x̃_i x̃_iᵀ + diag(penalty): the matrices of
    one-class-at-a-time reweighted least squares (Friedman, Hastie and Tibshirani, 2010,
    Journal of Statistical Software 33(1), section 4), here only a first matrix.
    """

    first_renewal = 4

    def __init__(self, rows: Standardised, penalty: Matrix) -> None:
        self.rows, self.penalty = rows, penalty

    def build(self, parameters: Matrix, dtype: type[np.floating[Any]]) -> Apply:
        columns = self.rows.n_columns
        blocks = np.zeros((self.rows.n_classes, columns, columns))
        total, seen = 0.0, 0
        for block in _sample(self.rows, dtype):
            p = flushed(probabilities(block, parameters))
            blocks += _class_moments(block, p * (1 - p))
            total += _weight_sum(block)
            seen += block.rows.n_rows
        blocks /= total
        diagonal = np.arange(columns)
        mean = np.trace(blocks, axis1=1, axis2=2) / columns
        # Columns are of unit spread: the ridge stands for rare columns a sample may miss.
        ridge = 1e-10 if seen == self.rows.n_rows else 0.1 * columns / seen
        blocks[:, diagonal, diagonal] += ridge * mean[:, None] + self.penalty + 1e-300
        inverses = _inverses(blocks)
        return lambda gradient: balanced(np.matmul(inverses, gradient[:, :, None])[:, :, 0])


def _inverses(matrices: NDArray[np.float64]) -> NDArray[np.float64]:
    """Inverses of positive definite matrices (K, D, D), equilibrated first."""
    root = 1 / np.sqrt(np.diagonal(matrices, axis1=1, axis2=2))
    scaled = matrices * root[:, :, None] * root[:, None, :]
    inverse = np.linalg.inv(scaled)
    inverse *= root[:, :, None]
    inverse *= root[:, None, :]
    return np.asarray(inverse)


class PrincipalAxes:
    """One curvature per class and principal axis of the rows.

    U diagonalises Σ w x̃ x̃ᵀ and the penalty together and is computed once; along each axis
    the curvature Σ_i w_i p_ik (1 − p_ik) (x̃_iᵀ u_j)² is renewed at every build: the
    Kronecker-factored eigenbasis of George et al. (2018), arXiv 1806.03884.
    """

    first_renewal = 8

    def __init__(self, rows: Standardised, penalty: Matrix) -> None:
        self.rows, self.penalty = rows, penalty
        self.axes: Floats | None = None
        self.squares: list[Floats] = []

    def _find_axes(self, dtype: type[np.floating[Any]]) -> Floats:
        columns = self.rows.n_columns
        moment = np.zeros((columns, columns))
        total = 0.0
        for block in _sample(self.rows, dtype):
            values = dense_values(block)
            if block.weight is not None:
                values = values * np.sqrt(block.weight)[:, None]
            moment += values.T @ values
            total += _weight_sum(block)
        moment /= total
        floor = 1e-6 * np.maximum(np.diagonal(moment), 1e-6) / self.rows.n_classes
        root = np.sqrt(self.penalty + floor)
        scaled = (moment / root[:, None] / root).astype(dtype)
        _, vectors = np.linalg.eigh(scaled)
        return np.asarray(vectors / root[:, None].astype(dtype))

    def _squares(self, number: int, block: Block, axes: Floats) -> Floats:
        """(x̃_iᵀ u_j)² of one block; kept for the next build while all fit the cache."""
        if number < len(self.squares):
            return self.squares[number]
        along = dense_values(block) @ axes
        np.square(along, out=along)
        if self.rows.n_rows * along[0].nbytes <= CACHE_BYTES:
            self.squares.append(along)
        return along

    def build(self, parameters: Matrix, dtype: type[np.floating[Any]]) -> Apply:
        if self.axes is None:
            self.axes = self._find_axes(dtype)
        axes = self.axes.astype(dtype, copy=False)
        curvature = np.zeros_like(parameters)
        total = 0.0
        for number, block in enumerate(_sample(self.rows, dtype)):
            p = probabilities(block, parameters)
            p *= 1 - p
            if block.weight is not None:
                p *= block.weight
            curvature += p @ self._squares(number, block, axes)
            total += _weight_sum(block)
        curvature /= total
        curvature += self.penalty @ (axes * axes) + 1e-12

        def apply(gradient: Matrix) -> Matrix:
            along = gradient.astype(dtype) @ axes
            along /= curvature
            return balanced((along @ axes.T).astype(np.float64))

        return apply


class Diagonal:
    """The diagonal of the Hessian: for sparse rows, and where D x D is too large."""

    first_renewal = 8

    def __init__(self, rows: Standardised, penalty: Matrix) -> None:
        self.rows, self.penalty = rows, penalty

    def build(self, parameters: Matrix, dtype: type[np.floating[Any]]) -> Apply:
        curvature = np.zeros_like(parameters)
        total = 0.0
        for block in _sample(self.rows, dtype):
            p = probabilities(block, parameters)
            p *= 1 - p
            if block.weight is not None:
                p *= block.weight
            curvature += block.rows.squares(p)
            total += _weight_sum(block)
        curvature /= total
        curvature += self.penalty
        curvature += 1e-8 * curvature.max(axis=1, keepdims=True) * (self.penalty == 0) + 1e-300
        return lambda gradient: balanced(gradient / curvature)


Curvature = Full | ClassBlocks | PrincipalAxes | Diagonal


def full_work(rows: Standardised) -> float:
    """Multiplications in one full Hessian; infinite where it is out of reach."""
    size = (rows.n_classes - 1) * rows.n_columns
    if rows.sparse or size > FULL_PARAMETERS:
        return np.inf
    used = rows.n_rows if rows.n_rows <= SAMPLED_ROWS else rows.n_rows / 8
    return float((used + size) * size * size)


def choose(rows: Standardised, penalty: Matrix, principal: bool) -> Curvature:
    """Return the richest curvature whose state and build stay small beside the passes.

    `principal` tells that the columns are the principal axes already.
    """
    columns, classes = rows.n_columns, rows.n_classes
    if rows.sparse or columns > AXES_COLUMNS or principal:
        return Diagonal(rows, penalty)
    if columns > BLOCK_COLUMNS or classes * columns**2 > BLOCK_STATE:
        return PrincipalAxes(rows, penalty)
    return ClassBlocks(rows, penalty)
