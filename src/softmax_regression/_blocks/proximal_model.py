"""The model of F with an l1 penalty: the sample's Hessian in a proximal Newton step, with exact zeros."""

from copy import copy

import numpy as np

from .._likelihood.curvature import free_matrix
from .._likelihood.value import value
from .._likelihood.working import Chunk
from .._objective import Objective, Point
from .._optimum.elastic_net import ElasticNet
from .._optimum.lbfgs import PAIRS
from .._optimum.local_model import LARGEST_MATRIX, LocalModel
from .._optimum.reduced_hessian import HessianMatrix, HessianProducts, worthwhile_steps
from .._types import Index, Matrix, Vector
from .model import SLOW, STALE, fits, missing

# A model that costs no reading is solved to more digits, on more coefficients than where it does.
FORCING = 1e-5
MARGIN = 0.5
ROUNDS = 4
# Of the curvature that the Hessian foretells along a step: less is rounding.
FLAT = 1e-10


class PairedProducts(HessianProducts):
    """H by passes over the sample, corrected by the BFGS formula, as `HessianMatrix` is."""

    def __init__(
        self, objective: Objective, theta: Matrix, free: Index, *, copies: int = 1
    ) -> None:
        super().__init__(objective, theta, free, copies=copies)
        self.corrections: list[tuple[Vector, float]] = []

    def product(self, direction: Vector) -> Vector:
        """H v, with the corrections ± u uᵀ."""
        product = super().product(direction)
        for vector, sign in self.corrections:
            product = product + sign * float(vector @ direction) * vector
        return product

    def update(self, step: Vector, change: Vector) -> None:
        """H + y yᵀ / (yᵀs) − H s sᵀ H / (sᵀ H s), with y the change of gradient along s."""
        product = self.product(step)
        curvature, modelled = float(step @ change), float(step @ product)
        if curvature > FLAT * modelled > 0.0:
            grown, lost = change / np.sqrt(curvature), product / np.sqrt(modelled)
            self.corrections += [(grown, 1.0), (lost, -1.0)]
            corrected = self.diagonal + grown**2 - lost**2
            self.diagonal = np.maximum(corrected, FLAT * self.diagonal)


class KnownHessian(HessianMatrix):
    """H as a matrix on all coefficients that a step may change, from sums over all rows."""

    def __init__(self, matrix: Matrix, free: Index, l2: Vector) -> None:
        self.free, self.exact, self.cheap = free, True, False
        self.take(matrix, l2[free % len(l2)])

    def on(self, free: Index) -> HessianMatrix:
        """Return H on some of the coefficients."""
        part, places = copy(self), np.searchsorted(self.free, free)
        part.free, part.matrix = free, self.matrix[places[:, None], places]
        part.diagonal = part.matrix.diagonal().copy()
        part.proximal_steps = worthwhile_steps(len(free))
        part.forcing, part.rounds = FORCING, ROUNDS * self.rounds
        return part


class SampleModel(LocalModel):
    """The local model whose Hessian is the sample's at the point, corrected by all pairs.

    `known`: that of all rows at a former point stands in its place.
    """

    margin = MARGIN

    def __init__(self, sample: Objective) -> None:
        super().__init__(sample)
        self.pairs: list[tuple[Matrix, Matrix]] = []
        self.known: KnownHessian | None = None

    def learn(self, old: Point, new: Point) -> None:
        """Keep a step and the change of gradient along it, over all rows."""
        pair = (new.theta - old.theta).ravel(), (new.gradient - old.gradient).ravel()
        if self.known is not None:
            self.known.update(*(each[self.known.free] for each in pair))
        else:
            self.pairs = [*self.pairs, pair][-PAIRS:]

    def _hessian(self, theta: Matrix, free: Index) -> HessianMatrix | HessianProducts:
        if self.known is not None:
            return self.known.on(free)
        hessian: HessianMatrix | PairedProducts
        if self.objective.likelihood.sparse or len(free) > LARGEST_MATRIX:
            hessian = PairedProducts(self.objective, theta, free, copies=self.copies)
        else:
            hessian = HessianMatrix(self.objective, theta, free, exact=True, copies=self.copies)
        hessian.forcing, hessian.rounds = FORCING, ROUNDS * hessian.rounds
        for step, change in self.pairs:
            hessian.update(step[free], change[free])
        return hessian


class ProximalModel:
    """What `descent` calls a model of F, for F with l1 > 0."""

    def __init__(self, sample: Objective, whole: Objective, tol: float) -> None:
        self.problem = ElasticNet(whole, tol)
        self.local = SampleModel(sample.with_l2(sample.l2 + missing(sample, whole)))
        self.proves = bool(whole.l1[: whole.likelihood.n_features].all())
        self.fits = self.lacks = fits(sample) and whole.likelihood.n_classes * len(whole.l2) <= (
            LARGEST_MATRIX
        )

    @property
    def slow(self) -> float:
        """The part of the last decrement from which on the Hessian is too poor."""
        return SLOW if self.local.known is None else STALE

    def at(self, theta: Matrix, *, summed: bool = False) -> tuple[Point, KnownHessian | None]:
        """Return F by one reading, with the Hessian of all rows there if asked."""
        if not summed:
            return self.problem.at(theta), None
        theta, whole = self.problem.shifted(theta), self.problem.objective
        every = np.arange(self.local.first, theta.size)
        loss, gradient, weight, matrix = whole.likelihood.sums(value_and_matrix, theta, every)
        known = KnownHessian(self.local.copies * matrix / weight, every, whole.l2)
        return whole.point(theta, loss, gradient), known

    def bound(self, point: Point) -> float:
        """Return a proven bound on F − F*."""
        return self.problem.closed(point)

    def direction(self, point: Point) -> Matrix:
        """Return the step to where the model is least."""
        return self.local.direction(point)

    def foretold(self, point: Point, direction: Matrix) -> float:
        """Return the fall of F along the step, to first order with the l1 term whole."""
        return self.local.predicted(point, direction)

    def learn(self, before: Point, after: Point, known: KnownHessian | None) -> None:
        """Take in what a step has shown."""
        self.lacks = self.fits and known is None
        if known is not None:
            self.local.known = known
        else:
            self.local.learn(before, after)

    def forget(self) -> bool:
        """Drop what steps have shown; return whether there was any."""
        dropped = bool(self.local.pairs)
        self.local.pairs = []
        return dropped


def value_and_matrix(
    chunk: Chunk, theta: Matrix, free: Index
) -> tuple[float, Matrix, float, Matrix]:
    """Return the sums of the losses and their gradients (K, D), Σ w_i, and H on some coefficients."""
    return *value(chunk, theta), *free_matrix(chunk, theta, free, 1.0, True)
