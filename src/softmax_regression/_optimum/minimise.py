"""The fit without a learning rate: mini-batches, then the optimum, then the proof.

1. Where rows are many for the parameters, one averaged epoch of mini-batches.
2. Full passes to the optimum, and the duality gap at exact intercepts; `tol` stops on it.
Where columns are many for the rows, both happen in coordinates of the row space; where they are
collinear and without a penalty, in principal axes.
With l1 > 0, proximal Newton steps to the optimum and the elastic net's gap take their place.
"""

import math

import numpy as np

from .._arrays import is_sparse
from .._likelihood.block import Block, Memo
from .._likelihood.coordinates import intercept_error
from .._likelihood.value import balanced
from .._likelihood.working import Likelihood
from .._objective import Objective, Point
from .._parameters import Parameters
from .._penalty import Penalty
from .._types import Matrix
from .column_space import ColumnSpace
from .full_phase import FullPhase
from .limits import Limits, Report
from .minibatch import AveragedDescent
from .proximal import ProximalPhase
from .row_metric import RowMetric
from .row_space import RowSpace
from .solution import Solution

ROWS_PER_PARAMETER = 100
STREAM_PARAMETERS = 32
LEAST_VARIANCE = 0.1


def minimise(
    block: Block,
    penalty: Penalty,
    start: Parameters | None,
    limits: Limits,
    report: Report,
    *,
    fit_intercept: bool,
    batch_size: int,
    generator: "np.random.Generator | None",
) -> Solution:
    """Minimise F from `start`, or from the class frequencies.

    `generator` draws the order of the mini-batches (None: the rows' own); `report` hears of each
    pass over the data for F.
    """
    space, likelihood = _coordinates(block, penalty, fit_intercept)
    if space is not None:
        start = None if start is None else space.reduce(start)
        report = _expanded(report, space)
    theta = None if start is None else likelihood.coordinates.inward(start)
    objective = Objective(likelihood, penalty)
    solution = minimise_from(
        theta, objective, limits, report, batch_size=batch_size, generator=generator
    )
    return solution if space is None else _expanded_solution(solution, space, limits.tol)


def minimise_from(
    theta: Matrix | None,
    objective: Objective,
    limits: Limits,
    report: Report,
    *,
    batch_size: int,
    generator: "np.random.Generator | None",
) -> Solution:
    """Minimise F, whose rows are prepared, from θ or from the class frequencies."""
    if objective.l1.any():
        return ProximalPhase(objective, limits, report).run(theta)
    phase = FullPhase(objective, limits, report)
    point = _begin(phase, theta)
    if _streams(objective.likelihood) and limits.max_iter > 3:
        point = _stream(phase, point, batch_size, generator)
    return phase.run(point)


def _streams(likelihood: Likelihood) -> bool:
    """Whether mini-batches lead further than the passes they cost."""
    size = likelihood.n_features * likelihood.n_classes
    # Two classes make one product a row, and a pass costs less than what surrounds its batches.
    many = likelihood.n_rows >= ROWS_PER_PARAMETER * size
    return likelihood.n_classes > 2 and size > STREAM_PARAMETERS and many


def _coordinates(
    block: Block, penalty: Penalty, fit_intercept: bool
) -> tuple[RowSpace | ColumnSpace | None, Likelihood]:
    """Return the rows to descend on: as they are, or in other coordinates where these pay."""
    smooth = not np.any(penalty.l1)
    even = smooth and np.ndim(penalty.l2) == 0 and penalty.l2 > 0
    if even and not is_sparse(block.X) and RowSpace.pays(block.X.shape):
        space = RowSpace(block, fit_intercept)
        if space.exact:
            turned = block._replace(X=space.coordinates, memo=Memo())
            return space, Likelihood([turned], coordinates=space.inner, readings=1)
    likelihood = Likelihood([block._replace(memo=Memo())], fit_intercept)
    axes = ColumnSpace.of(block, likelihood) if smooth and not np.any(penalty.l2) else None
    if axes is None:
        return None, likelihood
    turned = block._replace(X=axes.coordinates, memo=Memo())
    return axes, Likelihood([turned], fit_intercept, readings=likelihood.readings + 1)


def _begin(phase: FullPhase, theta: Matrix | None) -> Point:
    """Return the given start, or the class frequencies, whichever is lower."""
    objective = phase.objective
    frequencies = objective.constant(balanced(objective.class_frequencies()))
    phase.passes += 1
    if theta is None:
        return frequencies
    given = phase.evaluate(balanced(theta))
    return given if given.value <= frequencies.value else frequencies


def _stream(
    phase: FullPhase,
    start: Point,
    batch_size: int,
    generator: "np.random.Generator | None",
) -> Point:
    """Return the average of one epoch of mini-batches, or the start if F is less there."""
    likelihood = phase.objective.likelihood
    none = np.zeros(likelihood.n_features)
    # Columns of unit spread: one that hardly varies yet will, by rows that take long steps.
    metric = RowMetric(none, none, least=0.0 if likelihood.sparse else LEAST_VARIANCE)
    state = AveragedDescent(start.theta, phase.objective.l2, metric, in_random_order=True)
    for batch in likelihood.batches(phase.dtype, batch_size, generator):
        state.step(batch)
    phase.passes += 1
    average = phase.evaluate(balanced(state.average))
    return average if average.value < start.value else start


def _expanded(report: Report, space: RowSpace | ColumnSpace) -> Report:
    """Return a report that hears of the original parameters."""
    return lambda loss, inner, gap, readings: report(
        loss, lambda: space.expand(inner()), gap, readings
    )


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
        deviation=space.deviation,
        gap=gap,
        decrement=decrement,
        converged=converged,
        reason=reason,
    )
