"""The model of F around a point that a proximal Newton step minimises."""

import numpy as np

from .._objective import Objective, Point
from .._types import Index, Matrix
from .quadratic import FullColumns, minimise_quadratic
from .reduced_hessian import HessianMatrix, HessianProducts

LARGEST_MATRIX = 1500  # free coefficients up to which H is a matrix: 18 MB
SPARSE_WORK = (
    2e8  # multiplications up to which it is one of sparse rows, which are filled in for it
)
MARGIN = 0.9  # a zero coefficient is free from this share of its threshold on


class LocalModel:
    """A quadratic on the free coefficients: those not zero, or whose gradient lifts them.

    The Hessian matrix is built anew when other coefficients become free or the predicted fall
    of F, `decrement`, shrinks too slowly; the BFGS formula corrects it in between. A cheap one is
    built at every step.
    Of two classes, whose coefficients are each other's opposites, the second's are free.
    """

    margin = MARGIN

    def __init__(self, objective: Objective) -> None:
        self.objective = objective
        self.l1 = np.tile(objective.l1, objective.likelihood.n_classes)
        self.copies = 2 if objective.likelihood.n_classes == 2 else 1
        self.first = objective.likelihood.n_columns * (self.copies - 1)
        self.matrix: HessianMatrix | None = None
        self.decrement = np.inf
        self.slow = self.fresh = self.exact = False

    def direction(self, point: Point) -> Matrix:
        """Return the step (K, D) to the model's minimiser."""
        x, gradient = point.theta.ravel(), point.gradient.ravel()
        free = np.flatnonzero((x != 0.0) | (np.abs(gradient) >= self.margin * self.l1))
        free = free[np.searchsorted(free, self.first) :]
        hessian = self._hessian(point.theta, free)
        free = hessian.free
        solved = minimise_quadratic(
            x[free], gradient[free], self.l1[free], hessian, self._full_columns(free)
        )
        step = np.zeros(point.theta.shape)
        step.ravel()[free] = solved - x[free]
        if self.copies == 2:
            step[0] = -step[1]
        return step

    def predicted(self, point: Point, step: Matrix) -> float:
        """Return the fall of F along the step, to first order with the l1 term whole."""
        penalty = self.objective.penalty
        change = penalty.l1_value(point.theta + step) - penalty.l1_value(point.theta)
        fall = -float(np.vdot(point.gradient, step)) - change
        self.slow = not fall < 0.1 * self.decrement
        self.decrement = fall
        return fall

    def learn(self, old: Point, new: Point) -> None:
        """Correct the Hessian by the change of gradient along the step taken, if it serves again."""
        if self.matrix is not None and self.matrix.cheap:
            self.matrix = None
        if self.matrix is not None:
            free = self.matrix.free
            step = (new.theta - old.theta).ravel()[free]
            self.matrix.update(step, (new.gradient - old.gradient).ravel()[free])

    def forget(self) -> None:
        """Drop what gave no better point: the next Hessian is built anew."""
        self.matrix = None

    def _hessian(self, theta: Matrix, free: Index) -> HessianMatrix | HessianProducts:
        if not self._fits(len(free)):
            self.matrix = None
            return HessianProducts(self.objective, theta, free, copies=self.copies)
        # Slow with a Hessian just built: it takes more rows or digits.
        self.exact = self.exact or (self.slow and self.fresh)
        self.fresh = self.matrix is None or self.slow or not self._covers(self.matrix, free)
        if self.matrix is None or self.fresh:
            self.matrix = HessianMatrix(self.objective, theta, free, self.exact, copies=self.copies)
        return self.matrix

    def _fits(self, size: int) -> bool:
        likelihood = self.objective.likelihood
        work = float(likelihood.n_rows) * size**2
        return size <= LARGEST_MATRIX and (not likelihood.sparse or work <= SPARSE_WORK)

    def _covers(self, matrix: HessianMatrix, free: Index) -> bool:
        return bool(np.isin(free, matrix.free, assume_unique=True).all())

    def _full_columns(self, free: Index) -> FullColumns | None:
        """Return the features all of whose K coefficients are free."""
        likelihood = self.objective.likelihood
        counts = np.bincount(free % likelihood.n_columns, minlength=likelihood.n_columns)
        columns = np.flatnonzero(counts[: likelihood.n_features] == likelihood.n_classes)
        if not len(columns):
            return None
        classes = np.arange(likelihood.n_classes)[:, None]
        places = np.searchsorted(free, classes * likelihood.n_columns + columns)
        return FullColumns(places, self.objective.penalty.columns(columns))
