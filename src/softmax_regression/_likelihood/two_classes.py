"""Two classes as one margin: one product each way, and one exponential a row.

With a_i = ± x̃_i (θ_0 − θ_1), the margin of the class of the larger target, and t_i ≤ ½ the target of
the other, whose probability is p_i = 1 / (1 + exp(a_i)):

    CE_i = log(1 + exp(−a_i)) + t_i a_i,   ∂ CE_i / ∂ a_i = t_i − p_i

Nothing cancels where a row is nearly sure of its class. The gradient with respect to θ_1 is minus
that with respect to θ_0.
"""

import numpy as np

from .._prediction import exponential_behind, share_of_two
from .._types import Floats, Matrix
from .working import Chunk


def softmax(margins: Floats) -> Floats:
    """Return the probabilities (2, b) of classes whose logits differ by z_0 − z_1."""
    p = np.empty((2, len(margins)), margins.dtype)
    share_of_two(margins, p[0], p[1])
    return p


def value(chunk: Chunk, theta: Floats) -> tuple[float, Matrix]:
    """Return the sum of the losses and the sum of their gradients (2, D)."""
    signs, target = chunk.targets.sides(chunk.rows.dtype)
    margins = chunk.rows.margins(theta)
    margins *= signs
    losses, residual = _of_margins(margins, target)
    residual *= signs
    if chunk.weight is not None:
        losses *= chunk.weight
        residual *= chunk.weight
    gradient = chunk.rows.sums(residual[None]).astype(np.float64, copy=False)
    total = float(np.add.reduce(losses, dtype=np.float64))
    return total, np.concatenate([gradient, -gradient])


def _of_margins(margins: Floats, target: Floats | float) -> tuple[Floats, Floats]:
    """Return CE(a) (b,) and its derivative t − 1 / (1 + exp(a)), (b,)."""
    raised = exponential_behind(margins)
    total = 1 + raised
    losses = np.log(total)
    behind = np.minimum(margins, 0)
    losses -= behind
    if isinstance(target, np.ndarray) or target:
        losses += target * margins
    # The exponential of the other class is 1 where it is ahead; a mask would cost wrong guesses.
    np.less(margins, 0, out=behind)
    np.maximum(raised, behind, out=raised)
    raised /= total
    return losses, np.subtract(target, raised, out=raised)
