"""Intervals for the probabilities of rows, found on the logit scale, so that they stay in (0, 1).

    log p_k / (1 − p_k) = z_k − log Σ_{m≠k} exp z_m
    ∂ / ∂θ_m = (δ_km − (1 − δ_km) p_m / (1 − p_k)) x̃

so the error of class k is that of one contrast, of k with a mixture of the others.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .._types import Features, Floats, Matrix
from .contrasts import check_level, interval_title
from .estimate import Estimate
from .form import Form
from .names import Names
from .rows import parts, standardised
from .table import Shown, Table, interval, number


class _Arrays(NamedTuple):
    probability: NDArray[np.float64]
    lower: NDArray[np.float64]
    upper: NDArray[np.float64]


class Intervals(_Arrays):
    """Probabilities with their intervals: a tuple of three arrays, printed as a table.

    Attributes
    ----------
    probability : ndarray of shape (n_rows, n_classes)
    lower : ndarray of shape (n_rows, n_classes)
    upper : ndarray of shape (n_rows, n_classes)
    """

    _names: Names
    _form: Form
    _level: float

    def __repr__(self) -> str:
        """Return the table as text."""
        return str(self)

    def __str__(self) -> str:
        """Return aligned text of at most 88 columns, as far as numbers leave room for names."""
        return str(self._table())

    def _repr_html_(self) -> str:
        """Return what notebooks show."""
        return self._table()._repr_html_()

    @property
    def columns(self) -> dict[str, NDArray[Any]]:
        """Equal arrays by name: row, class, probability, lower, upper; the classes of row 0 first."""
        n_rows, n_classes = self.probability.shape
        return {
            "row": np.repeat(np.arange(n_rows), n_classes),
            "class": np.tile(self._names.classes, n_rows),
            **{name: array.ravel() for name, array in self._asdict().items()},
        }

    def _table(self) -> Table:
        shown = [
            Shown("probability", number, ("probability",), 11),
            Shown(interval_title(self._form, self._level), interval, ("lower", "upper"), 18),
        ]
        return Table(
            self.columns,
            shown,
            label="class",
            groups=("row",),
            corner="row, class",
            notes=self._form.notes(),
        )


def intervals(estimate: Estimate, X: Features, level: float, names: Names, form: Form) -> Intervals:
    """Return the probabilities of all rows, and logistic(logit ± z standard errors) at a level."""
    found = Intervals(*_probabilities(estimate, X, check_level(level)))
    found._names, found._form, found._level = names, form, level
    return found


def _probabilities(estimate: Estimate, X: Features, reach: float) -> NDArray[np.float64]:
    """Return the probabilities and the ends of their intervals, (3, n, K)."""
    n_classes, columns = estimate.theta.shape
    out = np.empty((3, X.shape[0], n_classes))
    for part in parts(X.shape[0], n_classes * max(n_classes, columns)):
        rows = standardised(X, estimate.coordinates, part)
        logit, error = _logits(estimate, rows)
        for place, shift in enumerate((0.0, -reach, reach)):
            out[place, part] = _logistic(logit + shift * error)
    return out


def _logits(estimate: Estimate, rows: Matrix) -> tuple[Matrix, Matrix]:
    """Return the logits of the probabilities and their standard errors, (b, K)."""
    z = rows @ estimate.theta.T
    variance = _variances(estimate, rows)
    logit, error = np.empty_like(z), np.empty_like(z)
    for k in range(z.shape[1]):
        others = np.delete(np.arange(z.shape[1]), k)
        largest = z[:, others].max(axis=1, keepdims=True)
        mixture = np.exp(z[:, others] - largest)
        total = mixture.sum(axis=1, keepdims=True)
        logit[:, k] = z[:, k] - (largest + np.log(total))[:, 0]
        direction = np.zeros_like(z)
        direction[:, k] = 1.0
        direction[:, others] = -mixture / total
        u = np.delete(direction, estimate.reference, axis=1)
        error[:, k] = np.sqrt(np.maximum(np.einsum("im,iml,il->i", u, variance, u), 0.0))
    return logit, error


def _variances(estimate: Estimate, rows: Matrix) -> Matrix:
    """Return x̃_iᵀ V_ml x̃_i for all pairs of free classes, (b, K − 1, K − 1)."""
    blocks = estimate.blocks()
    n_free = len(blocks)
    variance = np.empty((len(rows), n_free, n_free))
    for m, of_class in enumerate(blocks):
        products = (rows @ of_class.reshape(len(of_class), -1)).reshape(len(rows), n_free, -1)
        variance[:, m] = np.einsum("ilq,iq->il", products, rows)
    return variance


def _logistic(logit: Floats) -> Floats:
    """1 / (1 + exp(−x)), without overflow."""
    small = np.exp(-np.abs(logit))
    return np.where(logit >= 0.0, 1.0, small) / (1.0 + small)
