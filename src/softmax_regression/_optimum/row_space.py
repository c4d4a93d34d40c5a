"""More columns than rows: the same problem in as many coordinates as there are rows.

The gradient's rows lie in the row space of the centred X, and so does the optimum (for
l2 > 0 any other part of W only adds to the penalty). With X_c X_cᵀ = L Lᵀ, the rows of L
have the same inner products as those of X_c, and W = V L⁻¹ X_c has ‖W‖ = ‖V‖. Where every
column has a penalty of its own, all this holds of x_j / s_j and s_j W_j with s_j = √l2_j.
"""

import math

import numpy as np

from .._exceptions import DivergenceError
from .._likelihood.block import Block
from .._likelihood.coordinates import Coordinates
from .._parameters import Parameters
from .._types import Matrix, Vector
from .cholesky import Triangle

ROWS_AT_MOST = 2048
ROWS_AT_ONCE = 64
# L is right to roundings of the rows' lengths; its inverse may make them this much larger.
WORST_CONDITION = 1e7
# The power method with s steps finds an eigenvalue of n within a factor n^(1 / (2 s + 1)).
POWER_STEPS = 5


class RowSpace:
    """Coordinates (n, r) of the rows, and the maps of the parameters.

    The columns of the rows are divided by `scale`, where there is one. Only where the coordinates
    are `exact` is there a way back, and a proof in them one in the original's.
    """

    @staticmethod
    def pays(shape: tuple[int, int]) -> bool:
        """Whether the rotation costs less than it saves."""
        n_rows, n_features = shape
        return 1 < n_rows <= ROWS_AT_MOST and n_features >= 2 * n_rows

    def __init__(self, block: Block, centred: bool, scale: Vector | None = None) -> None:
        X, sample_weight = block.X, block.weight
        self.X, self.centred, self.scale = X, centred, scale
        # The rounding of a mean far from zero is a second centre.
        self.centre = self.rest = np.zeros(X.shape[1])
        rows = X.astype(np.float64, copy=False)
        if centred:
            self.centre = np.average(rows, axis=0, weights=sample_weight)
            rows = rows - self.centre
            self.rest = np.average(rows, axis=0, weights=sample_weight)
            rows -= self.rest
        if scale is not None:
            rows = rows / scale
        products = rows @ rows.T
        if not np.isfinite(products).all():
            raise DivergenceError(1, math.nan, None)
        weight = np.ones(len(rows)) if sample_weight is None else sample_weight
        squares = np.einsum(
            "ij,ij->j", rows, rows if sample_weight is None else weight[:, None] * rows
        )
        self.deviation: Vector = self._scaled(np.sqrt(squares / weight.sum()))
        heaviest = int(np.argmax(weight))
        # Centred rows sum to zero, so that one follows from the others.
        self.basis = np.delete(np.arange(len(rows)), [heaviest] if centred else [])
        self.exact = self._factorise(products[np.ix_(self.basis, self.basis)])
        if self.exact:
            self.coordinates = np.zeros((len(rows), len(self.basis)))
            self.coordinates[self.basis] = self.triangle.lower
            if centred:
                self.coordinates[heaviest] = -weight @ self.coordinates / weight[heaviest]

    @property
    def inner(self) -> Coordinates:
        """The solver's coordinates here: no axis is special, so that there is one scale for all."""
        width = self.coordinates.shape[1]
        length = float(np.linalg.norm(self.coordinates)) / math.sqrt(self.coordinates.size)
        return Coordinates(np.zeros(width), np.full(width, length), self.centred, rotated=True)

    def _centred(self, part: slice) -> Matrix:
        rows = np.asarray(self.X[part] - self.centre, np.float64)
        rows -= self.rest
        return rows if self.scale is None else rows / self.scale

    def _scaled(self, by_column: Matrix) -> Matrix:
        return by_column if self.scale is None else by_column * self.scale

    def _factorise(self, products: Matrix) -> bool:
        """Find L; whether it is well-conditioned, with the rows taken to unit length."""
        try:
            self.triangle = Triangle(np.asarray(np.linalg.cholesky(products)))
        except np.linalg.LinAlgError:
            return False
        lengths = np.sqrt(np.diagonal(products))
        vector, growth = np.random.default_rng(0).standard_normal(len(lengths)), np.inf
        for _ in range(POWER_STEPS):
            half = self.triangle.solve(lengths * (vector / np.linalg.norm(vector)))
            vector = lengths * self.triangle.solve_transposed(half)
            growth = float(np.linalg.norm(vector))
        return growth <= WORST_CONDITION

    def expand(self, parameters: Parameters) -> Parameters:
        """(V, c) -> (W, b)."""
        combination = np.zeros((len(parameters.weights), len(self.X)))
        combination[:, self.basis] = self.triangle.solve_transposed(parameters.weights.T).T
        weights = np.zeros((len(combination), self.X.shape[1]))
        for first in range(0, len(self.X), ROWS_AT_ONCE):
            part = slice(first, first + ROWS_AT_ONCE)
            # Not combination @ X less its centre: far from zero, that would round the weights.
            weights += combination[:, part] @ self._centred(part)
        if self.scale is not None:
            weights /= self.scale
        intercept = parameters.intercept - weights @ self.rest - weights @ self.centre
        return Parameters(weights, intercept)

    def reduce(self, parameters: Parameters) -> Parameters:
        """(W, b) -> (V, c), dropping what is orthogonal to every row."""
        logits = self._centred(slice(None)) @ self._scaled(parameters.weights).T
        weights = parameters.weights
        intercept = parameters.intercept + weights @ self.centre + weights @ self.rest
        return Parameters(self.triangle.solve(logits[self.basis]).T, intercept)
