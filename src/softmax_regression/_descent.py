"""The textbook: mini-batch gradient descent with the gradient (ŷ - t) xᵀ of equation (5.48).

Everything runs classes first, on (n_classes, batch_size) arrays: reductions over the classes are
then sums of whole rows, faster than sums along short rows. The exponentials here
are not compensated as those of `log_softmax` are, and shifted only where they overflow or vanish;
a step of gradient descent does not feel an error in the last digits.

Source: Jurafsky & Martin, Speech and Language Processing (3rd ed. draft), section 5.6.
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ._arrays import is_sparse
from ._batches import Batches, Piece
from ._exceptions import DivergenceError
from ._likelihood.products import class_logits, filled_up
from ._likelihood.targets import Targets
from ._parameters import Parameters
from ._penalty import Penalty
from ._types import Features


@dataclass(eq=False, repr=False)
class DescentState:
    """Where gradient descent stands: all that the next step depends on, and nothing else.

    `theta` is W and b in one vector θ, so that a step is one operation; `velocity` is the last
    step; `epoch` counts finished epochs.
    """

    theta: NDArray[Any]
    velocity: NDArray[Any]
    epoch: int = 0


class GradientDescent(NamedTuple):
    """The update rule θ ← θ + v with v = momentum · v - rate · ∇F, then the step for l1.

    The l1 term has no gradient at 0; its proximal step moves every weight towards 0 by rate · l1
    and stops there (Parikh & Boyd, Proximal Algorithms, section 6.5.2). The first `n_weights`
    entries of θ are weights, the others the intercept, which has no penalty.
    """

    momentum: float
    l1: float
    n_weights: int

    def step(
        self, state: DescentState, gradient: NDArray[Any], rate: float, out: NDArray[Any]
    ) -> None:
        """Write the θ that follows `state` into `out`, and the step taken into the velocity.

        The step of section 5.6 of the book, where there is neither momentum nor l1.
        """
        theta, velocity = state.theta, state.velocity
        if self.momentum:
            velocity *= self.momentum
            gradient *= rate
            velocity -= gradient
        else:
            np.multiply(gradient, -rate, out=velocity)
        np.add(theta, velocity, out=out)
        if self.l1:
            weights = out[: self.n_weights]
            weights -= np.clip(weights, -rate * self.l1, rate * self.l1)
            np.subtract(out, theta, out=velocity)


class BatchObjective:
    """F and ∇F on one batch of rows, in memory that every batch reuses."""

    def __init__(
        self, shape: tuple[int, int], penalty: Penalty, fit_intercept: bool, dtype: Any
    ) -> None:
        self.n_classes, self.n_features = shape
        self.penalty, self._penalises = penalty, penalty.has_l1 or penalty.has_l2
        self.fit_intercept = fit_intercept
        # What is multiplied has rows of zeros below those of the classes, where BLAS is faster so.
        # Their products are zeros too, which the gradient of the intercept is written over.
        self._rows = filled_up(self.n_classes)
        n_weights, size = self._rows * self.n_features, self.n_classes * (self.n_features + 1)
        memory = np.zeros(max(n_weights, size), dtype)
        self.gradient = memory[:size]
        self._products = memory[:n_weights].reshape(self._rows, self.n_features)
        self._parts = Parameters.split(self.gradient, self.n_classes)
        self._weights = np.zeros_like(self._products)
        self._logits = np.zeros((self._rows, 0), dtype)
        self._ones_by_class = np.ones(self.n_classes, dtype)
        # A sum of exponentials above this has lost no digit to underflow.
        self._least_normal = float(np.finfo(dtype).tiny / np.finfo(dtype).eps)

    def evaluate(self, batch: Iterable[Piece], parameters: Parameters) -> float:
        """Return F on the batch and leave ∇F (without the l1 term) in `gradient`."""
        self._weights[: self.n_classes] = parameters.weights
        loss, is_first = 0.0, True
        for X, targets, weight in batch:
            P, normaliser, loss_of_piece = self._exponentials(X, targets, weight, parameters)
            loss += loss_of_piece
            # Equation (5.48), weighted: the probabilities ŷ, minus the targets y, times the inputs x.
            P *= weight / normaliser
            targets.subtract_from(P, weight)
            self._add_product(P, X, is_first)
            is_first = False
        if self._penalises:
            penalty, slope = self.penalty.value_and_slope(parameters.weights)
            weights, _ = self._parts
            weights += slope
            loss += penalty
        return loss

    def _exponentials(
        self, X: Features, targets: Targets, weight: Any, parameters: Parameters
    ) -> tuple[NDArray[Any], NDArray[Any], float]:
        """Return e^Z, its sums over the classes, and Σ_i w_i [log(sum) - Σ_k t_k z_k]."""
        for shifted in (False, True):
            Z = self._logits_of(X, parameters)
            if shifted:
                Z -= np.maximum.reduce(Z, axis=0)
            true_logits = targets.inner(Z)
            P = np.exp(Z, out=Z)
            # A product with ones is the fastest sum, over the classes here and the rows below.
            normaliser = self._ones_by_class.dot(P)
            losses = np.log(normaliser)
            losses -= true_logits
            loss = self._weighted_sum(losses, weight)
            if math.isfinite(loss) and normaliser[normaliser.argmin()] > self._least_normal:
                break
        return P, normaliser, loss

    def _weighted_sum(self, losses: NDArray[Any], weight: Any) -> float:
        if isinstance(weight, float):
            return float(losses.dot(self._ones)) * weight
        return float(losses.dot(weight))

    def _logits_of(self, X: Features, parameters: Parameters) -> NDArray[Any]:
        if self._logits.shape[1] != X.shape[0]:
            self._make_room(X.shape[0])
        Z = self._residual
        if is_sparse(X):
            Z[...] = (X @ parameters.weights.T).T
        else:
            class_logits(self._weights, X, self._logits)
        if self.fit_intercept:
            Z += parameters.intercept[:, np.newaxis]
        return Z

    def _make_room(self, n_rows: int) -> None:
        self._logits = np.zeros((self._rows, n_rows), self.gradient.dtype)
        self._residual = self._logits[: self.n_classes]
        self._ones = np.ones(n_rows, self.gradient.dtype)

    def _add_product(self, residual: NDArray[Any], X: Features, is_first: bool) -> None:
        """Add residual · X and the sums of the residual to the gradient, which the first begins."""
        weights, intercept = self._parts
        if is_sparse(X):
            weights[...] = (X.T @ residual.T).T
        elif is_first:
            np.matmul(self._logits, X, out=self._products)
        else:
            weights += (self._logits @ X)[: self.n_classes]
        if self.fit_intercept:
            sums = residual.dot(self._ones)
            intercept[...] = sums if is_first else intercept + sums


class Descent(NamedTuple):
    """Gradient descent on one problem: its batches, F on a batch, the rule and the steps.

    `schedule` maps the number of finished epochs to the step of the next.
    """

    batches: Batches
    objective: BatchObjective
    rule: GradientDescent
    schedule: Callable[[int], float]

    def run(
        self,
        state: DescentState,
        max_iter: int,
        report: Callable[[float, Callable[[], Parameters]], bool],
        *,
        rows: NDArray[np.intp] | None = None,
        generator: "np.random.Generator | None" = None,
    ) -> None:
        """Run epochs until `report` says stop or there were `max_iter` of them, changing `state`.

        `rows` are the rows to learn from (None: all), drawn anew by `generator` for every epoch
        (None: in their own order).
        """
        one, two = state.theta, state.theta.copy()
        for _ in range(max_iter):
            order = rows
            if generator is not None:
                order = generator.permutation(self.batches.n_rows if rows is None else rows)
            loss = self.epoch(state, order, two if state.theta is one else one)
            state.epoch += 1
            if report(loss, lambda: self.parameters(state)):
                break

    def parameters(self, state: DescentState) -> Parameters:
        """Return W and b as views of the state's θ."""
        return Parameters.split(state.theta, self.objective.n_classes)

    def epoch(
        self,
        state: DescentState,
        order: NDArray[np.intp] | None = None,
        other: NDArray[Any] | None = None,
    ) -> float:
        """Take one step per batch, changing `state`; return the mean over the batches of F.

        Each batch's F is that at the parameters its step starts from. Without any row nothing
        moves, and the mean of nothing is NaN. `other` is the memory that the steps
        alternate with, and holds the parameters before the last step of the epoch before.

        Raises
        ------
        DivergenceError
            F is no longer finite; `state` is left at the last parameters where it was.
        """
        rate = self.schedule(state.epoch)
        other = state.theta.copy() if other is None else other
        here, there = self.parameters(state), Parameters.split(other, self.objective.n_classes)
        total, n_batches = 0.0, 0
        with np.errstate(all="ignore"):  # what overflows is caught as a non-finite loss
            for batch in self.batches.walk(order):
                loss = self.objective.evaluate(batch, here)
                if not math.isfinite(loss):
                    state.theta, state.velocity = other, np.zeros_like(other)
                    raise DivergenceError(state.epoch + 1, loss, rate)
                self.rule.step(state, self.objective.gradient, rate, other)
                state.theta, other, here, there = other, state.theta, there, here
                total += loss
                n_batches += 1
        if not np.isfinite(state.theta).all():
            state.theta, state.velocity = other, np.zeros_like(other)
            raise DivergenceError(state.epoch + 1, math.inf, rate)
        return total / n_batches if n_batches else math.nan
