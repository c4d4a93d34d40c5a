"""One fit, by the textbook's gradient descent or to the proven optimum, over all rows or a stream."""

import math
from collections.abc import Callable
from functools import partial
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ._ending import ending
from ._input.hyperparameters import Hyperparameters
from ._learned import Keep, Learned, Start
from ._likelihood.block import Block
from ._likelihood.held_out import hold_out
from ._objective import mean_loss
from ._progress import Monitor, Plateau, Watch
from ._proven import minimise_and_prove
from ._stream import stream_of, streamed
from ._textbook import descend, descent_of, rise_of_stream

# Finds the l2, and where a fit with it begins.
Choose: TypeAlias = Callable[[Hyperparameters, Start, Monitor], Any]


def learn(
    problem: Block,
    settings: Hyperparameters,
    start: Start,
    validation: Block | None,
    keep: Keep,
    *,
    watch: Watch | None = None,
    choose: Choose | None = None,
) -> Learned:
    """Fit `problem` from `start`; on divergence `keep` gets the last finite state.

    `choose` finds an l2 first.
    """
    rows: NDArray[np.intp] | None = None
    if settings.early_stopping and validation is None:
        rows, held_out = hold_out(
            problem.targets, settings.validation_fraction, start.draws.generator
        )
        validation = problem.pick(held_out)
    monitor = monitor_of(settings, validation, watch)
    choice = None if choose is None else choose(settings, start, monitor)
    if choice is not None:
        settings = settings._replace(l2=choice.selection.l2)
        start = start.at(choice.parameters)
    if settings.learning_rate == "auto":
        learning = problem if rows is None else problem.pick(rows)
        polish = choice is None or not choice.settled
        learned = minimise_and_prove(learning, settings, start, monitor, polish=polish)
        sentence = ending(learned.stop_reason, learned.n_iter, settings._asdict())
        monitor.close(sentence, learned.loss_curve, learned.optimality_gap)
    else:
        learned = descend(problem, settings, start, monitor, keep, rows=rows)
    if learned.stop_reason == "callback":
        learned = learned._replace(advice=monitor.advice)
    if choice is not None:
        learned = _after(choice, learned, stopped=monitor.stopped_by == "callback")
    return learned


def _after(choice: Any, learned: Learned, *, stopped: bool) -> Learned:
    """Return what was learned with the l2 chosen; a search that was stopped has not converged."""
    readings = learned.n_iter + choice.readings
    learned = learned._replace(selection=choice.selection, n_iter=readings)
    return learned._replace(stop_reason="callback", converged=False) if stopped else learned


def learn_batchwise(problem: Block, settings: Hyperparameters, start: Start) -> Learned:
    """Take one step per batch over rows that stream past once, in the order given."""
    stream, advice = None, None
    if settings.learning_rate == "auto":
        stream = stream_of(problem, settings, start)
        loss = streamed(stream, problem, settings, start.n_iter)
        learned = stream.estimate(problem.X.shape[1])
        start.state.theta[:] = learned.held(start.state.theta.dtype).joined()
    else:
        loss = descent_of(problem, settings, start.state).epoch(start.state)
        start.state.epoch += not math.isnan(loss)
        advice = rise_of_stream(loss, problem, settings, start)
    curve = [] if math.isnan(loss) else [loss]  # NaN where no row counts
    return Learned(
        start.state, curve, [], len(curve), math.inf, False, advice, stream, "partial_fit"
    )


def monitor_of(settings: Hyperparameters, validation: Block | None, watch: Watch | None) -> Monitor:
    """Return what keeps the curves of a fit and says when to stop."""
    patience = settings.n_iter_no_change
    textbook = settings.learning_rate != "auto"
    watch_training = textbook and settings.tol > 0 and not settings.early_stopping
    return Monitor(
        max_iter=settings.max_iter,
        verbose=settings.verbose,
        callback=settings.callback,
        watch=watch,
        validation_loss=None if validation is None else partial(mean_loss, validation),
        early=Plateau(settings.tol, patience) if settings.early_stopping else None,
        plateau=Plateau(settings.tol, patience) if watch_training else None,
    )
