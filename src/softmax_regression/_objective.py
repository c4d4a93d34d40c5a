"""The objective F on blocks of rows: sums that add up.

    F(W, b) = (1 / Σ w_i) Σ_i w_i CE(t_i, softmax(W x_i + b)) + l1 ‖W‖₁ + (l2 / 2) ‖W‖²

Conventions, here and everywhere:

| symbol | name | shape |
|---|---|---|
| X | `X` | (n_rows, n_features), dense or CSR |
| W | `weights` | (n_classes, n_features) |
| b | `intercept` | (n_classes,), never penalised |
| z = X Wᵀ + b | `logits` | (n_rows, n_classes) |
| t | `targets` | labels or probability rows |
| w | `sample_weight` | (n_rows,), None where all are 1 |

A block gives sums, never means, with the weights inside. Dividing by the total weight and adding
the penalty happen once, by whoever added the blocks up.
"""

import math
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ._features import Features, row_blocks
from ._losses import cross_entropy_rows, cross_entropy_with_gradient_rows
from ._targets import Targets

WIDE = 256  # features; from here on float32 multiplies faster with the rows first


class Parameters(NamedTuple):
    """W (n_classes, n_features) and b (n_classes,)."""

    weights: NDArray[Any]
    intercept: NDArray[Any]


class Penalty(NamedTuple):
    """l1 ‖W‖₁ + (l2 / 2) ‖W‖²."""

    l1: float
    l2: float

    def value(self, weights: NDArray[Any]) -> float:
        """Return the penalty of `weights`."""
        total = 0.0
        if self.l2:
            flat = weights.ravel()
            total += 0.5 * self.l2 * float(flat.dot(flat))
        if self.l1:
            total += self.l1 * float(np.abs(weights).sum())
        return total


class Sums:
    """Loss, gradient and weight of a block of rows; two blocks' sums add to those of both."""

    def __init__(
        self,
        loss: float,
        weights: NDArray[np.float64],
        intercept: NDArray[np.float64],
        weight: float,
    ) -> None:
        self.loss = loss
        self.weights = weights
        self.intercept = intercept
        self.weight = weight

    def __add__(self, other: "Sums") -> "Sums":
        return Sums(
            self.loss + other.loss,
            self.weights + other.weights,
            self.intercept + other.intercept,
            self.weight + other.weight,
        )


def logits(X: Features, parameters: Parameters) -> NDArray[Any]:
    """Return z = X Wᵀ + b, shape (n_rows, n_classes).

    Raises
    ------
    ValueError
        A logit overflows.
    """
    return of_logits(lambda z: z, X, parameters)


def of_logits(
    function: Callable[[NDArray[Any]], NDArray[Any]], X: Features, parameters: Parameters
) -> NDArray[Any]:
    """Return `function` of the logits, silently also where their differences overflow.

    Raises
    ------
    ValueError
        A logit overflows.
    """
    Z: NDArray[Any] = X @ parameters.weights.T
    Z += parameters.intercept
    # `vdot` raises no floating-point flag; only where it overflows is every logit looked at.
    if math.isfinite(np.vdot(Z, Z)):
        return function(Z)
    if not np.isfinite(Z).all():
        row = int(np.argwhere(~np.isfinite(Z))[0, 0])
        message = (
            f"the logits overflow at row {row} of a block of X: its features are too large for "
            "the learned weights. Scale the features as those in fit were"
        )
        raise ValueError(message)
    with np.errstate(all="ignore"):  # an infinite difference has the exponential 0, rightly
        return function(Z)


def class_logits(
    weights: NDArray[Any], X: NDArray[Any], out: NDArray[Any] | None = None
) -> NDArray[Any]:
    """Return W Xᵀ, classes first, shape (n_classes, n_rows), into C-ordered `out` where given."""
    if out is None:
        out = np.empty((weights.shape[0], X.shape[0]), weights.dtype)
    # BLAS multiplies by Wᵀ laid out by feature up to twice as fast as by W itself, and wide rows
    # of float32 twice as fast with the rows first.
    by_feature = np.ascontiguousarray(weights.T)
    if X.dtype == np.float32 and X.shape[1] >= WIDE:
        out[...] = (X @ by_feature).T
    else:
        np.matmul(by_feature.T, X.T, out=out)
    return out


def probabilities(Z: NDArray[Any]) -> NDArray[Any]:
    """Turn logits of shape (n_rows, n_classes) into their softmax, in place.

    The products that gave the logits round more than the shift by the maximum does, so the
    compensation in `softmax` has nothing to win here.
    """
    Z -= np.maximum.reduce(Z, axis=1, keepdims=True)
    np.exp(Z, out=Z)
    Z /= np.add.reduce(Z, axis=1, keepdims=True)
    return Z


def loss_sum(
    X: Features, targets: Targets, sample_weight: NDArray[Any] | None, parameters: Parameters
) -> float:
    """Return Σ_i w_i CE(t_i, softmax(z_i)) over all rows, block by block."""
    total = 0.0
    for rows in _blocks(X, targets.n_classes):
        losses = cross_entropy_rows(logits(X[rows], parameters), targets.take(rows).given)
        total += _weighted_sum(losses, None if sample_weight is None else sample_weight[rows])
    return total


def block_sums(
    X: Features, targets: Targets, sample_weight: NDArray[Any] | None, parameters: Parameters
) -> Sums:
    """Return the sums of one block: w_i CE_i, w_i (ŷ_i - t_i) x_iᵀ, w_i (ŷ_i - t_i) and w_i.

    The residual ŷ - t is equation (5.48)'s, right to the last digits also where ŷ is nearly t.
    """
    losses, residual = cross_entropy_with_gradient_rows(logits(X, parameters), targets.given)
    residual = residual.astype(np.float64, copy=False)
    loss = _weighted_sum(losses, sample_weight)
    weight = float(targets.n_rows)
    if sample_weight is not None:
        residual *= sample_weight[:, np.newaxis]
        weight = float(sample_weight.sum())
    # (Xᵀ R)ᵀ, because a sparse matrix multiplies from the left only.
    return Sums(loss, np.asarray(X.T @ residual).T, residual.sum(axis=0), weight)


def data_sums(
    X: Features, targets: Targets, sample_weight: NDArray[Any] | None, parameters: Parameters
) -> Sums:
    """Return `block_sums` added over all rows."""
    zeros = [np.zeros(array.shape) for array in parameters]
    total = Sums(0.0, zeros[0], zeros[1], 0.0)
    for rows in _blocks(X, targets.n_classes):
        weight = None if sample_weight is None else sample_weight[rows]
        total += block_sums(X[rows], targets.take(rows), weight, parameters)
    return total


def total_weight(targets: Targets, sample_weight: NDArray[Any] | None) -> float:
    """Return Σ w_i."""
    return float(targets.n_rows if sample_weight is None else sample_weight.sum())


def _blocks(X: Features, n_classes: int) -> Iterator[slice]:
    return row_blocks(X.shape[0], 8 * max(n_classes, X.shape[1]))


def _weighted_sum(losses: NDArray[Any], sample_weight: NDArray[Any] | None) -> float:
    if sample_weight is None:
        return float(losses.sum(dtype=np.float64))
    return float(np.dot(losses.astype(np.float64), sample_weight))
