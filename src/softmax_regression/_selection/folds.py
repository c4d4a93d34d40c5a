"""Folds of the rows: each class, or group, in about the same share of every fold, nothing at random."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._input.labels import label_text
from .._likelihood.block import Block
from .._likelihood.targets import Labels
from .._types import Index
from .question import Units

FOLDS = 5


def folds_of(problem: Block, units: Units, number: int) -> list[Index]:
    """Return the rows of each fold.

    Rows fall into folds in their order, class by class, as scikit-learn's ``StratifiedKFold`` has
    them; groups, the largest first, into the fold that has the fewest rows so far.
    """
    codes = _grouped(units, number) if units.grouped else _stratified(problem, number)
    return [np.flatnonzero(codes == fold) for fold in range(number)]


def _stratified(problem: Block, number: int) -> Index:
    targets = problem.targets
    labels = targets.labels if isinstance(targets, Labels) else targets.rows.argmax(axis=1)
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


def _grouped(units: Units, number: int) -> Index:
    sizes, filled = np.bincount(units.codes, minlength=units.number), np.zeros(number)
    fold = np.empty(units.number, np.intp)
    for unit in np.argsort(-sizes, kind="stable"):
        fold[unit] = int(np.argmin(filled))
        filled[fold[unit]] += sizes[unit]
    return fold[units.codes]


def refuse_missing_classes(problem: Block, folds: list[Index], classes: NDArray[Any]) -> None:
    """Raise where all rows of a class are in one fold: without it, its intercept has no minimum."""
    if problem.targets.smoothing:
        return
    totals = [problem.take(fold).targets.class_totals(None) for fold in folds]
    rest = sum(totals) - np.array(totals)
    wrong = np.argwhere(rest <= 0.0)
    if len(wrong):
        fold, k = (int(each) for each in wrong[0])
        message = (
            f"all rows of class {label_text(classes[k])} are in fold {fold}: without them its loss is "
            "infinite. Use fewer folds, or add rows of the class"
        )
        raise ValueError(message)
