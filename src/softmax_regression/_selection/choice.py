"""The l2 of a fit: from its rows to the l2 of least held-out loss, and where the fit there begins."""

import math
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from .._input.given import Judged
from .._input.hyperparameters import Hyperparameters
from .._learned import Start
from .._likelihood.block import Block
from .._likelihood.sums import summed
from .._likelihood.survey import survey
from .._optimum.limits import Limits
from .._parameters import Parameters
from .._penalty import Penalty
from .._progress import Monitor
from .curve import Curve, FoldCurve, LeaveOneOutCurve
from .fits import Fits, StoppedError, readings_of
from .folds import FOLDS, folds_of, refuse_missing_classes
from .grid import largest_gradient
from .judge import Judge, Point
from .prepared import REACH, Prepared
from .question import Units, refuse_lone_classes, size_of, units_of
from .search import Search
from .selection import Selection

# Nats that a fit on the way may stand above its minimum: a step away from a row corrects for it.
SEARCH_TOL = 1e-5
# Of the largest gradient at the class frequencies: where the search begins, with more columns than
# rows and else.
START_WIDE, START = 1.0, 0.01
# An l2 that float64 has the squares of.
SMALLEST, LARGEST = 1e-150, 1e150
EVEN = Penalty(0.0, 1.0)


class Choice(NamedTuple):
    """The selection, where the fit begins, and the readings of the rows spent on it.

    `settled`: it begins at its end, to the last digits.
    """

    selection: Selection
    parameters: Parameters
    readings: int
    settled: bool


def choose(
    settings: Hyperparameters, rows: Judged, groups: Any, start: Parameters | None, monitor: Monitor
) -> Choice:
    """Return the l2 of least held-out loss.

    Raises
    ------
    ValueError
        Groups that are none, or a class that is in one row, group or fold only.
    """
    units = units_of(groups, rows)
    refuse_lone_classes(rows.problem, units, rows.classes, settings.fit_intercept)
    fits: list[Fits] = []

    def tell(l2: float, loss: float, at: Callable[[], Parameters], gap: float, _: int) -> bool:
        return monitor.search(l2, loss, at, gap, readings_of(fits, rows.problem.n_rows))

    limits = Limits(max(settings.tol, SEARCH_TOL), settings.max_iter)
    method, curve = _curve(settings, rows, units, partial(Fits, limits=limits, tell=tell), fits)
    fits[0].begin(start)
    judge = curve.judge
    search = Search(
        partial(_noted, curve, judge, monitor, method), judge, start_l2(rows.problem, settings)
    )
    parameters, settled = _searched(search, curve)
    selection = _selection(search, method, curve)
    return Choice(selection, parameters, readings_of(fits, rows.problem.n_rows), settled)


def _searched(search: Search, curve: Curve) -> tuple[Parameters, bool]:
    """Return the fit with the l2 found; where the search was stopped, with the best so far."""
    try:
        search.run()
    except StoppedError as stopped:
        if not search.points:
            return stopped.parameters, False
    return curve.parameters(search.best.l2)


def chooser(rows: Judged, groups: Any) -> Callable[[Hyperparameters, Start, Monitor], Choice]:
    """Return what finds the l2 of a fit to these rows."""

    def find(settings: Hyperparameters, start: Start, monitor: Monitor) -> Choice:
        begin = None if start.fresh else start.parameters(len(rows.classes))
        return choose(settings, rows, groups, begin, monitor)

    return find


def start_l2(problem: Block, settings: Hyperparameters) -> float:
    """Return where the search begins: a part of the largest gradient at the class frequencies.

    In units of an l2, max_kj |g_kj| s_j with the deviations s_j of the columns: where columns are
    scaled by c, it is scaled by c².
    """
    (about,) = summed(survey, [problem])
    gradient, spread = largest_gradient(about, settings.fit_intercept)
    with np.errstate(over="ignore"):
        largest = float((np.abs(gradient) * spread).max(initial=0.0))
    part = START_WIDE if problem.X.shape[1] > problem.n_rows else START
    return min(part * largest, LARGEST) if largest > SMALLEST else 1.0


def _curve(
    settings: Hyperparameters,
    rows: Judged,
    units: Units,
    fits_of: Callable[[Prepared], Fits],
    fits: list[Fits],
) -> tuple[str, Curve]:
    """Return the curve and its name: by leave-one-out where a Hessian is within reach, else folds."""
    problem, intercept = rows.problem, settings.fit_intercept
    if size_of(problem, EVEN, intercept) <= REACH:
        prepared = Prepared(problem, intercept, even=True)
        if prepared.n_free <= REACH:  # rows that repeat each other have no row space
            fits.append(fits_of(prepared))
            name = "leave-one-group-out" if units.grouped else "leave-one-out"
            return name, LeaveOneOutCurve(rows, units, fits[0])
    number = min(FOLDS, units.number)
    folds = folds_of(problem, units, number)
    pairs = [(np.setdiff1d(np.arange(problem.n_rows), fold), fold) for fold in folds]
    if intercept:
        refuse_missing_classes(problem, pairs, rows.classes)
    fits.extend(fits_of(Prepared(problem.take(kept), intercept, even=True)) for kept, _ in pairs)
    return f"{number} folds", FoldCurve(rows, units, folds, fits)


def _noted(curve: Curve, judge: Judge, monitor: Monitor, method: str, l2: float) -> Point:
    """Return a point of the curve, and tell of it."""
    point = curve.at(l2)
    monitor.note(f"l2 {l2:.3e}  {method} loss {judge.mean(point.losses):.6f}")
    return point


def _selection(search: Search, method: str, curve: Curve) -> Selection:
    judge = search.judge
    tried = [search.points[x] for x in sorted(search.points)]
    points = [each for each in tried if np.isfinite(each.losses).all()]
    if not points:  # it was stopped before the first was known
        none, unknown = np.zeros(0), math.nan
        l2 = math.exp(search.start)
        return Selection(method, l2, unknown, unknown, none, none, none, None, 0)
    best = search.best
    return Selection(
        method=method,
        l2=best.l2,
        loss=judge.mean(best.losses),
        standard_error=judge.error(best.losses),
        l2s=np.array([each.l2 for each in points]),
        losses=np.array([judge.mean(each.losses) for each in points]),
        paired_errors=np.array([judge.paired_error(each, best) for each in points]),
        edge=search.edge,
        left_out=curve.left_out,
    )
