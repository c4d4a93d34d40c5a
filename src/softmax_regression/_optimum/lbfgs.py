"""Limited-memory BFGS: the last pairs (s, y) as an inverse Hessian.

Two-loop recursion: Nocedal and Wright, Numerical Optimization, 2nd ed., algorithm 7.4.
"""

from collections import deque

import numpy as np
from numpy.typing import NDArray

from .curvature import Apply

PAIRS = 20


class Memory:
    """Pairs s = θ⁺ − θ, y = g⁺ − g, at most `PAIRS` of them."""

    def __init__(self) -> None:
        self.pairs: deque[tuple[NDArray[np.float64], NDArray[np.float64], float]] = deque(
            maxlen=PAIRS
        )

    def clear(self) -> None:
        self.pairs.clear()

    def add(self, step: NDArray[np.float64], change: NDArray[np.float64]) -> None:
        """Keep a pair unless its curvature s·y is lost in rounding."""
        curvature = float(np.vdot(step, change))
        if curvature > 1e-12 * float(np.linalg.norm(step) * np.linalg.norm(change)):
            self.pairs.append((step, change, curvature))

    def direction(self, gradient: NDArray[np.float64], apply: Apply) -> NDArray[np.float64]:
        """−H g, where the first matrix is γ P⁻¹ with γ = s·y / (y·P⁻¹y) of the last pair."""
        if not self.pairs:
            return -apply(gradient)
        q = gradient.copy()
        projections = []
        for step, change, curvature in reversed(self.pairs):
            projection = float(np.vdot(step, q)) / curvature
            projections.append(projection)
            q -= projection * change
        last, scaled = self.pairs[-1][1], apply(self.pairs[-1][1])
        r = apply(q)
        r *= self.pairs[-1][2] / float(np.vdot(last, scaled))
        for (step, change, curvature), projection in zip(
            self.pairs, reversed(projections), strict=True
        ):
            r += (projection - float(np.vdot(change, r)) / curvature) * step
        return -r
