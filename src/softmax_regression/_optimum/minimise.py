"""The fit without a learning rate: mini-batches, then the optimum, then the proof.

1. Where rows are many for the parameters, one averaged epoch of mini-batches.
2. Full passes to the optimum, and the duality gap at exact intercepts; `tol` stops on it.
Where columns are many for the rows, both happen in coordinates of the row space; where they are
collinear and without a penalty, in principal axes.
With l1 > 0, proximal Newton steps to the optimum and the elastic net's gap take their place.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._arrays import is_sparse
from .._objective import Parameters, Penalty
from .._targets import Targets
from .column_space import ColumnSpace
from .full_phase import FullPhase
from .minibatch import AveragedDescent
from .passes import Value, balanced, softmax
from .proximal import ProximalPhase
from .row_metric import RowMetric
from .row_space import RowSpace
from .solution import Report, Solution
from .standardised import Standardised, intercept_error

ROWS_PER_PARAMETER = 100
STREAM_PARAMETERS = 32
LEAST_VARIANCE = 0.1


def minimise(
    X: Any,
    targets: Any,
    sample_weight: NDArray[np.float64] | None,
    start: Parameters | None,
    *,
    l1: float,
    l2: float,
    fit_intercept: bool,
    batch_size: int,
    max_iter: int,
    tol: float,
    generator: "np.random.Generator | None",
    report: Report,
    single: float = 0.0,
) -> Solution:
    """Minimise F from `start`, or from the class frequencies.

    `generator` draws the order of the mini-batches (None: the rows' own); `max_iter` bounds the
    passes over the data, and `report` hears of each. F counts what float32 would round
    of the weights `single` times.
    """
    if l1 > 0:
        rows = Standardised(X, targets, sample_weight, fit_intercept=fit_intercept, single=single)
        parameters = _class_frequencies(rows) if start is None else rows.standardise(start)
        sparse = ProximalPhase(rows, Penalty(l1, l2), tol=tol, max_iter=max_iter, report=report)
        return sparse.run(parameters)
    space, rows = _coordinates(
        X, targets, sample_weight, fit_intercept=fit_intercept, l2=l2, single=single
    )
    if space is not None:
        start = None if start is None else space.reduce(start)
        report = _expanded(report, space)
    stream = _streams(rows.X.shape, targets.n_classes)
    if stream and generator is not None and not rows.sparse:
        rows.order = generator.permutation(rows.n_rows)
    phase = FullPhase(rows, l2, tol, max_iter, report)
    parameters, value = _begin(phase, start)
    if stream and max_iter > 3:
        parameters, value = _stream(phase, parameters, value, batch_size)
    solution = phase.run(parameters, value or _without_weights(phase, parameters))
    if space is None:
        return solution
    return _expanded_solution(solution, space, tol)


def _streams(shape: tuple[int, int], n_classes: int) -> bool:
    """Whether mini-batches lead further than the passes they cost."""
    size = shape[1] * n_classes
    # Two classes make one product a row, and a pass costs less than what surrounds its batches.
    return n_classes > 2 and size > STREAM_PARAMETERS and shape[0] >= ROWS_PER_PARAMETER * size


def _expanded_solution(solution: Solution, space: RowSpace | ColumnSpace, tol: float) -> Solution:
    """Return the solution in all features, where rounding the intercepts may lift F."""
    expanded = space.expand(solution.parameters)
    rise = intercept_error(expanded.weights, solution.parameters.intercept, space.centre)
    gap, decrement = solution.gap + rise, solution.decrement + rise
    converged = solution.converged and (gap if math.isfinite(gap) else decrement) <= tol
    reason = "rounding" if solution.converged and not converged else solution.reason
    return solution._replace(
        parameters=expanded,
        centre=space.centre,
        deviation=space.deviations(),
        gap=gap,
        decrement=decrement,
        converged=converged,
        reason=reason,
    )


def _coordinates(
    X: Any,
    targets: Targets,
    sample_weight: NDArray[np.float64] | None,
    *,
    fit_intercept: bool,
    l2: float,
    single: float,
) -> tuple[RowSpace | ColumnSpace | None, Standardised]:
    """Return the rows to descend on: as they are, or in other coordinates where these pay."""
    if not (single or is_sparse(X)) and RowSpace.pays(X.shape, l2):
        space = RowSpace(X, sample_weight, fit_intercept)
        if space.exact:
            turned = Standardised(
                space.coordinates,
                targets,
                sample_weight,
                fit_intercept=fit_intercept,
                rotated=True,
            )
            return space, turned
    rows = Standardised(X, targets, sample_weight, fit_intercept=fit_intercept, single=single)
    axes = None if l2 > 0.0 or single else ColumnSpace.of(rows)
    if axes is None:
        return None, rows
    turned = Standardised(axes.coordinates, targets, sample_weight, fit_intercept=fit_intercept)
    return axes, turned


def _begin(phase: FullPhase, start: Parameters | None) -> tuple[NDArray[np.float64], Value | None]:
    """Return the given start and F there, or the class frequencies, whichever is lower."""
    frequencies = balanced(_class_frequencies(phase.rows))
    if start is None:
        return frequencies, None
    parameters = balanced(phase.rows.standardise(start))
    value = phase.evaluate(parameters)
    if value.objective <= _constant_objective(phase.rows, frequencies):
        return parameters, value
    return frequencies, None


def _expanded(report: Report, space: RowSpace | ColumnSpace) -> Report:
    """Return a report that hears of the original parameters."""
    return lambda loss, inner, gap, passes: report(loss, lambda: space.expand(inner()), gap, passes)


def _class_frequencies(rows: Standardised) -> NDArray[np.float64]:
    """Zero weights; intercepts at the log of the weighted class frequencies, (K, D)."""
    parameters = np.zeros((rows.n_classes, rows.n_columns))
    if rows.fit_intercept:
        parameters[:, -1] = np.log(np.maximum(rows.mean_targets, 0.1 / rows.n_rows))
    return parameters


def _stream(
    phase: FullPhase, start: NDArray[np.float64], value: Value | None, batch_size: int
) -> tuple[NDArray[np.float64], Value | None]:
    """Return the average of one epoch of mini-batches and F there, or the start if F is less.

    `value` is F at the start; None where that has no weights.
    """
    d = phase.rows.n_features
    # Columns of unit spread: one that hardly varies yet will, by rows that take long steps.
    metric = RowMetric(np.zeros(d), np.zeros(d), least=0.0 if phase.rows.sparse else LEAST_VARIANCE)
    state = AveragedDescent(start, phase.penalty, metric, in_random_order=True)
    for block in phase.rows.batches(phase.dtype, batch_size):
        state.step(block)
    phase.passes += 1
    phase.rows.order = None  # from here on rows only add up, and their own order reads faster
    average = balanced(state.average)
    found = phase.evaluate(average)
    before = value.objective if value else _constant_objective(phase.rows, start)
    if found.objective < before:
        return average, found
    return start, value


def _without_weights(phase: FullPhase, parameters: NDArray[np.float64]) -> Value:
    """F and its gradient p x̄ᵀ − M, from the mean row and the mean M of t_i x̃_iᵀ, counted as a pass.

    Every row has the probabilities p. The proof needs M too.
    """
    phase.passes += 1
    p = softmax(phase.rows.intercept(parameters)[:, None])
    M = phase.rows.mean_target_rows
    gradient = p * np.add.reduce(M, axis=0) - M
    return Value(_constant_objective(phase.rows, parameters), gradient)


def _constant_objective(rows: Standardised, parameters: NDArray[np.float64]) -> float:
    """F where there are no weights, lse(c) − ⟨t̄, c⟩ with the mean targets t̄."""
    intercept = rows.intercept(parameters)
    return float(np.log(np.exp(intercept).sum()) - rows.mean_targets @ intercept)
