"""Sparse rows without the columns that hold no entry: their weights are zero, and cost as much as others."""

import numpy as np

from .._arrays import is_sparse
from .._likelihood.block import Block
from .._parameters import Parameters
from .._penalty import Penalty
from .._types import Index, Vector
from .solution import Solution

# Of all columns: fewer are not worth a copy of the rows' indices.
WORTH = 0.25


class OccupiedColumns:
    """The rows in their columns with entries (n, d'), and the way back to all d."""

    def __init__(self, block: Block, occupied: Index) -> None:
        self.occupied, self.n_features = occupied, int(block.X.shape[1])
        self.block = block._replace(X=block.X[:, occupied])

    @staticmethod
    def of(block: Block) -> "OccupiedColumns | None":
        """Return the columns with entries, None where rows are not sparse or few columns are empty."""
        if not is_sparse(block.X):
            return None
        holds = np.zeros(block.X.shape[1], bool)
        holds[block.X.indices] = True
        occupied = np.flatnonzero(holds)
        few = len(holds) - len(occupied) < WORTH * len(holds)
        return None if few or not len(occupied) else OccupiedColumns(block, occupied)

    def penalty(self, penalty: Penalty) -> Penalty:
        """Return the penalty of these columns."""
        l1, l2 = penalty.l1, penalty.l2
        return Penalty(
            l1[self.occupied] if isinstance(l1, np.ndarray) else l1,
            l2[self.occupied] if isinstance(l2, np.ndarray) else l2,
        )

    def reduce(self, parameters: Parameters) -> Parameters:
        """Return the weights of these columns."""
        return Parameters(parameters.weights[:, self.occupied], parameters.intercept)

    def expand(self, parameters: Parameters) -> Parameters:
        """Return weights for all columns: zero where no row has an entry."""
        weights = np.zeros((len(parameters.weights), self.n_features))
        weights[:, self.occupied] = parameters.weights
        return Parameters(weights, parameters.intercept)

    def solution(self, found: Solution) -> Solution:
        """Return a solution in all columns."""
        return found._replace(
            parameters=self.expand(found.parameters),
            centre=self._filled(found.centre),
            deviation=self._filled(found.deviation),
            first=None,
        )

    def _filled(self, values: Vector) -> Vector:
        filled = np.zeros(self.n_features)
        filled[self.occupied] = values
        return filled
