"""Rows that stream past once, without a learning rate, from nothing or from a fit."""

import math
from copy import copy

import numpy as np

from ._exceptions import DivergenceError
from ._input.hyperparameters import Hyperparameters
from ._learned import Start
from ._likelihood.block import Block
from ._likelihood.working import raw_chunk
from ._optimum import BATCH, AveragedDescent, RowMetric, Solution
from ._parameters import Parameters
from ._types import Vector


def stream_of(problem: Block, settings: Hyperparameters, start: Start) -> AveragedDescent:
    """Return where the stream of rows stands, or a new one that begins at the parameters."""
    if settings.l1:
        message = (
            f"l1={settings.l1:g} needs all rows with learning_rate='auto': use fit, or give "
            "partial_fit a numeric learning_rate"
        )
        raise ValueError(message)
    parameters = start.parameters(problem.targets.n_classes)
    penalty = _penalty(parameters.weights.shape[1], settings)
    # Without the intercept the rest of the parameters means something else.
    if start.stream is None or start.stream.penalty.shape != penalty.shape:
        return _new(parameters, penalty)
    stream = copied(start.stream)
    if not np.array_equal(stream.penalty, penalty):
        with np.errstate(over="ignore"):  # the stream then begins anew
            stream.penalise(penalty)
    return stream


def stream_after(
    kept: Parameters,
    solution: Solution,
    behind: float,
    settings: Hyperparameters,
    *,
    best: bool,
) -> AveragedDescent:
    """Return the stream that goes on from a fit, `best` on held-out rows or near the minimum.

    `behind` says how many rows of equal weight the fit is worth.
    """
    n_features = kept.weights.shape[1]
    stream = _new(
        Parameters(*(array.astype(np.float64) for array in kept)), _penalty(n_features, settings)
    )
    stream.behind = behind
    metric = stream.metric
    metric.mean, metric.variance = solution.centre, solution.deviation**2
    metric.rows, metric.seen = min(stream.behind, metric.known_rows), stream.behind
    if settings.l1:
        metric.renew(stream.penalty[:n_features])
        # The stream's objective has no l1, whose gradient balanced that of the rest.
        lacking = np.zeros_like(stream.average)
        lacking[:, :n_features] = settings.l1 * np.sign(kept.weights)
        stream.changed(lacking)
    if not best:
        stream.is_above(_excess(solution))
    return stream


def effective_rows(problem: Block) -> float:
    """Return (Σ w)² / Σ w², how many rows of equal weight these rows are worth."""
    weight = problem.weight
    if weight is None:
        return float(problem.n_rows)
    return float(weight.sum() ** 2 / (weight @ weight))


def streamed(
    stream: AveragedDescent, problem: Block, settings: Hyperparameters, n_iter: int
) -> float:
    """Let the stream take its steps after `n_iter` calls; return the mean of F before each."""
    losses = []
    size = settings.rows_per_batch(BATCH)
    for first in range(0, problem.targets.n_rows, size):
        rows = slice(first, min(first + size, problem.targets.n_rows))
        weight = None if problem.weight is None else problem.weight[rows]
        block = raw_chunk(
            problem.X[rows], problem.targets.take(rows), weight, settings.fit_intercept
        )
        with np.errstate(all="ignore"):  # what overflows ends as a non-finite F
            loss = stream.step(block)
        if not (math.isfinite(loss) and np.isfinite(stream.parameters).all()):
            raise DivergenceError(n_iter + 1, loss, None)
        losses.append(loss)
    return float(np.mean(losses)) if losses else math.nan


def copied(stream: AveragedDescent) -> AveragedDescent:
    """Return a stream that goes its own way: its arrays are replaced, never written to."""
    own = copy(stream)
    own.metric = copy(stream.metric)
    return own


def _new(parameters: Parameters, penalty: Vector) -> AveragedDescent:
    """Return a stream that begins at the parameters and knows nothing of the rows."""
    weights, intercept = parameters
    d = weights.shape[1]
    joined = weights
    if penalty.size > d:
        joined = np.concatenate([weights, intercept[:, None]], axis=1)
    return AveragedDescent(joined, penalty, RowMetric(np.zeros(d), np.zeros(d)))


def _penalty(n_features: int, settings: Hyperparameters) -> Vector:
    """l2 for every feature, 0 for the intercept, (D,)."""
    penalty = np.zeros(n_features + settings.fit_intercept)
    penalty[:n_features] = settings.l2
    return penalty


def _excess(solution: Solution) -> float:
    """How far F is above its minimum at most, as proven or estimated."""
    known = [each for each in (solution.gap, solution.decrement) if 0.0 <= each < math.inf]
    return min(known, default=math.inf)
