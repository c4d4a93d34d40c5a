"""One pass over the rows: F and its gradient, as sums over blocks.

F = (1 / Σ w) Σ_i w_i [lse(z_i) − ⟨t_i, z_i⟩] + ½ Σ_kj penalty_j V_kj²
∂F/∂V = (1 / Σ w) Σ_i w_i (p_i − t_i) x̃_iᵀ + penalty V
(Jurafsky and Martin, Speech and Language Processing, 3rd ed. draft, eq. 5.47 and 5.48.)
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .standardised import Block, Floats, Standardised


class Value(NamedTuple):
    """F and its gradient (K, D) at one point, in float64."""

    objective: float
    gradient: NDArray[np.float64]


def softmax_in_place(logits: Floats) -> Floats:
    """Turn logits (K, b), their maximum already zero, into probabilities; return lse (b,)."""
    np.exp(logits, out=logits)
    total = np.add.reduce(logits, axis=0)
    logits /= total
    return np.asarray(np.log(total))


def flushed(weights: Floats) -> Floats:
    """Zero where weights are so small that products of two are subnormal numbers, which are slow."""
    return np.where(weights < np.sqrt(np.finfo(weights.dtype).tiny), 0, weights)


def balanced(parameters: NDArray[np.float64]) -> NDArray[np.float64]:
    """Shift rows, in place, to sum to zero over classes: same probabilities, no larger penalty."""
    parameters -= np.add.reduce(parameters, axis=0) / len(parameters)
    return parameters


def probabilities(block: Block, parameters: Floats) -> Floats:
    """Softmax of the block's logits, (K, b)."""
    logits = block.rows.logits(parameters)
    logits -= np.maximum.reduce(logits, axis=0)
    softmax_in_place(logits)
    return logits


def block_sums(block: Block, parameters: Floats) -> tuple[float, Floats, Floats]:
    """Sum of losses, sum of gradients (K, D), and weighted residuals (K, b) of one block."""
    logits = block.rows.logits(parameters)
    logits -= np.maximum.reduce(logits, axis=0)
    losses = -block.targets.inner(logits)
    losses += softmax_in_place(logits)
    block.targets.subtract_from(logits)
    if block.weight is not None:
        losses *= block.weight
        logits *= block.weight
    return float(losses.sum(dtype=np.float64)), block.rows.gradient(logits), logits


def evaluate(
    rows: Standardised,
    penalty: NDArray[np.float64],
    parameters: NDArray[np.float64],
    dtype: type[np.floating[Any]],
) -> Value:
    """F and its gradient by one pass in `dtype`, summed over blocks in float64."""
    loss = 0.0
    gradient = np.zeros_like(parameters)
    working = parameters.astype(dtype, copy=False)
    for block in rows.blocks(dtype):
        block_loss, block_gradient, _ = block_sums(block, working)
        loss += block_loss
        gradient += block_gradient
    gradient /= rows.total
    shrinkage = penalty * parameters
    objective = loss / rows.total + 0.5 * float(np.vdot(shrinkage, parameters))
    gradient += shrinkage
    return Value(objective, gradient)
