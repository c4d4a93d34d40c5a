"""Limited-memory BFGS: the last pairs (s, y) as an inverse Hessian, in its compact form.

With S and Z = P⁻¹ Y as rows, R the upper triangle of SᵀY (s_i·y_j, i ≤ j), E its diagonal and γ
the scale of the first matrix γ P⁻¹,

    H = γ P⁻¹ + [S, γ Z] [[R⁻ᵀ (E + γ Yᵀ Z) R⁻¹, −R⁻ᵀ], [−R⁻¹, 0]] [S, γ Z]ᵀ

(Byrd, Nocedal and Schnabel, 1994, Mathematical Programming 63, theorem 2.2): two products with
each of S and Z, where the two-loop recursion reads every pair four times.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .curvature import Apply

PAIRS = 20


class Projections(NamedTuple):
    """A gradient g, P⁻¹ g, and S g and Z g, an entry for every row."""

    gradient: NDArray[np.float64]
    solved: NDArray[np.float64]
    steps: NDArray[np.float64]
    scaled: NDArray[np.float64]


class Memory:
    """Pairs s = θ⁺ − θ, y = g⁺ − g, at most `PAIRS` of them, on one first matrix P.

    S and Z are kept in the precision of the passes, `dtype`; γ is at least `least_scale`. Products
    with y are differences of those with g⁺ and g, which the directions need anyway.
    """

    def __init__(
        self, apply: Apply, dtype: type[np.floating[Any]], least_scale: float = 0.0
    ) -> None:
        self.apply, self.dtype, self.least_scale = apply, dtype, least_scale
        self.order: list[int] = []  # the rows of S and Z, oldest first
        self.steps = self.scaled = np.empty((0, 0), dtype)
        self.inner, self.first = np.zeros((PAIRS, PAIRS)), np.zeros((PAIRS, PAIRS))
        self.last: Projections | None = None

    def clear(self) -> None:
        self.order, self.last = [], None

    def _project(self, gradient: NDArray[np.float64]) -> Projections:
        if self.last is not None and self.last.gradient is gradient:
            return self.last
        solved, known = self.apply(gradient), len(self.order)
        along = np.zeros((2, PAIRS))
        if known:
            g = gradient.astype(self.dtype).ravel()
            along[0, :known] = self.steps[:known] @ g
            along[1, :known] = self.scaled[:known] @ g
        return Projections(gradient, solved, *along)

    def add(
        self, step: NDArray[np.float64], before: NDArray[np.float64], after: NDArray[np.float64]
    ) -> None:
        """Keep a step and the gradients at its ends, unless s·y is lost in rounding."""
        change = after - before
        curvature = float(np.vdot(step, change))
        if not curvature > 1e-12 * float(np.linalg.norm(step) * np.linalg.norm(change)):
            return
        if not self.steps.size:
            self.steps = np.empty((PAIRS, step.size), self.dtype)
            self.scaled = np.empty((PAIRS, step.size), self.dtype)
        old, new = self._project(before), self._project(after)
        row = len(self.order) if len(self.order) < PAIRS else self.order.pop(0)
        self.order.append(row)
        scaled = new.solved - old.solved
        self.steps[row], self.scaled[row] = step.ravel(), scaled.ravel()
        self.inner[:, row] = new.steps - old.steps
        self.inner[row, row] = curvature
        self.first[:, row] = self.first[row, :] = new.scaled - old.scaled
        self.first[row, row] = np.vdot(change, scaled)
        new.steps[row], new.scaled[row] = np.vdot(step, after), np.vdot(scaled, after)
        self.last = new

    def direction(self, gradient: NDArray[np.float64]) -> NDArray[np.float64]:
        """−H g, with γ = s·y / (y·P⁻¹y) of the last pair."""
        self.last = self._project(gradient)
        if not self.order:
            return -self.last.solved
        order = np.array(self.order)
        last, between = self.order[-1], np.ix_(order, order)
        scale = max(self.least_scale, self.inner[last, last] / self.first[last, last])
        upper = np.triu(self.inner[between])
        a = np.linalg.solve(upper, self.last.steps[order])
        middle = np.diagonal(upper) * a + scale * (self.first[between] @ a)
        middle -= scale * self.last.scaled[order]
        combination = np.empty((2, len(order)), self.dtype)
        combination[0, order] = np.linalg.solve(upper.T, middle)
        combination[1, order] = -scale * a
        correction = combination[0] @ self.steps[: len(order)]
        correction += combination[1] @ self.scaled[: len(order)]
        descent: NDArray[np.float64] = -scale * self.last.solved
        descent -= correction.reshape(gradient.shape)
        return descent
