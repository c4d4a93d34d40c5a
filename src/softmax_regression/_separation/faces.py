"""Which of the vectors c a direction δ with c · δ >= 0 for all parts, c · δ > 0.

The least ‖r‖ of r = Σ (1 + μ) c with μ >= 0 decides it: r = 0 shows multipliers > 0 for all c, so
that no direction parts any; otherwise c · r >= 0 for all, and r parts some. Those are taken away,
and the rest decided in the same way: a small step along its r does not undo what is parted.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

# Eigenvalues of a Gram matrix of unit vectors below which the normal equations lose too much.
DEPENDENT = 1e-9
REFINEMENTS = 2
# Steps of the active set method, at least and for each coordinate.
LEAST_STEPS = 100
STEPS = 10
Matrix = NDArray[np.float64]
Vector = NDArray[np.float64]

# Mean squares along every axis from which unit vectors need no other coordinates; parts of the
# largest spread that are the rounding of 0.
WELL = 1e-4
NOTHING = 1e-11
# Cosines below this are the rounding of 0.
PARTED = 1e-9
# Roundings of a sum of multiplied unit vectors up to which it is 0.
ROUNDINGS = 64.0
# The same for each vector, from which nothing is told.
VAGUE = 1e-7


class Faces(NamedTuple):
    """Which vectors are parted (N,), each by the first of `levels` (L, q) on which it is not 0."""

    parted: NDArray[np.bool_]
    levels: Matrix


def faces(vectors: Matrix, tied: NDArray[np.bool_]) -> Faces | None:
    """Return which of the unit `vectors` (N, q) are parted; `tied` ones must keep c · δ = 0.

    None where rounding leaves it open.
    """
    parted, levels = np.zeros(len(vectors), bool), np.zeros((0, vectors.shape[1]))
    vectors, back = _conditioned(vectors)
    while True:
        rest = np.flatnonzero(~parted)
        cone = np.concatenate([vectors[rest], -vectors[rest[tied[rest]]]])
        nearest = nearest_to_zero(cone)
        if nearest is None:
            return None
        found = (vectors[rest] @ nearest > PARTED) & ~tied[rest]
        if not found.any():
            return Faces(parted, levels)
        parted[rest[found]] = True
        level = back @ nearest
        levels = np.vstack([levels, level / np.linalg.norm(level)])


def _conditioned(vectors: Matrix) -> tuple[Matrix, Matrix]:
    """Return unit vectors in coordinates (r) that tell them apart well, and the way back (q, r).

    No change of coordinates changes what is parted.
    """
    size = vectors.shape[1]
    try:
        np.linalg.cholesky(vectors.T @ vectors / len(vectors) - WELL * np.eye(size))
    except np.linalg.LinAlgError:
        triangle = np.linalg.qr(vectors, mode="r")
        _, spreads, right = np.linalg.svd(triangle, full_matrices=False)
        seen = spreads > NOTHING * spreads.max(initial=0.0)
        back = right[seen].T / spreads[seen]
        vectors = vectors @ back
        length = np.linalg.norm(vectors, axis=1, keepdims=True)
        return vectors / np.maximum(length, 1e-300), back
    return vectors, np.eye(size)


def nearest_to_zero(cone: Matrix) -> Vector | None:
    """Return r / ‖r‖ of the least Σ (1 + μ) c, μ >= 0, over the rows c; zeros where r = 0.

    None where rounding keeps r from being found. Nonnegative least squares by the active set method
    (Lawson and Hanson, 1974, Solving Least Squares Problems, chapter 23).
    """
    start = cone.sum(axis=0)
    mu, passive = np.zeros(len(cone)), np.zeros(len(cone), bool)
    eps = float(np.finfo(np.float64).eps)
    for _ in range(LEAST_STEPS + STEPS * cone.shape[1]):
        r = start + mu @ cone
        size, rounding = float(np.linalg.norm(r)), ROUNDINGS * eps * (len(cone) + mu.sum())
        if size <= rounding:
            return np.zeros(cone.shape[1]) if rounding <= VAGUE * len(cone) else None
        margins = np.where(passive, 0.0, cone @ r)
        worst = int(margins.argmin())
        if margins[worst] >= -(PARTED / 2 * size + rounding):
            return np.asarray(r / size) if (cone @ r).min() >= -PARTED * size else None
        passive[worst] = True
        _restrict(cone, start, mu, passive)
    return None


def _restrict(cone: Matrix, start: Vector, mu: Vector, passive: NDArray[np.bool_]) -> None:
    """Solve for the passive multipliers, in place; those that would turn negative leave at 0."""
    while True:
        wanted = _least_squares(cone[passive], -start)
        members, now = np.flatnonzero(passive), mu[passive]
        if (wanted > 0).all():
            mu[members] = wanted
            return
        shares = np.where(wanted <= 0, now / np.maximum(now - wanted, 1e-300), np.inf)
        mu[members] = now + shares.min() * (wanted - now)
        leaves = members[shares <= shares.min()]
        mu[leaves] = 0.0
        passive[leaves] = False


def _least_squares(rows: Matrix, right: Vector) -> Vector:
    """Return the x of least ‖xᵀ rows − right‖, by the normal equations and two refinements."""
    gram = rows @ rows.T
    try:
        np.linalg.cholesky(gram - DEPENDENT * np.eye(len(gram)))
    except np.linalg.LinAlgError:
        return np.asarray(np.linalg.lstsq(rows.T, right, rcond=None)[0])
    inverse = np.linalg.inv(gram)
    x = inverse @ (rows @ right)
    for _ in range(REFINEMENTS):
        x = x + inverse @ (rows @ (right - x @ rows))
    return np.asarray(x)
