"""The columns worth a look: a fit with few nonzero weights reads the others rarely."""

import numpy as np

from .._objective import Point
from .._types import Index
from .elastic_net import ElasticNet

SMALLEST = 32
NEARLY = 0.7


def choose_columns(problem: ElasticNet, point: Point, size: int) -> Index:
    """Return the features in use and those that exceed their threshold most, or nearly reach it.

    At most `size`, or twice those in use; a column's gradient counts relative to its l1.
    """
    weights = slice(0, problem.likelihood.n_features)
    share = (np.abs(problem.data_gradient(point))[:, weights] / problem.objective.l1[weights]).max(
        axis=0
    )
    used = point.theta[:, weights].any(axis=0)
    share[used] = np.inf
    size = max(size, 2 * int(used.sum()))
    candidates = np.flatnonzero(share > NEARLY)
    if len(candidates) <= size:
        return candidates
    return np.sort(candidates[np.argpartition(-share[candidates], size)[:size]])
