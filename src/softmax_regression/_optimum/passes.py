"""One pass over the rows: F and its gradient, as sums over blocks.

F = (1 / Σ w) Σ_i w_i [lse(z_i) − ⟨t_i, z_i⟩] + ½ Σ_kj penalty_j V_kj²
∂F/∂V = (1 / Σ w) Σ_i w_i (p_i − t_i) x̃_iᵀ + penalty V
(Jurafsky and Martin, Speech and Language Processing, 3rd ed. draft, eq. 5.47 and 5.48.)
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .arrays import Floats
from .rows import Block
from .standardised import Standardised

_ROOT_OF_TINY = {
    np.dtype(dtype): np.sqrt(np.finfo(dtype).tiny) for dtype in (np.float32, np.float64)
}


class Value(NamedTuple):
    """F and its gradient (K, D) at one point, in float64."""

    objective: float
    gradient: NDArray[np.float64]


def softmax(logits: Floats) -> Floats:
    """Turn logits (K, b) into probabilities, in place."""
    logits -= np.maximum.reduce(logits, axis=0)
    np.exp(logits, out=logits)
    logits *= 1 / np.add.reduce(logits, axis=0)
    return logits


def flushed(weights: Floats) -> Floats:
    """Zero where weights are so small that products of two are subnormal numbers, which are slow."""
    return np.where(weights < _ROOT_OF_TINY[weights.dtype], 0, weights)


def balanced(parameters: NDArray[np.float64]) -> NDArray[np.float64]:
    """Shift rows, in place, to sum to zero over classes: same probabilities, no larger penalty."""
    parameters -= np.add.reduce(parameters, axis=0) / len(parameters)
    return parameters


def probabilities(block: Block, parameters: Floats) -> Floats:
    """Softmax of the block's logits, (K, b)."""
    return softmax(block.rows.logits(parameters))


def exponentials(block: Block, parameters: Floats) -> tuple[Floats, Floats, Floats]:
    """Return losses (b,), shifted exponentials of the logits (K, b), and their sums (b,)."""
    logits = block.rows.logits(parameters)
    # The shift is what keeps the digits of a small loss.
    logits -= np.maximum.reduce(logits, axis=0)
    losses = -block.targets.inner(logits)
    np.exp(logits, out=logits)
    total = np.add.reduce(logits, axis=0)
    losses += np.log(total)
    return losses, logits, total


def block_sums(block: Block, parameters: Floats) -> tuple[float, Floats]:
    """Sum of losses and sum of gradients (K, D) of one block."""
    losses, residual, total = exponentials(block, parameters)
    if block.weight is None:
        residual *= 1 / total
        block.targets.subtract_from(residual)
    else:
        losses *= block.weight
        residual *= block.weight / total
        block.targets.subtract_from(residual, block.weight)
    return float(np.add.reduce(losses, dtype=np.float64)), block.rows.gradient(residual)


def evaluate(
    rows: Standardised,
    penalty: NDArray[np.float64],
    parameters: NDArray[np.float64],
    dtype: type[np.floating[Any]],
) -> Value:
    """F and its gradient by one pass in `dtype`, summed over blocks in float64."""
    loss = 0.0
    gradient = np.zeros(parameters.shape)
    working = parameters.astype(dtype, copy=False)
    for block in rows.passes(dtype):
        block_loss, block_gradient = block_sums(block, working)
        loss += block_loss
        gradient += block_gradient
    gradient /= rows.total
    shrinkage = penalty * parameters
    objective = loss / rows.total + 0.5 * float(np.vdot(shrinkage, parameters))
    gradient += shrinkage
    return Value(objective, gradient)
