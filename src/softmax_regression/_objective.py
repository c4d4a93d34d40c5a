"""The objective F and what it is made of: logits, loss, gradient and penalty.

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

Rows are worked on in blocks, whose sums add up; what is divided by Σ w_i says so.
"""

import math
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ._features import Features, row_blocks
from ._losses import cross_entropy_gradient_rows, cross_entropy_rows
from ._targets import Targets

WIDE = 256  # features; from here on float32 multiplies faster with the rows first


class Parameters(NamedTuple):
    """W (n_classes, n_features) and b (n_classes,), or both in one vector θ, W row by row first."""

    weights: NDArray[Any]
    intercept: NDArray[Any]

    @classmethod
    def split(cls, theta: NDArray[Any], n_classes: int) -> "Parameters":
        """Return W and b as views of θ."""
        n_weights = theta.size - n_classes
        return cls(theta[:n_weights].reshape(n_classes, -1), theta[n_weights:])

    def joined(self) -> NDArray[Any]:
        """Return a new θ."""
        return np.concatenate([self.weights.ravel(), self.intercept])

    def held(self, dtype: Any) -> "Parameters":
        """Return the parameters in the model's dtype.

        Raises
        ------
        ValueError
            float32 cannot hold one of them.
        """
        with np.errstate(over="ignore"):
            held = Parameters(*(array.astype(dtype, copy=False) for array in self))
        if not all(np.isfinite(array).all() for array in held):
            largest = max(float(np.abs(array).max()) for array in self)
            message = (
                f"the parameters reach {largest:.3g}, more than {np.dtype(dtype)} holds: the features "
                "in X are too small for it. Scale them up, or pass X as float64"
            )
            raise ValueError(message)
        return held


class Penalty(NamedTuple):
    """l1 ‖W‖₁ + (l2 / 2) ‖W‖², section 5.7 of the book."""

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


def class_logits(weights: NDArray[Any], X: NDArray[Any], out: NDArray[Any]) -> None:
    """Write W Xᵀ, classes first, shape (n_classes, n_rows), into C-ordered `out`."""
    # BLAS multiplies by Wᵀ laid out by feature up to twice as fast as by W itself, and wide rows
    # of float32 twice as fast with the rows first.
    by_feature = np.ascontiguousarray(weights.T)
    if X.dtype == np.float32 and X.shape[1] >= WIDE:
        out[...] = (X @ by_feature).T
    else:
        np.matmul(by_feature.T, X.T, out=out)


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


def loss_sum(
    X: Features, targets: Targets, sample_weight: NDArray[Any] | None, parameters: Parameters
) -> float:
    """Return Σ_i w_i CE(t_i, softmax(z_i)) over all rows, block by block."""
    total = 0.0
    for rows in _blocks(X, targets.n_classes):
        losses = cross_entropy_rows(logits(X[rows], parameters), targets.take(rows).given)
        total += _weighted_sum(losses, None if sample_weight is None else sample_weight[rows])
    return total


def mean_gradient(
    X: Features, targets: Targets, sample_weight: NDArray[Any] | None, parameters: Parameters
) -> Parameters:
    """Return (1 / Σ w_i) Σ_i w_i (ŷ_i - t_i) x_iᵀ, and the same without x_i, in float64.

    The residual ŷ - t is equation (5.48)'s, right to the last digits also where ŷ is nearly t.
    """
    weights, intercept = (np.zeros(array.shape) for array in parameters)
    for rows in _blocks(X, targets.n_classes):
        Z = logits(X[rows], parameters)
        residual = cross_entropy_gradient_rows(Z, targets.take(rows).given)
        residual = residual.astype(np.float64, copy=False)
        if sample_weight is not None:
            residual *= sample_weight[rows, np.newaxis]
        # (Xᵀ R)ᵀ, because a sparse matrix multiplies from the left only.
        weights += np.asarray(X[rows].T @ residual).T
        intercept += residual.sum(axis=0)
    total = total_weight(targets, sample_weight)
    return Parameters(weights / total, intercept / total)


def total_weight(targets: Targets, sample_weight: NDArray[Any] | None) -> float:
    """Return Σ w_i."""
    return float(targets.n_rows if sample_weight is None else sample_weight.sum())


def _blocks(X: Features, n_classes: int) -> Iterator[slice]:
    return row_blocks(X.shape[0], 8 * max(n_classes, X.shape[1]))


def _weighted_sum(losses: NDArray[Any], sample_weight: NDArray[Any] | None) -> float:
    if sample_weight is None:
        return float(losses.sum(dtype=np.float64))
    return float(np.dot(losses.astype(np.float64), sample_weight))
