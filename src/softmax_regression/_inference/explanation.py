"""One row explained: the log-odds of two classes as a sum over features, exactly.

    log p_a / p_b = (b_a − b_b + Σ_j m_j Δ_j) + Σ_j (x_j − m_j) Δ_j,  Δ_j = W_aj − W_bj

with a baseline row m: equal to linear SHAP values of independent features where m is their mean.
"""

from typing import Any, NamedTuple

import numpy as np

from .._arrays import as_array
from .._input.features import check_features
from .._parameters import Parameters
from .._types import Features, Index, Matrix, Vector
from .contrasts import Columns
from .names import Names
from .rows import parts
from .table import FIRST_ROWS, MOST_ROWS, Fact, Shown, Table, number

BAR = 30


class Explanation(Table):
    """The log-odds of two classes for a row, feature by feature, the largest first.

    Attributes
    ----------
    columns : dict of str to ndarray
        feature, value, contribution; of several rows also row, of and against.
    of, against : label, or ndarray of labels for several rows
    baseline : float or ndarray
        The log-odds of the baseline row; of zeros the difference of the intercepts.
    log_odds : float or ndarray
        The baseline and all contributions together.
    """

    of: Any
    against: Any
    baseline: Any
    log_odds: Any

    def _printed(self) -> int:
        """Of one row only what adds to its log-odds, which comes first."""
        adding = int(np.count_nonzero(self.columns["contribution"]))
        if self._groups or not adding:
            return super()._printed()
        return adding if adding <= MOST_ROWS else FIRST_ROWS

    def _group(self, i: int) -> str:
        """Return which of several rows this is of, and what its contributions add up to."""
        if not self._groups:
            return ""
        row = self.columns["row"][i]
        return (
            f"row {row}: log-odds of {self.of[row]} : {self.against[row]} "
            f"{_signed(self.log_odds[row])}, of which the baseline {_signed(self.baseline[row])}"
        )


def explanation(
    X: Features,
    parameters: Parameters,
    names: Names,
    *,
    of: int | None = None,
    against: int | None = None,
    baseline: Vector | None = None,
) -> Explanation:
    """Return the explanation of every row of X, one below the other."""
    weights, b = (array.astype(np.float64) for array in parameters)
    m = np.zeros(weights.shape[1]) if baseline is None else baseline
    rows = _filled(X)
    pairs = _pairs(rows @ weights.T + b, of, against)
    slopes = weights[pairs[:, 0]] - weights[pairs[:, 1]]
    base = b[pairs[:, 0]] - b[pairs[:, 1]] + slopes @ m
    contributions = (rows - m) * slopes
    order = np.argsort(-np.abs(contributions), axis=1, kind="stable")
    sums = Sums(base, base + contributions.sum(axis=1))
    rows, contributions = (
        np.take_along_axis(each, order, axis=1) for each in (rows, contributions)
    )
    columns: Columns = {
        "feature": np.array(names.features, dtype=str)[order.ravel()],
        "value": rows.ravel(),
        "contribution": contributions.ravel(),
    }
    if len(rows) == 1:
        return _of_one(columns, names, pairs[0], sums)
    return _of_several(columns, names, pairs, sums)


class Sums(NamedTuple):
    """The log-odds of the baseline and of the rows, (n,) each."""

    baseline: Vector
    log_odds: Vector


def rows_of(x: Any) -> Any:
    """Return one row as a matrix of one; a row of a data frame keeps its names."""
    if hasattr(x, "to_frame") and hasattr(x, "index"):
        return x.to_frame().T
    if hasattr(x, "shape"):
        return x[np.newaxis] if isinstance(x, np.ndarray) and x.ndim == 1 else x
    return [x] if np.ndim(x) == 1 else x


def baseline_row(baseline: Any, n_features: int) -> Vector:
    """Return the baseline as an array.

    Raises
    ------
    ValueError
        Another length, or a value that is not finite.
    """
    row = check_features(np.atleast_2d(as_array(baseline, "baseline")), name="baseline")
    if row.shape != (1, n_features):
        message = f"baseline has shape {np.shape(baseline)}, expected ({n_features},)"
        raise ValueError(message)
    return np.asarray(row[0], np.float64)


def _filled(X: Features) -> Matrix:
    found = [X[part] for part in parts(X.shape[0], X.shape[1])]
    return np.concatenate(
        [
            np.asarray(part.toarray() if hasattr(part, "toarray") else part, np.float64)
            for part in found
        ]
    )


def _pairs(logits: Matrix, of: int | None, against: int | None) -> Index:
    """Return the classes that are compared for each row, (n, 2).

    The most probable against the next where neither is given; the most probable other than the one
    that is given.
    """
    n_rows = len(logits)
    given = [each for each in (of, against) if each is not None]
    left = logits.copy()
    left[:, given] = -np.inf
    ranked = np.argsort(-left, axis=1, kind="stable")
    first = np.full(n_rows, of) if of is not None else ranked[:, 0]
    if against is not None:
        return np.stack([first, np.full(n_rows, against)], axis=1)
    return np.stack([first, ranked[:, 0 if of is not None else 1]], axis=1)


def _of_one(columns: Columns, names: Names, pair: Index, sums: Sums) -> Explanation:
    a, b = (int(k) for k in pair)
    base, log_odds = float(sums.baseline[0]), float(sums.log_odds[0])
    facts = [
        Fact(f"log-odds of {names.pair(a, b)}", _signed(log_odds)),
        Fact("of which the baseline", _signed(base)),
    ]
    table = Explanation(columns, _shown(columns), label="feature", corner="feature", facts=facts)
    table.of, table.against = names.classes[a], names.classes[b]
    table.baseline, table.log_odds = base, log_odds
    return table


def _of_several(columns: Columns, names: Names, pairs: Index, sums: Sums) -> Explanation:
    of, against = names.classes[pairs[:, 0]], names.classes[pairs[:, 1]]
    places = np.repeat(np.arange(len(pairs)), len(names.features))
    columns = {"row": places, "of": of[places], "against": against[places]} | columns
    groups = ("row", "of", "against")
    table = Explanation(columns, _shown(columns), label="feature", groups=groups, corner="feature")
    table.of, table.against = of, against
    table.baseline, table.log_odds = sums
    return table


def _shown(columns: Columns) -> list[Shown]:
    largest = float(np.abs(columns["contribution"]).max(initial=0.0))
    return [
        Shown("value", number, ("value",), 10),
        Shown("log-odds", _signed, ("contribution",), 10),
        Shown("", Bar(largest), ("contribution",), BAR, left=True),
    ]


class Bar:
    """A bar of blocks, as long as a contribution is large."""

    def __init__(self, largest: float) -> None:
        self.largest = largest

    def __call__(self, value: float) -> str:
        """Return the bar of a contribution."""
        share = abs(value) / self.largest if self.largest else 0.0
        return (("█" if value > 0 else "░") * round(BAR * share)).ljust(BAR)


def _signed(value: float) -> str:
    return f"{value + 0.0:+.4g}"
