"""Rows prepared once: for fits at many penalties, and for what is made of their Hessians."""

import numpy as np

from .._arrays import is_sparse
from .._likelihood.block import Block, Memo
from .._likelihood.working import Likelihood
from .._optimum.row_space import RowSpace
from .._parameters import Parameters
from .._types import Matrix

# Free parameters of a Hessian that is formed and inverted.
REACH = 4000
# Entries of a sparse matrix that is filled in for the coordinates of its row space: 256 MB.
FILLED = 2**25


class Prepared:
    """Rows in standardised columns, or in the coordinates of their row space where these are fewer.

    The row space needs one l2 > 0 for all columns, and no l1 (`even`).
    """

    def __init__(self, block: Block, fit_intercept: bool, *, even: bool) -> None:
        self.original = block
        self.space = _row_space(block, fit_intercept) if even else None
        if self.space is None:
            self.block = block._replace(memo=Memo())
            self.likelihood = Likelihood([self.block], fit_intercept)
        else:
            self.block = block._replace(X=self.space.coordinates, memo=Memo())
            self.likelihood = Likelihood([self.block], coordinates=self.space.inner)

    @property
    def n_free(self) -> int:
        """The number of free parameters, (K − 1) D."""
        return (self.likelihood.n_classes - 1) * self.likelihood.n_columns

    def reduced(self, parameters: Parameters) -> Parameters:
        """Return (W, b) as the prepared block has them, in float64."""
        full = Parameters(*(array.astype(np.float64) for array in parameters))
        return full if self.space is None else self.space.reduce(full)

    def inward(self, parameters: Parameters) -> Matrix:
        """(W, b) -> θ (K, D)."""
        return self.likelihood.coordinates.inward(self.reduced(parameters))

    def outward(self, theta: Matrix) -> Parameters:
        """θ -> (W, b)."""
        return self.expanded(self.likelihood.coordinates.outward(theta))

    def expanded(self, reduced: Parameters) -> Parameters:
        """Return the prepared block's (W, b) as the original's."""
        return reduced if self.space is None else self.space.expand(reduced)


def columns_of(block: Block, fit_intercept: bool, *, even: bool) -> int:
    """Return how many columns θ will have."""
    n_rows, n_features = block.X.shape
    return n_rows if even and _turns(block) else int(n_features) + fit_intercept


def _turns(block: Block) -> bool:
    fits = not is_sparse(block.X) or block.X.shape[0] * block.X.shape[1] <= FILLED
    return fits and RowSpace.pays(block.X.shape)


def _row_space(block: Block, fit_intercept: bool) -> RowSpace | None:
    if not _turns(block):
        return None
    dense = block._replace(X=block.X.toarray()) if is_sparse(block.X) else block
    space = RowSpace(dense, fit_intercept)
    return space if space.exact else None
