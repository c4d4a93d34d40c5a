"""The model of F with an l1 penalty: the sample's Hessian in a proximal Newton step, with exact zeros."""

import numpy as np

from .._objective import Objective, Point
from .._optimum.elastic_net import ElasticNet
from .._optimum.lbfgs import PAIRS
from .._optimum.local_model import LARGEST_MATRIX, LocalModel
from .._optimum.reduced_hessian import HessianMatrix, HessianProducts
from .._types import Apply, Index, Matrix, Vector
from .model import missing

# Of the curvature that the Hessian foretells along a step: less is rounding.
FLAT = 1e-10


class PairedProducts(HessianProducts):
    """H by passes over the sample, corrected by the BFGS formula, as `HessianMatrix` is."""

    def __init__(self, objective: Objective, theta: Matrix, free: Index) -> None:
        super().__init__(objective, theta, free)
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


class SampleModel(LocalModel):
    """The local model whose Hessian is the sample's at the point, corrected by all pairs."""

    def __init__(self, sample: Objective) -> None:
        super().__init__(sample)
        self.pairs: list[tuple[Matrix, Matrix]] = []

    def learn(self, old: Point, new: Point) -> None:
        """Keep a step and the change of gradient along it, over all rows."""
        pair = (new.theta - old.theta).ravel(), (new.gradient - old.gradient).ravel()
        self.pairs = [*self.pairs, pair][-PAIRS:]

    def _hessian(self, theta: Matrix, free: Index) -> HessianMatrix | HessianProducts:
        if self.objective.likelihood.sparse or len(free) > LARGEST_MATRIX:
            hessian: HessianMatrix | PairedProducts = PairedProducts(self.objective, theta, free)
        else:
            hessian = HessianMatrix(self.objective, theta, free, exact=True)
        for step, change in self.pairs:
            hessian.update(step[free], change[free])
        return hessian


class ProximalModel:
    """What `descent` calls a model of F, for F with l1 > 0."""

    lacks, slow = False, np.inf

    def __init__(self, sample: Objective, whole: Objective, tol: float) -> None:
        self.problem = ElasticNet(whole, tol)
        self.local = SampleModel(sample.with_l2(sample.l2 + missing(sample, whole)))
        self.proves = bool(whole.l1[: whole.likelihood.n_features].all())

    def at(self, theta: Matrix, *, summed: bool = False) -> tuple[Point, Apply | None]:  # noqa: ARG002
        """Return F by one reading."""
        return self.problem.at(theta), None

    def bound(self, point: Point) -> float:
        """Return a proven bound on F − F*."""
        return self.problem.closed(point)

    def direction(self, point: Point) -> Matrix:
        """Return the step to where the model is least."""
        return self.local.direction(point)

    def foretold(self, point: Point, direction: Matrix) -> float:
        """Return the fall of F along the step, to first order with the l1 term whole."""
        return self.local.predicted(point, direction)

    def learn(self, before: Point, after: Point, inverse: Apply | None) -> None:  # noqa: ARG002
        """Take in what a step has shown."""
        self.local.learn(before, after)
