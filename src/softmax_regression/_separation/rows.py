"""Targets as probability rows."""

import numpy as np

from .._likelihood.block import Block
from .._likelihood.targets import Labels
from .pairs import Matrix


def probability_rows(problem: Block) -> Matrix:
    """Return t, (m, K)."""
    targets = problem.targets
    if not isinstance(targets, Labels):
        return targets.rows.astype(np.float64)
    rows = np.zeros((targets.n_rows, targets.n_classes))
    rows[np.arange(targets.n_rows), targets.labels] = 1.0
    return rows
