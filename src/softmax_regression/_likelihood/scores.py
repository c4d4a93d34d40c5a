"""Products of the rows' scores: what robust covariances are made of.

The score of a row is s_i = w_i (t_i − p_i) ⊗ x̃_i, the gradient of its log-likelihood.
"""

from itertools import pairwise

import numpy as np

from .._types import Floats, Index, Matrix
from .block import Block
from .coordinates import Coordinates
from .information import class_covariances, moments, pair_products
from .value import probabilities
from .working import Chunk, chunks


def score_products(chunk: Chunk, theta: Matrix, order: Index, counts: bool) -> tuple[Matrix]:
    """Return Σ_i s_i s_iᵀ as moments of pairs of classes, those of `order` but for its last.

    As `information` does with `class_covariances`. With `counts` row i stands for w_i rows, a share
    t_ik of them of class k: Σ_i w_i Σ_k t_ik (e_k − p_i)(e_k − p_i)ᵀ ⊗ x̃_i x̃_iᵀ, in which the
    classes add diag(t_i) − t_i t_iᵀ to the square of t_i − p_i.
    """
    residual = _residuals(chunk, theta)[order[:-1]]
    targets = _residuals(chunk, None)[order] if counts else None

    def factors(rows: slice) -> Floats:
        c = pair_products(residual[:, rows])
        if targets is not None:
            c += class_covariances(targets[:, rows])
        if chunk.weight is not None:
            c *= chunk.weight[rows] if counts else chunk.weight[rows] ** 2
        return c

    n_pairs = len(residual) * (len(residual) + 1) // 2
    return (moments(chunk.rows, factors, n_pairs, theta.shape[1], signed=True),)


def grouped_scores(
    block: Block, coordinates: Coordinates, theta: Matrix, groups: Index, n_groups: int
) -> tuple[Matrix]:
    """Return Σ_i s_i over the rows of each group, (n_groups, K, D); `groups` (m,) in sorted order."""
    sums = np.zeros((n_groups, *theta.shape))
    first = 0
    for chunk in chunks(block, coordinates, np.float64):
        residual = chunk.weights() * _residuals(chunk, theta)
        own = groups[first : first + chunk.rows.n_rows]
        first += chunk.rows.n_rows
        bounds = [0, *(np.flatnonzero(np.diff(own)) + 1), len(own)]
        for begin, end in pairwise(bounds):
            rows = slice(begin, end)
            sums[own[begin]] += chunk.rows.part(rows).sums(residual[:, rows])
    return (sums,)


def _residuals(chunk: Chunk, theta: Matrix | None) -> Floats:
    """t_i − p_i, (K, b); t_i where there is no θ."""
    residual: Floats = np.zeros((chunk.targets.n_classes, chunk.rows.n_rows))
    if theta is not None:
        residual = probabilities(chunk, theta)
    chunk.targets.subtract_from(residual)
    return np.negative(residual, out=residual)
