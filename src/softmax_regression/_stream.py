"""Rows that stream past once, without a learning rate."""

import math
from copy import deepcopy

import numpy as np

from ._exceptions import DivergenceError
from ._input.hyperparameters import Hyperparameters
from ._learned import Start
from ._likelihood.block import Block
from ._likelihood.working import raw_chunk
from ._optimum import AveragedDescent
from ._parameters import Parameters

BATCH = 1024


def stream_parameters(stream: AveragedDescent, n_features: int) -> Parameters:
    """Return W and b of the stream's average; b is 0 where it has none."""
    weights, intercept = np.split(stream.average, [n_features], axis=1)
    return Parameters(weights, intercept.sum(axis=1))


def stream_of(problem: Block, settings: Hyperparameters, start: Start) -> AveragedDescent:
    """Return where the stream of rows stands, or a new one that begins at the parameters."""
    if settings.l1:
        message = (
            f"l1={settings.l1:g} needs all rows with learning_rate='auto': use fit, or give "
            "partial_fit a numeric learning_rate"
        )
        raise ValueError(message)
    weights, intercept = start.parameters(problem.targets.n_classes)
    penalty = np.full(weights.shape[1] + settings.fit_intercept, settings.l2)
    if settings.fit_intercept:
        penalty[-1] = 0.0
    # Another l2 or fit_intercept since the last call asks for another metric.
    if start.stream is not None and np.array_equal(start.stream.penalty, penalty):
        return deepcopy(start.stream)
    if settings.fit_intercept:
        weights = np.column_stack([weights, intercept])
    return AveragedDescent(weights, penalty)


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
