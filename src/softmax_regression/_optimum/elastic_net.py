"""F with an l1 penalty: its values and its duality gap.

In standardised columns the penalty is Σ_kj l1_j |V_kj| + (l2_j / 2) V_kj² with l1_j = l1 / s_j
and l2_j = l2 / s_j².
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from .._likelihood.working import Likelihood
from .._objective import Objective, Point
from .._types import Index, Matrix
from .certificate import closing
from .free_columns import EPS, PART, FreeColumns
from .intercepts import INEXACT, Intercepts
from .told_apart import OWN, gap_by_groups

ROUNDING = 1e-14  # error of the sums in F, relative to F


@dataclass(frozen=True)
class ElasticNet:
    """F on some columns, with its duality gap.

    `places` says where the columns lie among the `width` of all; None: these are all. `tol` is
    what is to be proven.
    """

    objective: Objective
    tol: float = 0.0
    width: int = 0
    places: Index | None = None

    @property
    def likelihood(self) -> Likelihood:
        """The rows, seen through these columns."""
        return self.objective.likelihood

    @cached_property
    def free(self) -> FreeColumns | None:
        """The columns both of whose penalties rounding hides."""
        hidden = PART * max(self.tol, EPS) * self.objective.l1**2
        penalty = np.maximum(self.objective.l2, hidden)
        return FreeColumns.of(self.likelihood, penalty, self.tol, small=0.0)

    def columns(self, chosen: Index) -> "ElasticNet":
        """Return F with the weights of all other features held at zero."""
        intercept = np.arange(self.likelihood.n_features, self.likelihood.n_columns)
        places = np.concatenate([chosen, intercept])
        part = self.objective.columns(chosen)
        return ElasticNet(part, self.tol, self.likelihood.n_columns, places)

    def reduce(self, whole: Matrix) -> Matrix:
        """(K, width) -> (K, D)."""
        return whole if self.places is None else whole[:, self.places]

    def expand(self, theta: Matrix) -> Matrix:
        """(K, D) -> (K, width), zero elsewhere."""
        if self.places is None:
            return theta
        whole = np.zeros((len(theta), self.width))
        whole[:, self.places] = theta
        return whole

    def at(self, theta: Matrix) -> Point:
        """Return F after one pass; the bound is an estimate where the intercept is not optimal."""
        return self.seen(self.objective.at(self.shifted(theta)))

    def seen(self, point: Point) -> Point:
        """Return a point with its bound."""
        return point._replace(bound=self._expected(point))

    def certified(self, theta: Matrix) -> Point:
        """Return the point with the exact intercept, where the bound is a proof."""
        if self.likelihood.fit_intercept:
            theta = Intercepts(self.likelihood).solve(theta)
        point = self.at(theta)
        rounding = self.likelihood.coordinates.rounding(point.theta)
        return point._replace(bound=self._proven(point) + rounding)

    def proven(self, point: Point) -> Point:
        """Return a point whose bound is a proof: this one, if `tol` is proven at its intercepts."""
        bound = self.closed(point)
        return point._replace(bound=bound) if bound <= self.tol else self.certified(point.theta)

    def closed(self, point: Point) -> float:
        """Return a proven bound on F − F* where the intercept is only nearly optimal."""
        divergence, change = closing(self.objective, point)
        gap = self._gap(point, self.data_gradient(point) + change, divergence)
        return gap + self.likelihood.coordinates.rounding(point.theta)

    def data_gradient(self, point: Point) -> Matrix:
        """Return the gradient of the data term alone."""
        return point.gradient - self.objective.penalty.slope(point.theta)

    def shifted(self, theta: Matrix) -> Matrix:
        """Move columns without a zero to their cheapest shift over classes; no logit sees it.

        Of two classes any column: to opposites.
        """
        if len(theta) == 2:
            opposites = np.empty_like(theta)
            np.subtract(theta[1], theta[0], out=opposites[1])
            opposites[1] *= 0.5
            np.negative(opposites[1], out=opposites[0])
            return opposites
        full = np.flatnonzero(theta.all(axis=0))
        if not len(full):
            return theta
        shifted = theta.copy()
        shifted[:, full] -= self.objective.penalty.columns(full).cheapest(theta[:, full])
        return shifted

    def _expected(self, point: Point) -> float:
        """Return the gap, or that after what the curvature will take away in the free columns: an estimate."""
        data, asked = self.data_gradient(point), self._asked(point.theta)
        gap = self._gap(point, data)
        if self.free is None or asked is None:
            return gap
        chosen = self.free.chosen
        left = ((data[:, chosen] - asked) ** 2).sum(axis=0) / (2.0 * self.free.assumed)
        data[:, chosen] = asked
        return min(gap, self._gap(point, data) + float(left.sum()))

    def _proven(self, point: Point) -> float:
        """Return the gap at nearly optimal intercepts, or without the gradient of the free columns."""
        data, gap = self.data_gradient(point), np.inf
        if not self.likelihood.fit_intercept or np.abs(data[:, -1]).max() <= INEXACT:
            gap = self._gap(point, data)
        else:
            divergence, change = closing(self.objective, point)
            gap = self._gap(point, data + change, divergence)
        asked = self._asked(point.theta)
        if self.free is None or asked is None or gap <= self.tol:
            return gap
        gap = min(gap, self._closed(point, data, self.free, asked))
        if gap > self.tol:
            gap = min(gap, gap_by_groups(self.objective, point, self.tol, self._of_group))
        return gap

    def _of_group(self, objective: Objective, theta: Matrix) -> Point:
        return ElasticNet(objective, OWN * self.tol).certified(theta)

    def _closed(self, point: Point, data: Matrix, free: FreeColumns, asked: Matrix) -> float:
        """Return the gap whose dual point has the gradient asked for in the free columns."""
        chosen, left = free.chosen, data.copy()
        left[:, chosen] -= asked
        close = free.closing(point.theta, self.objective.l2, left)
        if close is None or close.divergence == np.inf:
            return np.inf
        moved = close.left
        moved[:, chosen] += asked
        moved += np.copysign(close.error, moved)
        unsure = 2.0 * float(np.abs(close.error * point.theta).sum())
        return self._gap(point, moved, close.divergence + unsure)

    def _asked(self, theta: Matrix) -> Matrix | None:
        """Return a gradient of the data term that is optimal in the free columns, None without one.

        It is −(l1 sign V + l2 V); zero weights share what is missing to a sum of zero.
        """
        if self.free is None:
            return None
        weights, penalty = (
            theta[:, self.free.chosen],
            self.objective.penalty.columns(self.free.chosen),
        )
        asked = -(penalty.l1 * np.sign(weights) + penalty.slope(weights))
        zero = weights == 0.0
        missing = asked.sum(axis=0)
        shares = np.where(zero.any(axis=0), zero.sum(axis=0), len(weights))
        asked -= np.where(zero | ~zero.any(axis=0), missing / shares, 0.0)
        return np.asarray(asked)

    def _gap(self, point: Point, data: Matrix, divergence: float = 0.0) -> float:
        """Return the smaller gap of two dual points, G (`data`) the gradient of the data term at q.

        q, at that `divergence` from P, is feasible where l2 > 0, with the conjugate
        (|G| − l1)₊² / (2 l2) of the penalty. (1 − t) T + t q with t = min(1, min l1 / |G|) always
        is; by concavity its entropy is at least t H(q), and H(q) = loss − ⟨G, V⟩ − divergence
        (Ndiaye, Fercoq, Gramfort and Salmon, 2017, JMLR 18(128)). Where l2 = 0 in some columns,
        the first point takes the t that these ask for.
        """
        if divergence == np.inf:
            return np.inf
        loss = point.value - self.objective.penalty.value(point.theta)
        entropy = loss - float(np.vdot(data, point.theta)) - divergence
        weights = slice(0, self.likelihood.n_features)
        size = np.abs(data[:, weights])
        l1, l2 = self.objective.l1[weights], self.objective.l2[weights]
        allowed = l1 / np.maximum(size, 1e-300)
        scaling = float(allowed.min(initial=1.0))
        gap = point.value - scaling * entropy
        if l2.any():
            held = l2 > 0.0
            scaling = float(allowed[:, ~held].min(initial=1.0))
            excess = np.maximum(scaling * size - l1, 0.0) ** 2 / (2.0 * np.where(held, l2, np.inf))
            gap = min(gap, point.value - scaling * entropy + float(excess.sum()))
        gap = max(gap, 0.0) + ROUNDING * point.value
        return gap if np.isfinite(gap) else np.inf
