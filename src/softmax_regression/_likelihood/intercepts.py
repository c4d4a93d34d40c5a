"""What the intercepts alone tell: mean probabilities and their curvature, for given weights."""

from typing import Any

import numpy as np

from .._types import Matrix, Vector
from .value import flushed, softmax
from .working import Chunk

# With more, products of all pairs of classes cost more than the passes their matrix saves.
PAIRED_CLASSES = 256


def intercepts(chunk: Chunk, theta: Matrix, shift: Vector, with_matrix: bool) -> tuple[Vector, Any]:
    """Return Σ w_i p_i (K,) at the logits of θ plus a `shift`, and Σ w_i p_i p_iᵀ (K, K) if asked.

    Of more than PAIRED_CLASSES classes its diagonal (K,). A Newton step needs few digits of it; the
    gradient decides where Newton ends.
    """
    logits = chunk.kept("logits", (theta,), lambda: chunk.rows.logits(theta))
    p = softmax(logits + shift[:, None].astype(logits.dtype))
    mean = p.sum(axis=1) if chunk.weight is None else p @ chunk.weight
    products: Any = 0.0
    if with_matrix:
        root = flushed(p.astype(np.float32))
        if chunk.weight is not None:
            root *= np.sqrt(chunk.weight).astype(np.float32)
        paired = len(p) <= PAIRED_CLASSES
        products = root @ root.T if paired else np.einsum("ki,ki->k", root, root)
        products = products.astype(np.float64)
    return mean.astype(np.float64), products
