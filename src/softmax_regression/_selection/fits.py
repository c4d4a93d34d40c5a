"""Fits of the same rows along l2, each begun where those before it point."""

import math
from collections.abc import Callable, Sequence

import numpy as np

from .._exceptions import DivergenceError
from .._likelihood.value import balanced
from .._objective import Objective
from .._optimum import BATCH
from .._optimum.limits import Limits
from .._optimum.minimise import minimise_from
from .._optimum.plan import STILL
from .._optimum.solution import Solution
from .._parameters import Parameters
from .._penalty import Penalty
from .._types import Apply, Matrix, Vector
from .prepared import Prepared

# In log l2: farther apart, a parabola through three fits leads away from the path.
NEAR = 1.2
# Closer together, what a fit leaves above its minimum leads away from it.
APART = 0.3
# In log l2: farther off, a first matrix is made anew.
CARRIED = 2.5
# Inverse Hessians: in a search, of both ends of the place it looks at.
KEPT = 2
# Steps by one of them to the last digits of a minimum.
SETTLING = 6

# l2, F, the parameters, the gap and the readings of the rows so far; a true return ends the search.
Tell = Callable[[float, float, Callable[[], Parameters], float, int], bool]


def l2_alone(l2: float) -> Penalty:
    """Return the penalty without an l1 term."""
    return Penalty(0.0, l2)


class StoppedError(Exception):
    """Whoever is told of the fits wants no more of them; `parameters` (W, b) are the last."""

    def __init__(self, parameters: Parameters) -> None:
        super().__init__()
        self.parameters = parameters


class Fits:
    """Minima of F along a penalty, an l2 unless `penalty_of` says another; `tell` hears of each step."""

    def __init__(
        self,
        prepared: Prepared,
        limits: Limits,
        tell: Tell,
        penalty_of: Callable[[float], Penalty] = l2_alone,
    ) -> None:
        self.prepared, self.limits, self.tell = prepared, limits, tell
        self.penalty_of = penalty_of
        self.start: Matrix | None = None
        self.known: dict[float, Matrix] = {}
        self.solutions: dict[float, Solution] = {}
        self.inverses: dict[float, Apply] = {}

    def begin(self, start: Parameters | None) -> None:
        """Begin the first fit there, or at the class frequencies."""
        self.start = None if start is None else self.prepared.inward(start)

    def at(self, l2: float) -> Solution:
        """Return the minimum of F with this penalty, found once, in the prepared coordinates.

        Raises
        ------
        StoppedError
            The search is to end.
        DivergenceError
            F left the finite numbers.
        """
        if l2 in self.solutions:
            return self.solutions[l2]
        objective = Objective(self.prepared.likelihood, self.penalty_of(l2))
        first = self._inverse_near(l2)
        with np.errstate(all="ignore"):
            solution = minimise_from(
                self.start_of(l2, straight=objective.penalty.has_l1),
                objective,
                self.limits,
                lambda *step: self._told(l2, *step),
                (BATCH, None),
                first=first,
            )
        if solution.reason == "non-finite":
            raise DivergenceError(solution.n_iter, solution.objective, None)
        if solution.reason == "stopped":
            raise StoppedError(self.prepared.expanded(solution.parameters))
        theta = self.prepared.likelihood.coordinates.inward(solution.parameters)
        self.known[math.log(l2)] = theta
        if solution.first is not None and solution.first is not first:
            self.learn(l2, solution.first)
        self.solutions[l2] = solution._replace(first=None)
        return self.solutions[l2]

    def learn(self, l2: float, inverse: Apply) -> None:
        """Take the inverse Hessian at a minimum for fits near it; those of two are kept."""
        self.inverses[math.log(l2)] = inverse
        if len(self.inverses) > KEPT:
            del self.inverses[next(iter(self.inverses))]

    def _inverse_near(self, l2: float) -> Apply | None:
        x = math.log(l2)
        nearest = min(self.inverses, key=lambda each: abs(each - x), default=-math.inf)
        return self.inverses[nearest] if abs(nearest - x) <= CARRIED else None

    def settle(self, l2: float) -> bool:
        """Go on to the last digits with this l2 by the inverse Hessian there, and say if they are reached."""
        inverse = self.inverses.get(math.log(l2))
        if inverse is None:
            return False
        objective = Objective(self.prepared.likelihood, self.penalty_of(l2))
        theta = balanced(self.theta(l2).copy())
        for _ in range(SETTLING):
            gradient = objective.at(theta).gradient
            step = inverse(gradient)
            theta = theta - step
            if float(np.vdot(gradient, step)) <= 2.0 * STILL:
                self.known[math.log(l2)] = theta
                return True
        return False

    def theta(self, l2: float) -> Matrix:
        """Return where the fit with this l2 ended."""
        return self.known[math.log(l2)]

    def start_of(self, l2: float, *, straight: bool = False) -> Matrix | None:
        """Return θ where the path leads to: a parabola through the three nearest fits, if near.

        With an l1 term, whose path has corners, the nearest one.
        """
        x = math.log(l2)
        nearest = apart(sorted(self.known, key=lambda each: abs(each - x)), 3)
        if not nearest:
            return self.start
        spread = max(nearest) - min(nearest)
        if straight or len(nearest) < 3 or max(spread / 2, abs(nearest[0] - x)) > NEAR:
            return self.known[nearest[0]]
        found: Matrix = np.zeros_like(self.known[nearest[0]])
        for share, each in zip(lagrange(x, nearest), nearest, strict=True):
            found += share * self.known[each]
        return found

    def _told(
        self,
        l2: float,
        loss: float,
        parameters: Callable[[], Parameters],
        gap: float,
        readings: int,
    ) -> bool:
        expanded = self.prepared.expanded
        return self.tell(l2, loss, lambda: expanded(parameters()), gap, readings)


def readings_of(fits: Sequence[Fits], n_rows: int) -> int:
    """Return how often so many rows have been read."""
    read = [each.prepared.likelihood.readings * each.prepared.original.n_rows for each in fits]
    return round(sum(read) / n_rows)


def apart(places: list[float], most: int) -> list[float]:
    """Return the first places, `most` of them, that are not too near to one before."""
    kept: list[float] = []
    for place in places:
        if len(kept) < most and all(abs(place - each) >= APART for each in kept):
            kept.append(place)
    return kept


def lagrange(x: float, nodes: list[float]) -> Vector:
    """Return the shares at x of values at the nodes, of the polynomial through them."""
    shares = [
        math.prod((x - other) / (node - other) for other in nodes if other != node)
        for node in nodes
    ]
    return np.array(shares)
