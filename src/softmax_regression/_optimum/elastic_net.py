"""F with an l1 penalty: its values and its duality gap.

In standardised columns the penalty is Σ_kj l1_j |V_kj| + (l2_j / 2) V_kj² with l1_j = l1 / s_j
and l2_j = l2 / s_j².
"""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from .arrays import Index, Matrix, Vector
from .free_columns import EPS, PART, FreeColumns
from .intercepts import INEXACT, Intercepts
from .passes import evaluate
from .quadratic import cheapest_shift
from .standardised import Standardised

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

    `places` says where the columns lie among the `width` of all; None: these are all. `tol` is
    what is to be proven.
    """

    rows: Standardised
    l1: Vector
    l2: Vector
    width: int
    tol: float = 0.0
    places: Index | None = None

    @cached_property
    def free(self) -> FreeColumns | None:
        """The columns both of whose penalties rounding hides."""
        penalty = np.maximum(self.l2, PART * max(self.tol, EPS) * self.l1**2)
        return FreeColumns.of(self.rows, penalty, self.tol, small=0.0)

    def columns(self, chosen: Index) -> "ElasticNet":
        """Return F with the weights of all other features held at zero."""
        intercept = np.arange(self.rows.n_features, self.rows.n_columns)
        places = np.concatenate([chosen, intercept])
        rows = self.rows.columns(chosen)
        return ElasticNet(rows, self.l1[places], self.l2[places], self.width, self.tol, places)

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
        value = evaluate(self.rows, self.l2, parameters, np.float64)
        objective = value.objective + self.l1_term(parameters)
        data = value.gradient - self.l2 * parameters
        return Point(
            parameters, objective, value.gradient, self._expected(parameters, objective, data)
        )

    def certified(self, parameters: Matrix) -> Point:
        """Return the point with the exact intercept, where the gap is a proof."""
        if self.rows.fit_intercept:
            parameters = Intercepts(self.rows).solve(parameters)
        point = self.at(parameters)
        gap = self._proven(point)
        return point._replace(gap=gap + self.rows.restoring_error(point.parameters))

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

    def _expected(self, parameters: Matrix, objective: float, data: Matrix) -> float:
        """Return the gap after what the curvature will take away in the free columns: an estimate."""
        asked = self._asked(parameters)
        if self.free is None or asked is None:
            return self._gap(parameters, objective, data)
        chosen = self.free.chosen
        left = ((data[:, chosen] - asked) ** 2).sum(axis=0) / (2.0 * self.free.assumed)
        data = data.copy()
        data[:, chosen] = asked
        return self._gap(parameters, objective, data) + float(left.sum())

    def _proven(self, point: Point) -> float:
        """Return the gap at an optimal intercept, or without the gradient of the free columns."""
        data, gap = self.data_gradient(point), np.inf
        if not self.rows.fit_intercept or np.abs(data[:, -1]).max() <= INEXACT:
            gap = self._gap(point.parameters, point.objective, data)
        asked = self._asked(point.parameters)
        if self.free is None or asked is None or gap <= self.tol:
            return gap
        chosen, left = self.free.chosen, data.copy()
        left[:, chosen] -= asked
        closing = self.free.close(point.parameters, self.l2, left)
        if closing is None:
            return gap
        moved = data + closing.change
        moved += np.copysign(closing.slack, moved)
        moved[:, self.free.places] = 0.0
        moved[:, chosen] = asked - self.l2[chosen] * closing.step[:, chosen]
        unsure = 2.0 * closing.slack * float(np.abs(point.parameters).sum())
        closed = self._gap(point.parameters, point.objective, moved, closing.divergence + unsure)
        return min(gap, closed)

    def _asked(self, parameters: Matrix) -> Matrix | None:
        """Return a gradient of the data term that is optimal in the free columns, None without one.

        It is −(l1 sign V + l2 V); zero weights share what is missing to a sum of zero.
        """
        if self.free is None:
            return None
        weights, l1 = parameters[:, self.free.chosen], self.l1[self.free.chosen]
        asked = -(l1 * np.sign(weights) + self.l2[self.free.chosen] * weights)
        zero = weights == 0.0
        missing = asked.sum(axis=0)
        shares = np.where(zero.any(axis=0), zero.sum(axis=0), len(weights))
        asked -= np.where(zero | ~zero.any(axis=0), missing / shares, 0.0)
        return asked

    def _loss(self, parameters: Matrix, objective: float) -> float:
        """Return the data term of F."""
        penalty = 0.5 * float((parameters * parameters).sum(axis=0) @ self.l2)
        return objective - self.l1_term(parameters) - penalty

    def _gap(
        self, parameters: Matrix, objective: float, data: Matrix, divergence: float = 0.0
    ) -> float:
        """Return the smaller gap of two dual points, G (`data`) the gradient of the data term at q.

        q, at that `divergence` from P, is feasible where l2 > 0, with the conjugate
        (|G| − l1)₊² / (2 l2) of the penalty. (1 − t) T + t q with t = min(1, min l1 / |G|) always
        is; by concavity its entropy is at least t H(q), and H(q) = loss − ⟨G, V⟩ − divergence
        (Ndiaye, Fercoq, Gramfort and Salmon, 2017, JMLR 18(128)).
        """
        entropy = self._loss(parameters, objective) - float(np.vdot(data, parameters)) - divergence
        weights = slice(0, self.rows.n_features)
        size, l1, l2 = np.abs(data[:, weights]), self.l1[weights], self.l2[weights]
        scaling = min(1.0, float((l1 / np.maximum(size, 1e-300)).min(initial=1.0)))
        gap = objective - scaling * entropy
        if l2.all():
            excess = np.maximum(size - l1, 0.0) ** 2 / (2.0 * l2)
            gap = min(gap, objective - entropy + float(excess.sum()))
        gap = max(gap, 0.0) + ROUNDING * objective
        return gap if np.isfinite(gap) else np.inf
