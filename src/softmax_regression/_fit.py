"""From a checked problem to a learned state: the textbook's fit, and the fit that needs no tuning."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ._descent import (
    Batches,
    BatchObjective,
    Descent,
    DescentState,
    GradientDescent,
    safe_learning_rate,
)
from ._exceptions import DivergenceError
from ._features import Features
from ._hyperparameters import Hyperparameters, check_learning_rate
from ._objective import Parameters, Penalty, loss_sum, total_weight
from ._progress import Monitor, Plateau
from ._sklearn import Watch
from ._targets import Labels, Targets

DEFAULT_BATCH_SIZE = 256


@dataclass(frozen=True)
class Problem:
    """Rows to learn from: features, targets, and how much each row counts (None: equally)."""

    X: Features
    targets: Targets
    sample_weight: NDArray[np.float64] | None

    def take(self, rows: NDArray[np.intp]) -> "Problem":
        """Return some of the rows."""
        weight = None if self.sample_weight is None else self.sample_weight[rows]
        return Problem(self.X[rows], self.targets.take(rows), weight)

    def mean_loss(self, parameters: Parameters) -> float:
        """Return the mean cross-entropy, in nats, without smoothing or penalty."""
        total = loss_sum(self.X, self.targets, self.sample_weight, parameters)
        return total / total_weight(self.targets, self.sample_weight)


@dataclass(frozen=True)
class Start:
    """Where a fit begins: its parameters, and what an earlier fit of the same model left."""

    state: DescentState
    generator: np.random.Generator
    loss_curve: list[float]
    validation_curve: list[float]


@dataclass(frozen=True)
class Learned:
    """What a fit found out."""

    state: DescentState
    loss_curve: list[float]
    validation_curve: list[float]
    optimality_gap: float
    stopped_by: str
    one_batch: bool = True

    @property
    def converged(self) -> bool:
        """Whether the criterion that `tol` names ended the fit, below where it started."""
        return self.stopped_by in ("tol", "validation") and not self.rose

    @property
    def rose(self) -> bool:
        """Whether the loss ended so far above its start that the step must be too large.

        With one batch the curve is F itself, and any rise counts. With several, each batch is
        measured after steps made for others: sorted rows alone can lift the curve somewhat.
        """
        first, last = self.loss_curve[:1], self.loss_curve[-1:]
        return bool(first) and not last[0] <= (1.0 if self.one_batch else 2.0) * first[0]


def learn(
    problem: Problem,
    settings: Hyperparameters,
    start: Start,
    validation: Problem | None,
    keep: Callable[[Learned], None],
    *,
    watch: Watch | None = None,
) -> Learned:
    """Run the textbook's epochs from `start`; on divergence `keep` gets the last finite state."""
    rows: NDArray[np.intp] | None = None
    if settings.early_stopping and validation is None:
        rows, held_out = hold_out(problem.targets, settings.validation_fraction, start.generator)
        validation = problem.take(held_out)
    monitor = _monitor(settings, start, validation, watch)
    descent = _descent(problem, settings, start.state)
    # With a single batch the order of the rows is only the order of a sum.
    shuffled = settings.shuffle and descent.batches.batch_size < descent.batches.n_rows
    generator = start.generator if shuffled else None
    try:
        descent.run(start.state, settings.max_iter, monitor.report, rows=rows, generator=generator)
    except DivergenceError:
        keep(_learned(descent, start.state, monitor))
        raise
    if monitor.best is not None:
        start.state.theta = np.concatenate([array.ravel() for array in monitor.best])
    return _learned(descent, start.state, monitor)


def learn_batchwise(problem: Problem, settings: Hyperparameters, start: Start) -> Learned:
    """Take one step per batch over rows that stream past once, in the order given."""
    loss = _descent(problem, settings, start.state).epoch(start.state)
    curve = start.loss_curve if math.isnan(loss) else [*start.loss_curve, loss]
    return Learned(start.state, curve, start.validation_curve, math.inf, "")


def hold_out(
    targets: Targets, fraction: float, generator: np.random.Generator
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Split the rows at random into (kept, held out), each class in about the same proportion.

    Raises
    ------
    ValueError
        One of the two parts would be empty.
    """
    order = generator.permutation(targets.n_rows)
    labels = targets.labels if isinstance(targets, Labels) else targets.rows.argmax(axis=1)
    order = order[np.argsort(labels[order], kind="stable")]
    # Row i is held out where the running count i · fraction passes a whole number.
    passed = np.floor((np.arange(targets.n_rows) + 1.5) * fraction)
    held = np.diff(passed, prepend=np.floor(0.5 * fraction)) > 0
    if not held.any() or held.all():
        message = (
            f"validation_fraction={fraction} of {targets.n_rows} rows leaves no row to "
            f"{'learn from' if held.any() else 'validate on'}; give more rows, another "
            "validation_fraction, or validation_data"
        )
        raise ValueError(message)
    return np.sort(order[~held]), np.sort(order[held])


def _descent(problem: Problem, settings: Hyperparameters, state: DescentState) -> Descent:
    n_rows, n_features = problem.X.shape
    n_classes = problem.targets.n_classes
    batch_size = _batch_size(settings, n_rows)
    objective = BatchObjective(
        (n_classes, n_features),
        batch_size,
        Penalty(settings.l1, settings.l2),
        settings.fit_intercept,
        state.theta.dtype,
    )
    batches = Batches(problem.X, problem.targets, problem.sample_weight, batch_size)
    rule = GradientDescent(settings.momentum, settings.l1, n_classes * n_features)
    return Descent(batches, objective, rule, _schedule(problem, settings))


def _batch_size(settings: Hyperparameters, n_rows: int) -> int:
    if settings.batch_size != "auto":
        return min(settings.batch_size, n_rows)
    return n_rows if settings.learning_rate == "auto" else min(DEFAULT_BATCH_SIZE, n_rows)


def _schedule(problem: Problem, settings: Hyperparameters) -> Callable[[int], float]:
    rate = settings.learning_rate
    if isinstance(rate, str):
        safe = safe_learning_rate(problem.X, problem.sample_weight, settings.l2)
        return lambda _: safe
    if callable(rate):
        return lambda epoch: check_learning_rate(rate(epoch), epoch)
    return lambda _: rate


def _monitor(
    settings: Hyperparameters, start: Start, validation: Problem | None, watch: Watch | None
) -> Monitor:
    patience = settings.n_iter_no_change
    watch_training = settings.tol > 0 and not settings.early_stopping
    return Monitor(
        max_iter=settings.max_iter,
        verbose=settings.verbose,
        callback=settings.callback,
        watch=watch,
        validation_loss=None if validation is None else validation.mean_loss,
        early=Plateau(settings.tol, patience) if settings.early_stopping else None,
        plateau=Plateau(settings.tol, patience) if watch_training else None,
        loss_curve=list(start.loss_curve),
        validation_curve=list(start.validation_curve),
    )


def _learned(descent: Descent, state: DescentState, monitor: Monitor) -> Learned:
    return Learned(
        state,
        monitor.loss_curve,
        monitor.validation_curve,
        math.inf,
        monitor.stopped_by,
        one_batch=descent.batches.batch_size >= descent.batches.n_rows,
    )
