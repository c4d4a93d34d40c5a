"""What is made of the logits of new rows."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def decision(Z: NDArray[Any]) -> NDArray[Any]:
    """Return logits (n_rows, n_classes) as they are, of two classes z_1 - z_0, shape (n_rows,)."""
    return Z[:, 1] - Z[:, 0] if Z.shape[1] == 2 else Z


def probabilities(Z: NDArray[Any]) -> NDArray[Any]:
    """Turn logits of shape (n_rows, n_classes) into their softmax, in place.

    The products that gave the logits round more than the shift by the maximum does, so the
    compensation in `softmax` has nothing to win here.
    """
    Z -= np.maximum.reduce(Z, axis=1, keepdims=True)
    np.exp(Z, out=Z)
    Z /= np.add.reduce(Z, axis=1, keepdims=True)
    return Z
