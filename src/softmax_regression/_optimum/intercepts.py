"""The intercepts that are optimal for given weights.

There the mean probabilities are the mean targets, which is what the proof needs.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .arrays import Apply, Floats
from .lbfgs import Memory
from .passes import flushed, softmax
from .rows import Block
from .standardised import CACHE_BYTES, Standardised

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
# With more, products of all pairs of classes cost more than the passes their matrix saves.
PAIRED_CLASSES = 256
TINY = 1e-300


class Intercepts:
    """Solves for the intercepts of one problem; the matrix of the last Newton step serves again."""

    def __init__(self, rows: Standardised) -> None:
        self.rows = rows
        self.apply: Apply | None = None

    def solve(
        self,
        parameters: NDArray[np.float64],
        share: float = 0.0,
        dtype: type[np.floating[Any]] = np.float64,
    ) -> NDArray[np.float64]:
        """Return (V, c) with the c that minimises F for this V, as far as rows in `dtype` tell.

        With a `share` > 0 the mean probabilities need only be at most that share above the mean
        targets.
        """
        parameters = parameters.copy()
        parameters[:, -1] += self._correction(_Logits(self.rows, parameters, dtype), share)
        # A pass in float32 would else tell of another point.
        return parameters.astype(dtype).astype(np.float64)

    def _correction(self, logits: "_Logits", share: float) -> NDArray[np.float64]:
        """Newton's method on the K intercepts, the weights held; L-BFGS while a matrix serves.

        A step that was too long is taken back for one of generalised iterative scaling, which
        always lowers F: c_k += log(t_k / p_k) of the mean targets and probabilities (Darroch and
        Ratcliff, 1972, Annals of Mathematical Statistics 43(5), theorem 1; here each feature is a
        constant).
        """
        unit = 1.0 if logits.dtype is np.float64 else SINGLE
        best: _Point | None = None
        memory: Memory | None = None
        shift, scaled = np.zeros(len(self.rows.mean_targets)), False
        for _ in range(STEPS):
            mean, apply = _moments(logits, shift, self.apply)
            point = _Point(shift, mean, mean - self.rows.mean_targets)
            if best is None or scaled or (point.size < best.size and not point.is_beyond(best)):
                if point.size <= unit * EXACT or (point.gradient <= share * mean).all():
                    best = point
                    break
                if best is not None and point.size > SERVES * best.size:
                    _, apply = _moments(logits, shift, None)
                memory = self._learned(memory, apply, best, point)
                best, scaled = point, False
                shift = shift + self._step(memory, point)
            elif best.size <= unit * INEXACT:
                break
            else:
                shift, scaled = best.shift + self._scaling(best), True
        return np.asarray(best.shift - best.shift.mean()) if best else shift

    def _learned(
        self, memory: Memory | None, apply: Apply, best: "_Point | None", point: "_Point"
    ) -> Memory:
        """Return what is known of the curvature after a step to a better point."""
        if memory is None or best is None or apply is not self.apply:
            self.apply = apply
            return Memory(apply, np.float64)
        memory.add(point.shift - best.shift, best.gradient, point.gradient)
        return memory

    def _step(self, memory: Memory, point: "_Point") -> NDArray[np.float64]:
        """Return Newton's step, no longer than probabilities nearly 0 or 1 bear."""
        direction = memory.direction(point.gradient)
        longest = 1.0 + 2.0 * np.abs(self._scaling(point)).max()
        return np.asarray(direction * min(1.0, longest / (np.abs(direction).max() + TINY)))

    def _scaling(self, point: "_Point") -> NDArray[np.float64]:
        targets = np.maximum(self.rows.mean_targets, TINY)
        return np.asarray(np.log(targets / np.maximum(point.mean, TINY)))


class _Point(NamedTuple):
    """What was added to the intercepts, the mean probabilities there, and what is too much of them."""

    shift: NDArray[np.float64]
    mean: NDArray[np.float64]
    gradient: NDArray[np.float64]

    @property
    def size(self) -> float:
        return float(np.abs(self.gradient).max())

    def is_beyond(self, best: "_Point") -> bool:
        """Whether the minimum on the way from `best` lies far behind: F may be larger here."""
        moved = self.shift - best.shift
        return bool(self.gradient @ moved > BEYOND * abs(best.gradient @ moved))


class _Logits:
    """Blocks with their logits (K, b) in `dtype`, kept while they fit the cache."""

    def __init__(
        self,
        rows: Standardised,
        parameters: NDArray[np.float64],
        dtype: type[np.floating[Any]],
    ) -> None:
        self.rows, self.parameters, self.dtype = rows, parameters, dtype
        fits = np.dtype(dtype).itemsize * rows.n_rows * rows.n_classes <= CACHE_BYTES
        self.kept = list(self._compute()) if fits else None

    def _compute(self) -> Iterator[tuple[Block, Floats]]:
        for block in self.rows.passes(self.dtype):
            yield block, block.rows.logits(self.parameters)

    def probabilities(self, shift: NDArray[np.float64]) -> Iterator[tuple[Block, Floats]]:
        """Blocks with softmax(z + shift), (K, b)."""
        for block, logits in self._compute() if self.kept is None else self.kept:
            yield block, softmax(logits + shift[:, None].astype(self.dtype))


def _moments(
    logits: _Logits, shift: NDArray[np.float64], known: Apply | None
) -> tuple[NDArray[np.float64], Apply]:
    """Mean probabilities (K,), and the inverse of the Hessian (K, K) unless one is `known`."""
    classes = len(shift)
    mean = np.zeros(classes)
    products = np.zeros((classes, classes) if classes <= PAIRED_CLASSES else classes)
    for block, p in logits.probabilities(shift):
        mean += p.sum(axis=1) if block.weight is None else p @ block.weight
        if known is None:
            # A step needs few digits of the matrix; the gradient decides where Newton ends.
            root = flushed(p.astype(np.float32))
            if block.weight is not None:
                root *= np.sqrt(block.weight).astype(np.float32)
            products += root @ root.T if products.ndim == 2 else np.einsum("ki,ki->k", root, root)
    total = logits.rows.total
    mean /= total
    products /= total
    if known is not None:
        return mean, known
    return mean, _inverse(products).dot if products.ndim == 2 else _divided(mean - products)


def _divided(diagonal: NDArray[np.float64]) -> Apply:
    """Division by the diagonal of the mean of diag(p) − p pᵀ, as far as float32 tells it from 0."""
    curvature = np.maximum(diagonal, 1e-7 * diagonal.max() + 1e-290)
    return lambda gradient: gradient / curvature


def _inverse(products: NDArray[np.float64]) -> NDArray[np.float64]:
    """Inverse of the mean of diag(p) − p pᵀ on vectors of zero sum, from the mean of p pᵀ."""
    hessian = -products
    # The rows of diag(p) − p pᵀ sum to zero, which also cleans the float32 rounding.
    np.fill_diagonal(hessian, 0.0)
    np.fill_diagonal(hessian, -hessian.sum(axis=1))
    # The ones vector spans the kernel; a multiple of 11ᵀ makes the matrix regular.
    level = float(np.trace(hessian)) / len(hessian) + 1e-290
    ridge = 1e-12 * level * np.eye(len(hessian))
    return np.asarray(np.linalg.inv(hessian + level + ridge))
