"""The targets t the core works with: class labels or probability rows.

Cross-entropy meets a target only through two linear forms, `inner` (Σ_k t_k z_k) and
`subtract_from` (P - T), or `take_from`, which does that to all its digits. Whoever has them never
builds an n x K one-hot matrix. All work on classes-first arrays of shape (n_classes, n_rows).
"""

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

RowIndex: TypeAlias = slice | NDArray[np.intp]


class Labels:
    """One true class per row: `labels` (n_rows,) in 0 … n_classes-1, smoothed by `smoothing` s.

    t = (1 - s) · onehot(label) + s / n_classes.
    """

    def __init__(self, labels: NDArray[np.intp], n_classes: int, smoothing: float = 0.0) -> None:
        self.labels = labels
        self.n_classes = n_classes
        self.smoothing = smoothing
        self._places: NDArray[np.intp] | None = None
        self._signs: NDArray[Any] | None = None

    @property
    def n_rows(self) -> int:
        """The number of rows."""
        return len(self.labels)

    @property
    def given(self) -> NDArray[np.intp]:
        """The targets without smoothing, as `cross_entropy` takes them."""
        return self.labels

    def only_classes(self) -> NDArray[np.intp] | None:
        """Return the one class of positive target per row, None where a row has more of them."""
        return None if self.smoothing else self.labels

    def take(self, rows: RowIndex) -> "Labels":
        """Return the targets of some rows."""
        return Labels(self.labels[rows], self.n_classes, self.smoothing)

    def cut(self, size: int) -> "list[Labels]":
        """Return the targets of every `size` rows, and of what is left."""
        parts = [self.take(slice(first, first + size)) for first in range(0, self.n_rows, size)]
        full = self.labels[: self.n_rows - self.n_rows % size].reshape(-1, size)
        for part, places in zip(parts, full * size + np.arange(size), strict=False):
            part._places = places
        return parts

    def class_totals(self, sample_weight: NDArray[Any] | None) -> NDArray[np.float64]:
        """Return Σ_i w_i t_i without smoothing, shape (n_classes,)."""
        return np.bincount(self.labels, sample_weight, self.n_classes).astype(np.float64)

    def weighted(self, class_weight: NDArray[np.float64]) -> tuple[NDArray[np.float64], "Labels"]:
        """Return each row's weight Σ_k c_k t_k and its targets c_k t_k / Σ_k c_k t_k.

        Class weights come before smoothing: a label's target stays as it is.
        """
        return class_weight[self.labels], self

    def inner(self, Z: NDArray[Any]) -> NDArray[Any]:
        """Return Σ_k t_k z_k for every column of Z (n_classes, n_rows)."""
        true_class: NDArray[Any] = Z.take(self._true_places())
        if self.smoothing:
            true_class = (1.0 - self.smoothing) * true_class + self.smoothing * Z.mean(axis=0)
        return true_class

    def subtract_from(self, P: NDArray[Any], scale: Any = 1.0) -> None:
        """Do P -= scale · T in place; P (n_classes, n_rows) is C-contiguous, scale (n_rows,)."""
        if self.smoothing:
            P -= np.multiply(scale, self.smoothing / self.n_classes)
            scale = np.multiply(scale, 1.0 - self.smoothing)
        P.reshape(-1)[self._true_places()] -= scale

    def take_from(self, P: NDArray[Any], scale: Any = 1.0) -> None:
        """Do P -= scale · T in place where every column of P sums to `scale`, to all its digits.

        p − 1 of a row nearly sure of its class would be rounding: it lacks what the others have.
        """
        if self.smoothing:
            P -= np.multiply(scale, self.smoothing / self.n_classes)
        _close(P, self._true_places())

    def sides(self, dtype: Any) -> tuple[NDArray[Any], float]:
        """Return 1 for class 0 and −1 for class 1, (n_rows,), and the target of the other class."""
        if self._signs is None or self._signs.dtype != dtype:
            self._signs = np.subtract(1, 2 * self.labels, dtype=dtype)
        return self._signs, self.smoothing / self.n_classes

    def _true_places(self) -> NDArray[np.intp]:
        """Return the flat places of the true classes in a C-ordered (n_classes, n_rows) array."""
        # A flat index is faster than the pair (labels, arange).
        if self._places is None:
            n_rows = self.labels.shape[0]
            self._places = self.labels * n_rows
            self._places += np.arange(n_rows)
        return self._places


class ProbabilityRows:
    """One probability row per sample, `rows` (n_rows, n_classes), smoothed by `smoothing` s.

    t = (1 - s) · row + s / n_classes.
    """

    def __init__(self, rows: NDArray[Any], smoothing: float = 0.0) -> None:
        self.rows = rows
        self.smoothing = smoothing
        self._places: NDArray[np.intp] | None = None

    @property
    def n_rows(self) -> int:
        """The number of rows."""
        return len(self.rows)

    @property
    def n_classes(self) -> int:
        """The number of classes."""
        return int(self.rows.shape[1])

    @property
    def given(self) -> NDArray[Any]:
        """The targets without smoothing, as `cross_entropy` takes them."""
        return self.rows

    def only_classes(self) -> NDArray[np.intp] | None:
        """Return the one class of positive target per row, None where a row has more of them."""
        if self.smoothing or (np.count_nonzero(self.rows, axis=1) > 1).any():
            return None
        largest: NDArray[np.intp] = self.rows.argmax(axis=1)
        return largest

    def take(self, rows: RowIndex) -> "ProbabilityRows":
        """Return the targets of some rows."""
        return ProbabilityRows(self.rows[rows], self.smoothing)

    def cut(self, size: int) -> "list[ProbabilityRows]":
        """Return the targets of every `size` rows, and of what is left."""
        return [self.take(slice(first, first + size)) for first in range(0, self.n_rows, size)]

    def class_totals(self, sample_weight: NDArray[Any] | None) -> NDArray[np.float64]:
        """Return Σ_i w_i t_i without smoothing, shape (n_classes,)."""
        weight = np.ones(self.n_rows) if sample_weight is None else sample_weight
        return np.asarray(weight @ self.rows, dtype=np.float64)

    def weighted(
        self, class_weight: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], "ProbabilityRows"]:
        """Return each row's weight Σ_k c_k t_k and its targets c_k t_k / Σ_k c_k t_k.

        Class weights come before smoothing, as if every class of the row were a labelled row.
        A row of weight 0 gets targets 0.
        """
        rows = self.rows * class_weight
        weight: NDArray[np.float64] = rows.sum(axis=1)
        np.divide(rows, weight[:, np.newaxis], out=rows, where=rows > 0)
        return weight, ProbabilityRows(rows, self.smoothing)

    def inner(self, Z: NDArray[Any]) -> NDArray[Any]:
        """Return Σ_k t_k z_k for every column of Z (n_classes, n_rows)."""
        # In the arithmetic of `Labels`, so that one-hot rows give the same bits.
        given: NDArray[Any] = np.einsum("ik,ki->i", self.rows.astype(Z.dtype, copy=False), Z)
        if self.smoothing:
            given = (1.0 - self.smoothing) * given + self.smoothing * Z.mean(axis=0)
        return given

    def subtract_from(self, P: NDArray[Any], scale: Any = 1.0) -> None:
        """Do P -= scale · T in place; P (n_classes, n_rows), scale a number or (n_rows,)."""
        if self.smoothing:
            P -= np.multiply(scale, self.smoothing / self.n_classes)
            scale = np.multiply(scale, 1.0 - self.smoothing)
        P -= self.rows.T.astype(P.dtype, copy=False) * scale

    def take_from(self, P: NDArray[Any], scale: Any = 1.0) -> None:
        """Do P -= scale · T in place where every column of P sums to `scale`, to all its digits."""
        self.subtract_from(P, scale)
        if self._places is None:
            n_rows = len(self.rows)
            self._places = self.rows.argmax(axis=1) * n_rows + np.arange(n_rows)
        _close(P, self._places)

    def sides(self, dtype: Any) -> tuple[NDArray[Any], NDArray[Any]]:
        """Return 1 where class 0 has the larger target, −1 where class 1 has, and the lesser target."""
        first, second = self.rows.astype(dtype, copy=False).T
        signs = np.where(first < second, -1, 1).astype(dtype)
        lesser = np.minimum(first, second)
        return signs, (1.0 - self.smoothing) * lesser + self.smoothing / self.n_classes


def _close(residuals: NDArray[Any], places: NDArray[np.intp]) -> None:
    """Make columns sum to zero by one entry of each, at its flat place, where nothing cancels."""
    flat = residuals.reshape(-1)
    flat[places] = 0.0
    flat[places] = -np.add.reduce(residuals, axis=0)


Targets: TypeAlias = Labels | ProbabilityRows
