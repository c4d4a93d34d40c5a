"""The metric of a stream's steps: means and covariances of the columns, running, and an inverse.

At logits z the Hessian of a row's loss is (diag p − p pᵀ) ⊗ x̃ x̃ᵀ, at most κ x̃ x̃ᵀ for every class
with κ = max p where that is up to ½, else 2 max p (1 − max p) (Gershgorin; Böhning's bound ½ for
all p is its largest value). So (A + penalty)⁻¹ with A = (1 / Σ w) Σ_i w_i κ_i x̃_i x̃_iᵀ is a step
that a full gradient may take.

With an intercept x̃ = (x − μ, 1), μ being the mean with weights w κ: A is then κ̄ C, of the
covariance C, and κ̄ for the intercept. A direction (V, c) for such rows is (V, c − V μ) for the
rows themselves. Parameters and averages belong to the rows themselves, so that nothing has to be
carried over when μ moves.
"""

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .._likelihood.rows import DenseRows
from .._likelihood.working import Chunk
from .._types import Floats, Matrix, Vector
from .cholesky import inverse

# Columns up to which the covariance is a matrix, else its diagonal.
DENSE_COLUMNS = 1024
# Rows a column after which the covariance is known well enough.
KNOWN_ROWS = 50
# Rows a column after which those of wide blocks are thinned out, so that their products cost no
# more than so many gradients.
FIRST_ROWS = 1
GRADIENTS = 4
# Of rows beyond those that tell enough, every so manieth counts.
FOLLOWING = 4
# The share of what it has seen that the metric remembers, so that it follows rows that change.
MEMORY = 0.25
# Deviations up to this share of the mean are rounding.
CONSTANT = 1e-13
# The curvature of rows that are classified for certain: others will come.
LEAST_CURVATURE = 0.02


@dataclass(eq=False, repr=False)
class RowMetric:
    """What the last `rows` of `seen` rows tell, and the inverse made of it `waiting` rows ago.

    `mean` (d,) is zero without an intercept, and `variance` (d,) then the second moment;
    `covariance` (d, d), of `covariance_rows` rows, is missing where d is large or the rows are
    sparse; `curvature` is κ̄, and `inverse`, (d, d) or (d,), that of the weights.

    The covariance is `decay` (S + RᵀR), S being `summed` and R the rows that are `recent`: a product
    with many rows costs less than one with few of them each time.
    """

    mean: Vector
    variance: Vector
    rows: float = 0.0
    seen: float = 0.0
    curvature: float = 0.5
    summed: Matrix | None = None
    covariance_rows: float = 0.0
    inverse: Matrix = field(default_factory=lambda: np.zeros(0))
    waiting: float = 0.0
    least: float = 0.0
    recent: tuple[Floats, ...] = ()
    decay: float = 1.0

    @property
    def known_rows(self) -> float:
        """How many rows tell enough."""
        return float(KNOWN_ROWS * (self.mean.size + 1))

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take over a pickled state, also of a metric that kept no rows and had its C whole."""
        for name, value in state.items():
            setattr(self, name, value)

    @property
    def covariance(self) -> Matrix | None:
        """C, or None where there is but the variance."""
        self._sum()
        return self.summed

    @covariance.setter
    def covariance(self, covariance: Matrix | None) -> None:
        self.summed, self.recent, self.decay = covariance, (), 1.0

    def observe(self, block: Chunk, curvature: Floats, *, centred: bool) -> None:
        """Count in a block with the curvatures κ (b,) of its rows."""
        dense = isinstance(block.rows, DenseRows) and self.mean.size <= DENSE_COLUMNS
        if dense:
            block, curvature = self._thinned(block, curvature)
        count = effective_rows(block)
        self.seen += count
        self.rows = min(self.rows + count, max(self.known_rows, MEMORY * self.seen, count))
        share = count / self.rows
        weighted = block._replace(weight=block.weights() * curvature)
        level = weighted.total() / block.total()
        self.curvature += share * (level - self.curvature)
        share = min(1.0, share * level / self.curvature)  # of all the weights w κ
        mean = _mean(weighted, self.mean.size) if centred else self.mean
        moved = mean - self.mean
        if dense:
            deviations = _deviations(weighted, mean)
            variance = np.einsum("ij,ij->j", deviations, deviations, dtype=np.float64)
            self._mix(deviations, moved, share, count)
        else:
            self.covariance, self.covariance_rows = None, 0.0
            variance = _variance(weighted, mean)
        # Pairwise: Chan, Golub and LeVeque (1983), "Algorithms for computing the sample variance".
        self.variance = (1 - share) * (self.variance + share * moved**2) + share * variance
        self.mean = self.mean + share * moved
        self.waiting += count

    def _thinned(self, block: Chunk, curvature: Floats) -> tuple[Chunk, Floats]:
        """Return a part of the rows where enough are known, or columns are many for the classes."""
        stride = FOLLOWING if self.covariance_rows >= self.known_rows else 1
        if self.covariance_rows >= FIRST_ROWS * self.mean.size:
            stride = max(stride, self.mean.size // (GRADIENTS * block.targets.n_classes))
        if stride == 1:
            return block, curvature
        some = slice(None, None, stride)
        return block.part(some), curvature[some]

    def _mix(self, deviations: Floats, moved: Vector, share: float, count: float) -> None:
        """Count in the covariance of a block, about the mean where `moved` will have moved it."""
        self.covariance_rows = min(self.covariance_rows + count, self.rows)
        part = share if self.covariance_rows == self.rows else count / self.covariance_rows
        spread = (1 - part) * share**2 + part * (1 - share) ** 2
        if part < 1.0:
            self.decay *= 1 - part
        else:
            self.covariance = None
        values = np.vstack([math.sqrt(part) * deviations, math.sqrt(spread) * moved])
        values /= math.sqrt(self.decay)
        self.recent = (*self.recent, values)
        if sum(map(len, self.recent)) >= self.mean.size:  # no more memory than S takes
            self._sum()

    def _sum(self) -> None:
        """Make of the recent rows a part of the sum."""
        if not self.recent:
            return
        rows = np.concatenate(self.recent)
        total = (rows.T @ rows).astype(np.float64, copy=False)
        if self.summed is not None:
            total += self.summed
        total *= self.decay
        self.covariance = total

    def renew_if_due(self, penalty: Vector) -> None:
        """Make the inverse anew where the rows behind it have doubled, or are long past."""
        if self.inverse.size == 0 or self.waiting >= min(0.5 * self.rows, self.known_rows):
            self.renew(penalty)

    def renew(self, penalty: Vector) -> None:
        """(κ̄ C + penalty)⁻¹, with as many rows of independent columns as there are columns.

        A column that has been constant takes no step.
        """
        self.waiting = 0.0
        variance = np.maximum(self.variance, self.least)
        constant = variance <= np.maximum((CONSTANT * self.mean) ** 2, 1e-300)
        curvature = self._inflated(variance)
        covariance = self.covariance
        if covariance is None:
            curvature = curvature + penalty
            self.inverse = np.where(constant, 0.0, 1.0 / np.where(constant, 1.0, curvature))
            return
        n, D = self.covariance_rows, self.mean.size + 1
        mixed = self._inflated(n / (n + D)) * covariance
        short = self._inflated(variance - self.variance)
        mixed[np.diag_indices_from(mixed)] += D / (n + D) * curvature + penalty + short
        root: Vector = np.where(
            constant, 0.0, 1.0 / np.sqrt(np.where(constant, 1.0, mixed.diagonal()))
        )
        scaled = mixed * root[:, None] * root
        self.inverse = inverse(scaled, 1e-9) * root[:, None] * root

    def _inflated(self, moments: Any) -> Any:
        """κ̄ times the moments, more where few rows tell them."""
        return self.curvature * (1.0 + (self.mean.size + 1) / self.rows) * moments

    def apply(self, gradient: Matrix) -> tuple[Matrix, float]:
        """Return the direction (K, D) of a gradient (K, D), and the slope along it."""
        d = self.mean.size
        if gradient.shape[1] == d:
            direction = self._weights(gradient)
            return direction, float(np.vdot(gradient, direction))
        intercept = gradient[:, d]
        centred = gradient[:, :d] - np.outer(intercept, self.mean)
        weights = self._weights(centred)
        step = intercept / self._inflated(1.0)
        slope = float(np.vdot(centred, weights)) + float(intercept @ step)
        return np.column_stack([weights, step - weights @ self.mean]), slope

    def _weights(self, gradient: Matrix) -> Matrix:
        return gradient * self.inverse if self.inverse.ndim == 1 else gradient @ self.inverse


def row_curvatures(p: Floats) -> Floats:
    """κ of probabilities, (K, b) -> (b,), but no less than `LEAST_CURVATURE`."""
    largest = np.maximum.reduce(p, axis=0)
    curvature = np.where(largest <= 0.5, largest, 2 * largest * (1 - largest))
    return np.asarray(np.maximum(curvature, LEAST_CURVATURE))


def effective_rows(block: Chunk) -> float:
    """(Σ w)² / Σ w²: how many rows of equal weight would say as much."""
    if block.weight is None:
        return float(block.rows.n_rows)
    weight = block.weight.astype(np.float64)
    return float(weight.sum() ** 2 / (weight @ weight))


def _mean(block: Chunk, n_features: int) -> Vector:
    sums = block.rows.sums(block.weights()[None])[0, :n_features]
    return np.asarray(sums, np.float64) / block.total()


def _deviations(block: Chunk, mean: Vector) -> Floats:
    """(w_i / Σ w)^½ (x_i − m) of dense rows: their squares add up to variances."""
    values = block.rows.dense().values[:, : mean.size] - mean.astype(block.rows.dtype)
    values *= np.sqrt(block.weights() / block.total())[:, None]
    return values


def _variance(block: Chunk, mean: Vector) -> Vector:
    """(1 / Σ w) Σ_i w_i (x_ij − m_j)²."""
    squares = block.rows.squares(block.weights()[None])[0, : mean.size]
    return np.asarray(np.maximum(squares / block.total() - mean * mean, 0.0), np.float64)
