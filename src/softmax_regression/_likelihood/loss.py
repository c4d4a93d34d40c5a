"""The losses of rows as they are, and their gradient, to the last digits.

Slower than `value`, which the solver uses: the functions of `_losses` lose no digit of a small
loss, nor of the residual ŷ − t where ŷ is nearly t.
"""

from collections.abc import Iterator

import numpy as np

from .._losses import cross_entropy_gradient_rows, cross_entropy_rows
from .._parameters import Parameters
from .._types import Floats, Matrix, Vector
from .block import Block
from .logits import logits, row_blocks


def losses(block: Block, parameters: Parameters) -> tuple[float]:
    """Return Σ_i w_i CE(t_i, softmax(z_i)), without smoothing."""
    total = 0.0
    for rows in _rows(block):
        part = block.take(rows)
        each = cross_entropy_rows(logits(part.X, parameters), part.targets.given)
        total += _weighted_sum(each, part.weight)
    return (total,)


def gradients(block: Block, parameters: Parameters) -> tuple[Matrix, Vector]:
    """Return Σ_i w_i (ŷ_i − t_i) x_iᵀ (K, d), and the same without x_i (K,): equation (5.48)."""
    weights, intercept = (np.zeros(array.shape) for array in parameters)
    for rows in _rows(block):
        part = block.take(rows)
        Z = logits(part.X, parameters)
        residual = cross_entropy_gradient_rows(Z, part.targets.given)
        residual = residual.astype(np.float64, copy=False)
        if part.weight is not None:
            residual *= part.weight[:, np.newaxis]
        # (Xᵀ R)ᵀ, because a sparse matrix multiplies from the left only.
        weights += np.asarray(part.X.T @ residual).T
        intercept += residual.sum(axis=0)
    return weights, intercept


def _rows(block: Block) -> Iterator[slice]:
    return row_blocks(block.n_rows, 8 * max(block.targets.n_classes, block.X.shape[1]))


def _weighted_sum(each: Floats, weight: Vector | None) -> float:
    if weight is None:
        return float(each.sum(dtype=np.float64))
    return float(np.dot(each.astype(np.float64), weight))
