"""How an l2 was chosen: what was tried, what it lost, and what the choice is worth."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from .._types import Vector
from .search import Edge

ARRAYS = ("l2s", "losses", "paired_errors")


@dataclass(frozen=True, repr=False, eq=False)
class Selection:
    """How ``l2="auto"`` found its number, frozen.

    Attributes
    ----------
    method : str
        "leave-one-out", "leave-one-group-out", or "5 folds" where a Hessian is out of reach.
    l2 : float
        The choice, `l2_` of the model.
    loss : float
        Its held-out loss in nats, by which it was chosen.
    standard_error : float
        Of that loss.
    l2s : ndarray
        Every l2 tried, in rising order.
    losses : ndarray
        Their held-out losses.
    paired_errors : ndarray
        The standard error of each loss less that of the choice: from the same rows, so that most of
        what these have in common is gone. 0 at the choice.
    edge : {"low", "high"} or None
        Whether the loss was least at an end of the search: "low", the classes are separated;
        "high", the features say nothing.
    left_out : int
        How many rows were left out: all of them, or a sample where rows are very many.

    Examples
    --------
    >>> import numpy as np
    >>> from softmax_regression import SoftmaxRegression
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(60, 3))
    >>> y = (X[:, 0] + rng.normal(size=60) > 0).astype(int)
    >>> model = SoftmaxRegression(l2="auto").fit(X, y)
    >>> model.selection_.method, model.l2_ == model.selection_.l2
    ('leave-one-out', True)
    """

    method: str
    l2: float
    loss: float
    standard_error: float
    l2s: Vector
    losses: Vector
    paired_errors: Vector
    edge: Edge
    left_out: int

    def __repr__(self) -> str:
        """Return one line."""
        edge = f", at the {self.edge} end" if self.edge else ""
        return (
            f"<Selection: l2 = {self.l2:.3g} by {self.method}, loss {self.loss:.4g} ± "
            f"{self.standard_error:.2g} nats, {len(self.l2s)} tried{edge}>"
        )

    def sentence(self) -> str:
        """Return the choice in words."""
        return (
            f"l2 = {self.l2:.3g} of {len(self.l2s)} tried, by {self.method}: held-out loss "
            f"{self.loss:.4g} ± {self.standard_error:.2g} nats"
        )

    def warning(self) -> str | None:
        """Return what to tell the user, if anything."""
        if self.edge == "low":
            return (
                f"l2='auto' ended at l2={self.l2:.3g}, the low end of its search, where the held-out "
                "loss still falls: the classes are separated, and no penalty is too small for these "
                "rows. Give l2 a number if smaller weights are wanted"
            )
        if self.edge == "high":
            return (
                f"l2='auto' ended at l2={self.l2:.3g}, the high end of its search: the features say "
                "nothing that helps to predict rows which were not learned, and the class "
                "frequencies predict as well"
            )
        return None

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Selection":
        """Return what `to_dict` described.

        Raises
        ------
        KeyError, TypeError, ValueError
            It is of another kind.
        """
        arrays = {name: np.array(values[name], np.float64) for name in ARRAYS}
        if {each.shape for each in arrays.values()} != {(len(values["l2s"]),)}:
            message = "arrays of different lengths"
            raise ValueError(message)
        edge = values["edge"]
        if edge not in ("low", "high", None):
            message = f"no edge: {edge!r}"
            raise ValueError(message)
        return cls(
            method=str(values["method"]),
            l2=float(values["l2"]),
            loss=_or_nan(values["loss"]),
            standard_error=_or_nan(values["standard_error"]),
            edge=edge,
            left_out=int(values["left_out"]),
            **arrays,
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the attributes as plain numbers, text and lists; None for a loss that is NaN."""
        return {
            name: value.tolist() if isinstance(value, np.ndarray) else value
            for name, value in vars(self).items()
        } | {name: _or_none(getattr(self, name)) for name in ("loss", "standard_error")}


def _or_none(number: float) -> float | None:
    return None if math.isnan(number) else number


def _or_nan(number: float | None) -> float:
    return math.nan if number is None else float(number)
