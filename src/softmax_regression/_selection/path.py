"""Optima along the penalty, from the strongest to the weakest, each begun where the last ones point."""

from typing import Any, NamedTuple

import numpy as np

from .._exceptions import ConvergenceWarning, sibling
from .._input.given import Description, Judged
from .._input.hyperparameters import (
    Hyperparameters,
    check_fraction,
    check_hyperparameters,
    check_number,
)
from .._optimum.limits import Limits
from .._optimum.solution import Solution
from .._warn import warn
from .curve import Curve, FoldCurve, LeaveOneOutCurve
from .fits import Fits
from .folds import pairs_of, refuse_missing_classes
from .grid import Asked, Grid, grid_of
from .judge import Point
from .path_result import HeldOutCurve, RegularizationPath
from .prepared import Prepared
from .question import Units, refuse_lone_classes, refuse_size, units_of

LEAVE_ONE_OUT = "leave-one-out"
# Points after the best, none of them as good, with which a path that may end early ends.
RISEN = 3
# Of the loss's standard error: a smaller change from one penalty to the next is none.
FLAT = 1e-3


class Path(NamedTuple):
    """What a path is followed on."""

    settings: Hyperparameters
    rows: Judged
    units: Units
    grid: Grid


def follow(
    model: Any, rows: Judged, groups: Any, asked: Asked, *, cv: Any, names: Any
) -> RegularizationPath:
    """Return the optima of a model's F along a penalty."""
    settings = check_hyperparameters(model).for_columns(rows.problem.X.shape[1], names)
    _refuse_settings(settings)
    asked = asked._replace(
        l1_ratio=check_fraction("l1_ratio", asked.l1_ratio),
        n_penalties=check_number("n_penalties", asked.n_penalties, least=1),
    )
    path = Path(settings, rows, units_of(groups, rows), grid_of(settings, rows.problem, asked))
    prepared = Prepared(rows.problem, settings.fit_intercept, even=not path.grid.has_l1)
    fits = _fits(path, prepared)
    curve = _curve(path, fits, cv)
    solutions, points = _followed(path, fits, curve)
    _warn_of(solutions, settings)
    parameters = [prepared.expanded(each.parameters) for each in solutions.values()]
    penalties = [path.grid.penalty_of(each) for each in solutions]
    description = Description(rows.classes, rows.problem.X.shape[1], names)
    return RegularizationPath(
        _model=type(model)(**model.get_params()),
        _description=description,
        method=_method(path.units, curve),
        l1s=np.array([float(each.l1) for each in penalties]),
        l2s=np.array([float(each.l2) for each in penalties]),
        coefs=np.array([each.weights for each in parameters]),
        intercepts=np.array([each.intercept for each in parameters]),
        objectives=np.array([each.objective for each in solutions.values()]),
        gaps=np.array([each.gap for each in solutions.values()]),
        converged=np.array([each.converged for each in solutions.values()]),
        n_iter=np.diff([0, *(each.n_iter for each in solutions.values())]),
        held_out=None if curve is None else _held_out(points, curve),
    )


def _refuse_settings(settings: Hyperparameters) -> None:
    if settings.learning_rate != "auto" or settings.max_iter == 0:
        message = (
            "a path is of proven optima: the model needs learning_rate='auto' and max_iter >= 1"
        )
        raise ValueError(message)


def _fits(path: Path, prepared: Prepared) -> Fits:
    limits = Limits(path.settings.tol, path.settings.max_iter, polish=False)
    return Fits(prepared, limits, lambda *_: False, path.grid.penalty_of)


def _curve(path: Path, fits: Fits, cv: Any) -> Curve | None:
    """Return what the optima lose on rows that they have not seen, if that is asked."""
    rows, units, intercept = path.rows, path.units, path.settings.fit_intercept
    if cv is None:
        if path.units.grouped:
            message = "groups are held out together, and cv=None holds nothing out: give cv, cv=5"
            raise ValueError(message)
        return None
    if isinstance(cv, str) and cv == LEAVE_ONE_OUT:
        if path.grid.has_l1:
            message = "cv='leave-one-out' is for paths of l2 alone: give a number of folds, cv=5"
            raise ValueError(message)
        refuse_lone_classes(rows.problem, units, rows.classes, intercept)
        refuse_size(fits.prepared.n_free)
        return LeaveOneOutCurve(rows, units, fits)
    pairs = pairs_of(cv, rows, units)
    if intercept:
        refuse_missing_classes(rows.problem, pairs, rows.classes)
    even = not path.grid.has_l1
    parts = [Prepared(rows.problem.take(kept), intercept, even=even) for kept, _ in pairs]
    return FoldCurve(rows, units, [tested for _, tested in pairs], [_fits(path, p) for p in parts])


def _followed(
    path: Path, fits: Fits, curve: Curve | None
) -> tuple[dict[float, Solution], list[Point]]:
    """Return the optima by penalty, and the held-out losses."""
    solutions: dict[float, Solution] = {}
    points: list[Point] = []
    for each in _scales(path.grid, curve, points):
        solutions[each] = fits.at(each)
        if curve is not None:
            points.append(curve.at(each))
    return solutions, points


def _scales(grid: Grid, curve: Curve | None, points: list[Point]) -> Any:
    """Yield the penalties; those nobody gave until the held-out loss has risen, twice as many at most."""
    for each in grid.scale:
        if (
            grid.ratio is not None
            and curve is not None
            and _has_risen(points, curve, len(grid.scale))
        ):
            return
        yield float(each)
    if grid.ratio is None or curve is None:
        return
    last = float(grid.scale[-1])
    for _ in range(len(grid.scale)):
        last *= grid.ratio
        if _has_risen(points, curve, len(grid.scale)):
            return
        yield last


def _has_risen(points: list[Point], curve: Curve, n: int) -> bool:
    """Whether the loss is clearly above the least one, some penalties ago, or changes no more.

    Of a grid of `n` penalties: at its strong end the loss stays too.
    """
    if len(points) <= RISEN:
        return False
    judge = curve.judge
    losses = [judge.mean(each.losses) for each in points]
    best = int(np.argmin(losses))
    if len(points) - best <= RISEN:
        return False
    rise = losses[-1] - losses[best]
    stays = abs(losses[-1] - losses[-2]) <= FLAT * judge.error(points[-1].losses)
    return rise > judge.paired_error(points[-1], points[best]) or (stays and len(points) > n // 2)


def _held_out(points: list[Point], curve: Curve) -> HeldOutCurve:
    judge = curve.judge
    losses = np.array([judge.mean(each.losses) for each in points])
    best = points[int(np.argmin(losses))]
    return HeldOutCurve(
        losses,
        np.array([judge.error(each.losses) for each in points]),
        np.array([judge.paired_error(each, best) for each in points]),
    )


def _method(units: Units, curve: Curve | None) -> str | None:
    if curve is None:
        return None
    if isinstance(curve, FoldCurve):
        return f"{len(curve.tested)} folds"
    return "leave-one-group-out" if units.grouped else LEAVE_ONE_OUT


def _warn_of(solutions: dict[float, Solution], settings: Hyperparameters) -> None:
    late = [each for each, found in solutions.items() if not found.converged]
    if late and settings.tol > 0.0:
        message = (
            f"{len(late)} of {len(solutions)} optima are not proven to tol={settings.tol:g}, the first "
            f"at {late[0]:.3g}: see gaps. Raise max_iter or tol, or end the path at a larger penalty"
        )
        warn(message, sibling(ConvergenceWarning))
