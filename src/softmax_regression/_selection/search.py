"""The l2 of least held-out loss: a decade down, then to where the training loss and the optimism meet.

As l2 grows, the training loss rises and what it hides, the optimism, falls: the one nearly as a
constant and a power of l2, the other's logarithm nearly as a polynomial in log l2. So two or three
l2 tell where their sum is least. The search ends where the gain they promise is below a tenth of
its standard error: the losses at two penalties come from the same rows, and it is their difference
that has to be told from chance.
"""

import math
from collections.abc import Callable
from typing import Literal

import numpy as np

from .._types import Vector
from .judge import Judge, Point

Edge = Literal["low", "high"] | None
# From the first l2 to the second, and the farthest from those tried to the next.
DECADE = math.log(10.0)
# Decades from the start to either end.
DOWN, UP = 7, 5
# Of the paired standard error: a smaller gain is not worth another fit.
WORTH = 0.1
# Of the loss's own standard error: a smaller gain is none. And nats below which there is none to lose.
NO_GAIN, NOTHING = 0.01, 1e-4
# Nats that are rounding of losses.
ROUNDING = 1e-9
# In log l2: points closer than this are one; the third is at least this far from the best of two.
RESOLUTION, LEAST_MOVE = 0.05, 0.5
# Points that the optimism is told from, and the training loss; places at which they are added up.
NODES, THREE, PLACES = 4, 3, 400
# Powers of l2 that the training loss may rise with.
POWERS = np.linspace(-3.0, 3.0, 600)
# The most l2 that are tried.
MOST = 15


class Search:
    """All points tried, by log l2."""

    def __init__(self, curve: Callable[[float], Point], judge: Judge, start: float) -> None:
        self.curve, self.judge, self.start = curve, judge, math.log(start)
        self.points: dict[float, Point] = {}
        self.edge: Edge = None

    @property
    def best(self) -> Point:
        """The point of least loss so far."""
        return self.points[self._place()]

    def run(self) -> Point:
        """Return the point of least loss."""
        following: float | None = self.start
        for _ in range(MOST):
            if following is None:
                break
            self._try(following)
            following = self._next()
        self.edge = self._edge()
        return self.best

    def _next(self) -> float | None:
        """Return the l2 to be tried next, or None where none promises enough."""
        x = self._place()
        if math.isinf(self._loss(x)):
            return max(self.points) + DECADE
        if len(self.points) == 1:
            return x - DECADE
        places = np.linspace(*self._range(x), PLACES)
        expected = self._expected(places)
        promise = self._loss(x) - float(expected.min())
        found = float(places[np.argmin(expected)]) if promise > ROUNDING else x
        if len(self.points) == 2:  # two points say little of what is near the better one
            return x + math.copysign(max(abs(found - x), LEAST_MOVE), found - x)
        if abs(found - x) >= RESOLUTION and promise > self._least(WORTH * self._error(x, found)):
            return self._beyond(found)
        above = self._above(x)
        return self._below(x) if above is None else above

    def _beyond(self, found: float) -> float:
        """Return a place beyond those tried at least half a decade out, so as not to creep."""
        low, high = min(self.points), max(self.points)
        if found < low:
            return min(found, low - DECADE / 2.0)
        return max(found, high + DECADE / 2.0) if found > high else found

    def _above(self, x: float) -> float | None:
        """Return what is beyond the largest l2 tried, if it is the best or may be as good.

        Training losses rise ever more slowly to those of no features: what they promise is a guess.
        """
        top = max(self.points)
        beyond = top + DECADE
        if beyond > self.start + (UP + 0.5) * DECADE or not self._stays(top):
            return None
        rise = float(self._expected(np.array([beyond]))[0]) - self._loss(x)
        if rise <= self._least(self._error(x, beyond)):
            return beyond
        return (x + beyond) / 2.0 if x == top else None

    def _below(self, x: float) -> float | None:
        """Return what is below the least l2 tried, if the loss fell to it by more than chance.

        That it is the minimum is then a guess from one side.
        """
        if x != min(self.points) or x <= self.start - (DOWN - 0.5) * DECADE:
            return None
        former, best = self.points[min(each for each in self.points if each > x)], self.best
        falls = self.judge.gain(former, best) > self.judge.paired_error(former, best)
        return x - DECADE / 2.0 if falls else None

    def _least(self, error: float) -> float:
        """Return the gain below which there is none, given a part of its standard error."""
        return max(error, NO_GAIN * self.judge.error(self.best.losses), ROUNDING)

    def _range(self, x: float) -> tuple[float, float]:
        """Return where the minimum may be: between the neighbours, at the ends a decade beyond.

        Half way to a neighbour whose loss is not known.
        """
        below = max((each for each in self.points if each < x), default=x - DECADE)
        above = min((each for each in self.points if each > x), default=x + DECADE)
        ends = [
            (x + each) / 2.0 if each in self.points and math.isinf(self._loss(each)) else each
            for each in (below, above)
        ]
        return (
            max(ends[0], self.start - DOWN * DECADE),
            min(ends[1], self.start + UP * DECADE),
        )

    def _expected(self, places: Vector) -> Vector:
        """Return the sum of training loss and optimism at these log l2."""
        x = self._place()
        known = [each for each in self.points if math.isfinite(self._loss(each))]
        beside = [max((each for each in known if each < x), default=x)]
        beside += [min((each for each in known if each > x), default=x)]
        known.sort(key=lambda each: (each != x and each not in beside, abs(each - x)))
        nodes = np.array(known[:NODES])
        training = np.array([self.points[each].training for each in nodes])
        losses = np.array([self._loss(each) for each in nodes])
        optimism = between(nodes - x, losses - training, places - x)
        return rising(nodes[:THREE], training[:THREE], places) + optimism

    def _error(self, x: float, found: float) -> float:
        """Return the standard error of the gain from x to there: as far as from x to a neighbour."""
        others = [each for each in self.points if math.isfinite(self._loss(each)) and each != x]
        side = [each for each in others if (each - x) * (found - x) > 0.0] or others
        towards = min(side, key=lambda each: abs(each - x), default=x)
        if towards == x:
            return 0.0
        share = abs((found - x) / (towards - x))
        return share * self.judge.paired_error(self.points[x], self.points[towards])

    def _edge(self) -> Edge:
        """Return the end at which the loss is least, if it is: without a minimum before."""
        x, low, high = self._place(), min(self.points), max(self.points)
        if x == low and self._loss(x) <= NOTHING:
            return "low"
        if x == low <= self.start - (DOWN - 0.5) * DECADE and not self._stays(x + DECADE):
            return "low"
        if x == high >= self.start + (UP - 0.5) * DECADE:
            return "high"
        stays = high > self.start and self._stays(high) and self._stays(high - DECADE)
        return "high" if stays else None

    def _stays(self, x: float) -> bool:
        """Whether the loss at a point that was tried is as good as any, as far as the rows can tell."""
        near = min(self.points, key=lambda each: abs(each - x))
        here, best = self.points[near], self.best
        least = self._least(WORTH * self.judge.paired_error(here, best))
        return abs(near - x) <= RESOLUTION and self.judge.gain(here, best) <= least

    def _place(self) -> float:
        """Return log l2 of the best point."""
        return min(self.points, key=self._loss)

    def _loss(self, x: float) -> float:
        return self.judge.mean(self.points[x].losses)

    def _try(self, x: float) -> None:
        self.points[x] = self.curve(math.exp(x))


def rising(nodes: Vector, values: Vector, places: Vector) -> Vector:
    """Return a + c eᵖˣ through three values that rise at some places, or what is `between` others."""
    order = np.argsort(nodes)
    x, value = nodes[order], values[order]
    rises = np.diff(value)
    if len(x) < THREE or not (rises > 0.0).all():
        return between(x - x[0], value, places - x[0])
    ratios = np.expm1(POWERS * (x[2] - x[1])) / -np.expm1(POWERS * (x[0] - x[1]))
    power = POWERS[np.argmin(np.abs(np.log(ratios * rises[0] / rises[1])))]
    shares = np.expm1(power * (places - x[0])) / np.expm1(power * (x[2] - x[0]))
    return np.asarray(value[0] + (value[2] - value[0]) * shares)


def between(nodes: Vector, values: Vector, places: Vector) -> Vector:
    """Return the polynomial through values at some places: of their logarithms, if they have them."""
    if (values > 0.0).all():
        with np.errstate(over="ignore"):
            return np.asarray(np.exp(np.polyval(_through(nodes, np.log(values)), places)))
    return np.asarray(np.polyval(_through(nodes, values), places))


def _through(nodes: Vector, values: Vector) -> Vector:
    return np.asarray(np.polyfit(nodes, values, len(nodes) - 1))
