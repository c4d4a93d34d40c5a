"""The penalty l1 ‖W‖₁ + (l2 / 2) ‖W‖²: the part of F that is not a mean over rows."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray


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
