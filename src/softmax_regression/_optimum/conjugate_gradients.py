"""Conjugate gradients: a symmetric positive definite system solved by products alone."""

import numpy as np

from .arrays import Apply, Matrix

# Of the curvature that the preconditioner foretells: less is rounding.
FLAT = 1e-12


def conjugate_gradients(
    product: Apply, precondition: Apply, right: Matrix, *, left: float, steps: int
) -> Matrix:
    """Return about H⁻¹ r from products with H and with a P⁻¹ near H⁻¹.

    Ends after `steps` products, or when the residual's length in the metric of P⁻¹ is `left` of
    that of r (Nocedal and Wright, Numerical Optimization, 2nd ed., algorithm 5.3).
    """
    x, residual = np.zeros_like(right), right
    direction = scaled = precondition(residual)
    size = first = float(np.vdot(residual, scaled))
    for _ in range(steps):
        change = product(direction)
        curvature = float(np.vdot(direction, change))
        if not curvature > FLAT * size:
            break  # pragma: no cover - rounding alone brings a convex curvature down to this
        length = size / curvature
        x = x + length * direction
        residual = residual - length * change
        scaled = precondition(residual)
        previous, size = size, float(np.vdot(residual, scaled))
        if size <= left**2 * first:
            break
        direction = scaled + size / previous * direction
    return x
