"""What a fit is given, and what it returns."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ._descent import BatchObjective, DescentState
from ._features import Features, row_blocks
from ._hyperparameters import ClassWeight
from ._objective import Parameters, Penalty, loss_sum, mean_gradient, total_weight
from ._optimum import AveragedDescent
from ._separation import Separation
from ._targets import Labels, Targets
from ._weights import apply_class_weight


class Problem(NamedTuple):
    """Rows to learn from: features, targets, and how much each row counts (None: equally)."""

    X: Features
    targets: Targets
    sample_weight: NDArray[np.float64] | None

    def take(self, rows: NDArray[np.intp]) -> "Problem":
        """Return some of the rows."""
        weight = None if self.sample_weight is None else self.sample_weight[rows]
        return Problem(self.X[rows], self.targets.take(rows), weight)

    def counted(self) -> "Problem":
        """Return the rows that count: those of weight 0 are absent."""
        if self.sample_weight is None or self.sample_weight.all():
            return self
        return self.take(np.flatnonzero(self.sample_weight))

    def weighted(self, class_weight: ClassWeight, classes: NDArray[Any]) -> "Problem":
        """Return the rows that count with the weights of their classes."""
        weight, targets = apply_class_weight(
            self.sample_weight, class_weight, classes, self.targets
        )
        return Problem(self.X, targets, weight).counted()

    def mean_loss(self, parameters: Parameters) -> float:
        """Return the mean cross-entropy, in nats, without smoothing or penalty."""
        total = loss_sum(self.X, self.targets, self.sample_weight, parameters)
        return total / total_weight(self.targets, self.sample_weight)

    def objective(self, penalty: Penalty, parameters: Parameters) -> float:
        """Return F over all rows, in float64, block by block."""
        parameters = Parameters(*(array.astype(np.float64) for array in parameters))
        shape = parameters.weights.shape
        blocks = list(row_blocks(self.targets.n_rows, 8 * max(shape)))
        batch = BatchObjective(shape, blocks[0].stop, Penalty(0.0, 0.0), True, np.float64)
        total = 0.0
        for rows in blocks:
            weight = np.ones(rows.stop - rows.start)
            if self.sample_weight is not None:
                weight = self.sample_weight[rows]
            X = self.X[rows].astype(np.float64)
            with np.errstate(all="ignore"):  # exponentials that overflow are taken again, shifted
                total += batch.evaluate(X, self.targets.take(rows), weight, parameters)
        mean = total / total_weight(self.targets, self.sample_weight)
        return mean + penalty.value(parameters.weights)

    def mean_gradient(self, parameters: Parameters) -> Parameters:
        """Return the gradient of `mean_loss`, in float64."""
        return mean_gradient(self.X, self.targets, self.sample_weight, parameters)


class Start(NamedTuple):
    """Where a fit begins: its parameters, and what an earlier fit of the same model left."""

    state: DescentState
    generator: "np.random.Generator"
    loss_curve: NDArray[np.float64]
    validation_curve: NDArray[np.float64]
    n_iter: int = 0
    stream: AveragedDescent | None = None
    fresh: bool = True

    def parameters(self, n_classes: int) -> Parameters:
        """Return W and b in float64."""
        return Parameters.split(self.state.theta.astype(np.float64), n_classes)


class Learned(NamedTuple):
    """What a fit found out, without what it went on from.

    `advice` is what to tell the user about a fit that ended early, `stop_reason` one of the words
    in `_ending`.
    """

    state: DescentState
    loss_curve: list[float]
    validation_curve: list[float]
    n_iter: int
    optimality_gap: float
    converged: bool
    advice: str | None = None
    stream: AveragedDescent | None = None
    stop_reason: str = ""
    separation: Separation = Separation("none")

    def warning(self, classes: NDArray[Any], names: NDArray[np.object_] | None) -> str | None:
        """Return what to tell the user, if anything."""
        unknown = self.separation.kind == "unknown" and self.stop_reason == "tol"
        if self.separation.unbounded or unknown:
            n_features = self.state.theta.size // len(classes) - 1
            features = [f"x{j}" for j in range(n_features)] if names is None else list(names)
            return self.separation.sentence(list(classes), features)
        return self.advice


Keep = Callable[[Learned], None]


def hold_out(
    targets: Targets, fraction: float, generator: "np.random.Generator"
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Split the rows at random into (kept, held out), each class in about the same proportion.

    Of every class a row is kept.

    Raises
    ------
    ValueError
        No row would be held out.
    """
    order = generator.permutation(targets.n_rows)
    labels = targets.labels if isinstance(targets, Labels) else targets.rows.argmax(axis=1)
    order = order[np.argsort(labels[order], kind="stable")]
    # Row i is held out where the running count i · fraction passes a whole number.
    passed = np.floor((np.arange(targets.n_rows) + 1.5) * fraction)
    held = np.diff(passed, prepend=np.floor(0.5 * fraction)) > 0
    first = np.flatnonzero(np.diff(labels[order], prepend=-1))
    held[first[np.logical_and.reduceat(held, first)]] = False
    if not held.any():
        message = (
            f"validation_fraction={fraction} of {targets.n_rows} rows of weight > 0 leaves no row to "
            "validate on, with one of every class to learn from; give more rows, a larger "
            "validation_fraction, or validation_data"
        )
        raise ValueError(message)
    return np.sort(order[~held]), np.sort(order[held])
