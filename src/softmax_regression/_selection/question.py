"""What may be asked of leave-one-out, and of which rows: the checks, each with its remedy."""

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .._arrays import shown
from .._input.given import Judged
from .._input.groups import Groups, check_groups
from .._input.labels import label_text, listed
from .._likelihood.block import Block
from .._likelihood.targets import Labels
from .._penalty import Penalty
from .._types import Index
from .prepared import REACH, columns_of


class Units(NamedTuple):
    """What leaves together: a row, or with `grouped` a group. Each row's unit, and their number."""

    codes: Index
    number: int
    grouped: bool

    @property
    def word(self) -> str:
        """What a unit is called."""
        return "group" if self.grouped else "row"


def is_even(penalty: Penalty) -> bool:
    """Whether the penalty is the same in all directions, as the row space needs it."""
    return not penalty.has_l1 and np.ndim(penalty.l2) == 0 and bool(penalty.l2 > 0)


def units_of(groups: Any, rows: Judged) -> Units:
    """Return what leaves together of the rows that count, at least two units.

    Raises
    ------
    ValueError
        Groups of another length, missing ones, or fewer than two.
    """
    if groups is None:
        found = Groups(np.arange(len(rows.places)), len(rows.places))
    else:
        counted = np.zeros(rows.n_rows, dtype=bool)
        counted[rows.places] = True
        found = check_groups(groups, rows.n_rows, counted)
    if found.number < 2:
        message = (
            "groups has fewer than 2 groups: without the only one no row is left to learn from"
        )
        raise ValueError(message)
    return Units(*found, grouped=groups is not None)


def refuse_lone_classes(
    problem: Block, units: Units, classes: NDArray[Any], fit_intercept: bool
) -> None:
    """Raise where one unit has all of a class: without it the class's intercept has no minimum."""
    if not fit_intercept or problem.targets.smoothing:
        return
    lone = np.flatnonzero(_units_of_classes(problem, units) < 2)
    if len(lone):
        message = (
            f"class {label_text(classes[int(lone[0])])} is in one {units.word} only: the loss there "
            "is infinite for a fit without it. Add rows of the class, or drop it"
        )
        raise ValueError(message)


def _units_of_classes(problem: Block, units: Units) -> Index:
    """Return in how many units each class occurs, (K,)."""
    targets = problem.targets
    if isinstance(targets, Labels):
        pairs = np.unique(targets.labels * units.number + units.codes)
        return np.bincount(pairs // units.number, minlength=targets.n_classes)
    return np.array([len(np.unique(units.codes[column > 0])) for column in targets.rows.T])


def check_exact(exact: Any, units: Units) -> int:
    """Return the number of units to refit.

    Raises
    ------
    TypeError, ValueError
        No integer from 0 to the number of units.
    """
    if isinstance(exact, (bool, np.bool_)) or not isinstance(exact, (int, np.integer)):
        message = f"exact must be a number of {units.word}s to refit, got {shown(exact)}"
        raise TypeError(message)
    if not 0 <= exact <= units.number:
        message = f"exact must be >= 0 and at most {units.number}, the number of {units.word}s, got {exact}"
        raise ValueError(message)
    return int(exact)


def refuse_other_classes(found: NDArray[Any], fitted: NDArray[Any]) -> None:
    """Raise where rows have other classes than the model."""
    if not np.array_equal(found, fitted):
        message = (
            f"these rows have the classes {listed(found)}, the model {listed(fitted)}: pass the rows, "
            "weights and targets of the fit"
        )
        raise ValueError(message)


def size_of(problem: Block, penalty: Penalty, fit_intercept: bool) -> int:
    """Return the number of free parameters of a fit without l1."""
    columns = columns_of(problem, fit_intercept, even=is_even(penalty))
    return (problem.targets.n_classes - 1) * columns


def refuse_size(size: int, what: str = "free parameters") -> None:
    """Raise where a Hessian is out of reach."""
    if size > REACH:
        message = (
            f"{size:,} {what} are more than {REACH:,}: the inverse Hessian of them would take "
            f"{8e-6 * size**2:,.0f} MB. Use folds: regularization_path(model, X, y, cv=5)"
        )
        raise ValueError(message)


def far(distance: float) -> str:
    """Return that a model is not at the minimum, and how far."""
    how = f"{distance:.1f}" if math.isfinite(distance) else "immeasurably many"
    return (
        f"the model is {how} standard errors from the minimum of F on these rows: pass the rows, "
        "weights and targets of the fit, or fit to the optimum (learning_rate='auto', a smaller tol)"
    )


NO_ONE_MINIMUM = (
    "F has no one minimum on these rows: some directions of the coefficients change no probability "
    "(collinear columns, separated classes). Fit with l2 > 0"
)


def no_minimum(where: str) -> str:
    """Return that F has no minimum without some row."""
    return (
        f"without {where} some coefficients have no minimum, and its leave-one-out loss is not "
        "known. Fit with a larger l2"
    )
