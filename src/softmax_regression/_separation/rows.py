"""The rows that count, with their targets and weights."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .._features import Features
from .._targets import Labels, Targets
from .pairs import Matrix


class Rows(NamedTuple):
    """Rows with weights > 0 (None: equal)."""

    X: Features
    targets: Targets
    sample_weight: NDArray[np.float64] | None

    def take(self, rows: slice | NDArray[np.intp]) -> "Rows":
        """Return some of the rows."""
        weight = None if self.sample_weight is None else self.sample_weight[rows]
        return Rows(self.X[rows], self.targets.take(rows), weight)


def probability_rows(problem: Rows) -> Matrix:
    """Return t, (m, K)."""
    targets = problem.targets
    if not isinstance(targets, Labels):
        return targets.rows.astype(np.float64)
    rows = np.zeros((targets.n_rows, targets.n_classes))
    rows[np.arange(targets.n_rows), targets.labels] = 1.0
    return rows
