"""Folds of the rows: each class, or group, in about the same share of every fold, nothing at random."""

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from .._arrays import shown
from .._input.given import Judged
from .._input.labels import label_text
from .._likelihood.block import Block
from .._likelihood.targets import Labels
from .._types import Index
from .question import Units

FOLDS = 5
Pair: TypeAlias = tuple[Index, Index]


def folds_of(problem: Block, units: Units, number: int) -> list[Index]:
    """Return the rows of each fold.

    Rows fall into folds in their order, class by class, as scikit-learn's ``StratifiedKFold`` has
    them; groups, the largest first, into the fold that has the fewest rows so far.
    """
    codes = _grouped(units, number) if units.grouped else _stratified(problem, number)
    return [np.flatnonzero(codes == fold) for fold in range(number)]


def _stratified(problem: Block, number: int) -> Index:
    targets, labels = problem.targets, _labels(problem)
    order = np.argsort(labels, kind="stable")
    # The classes in turn get the places of a round that goes on from one to the next.
    sizes = np.bincount(labels, minlength=targets.n_classes)
    shares = np.bincount(
        np.arange(len(order)) % number * targets.n_classes
        + np.repeat(np.arange(targets.n_classes), sizes),
        minlength=number * targets.n_classes,
    )
    shares = shares.reshape(number, targets.n_classes).T
    codes = np.empty(len(order), np.intp)
    codes[order] = np.concatenate([np.repeat(np.arange(number), each) for each in shares])
    return codes


def _labels(problem: Block) -> Index:
    targets = problem.targets
    return targets.labels if isinstance(targets, Labels) else targets.rows.argmax(axis=1)


def _grouped(units: Units, number: int) -> Index:
    sizes, filled = np.bincount(units.codes, minlength=units.number), np.zeros(number)
    fold = np.empty(units.number, np.intp)
    for unit in np.argsort(-sizes, kind="stable"):
        fold[unit] = int(np.argmin(filled))
        filled[fold[unit]] += sizes[unit]
    return fold[units.codes]


def refuse_missing_classes(problem: Block, pairs: list[Pair], classes: NDArray[Any]) -> None:
    """Raise where a class is not among the rows learned from: its intercept has no minimum."""
    if problem.targets.smoothing:
        return
    for fold, (kept, _) in enumerate(pairs):
        missing = np.flatnonzero(problem.take(kept).targets.class_totals(None) <= 0.0)
        if len(missing):
            message = (
                f"all rows of class {label_text(classes[int(missing[0])])} are in fold {fold}: without "
                "them its loss is infinite. Use fewer folds, or add rows of the class"
            )
            raise ValueError(message)


def pairs_of(cv: Any, rows: Judged, units: Units) -> list[Pair]:
    """Return the rows to learn from and to test on, of those that count.

    `cv` is a number of folds, an object with scikit-learn's ``split``, or pairs of indices of all
    rows.

    Raises
    ------
    TypeError, ValueError
        It is something else, or a pair without rows.
    """
    if isinstance(cv, (int, np.integer)) and not isinstance(cv, bool):
        return _of_number(int(cv), rows.problem, units)
    if hasattr(cv, "split"):
        y = _labels(rows.problem)
        given = cv.split(np.zeros((len(y), 1)), y, units.codes if units.grouped else None)
        pairs = [(np.asarray(kept), np.asarray(tested)) for kept, tested in given]
    elif isinstance(cv, (list, tuple)):
        pairs = [_counted(pair, rows) for pair in cv]
    else:
        message = (
            "cv must be 'leave-one-out', a number of folds >= 2, an object with split(X, y, groups) or "
            f"a list of pairs (rows to learn from, rows to test on), got {shown(cv)}"
        )
        raise TypeError(message)
    if not pairs or any(not (len(kept) and len(tested)) for kept, tested in pairs):
        message = "cv gives a pair without rows of weight > 0 to learn from or to test on"
        raise ValueError(message)
    return pairs


def _of_number(number: int, problem: Block, units: Units) -> list[Pair]:
    if not 2 <= number <= units.number:
        message = (
            f"cv must be >= 2 and at most {units.number}, the number of {units.word}s, got {number}"
        )
        raise ValueError(message)
    every = np.arange(problem.n_rows)
    return [(np.setdiff1d(every, fold), fold) for fold in folds_of(problem, units, number)]


def _counted(pair: Any, rows: Judged) -> Pair:
    """Return the places among the rows that count of two sets of all rows."""
    every = np.arange(rows.n_rows)
    kept, tested = (every[np.asarray(each) if len(each) else slice(0)] for each in pair)
    return tuple(np.flatnonzero(np.isin(rows.places, each)) for each in (kept, tested))  # type: ignore[return-value]
