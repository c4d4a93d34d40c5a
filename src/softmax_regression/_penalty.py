"""The penalty Σ_kj l1_j |W_kj| + ½ Σ_kj l2_j W_kj²: the part of F that is not a mean over rows."""

import math
from functools import cached_property
from typing import NamedTuple

import numpy as np

from ._likelihood.coordinates import Coordinates
from ._types import Floats, Index, Matrix, Vector

# A penalty that overflows holds its column at 0; this much does so too, and stays finite.
LARGEST = 1e200
# Penalties of columns further apart cannot be made one by scaling in float64.
FARTHEST = 1e12


class _Sizes(NamedTuple):
    l1: float | Vector
    l2: float | Vector
    intercepts: int = 0


class Penalty(_Sizes):
    """l1 and l2 >= 0, one for every column of a matrix of weights, or one each.

    Section 5.7 of the book, for weights of classes, in which the intercept has no part: so many of
    the last columns are `intercepts`.
    """

    @cached_property
    def has_l1(self) -> bool:
        """Whether a column has an l1."""
        return bool(self.l1) if isinstance(self.l1, float) else bool(np.asarray(self.l1).any())

    @cached_property
    def has_l2(self) -> bool:
        """Whether a column has an l2."""
        return bool(self.l2) if isinstance(self.l2, float) else bool(np.asarray(self.l2).any())

    @cached_property
    def holds_all(self) -> bool:
        """Whether every feature has an l2 > 0."""
        if isinstance(self.l2, float):
            return self.has_l2
        l2 = np.atleast_1d(self.l2)
        return bool(l2[: len(l2) - self.intercepts].all())

    @cached_property
    def _half_inverse(self) -> Vector:
        """1 / (2 l2) of the features, which all have one, and 0 of the intercept, (D,)."""
        l2 = np.array(self.l2, np.float64)
        l2[len(l2) - self.intercepts :] = np.inf
        return np.asarray(0.5 / l2)

    def within(self, coordinates: Coordinates) -> "Penalty":
        """Return the same penalty on θ: l1 / s_j and l2 / s_j² (D,), 0 for the intercept."""
        l1, l2 = np.zeros((2, coordinates.n_columns))
        inside = slice(0, coordinates.n_features)
        with np.errstate(all="ignore"):
            l1[inside] = np.where(self.l1, self.l1 / coordinates.scale, 0.0)
            squares = np.where(self.l2, self.l2 / coordinates.scale**2, 0.0)
        l2[inside] = np.minimum(squares, LARGEST)
        return Penalty(l1, l2, coordinates.n_columns - coordinates.n_features)

    @property
    def is_even(self) -> bool:
        """Whether the columns can be scaled so that one l2 > 0 holds for all of them."""
        if np.ndim(self.l2) == 0:
            return self.has_l2
        return bool(0.0 < np.max(self.l2) <= FARTHEST * np.min(self.l2))

    def even(self) -> "tuple[Penalty, Vector | None]":
        """Return the penalty of s_j W_j, with one l2 for all, and s (D,); None: all are 1.

        With s_j² = l2_j / max l2 it is ½ max l2 Σ_kj (s_j W_kj)².
        """
        if np.ndim(self.l2) == 0:
            return self, None
        most = float(np.max(self.l2))
        return Penalty(self.l1, most), np.sqrt(np.asarray(self.l2) / most)

    def columns(self, chosen: Index) -> "Penalty":
        """Return the penalty of some of the columns, the intercept's among them; one each."""
        return self._replace(l1=np.asarray(self.l1)[chosen], l2=np.asarray(self.l2)[chosen])

    def value(self, weights: Floats) -> float:
        """Return the penalty of `weights` (K, D)."""
        return self.value_and_slope(weights)[0]

    def value_and_slope(self, weights: Floats) -> tuple[float, Floats]:
        """Return the penalty, and the gradient of its smooth part."""
        slope = self.slope(weights)
        total = 0.5 * float(np.vdot(slope, weights)) if self.has_l2 else 0.0
        return total + self.l1_value(weights) if self.has_l1 else total, slope

    def l1_value(self, weights: Floats) -> float:
        """Return Σ_kj l1_j |W_kj|."""
        return float((np.abs(weights).sum(axis=0) * self.l1).sum())

    def slope(self, weights: Floats) -> Floats:
        """Return the gradient l2_j W_kj of the smooth part, in the precision of the weights."""
        return weights * np.asarray(self.l2, weights.dtype)

    def bound(self, gradient: Matrix) -> float:
        """Return Σ_kj g_kj² / (2 l2_j) over the features, g the gradient of F; of one l2 each.

        At optimal intercepts it bounds F − F* (weak duality; Shalev-Shwartz and Zhang, 2014,
        arXiv 1309.2375). Infinite where an l2 is 0, or an l1 is not.
        """
        if self.has_l1 or not self.holds_all:
            return math.inf
        bound = float(np.vdot(gradient * self._half_inverse, gradient))
        return bound if math.isfinite(bound) else math.inf

    def cheapest(self, weights: Matrix) -> Vector:
        """Per column of `weights` (K, m) return the c that minimises the penalty of W − c.

        The softmax does not see c. It is the median of the K entries and the K + 1 points
        mean + l1 (K − 2i) / (l2 K), i = 0 … K (Li and Osher, 2009, Inverse Problems and
        Imaging 3(3)); the mean where neither penalty is. With l1 alone and K even it may be any
        between two entries, and is the one nearer to the mean: a weight of zero more.
        """
        n_classes = len(weights)
        slopes = n_classes - 2.0 * np.arange(n_classes + 1)[:, None]
        step = np.asarray(self.l1) / np.maximum(np.asarray(self.l2) * n_classes, 1e-150)
        mean = weights.mean(axis=0)
        median = np.sort(np.concatenate([weights, mean + slopes * step]), axis=0)[n_classes]
        nearest = np.abs(weights - median).argmin(axis=0)
        entries = weights[nearest, np.arange(weights.shape[1])]
        alone = (np.asarray(self.l1) > 0.0) & (np.asarray(self.l2) == 0.0)
        return np.asarray(np.where(alone, entries, median))
