"""Limited-memory BFGS: the last pairs (s, y) as an inverse Hessian, in its compact form.

With S and Z = P⁻¹ Y as rows, R the upper triangle of SᵀY (s_i·y_j, i ≤ j), E its diagonal and γ
the scale of the first matrix γ P⁻¹,

    H = γ P⁻¹ + [S, γ Z] [[R⁻ᵀ (E + γ Yᵀ Z) R⁻¹, −R⁻ᵀ], [−R⁻¹, 0]] [S, γ Z]ᵀ

(Byrd, Nocedal and Schnabel, 1994, Mathematical Programming 63, theorem 2.2): two products with
each of S and Z, where the two-loop recursion reads every pair four times.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .curvature import Apply

PAIRS = 20


class Memory:
    """Pairs s = θ⁺ − θ, y = g⁺ − g, at most `PAIRS` of them, on one first matrix P.

    S and Z are kept in the precision of the passes, `dtype`; γ is at least `least_scale`.
    """

    def __init__(
        self, apply: Apply, dtype: type[np.floating[Any]], least_scale: float = 0.0
    ) -> None:
        self.apply, self.dtype, self.least_scale = apply, dtype, least_scale
        self.order: list[int] = []  # the rows of S and Z, oldest first
        self.steps = self.scaled = np.empty((0, 0), dtype)
        self.inner, self.first = np.zeros((PAIRS, PAIRS)), np.zeros((PAIRS, PAIRS))

    def clear(self) -> None:
        self.order = []

    def add(self, step: NDArray[np.float64], change: NDArray[np.float64]) -> None:
        """Keep a pair unless its curvature s·y is lost in rounding."""
        curvature = float(np.vdot(step, change))
        if not curvature > 1e-12 * float(np.linalg.norm(step) * np.linalg.norm(change)):
            return
        if not self.steps.size:
            self.steps = np.empty((PAIRS, step.size), self.dtype)
            self.scaled = np.empty((PAIRS, step.size), self.dtype)
        row = len(self.order) if len(self.order) < PAIRS else self.order.pop(0)
        self.order.append(row)
        self.steps[row] = step.ravel()
        self.scaled[row] = self.apply(change).ravel()
        y = change.astype(self.dtype).ravel()
        known = max(self.order) + 1
        self.inner[:known, row] = self.steps[:known] @ y
        self.inner[row, row] = curvature
        self.first[:known, row] = self.first[row, :known] = self.scaled[:known] @ y

    def direction(self, gradient: NDArray[np.float64]) -> NDArray[np.float64]:
        """−H g, with γ = s·y / (y·P⁻¹y) of the last pair."""
        descent = -self.apply(gradient)
        if not self.order:
            return descent
        known, order = len(self.order), np.array(self.order)
        last, between = self.order[-1], np.ix_(order, order)
        scale = max(self.least_scale, self.inner[last, last] / self.first[last, last])
        upper = np.triu(self.inner[between])
        g = gradient.astype(self.dtype).ravel()
        along_steps = (self.steps[:known] @ g)[order].astype(np.float64)
        along_scaled = scale * (self.scaled[:known] @ g)[order]
        a = np.linalg.solve(upper, along_steps)
        middle = np.diagonal(upper) * a + scale * (self.first[between] @ a) - along_scaled
        combination = np.empty((2, known), self.dtype)
        combination[0, order] = np.linalg.solve(upper.T, middle)
        combination[1, order] = -scale * a
        correction = combination[0] @ self.steps[:known]
        correction += combination[1] @ self.scaled[:known]
        descent *= scale
        descent -= correction.reshape(gradient.shape)
        return descent
