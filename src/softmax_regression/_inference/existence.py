"""Why there is no covariance: collinear columns, separated classes, or parameters too far out."""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from .._exceptions import SeparationError
from .._input.hyperparameters import Hyperparameters
from .._likelihood.block import Block
from .._likelihood.information import expanded, information
from .._likelihood.working import Likelihood
from .._parameters import Parameters
from .._separation import find_separation
from .._types import Floats
from .names import INTERCEPT, Names

# Of the largest eigenvalue of the columns' correlations: directions in which they do not spread.
NO_SPREAD = 1e-11
# Of the largest entry: columns that take part in such a direction.
TAKES_PART = 1e-6
# Of its mean: what rounding leaves of the spread of a constant column, sparse ones by squares.
ROUNDED = 1e-14
ROUNDED_SPARSE = 3e-7
NAMED = 8

Mask: TypeAlias = NDArray[np.bool_]


def one(p: Floats) -> Floats:
    """Return the factor of the plain second moment, (1, b)."""
    return np.ones_like(p[:1])


def collinear_columns(likelihood: Likelihood, names: Names, unpenalised: Mask) -> list[str]:
    """Return the columns that others determine, with these others; constants count as the intercept.

    Of the columns marked `unpenalised` (D,) alone.
    """
    theta = np.zeros((2, likelihood.n_columns))
    total, sums = likelihood.sums(information, theta, one)
    moment = expanded(sums, likelihood.n_columns)[0] / total
    terms = np.array([*names.features, INTERCEPT])[: likelihood.n_columns]
    constant = _constant(likelihood)
    kept = np.flatnonzero(unpenalised & ~constant)
    scale = np.sqrt(np.diagonal(moment)[kept])
    sizes, axes = np.linalg.eigh(moment[np.ix_(kept, kept)] / scale[:, None] / scale)
    taking = constant & unpenalised
    for axis in axes[:, sizes <= NO_SPREAD * len(kept)].T:
        taking[kept[np.abs(axis) > TAKES_PART * np.abs(axis).max()]] = True
    return [str(term) for term in terms[taking]]


def _constant(likelihood: Likelihood) -> Mask:
    """Tell columns that do not vary about their centre, (D,)."""
    known, d = likelihood.survey, likelihood.n_features
    size = known.spread if likelihood.fit_intercept else np.hypot(known.spread, known.mean)
    rounding = ROUNDED_SPARSE if known.sparse else ROUNDED
    constant = np.zeros(likelihood.n_columns, dtype=bool)
    constant[:d] = size <= rounding * np.abs(likelihood.coordinates.centre)
    return constant


def refuse_collinear(likelihood: Likelihood, names: Names, unpenalised: Mask) -> None:
    """Raise where columns determine each other, so that no coefficient has one value."""
    columns = collinear_columns(likelihood, names, unpenalised)
    if columns:
        more = f" and {len(columns) - NAMED} more" if len(columns) > NAMED else ""
        message = (
            f"columns of X are collinear, so that their coefficients have no one value: "
            f"{', '.join(columns[:NAMED])}{more}. Drop one of each set, or set l2 > 0"
            " (a constant column repeats the intercept)"
        )
        raise ValueError(message)


def refuse_separated(
    block: Block, fit: Parameters, names: Names, settings: Hyperparameters
) -> None:
    """Raise where columns part classes, so that there is no maximum likelihood estimate."""
    found = find_separation(
        block, fit, fit_intercept=settings.fit_intercept, among=settings.unpenalised
    )
    if found.unbounded:
        sentence = found.sentence(names.classes.tolist(), names.features)
        message = f"no maximum likelihood estimate: {sentence}"
        raise SeparationError(message)


def refuse_empty_classes(block: Block, names: Names) -> None:
    """Raise where a class has no row: its intercept has no estimate, whatever the penalty."""
    empty = np.flatnonzero(block.targets.class_totals(block.weight) == 0.0)
    if len(empty):
        message = (
            f"no row of weight > 0 has class {names.of_class(int(empty[0]))!r}: its log-odds have no "
            "estimate. Pass all rows of the fit, or drop the class and fit again"
        )
        raise SeparationError(message)
