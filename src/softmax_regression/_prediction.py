"""What is made of the logits of new rows: of two classes z_1 − z_0 is enough, (n_rows, 1)."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._losses import log_softmax_rows


def decision(Z: NDArray[Any]) -> NDArray[Any]:
    """Return logits (n_rows, n_classes) as they are, of two classes z_1 - z_0, shape (n_rows,)."""
    if Z.shape[1] == 2:
        return np.asarray(Z[:, 1] - Z[:, 0])
    return Z[:, 0] if Z.shape[1] == 1 else Z


def likeliest(Z: NDArray[Any]) -> NDArray[np.intp]:
    """Return the places of the largest logits, (n_rows,), the first one in a tie."""
    if Z.shape[1] == 1:
        return (Z[:, 0] > 0).astype(np.intp)
    best: NDArray[np.intp] = Z.argmax(axis=1)
    return best


def log_probabilities(Z: NDArray[Any]) -> NDArray[Any]:
    """Return the log-softmax of logits (n_rows, n_classes)."""
    return log_softmax_rows(Z) if Z.shape[1] > 1 else _log_shares_of_two(Z[:, 0])


def probabilities(Z: NDArray[Any]) -> NDArray[Any]:
    """Turn logits (n_rows, n_classes) into their softmax, in place where there are more than two.

    The products that gave the logits round more than the shift by the maximum does, so the
    compensation in `softmax` has nothing to win here.
    """
    if Z.shape[1] == 1:
        p = np.empty((len(Z), 2), Z.dtype)
        share_of_two(Z[:, 0], p[:, 1], p[:, 0])
        return p
    Z -= np.maximum.reduce(Z, axis=1, keepdims=True)
    np.exp(Z, out=Z)
    Z /= np.add.reduce(Z, axis=1, keepdims=True)
    return Z


def exponential_behind(difference: NDArray[Any]) -> NDArray[Any]:
    """exp(−|d|): of two logits that differ by d, that of the lesser beside 1 of the larger."""
    raised: NDArray[Any] = np.abs(difference)
    np.negative(raised, out=raised)
    np.exp(raised, out=raised)
    return raised


def share_of_two(difference: NDArray[Any], own: NDArray[Any], other: NDArray[Any]) -> None:
    """Write the probabilities of a class and of the other, whose logit is less by `difference`, (n_rows,)."""
    raised = exponential_behind(difference)
    inverse = 1 / (1 + raised)
    # The exponential of the class that is ahead is 1; masks would cost a wrong guess at every other row.
    np.multiply(np.maximum(raised, difference >= 0), inverse, out=own)
    np.multiply(np.maximum(raised, difference < 0), inverse, out=other)


def _log_shares_of_two(difference: NDArray[Any]) -> NDArray[Any]:
    """Return min(∓d, 0) − log(1 + exp(−|d|)), (n_rows, 2).

    With u the rounded 1 + e, log(1 + e) is log u + (e − (u − 1)) / u to all digits of a small e.
    """
    raised = exponential_behind(difference)
    total = 1 + raised
    lost = np.log(total)
    raised -= total - 1
    raised /= total
    lost += raised
    shares = np.empty((len(difference), 2), difference.dtype)
    np.subtract(np.minimum(-difference, 0), lost, out=shares[:, 0])
    np.subtract(np.minimum(difference, 0), lost, out=shares[:, 1])
    return shares
