"""Approximations P of the Hessian of F, each built from rows and applied as P⁻¹.

A build costs about as much as `passes` over the rows; the first comes anew after `first_renewal`
steps, and L-BFGS scales it by no less than `least_scale`.

The Hessian of the data term is (1 / Σ w) Σ_i w_i (diag(p_i) − p_i p_iᵀ) ⊗ x̃_i x̃_iᵀ.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .arrays import Apply, Floats, Matrix, Vector
from .cholesky import Cholesky
from .moments import (
    Blocks,
    class_covariances,
    class_variances,
    common_probabilities,
    dense_values,
    mean_moments,
    missed,
    n_sampled,
    sampled,
    second_moment,
    triangle_indices,
)
from .passes import balanced
from .rows import Block
from .spread import Spread
from .standardised import CACHE_BYTES, Standardised

# Columns and entries up to which K blocks are inverted and kept.
BLOCK_COLUMNS = 160
BLOCK_STATE = 2**22
# Where columns are collinear, class blocks save more passes than have been made.
BLOCKS_WORTH = 2.0
# With so many rows an entry of D x D, inverting the blocks costs less than a pass.
INVERSE_ROWS = 4
# Of so few classes the Hessian costs no more than their blocks, or the axes.
FEW_CLASSES = 3
# Columns up to which D x D is found and kept; passes that its axes save where they come first.
AXES_COLUMNS = 1536
AXES_PASSES = 25.0
# Free parameters up to which their square is kept, 18 MB, and multiplications of one Hessian.
FULL_PARAMETERS = 1500
FULL_WORK = 8e9
# Multiplications of a full Hessian in the time of a pass, for each of its entries.
WORK_OF_ENTRY = 12.5
LEAST_CURVATURE = 1e-14
# With more, a row's pairs of classes are many more than its columns in the Hessian.
CLASSES_PER_COLUMN = 8


class Full:
    """The exact Hessian, solved for K − 1 classes.

    Rows of W that sum to zero over classes are u_k − mean(u) with u_K = 0. In u the data
    term keeps its first K − 1 blocks, and the penalty is penalty_j (I − 11ᵀ/K).
    """

    first_renewal = 12
    least_scale = 1.0

    def __init__(self, rows: Standardised, penalty: Matrix) -> None:
        self.rows = rows
        self.passes = full_passes(rows)
        self.ridge = coupled(penalty, rows.n_classes)
        p = rows.mean_targets[:-1]
        # A column that a sample misses would have no curvature, and a step no end.
        self.ridge += missed(rows, np.float32)[:, None, None] * (np.diag(p) - np.outer(p, p))
        # Columns are of unit spread: along one of less curvature the gradient is rounding alone.
        self.ridge += coupled(np.full(rows.n_columns, LEAST_CURVATURE), rows.n_classes)

    def build(self, parameters: Matrix, dtype: type[np.floating[Any]]) -> Apply:
        return full_inverse(data_hessian(self.rows, parameters, dtype, sampled), self.ridge)


def data_hessian(
    rows: Standardised, parameters: Matrix, dtype: type[np.floating[Any]], blocks: Blocks
) -> NDArray[np.float64]:
    """Return the first K − 1 blocks of the data term's Hessian, (K − 1, D, K − 1, D)."""
    free, columns = len(parameters) - 1, parameters.shape[1]
    k, other = triangle_indices(free)
    moments = mean_moments(
        rows, parameters, dtype, lambda p: class_covariances(p[:free]), len(k), blocks=blocks
    )
    hessian = np.empty((free, columns, free, columns))
    hessian[k, :, other] = hessian[other, :, k] = moments
    return hessian


def coupled(penalty: Vector, n_classes: int) -> NDArray[np.float64]:
    """penalty_j (I − 11ᵀ/K) of the first K − 1 classes, (D, K − 1, K − 1)."""
    return penalty[:, None, None] * (np.eye(n_classes - 1) - 1 / n_classes)


def full_inverse(hessian: NDArray[np.float64], ridge: NDArray[np.float64]) -> Apply:
    """H⁻¹ of the first K − 1 classes, where a `ridge` (D, K − 1, K − 1) is added to H, in place."""
    free, columns = hessian.shape[:2]
    j = np.arange(columns)
    hessian[:, j, :, j] += ridge
    factor = Cholesky(hessian.reshape(free * columns, -1))

    def apply(gradient: Matrix) -> Matrix:
        step = np.zeros(gradient.shape)
        step[:-1] = factor.solve(gradient[:-1].ravel()).reshape(free, columns)
        return balanced(step)

    return apply


class ClassBlocks:
    """The K diagonal blocks of the Hessian, one D x D matrix per class.

    H_kk = (1 / Σ w) Σ_i w_i p_ik (1 − p_ik) x̃_i x̃_iᵀ + diag(penalty): the matrices of
    one-class-at-a-time reweighted least squares (Friedman, Hastie and Tibshirani, 2010,
    Journal of Statistical Software 33(1), section 4), here only a first matrix.
    """

    first_renewal = 8
    least_scale = 1.0

    def __init__(self, rows: Standardised, penalty: Matrix) -> None:
        self.rows, self.penalty = rows, penalty
        self.passes = blocks_passes(rows)

    def build(self, parameters: Matrix, dtype: type[np.floating[Any]]) -> Apply:
        columns, seen = self.rows.n_columns, n_sampled(self.rows.n_rows)
        blocks = mean_moments(self.rows, parameters, dtype, class_variances, len(parameters))
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
    """One curvature per class and principal axis of the rows, around each class's own mean.

    U diagonalises Σ w x̃ x̃ᵀ and the penalty together and is computed once; along each axis
    the curvature Σ_i w_i p_ik (1 − p_ik) (u_jᵀ (x̃_i − m_k))² is renewed at every build: the
    Kronecker-factored eigenbasis of George et al. (2018), arXiv 1806.03884.
    """

    first_renewal = 8
    least_scale = 1.0
    passes = 2.0

    def __init__(self, rows: Standardised, penalty: Matrix) -> None:
        self.rows, self.penalty = rows, penalty
        self.axes: Matrix | None = None
        self.eigenvalues = np.ones(0)
        self.squares: list[Floats] = []

    def _find_axes(self, dtype: type[np.floating[Any]]) -> Matrix:
        moment = second_moment(self.rows, dtype)
        floor = 1e-6 * np.maximum(np.diagonal(moment), 1e-6) / self.rows.n_classes
        root = np.sqrt(self.penalty + floor)
        self.eigenvalues, vectors = np.linalg.eigh(moment / root[:, None] / root)
        return np.asarray(vectors / root[:, None])

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
        axes = self.axes
        if self.squares and self.squares[0].dtype != dtype:
            self.squares = []
        spread = self._along(axes.astype(dtype, copy=False), parameters)
        curvature = spread.around(spread.means @ axes)
        curvature += self.penalty @ (axes * axes) + 1e-12

        def apply(gradient: Matrix) -> Matrix:
            # In float32, steps along axes of collinear columns would be noise.
            return np.asarray(((gradient @ axes) / curvature) @ axes.T)

        return spread.bordered(apply)

    def _along(self, axes: Floats, parameters: Matrix) -> Spread:
        common = common_probabilities(self.rows, parameters)
        if common is not None:
            return Spread.of_all(
                self.rows, class_variances(common) * np.maximum(self.eigenvalues, 0.0)
            )

        def squares(number: int, block: Block, variances: Floats) -> Floats:
            return variances @ self._squares(number, block, axes)

        return Spread.of_classes(self.rows, parameters, axes.dtype.type, squares)


class Diagonal:
    """The diagonal of the Hessian around each class's own mean, where D x D is too large.

    Where rows are rotated, the mean over their columns, which no rotation changes.
    """

    first_renewal = 8
    least_scale = 0.0
    passes = 1.5

    def __init__(self, rows: Standardised, penalty: Matrix) -> None:
        self.rows, self.penalty = rows, penalty

    def build(self, parameters: Matrix, dtype: type[np.floating[Any]]) -> Apply:
        spread = self._spread(parameters, dtype)
        curvature = spread.around(spread.means)
        if self.rows.rotated:
            features = curvature[:, : self.rows.n_features]
            features[:] = features.mean(axis=1, keepdims=True)
        curvature += self.penalty
        curvature += 1e-8 * curvature.max(axis=1, keepdims=True) * (self.penalty == 0) + 1e-300
        inverse = 1.0 / curvature
        return spread.bordered(lambda gradient: gradient * inverse)

    def _spread(self, parameters: Matrix, dtype: type[np.floating[Any]]) -> Spread:
        common = common_probabilities(self.rows, parameters)
        if common is None:
            return Spread.of_classes(
                self.rows, parameters, dtype, lambda _, block, c: block.rows.squares(c)
            )
        total, sums = 0.0, np.zeros(1)
        for block in sampled(self.rows, dtype):
            sums = sums + block.rows.squares(block.weights()[None])
            total += block.total()
        return Spread.of_all(self.rows, class_variances(common) * (sums / total))


Curvature = Full | ClassBlocks | PrincipalAxes | Diagonal


def full_work(rows: Standardised) -> float:
    """Multiplications in one full first matrix; infinite where it is out of reach."""
    return np.inf if rows.sparse else hessian_work(rows, n_sampled(rows.n_rows))


def hessian_work(rows: Standardised, n_rows: int) -> float:
    """Multiplications in a Hessian made of so many rows; infinite where it does not fit."""
    size = (rows.n_classes - 1) * rows.n_columns
    many = rows.n_classes > CLASSES_PER_COLUMN * rows.n_columns
    if size > FULL_PARAMETERS or many:
        return np.inf
    return float((n_rows + size) * size * size)


def full_passes(rows: Standardised) -> float:
    """About how many passes over the rows cost as much as the full Hessian."""
    entries = float(rows.n_rows) * rows.n_columns * rows.n_classes
    return float(full_work(rows) / (WORK_OF_ENTRY * entries))


def axes_passes(rows: Standardised) -> float:
    """About how many passes over the rows cost as much as finding their principal axes."""
    columns = rows.n_columns
    return float((columns**2 / rows.n_rows + 0.1 * columns) / rows.n_classes)


def blocks_passes(rows: Standardised) -> float:
    """About how many passes over the rows cost as much as the blocks of all classes."""
    columns = rows.n_columns
    return float(0.25 * columns * (1.0 + 10.0 * columns / rows.n_rows))


def choose(rows: Standardised, penalty: Matrix, passes: int = 0) -> Curvature:
    """Return the richest curvature that is worth its cost after so many `passes`."""
    columns, classes = rows.n_columns, rows.n_classes
    if rows.sparse or columns > AXES_COLUMNS or rows.rotated:
        return Diagonal(rows, penalty)
    whole = classes <= FEW_CLASSES and full_work(rows) <= FULL_WORK
    if columns <= BLOCK_COLUMNS and classes * columns**2 <= BLOCK_STATE:
        # Without weights the blocks are multiples of one moment, and only inverting them costs.
        cheap = not passes and INVERSE_ROWS * columns**2 <= rows.n_rows
        if cheap or blocks_passes(rows) <= BLOCKS_WORTH * passes:
            return Full(rows, penalty) if whole else ClassBlocks(rows, penalty)
    if axes_passes(rows) <= max(AXES_PASSES, passes):
        return Full(rows, penalty) if whole else PrincipalAxes(rows, penalty)
    return Diagonal(rows, penalty)
