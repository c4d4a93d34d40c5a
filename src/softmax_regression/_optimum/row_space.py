"""More columns than rows: the same problem in n coordinates.

The gradient's rows lie in the row space of the centred X, and so does the optimum (for
l2 > 0 any other part of W only adds to the penalty). With X_c X_cᵀ = Q Λ Qᵀ, the coordinates
R = Q Λ^½ (n, n) have the same inner products as X_c, and W = V Λ^-½ Qᵀ X_c has ‖W‖ = ‖V‖.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._exceptions import DivergenceError
from .._objective import Parameters

ROWS_AT_MOST = 2048
# Eigenvalues are right to roundings of the largest: the smallest may be this many times less.
WIDEST = 1e7


class RowSpace:
    """Coordinates (n, r) of the rows, and the maps of the parameters.

    Only where they are `exact` is a proof in these coordinates one in the original's.
    """

    @staticmethod
    def pays(shape: tuple[int, int], l2: float) -> bool:
        """Whether the rotation costs less than it saves."""
        n_rows, n_features = shape
        return l2 > 0 and n_rows <= ROWS_AT_MOST and n_features >= 2 * n_rows

    def __init__(self, X: Any, sample_weight: NDArray[np.float64] | None, centred: bool) -> None:
        self.X = X
        self.centre = np.zeros(X.shape[1])
        rows = X.astype(np.float64, copy=False)
        if centred:
            self.centre = np.average(rows, axis=0, weights=sample_weight)
        rows = rows - self.centre
        products = rows @ rows.T
        if not np.isfinite(products).all():
            raise DivergenceError(1, math.nan, None)
        eigenvalues, vectors = np.linalg.eigh(products)
        kept = eigenvalues > 1e-14 * max(float(eigenvalues[-1]), 1e-300)
        roots = np.sqrt(eigenvalues[kept])
        # Centring takes one direction; where others are lost too, small columns may be.
        full = len(roots) >= max(1, len(products) - centred)
        self.exact = bool(full and roots[-1] ** 2 <= WIDEST * roots[0] ** 2)
        self.coordinates = np.ascontiguousarray(vectors[:, kept] * roots)
        self._back = vectors[:, kept] / roots

    def expand(self, parameters: Parameters) -> Parameters:
        """(V, c) -> (W, b)."""
        combination = parameters.weights @ self._back.T
        weights = combination @ self.X - combination.sum(axis=1)[:, None] * self.centre
        return Parameters(weights, parameters.intercept - weights @ self.centre)

    def reduce(self, parameters: Parameters) -> Parameters:
        """(W, b) -> (V, c), dropping what is orthogonal to every row."""
        logits = parameters.weights @ (self.X - self.centre).T
        intercept = parameters.intercept + parameters.weights @ self.centre
        return Parameters(logits @ self._back, intercept)
