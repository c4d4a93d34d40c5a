"""What leave-one-out tells: for every row the loss and the probabilities of a fit without it."""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from .._likelihood.block import Block
from .._losses import cross_entropy_rows
from .._prediction import probabilities
from .._types import Floats, Index, Matrix, Vector


class Correction(NamedTuple):
    """What refits of some units add to the loss, and the standard error of that."""

    value: float
    error: float


@dataclass(frozen=True, repr=False, eq=False)
class LeaveOneOut:
    """Losses and probabilities of every row from a fit without it, frozen.

    Made by `SoftmaxRegression.leave_one_out`. Rows of weight 0 were in no fit: their probabilities
    are the model's own, and their losses NaN.

    Attributes
    ----------
    loss : float
        Mean cross-entropy in nats, with sample weights, without smoothing and class weights, as
        `SoftmaxRegression.loss` has it of the rows that were learned. With ``exact`` it has the
        mean correction of the rows that were refitted.
    standard_error : float
        Of the loss, from the spread of the rows' losses, or of their groups' sums.
    training_loss : float
        The same mean over the rows as the fit has them.
    losses : ndarray of shape (n_samples,)
        The rows' cross-entropies. Those that were refitted are exact.
    probabilities : ndarray of shape (n_samples, n_classes)
        The rows' probabilities.
    leverage : ndarray of shape (n_samples,)
        How much a row holds its own logits, from 0 to 1: the largest eigenvalue of w_i M_i A_i.
        NaN where rows leave in groups.
    exact_rows : ndarray
        The rows that were refitted.
    correction, correction_error : float
        What refits add to the loss, and the standard error of that; 0 where all rows were
        refitted, or none.

    Examples
    --------
    >>> from softmax_regression import SoftmaxRegression
    >>> X, y = [[0.0], [1.0], [2.0], [3.0], [4.0], [5.0]], ["a", "a", "b", "a", "b", "b"]
    >>> SoftmaxRegression(l2=0.1).fit(X, y).leave_one_out(X, y)
    <LeaveOneOut: loss 0.7429 ± 0.33 nats (training 0.418), 6 rows>
    """

    loss: float
    standard_error: float
    training_loss: float
    losses: Vector
    probabilities: Matrix
    leverage: Vector
    exact_rows: Index
    correction: float
    correction_error: float

    def __repr__(self) -> str:
        """Return one line."""
        refits = f", {len(self.exact_rows)} refitted" if len(self.exact_rows) else ""
        return (
            f"<LeaveOneOut: loss {self.loss:.4g} ± {self.standard_error:.2g} nats "
            f"(training {self.training_loss:.4g}), {len(self.losses)} rows{refits}>"
        )


def row_losses(logits: Floats, judged: Block) -> Vector:
    """CE(t_i, softmax(z_i)) of rows in the order of the block, (m,)."""
    return np.asarray(cross_entropy_rows(logits, judged.targets.given), np.float64)


def mean_of(losses: Vector, judged: Block) -> float:
    """Return the weighted mean."""
    return float(np.average(losses, weights=judged.weight))


def standard_error(losses: Vector, judged: Block, codes: Index) -> float:
    """Return √(U / (U − 1) Σ_u (Σ_{i∈u} w_i (l_i − l̄))²) / Σ w over U units that vary alone."""
    weight = judged.weights()
    sums = np.bincount(codes, weight * (losses - np.average(losses, weights=weight)))
    n_units = len(sums)
    return math.sqrt(float(sums @ sums) * n_units / (n_units - 1.0)) / float(weight.sum())


def probabilities_of(logits: Floats) -> Matrix:
    """Return the softmax of logits, which stay as they are."""
    return np.asarray(probabilities(np.array(logits, np.float64)))
