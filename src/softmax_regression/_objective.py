"""The objective F at a point, with its gradient and how far it may be above the minimum.

    F(W, b) = (1 / Σ w_i) Σ_i w_i CE(t_i, softmax(W x_i + b)) + Σ_j l1_j ‖W_j‖₁ + ½ Σ_j l2_j ‖W_j‖²

The letters, here and in every room that works on F:

| letter | name | shape |
|---|---|---|
| X | `X` | (n, d), dense or CSR |
| W | `weights` | (K, d) |
| b | `intercept` | (K,), never penalised |
| θ = (V, c) | `theta` | (K, D), W and b in the solver's coordinates |
| z = X Wᵀ + b | `logits` | (K, m), of the m rows of a chunk |
| p | `p` | (K, m), probabilities |
| t | `targets` | labels or probability rows |
| w | `weight` | (n,), None where all are 1 |
| G | `data` | (K, D), gradient of the data term |
"""

from collections.abc import Sequence
from copy import copy
from typing import NamedTuple

import numpy as np

from ._likelihood.block import Block
from ._likelihood.coordinates import Coordinates
from ._likelihood.loss import gradients, losses
from ._likelihood.sums import summed
from ._likelihood.value import value, values
from ._likelihood.working import Likelihood, over_chunks
from ._parameters import Parameters
from ._penalty import Penalty
from ._types import Index, Matrix, Precision, Vector


class Point(NamedTuple):
    """θ, F there, and the gradient of F without its l1 term; all in float64.

    `bound` is at least F − F* where the intercepts are optimal and the pass was in float64.
    """

    theta: Matrix
    value: float
    gradient: Matrix
    bound: float


class Objective:
    """F in the solver's coordinates: the mean over the rows, and a penalty on the columns of θ."""

    def __init__(self, likelihood: Likelihood, penalty: Penalty) -> None:
        self.likelihood = likelihood
        self.penalty = penalty.within(likelihood.coordinates)

    @property
    def l1(self) -> Vector:
        """The l1 of every column of θ, (D,)."""
        return np.asarray(self.penalty.l1)

    @property
    def l2(self) -> Vector:
        """The l2 of every column of θ, (D,)."""
        return np.asarray(self.penalty.l2)

    @property
    def proves(self) -> bool:
        """Whether every feature has an l2 > 0, without which there is no proof."""
        return self.penalty.holds_all

    def columns(self, chosen: Index) -> "Objective":
        """Return F with the weights of all other features held at zero."""
        part = copy(self)
        part.likelihood = self.likelihood.columns(chosen)
        intercept = np.arange(self.likelihood.n_features, self.likelihood.n_columns)
        part.penalty = self.penalty.columns(np.concatenate([chosen, intercept]))
        return part

    def with_l2(self, l2: Vector) -> "Objective":
        """Return F with another l2 in every column of θ."""
        other = copy(self)
        other.penalty = self.penalty._replace(l2=l2)
        return other

    def class_frequencies(self) -> Matrix:
        """Return θ without weights, c at the log of the weighted class frequencies, (K, D)."""
        survey = self.likelihood.survey
        theta = np.zeros((len(survey.targets), self.likelihood.n_columns))
        if self.likelihood.fit_intercept:
            theta[:, -1] = np.log(np.maximum(survey.targets, 0.1 / survey.n_rows))
        return theta

    def at(self, theta: Matrix, dtype: Precision = np.float64) -> Point:
        """Return F and its gradient by one reading of the rows in `dtype`."""
        loss, gradient = self.likelihood.sums(
            value, theta.astype(dtype, copy=False), dtype=dtype, products=True
        )
        return self.point(theta, loss, gradient)

    def at_each(self, thetas: Sequence[Matrix]) -> list[Point]:
        """Return F and its gradient at several points by one reading of the rows."""
        found = self.likelihood.sums(values, tuple(thetas), products=True)
        pairs = zip(thetas, found[::2], found[1::2], strict=True)
        return [self.point(theta, loss, gradient) for theta, loss, gradient in pairs]

    def point(self, theta: Matrix, loss: float, gradient: Matrix) -> Point:
        """Return F from the sums of the losses and of their gradients over all rows."""
        total = self.likelihood.survey.weight
        return self._point(theta, loss / total, gradient / total)

    def constant(self, theta: Matrix) -> Point:
        """Return F and its gradient p x̄ᵀ − M where θ has no weights, without reading the rows.

        Every row has the probabilities p, F is lse(c) − ⟨t̄, c⟩, and M the mean of t_i x̃_iᵀ.
        """
        M = self.likelihood.mean_target_rows
        intercept = self.likelihood.coordinates.intercept(theta)
        raised = np.exp(intercept)
        total = np.add.reduce(raised)
        loss = float(np.log(total) - self.likelihood.survey.targets @ intercept)
        return self._point(theta, loss, (raised / total)[:, None] * np.add.reduce(M, axis=0) - M)

    def _point(self, theta: Matrix, loss: float, data: Matrix) -> Point:
        penalty, slope = self.penalty.value_and_slope(theta)
        gradient = data + slope
        return Point(theta, loss + penalty, gradient, self.bound(gradient))

    def bound(self, gradient: Matrix) -> float:
        """Return what the penalty and a gradient of F say of F − F*, at optimal intercepts."""
        return self.penalty.bound(gradient)


def objective_of(block: Block, penalty: Penalty, parameters: Parameters) -> float:
    """Return F of a model on some rows, in float64."""
    identity = Coordinates.identity(block.X.shape[1], fit_intercept=True)
    theta = identity.inward(Parameters(*(array.astype(np.float64) for array in parameters)))
    seen = (identity, np.float64, True)
    with np.errstate(all="ignore"):  # what overflows is an infinite F
        loss, _ = summed(over_chunks, [block._replace(memo=None)], value, seen, (theta,))
    return float(loss / block.total() + penalty.value(parameters.weights.astype(np.float64)))


def mean_loss(block: Block, parameters: Parameters) -> float:
    """Return the mean cross-entropy in nats, without smoothing or penalty."""
    (total,) = summed(losses, [block], parameters)
    return float(total / block.total())


def mean_gradient(block: Block, parameters: Parameters) -> Parameters:
    """Return the gradient of `mean_loss`, in float64."""
    weights, intercept = summed(gradients, [block], parameters)
    return Parameters(weights / block.total(), intercept / block.total())
