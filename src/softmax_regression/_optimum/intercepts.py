"""The intercepts that are optimal for given weights.

There the mean probabilities are the mean targets, which is what the proof needs.
"""

from typing import NamedTuple

import numpy as np

from .._likelihood.intercepts import intercepts
from .._likelihood.working import Likelihood
from .._types import Apply, Matrix, Precision, Vector
from .lbfgs import Memory

STEPS = 60
# The matrix of a Newton step is kept while a step leaves less than this of the gradient.
SERVES = 0.5
# A step whose end has a slope back of more than this part of the slope it began with was too long.
BEYOND = 0.25
# Up to EXACT a mean probability less its mean target is the rounding of its sum, and nothing is to
# be gained; up to INEXACT it moves no more of the bound than F's own rounding. In float32 both are
# SINGLE times as large.
EXACT = 1e-15
INEXACT = 1e-13
SINGLE = 1e7
TINY = 1e-300


class Intercepts:
    """Solves for the intercepts of one problem; the matrix of the last Newton step serves again."""

    def __init__(self, likelihood: Likelihood) -> None:
        self.likelihood = likelihood
        self.apply: Apply | None = None

    def solve(
        self,
        theta: Matrix,
        share: float = 0.0,
        dtype: Precision = np.float64,
    ) -> Matrix:
        """Return (V, c) with the c that minimises F for this V, as far as rows in `dtype` tell.

        With a `share` > 0 the mean probabilities need only be at most that share above the mean
        targets.
        """
        solved = theta.copy()
        # What is kept of the rows is kept for the very array it was made with, here in one precision.
        solved[:, -1] += self._correction(theta.copy(), share, dtype)
        # A pass in float32 would else tell of another point.
        return solved.astype(dtype).astype(np.float64)

    def _correction(self, theta: Matrix, share: float, dtype: Precision) -> Vector:
        """Newton's method on the K intercepts, the weights held; L-BFGS while a matrix serves.

        A step that was too long is taken back for one of generalised iterative scaling, which
        always lowers F: c_k += log(t_k / p_k) of the mean targets and probabilities (Darroch and
        Ratcliff, 1972, Annals of Mathematical Statistics 43(5), theorem 1; here each feature is a
        constant).
        """
        unit = 1.0 if dtype is np.float64 else SINGLE
        best: _Point | None = None
        memory: Memory | None = None
        shift, scaled = np.zeros(len(self.likelihood.survey.targets)), False
        for _ in range(STEPS):
            mean, apply = self._moments(theta, shift, dtype, self.apply)
            point = _Point(shift, mean, mean - self.likelihood.survey.targets)
            if best is None or scaled or (point.size < best.size and not point.is_beyond(best)):
                if point.size <= unit * EXACT or (point.gradient <= share * mean).all():
                    best = point
                    break
                if best is not None and point.size > SERVES * best.size:
                    _, apply = self._moments(theta, shift, dtype, None)
                memory = self._learned(memory, apply, best, point)
                best, scaled = point, False
                shift = shift + self._step(memory, point)
            elif best.size <= unit * INEXACT:
                break
            else:
                shift, scaled = best.shift + self._scaling(best), True
        return np.asarray(best.shift - best.shift.mean()) if best else shift

    def _moments(
        self, theta: Matrix, shift: Vector, dtype: Precision, known: Apply | None
    ) -> tuple[Vector, Apply]:
        """Mean probabilities (K,), and the inverse of the Hessian (K, K) unless one is `known`."""
        mean, products = self.likelihood.sums(
            intercepts, theta, shift, known is None, dtype=dtype, products=True
        )
        mean = mean / self.likelihood.survey.weight
        if known is not None:
            return mean, known
        products = products / self.likelihood.survey.weight
        return mean, _inverse(products).dot if products.ndim == 2 else _divided(mean - products)

    def _learned(
        self, memory: Memory | None, apply: Apply, best: "_Point | None", point: "_Point"
    ) -> Memory:
        """Return what is known of the curvature after a step to a better point."""
        if memory is None or best is None or apply is not self.apply:
            self.apply = apply
            return Memory(apply, np.float64)
        memory.add(point.shift - best.shift, best.gradient, point.gradient)
        return memory

    def _step(self, memory: Memory, point: "_Point") -> Matrix:
        """Return Newton's step, no longer than probabilities nearly 0 or 1 bear."""
        direction = memory.direction(point.gradient)
        longest = 1.0 + 2.0 * np.abs(self._scaling(point)).max()
        return np.asarray(direction * min(1.0, longest / (np.abs(direction).max() + TINY)))

    def _scaling(self, point: "_Point") -> Matrix:
        targets = np.maximum(self.likelihood.survey.targets, TINY)
        return np.asarray(np.log(targets / np.maximum(point.mean, TINY)))


class _Point(NamedTuple):
    """What was added to the intercepts, the mean probabilities there, and what is too much of them."""

    shift: Matrix
    mean: Matrix
    gradient: Matrix

    @property
    def size(self) -> float:
        return float(np.abs(self.gradient).max())

    def is_beyond(self, best: "_Point") -> bool:
        """Whether the minimum on the way from `best` lies far behind: F may be larger here."""
        moved = self.shift - best.shift
        return bool(self.gradient @ moved > BEYOND * abs(best.gradient @ moved))


def _divided(diagonal: Matrix) -> Apply:
    """Division by the diagonal of the mean of diag(p) − p pᵀ, as far as float32 tells it from 0."""
    curvature = np.maximum(diagonal, 1e-7 * diagonal.max() + 1e-290)
    return lambda gradient: gradient / curvature


def _inverse(products: Matrix) -> Matrix:
    """Inverse of the mean of diag(p) − p pᵀ on vectors of zero sum, from the mean of p pᵀ."""
    hessian = -products
    # The rows of diag(p) − p pᵀ sum to zero, which also cleans the float32 rounding.
    np.fill_diagonal(hessian, 0.0)
    np.fill_diagonal(hessian, -hessian.sum(axis=1))
    # The ones vector spans the kernel; a multiple of 11ᵀ makes the matrix regular.
    level = float(np.trace(hessian)) / len(hessian) + 1e-290
    ridge = 1e-12 * level * np.eye(len(hessian))
    return np.asarray(np.linalg.inv(hessian + level + ridge))
