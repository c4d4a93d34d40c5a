"""The two fits: the textbook's gradient descent, and the one that needs no tuning."""

import math
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._descent import Batches, BatchObjective, Descent, DescentState, GradientDescent
from ._exceptions import DivergenceError
from ._features import row_blocks
from ._hyperparameters import Hyperparameters, check_learning_rate
from ._objective import Parameters, Penalty, logits, total_weight
from ._optimum import AveragedDescent, Solution, minimise, raw_block
from ._problem import Keep, Learned, Problem, Start, hold_out
from ._progress import Monitor, Plateau, Watch

TEXTBOOK_BATCH = 256
STREAM_BATCH = 1024
# A rise of a full batch's F by this share may be the rounding of float32.
ROUNDING = 1e-5


def learn(
    problem: Problem,
    settings: Hyperparameters,
    start: Start,
    validation: Problem | None,
    keep: Keep,
    *,
    watch: Watch | None = None,
) -> Learned:
    """Fit `problem` from `start`; on divergence `keep` gets the last finite state."""
    rows: NDArray[np.intp] | None = None
    if settings.early_stopping and validation is None:
        rows, held_out = hold_out(problem.targets, settings.validation_fraction, start.generator)
        validation = problem.take(held_out)
    monitor = _monitor(settings, validation, watch)
    if settings.learning_rate == "auto":
        learning = problem if rows is None else problem.take(rows)
        return _to_the_optimum(learning, settings, start, monitor)
    return _textbook(problem, settings, start, monitor, keep, rows=rows)


def learn_batchwise(problem: Problem, settings: Hyperparameters, start: Start) -> Learned:
    """Take one step per batch over rows that stream past once, in the order given."""
    stream = None
    if settings.learning_rate == "auto":
        stream = _stream(problem, settings, start)
        loss = _streamed(stream, problem, settings, start.n_iter)
        learned = stream_parameters(stream, problem.X.shape[1])
        start.state.theta[:] = _held(learned, start.state.theta.dtype).joined()
    else:
        loss = _descent(problem, settings, start.state).epoch(start.state)
        start.state.epoch += not math.isnan(loss)
    curve = [] if math.isnan(loss) else [loss]  # NaN where no row counts
    return Learned(start.state, curve, [], len(curve), math.inf, False, stream=stream)


# The textbook


def _textbook(
    problem: Problem,
    settings: Hyperparameters,
    start: Start,
    monitor: Monitor,
    keep: Keep,
    *,
    rows: NDArray[np.intp] | None,
) -> Learned:
    """Run epochs of gradient descent on `rows` (None: all)."""
    descent = _descent(problem, settings, start.state)
    n_rows = problem.targets.n_rows if rows is None else rows.size
    # With a single batch the order of the rows is only the order of a sum.
    single = descent.batches.batch_size >= n_rows
    generator = start.generator if settings.shuffle and not single else None
    first = _first_loss(problem, settings, start, monitor)
    try:
        descent.run(start.state, settings.max_iter, monitor.report, rows=rows, generator=generator)
    except DivergenceError:
        keep(_described(settings, start, monitor, first, single=single))
        raise
    if monitor.best is not None:
        start.state.theta = monitor.best.joined()
    return _described(settings, start, monitor, first, single=single)


def _first_loss(
    problem: Problem, settings: Hyperparameters, start: Start, monitor: Monitor
) -> float:
    """Return F where the fit begins, or the validation loss where `early_stopping` watches it."""
    if start.fresh:
        return math.log(problem.targets.n_classes)  # without weights, whatever the targets
    parameters = _parameters(start.state, problem)
    if settings.early_stopping and monitor.validation_loss is not None:
        return monitor.validation_loss(parameters)
    return _objective(problem, settings, parameters)


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
    return Learned(
        start.state,
        curve,
        monitor.validation_curve,
        len(curve),
        math.inf,
        monitor.stopped_by in ("tol", "validation") and not rose,
        _rise_advice(first, last, settings) if rose else _textbook_advice(settings, monitor),
        None if curve else start.stream,
    )


def _rise_advice(first: float, last: float, settings: Hyperparameters) -> str:
    name = "validation loss" if settings.early_stopping else "loss"
    return (
        f"the {name} rose from {first:.6g} to {last:.6g} nats: "
        f"learning_rate={settings.learning_rate!r} is too large for the data. Lower it, scale "
        "the features, or leave learning_rate='auto'"
    )


def _textbook_advice(settings: Hyperparameters, monitor: Monitor) -> str | None:
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


def _descent(problem: Problem, settings: Hyperparameters, state: DescentState) -> Descent:
    n_rows, n_features = problem.X.shape
    n_classes = problem.targets.n_classes
    batch_size = max(1, min(_batch_size(settings, TEXTBOOK_BATCH), n_rows))
    objective = BatchObjective(
        (n_classes, n_features),
        batch_size,
        Penalty(settings.l1, settings.l2),
        settings.fit_intercept,
        state.theta.dtype,
    )
    batches = Batches(problem.X, problem.targets, problem.sample_weight, batch_size)
    rule = GradientDescent(settings.momentum, settings.l1, n_classes * n_features)
    return Descent(batches, objective, rule, _schedule(settings))


def _schedule(settings: Hyperparameters) -> Callable[[int], float]:
    rate = settings.learning_rate
    if callable(rate):
        return lambda epoch: check_learning_rate(rate(epoch), epoch)
    return lambda _: float(rate)


# No tuning


def _to_the_optimum(
    problem: Problem, settings: Hyperparameters, start: Start, monitor: Monitor
) -> Learned:
    """Minimise F and prove it."""
    state = start.state
    if settings.max_iter == 0:
        return Learned(state, [], [], 0, math.inf, False, stream=start.stream)
    dtype = state.theta.dtype
    with np.errstate(all="ignore"):  # what overflows ends as a non-finite F
        solution = minimise(
            problem.X,
            problem.targets,
            problem.sample_weight,
            None if start.fresh else _parameters(state, problem),
            l1=settings.l1,
            l2=settings.l2,
            fit_intercept=settings.fit_intercept,
            batch_size=_batch_size(settings, STREAM_BATCH),
            max_iter=settings.max_iter,
            tol=settings.tol,
            generator=start.generator if settings.shuffle else None,
            report=monitor.report,
        )
    if solution.reason == "non-finite":
        raise DivergenceError(start.n_iter + solution.n_iter, solution.objective, None)
    separable = not (settings.l1 or settings.l2) and _separates(problem, solution.parameters)
    if dtype == np.float32 and monitor.best is None:
        solution = _rounded(solution, problem, settings)
    kept, objective, gap = solution.parameters, solution.objective, solution.gap
    if monitor.best is not None:
        kept, gap = _held(monitor.best, dtype), math.inf
        objective = _objective(problem, settings, kept)
    state.theta = kept.joined()
    state.velocity = np.zeros_like(state.theta)
    return Learned(
        state,
        [*monitor.loss_curve, objective],
        monitor.validation_curve,
        solution.n_iter,
        gap,
        (solution.converged or monitor.stopped_by == "validation") and not separable,
        _optimum_advice(solution, settings, separable),
    )


def _rounded(solution: Solution, problem: Problem, settings: Hyperparameters) -> Solution:
    """Return the solution as float32 holds it, where F may be higher than was proven."""
    parameters = _held(solution.parameters, np.float32)
    objective = _objective(problem, settings, parameters)
    rise = max(objective - solution.objective, 0.0)
    gap, decrement = solution.gap + rise, solution.decrement + rise
    within = (gap if math.isfinite(gap) else decrement) <= settings.tol
    return Solution(
        parameters,
        objective,
        gap,
        decrement,
        solution.converged and within,
        solution.n_iter,
        "float32" if solution.converged and not within else solution.reason,
    )


def _held(parameters: Parameters, dtype: Any) -> Parameters:
    """Return the parameters in the model's dtype.

    Raises
    ------
    ValueError
        float32 cannot hold one of them.
    """
    with np.errstate(over="ignore"):
        held = Parameters(*(array.astype(dtype, copy=False) for array in parameters))
    if not all(np.isfinite(array).all() for array in held):
        largest = max(float(np.abs(array).max()) for array in parameters)
        message = (
            f"the parameters reach {largest:.3g}, more than {np.dtype(dtype)} holds: the features "
            "in X are too small for it. Scale them up, or pass X as float64"
        )
        raise ValueError(message)
    return held


def _objective(problem: Problem, settings: Hyperparameters, parameters: Parameters) -> float:
    """Return F over all rows, in float64, block by block."""
    parameters = Parameters(*(array.astype(np.float64) for array in parameters))
    penalty = Penalty(settings.l1, settings.l2)
    shape = parameters.weights.shape
    blocks = list(row_blocks(problem.targets.n_rows, 8 * max(shape)))
    objective = BatchObjective(shape, blocks[0].stop, Penalty(0.0, 0.0), True, np.float64)
    total = 0.0
    for rows in blocks:
        weight = np.ones(rows.stop - rows.start)
        if problem.sample_weight is not None:
            weight = problem.sample_weight[rows]
        X = problem.X[rows].astype(np.float64)
        with np.errstate(all="ignore"):  # exponentials that overflow are taken again, shifted
            total += objective.evaluate(X, problem.targets.take(rows), weight, parameters)
    mean = total / total_weight(problem.targets, problem.sample_weight)
    return mean + penalty.value(parameters.weights)


def _optimum_advice(solution: Solution, settings: Hyperparameters, separable: bool) -> str | None:
    if separable:
        return (
            "the classes are separable: every training row has a positive margin, so that without "
            "a penalty F has no minimum and the coefficients grow as long as the fit runs "
            f"(largest now {np.abs(solution.parameters.weights).max():.3g}). Set l2 > 0"
        )
    if solution.converged or settings.tol == 0 or solution.reason == "stopped":
        return None
    cause, remedy = {
        "max_iter": (
            f"max_iter={settings.max_iter} passes",
            "Raise max_iter or tol; a larger l2 makes the problem easier",
        ),
        "rounding": (
            "the precision of float64",
            "Raise tol, or scale features that differ by many orders of magnitude",
        ),
        "float32": (
            "the precision of float32, in which the model keeps its weights,",
            "Pass X as float64, centre and scale the features, or raise tol",
        ),
    }[solution.reason]
    return f"{cause} ended the fit: {_distance(solution, settings)}. {remedy}"


def _distance(solution: Solution, settings: Hyperparameters) -> str:
    """Return how far F is above its minimum, in words."""
    if math.isfinite(solution.gap):
        distance = f"F is proven to be within {solution.gap:.2g} nats of its minimum"
    elif 0.0 <= solution.decrement < math.inf:
        distance = f"F is estimated to be {solution.decrement:.2g} nats above its minimum"
    else:
        return "how far F is above its minimum is not known"
    return f"{distance}, and tol={settings.tol:g} asks for less"


def _separates(problem: Problem, parameters: Parameters) -> bool:
    """Whether every row has one class, by a positive margin: F has no minimum then.

    Along these parameters F falls for ever.
    """
    for rows in row_blocks(problem.X.shape[0], 8 * max(parameters.weights.shape)):
        labels = problem.targets.take(rows).only_classes()
        if labels is None:
            return False
        margins = _margins(logits(problem.X[rows], parameters), labels)
        if not (margins > 0).all():
            return False
    return True


def _margins(Z: NDArray[Any], labels: NDArray[np.intp]) -> NDArray[Any]:
    """Return how far each row's own logit is above its largest other one."""
    rows = np.arange(len(labels))
    own = Z[rows, labels]
    Z[rows, labels] = -np.inf
    return np.asarray(own - Z.max(axis=1))


def stream_parameters(stream: AveragedDescent, n_features: int) -> Parameters:
    """Return W and b of the stream's average; b is 0 where it has none."""
    weights, intercept = np.split(stream.average, [n_features], axis=1)
    return Parameters(weights, intercept.sum(axis=1))


def _stream(problem: Problem, settings: Hyperparameters, start: Start) -> AveragedDescent:
    """Return where the stream of rows stands, or a new one that begins at the parameters."""
    if settings.l1:
        message = (
            f"l1={settings.l1:g} needs all rows with learning_rate='auto': use fit, or give "
            "partial_fit a numeric learning_rate"
        )
        raise ValueError(message)
    weights, intercept = _parameters(start.state, problem)
    penalty = np.full(weights.shape[1] + settings.fit_intercept, settings.l2)
    if settings.fit_intercept:
        penalty[-1] = 0.0
    # Another l2 or fit_intercept since the last call asks for another metric.
    if start.stream is not None and np.array_equal(start.stream.penalty, penalty):
        return deepcopy(start.stream)
    if settings.fit_intercept:
        weights = np.column_stack([weights, intercept])
    return AveragedDescent(weights, penalty)


def _streamed(
    stream: AveragedDescent, problem: Problem, settings: Hyperparameters, n_iter: int
) -> float:
    """Let the stream take its steps after `n_iter` calls; return the mean of F before each."""
    losses = []
    size = _batch_size(settings, STREAM_BATCH)
    for first in range(0, problem.targets.n_rows, size):
        rows = slice(first, min(first + size, problem.targets.n_rows))
        weight = None if problem.sample_weight is None else problem.sample_weight[rows]
        block = raw_block(
            problem.X[rows], problem.targets.take(rows), weight, settings.fit_intercept
        )
        with np.errstate(all="ignore"):  # what overflows ends as a non-finite F
            loss = stream.step(block)
        if not (math.isfinite(loss) and np.isfinite(stream.parameters).all()):
            raise DivergenceError(n_iter + 1, loss, None)
        losses.append(loss)
    return float(np.mean(losses)) if losses else math.nan


# Both


def _batch_size(settings: Hyperparameters, default: int) -> int:
    return default if settings.batch_size == "auto" else settings.batch_size


def _parameters(state: DescentState, problem: Problem) -> Parameters:
    return Parameters.split(state.theta.astype(np.float64), problem.targets.n_classes)


def _monitor(settings: Hyperparameters, validation: Problem | None, watch: Watch | None) -> Monitor:
    patience = settings.n_iter_no_change
    textbook = settings.learning_rate != "auto"
    watch_training = textbook and settings.tol > 0 and not settings.early_stopping
    return Monitor(
        max_iter=settings.max_iter,
        verbose=settings.verbose,
        callback=settings.callback,
        watch=watch,
        validation_loss=None if validation is None else validation.mean_loss,
        early=Plateau(settings.tol, patience) if settings.early_stopping else None,
        plateau=Plateau(settings.tol, patience) if watch_training else None,
    )
