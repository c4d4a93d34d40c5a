"""Logits of rows as they are, a block of them at a time."""

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._parameters import Parameters
from .._types import Features

BLOCK_BYTES = 1 << 20  # a block of rows that stays in a core's cache


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
    """Return `function` of the logits.

    Raises
    ------
    ValueError
        A logit overflows.
    """
    Z: NDArray[Any] = X @ parameters.weights.T
    Z += parameters.intercept
    # `vdot` raises no floating-point flag; only where it overflows is every logit looked at.
    if not (math.isfinite(np.vdot(Z, Z)) or np.isfinite(Z).all()):
        row = int(np.argwhere(~np.isfinite(Z))[0, 0])
        message = (
            f"the logits overflow at row {row} of a block of X: its features are too large for "
            "the learned weights. Scale the features as those in fit were"
        )
        raise ValueError(message)
    return function(Z)


@np.errstate(all="ignore")  # an infinite difference has the exponential 0, rightly
def by_blocks(
    function: Callable[[NDArray[Any]], NDArray[Any]], X: Features, parameters: Parameters
) -> NDArray[Any]:
    """Return `of_logits` of all rows, in blocks that bound the memory between."""
    row_bytes = 8 * max(parameters.weights.shape)
    if X.shape[0] * row_bytes <= BLOCK_BYTES:
        return of_logits(function, X, parameters)
    blocks = list(row_blocks(X.shape[0], row_bytes))
    first = of_logits(function, X[blocks[0]], parameters)
    out = np.empty((X.shape[0], *first.shape[1:]), first.dtype)
    out[blocks[0]] = first
    for rows in blocks[1:]:
        out[rows] = of_logits(function, X[rows], parameters)
    return out


def row_blocks(n_rows: int, row_bytes: int) -> Iterator[slice]:
    """Yield slices that cover the rows in order, each about `BLOCK_BYTES` large."""
    step = max(1, BLOCK_BYTES // max(1, row_bytes))
    for start in range(0, n_rows, step):
        yield slice(start, min(start + step, n_rows))
