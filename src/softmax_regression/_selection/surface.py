"""S F near its minimum, S = Σ w_i: gradient and curvature in the coordinates that are free to move.

Without an l1 term these are the contrasts with one class, whose softmax sees no shift; with one,
the weights that are not zero, whose signs hold (Stephenson and Broderick, 2020, AISTATS).
"""

import math
from typing import NamedTuple

import numpy as np

from .._inference.covariance import Definite, class_order, loss_and_information
from .._inference.estimate import Posterior, add_prior
from .._likelihood.block import Block
from .._likelihood.curvature import free_matrix
from .._likelihood.logits import logits
from .._likelihood.sums import summed
from .._likelihood.value import balanced, value
from .._likelihood.working import Likelihood, over_chunks
from .._objective import Objective
from .._penalty import Penalty
from .._types import Apply, Features, Index, Matrix, Precision, Vector
from .one_step import Step, step_of


class Surface(NamedTuple):
    """θ (K, D), and on its `free` flat places (q,) the derivatives of S F.

    `information` (q, q) is that of the rows, `gradient` (q,) that of S F, and `slope` (q,) the
    gradient of the penalty alone, for a row of weight 1. `l2` (D,) is added to the curvature, of
    contrasts `coupled`.
    """

    likelihood: Likelihood
    theta: Matrix
    free: Index
    information: Matrix
    gradient: Vector
    slope: Vector
    l2: Vector
    coupled: bool

    @property
    def weight(self) -> float:
        """S."""
        return float(self.likelihood.survey.weight)

    def curvature(
        self, information: Matrix, weight: float, dtype: Precision = np.float64
    ) -> Definite:
        """Return G of that information and the penalty of so much weight, factored in `dtype`.

        Raises
        ------
        SingularError
            It has no inverse to that precision.
        """
        matrix = information.copy()
        if self.coupled:
            add_prior(matrix, weight * self.l2, len(self.theta))
        else:
            matrix.flat[:: len(matrix) + 1] += weight * self.l2[self.free % self.theta.shape[1]]
        return Definite(matrix, dtype)

    def distance(self) -> float:
        """Return how many standard errors the minimum is away, √(gᵀ G⁻¹ g)."""
        solved = self.curvature(self.information, self.weight).solve(self.gradient)
        return math.sqrt(max(float(self.gradient @ solved), 0.0))

    def inverse(self, squared_weight: float, dtype: Precision = np.float64) -> Matrix:
        """Return G⁻¹ in `dtype` (q, q), without the penalty of one row, given Σ w_i²."""
        weight = self.weight - squared_weight / self.weight
        return self.curvature(self.information, weight, dtype).inverse()

    def step(self, inverse: Matrix) -> Step:
        """Return the step from θ away from every row by G⁻¹ (q, q), in its precision."""
        columns = self.theta.shape[1]
        k, j = np.divmod(self.free, columns)
        classes, place = np.unique(k, return_inverse=True)
        flat = place * columns + j
        whole = inverse
        if len(flat) < len(classes) * columns:
            whole = np.zeros((len(classes) * columns,) * 2)
            whole[np.ix_(flat, flat)] = inverse
        slope, gradient = np.zeros((2, len(classes) * columns), inverse.dtype)
        slope[flat], gradient[flat] = self.slope, self.gradient
        shape = len(classes), columns
        return step_of(
            self.theta,
            classes,
            whole.reshape(shape * 2),
            slope.reshape(shape),
            gradient.reshape(shape),
        )

    def logits(self, X: Features, theta: Matrix) -> Matrix:
        """Return the logits of rows of the prepared block at θ, (m, K)."""
        coordinates = self.likelihood.coordinates
        seen = coordinates.outward(theta)
        X = X if coordinates.chosen is None else X[:, coordinates.chosen]
        return np.asarray(logits(X, seen))

    def without(self, rows: Block) -> Matrix:
        """Return θ (K, D) after a Newton step on F without some rows."""
        seen = (self.likelihood.coordinates, np.float64, False)
        weight, information = summed(
            over_chunks, [rows], free_matrix, seen, (self.theta, self.free, 1.0, True)
        )
        _, data = summed(over_chunks, [rows], value, seen, (self.theta,))
        gradient = self.gradient - data.ravel()[self.free] - weight * self.slope
        curvature = self.curvature(self.information - information, self.weight - weight)
        theta = self.theta.copy()
        theta.flat[self.free] -= curvature.solve(gradient)
        return theta


def smooth_surface(posterior: Posterior, theta: Matrix, dtype: Precision = np.float64) -> Surface:
    """Return the surface of contrasts θ with the posterior's reference, of rows in `dtype`."""
    likelihood, reference = posterior.likelihood, posterior.reference
    classes = class_order(reference, len(theta))[:-1]
    free = (classes[:, None] * theta.shape[1] + np.arange(theta.shape[1])).ravel()
    _, data, information = loss_and_information(
        likelihood, theta, reference, exact=True, dtype=dtype
    )
    l2 = posterior.l2 / likelihood.survey.weight
    pull = posterior.pull(theta)
    gradient, slope = (data + pull).ravel()[free], pull.ravel()[free] / likelihood.survey.weight
    return Surface(likelihood, theta, free, information, gradient, slope, l2, True)


def newton_step(surface: Surface, inverse: Matrix) -> Apply:
    """Return S G⁻¹ of mean gradients (K, D): in the precision of G⁻¹, the classes summing to zero."""
    weight, free = surface.weight, surface.free

    def apply(gradient: Matrix) -> Matrix:
        step = np.zeros(gradient.shape)
        right = weight * gradient.ravel()[free]
        step.ravel()[free] = inverse @ right.astype(inverse.dtype)
        return balanced(step)

    return apply


def sparse_surface(likelihood: Likelihood, penalty: Penalty, theta: Matrix) -> Surface:
    """Return the surface of the weights of θ that are not zero, with an l1 term."""
    d = likelihood.n_features
    used = np.flatnonzero(theta[:, :d].any(axis=0))
    seen = np.append(used, np.arange(d, theta.shape[1]))
    objective, theta = Objective(likelihood, penalty).columns(used), theta[:, seen]
    free = _support(theta, objective, int(np.argmax(likelihood.survey.targets)))
    part, total = objective.likelihood, likelihood.survey.weight
    _, information = part.sums(free_matrix, theta, free, 1.0, True)
    slope = objective.penalty.slope(theta) + objective.l1 * np.sign(theta)
    gradient = total * (objective.at(theta).gradient + objective.l1 * np.sign(theta))
    return Surface(
        part,
        theta,
        free,
        information,
        gradient.ravel()[free],
        slope.ravel()[free],
        objective.l2,
        False,
    )


def _support(theta: Matrix, objective: Objective, reference: int) -> Index:
    """Return the flat places of the weights that are not zero, and of the intercepts, less a class.

    The softmax sees no shift of the intercepts, nor of a column without an l2 that is full: there
    the signs sum to zero, and a shift within them leaves the l1 term as it is.
    """
    free = theta != 0.0
    features = objective.likelihood.n_features
    free[:, features:] = True
    shifts = free.all(axis=0) & (objective.l2 == 0.0)
    free[reference, shifts] = False
    return np.flatnonzero(free)
