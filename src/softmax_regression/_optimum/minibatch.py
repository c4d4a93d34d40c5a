"""Averaged mini-batch descent in the metric of the rows: no learning rate.

A full gradient may take a whole step in the metric. The gradient of b rows is one with noise, so
that with n rows before, b / (b + 2 D + 0.3 √(n D)) of the step is taken: as steps grow shorter like
1 / √n, their average is as good as any estimate of n rows (Polyak and Juditsky, 1992, SIAM Journal
on Control and Optimization 30, 838-855). The average with weight 8 b / (n + 8 b) on the newest
point is the polynomial-decay average of Shamir and Zhang (2013), arXiv 1212.1824; a start that is
worth m rows counts as 8 m before.
"""

import math
from dataclasses import dataclass, field

import numpy as np

from .._likelihood.value import exponentials, loss_and_gradient
from .._likelihood.working import Chunk
from .._parameters import Parameters
from .._types import Floats, Matrix, Vector
from .row_metric import RowMetric, effective_rows, row_curvatures

# Rows of a mini-batch, unless asked for others.
BATCH = 1024
EXPONENT = 8.0
DECAY = 0.3
# Of a step that might raise F; so often, it is shorter than any bound by rounding alone.
SHORTER = 0.7
TRIALS = 100


@dataclass(eq=False, repr=False)
class AveragedDescent:
    """The state of one stream of mini-batches; every row is seen once and forgotten.

    `parameters` and `average` are (K, D), `penalty` (D,); `rows` have streamed past, and the start
    was worth `behind` rows. Of rows in random order, the first tell all that the metric needs.
    """

    parameters: Matrix
    penalty: Vector
    metric: RowMetric
    average: Matrix = field(init=False)
    rows: float = 0.0
    behind: float = 0.0
    in_random_order: bool = False

    def __post_init__(self) -> None:
        self.average = self.parameters

    def step(self, block: Chunk) -> float:
        """Take one step along the block's gradient and return F on the block before it.

        A block of weight zero changes nothing, and its F is NaN.
        """
        total = block.total()
        if total <= 0.0:
            return math.nan
        before = self.parameters
        losses, p, sums = exponentials(block, before.astype(block.rows.dtype))
        p *= 1 / sums
        curvature = row_curvatures(p)
        self._observe(block, curvature)
        loss, gradient = loss_and_gradient(block, losses, p)
        self._descend(block, curvature, gradient / total + self.penalty * before)
        return loss / total + 0.5 * float((self.penalty * before**2).sum())

    def _observe(self, block: Chunk, curvature: Floats) -> None:
        """Let the metric learn from the block, and renew it when its rows have doubled."""
        metric = self.metric
        if self.in_random_order and metric.rows >= metric.known_rows:
            return
        centred = self.parameters.shape[1] > metric.mean.size
        metric.observe(block, curvature, centred=centred)
        metric.renew_if_due(self.penalty[: metric.mean.size])

    def _descend(self, block: Chunk, curvature: Floats, gradient: Matrix) -> None:
        """Step along the gradient, and let the average follow."""
        direction, slope = self.metric.apply(gradient)
        count, D = effective_rows(block), self.parameters.shape[1]
        noise = 2.0 * D + DECAY * math.sqrt(D * (self.rows + self.behind))
        length = self._safe(block, direction, slope, count / (count + noise), curvature)
        self.parameters = self.parameters - length * direction
        self.rows += count
        newest = EXPONENT * count / (self.rows + EXPONENT * (self.behind + count))
        self.average = self.average + newest * (self.parameters - self.average)

    def _safe(
        self, block: Chunk, direction: Matrix, slope: float, length: float, curvature: Floats
    ) -> float:
        """Return a length, at most the given one, of a step that does not raise F on the block.

        A step of length h along which a row's logits change by −h Δ raises its loss by at most
        ½ h² ½ ‖Δ‖² above the tangent, Δ less its mean (Böhning), and by at most
        ½ h² κ φ(h (max Δ − min Δ)) ‖Δ‖² with φ(s) = 2 (eˢ − s − 1) / s² (Bach, 2010, Electronic
        Journal of Statistics 4, 384-414).
        """
        change = block.rows.logits(direction.astype(block.rows.dtype))
        change -= change.mean(axis=0)
        squares = np.einsum("ki,ki->i", change, change)
        if block.weight is not None:
            squares *= block.weight
        total, penalty = block.total(), float((self.penalty * direction**2).sum())
        if length * (0.5 * float(squares.sum()) / total + penalty) <= 2.0 * slope:
            return length
        spread = np.maximum.reduce(change, axis=0) - np.minimum.reduce(change, axis=0)
        for _ in range(TRIALS):
            s = np.clip(length * spread, 1e-3, 50.0)
            growth = 2.0 * (np.expm1(s) - s) / s**2
            data = float(squares @ np.minimum(0.5, curvature * growth)) / total
            if length * (data + penalty) <= 2.0 * slope:
                break
            length *= SHORTER
        return length

    def estimate(self, n_features: int) -> Parameters:
        """Return W and b of the average; b is 0 where it has none."""
        weights, intercept = np.split(self.average, [n_features], axis=1)
        return Parameters(weights, intercept.sum(axis=1))

    def penalise(self, penalty: Vector) -> None:
        """Go on under another penalty (D,)."""
        added = (penalty - self.penalty) * self.average
        self.penalty = penalty
        if self.metric.rows > 0.0:
            self.metric.renew(penalty[: self.metric.mean.size])
            self.changed(added)
        else:
            self.is_above(math.inf)

    def changed(self, gradient: Matrix) -> None:
        """Hear that F's gradient at the average is `gradient` more than when it was learned."""
        _, slope = self.metric.apply(gradient)
        self.is_above(0.5 * slope)

    def is_above(self, excess: float) -> None:
        """Hear that F is `excess` nats above its minimum at the average: go on from there.

        It is worth no more rows than leave that statistical error, D (K − 1) / 2 n nats.
        """
        n_classes, columns = self.parameters.shape
        worth = 0.5 * columns * (n_classes - 1)
        share = worth / max(excess * (self.rows + self.behind), worth)
        if share < 1.0:
            self.parameters = self.average
            self.rows, self.behind = share * self.rows, share * self.behind
