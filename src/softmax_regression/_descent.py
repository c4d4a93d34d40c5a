"""The textbook: mini-batch gradient descent with the gradient (ŷ - t) xᵀ of equation (5.48).

Everything runs classes first, on (n_classes, batch_size) arrays: reductions over the classes are
then sums of whole rows, faster than sums along short rows. The exponentials here
are not compensated as those of `log_softmax` are, and shifted only where they overflow or vanish;
a step of gradient descent does not feel an error in the last digits.

Source: Jurafsky & Martin, Speech and Language Processing (3rd ed. draft), section 5.6.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ._arrays import is_sparse
from ._exceptions import DivergenceError
from ._likelihood.products import class_logits
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
    """F and ∇F on one batch of rows, in buffers that every batch reuses."""

    def __init__(
        self,
        shape: tuple[int, int],
        batch_size: int,
        penalty: Penalty,
        fit_intercept: bool,
        dtype: Any,
    ) -> None:
        self.n_classes, self.n_features = shape
        self.penalty, self._shrinks = penalty, penalty.has_l2
        self.fit_intercept = fit_intercept
        self.gradient = np.zeros(self.n_classes * (self.n_features + 1), dtype)
        self._parts = Parameters.split(self.gradient, self.n_classes)
        self._logits = np.empty(self.n_classes * batch_size, dtype)
        self._ones = np.ones(max(self.n_classes, batch_size), dtype)
        # A sum of exponentials above this has lost no digit to underflow.
        self._least_normal = float(np.finfo(dtype).tiny / np.finfo(dtype).eps)

    def evaluate(self, X: Features, targets: Targets, weight: Any, parameters: Parameters) -> float:
        """Return F on the batch and leave ∇F (without the l1 term) in `gradient`.

        `weight` is w_i / Σ w_i over the batch, shape (batch_size,), or 1 / batch_size.
        """
        P, normaliser, losses = self._exponentials(X, targets, parameters, shifted=False)
        loss = _weighted_mean(losses, weight)
        if not (math.isfinite(loss) and np.minimum.reduce(normaliser) > self._least_normal):
            P, normaliser, losses = self._exponentials(X, targets, parameters, shifted=True)
            loss = _weighted_mean(losses, weight)
        # Equation (5.48), weighted: the probabilities ŷ, minus the targets y, times the inputs x.
        P *= weight / normaliser
        targets.subtract_from(P, weight)
        self._gradient_from(P, X, parameters)
        return loss + self.penalty.value(parameters.weights)

    def _logits_of(self, X: Features, parameters: Parameters) -> NDArray[Any]:
        n_rows = X.shape[0]
        Z = self._logits[: self.n_classes * n_rows].reshape(self.n_classes, n_rows)
        if is_sparse(X):
            Z[...] = (X @ parameters.weights.T).T
        else:
            class_logits(parameters.weights, X, Z)
        if self.fit_intercept:
            Z += parameters.intercept[:, np.newaxis]
        return Z

    def _exponentials(
        self, X: Features, targets: Targets, parameters: Parameters, *, shifted: bool
    ) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
        """Return e^Z, its sums over the classes, and log(sum) - Σ_k t_k z_k for every row."""
        Z = self._logits_of(X, parameters)
        if shifted:
            Z -= np.maximum.reduce(Z, axis=0)
        true_logits = targets.inner(Z)
        P = np.exp(Z, out=Z)
        # A product with ones is the fastest sum, over the classes here and the rows below.
        normaliser = self._ones[: self.n_classes].dot(P)
        losses = np.log(normaliser)
        losses -= true_logits
        return P, normaliser, losses

    def _gradient_from(self, residual: NDArray[Any], X: Features, parameters: Parameters) -> None:
        weights, intercept = self._parts
        if is_sparse(X):
            weights[...] = (X.T @ residual.T).T
        else:
            np.matmul(residual, X, out=weights)
        if self._shrinks:
            weights += self.penalty.slope(parameters.weights)
        if self.fit_intercept:
            residual.dot(self._ones[: X.shape[0]], out=intercept)


class Batches(NamedTuple):
    """The rows of a fit, cut into batches in the order of an epoch."""

    X: Features
    targets: Targets
    sample_weight: NDArray[Any] | None
    batch_size: int

    @property
    def n_rows(self) -> int:
        """The number of rows."""
        return self.targets.n_rows

    def walk(self, order: NDArray[np.intp] | None) -> Iterator[tuple[Features, Targets, Any]]:
        """Yield (X, targets, normalised weight) of each batch; the last may be smaller.

        With `order` None the batches are views.
        """
        n_rows = self.n_rows if order is None else order.shape[0]
        gather = self._gatherer(min(self.batch_size, n_rows), order)
        for start in range(0, n_rows, self.batch_size):
            rows: Any = slice(start, min(start + self.batch_size, n_rows))
            X = gather(rows)
            rows = rows if order is None else order[rows]
            weight: Any = 1.0 / X.shape[0]
            if self.sample_weight is not None:
                weight = self.sample_weight[rows]
                equal = weight.min() == weight.max()  # then as if there were no weights
                weight = 1.0 / X.shape[0] if equal else (weight / weight.sum()).astype(X.dtype)
            yield X, self.targets.take(rows), weight

    def _gatherer(
        self, batch_size: int, order: NDArray[np.intp] | None
    ) -> Callable[[slice], Features]:
        X = self.X
        if order is None:
            return lambda rows: X[rows]
        if (
            is_sparse(X) or not X.flags.c_contiguous
        ):  # `take` would copy all of such an X, each time
            return lambda rows: X[order[rows]]
        buffer = np.empty((batch_size, X.shape[1]), X.dtype)
        # "clip" writes straight into the buffer; the default mode "raise" makes a copy first.
        return lambda rows: X.take(
            order[rows], axis=0, out=buffer[: rows.stop - rows.start], mode="clip"
        )


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
        total, n_batches = 0.0, 0
        with np.errstate(all="ignore"):  # what overflows is caught as a non-finite loss
            for X, targets, weight in self.batches.walk(order):
                parameters = self.parameters(state)
                loss = self.objective.evaluate(X, targets, weight, parameters)
                if not math.isfinite(loss):
                    state.theta, state.velocity = other, np.zeros_like(other)
                    raise DivergenceError(state.epoch + 1, loss, rate)
                self.rule.step(state, self.objective.gradient, rate, other)
                state.theta, other = other, state.theta
                total += loss
                n_batches += 1
        if not np.isfinite(state.theta).all():
            state.theta, state.velocity = other, np.zeros_like(other)
            raise DivergenceError(state.epoch + 1, math.inf, rate)
        return total / n_batches if n_batches else math.nan


def _weighted_mean(values: NDArray[Any], weight: Any) -> float:
    if isinstance(weight, float):
        return float(np.add.reduce(values)) * weight
    return float(values.dot(weight))
