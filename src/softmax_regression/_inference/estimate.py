"""The estimate and its covariance: from the fit's coefficients by Newton's method to the last digit.

In standardised columns and relative to the heaviest class, where inverses lose the fewest digits.
"""

import math
from contextlib import suppress
from typing import NamedTuple

import numpy as np

from .._likelihood.coordinates import Coordinates
from .._likelihood.value import value
from .._likelihood.working import Likelihood
from .._parameters import Parameters
from .._penalty import Penalty
from .._types import Matrix, Vector
from .covariance import (
    Definite,
    NoEstimateError,
    SingularError,
    class_order,
    has_few_rows,
    loss_and_information,
)

# Standard errors that a fit may stand from the optimum, and that the last step goes at most.
FARTHEST = 0.5
SETTLED = 1e-8
# Of the largest entry of θ: a step that is longer, however few standard errors, has not settled.
SETTLED_STEP = 1e-6
# A step that leaves more than this share of the distance asks for a new information matrix.
CONTRACTION = 0.1
MATRICES = 12


class NotAtOptimumError(NoEstimateError):
    """The parameters are `distance` standard errors from the optimum, maybe infinitely many."""

    def __init__(self, distance: float) -> None:
        super().__init__(distance)
        self.distance = distance


class NotSettledError(NoEstimateError):
    """Newton's method finds no end: F may have no minimum."""


class Estimate(NamedTuple):
    """θ (K, D) with zeros for the `reference`, and the covariance (q, q) of its other rows."""

    coordinates: Coordinates
    reference: int
    theta: Matrix
    covariance: Matrix

    def contrast(self, of: int, against: int) -> Vector:
        """Return the log-odds θ_a − θ_b in the caller's columns, (d + 1,), the intercept last."""
        parameters = self.coordinates.outward((self.theta[of] - self.theta[against])[None])
        return np.append(parameters.weights[0], parameters.intercept[0])

    def contrast_covariance(self, of: int, against: int) -> Matrix:
        """Return the covariance V_aa + V_bb − V_ab − V_ba of a contrast, (d + 1, d + 1)."""
        inner = self.inner_covariance(of, against)
        return np.asarray(self.coordinates.covariance(inner[None, :, None])[0, :, 0])

    def inner_covariance(self, of: int, against: int) -> Matrix:
        """Return the covariance of a contrast in standardised columns, (D, D)."""
        blocks = self.blocks()
        rows = [(self._place(of), 1.0), (self._place(against), -1.0)]
        inner = np.zeros((self.theta.shape[1],) * 2)
        for one, sign in rows:
            for other, other_sign in rows:
                if one is not None and other is not None:
                    inner += sign * other_sign * blocks[one, :, other]
        return inner

    def blocks(self) -> Matrix:
        """Return the covariance as (K − 1, D, K − 1, D)."""
        n_classes, columns = self.theta.shape
        return self.covariance.reshape(n_classes - 1, columns, n_classes - 1, columns)

    def free(self, of_all: Matrix) -> Matrix:
        """Return derivatives (…, K, D) by θ without the reference, (…, q)."""
        kept = np.delete(of_all, self.reference, axis=-2)
        return kept.reshape(*kept.shape[:-2], -1)

    def _place(self, k: int) -> int | None:
        return None if k == self.reference else k - (k > self.reference)


class Curve(NamedTuple):
    """Σ w CE at some θ, and the gradient of Σ w CE + N · penalty by the contrasts, (q,).

    `rounded`: of rows in float32.
    """

    loss: float
    gradient: Vector
    rounded: bool = False


class Around(NamedTuple):
    """The curve at some θ, the curvature H there, and under a prior I, the data's part of it."""

    curve: Curve
    matrix: Definite
    information: Matrix | None


class Settled(NamedTuple):
    """The optimum θ (K, D), the loss Σ w CE there, the curvature H, and under a prior I, (q, q)."""

    theta: Matrix
    loss: float
    matrix: Definite
    information: Matrix | None


def add_prior(information: Matrix, l2: Vector, n_classes: int) -> None:
    """Add l2 (1 − 11ᵀ / K) ⊗ diag(1, …, 1, 0) to the information (q, q), in place."""
    if not l2.any():
        return
    blocks = information.reshape(n_classes - 1, len(l2), n_classes - 1, len(l2))
    every = np.arange(n_classes - 1)
    for j, each in enumerate(l2):
        blocks[:, j, :, j] -= each / n_classes
        blocks[every, j, every, j] += each


class Posterior:
    """N · F as a function of the contrasts with one class, N = Σ w_i: a log-likelihood and a prior.

    A penalty ½ l2 Σ_k W_kj² is least, over what the softmax does not see, where the W_kj sum to
    zero over classes: ½ l2 (Σ_k δ_k² − (Σ_k δ_k)² / K) of the contrasts δ.
    """

    def __init__(self, likelihood: Likelihood, penalty: Penalty) -> None:
        self.likelihood = likelihood
        self.reference = int(np.argmax(likelihood.survey.targets))
        within = penalty.within(likelihood.coordinates)
        self.l2 = likelihood.survey.weight * np.asarray(within.l2)

    def inward(self, parameters: Parameters) -> Matrix:
        """Return θ of contrasts with the reference, (K, D)."""
        theta = self.likelihood.coordinates.inward(parameters)
        return np.asarray(theta - theta[self.reference])

    def at(self, theta: Matrix) -> Curve:
        """Return the loss and the gradients by one reading of the rows."""
        return self._curve(theta, *self.likelihood.sums(value, theta, products=True))

    def around(self, theta: Matrix, *, exact: bool = True) -> Around:
        """Return what `at` does with the curvature H, by one reading; in float32 unless `exact`.

        H = I + N l2 (1 − 11ᵀ / K) ⊗ diag(1, …, 1, 0). Of few rows only the products of H are made in
        float32: these rows are kept for the readings that follow.

        Raises
        ------
        SingularError
            H has no inverse to float64.
        """
        rounded = not (exact or has_few_rows(self.likelihood))
        loss, data, information = loss_and_information(
            self.likelihood,
            theta,
            self.reference,
            exact=exact,
            dtype=np.float32 if rounded else np.float64,
        )
        curve = self._curve(theta, loss, data)._replace(rounded=rounded)
        if not self.l2.any():
            return Around(curve, Definite(information), None)
        curvature = information.copy()
        add_prior(curvature, self.l2, len(theta))
        return Around(curve, Definite(curvature), information)

    def pull(self, theta: Matrix) -> Matrix:
        """Return the gradient of the prior, (K, D): at the optimum that of the data is its negative."""
        return np.asarray(self.l2 * (theta - theta.mean(axis=0)))

    def settled(self, start: Matrix) -> Settled:
        """Return the optimum near θ = `start`, by Newton's method.

        A matrix serves for as long as its steps converge fast; where the next step should be the
        last, the matrix that is returned is made.

        Raises
        ------
        SingularError
            The information has no inverse to float64.
        NotAtOptimumError
            The start is more than FARTHEST standard errors √(gᵀ H⁻¹ g) from the optimum.
        NotSettledError
            There seems to be no optimum.
        """
        theta = self._followed(start, self._first(start))
        for _ in range(MATRICES):
            around = self.around(theta)
            step, distance = around.matrix.newton(around.curve.gradient)
            small = np.abs(step).max() <= SETTLED_STEP * max(1.0, np.abs(theta).max())
            if small and distance <= SETTLED:
                last = self._moved(theta, step)
                return Settled(last, around.curve.loss, around.matrix, around.information)
            theta = self._followed(theta, around)
        raise NotSettledError

    def _first(self, theta: Matrix) -> Around:
        """Return what is around the start, in float32 if that will do: no result depends on it.

        A start that is not clearly near is near or far by float64.
        """
        with suppress(SingularError):
            around = self.around(theta, exact=False)
            if around.matrix.newton(around.curve.gradient).distance <= 0.5 * FARTHEST:
                return around
        around = self.around(theta)
        distance = around.matrix.newton(around.curve.gradient).distance
        if not distance <= FARTHEST:
            raise NotAtOptimumError(distance)
        return around

    def _followed(self, theta: Matrix, around: Around) -> Matrix:
        """Return where steps with one matrix lead, as long as they converge fast.

        A step of λ standard errors leaves about λ² / √N: it changes the log-odds of a row by about
        λ / √N, and the curvature by that part. Where this is settled no step follows it.
        """
        close = math.sqrt(SETTLED * math.sqrt(self.likelihood.survey.weight))
        curve, enough = around.curve, math.inf
        while True:
            step, distance = around.matrix.newton(curve.gradient)
            if not distance <= enough:
                return theta
            theta = self._moved(theta, step)
            if distance <= close and not curve.rounded:
                return theta
            curve, enough = self.at(theta), max(close, CONTRACTION * distance)

    def _curve(self, theta: Matrix, loss: float, data: Matrix) -> Curve:
        gradient = data + self.pull(theta)
        return Curve(float(loss), np.delete(gradient, self.reference, axis=0).ravel())

    def _moved(self, theta: Matrix, step: Vector) -> Matrix:
        moved = theta.copy()
        free = class_order(self.reference, len(theta))[:-1]
        moved[free] -= step.reshape(len(free), -1)
        return moved
