"""The fit without a learning rate: mini-batches, then the optimum, then the proof.

1. Where rows are many for the parameters, one averaged epoch of mini-batches.
2. Full passes to the optimum, and the duality gap at exact intercepts; `tol` stops on it.
Where columns are many for the rows, both happen in coordinates of the row space; where they are
collinear and without a penalty, in principal axes. Sparse columns without an entry are left out.
With l1 > 0, proximal Newton steps to the optimum and the elastic net's gap take their place.
"""

import math
from collections.abc import Callable
from itertools import chain
from typing import TypeAlias

import numpy as np

from .._arrays import is_sparse
from .._likelihood.block import Block, Memo
from .._likelihood.coordinates import intercept_error
from .._likelihood.picked import is_mapped
from .._likelihood.value import balanced
from .._likelihood.working import Likelihood
from .._objective import Objective, Point, objective_of
from .._parameters import Parameters
from .._penalty import Penalty
from .._types import Apply, Matrix
from .column_space import ColumnSpace
from .empty_columns import OccupiedColumns
from .full_phase import FullPhase
from .limits import Limits, Report
from .minibatch import BATCH, AveragedDescent
from .proximal import ProximalPhase
from .row_metric import RowMetric
from .row_space import RowSpace
from .solution import Solution

ROWS_PER_PARAMETER = 100
STREAM_PARAMETERS = 32
LEAST_VARIANCE = 0.1
# Deviations from zero up to which products of sparse rows are centred after they are made. Rows of
# columns farther out are filled in from this share of entries on, or where they are so few.
FAR = 1e3
FULL = 2.0 / 3.0
FEW = 2**22
# Of F: so much more by the rounding of products is borne, where `tol` is less.
SEEN = 1e-9

# The rows of a mini-batch, and what makes the generator that draws their order.
Order: TypeAlias = "tuple[int, Callable[[], np.random.Generator] | None]"


def minimise(
    block: Block,
    penalty: Penalty,
    start: Parameters | None,
    limits: Limits,
    report: Report,
    *,
    fit_intercept: bool,
    batch_size: int,
    generator: "Callable[[], np.random.Generator] | None",
) -> Solution:
    """Minimise F from `start`, or from the class frequencies.

    What `generator` makes draws the order of the mini-batches (None: the rows' own); `report` hears
    of each pass over the data for F.
    """
    columns = OccupiedColumns.of(block)
    if columns is not None:
        found = minimise(
            columns.block,
            columns.penalty(penalty),
            None if start is None else columns.reduce(start),
            limits,
            _expanded(report, columns),
            fit_intercept=fit_intercept,
            batch_size=batch_size,
            generator=generator,
        )
        return columns.solution(found)
    order = batch_size, generator
    space, likelihood, within = _coordinates(block, penalty, fit_intercept)
    if isinstance(space, ColumnSpace):
        return _in_axes(
            block, penalty, space, likelihood, start, limits=limits, report=report, order=order
        )
    if space is not None:
        start = None if start is None else space.reduce(start)
        report = _expanded(report, space)
    theta = None if start is None else likelihood.coordinates.inward(start)
    objective = Objective(likelihood, within)
    solution = minimise_from(theta, objective, limits, report, order)
    return solution if space is None else _expanded_solution(solution, space, limits.tol)


def minimise_unwatched(
    block: Block,
    penalty: Penalty,
    start: Parameters | None,
    limits: Limits,
    *,
    fit_intercept: bool,
) -> Solution:
    """Minimise F for a question about a fit: in the rows' order, with no one to tell."""
    with np.errstate(all="ignore"):  # what overflows ends as a non-finite F
        return minimise(
            block,
            penalty,
            start,
            limits,
            lambda *_: False,
            fit_intercept=fit_intercept,
            batch_size=BATCH,
            generator=None,
        )


def minimise_from(
    theta: Matrix | None,
    objective: Objective,
    limits: Limits,
    report: Report,
    order: Order,
    *,
    first: Apply | None = None,
) -> Solution:
    """Minimise F, whose rows are prepared, from θ or from the class frequencies.

    `first`, an inverse Hessian of F or of one like it, is what L-BFGS begins with.
    """
    if objective.penalty.has_l1:
        return ProximalPhase(objective, limits, report).run(theta)
    phase = FullPhase(objective, limits, report)
    point = _begin(phase, theta)
    if _streams(objective.likelihood) and limits.max_iter > 3:
        point = _stream(phase, point, *order)
    if first is not None:
        phase.matrix.begin(first, phase.dtype, point.bound)
    return phase.run(point)


def _in_axes(
    block: Block,
    penalty: Penalty,
    space: ColumnSpace,
    likelihood: Likelihood,
    start: Parameters | None,
    *,
    limits: Limits,
    report: Report,
    order: Order,
) -> Solution:
    """Minimise F in axes of the columns without a penalty, of which the features' weights keep F.

    Where their products are rounding, so is F: then in fewer axes, and what these leave of the
    lowest F is what F is above its minimum at least.
    """
    lowest = math.inf
    best: Solution | None = None
    intercept, passes, readings = likelihood.fit_intercept, 0, likelihood.readings + 1
    for axes in chain([space], space.narrower()):
        turned = block._replace(X=axes.coordinates, memo=Memo())
        objective = Objective(Likelihood([turned], intercept, readings=readings), axes.penalty)
        begin = None
        if start is not None:
            begin = objective.likelihood.coordinates.inward(axes.reduce(start))
        left = limits._replace(max_iter=max(1, limits.max_iter - passes))
        found = minimise_from(begin, objective, left, _expanded(report, axes), order)
        passes, readings = passes + found.passes, found.n_iter + 1
        found = _expanded_solution(found, axes, limits.tol)._replace(passes=passes, n_iter=readings)
        lowest = min(lowest, found.objective)
        kept = _kept(found, objective_of(block, penalty, found.parameters), lowest, limits.tol)
        if best is None or not kept.objective >= best.objective:
            best = kept
        rises = not kept.objective - lowest <= max(limits.tol, SEEN * lowest)
        if found.reason in ("stopped", "non-finite") or not rises:
            break
    assert best is not None
    return best._replace(passes=passes, n_iter=readings)


def _kept(found: Solution, objective: float, lowest: float, tol: float) -> Solution:
    """Return a solution with the F of its weights as they are, and what that is above the lowest."""
    objective = max(found.objective, objective)
    decrement = found.decrement + objective - lowest
    converged = found.converged and decrement <= tol
    reason = "rounding" if found.converged and not converged else found.reason
    return found._replace(
        objective=objective, decrement=decrement, converged=converged, reason=reason
    )


def _streams(likelihood: Likelihood) -> bool:
    """Whether mini-batches lead further than the passes they cost."""
    size = likelihood.n_features * likelihood.n_classes
    # Two classes make one product a row, and a pass costs less than what surrounds its batches.
    many = likelihood.n_rows >= ROWS_PER_PARAMETER * size
    return likelihood.n_classes > 2 and size > STREAM_PARAMETERS and many


def _coordinates(
    block: Block, penalty: Penalty, fit_intercept: bool
) -> tuple[RowSpace | ColumnSpace | None, Likelihood, Penalty]:
    """Return rows and a penalty to descend on: as they are, or in coordinates that pay."""
    smooth = not penalty.has_l1
    whole = not (is_sparse(block.X) or is_mapped(block.X))
    if smooth and penalty.is_even and whole and RowSpace.pays(block.X.shape):
        even, scale = penalty.even()
        space = RowSpace(block, fit_intercept, scale)
        if space.exact:
            turned = block._replace(X=space.coordinates, memo=Memo())
            return space, Likelihood([turned], coordinates=space.inner, readings=1), even
    likelihood = Likelihood([block._replace(memo=Memo())], fit_intercept)
    if likelihood.sparse and _blurred(block, likelihood):
        block = block._replace(X=block.X.toarray())
        seen = likelihood.readings
        likelihood = Likelihood([block._replace(memo=Memo())], fit_intercept, readings=seen)
    axes = ColumnSpace.of(block, likelihood, penalty) if smooth and not penalty.holds_all else None
    return axes, likelihood, penalty


def _blurred(block: Block, likelihood: Likelihood) -> bool:
    """Whether sparse rows have columns so far from zero that products lose digits, and may be filled in.

    Then they are centred before they are multiplied, and take no more memory, or little.
    """
    entries = block.X.shape[0] * block.X.shape[1]
    full = entries <= FEW or block.X.nnz >= FULL * entries
    far = np.abs(likelihood.coordinates.centre) > FAR * likelihood.survey.spread
    return bool(full and (far & (likelihood.survey.mean != 0.0)).any())


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
    generator: "Callable[[], np.random.Generator] | None",
) -> Point:
    """Return the average of one epoch of mini-batches, or the start if F is less there."""
    likelihood = phase.objective.likelihood
    none = np.zeros(likelihood.n_features)
    # Columns of unit spread: one that hardly varies yet will, by rows that take long steps.
    metric = RowMetric(none, none, least=0.0 if likelihood.sparse else LEAST_VARIANCE)
    state = AveragedDescent(start.theta, phase.objective.l2, metric, in_random_order=True)
    drawn = None if generator is None else generator()
    for batch in likelihood.batches(phase.dtype, batch_size, drawn):
        state.step(batch)
    phase.passes += 1
    average = phase.evaluate(balanced(state.average))
    return average if average.value < start.value else start


def _expanded(report: Report, space: RowSpace | ColumnSpace | OccupiedColumns) -> Report:
    """Return a report that hears of the original parameters."""
    return lambda loss, inner, gap, readings: report(
        loss, lambda: space.expand(inner()), gap, readings
    )


def _expanded_solution(solution: Solution, space: RowSpace | ColumnSpace, tol: float) -> Solution:
    """Return the solution in all features, where rounding the intercepts may lift F.

    And the weights, far apart in collinear columns: a proof in their axes is none there.
    """
    expanded = space.expand(solution.parameters)
    rise = intercept_error(expanded.weights, solution.parameters.intercept, space.centre)
    gap = solution.gap + rise if isinstance(space, RowSpace) else math.inf
    decrement = solution.decrement + rise
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
