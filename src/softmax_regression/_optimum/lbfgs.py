"""Limited-memory BFGS: the last pairs (s, y) as an inverse Hessian, in its compact form.

With S and Z = P⁻¹ Y as rows, R the upper triangle of SᵀY (s_i·y_j, i ≤ j), E its diagonal and γ
the scale of the first matrix γ P⁻¹,

    H = γ P⁻¹ + [S, γ Z] [[R⁻ᵀ (E + γ Yᵀ Z) R⁻¹, −R⁻ᵀ], [−R⁻¹, 0]] [S, γ Z]ᵀ

(Byrd, Nocedal and Schnabel, 1994, Mathematical Programming 63, theorem 2.2): two products with
each of S and Z, where the two-loop recursion reads every pair four times.
"""

import math
from typing import NamedTuple

import numpy as np

from .._types import Apply, Matrix, Precision

PAIRS = 20
# A part of ‖s‖ ‖y‖: smaller s·y are rounding.
LOST = 1e-12


class Projections(NamedTuple):
    """A gradient g, P⁻¹ g, and S g and Z g, an entry for every row."""

    gradient: Matrix
    solved: Matrix
    steps: Matrix
    scaled: Matrix


class Memory:
    """Pairs s = θ⁺ − θ, y = g⁺ − g, at most `PAIRS` of them, on one first matrix P.

    S and Z are kept in the precision of the passes, `dtype`; γ is at least `least_scale`. Products
    with y are differences of those with g⁺ and g, which the directions need anyway.
    """

    def __init__(self, apply: Apply, dtype: Precision, least_scale: float = 0.0) -> None:
        self.apply, self.dtype, self.least_scale = apply, dtype, least_scale
        self.steps = self.scaled = np.empty((0, 0), dtype)
        self.first = np.zeros((PAIRS, PAIRS))  # Yᵀ Z
        self.clear()

    def clear(self) -> None:
        self.added, self.scale = 0, 1.0
        self.inverse, self.inner = np.zeros((PAIRS, PAIRS)), np.zeros(PAIRS)  # R⁻¹ and E
        self.last: Projections | None = None

    def _project(self, gradient: Matrix) -> Projections:
        if self.last is not None and self.last.gradient is gradient:
            return self.last
        solved, known = self.apply(gradient), min(self.added, PAIRS)
        along = np.zeros((2, PAIRS))
        if known:
            g = gradient.astype(self.dtype).ravel()
            along[0, :known] = self.steps[:known] @ g
            along[1, :known] = self.scaled[:known] @ g
        return Projections(gradient, solved, *along)

    def add(self, step: Matrix, before: Matrix, after: Matrix) -> None:
        """Keep a step and the gradients at its ends, unless s·y is lost in rounding."""
        change = after - before
        curvature = float(np.vdot(step, change))
        lengths = float(np.vdot(step, step)) * float(np.vdot(change, change))
        if not curvature > LOST * math.sqrt(lengths):
            return
        if not self.steps.size:
            self.steps = np.empty((PAIRS, step.size), self.dtype)
            self.scaled = np.empty((PAIRS, step.size), self.dtype)
        old, new = self._project(before), self._project(after)
        row = self.added % PAIRS  # the oldest pair's, once all are taken
        self.added += 1
        scaled = new.solved - old.solved
        self.steps[row], self.scaled[row] = step.ravel(), scaled.ravel()
        self._extend(row, new.steps - old.steps, curvature)
        self.first[:, row] = self.first[row, :] = new.scaled - old.scaled
        self.first[row, row] = np.vdot(change, scaled)
        self.scale = max(self.least_scale, curvature / self.first[row, row])
        new.steps[row], new.scaled[row] = np.vdot(step, after), np.vdot(scaled, after)
        self.last = new

    def _extend(self, row: int, inner: Matrix, curvature: float) -> None:
        """Give R a last column, S y, and R⁻¹ with it; the oldest pair's row and column go."""
        self.inverse[row] = self.inverse[:, row] = 0.0
        self.inverse[:, row] = self.inverse @ inner / -curvature
        self.inverse[row, row] = 1.0 / curvature
        self.inner[row] = curvature

    def direction(self, gradient: Matrix) -> Matrix:
        """−H g, with γ = s·y / (y·P⁻¹y) of the last pair."""
        self.last = self._project(gradient)
        if not self.added:
            return -self.last.solved
        a = self.inverse @ self.last.steps
        middle = self.inner * a + self.scale * (self.first @ a - self.last.scaled)
        known = min(self.added, PAIRS)
        combination = np.stack([middle @ self.inverse, -self.scale * a]).astype(self.dtype)
        correction = combination[0, :known] @ self.steps[:known]
        correction += combination[1, :known] @ self.scaled[:known]
        descent: Matrix = -self.scale * self.last.solved
        descent -= correction.reshape(gradient.shape)
        return descent
