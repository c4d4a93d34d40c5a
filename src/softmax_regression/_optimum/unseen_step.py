"""A step length that lowers F for certain, without a pass to see it.

Along θ + t D the logits of row i change by t Δ_i. The second derivative of its loss is the variance
v_i of Δ_i under p_i, which t changes by no more than its logarithm by r_i t, r_i = max Δ_i − min Δ_i
(Bach, 2010, Electronic Journal of Statistics 4, 384-414), and which is never above r_i² / 4
(Popoviciu). So F falls at least while the slope that this allows is negative:

    m(t) = −slope + t Dᵀ penalty D + (1 / Σ w) Σ_i w_i ∫₀ᵗ min(v_i exp(r_i τ), r_i² / 4) dτ
"""

from collections.abc import Callable

import numpy as np

from .arrays import Matrix, Vector
from .passes import probabilities
from .standardised import Standardised

LONGEST = 2.0**10
HALVINGS = 50
# Rows whose logits stay have neither range nor variance.
TINY = 1e-300


def sure_length(
    rows: Standardised,
    penalty: Vector,
    parameters: Matrix,
    direction: Matrix,
    *,
    slope: float,
    longest: float = LONGEST,
) -> float:
    """Return the t ≤ `longest` up to which F falls for certain, where it falls by `slope` at first."""
    variances, ranges = _variances_and_ranges(rows, parameters, direction)
    weight = np.ones(rows.n_rows) if rows.sample_weight is None else rows.sample_weight
    shrinkage = float(penalty @ (direction * direction).sum(axis=0))
    # The bounds cross at t = crossing, where the growing one has added `grown`.
    crossing = np.log(np.maximum(ranges**2 / (4.0 * variances), 1.0)) / ranges

    def excess(t: float) -> float:
        growing = np.minimum(t, crossing)
        added = variances * np.expm1(ranges * growing) / ranges
        added += (t - growing) * ranges**2 / 4.0
        return t * shrinkage + float(weight @ added) / rows.total - slope

    return _root(excess, longest)


def _root(increasing: Callable[[float], float], longest: float) -> float:
    """Return where the function passes zero, from below, or the longest."""
    if increasing(longest) <= 0.0:
        return longest
    low, high = 0.0, longest
    for _ in range(HALVINGS):
        middle = 0.5 * (low + high)
        low, high = (low, middle) if increasing(middle) > 0.0 else (middle, high)
    return low


def _variances_and_ranges(
    rows: Standardised, parameters: Matrix, direction: Matrix
) -> tuple[Vector, Vector]:
    """v_i and r_i of every row, (n,)."""
    variances, ranges = [], []
    for block in rows.passes(np.float64):
        p, change = probabilities(block, parameters), block.rows.logits(direction)
        ranges.append(np.ptp(change, axis=0))
        change -= (p * change).sum(axis=0)
        variances.append((p * change * change).sum(axis=0))
    return np.concatenate(variances) + TINY, np.concatenate(ranges) + TINY
