"""The solver's coordinates: centred and scaled columns, in which F is the same function.

With x̃ = (x − μ) / s the logits are z = V x̃ + c, where V = W s and c = b + W μ: θ = (V, c) is one
matrix (K, D), D = d + 1 with an intercept.
"""

from typing import NamedTuple

import numpy as np

from .._parameters import Parameters
from .._types import Index, Matrix, Vector
from .survey import NEGLIGIBLE, Survey

# Means up to so many standard deviations cost few digits where they are subtracted last.
NEAR = 64.0


class Coordinates(NamedTuple):
    """Centre μ and scale s (d,) of the columns, and whether there is an intercept.

    `rotated` columns have no meaning of their own. `chosen` are the columns of X that are seen,
    None: all of them.
    """

    centre: Vector
    scale: Vector
    fit_intercept: bool
    rotated: bool = False
    chosen: Index | None = None

    @staticmethod
    def of(survey: Survey, fit_intercept: bool) -> "Coordinates":
        """Return the coordinates in which columns have mean zero and unit spread.

        Without an intercept nothing would absorb a centre, and columns have unit length. Sparse
        columns keep their scale.
        """
        mean, none = survey.mean, np.zeros(len(survey.mean))
        if survey.sparse:
            return Coordinates(mean if fit_intercept else none, none + 1.0, fit_intercept)
        centre = mean if fit_intercept else none
        spread = survey.spread if fit_intercept else np.hypot(survey.spread, mean)
        constant = (spread <= 1e-14 * np.abs(centre)) | (spread <= NEGLIGIBLE)
        return Coordinates(centre, np.where(constant, 1.0, spread), fit_intercept)

    @staticmethod
    def identity(n_features: int, fit_intercept: bool) -> "Coordinates":
        """Return the coordinates in which θ is (W, b)."""
        return Coordinates(np.zeros(n_features), np.ones(n_features), fit_intercept)

    @property
    def n_features(self) -> int:
        """The number d of columns seen."""
        return len(self.scale)

    @property
    def n_columns(self) -> int:
        """The number D of columns of θ."""
        return len(self.scale) + self.fit_intercept

    def columns(self, chosen: Index) -> "Coordinates":
        """Return the coordinates of some of the columns."""
        return self._replace(centre=self.centre[chosen], scale=self.scale[chosen], chosen=chosen)

    @property
    def near(self) -> bool:
        """Whether centring costs few digits after products of the rows too."""
        return bool((np.abs(self.centre) <= NEAR * self.scale).all())

    def inward(self, original: Parameters) -> Matrix:
        """(W, b) -> θ."""
        weights = original.weights * self.scale
        if not self.fit_intercept:
            return weights
        intercept = original.intercept + original.weights @ self.centre
        return np.concatenate([weights, intercept[:, None]], axis=1)

    def outward(self, theta: Matrix) -> Parameters:
        """θ -> (W, b)."""
        weights = theta[:, : self.n_features] / self.scale
        return Parameters(weights, self.intercept(theta) - weights @ self.centre)

    def intercept(self, theta: Matrix) -> Vector:
        """Return c, a copy; zeros without an intercept."""
        return theta[:, -1].copy() if self.fit_intercept else np.zeros(len(theta))

    def rounding(self, theta: Matrix) -> float:
        """Return what rounding b = c − W μ adds to F at most."""
        if not self.fit_intercept:
            return 0.0
        weights = theta[:, : self.n_features] / self.scale
        return intercept_error(weights, theta[:, -1], self.centre)

    def mean_target_rows(self, survey: Survey) -> Matrix:
        """Return the weighted mean M of t_i x̃_iᵀ, (K, D)."""
        rows = np.empty((len(survey.targets), self.n_columns))
        rows[:, -1] = survey.targets
        moved = survey.targets[:, None] * (survey.mean - self.centre)
        rows[:, : self.n_features] = (survey.target_rows + moved) / self.scale
        return rows

    def squares(self, survey: Survey) -> Vector:
        """Return the mean squares of the columns of x̃, (d,)."""
        return np.asarray(self.deviations(survey) ** 2 / self.scale**2)

    def deviations(self, survey: Survey) -> Vector:
        """Return the deviations of the columns from μ: roots of mean squares, (d,)."""
        seen = slice(None) if self.chosen is None else self.chosen
        return np.asarray(np.hypot(survey.spread[seen], survey.mean[seen] - self.centre))

    def covariance(self, inner: Matrix) -> Matrix:
        """Return the covariance (K, d + 1, K, d + 1) of (W, b) from that of θ, (K, D, K, D).

        W_kj = V_kj / s_j and b_k = c_k − Σ_j V_kj μ_j / s_j are linear in θ.
        """
        map_ = np.zeros((self.n_features + 1, self.n_columns))
        map_[: self.n_features, : self.n_features] = np.diag(1.0 / self.scale)
        map_[-1, : self.n_features] = -self.centre / self.scale
        if self.fit_intercept:
            map_[-1, -1] = 1.0
        return np.asarray(np.einsum("ij,kjlm,nm->kiln", map_, inner, map_, optimize=True))


def intercept_error(weights: Matrix, intercept: Vector, centre: Vector) -> float:
    """Return what rounding b = c − W μ adds to F at most: ¼ Σ_k δ_k², its curvature being ½."""
    sizes = np.abs(weights) @ np.abs(centre) + np.abs(intercept)
    rounding = float(np.finfo(np.float64).eps) * sizes
    return 0.25 * float(rounding @ rounding)
