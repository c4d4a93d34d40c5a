"""The quadratic model of F in which a step is taken, made without reading the rows.

Its matrix P is the Hessian of F over the sample, at the point; where the sample is too poor, that
over all rows at a former point. What it lacks is learned from pairs of gradients over all rows.
"""

from typing import NamedTuple

import numpy as np

from .._likelihood.information import class_covariances, expanded, information
from .._likelihood.value import balanced, value
from .._likelihood.working import Chunk
from .._objective import Objective, Point
from .._optimum.certificate import closed_gap
from .._optimum.curvature import (
    CLASSES_PER_COLUMN,
    FULL_PARAMETERS,
    coupled,
    data_hessian,
    full_inverse,
    paired,
)
from .._optimum.exact_hessian import PRODUCTS, HessianByProducts
from .._optimum.lbfgs import LOST, PAIRS
from .._types import Apply, Matrix, Vector

# Rows of the sample for every parameter, beyond which its Hessian is as good as that of all rows.
ENOUGH = 60
# Of a column's mean square: less in the sample is no chance.
MISSED = 0.5
# A decrement above this part of the last: P is too poor. One of all rows serves longer, being dear.
SLOW = 0.25
STALE = 0.1


class Pair(NamedTuple):
    """A step, and the change of gradient along it, over all rows."""

    step: Matrix
    change: Matrix
    curvature: float


def two_loops(pairs: list[Pair], apply: Apply, gradient: Matrix) -> Matrix:
    """Return H g, with H what the pairs make of the first matrix P⁻¹ (`apply`).

    Nocedal and Wright, Numerical Optimization, 2nd ed., algorithm 7.4.
    """
    shares = []
    for step, change, curvature in reversed(pairs):
        shares.append(float(np.vdot(step, gradient)) / curvature)
        gradient = gradient - shares[-1] * change
    solved = apply(gradient)
    for (step, change, curvature), share in zip(pairs, reversed(shares), strict=True):
        solved = solved + (share - float(np.vdot(change, solved)) / curvature) * step
    return solved


class SmoothModel:
    """P at the point where it is asked for, and the pairs; what `descent` calls a model of F."""

    def __init__(self, sample: Objective, whole: Objective) -> None:
        self.sample, self.whole = sample, whole
        self.proves = whole.proves
        self.missing = missing(sample, whole)
        self.fits = self.lacks = fits(sample)
        self.pairs: list[Pair] = []
        self.exact: Apply | None = None

    @property
    def slow(self) -> float:
        """The part of the last decrement from which on P is too poor."""
        return SLOW if self.exact is None else STALE

    def at(self, theta: Matrix, *, summed: bool = False) -> tuple[Point, Apply | None]:
        """Return F by one reading, with the inverse Hessian of all rows there if asked."""
        theta = balanced(theta.copy())
        if not summed:
            return self.whole.at(theta), None
        likelihood = self.whole.likelihood
        loss, gradient, moments = likelihood.sums(value_and_information, theta, products=True)
        sums = expanded(moments / likelihood.survey.weight, theta.shape[1])
        inverse = full_inverse(paired(sums, len(theta) - 1), coupled(self.whole.l2, len(theta)))
        return self.whole.point(theta, loss, gradient), inverse

    def bound(self, point: Point) -> float:
        """Return a proven bound on F − F*."""
        return closed_gap(self.whole, point)

    def direction(self, point: Point) -> Matrix:
        """Return −H g."""
        apply = self.exact or self._of_sample(point.theta)
        return -two_loops(self.pairs, apply, point.gradient)

    def foretold(self, point: Point, direction: Matrix) -> float:
        """Return −gᵀs."""
        return -float(np.vdot(point.gradient, direction))

    def learn(self, before: Point, after: Point, inverse: Apply | None) -> None:
        """Keep a pair, unless its curvature is lost in rounding; none but of the P in use."""
        if inverse is not None:
            self.pairs, self.exact, self.lacks = [], inverse, False
            return
        self.lacks = self.fits
        step, change = after.theta - before.theta, after.gradient - before.gradient
        curvature = float(np.vdot(step, change))
        lengths = float(np.vdot(step, step)) * float(np.vdot(change, change))
        if curvature > LOST * np.sqrt(lengths):
            self.pairs = [*self.pairs, Pair(step, change, curvature)][-PAIRS:]

    def forget(self) -> bool:
        """Drop what steps have shown; return whether there was any."""
        dropped = bool(self.pairs)
        self.pairs = []
        return dropped

    def _of_sample(self, theta: Matrix) -> Apply:
        """Return P⁻¹ of the sample at θ."""
        likelihood = self.sample.likelihood
        if self.fits:
            part = max(1, likelihood.n_rows // (ENOUGH * theta.size))
            hessian = data_hessian(likelihood, theta, np.float64, part)
            return full_inverse(hessian, coupled(self.whole.l2 + self.missing, len(theta)))
        products = HessianByProducts(self.sample, theta, PRODUCTS)
        return lambda right: products.solve(right, self.missing)


def fits(objective: Objective) -> bool:
    """Whether the Hessian of F fits as a matrix."""
    likelihood = objective.likelihood
    size = (likelihood.n_classes - 1) * likelihood.n_columns
    many = likelihood.n_classes > CLASSES_PER_COLUMN * likelihood.n_columns
    return not (likelihood.sparse or many or size > FULL_PARAMETERS)


def missing(sample: Objective, whole: Objective) -> Vector:
    """Return the curvature that the sample lacks in columns whose spread it has missed, (D,).

    Without it a step along such a column would have no end.
    """
    lacking = np.zeros(whole.likelihood.n_columns)
    coordinates = whole.likelihood.coordinates
    squares = coordinates.squares(whole.likelihood.survey)
    seen = coordinates.squares(sample.likelihood.survey)
    targets = whole.likelihood.survey.targets
    variance = float(targets @ (1.0 - targets)) / len(targets)
    lacking[: len(squares)] = np.where(seen < MISSED * squares, squares - seen, 0.0) * variance
    return lacking


def value_and_information(chunk: Chunk, theta: Matrix) -> tuple[float, Matrix, Matrix]:
    """Return the sums of the losses, their gradients (K, D) and their curvatures.

    The latter as `information` returns them, for K − 1 classes.
    """
    loss, gradient = value(chunk, theta)
    _, moments = information(chunk, theta, class_covariances)
    return loss, gradient, moments
