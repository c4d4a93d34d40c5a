"""The intercepts that are optimal for given weights.

There the mean probabilities are the mean targets, which is what the proof needs.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .lbfgs import Memory
from .passes import flushed, softmax
from .rows import Block, Floats
from .spread import Apply
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
        targets = self.rows.mean_targets
        shift = best = scaling = at_best = np.zeros(len(targets))
        unit = 1.0 if logits.dtype is np.float64 else SINGLE
        least, scaled = np.inf, False
        memory: Memory | None = None
        for _ in range(STEPS):
            mean, apply = _moments(logits, shift, self.apply)
            gradient = mean - targets
            size = float(np.abs(gradient).max())
            moved = shift - best
            # A smaller gradient beyond the minimum along the step may be one of a larger F.
            beyond = gradient @ moved > BEYOND * abs(at_best @ moved)
            if scaled or (size < least and not beyond):
                if size <= unit * EXACT or (gradient <= share * mean).all():
                    best = shift
                    break
                if size > SERVES * least:
                    _, apply = _moments(logits, shift, None)
                if memory is None or apply is not self.apply:
                    self.apply, memory = apply, Memory(apply, np.float64)
                else:
                    memory.add(moved, at_best, gradient)
                best, least, scaled, at_best = shift, size, False, gradient
                scaling = np.log(np.maximum(targets, TINY) / np.maximum(mean, TINY))
                direction = memory.direction(gradient)
                # Where probabilities are nearly 0 or 1, Newton leaps far beyond what they ask for.
                longest = 1.0 + 2.0 * np.abs(scaling).max()
                shift = shift + direction * min(1.0, longest / (np.abs(direction).max() + TINY))
            elif least <= unit * INEXACT:
                break
            else:
                shift, scaled = best + scaling, True
        return np.asarray(best - best.mean())


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
