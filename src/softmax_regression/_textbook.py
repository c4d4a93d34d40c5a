"""The textbook's fit: epochs of gradient descent, and what to say of how they ended."""

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ._batches import Batches
from ._descent import BatchObjective, Descent, DescentState, GradientDescent
from ._ending import CONVERGED
from ._exceptions import DivergenceError
from ._input.hyperparameters import Hyperparameters, check_learning_rate
from ._learned import Keep, Learned, Start
from ._likelihood.block import Block
from ._objective import objective_of
from ._penalty import Penalty
from ._progress import Monitor

BATCH = 256
# A rise of a full batch's F by this share may be the rounding of float32.
ROUNDING = 1e-5
# Rows of a stream that are judged together, and nats by which they may be unlucky.
STREAM_ROWS = 256
CHANCE = 20.0


def descend(
    problem: Block,
    settings: Hyperparameters,
    start: Start,
    monitor: Monitor,
    keep: Keep,
    *,
    rows: NDArray[np.intp] | None,
) -> Learned:
    """Run epochs of gradient descent on `rows` (None: all); on divergence `keep` the last state."""
    descent = descent_of(problem, settings, start.state)
    n_rows = problem.targets.n_rows if rows is None else rows.size
    # With a single batch the order of the rows is only the order of a sum.
    single = descent.batches.batch_size >= n_rows
    generator = start.draws.generator if settings.shuffle and not single else None
    first = _first_loss(problem, settings, start, monitor)
    try:
        descent.run(start.state, settings.max_iter, monitor.report, rows=rows, generator=generator)
    except DivergenceError:
        kept = _described(settings, start, monitor, first, single=single)
        keep(kept._replace(converged=False, stop_reason="divergence"))
        raise
    if monitor.best is not None:
        start.state.theta = monitor.best.joined()
    return _described(settings, start, monitor, first, single=single)


def _first_loss(problem: Block, settings: Hyperparameters, start: Start, monitor: Monitor) -> float:
    """Return F where the fit begins, or the validation loss where `early_stopping` watches it."""
    if start.fresh:
        return math.log(problem.targets.n_classes)  # without weights, whatever the targets
    parameters = start.parameters(problem.targets.n_classes)
    if settings.early_stopping and monitor.validation_loss is not None:
        return monitor.validation_loss(parameters)
    return objective_of(problem, Penalty(settings.l1, settings.l2), parameters)


def _described(
    settings: Hyperparameters, start: Start, monitor: Monitor, first: float, *, single: bool
) -> Learned:
    """Return what the epochs since F, or the validation loss, was `first` have come to."""
    curve = monitor.loss_curve
    last = monitor.early.lowest if monitor.early else curve[-1] if curve else first
    # With one batch the curve is F itself, and any rise counts. With several, each batch is
    # measured after steps made for others: sorted rows alone can lift the curve somewhat.
    tolerated = 1.0 + ROUNDING if single and not monitor.early else 2.0
    rose = bool(curve) and not last <= tolerated * first
    reason = "rise" if rose else monitor.stopped_by or "max_iter"
    return Learned(
        start.state,
        curve,
        monitor.validation_curve,
        len(curve),
        math.inf,
        reason in CONVERGED,
        _rise_advice(first, last, settings) if rose else _advice(settings, monitor),
        None if curve else start.stream,
        reason,
    )


def _rise_advice(first: float, last: float, settings: Hyperparameters) -> str:
    name = "validation loss" if settings.early_stopping else "loss"
    return (
        f"the {name} rose from {first:.6g} to {last:.6g} nats: "
        f"learning_rate={settings.learning_rate!r} is too large for the data. Lower it, scale "
        "the features, or leave learning_rate='auto'"
    )


def rise_of_stream(
    loss: float, problem: Block, settings: Hyperparameters, start: Start
) -> str | None:
    """Return what to say of a batchwise pass with F of `loss`, where that is too high for chance.

    Few rows say little: those of the calls before count too, and if the probabilities are right,
    the losses of n rows are above their mean by 20 / n nats a row with odds of e⁻²⁰ or so.
    """
    n_rows = max(problem.targets.n_rows, 1)
    calls = -(-STREAM_ROWS // n_rows)
    recent = [*start.loss_curve[start.loss_curve.size - calls + 1 :], loss]
    mean, equal = float(np.mean(recent)), math.log(problem.targets.n_classes)
    if not mean > 2.0 * equal + CHANCE / (n_rows * len(recent)):
        return None
    return (
        f"the loss of the last rows was {mean:.6g} nats a row, that of equal odds is {equal:.3g}: "
        f"learning_rate={settings.learning_rate!r} is too large for the data, or these rows are "
        "unlike those before. Lower it, scale the features, or leave learning_rate='auto'"
    )


def _advice(settings: Hyperparameters, monitor: Monitor) -> str | None:
    curve = monitor.loss_curve
    if monitor.stopped_by or settings.tol == 0 or not curve:
        return None
    ended = f"max_iter={settings.max_iter} epochs ended the fit before tol={settings.tol:g} did"
    if settings.early_stopping:
        change = _recent_change("validation loss", monitor.validation_curve, settings)
        return f"{ended}{change}. Raise max_iter or tol"
    change = _recent_change("loss", curve, settings)
    return f"{ended}{change}. Raise max_iter or tol, or set tol=0 to run max_iter epochs on purpose"


def _recent_change(name: str, curve: list[float], settings: Hyperparameters) -> str:
    epochs = min(len(curve) - 1, settings.n_iter_no_change)
    if epochs == 0:
        return ""
    change = curve[-1] - curve[-1 - epochs]
    if not math.isfinite(change):
        return ""
    last = f"last {epochs} epochs" if epochs > 1 else "last epoch"
    return f": the {name} changed by {change:+.2g} nats in the {last}"


def descent_of(problem: Block, settings: Hyperparameters, state: DescentState) -> Descent:
    """Return the descent on the rows that goes on from `state`."""
    n_rows, n_features = problem.X.shape
    n_classes = problem.targets.n_classes
    batch_size = max(1, min(settings.rows_per_batch(BATCH), n_rows))
    batches = Batches(problem.X, problem.targets, problem.weight, batch_size)
    objective = BatchObjective(
        (n_classes, n_features),
        Penalty(settings.l1, settings.l2),
        settings.fit_intercept,
        state.theta.dtype,
    )
    rule = GradientDescent(settings.momentum, settings.l1, n_classes * n_features)
    return Descent(batches, objective, rule, _schedule(settings))


def _schedule(settings: Hyperparameters) -> Callable[[int], float]:
    rate = settings.learning_rate
    if callable(rate):
        return lambda epoch: check_learning_rate(rate(epoch), epoch)
    return lambda _: float(rate)
