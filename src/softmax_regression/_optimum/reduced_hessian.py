"""The Hessian of F's smooth part on the free coefficients, in two forms.

    H = (1 / Σ w) Σ_i w_i (diag(p_i) − p_i p_iᵀ) ⊗ x̃_i x̃_iᵀ + diag(penalty)

Few free coefficients of dense rows: the matrix, corrected between builds by the BFGS formula.
Otherwise: products with it by passes over the rows, and conjugate gradients.
"""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np

from .arrays import Floats, Index, Matrix, Vector
from .cholesky import Cholesky
from .conjugate_gradients import conjugate_gradients
from .moments import dense_values
from .passes import probabilities
from .rows import Block, DenseRows
from .standardised import CACHE_BYTES, Standardised

RIDGE = 1e-12  # relative; keeps H invertible where duplicate columns make it singular
SINGLE_RIDGE = 1e-6  # above the rounding of float32
MATRIX_WORK = 2e8
ROWS_PER_COEFFICIENT = 20
CHUNK_ENTRIES = 2**20
CONJUGATE_GRADIENTS = 20
SOLVED = 0.1  # of the residual may be left


class HessianMatrix:
    """H as a matrix on the free coefficients (flat places in (K, D)).

    `exact`: from all rows in float64. Otherwise from a sample where rows are many, in float32.
    """

    def __init__(
        self, rows: Standardised, penalty: Vector, parameters: Matrix, free: Index, exact: bool
    ) -> None:
        self.free, self.exact = free, exact
        self.classes, self.columns = np.divmod(free, rows.n_columns)
        matrix = self._build(rows, parameters)
        matrix.flat[:: len(free) + 1] *= 1.0 + (RIDGE if exact else SINGLE_RIDGE)
        matrix.flat[:: len(free) + 1] += penalty[self.columns] + 1e-300
        self.matrix = matrix
        self.diagonal = matrix.diagonal().copy()
        self.rounds = 40
        self.proximal_steps = min(10 + len(free) // 10, 40)
        self.bound = 1.0

    def _build(self, rows: Standardised, parameters: Matrix) -> Matrix:
        """Return the sums over a sample of the rows, divided by its weight."""
        size = len(self.free)
        wanted = max(ROWS_PER_COEFFICIENT * size, int(MATRIX_WORK) // max(1, size**2))
        share = 1.0 if self.exact else wanted / rows.n_rows
        generator = np.random.default_rng(0)
        matrix, total = np.zeros((size, size)), 0.0
        for block in rows.blocks(np.float64):
            sample = _sample(block.rows.n_rows, share, generator)
            chunk = max(1, CHUNK_ENTRIES // max(1, size))
            for first in range(0, len(sample), chunk):
                total += self._add(block, sample[first : first + chunk], parameters, matrix)
        matrix /= max(total, 1e-300)
        return matrix

    def _add(self, block: Block, sample: Index, parameters: Matrix, matrix: Matrix) -> float:
        """Add the sums over some rows of a block to the matrix; return their weight."""
        values = dense_values(block)[sample]
        p = probabilities(Block(DenseRows(values), block.targets, None), parameters)
        root = np.sqrt(p)
        total = float(len(sample))
        if block.weight is not None:
            weight = block.weight[sample]
            total = float(weight.sum())
            p *= np.sqrt(weight)
            root *= np.sqrt(weight)
        dtype: type[np.floating[Any]] = np.float64 if self.exact else np.float32
        columns = values[:, self.columns].astype(dtype, copy=False)
        mixed = columns * p.astype(dtype, copy=False)[self.classes].T
        matrix -= mixed.T @ mixed
        columns *= root.astype(dtype, copy=False)[self.classes].T
        for first, last in pairwise(np.searchsorted(self.classes, np.arange(len(p) + 1))):
            own = columns[:, first:last]
            matrix[first:last, first:last] += own.T @ own
        return total

    def product(self, direction: Vector) -> Vector:
        """H v."""
        return np.asarray(self.matrix @ direction)

    def solve(self, support: Index, right: Vector) -> Vector:
        """Solve H x = right on the coordinates of the support."""
        matrix = self.matrix[np.ix_(support, support)]
        matrix.flat[:: len(support) + 1] += RIDGE * self.diagonal[support]
        return Cholesky(matrix).solve(right)

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


def _sample(n_rows: int, share: float, generator: "np.random.Generator") -> Index:
    """Return that share of the row indices, drawn at random: every k-th might meet a pattern."""
    rows = np.arange(n_rows)
    if share >= 1.0:
        return rows
    return np.sort(generator.choice(rows, max(1, int(share * n_rows)), replace=False))


class HessianProducts:
    """H by passes over the rows, at fixed parameters."""

    def __init__(
        self, rows: Standardised, penalty: Vector, parameters: Matrix, free: Index
    ) -> None:
        self.rows, self.parameters, self.free = rows, parameters, free
        self.shape = parameters.shape
        self.penalty = np.broadcast_to(penalty, self.shape).ravel()[free]
        fits = 8 * rows.n_rows * rows.n_classes <= CACHE_BYTES
        self.kept = list(self._probabilities()) if fits else None
        self.diagonal = self._diagonal()
        self.rounds, self.proximal_steps = 4, 4
        self.bound = 1.0

    def _probabilities(self) -> Iterator[tuple[Block, Floats]]:
        for block in self.rows.blocks(np.float64):
            yield block, probabilities(block, self.parameters)

    def _blocks(self) -> Iterator[tuple[Block, Floats]]:
        yield from self._probabilities() if self.kept is None else self.kept

    def _diagonal(self) -> Vector:
        diagonal = np.zeros(self.shape)
        for block, p in self._blocks():
            weight = p * (1.0 - p)
            if block.weight is not None:
                weight *= block.weight
            diagonal += block.rows.squares(weight)
        diagonal /= self.rows.total
        return np.asarray(diagonal.ravel()[self.free] + self.penalty + 1e-300)

    def product(self, direction: Vector) -> Vector:
        """H v."""
        whole = np.zeros(self.shape)
        whole.ravel()[self.free] = direction
        sums = np.zeros(self.shape)
        for block, p in self._blocks():
            change = block.rows.logits(whole)
            change -= np.einsum("kb,kb->b", p, change)
            change *= p
            if block.weight is not None:
                change *= block.weight
            sums += block.rows.gradient(change)
        sums /= self.rows.total
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
