"""Probabilities, and the data term of F with its gradient, over a chunk of rows.

    Σ_i w_i CE(t_i, p_i) = Σ_i w_i [lse(z_i) − ⟨t_i, z_i⟩]
    ∂ / ∂θ = Σ_i w_i (p_i − t_i) x̃_iᵀ

(Jurafsky and Martin, Speech and Language Processing, 3rd ed. draft, eq. 5.47 and 5.48.)
"""

from collections.abc import Sequence

import numpy as np

from .._types import Floats, Matrix
from . import two_classes
from .working import Chunk

_ROOT_OF_TINY = {
    np.dtype(dtype): np.sqrt(np.finfo(dtype).tiny) for dtype in (np.float32, np.float64)
}
# Probabilities of a block up to which a copy for the Hessian costs less than making them again.
FEW_ENTRIES = 2**13


def softmax(logits: Floats) -> Floats:
    """Turn logits (K, b) into probabilities, in place."""
    if len(logits) == 2:
        return two_classes.softmax(logits[0] - logits[1])
    logits -= np.maximum.reduce(logits, axis=0)
    np.exp(logits, out=logits)
    logits *= 1 / np.add.reduce(logits, axis=0)
    return logits


def flushed(factors: Floats) -> Floats:
    """Zero where factors are so small that products of two are subnormal numbers, which are slow."""
    least = _ROOT_OF_TINY[factors.dtype]
    if np.minimum.reduce(factors, axis=None, initial=least) >= least:
        return factors
    return np.where(factors < least, 0, factors)


def balanced(theta: Matrix) -> Matrix:
    """Shift rows, in place, to sum to zero over classes: same probabilities, no larger penalty."""
    theta -= np.add.reduce(theta, axis=0) / len(theta)
    return theta


def probabilities(chunk: Chunk, theta: Floats) -> Floats:
    """Softmax of the chunk's logits, (K, b)."""
    if len(theta) == 2:
        return two_classes.softmax(chunk.rows.margins(theta))
    return softmax(chunk.rows.logits(theta))


def exponentials(chunk: Chunk, theta: Floats) -> tuple[Floats, Floats, Floats]:
    """Return losses (b,), shifted exponentials of the logits (K, b), and their sums (b,)."""
    logits = chunk.rows.logits(theta)
    # The shift is what keeps the digits of a small loss.
    logits -= np.maximum.reduce(logits, axis=0)
    losses = -chunk.targets.inner(logits)
    np.exp(logits, out=logits)
    total = np.add.reduce(logits, axis=0)
    losses += np.log(total)
    return losses, logits, total


def value(chunk: Chunk, theta: Floats) -> tuple[float, Matrix]:
    """Return the sum of the losses and the sum of their gradients (K, D)."""
    if len(theta) == 2:
        return two_classes.value(chunk, theta)
    losses, p, total = exponentials(chunk, theta)
    p *= 1 / total
    if len(theta) * chunk.block_rows <= FEW_ENTRIES:
        chunk.keep("probabilities", (theta,), p.copy())
    return loss_and_gradient(chunk, losses, p)


def loss_and_gradient(chunk: Chunk, losses: Floats, p: Floats) -> tuple[float, Matrix]:
    """Return the sums of `value` from the losses (b,) and the probabilities (K, b), both in place."""
    if chunk.weight is None:
        chunk.targets.take_from(p)
    else:
        losses *= chunk.weight
        p *= chunk.weight
        chunk.targets.take_from(p, chunk.weight)
    gradient = chunk.rows.gradient(p).astype(np.float64, copy=False)
    return float(np.add.reduce(losses, dtype=np.float64)), gradient


def values(chunk: Chunk, thetas: Sequence[Matrix]) -> tuple[float | Matrix, ...]:
    """Return what `value` returns at each of several θ, one after the other."""
    return tuple(entry for theta in thetas for entry in value(chunk, theta))
