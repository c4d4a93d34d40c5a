"""Intervals for the probabilities of rows, found on the logit scale, so that they stay in (0, 1).

    log p_k / (1 − p_k) = z_k − log Σ_{m≠k} exp z_m
    ∂ / ∂θ_m = (δ_km − (1 − δ_km) p_m / (1 − p_k)) x̃

so the error of class k is that of one contrast, of k with a mixture of the others.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .._types import Features, Floats, Matrix
from .estimate import Estimate
from .rows import parts, standardised


class Intervals(NamedTuple):
    """Probabilities with their intervals, each (n_rows, n_classes).

    Attributes
    ----------
    probability : ndarray of shape (n_rows, n_classes)
    lower : ndarray of shape (n_rows, n_classes)
    upper : ndarray of shape (n_rows, n_classes)
    """

    probability: NDArray[np.float64]
    lower: NDArray[np.float64]
    upper: NDArray[np.float64]


def intervals(estimate: Estimate, X: Features, reach: float) -> Intervals:
    """Return the probabilities of all rows, and logistic(logit ± `reach` standard errors)."""
    n_classes, columns = estimate.theta.shape
    out = np.empty((3, X.shape[0], n_classes))
    for part in parts(X.shape[0], n_classes * max(n_classes, columns)):
        rows = standardised(X, estimate.coordinates, part)
        logit, error = _logits(estimate, rows)
        for place, shift in enumerate((0.0, -reach, reach)):
            out[place, part] = _logistic(logit + shift * error)
    return Intervals(*out)


def _logits(estimate: Estimate, rows: Matrix) -> tuple[Matrix, Matrix]:
    """Return the logits of the probabilities and their standard errors, (b, K)."""
    z = rows @ estimate.theta.T
    variance = _variances(estimate, rows)
    logit, error = np.empty_like(z), np.empty_like(z)
    for k in range(z.shape[1]):
        others = np.delete(np.arange(z.shape[1]), k)
        largest = z[:, others].max(axis=1, keepdims=True)
        mixture = np.exp(z[:, others] - largest)
        total = mixture.sum(axis=1, keepdims=True)
        logit[:, k] = z[:, k] - (largest + np.log(total))[:, 0]
        direction = np.zeros_like(z)
        direction[:, k] = 1.0
        direction[:, others] = -mixture / total
        u = np.delete(direction, estimate.reference, axis=1)
        error[:, k] = np.sqrt(np.maximum(np.einsum("im,iml,il->i", u, variance, u), 0.0))
    return logit, error


def _variances(estimate: Estimate, rows: Matrix) -> Matrix:
    """Return x̃_iᵀ V_ml x̃_i for all pairs of free classes, (b, K − 1, K − 1)."""
    blocks = estimate.blocks()
    n_free = len(blocks)
    variance = np.empty((len(rows), n_free, n_free))
    for m, of_class in enumerate(blocks):
        products = (rows @ of_class.reshape(len(of_class), -1)).reshape(len(rows), n_free, -1)
        variance[:, m] = np.einsum("ilq,iq->il", products, rows)
    return variance


def _logistic(logit: Floats) -> Floats:
    """1 / (1 + exp(−x)), without overflow."""
    small = np.exp(-np.abs(logit))
    return np.where(logit >= 0.0, 1.0, small) / (1.0 + small)
