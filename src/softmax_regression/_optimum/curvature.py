"""Approximations P of the Hessian of F, each built from rows and applied as P⁻¹.

A build costs about as much as `cost` passes over the rows; the first comes anew after `first_renewal`
steps, and L-BFGS scales it by no less than `least_scale`.

The Hessian of the data term is (1 / Σ w) Σ_i w_i (diag(p_i) − p_i p_iᵀ) ⊗ x̃_i x̃_iᵀ.
"""

from functools import lru_cache

import numpy as np

from .._likelihood.curvature import column_squares
from .._likelihood.information import class_covariances, class_variances, triangle_indices
from .._likelihood.value import balanced
from .._likelihood.working import Likelihood
from .._objective import Objective
from .._types import Apply, Floats, Index, Matrix, Precision, Vector
from .cholesky import Cholesky
from .moments import (
    common_probabilities,
    mean_moments,
    mean_second_moment,
    missed,
    n_sampled,
    share,
)
from .spread import Spread

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
# With more, a row's pairs of classes are many more than its columns in the Hessian, unless its free
# parameters are few.
CLASSES_PER_COLUMN = 8
FEW = 128


class Full:
    """The exact Hessian, solved for K − 1 classes.

    Rows of W that sum to zero over classes are u_k − mean(u) with u_K = 0. In u the data
    term keeps its first K − 1 blocks, and the penalty is penalty_j (I − 11ᵀ/K).
    """

    first_renewal = 12
    least_scale = 1.0

    def __init__(self, objective: Objective) -> None:
        likelihood = self.likelihood = objective.likelihood
        self.cost = full_cost(likelihood)
        # Columns are of unit spread: along one of less curvature the gradient is rounding alone.
        self.ridge = coupled(objective.l2 + LEAST_CURVATURE, likelihood.n_classes)
        missing = missed(likelihood)
        if missing.any():
            # A column that a sample misses would have no curvature, and a step no end.
            p = likelihood.survey.targets[:-1]
            self.ridge += missing[:, None, None] * (np.diag(p) - np.outer(p, p))

    def build(self, theta: Matrix, dtype: Precision) -> Apply:
        part = share(self.likelihood.n_rows)
        return full_inverse(data_hessian(self.likelihood, theta, dtype, part), self.ridge)


def data_hessian(
    likelihood: Likelihood,
    theta: Matrix,
    dtype: Precision,
    part: int,
    order: Index | None = None,
) -> Matrix:
    """Return the data term's Hessian for K − 1 classes, (K − 1, D, K − 1, D), of one in `part` rows.

    The classes are taken in the given `order`.
    """
    given = theta if order is None else theta[order]
    moments = mean_moments(likelihood, given, dtype, class_covariances, part)
    return paired(moments, len(theta) - 1)


def paired(moments: Matrix, free: int) -> Matrix:
    """Return the Hessian (free, D, free, D) whose blocks of classes k ≤ l are the `moments`."""
    columns = moments.shape[-1]
    k, other = triangle_indices(free)
    hessian = np.empty((free, columns, free, columns))
    hessian[k, :, other] = moments
    hessian[other, :, k] = hessian[k, :, other]
    return hessian


def coupled(penalty: Vector, n_classes: int) -> Matrix:
    """penalty_j (I − 11ᵀ/K) of the first K − 1 classes, (D, K − 1, K − 1)."""
    return np.multiply.outer(penalty, _balancing(n_classes))


@lru_cache(maxsize=8)
def _balancing(n_classes: int) -> Matrix:
    """I − 11ᵀ/K of the first K − 1 classes."""
    return np.eye(n_classes - 1) - 1 / n_classes


def full_inverse(hessian: Matrix, ridge: Matrix) -> Apply:
    """H⁻¹ of the first K − 1 classes, where a `ridge` (D, K − 1, K − 1) is added to H, in place."""
    free, columns = hessian.shape[:2]
    diagonals = np.einsum("kjlj->jkl", hessian)
    diagonals += ridge
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

    def __init__(self, objective: Objective) -> None:
        self.likelihood, self.penalty = objective.likelihood, objective.l2
        self.cost = blocks_cost(objective.likelihood)

    def build(self, theta: Matrix, dtype: Precision) -> Apply:
        columns, seen = self.likelihood.n_columns, n_sampled(self.likelihood.n_rows)
        blocks = mean_moments(
            self.likelihood, theta, dtype, class_variances, share(self.likelihood.n_rows)
        )
        diagonal = np.arange(columns)
        mean = np.trace(blocks, axis1=1, axis2=2) / columns
        # Columns are of unit spread: the ridge stands for rare columns a sample may miss.
        ridge = 1e-10 if seen == self.likelihood.n_rows else 0.1 * columns / seen
        blocks[:, diagonal, diagonal] += ridge * mean[:, None] + self.penalty + 1e-300
        inverses = _inverses(blocks)
        return lambda gradient: balanced(np.matmul(inverses, gradient[:, :, None])[:, :, 0])


def _inverses(matrices: Matrix) -> Matrix:
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
    cost = 2.0

    def __init__(self, objective: Objective) -> None:
        self.likelihood, self.penalty = objective.likelihood, objective.l2
        self.axes: Matrix | None = None
        self.eigenvalues = np.ones(0)
        self.working: Floats = np.ones(0)  # the axes in the precision of the passes

    def _find_axes(self, dtype: Precision) -> Matrix:
        moment = mean_second_moment(self.likelihood, dtype, share(self.likelihood.n_rows))
        floor = 1e-6 * np.maximum(np.diagonal(moment), 1e-6) / self.likelihood.n_classes
        root = np.sqrt(self.penalty + floor)
        self.eigenvalues, vectors = np.linalg.eigh(moment / root[:, None] / root)
        return np.asarray(vectors / root[:, None])

    def build(self, theta: Matrix, dtype: Precision) -> Apply:
        if self.axes is None:
            self.axes = self._find_axes(dtype)
        axes = self.axes
        if self.working.dtype != dtype or self.working.shape != axes.shape:
            self.working = axes.astype(dtype)
        spread = self._along(theta, dtype)
        curvature = spread.around(spread.means @ axes)
        curvature += self.penalty @ (axes * axes) + 1e-12

        def apply(gradient: Matrix) -> Matrix:
            # In float32, steps along axes of collinear columns would be noise.
            return np.asarray(((gradient @ axes) / curvature) @ axes.T)

        return spread.bordered(apply)

    def _along(self, theta: Matrix, dtype: Precision) -> Spread:
        common = common_probabilities(self.likelihood, theta)
        if common is not None:
            return Spread.of_all(
                self.likelihood, class_variances(common) * np.maximum(self.eigenvalues, 0.0)
            )
        return Spread.of_classes(self.likelihood, theta, dtype, self.working)


class Diagonal:
    """The diagonal of the Hessian around each class's own mean, where D x D is too large.

    Where rows are rotated, the mean over their columns, which no rotation changes.
    """

    first_renewal = 8
    least_scale = 0.0
    cost = 1.5

    def __init__(self, objective: Objective) -> None:
        self.likelihood, self.penalty = objective.likelihood, objective.l2

    def build(self, theta: Matrix, dtype: Precision) -> Apply:
        spread = self._spread(theta, dtype)
        curvature = spread.around(spread.means)
        if self.likelihood.coordinates.rotated:
            features = curvature[:, : self.likelihood.n_features]
            features[:] = features.mean(axis=1, keepdims=True)
        curvature += self.penalty
        curvature += 1e-8 * curvature.max(axis=1, keepdims=True) * (self.penalty == 0) + 1e-300
        inverse = 1.0 / curvature
        return spread.bordered(lambda gradient: gradient * inverse)

    def _spread(self, theta: Matrix, dtype: Precision) -> Spread:
        common = common_probabilities(self.likelihood, theta)
        if common is None:
            return Spread.of_classes(self.likelihood, theta, dtype)
        part = share(self.likelihood.n_rows)
        total, squares = self.likelihood.sums(column_squares, part, dtype=dtype)
        return Spread.of_all(self.likelihood, class_variances(common) * (squares / total))


Curvature = Full | ClassBlocks | PrincipalAxes | Diagonal


def full_work(likelihood: Likelihood) -> float:
    """Multiplications in one full first matrix; infinite where it is out of reach."""
    if likelihood.sparse:
        return np.inf
    return hessian_work(likelihood, n_sampled(likelihood.n_rows))


def hessian_work(likelihood: Likelihood, n_rows: int) -> float:
    """Multiplications in a Hessian made of so many rows; infinite where it does not fit."""
    size = (likelihood.n_classes - 1) * likelihood.n_columns
    many = size > FEW and likelihood.n_classes > CLASSES_PER_COLUMN * likelihood.n_columns
    if size > FULL_PARAMETERS or many:
        return np.inf
    return float((n_rows + size) * size * size)


def full_cost(likelihood: Likelihood) -> float:
    """About how many passes over the rows cost as much as the full Hessian."""
    entries = float(likelihood.n_rows) * likelihood.n_columns * likelihood.n_classes
    return float(full_work(likelihood) / (WORK_OF_ENTRY * entries))


def axes_cost(likelihood: Likelihood) -> float:
    """About how many passes over the rows cost as much as finding their principal axes."""
    columns = likelihood.n_columns
    return float((columns**2 / likelihood.n_rows + 0.1 * columns) / likelihood.n_classes)


def blocks_cost(likelihood: Likelihood) -> float:
    """About how many passes over the rows cost as much as the blocks of all classes."""
    columns = likelihood.n_columns
    return float(0.25 * columns * (1.0 + 10.0 * columns / likelihood.n_rows))


def choose(objective: Objective, passes: int = 0) -> Curvature:
    """Return the richest curvature that is worth its cost after so many `passes`."""
    likelihood = objective.likelihood
    columns, classes = likelihood.n_columns, likelihood.n_classes
    if likelihood.sparse or columns > AXES_COLUMNS or likelihood.coordinates.rotated:
        return Diagonal(objective)
    whole = classes <= FEW_CLASSES and full_work(likelihood) <= FULL_WORK
    if columns <= BLOCK_COLUMNS and classes * columns**2 <= BLOCK_STATE:
        # Without weights the blocks are multiples of one moment, and only inverting them costs.
        cheap = not passes and INVERSE_ROWS * columns**2 <= likelihood.n_rows
        if cheap or blocks_cost(likelihood) <= BLOCKS_WORTH * passes:
            return Full(objective) if whole else ClassBlocks(objective)
    if axes_cost(likelihood) <= max(AXES_PASSES, passes):
        return Full(objective) if whole else PrincipalAxes(objective)
    return Diagonal(objective)
