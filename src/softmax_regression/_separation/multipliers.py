"""A fit as the proof that pairs are not parted.

Where Σ λ c = 0 with all λ > 0 (tied pairs: of any sign), no direction δ with all c · δ >= 0 has a
c · δ > 0 (Stiemke). At an optimum w p is such a λ. Near one, and on a sample of the pairs,
λ (1 + c · s) is one, s from Σ λ c cᵀ s = −Σ λ c, as long as it stays positive. Pairs for which it
does not are left out: what is proven holds of the rest.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .pairs import Matrix, Pairs

# Pairs of less probability are left out: beside the others' rounding they prove nothing.
LEAST_PROBABILITY = 1e-8
# A multiplier keeps this part of what it was.
KEPT = 0.1
# Eigenvalues of a Gram matrix of unit diagonal from which a direction is held by the pairs.
HELD = 1e-8
# Parts of the largest diagonal entry below which one is not scaled up.
FAINT = 1e-12
# A pair leaves the space of the pairs held where this part of it does.
STRAY = 1e-6
ROUNDS = 12


class Multipliers(NamedTuple):
    """For every pair λ (m, K), and a scale > 0 in which it may change; 0 where the pair is out."""

    values: Matrix
    scale: Matrix

    @staticmethod
    def of(pairs: Pairs, p: Matrix, targets: Matrix, weight: NDArray[np.float64]) -> "Multipliers":
        """Return w (p − t) off the own class, which at an optimum sums up to 0."""
        scale = (p + targets) * weight[:, None]
        scale[(p < LEAST_PROBABILITY) & ~pairs.tied] = 0.0
        scale[pairs.at_own()] = 0.0
        values = np.where(pairs.tied, (p - targets) * weight[:, None], scale)
        return Multipliers(values, scale)

    def without(self, out: NDArray[np.bool_]) -> "Multipliers":
        """Return the multipliers with some pairs left out."""
        return Multipliers(np.where(out, 0.0, self.values), np.where(out, 0.0, self.scale))


class Held(NamedTuple):
    """Which pairs are proven not to be parted (m, K), and what they do not hold, (q, K, D)."""

    pairs: NDArray[np.bool_]
    free: Matrix


def held(pairs: Pairs, multipliers: Multipliers) -> Held:
    """Return pairs that no direction parts, and a basis of the directions orthogonal to them."""
    if not pairs.rows.shape[1]:
        return Held(pairs.tied, np.zeros((0, pairs.tied.shape[1], 0)))
    for _ in range(ROUNDS):
        space = _Space(pairs, multipliers.scale)
        left = space.corrected(multipliers)
        spent = (left < KEPT * multipliers.scale) & ~pairs.tied
        out = (multipliers.scale > 0) & (spent | space.stray())
        if not out.any():
            if space.proves(multipliers, left):
                return Held(multipliers.scale > 0, space.free)
            break
        multipliers = multipliers.without(out)
    tied = multipliers.without(~pairs.tied)
    return Held(pairs.tied, _Space(pairs, tied.scale).free)


class _Space:
    """The span of some pairs: its Gram matrix G = Σ f c cᵀ, scaled to a unit diagonal.

    One class counts as 0 in every direction, since only differences of logits matter.
    """

    def __init__(self, pairs: Pairs, scale: Matrix) -> None:
        self.pairs, self.scale = pairs, scale
        self.shape = scale.shape[1], pairs.rows.shape[1]
        totals = np.bincount(pairs.own, minlength=self.shape[0])
        self.kept = np.delete(np.arange(self.shape[0]), totals.argmax())
        gram = pairs.gram(scale)[self.kept][:, :, self.kept]
        size = len(self.kept) * self.shape[1]
        gram = gram.reshape(size, size)
        diagonal = gram.diagonal()
        self.unit = 1.0 / np.sqrt(np.maximum(diagonal, FAINT * diagonal.max(initial=0.0) or 1.0))
        self.gram = gram * self.unit[:, None] * self.unit
        self.values, self.vectors = np.ones(0), np.eye(size)
        self.inverse = self._inverse()
        self.free = self._free()

    def _inverse(self) -> Matrix | None:
        """Factor G where it is regular; otherwise find its eigenvectors."""
        size = len(self.gram)
        try:
            np.linalg.cholesky(self.gram - HELD * np.eye(size))
        except np.linalg.LinAlgError:
            values, vectors = np.linalg.eigh(self.gram)
            self.values, self.vectors = values, vectors
            regular = values > HELD
            return np.asarray((vectors[:, regular] / values[regular]) @ vectors[:, regular].T)
        return None

    def _solved(self, right: Matrix) -> Matrix:
        if self.inverse is None:
            return np.asarray(np.linalg.solve(self.gram, right))
        return np.asarray(self.inverse @ right)

    def solve(self, right: Matrix) -> Matrix:
        """G⁻¹ of one (K, D), or of several (q, K, D), within the span."""
        flat = right[..., self.kept, :].reshape(-1, len(self.gram)).T * self.unit[:, None]
        return self._whole(self._solved(flat)).reshape(right.shape)

    def _whole(self, flat: Matrix) -> Matrix:
        """Turn columns of scaled coordinates into (q, K, D)."""
        whole = np.zeros((flat.shape[1], *self.shape))
        whole[:, self.kept] = (flat * self.unit[:, None]).T.reshape(
            -1, len(self.kept), self.shape[1]
        )
        return whole

    def _free(self) -> Matrix:
        """Return a basis of what is orthogonal to all pairs, cleaned by one refinement."""
        if self.inverse is None:
            return np.zeros((0, *self.shape))
        flat = self.unit[:, None] * self.vectors[:, self.values <= HELD]
        free = self._whole(np.linalg.qr(flat)[0] / self.unit[:, None])
        margins = self.pairs.margins(free) * self.scale
        return free - self.solve(np.stack([self.pairs.combined(each) for each in margins]))

    def stray(self) -> NDArray[np.bool_]:
        """Return the pairs that leave the span."""
        if not len(self.free):
            return np.zeros(self.scale.shape, bool)
        leaving = np.abs(self.pairs.margins(self.free)).max(axis=0)
        return np.asarray(leaving > STRAY * self._lengths(np.ones(self.shape)))

    def corrected(self, multipliers: Multipliers) -> Matrix:
        """Return the multipliers for which the sum is 0, as far as it lies in the span."""
        correction = self.solve(-self.pairs.combined(multipliers.values))
        return np.asarray(multipliers.values + self.scale * self.pairs.margins(correction))

    def _lengths(self, factors: Matrix) -> Matrix:
        """Return ‖c_ik‖ with the coordinates multiplied by `factors` (K, D)."""
        squares = self.pairs.rows**2 @ (factors**2).T
        return np.sqrt(squares + squares[self.pairs.at_own()][:, None])

    def proves(self, multipliers: Multipliers, left: Matrix) -> bool:
        """Whether Σ λ c is so small that a δ would have to part pairs by less than the least λ.

        For a unit δ in the span, Σ λ c · δ >= KEPT Σ f (c · δ)² / max ‖c‖ >= KEPT HELD / max ‖c‖.
        """
        rest = self.pairs.combined(left)[self.kept].ravel() * self.unit
        unit = np.zeros(self.shape)
        unit[self.kept] = self.unit.reshape(-1, self.shape[1])
        longest = self._lengths(unit)[multipliers.scale > 0].max(initial=0.0)
        return bool(np.linalg.norm(rest) * longest <= 0.5 * KEPT * HELD)
