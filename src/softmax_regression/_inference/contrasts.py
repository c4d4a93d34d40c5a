"""Log-odds of one class against another, with their errors: what every table of estimates holds."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._types import Matrix, Vector
from .estimate import Estimate
from .form import Form
from .names import Names
from .table import Fact, Shown, Table, interval, number, probability, ratio, two_decimals
from .tails import quantile, two_sided

Columns = dict[str, NDArray[Any]]


def check_level(level: float) -> float:
    """Return z of a two-sided interval.

    Raises
    ------
    TypeError, ValueError
        No number in (0, 1).
    """
    if isinstance(level, bool) or not isinstance(level, (int, float, np.floating)):
        message = f"level must be a number, got {level!r}"
        raise TypeError(message)
    if not 0.0 < level < 1.0:
        message = f"level must be in (0, 1), as 0.95 for a 95 % interval, got {level!r}"
        raise ValueError(message)
    return quantile(float(level))


def errors_and_interval(estimate: Vector, error: Vector, level: float) -> Columns:
    """Return the columns from the estimate to its interval."""
    reach = check_level(level) * error
    z = estimate / error
    return {
        "estimate": estimate,
        "standard_error": error,
        "z": z,
        "p_value": np.array([two_sided(each) for each in z]),
        "lower": estimate - reach,
        "upper": estimate + reach,
    }


def contrast_columns(
    estimate: Estimate, names: Names, pairs: Sequence[tuple[int, int]], level: float
) -> Columns:
    """Return the columns of the contrasts of some pairs of classes, one below the other."""
    intercept = estimate.coordinates.fit_intercept
    terms = names.terms(intercept)
    values, errors = [], []
    for of, against in pairs:
        variance = np.diagonal(estimate.contrast_covariance(of, against))
        values.append(estimate.contrast(of, against)[: len(terms)])
        errors.append(np.sqrt(np.maximum(variance[: len(terms)], 0.0)))
    statistics = errors_and_interval(np.concatenate(values), np.concatenate(errors), level)
    is_slope = np.tile(np.arange(len(terms)) < len(names.features), len(pairs))
    of_all, against_all = np.repeat(np.array(pairs), len(terms), axis=0).T
    return {
        "of": names.classes[of_all],
        "against": names.classes[against_all],
        "feature": np.tile(terms, len(pairs)),
        **statistics,
        "odds_ratio": odds(statistics["estimate"], is_slope),
        "odds_ratio_lower": odds(statistics["lower"], is_slope),
        "odds_ratio_upper": odds(statistics["upper"], is_slope),
    }


def odds(log_odds: Vector, is_slope: NDArray[np.bool_]) -> Vector:
    """Return the odds ratios of slopes; NaN for intercepts, which compare with nothing."""
    with np.errstate(over="ignore"):
        return np.where(is_slope, np.exp(log_odds), np.nan)


def interval_title(form: Form, level: float) -> str:
    """Return what intervals of this level are called."""
    return f"{100.0 * level:.6g} % {'credible' if form.prior else 'interval'}"


def estimate_table(
    columns: Columns,
    form: Form,
    level: float,
    *,
    title: tuple[str, str],
    facts: Sequence[Fact] = (),
    label: str = "feature",
    groups: tuple[str, ...] = ("of", "against"),
    corner: str = "log-odds",
) -> Table:
    """Return the table of estimates: under a prior without z and p."""
    ends = interval_title(form, level)
    if form.prior:
        columns = {k: v for k, v in columns.items() if k not in ("z", "p_value")}
        shown = [
            Shown("mode", number, ("estimate",), 10),
            Shown("post. sd", number, ("standard_error",), 9),
            Shown(ends, interval, ("lower", "upper"), 18),
        ]
    else:
        shown = [
            Shown("estimate", number, ("estimate",), 10),
            Shown("std. err.", number, ("standard_error",), 9),
            Shown("z", two_decimals, ("z",), 6),
            Shown("p", probability, ("p_value",), 7),
            Shown(ends, interval, ("lower", "upper"), 19),
        ]
    if "odds_ratio" in columns:
        shown.append(Shown("odds ratio", ratio, ("odds_ratio",), 10))
    return Table(
        columns,
        shown,
        label=label,
        groups=groups,
        corner=corner,
        title=title,
        facts=facts,
        notes=form.notes(),
    )


def farthest(estimate: Estimate, shift: Matrix, names: Names) -> tuple[float, str]:
    """Return the slope that `shift` (K, D) moves by most standard errors, and by how many."""
    n_classes, d = len(names.classes), len(names.features)
    spread = np.zeros((n_classes, d, n_classes))
    others = np.delete(np.arange(n_classes), estimate.reference)
    blocks = estimate.blocks()[:, :d, :, :d]
    spread[np.ix_(others, np.arange(d), others)] = np.einsum("ajbj->ajb", blocks)
    own = np.einsum("aja->aj", spread)
    most, where = 0.0, ""
    for a in range(n_classes):
        variance = own[a] + own - spread[a].T - spread[:, :, a]
        with np.errstate(divide="ignore", invalid="ignore"):
            moved = np.abs(shift[a, :d] - shift[:, :d]) / np.sqrt(np.maximum(variance, 0.0))
        moved[a] = 0.0
        b, j = np.unravel_index(int(np.argmax(moved)), moved.shape)
        if moved[b, j] > most:
            most = float(moved[b, j])
            where = f"{names.pair(max(a, int(b)), min(a, int(b)))}, {names.features[j]}"
    return most, where
