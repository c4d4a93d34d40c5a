"""The quadratic model of a proximal Newton step, and its minimiser.

    q(x) = gᵀ(x − x₀) + ½ (x − x₀)ᵀ B (x − x₀) + Σ_j l1_j |x_j|

x holds the free coefficients as one flat vector. Rounds of accelerated proximal steps (Beck and
Teboulle, 2009, SIAM Journal on Imaging Sciences 2(1)), which find the signs, alternate with
Newton's step on the nonzero coordinates.
"""

from collections.abc import Iterator
from typing import NamedTuple, Protocol

import numpy as np

from .._penalty import Penalty
from .._types import Index, Vector

FORCING = 0.3  # the model is solved to this part of its first residual


class Hessian(Protocol):
    """B on the free coefficients: products, and solves on some of its coordinates.

    `rounds`, and `proximal_steps` and `drops` in each, say how much work a product is worth; `bound`
    is the largest eigenvalue known of B relative to its diagonal, `forcing` the part of the first
    residual to which the model is solved.
    """

    diagonal: Vector
    rounds: int
    proximal_steps: int
    drops: int
    bound: float
    forcing: float

    def product(self, direction: Vector) -> Vector: ...

    def solve(self, support: Index, right: Vector) -> Vector: ...


class FullColumns(NamedTuple):
    """Columns whose K coefficients are all free: their places (K, m) in x, and their penalty."""

    places: Index
    penalty: Penalty


def soft_threshold(x: Vector, threshold: Vector) -> Vector:
    """sign(x) max(|x| − threshold, 0), the proximal map of threshold · |x|."""
    return x - np.minimum(np.maximum(x, -threshold), threshold)


def minimise_quadratic(
    start: Vector, gradient: Vector, l1: Vector, hessian: Hessian, full: FullColumns | None
) -> Vector:
    """Return an approximate minimiser of q from x₀ = start, with exact zeros."""
    x, slope, first = start, gradient, 0.0
    for _ in range(hessian.rounds):
        residual = _residual(x, slope, l1, hessian.diagonal)
        if not residual > hessian.forcing * first:
            break
        first = first or residual
        x, slope = _proximal_steps(x, slope, l1, hessian)
        if full is not None:
            x, slope = _shift(x, slope, hessian, full)
        x, slope = _newton_on_support(x, slope, l1, hessian)
    return x


def _residual(x: Vector, slope: Vector, l1: Vector, diagonal: Vector) -> float:
    """Length of the proximal step in the metric of the diagonal."""
    step = soft_threshold(x - slope / diagonal, l1 / diagonal) - x
    return float(np.sqrt(step * step @ diagonal))


def _proximal_steps(
    x: Vector, slope: Vector, l1: Vector, hessian: Hessian
) -> tuple[Vector, Vector]:
    """Accelerated steps in the metric bound · diagonal; the bound grows until B lies below it."""
    ahead, ahead_slope, inertia = x, slope, 1.0
    for _ in range(hessian.proximal_steps):
        new, change = _proximal_step(ahead, ahead_slope, l1, hessian)
        # A step back along the path restarts the inertia (O'Donoghue and Candès, 2015,
        # Foundations of Computational Mathematics 15).
        if ((new - ahead) * hessian.diagonal) @ (new - x) < 0.0:
            inertia = 1.0
        following = 0.5 + np.sqrt(0.25 + inertia**2)
        weight, inertia = (inertia - 1.0) / following, following
        new_slope = ahead_slope + change
        ahead = new + weight * (new - x)
        ahead_slope = new_slope + weight * (new_slope - slope)
        x, slope = new, new_slope
    return x, slope


def _proximal_step(x: Vector, slope: Vector, l1: Vector, hessian: Hessian) -> tuple[Vector, Vector]:
    """One proximal step from x and B times it."""
    while True:
        metric = hessian.bound * hessian.diagonal
        new = soft_threshold(x - slope / metric, l1 / metric)
        move = new - x
        change = hessian.product(move)
        curvature, length = float(move @ change), float(move * move @ hessian.diagonal)
        # "not >" and the allowance end the loop on rounding and on overflow, 0 on underflow.
        if length == 0.0 or not curvature > (1.0 + 1e-6) * hessian.bound * length:
            return new, change
        hessian.bound = max(1.5 * hessian.bound, 1.2 * curvature / length)


def _shift(x: Vector, slope: Vector, hessian: Hessian, full: FullColumns) -> tuple[Vector, Vector]:
    """Move full columns to their cheapest shift."""
    shift = np.zeros_like(x)
    shift[full.places] = -full.penalty.cheapest(x[full.places])
    if not shift.any():
        return x, slope
    return x + shift, slope + hessian.product(shift)


def _newton_on_support(
    x: Vector, slope: Vector, l1: Vector, hessian: Hessian
) -> tuple[Vector, Vector]:
    """Minimise q over the orthant of x, where the l1 term is linear and `pull` the gradient.

    Where a step cannot be taken whole, the next is from where it ends.
    """
    free = l1 == 0.0
    for _ in range(hessian.drops):
        signs = np.sign(x)
        signs[free] = 0.0
        support = np.flatnonzero((x != 0.0) | free)
        pull, step = slope + l1 * signs, np.zeros(len(x))
        step[support] = hessian.solve(support, -pull[support])
        whole = True
        for new in _ends_in_orthant(x, step, signs):
            move = new - x
            change = hessian.product(move)
            if (pull + 0.5 * change) @ move <= 0.0:
                x, slope = new, slope + change
                break
            whole = False
        else:
            break
        if whole:
            break
    return x, slope


def _ends_in_orthant(x: Vector, step: Vector, signs: Vector) -> Iterator[Vector]:
    """Yield where a step leads in the orthant of x, whose coordinates stay at zero once they are.

    All of the step (Bertsekas, 1982, SIAM Journal on Control and Optimization 20(2)); then so much
    of it that half as many become zero, a quarter, ... and in the end the first one.
    """
    new = x + step
    crossing = np.flatnonzero(new * signs < 0.0)
    new[crossing] = 0.0
    yield new
    lengths = -x[crossing] / step[crossing]
    order = lengths.argsort()
    first = max(1, len(order) // 2) if len(order) else 0
    while first:
        new = x + lengths[order[first - 1]] * step
        new[crossing[order[:first]]] = 0.0
        yield new
        first //= 2
