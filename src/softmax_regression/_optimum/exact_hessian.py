"""The Hessian of F at one point, from all rows: as a matrix where it fits, else by its products.

A product reads the rows as a pass does, and counts as one.
"""

from typing import Protocol

import numpy as np

from .._likelihood.curvature import diagonal
from .._likelihood.working import Likelihood
from .._objective import Objective
from .._types import Index, Matrix, Vector
from .conjugate_gradients import conjugate_gradients
from .curvature import (
    FULL_WORK,
    LEAST_CURVATURE,
    WORK_OF_ENTRY,
    choose,
    coupled,
    data_hessian,
    full_inverse,
    hessian_work,
)
from .plan import SMALL_PASS
from .reduced_hessian import HessianProducts

# Conjugate gradients end with so much of the residual, or after so many products.
LEFT = 0.1
PRODUCTS = 100


class ExactHessian(Protocol):
    """What solves (H + diag(damping)) s = r for one point.

    `products` with H so far; whether the last system was `solved` before they ran out. `order` has
    the class of the largest curvature last: the others' weights, relative to its own, tell all.
    """

    products: int
    solved: bool
    order: Index

    def solve(self, right: Matrix, damping: Vector) -> Matrix: ...


class HessianByFactor:
    """H of all classes but the last in `order`, and its Cholesky factor."""

    def __init__(self, objective: Objective, theta: Matrix) -> None:
        self.products, self.solved = 0, True
        self.ridge = objective.l2 + flat(objective.likelihood)
        (squares,) = objective.likelihood.sums(diagonal, theta)
        self.order = largest_last(squares)
        self.data = data_hessian(objective.likelihood, theta, np.float64, 1, self.order)

    def solve(self, right: Matrix, damping: Vector) -> Matrix:
        """(H + damping)⁻¹ r."""
        ridge = coupled(self.ridge + damping, len(right))
        step = np.empty_like(right)
        step[self.order] = full_inverse(self.data.copy(), ridge)(right[self.order])
        return step


class HessianByProducts:
    """H by passes over the rows and conjugate gradients, `most` products of them in all."""

    def __init__(self, objective: Objective, theta: Matrix, most: int) -> None:
        self.objective, self.theta = objective, theta
        self.hessian = HessianProducts(objective, theta, np.arange(theta.size))
        self.products, self.most, self.solved = 0, most, False
        self.order = largest_last(self.hessian.diagonal.reshape(theta.shape))

    def solve(self, right: Matrix, damping: Vector) -> Matrix:
        """(H + damping)⁻¹ r, about."""
        curvature = choose(self.objective.with_l2(self.objective.l2 + damping), PRODUCTS)
        most = self.products + min(PRODUCTS, self.most - self.products)

        def product(direction: Matrix) -> Matrix:
            self.products += 1
            found = self.hessian.product(direction.ravel()).reshape(direction.shape)
            return np.asarray(found + damping * direction)

        precondition = curvature.build(self.theta, np.float64)
        steps = most - self.products
        found = conjugate_gradients(product, precondition, right, left=LEFT, steps=steps)
        self.solved = self.products < most
        return found


def largest_last(curvature: Matrix) -> Index:
    """Return the classes, that of the largest curvature (K, D) last."""
    classes = np.arange(len(curvature))
    return np.roll(classes, -1 - int(curvature.sum(axis=1).argmax()))


def flat(likelihood: Likelihood) -> Vector:
    """Return the least curvature that is not rounding, (D,): centring leaves it of a constant column.

    Of dense rows constant columns are known, and hold nothing.
    """
    least = np.zeros(likelihood.n_columns)
    if likelihood.sparse:
        coordinates = likelihood.coordinates
        far = coordinates.centre / coordinates.scale
        least[: likelihood.n_features] = LEAST_CURVATURE * far**2
    return least


def factors(likelihood: Likelihood) -> bool:
    """Whether H fits as a matrix."""
    return hessian_work(likelihood, likelihood.n_rows) <= FULL_WORK


def hessian_at(objective: Objective, theta: Matrix, most: int) -> ExactHessian:
    """Return H at a point, to be solved with `most` products at most."""
    if factors(objective.likelihood):
        return HessianByFactor(objective, theta)
    return HessianByProducts(objective, theta, most)


def step_passes(likelihood: Likelihood) -> float:
    """About how many passes over the rows cost as much as a step of Newton's method."""
    if not factors(likelihood):
        return float(PRODUCTS)
    entries = float(likelihood.n_rows) * likelihood.n_columns * likelihood.n_classes
    work = hessian_work(likelihood, likelihood.n_rows)
    return 2.0 + work / (WORK_OF_ENTRY * max(SMALL_PASS, entries))
