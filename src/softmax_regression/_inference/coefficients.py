"""The coefficients with their names, of any fit: no rows are needed, and nothing is claimed of errors."""

from typing import Any

import numpy as np

from .._parameters import Parameters
from .._types import Index, Vector
from .contrasts import Columns, odds
from .names import Names
from .table import Shown, Table, number, ratio

SHOWN = (
    Shown("weight", number, ("estimate",), 10),
    Shown("odds ratio", ratio, ("odds_ratio",), 10),
)


def coefficient_table(
    parameters: Parameters,
    names: Names,
    *,
    intercept: bool,
    reference: int | None = None,
    top: int | None = None,
) -> Table:
    """Return a row per class and feature, the intercept last; `top` features by size without it.

    With a `reference` the rows are the log-odds of the other classes against it.
    """
    _check_top(top)
    weights, b = (array.astype(np.float64) for array in parameters)
    if reference is not None:
        weights, b = weights - weights[reference], b - b[reference]
    values = np.concatenate([weights, b[:, None]], axis=1) if intercept else weights
    terms = names.terms(intercept)
    d = len(names.features)
    classes = np.array([k for k in range(len(values)) if k != reference], dtype=np.intp)
    places = [_places(values[k], d, top) for k in classes]
    of = np.repeat(classes, [len(each) for each in places])
    j = np.concatenate(places)
    estimate = values[of, j]
    columns: Columns = {"class": names.classes[of]}
    if reference is not None:
        columns = {"of": names.classes[of], "against": names.classes[np.full(len(of), reference)]}
    columns |= {
        "feature": terms[j],
        "estimate": estimate,
        "odds_ratio": odds(estimate, j < d),
    }
    groups = ("class",) if reference is None else ("of", "against")
    corner = "weights" if reference is None else "log-odds"
    return Table(columns, SHOWN, label="feature", groups=groups, corner=corner)


def _places(values: Vector, d: int, top: int | None) -> Index:
    """Return the columns in their order, or the `top` features by size, the largest first."""
    if top is None:
        return np.arange(len(values))
    return np.argsort(-np.abs(values[:d]), kind="stable")[:top]


def _check_top(top: Any) -> None:
    if top is None:
        return
    if isinstance(top, bool) or not isinstance(top, (int, np.integer)):
        message = f"top must be a number of features or None, got {top!r}"
        raise TypeError(message)
    if top < 1:
        message = f"top must be >= 1, got {top!r}"
        raise ValueError(message)
