"""Probabilities and their slopes summed over rows, with their derivatives by θ.

    ∂p_k / ∂θ_mq = p_k (δ_km − p_m) x̃_q

One class at a time, so that no array has rows, classes and columns.
"""

import numpy as np

from .._types import Floats, Matrix, Vector
from .value import probabilities
from .working import Chunk


def average_probabilities(chunk: Chunk, theta: Matrix) -> tuple[float, Vector, Matrix]:
    """Return Σ w_i, Σ w_i p_i (K,), and the derivative of the latter (K, K, D)."""
    p = probabilities(chunk, theta)
    weight = chunk.weights()
    derivative = np.empty((len(p), *theta.shape))
    for k, own in enumerate(p):
        derivative[k] = chunk.rows.sums(_changes(p, k) * (weight * own))
    return chunk.total(), p @ weight, derivative


def average_slopes(
    chunk: Chunk, theta: Matrix, slopes: Vector
) -> tuple[float, Vector, Matrix, Matrix]:
    """Return Σ w_i and Σ w_i ∂p_ik / ∂x̃_j (K,) along a feature with the `slopes` β_k = θ_kj.

    ∂p_k / ∂x̃_j = p_k (β_k − e), e = Σ_l p_l β_l. And the derivative of the latter sum: (K, K, D)
    by θ through the probabilities, and (K, K) by the slopes themselves.
    """
    p = probabilities(chunk, theta)
    weight = chunk.weights()
    relative = slopes[:, None] - slopes @ p
    derivative, direct = np.empty((len(p), *theta.shape)), np.empty((len(p), len(p)))
    for k, own in enumerate(p):
        changes = _changes(p, k) * (weight * own)
        direct[k] = changes.sum(axis=1)
        derivative[k] = chunk.rows.sums(changes * relative[k] - (weight * own) * p * relative)
    return chunk.total(), (p * relative) @ weight, derivative, direct


def _changes(p: Floats, k: int) -> Floats:
    """δ_km − p_m, (K, b)."""
    changes = -p
    changes[k] += 1.0
    return changes
