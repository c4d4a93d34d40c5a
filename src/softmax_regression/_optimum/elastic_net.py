"""F with an l1 penalty: its values and its duality gap.

In standardised columns the penalty is Σ_kj l1_j |V_kj| + (l2_j / 2) V_kj² with l1_j = l1 / s_j
and l2_j = l2 / s_j².
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from .._likelihood.working import Likelihood
from .._types import Index, Matrix, Vector
from .intercepts import INEXACT, Intercepts
from .passes import evaluate
from .quadratic import cheapest_shift

ROUNDING = 1e-14  # error of the sums in F, relative to F


class Point(NamedTuple):
    """Parameters (K, D), F, the gradient (K, D) of F without its l1 term, and the gap.

    The gap bounds F − F* where the intercept is optimal; elsewhere it is an estimate.
    """

    parameters: Matrix
    objective: float
    gradient: Matrix
    gap: float


@dataclass(frozen=True)
class ElasticNet:
    """F on some columns: rows, and penalties per column (D,), zero for the intercept.

    `places` says where the columns lie among the `width` of all; None: these are all.
    """

    likelihood: Likelihood
    l1: Vector
    l2: Vector
    width: int
    places: Index | None = None

    def columns(self, chosen: Index) -> "ElasticNet":
        """Return F with the weights of all other features held at zero."""
        intercept = np.arange(self.likelihood.n_features, self.likelihood.n_columns)
        places = np.concatenate([chosen, intercept])
        likelihood = self.likelihood.columns(chosen)
        return ElasticNet(likelihood, self.l1[places], self.l2[places], self.width, places)

    def reduce(self, whole: Matrix) -> Matrix:
        """(K, width) -> (K, D)."""
        return whole if self.places is None else whole[:, self.places]

    def expand(self, parameters: Matrix) -> Matrix:
        """(K, D) -> (K, width), zero elsewhere."""
        if self.places is None:
            return parameters
        whole = np.zeros((len(parameters), self.width))
        whole[:, self.places] = parameters
        return whole

    def at(self, parameters: Matrix) -> Point:
        """Return F, its gradient and its gap after one pass."""
        parameters = self._shifted(parameters)
        value = evaluate(self.likelihood, self.l2, parameters, np.float64)
        objective = value.objective + self.l1_term(parameters)
        gap = self._gap(parameters, value.objective, value.gradient)
        return Point(parameters, objective, value.gradient, gap)

    def certified(self, parameters: Matrix) -> Point:
        """Return the point with the exact intercept, where the gap is a proof."""
        if self.likelihood.fit_intercept:
            parameters = Intercepts(self.likelihood).solve(parameters)
        point = self.at(parameters)
        if self.likelihood.fit_intercept and not np.abs(point.gradient[:, -1]).max() <= INEXACT:
            return point._replace(gap=np.inf)
        return point._replace(
            gap=point.gap + self.likelihood.coordinates.rounding(point.parameters)
        )

    def l1_term(self, parameters: Matrix) -> float:
        """Σ_kj l1_j |V_kj|."""
        return float(np.abs(parameters).sum(axis=0) @ self.l1)

    def data_gradient(self, point: Point) -> Matrix:
        """Return the gradient of the data term alone."""
        return point.gradient - self.l2 * point.parameters

    def _shifted(self, parameters: Matrix) -> Matrix:
        """Move columns without a zero to their cheapest shift over classes; no logit sees it."""
        full = np.flatnonzero(parameters.all(axis=0))
        if not len(full):
            return parameters
        shifted = parameters.copy()
        shifted[:, full] -= cheapest_shift(parameters[:, full], self.l1[full], self.l2[full])
        return shifted

    def _gap(self, parameters: Matrix, smooth: float, gradient: Matrix) -> float:
        """Return the smaller gap of two dual points, G the gradient of the data term.

        q = P is feasible where l2 > 0, with the conjugate (|G| − l1)₊² / (2 l2) of the penalty.
        q = (1 − t) T + t P with t = min(1, min l1 / |G|) always is; by concavity its entropy is
        at least t H(P), and H(P) = loss − ⟨G, V⟩ (Ndiaye, Fercoq, Gramfort and Salmon, 2017,
        JMLR 18(128)).
        """
        data = gradient - self.l2 * parameters
        loss = smooth - 0.5 * float((parameters * parameters).sum(axis=0) @ self.l2)
        objective = smooth + self.l1_term(parameters)
        entropy = loss - float(np.vdot(data, parameters))
        weights = slice(0, self.likelihood.n_features)
        size, l1, l2 = np.abs(data[:, weights]), self.l1[weights], self.l2[weights]
        scaling = min(1.0, float((l1 / np.maximum(size, 1e-300)).min(initial=1.0)))
        gap = objective - scaling * entropy
        if l2.all():
            excess = np.maximum(size - l1, 0.0) ** 2 / (2.0 * l2)
            gap = min(gap, objective - entropy + float(excess.sum()))
        gap = max(gap, 0.0) + ROUNDING * objective
        return gap if np.isfinite(gap) else np.inf
