"""Averaged mini-batch descent in the metric of the rows: no learning rate.

The Hessian of the data term is at most ½ A with A = (1 / Σ w) Σ_i w_i x̃_i x̃_iᵀ for every class
(Böhning, 1992, Annals of the Institute of Statistical Mathematics 44, 197-200), so (½ A +
penalty)⁻¹ is a step that a full gradient may take; a batch of b rows takes 1 / (1 + D / b) of
it. The average with weight 8 / (t + 8) on the newest point is the polynomial-decay average of
Shamir and Zhang (2013), arXiv 1212.1824.
"""

import math
from dataclasses import dataclass, field

import numpy as np

from .._likelihood.rows import DenseRows
from .._likelihood.value import value
from .._likelihood.working import Chunk
from .._types import Matrix

# Columns up to which the second moment is a matrix, else its diagonal.
DENSE_COLUMNS = 1024
# Rows a column after which the metric is known well enough.
MOMENT_ROWS = 50


@dataclass(eq=False, repr=False)
class AveragedDescent:
    """The state of one stream of mini-batches; every row is seen once and forgotten.

    `parameters` and `average` are (K, D), `penalty` (D,); `moment` sums w x̃ x̃ᵀ, or its
    diagonal where D is large or the rows are sparse.
    """

    parameters: Matrix
    penalty: Matrix
    average: Matrix = field(init=False)
    moment: Matrix | None = None
    moment_weight: float = 0.0
    rows: int = 0
    steps: int = 0
    rows_at_renewal: int = 0
    metric: Matrix = field(default_factory=lambda: np.ones(1))

    def __post_init__(self) -> None:
        self.average = self.parameters.copy()

    def step(self, block: Chunk) -> float:
        """Take one step along the block's gradient and return F on the block before it.

        A block of weight zero changes nothing, and its F is NaN.
        """
        weight = block.weight
        total = block.total()
        if total <= 0.0:
            return math.nan
        self._observe(block, total)
        loss, gradient = value(block, self.parameters.astype(block.rows.dtype))
        objective = loss / total + 0.5 * float((self.penalty * self.parameters**2).sum())
        gradient = gradient / total + self.penalty * self.parameters
        direction = self._apply(gradient)
        slope, bend = float(np.vdot(gradient, direction)), self._bend(block, direction, total)
        effective = total if weight is None else total**2 / float(weight @ weight)
        length = 1.0 / (1.0 + self.parameters.shape[1] / effective)
        if length * bend > 2.0 * slope:
            # Rows unlike those that the metric knows: a longer step would raise their F.
            length = 2.0 * slope / bend
        self.parameters = self.parameters - length * direction
        self.steps += 1
        self.average = self.average + (self.parameters - self.average) * 8.0 / (self.steps + 8.0)
        return objective

    def _bend(self, block: Chunk, direction: Matrix, total: float) -> float:
        """Return an upper bound on the second derivative of the block's F along a direction.

        That of the data term is at most ½ Σ_k (Δ_k − mean Δ)² for a row whose logits change by Δ
        (Böhning). A step of length h lowers F by at least h slope − ½ h² bend.
        """
        change = block.rows.logits(direction.astype(block.rows.dtype))
        change -= change.mean(axis=0)
        squares = np.einsum("ki,ki->i", change, change)
        data = squares.sum() if block.weight is None else squares @ block.weight
        return 0.5 * float(data) / total + float((self.penalty * direction**2).sum())

    def _observe(self, block: Chunk, total: float) -> None:
        """Add the block to the second moment, and renew the metric when the rows doubled."""
        columns = self.parameters.shape[1]
        if self.rows_at_renewal >= MOMENT_ROWS * columns:
            return
        moment = _second_moment(block, columns)
        self.moment = moment if self.moment is None else self.moment + moment
        self.moment_weight += total
        self.rows += block.rows.n_rows
        if self.rows >= 2 * self.rows_at_renewal:
            self._renew(self.moment / self.moment_weight)

    def _renew(self, mean: Matrix) -> None:
        """(½ A + penalty)⁻¹ of the mean A, with a ridge that stands for the rows not seen yet."""
        self.rows_at_renewal = self.rows
        ridge = self.parameters.shape[1] / self.rows
        if mean.ndim == 1:
            curvature = 0.5 * (mean + ridge * _seen(mean)) + self.penalty
            self.metric = 1.0 / np.maximum(curvature, 1e-300)
            return
        diagonal = np.diagonal(mean)
        curvature = 0.5 * (mean + np.diag(ridge * _seen(diagonal))) + np.diag(self.penalty)
        root = 1.0 / np.sqrt(np.diagonal(curvature))
        scaled = curvature * root[:, None] * root
        scaled[np.diag_indices_from(scaled)] += 1e-9
        self.metric = np.linalg.inv(scaled) * root[:, None] * root

    def _apply(self, gradient: Matrix) -> Matrix:
        return gradient * self.metric if self.metric.ndim == 1 else gradient @ self.metric


def _seen(diagonal: Matrix) -> Matrix:
    """Return second moments with the largest for columns not seen yet: their steps start short."""
    return np.where(diagonal > 0.0, diagonal, max(float(diagonal.max()), 1e-300))


def _second_moment(block: Chunk, columns: int) -> Matrix:
    """Σ_i w_i x̃_i x̃_iᵀ (D, D), or its diagonal (D,)."""
    rows, weight = block.rows, block.weight
    if isinstance(rows, DenseRows) and columns <= DENSE_COLUMNS:
        values = rows.values
        if weight is not None:
            values = values * np.sqrt(weight)[:, None]
        return np.asarray(values.T @ values, np.float64)
    return np.asarray(rows.squares(block.weights()[None])[0], np.float64)
