"""The l2 of least held-out loss: decades until the loss has risen, then cubics.

It ends when the cubic promises less than a tenth of the standard error of what it promises: the
losses at two penalties come from the same rows, and it is their difference that has to be told
from chance.
"""

import math
from collections.abc import Callable
from typing import Literal

import numpy as np

from .._types import Vector
from .judge import Judge, Point

Edge = Literal["low", "high"] | None
# From one l2 to the next while the loss falls.
DECADE = math.log(10.0)
# Decades from the start to either end.
DOWN, UP = 8, 4
# Of the paired standard error: a smaller gain is not worth another fit.
WORTH = 0.1
# Of the loss's own standard error: a smaller gain is none. And nats below which there is none to lose.
NO_GAIN, NOTHING = 0.01, 1e-4
# In log l2: two points closer than this are one.
RESOLUTION = 0.1
# A bracket so wide says little of what is between, and is looked into anyway, not next to a point.
WIDE, LEAST_MOVE = 1.9 * DECADE, 0.5
# Evaluations between the ends of a bracket.
REFINEMENTS = 6


class Search:
    """All points tried, in the order of l2."""

    def __init__(self, curve: Callable[[float], Point], judge: Judge, start: float) -> None:
        self.curve, self.judge, self.start = curve, judge, math.log(start)
        self.points: dict[float, Point] = {}
        self.edge: Edge = None

    @property
    def best(self) -> Point:
        """The point of least loss so far."""
        return self.points[self._place()]

    def _place(self) -> float:
        """Return log l2 of the best point."""
        return min(self.points, key=self._loss)

    def run(self) -> Point:
        """Return the point of least loss."""
        self._try(self.start)
        if self._falls_to_the_end(-DECADE, DOWN):
            self.edge = "low"
        elif self._place() == self.start or self._stays(min(self.points)):
            self._upwards()
        self._refine()
        return self.best

    def _upwards(self) -> None:
        if self._falls_to_the_end(DECADE, UP) or self._stays(max(self.points)):
            self.edge = "high"

    def _falls_to_the_end(self, step: float, most: int) -> bool:
        """Go on until the loss has risen, or stays for two steps; return whether it falls for ever."""
        x, here, stayed = self.start, self.points[self.start], 0
        for _ in range(most):
            x, before = x + step, here
            here = self._try(x)
            gain = self.judge.gain(before, here)
            if gain >= 0.0 and self.judge.mean(here.losses) <= NOTHING:
                return True
            stayed = stayed + 1 if abs(gain) <= self._least(before, here) else 0
            if stayed == 2 or (gain < 0.0 and not stayed):
                return False
        return not stayed

    def _stays(self, end: float) -> bool:
        """Whether the loss at an end is as good as any, as far as the rows can tell."""
        gain = self.judge.gain(self.points[end], self.best)
        return gain <= self._least(self.points[end], self.best)

    def _least(self, one: Point, other: Point) -> float:
        """Return the gain below which there is none between two points."""
        with np.errstate(invalid="ignore"):
            error = NO_GAIN * self.judge.error(other.losses)
        return max(WORTH * self.judge.paired_error(one, other), error)

    def _refine(self) -> None:
        """Go where polynomials through the best point and its neighbours are least."""
        for _ in range(REFINEMENTS):
            x, places = self._place(), sorted(self.points)
            i = places.index(x)
            if i in (0, len(places) - 1):
                return
            found = self._promised(places[i - 1], x, places[i + 1])
            if found is None:
                return
            self._try(found)

    def _promised(self, left: float, x: float, right: float) -> float | None:
        """Return where the loss is least between two points, if it is worth another fit."""
        if not all(math.isfinite(self._loss(each)) for each in (left, right)):
            wide = left if x - left > right - x else right
            return (x + wide) / 2.0 if abs(wide - x) > 2.0 * RESOLUTION else None
        polynomial = self._polynomial(left, x, right)
        inside = [
            float(root.real)
            for root in np.roots(np.polyder(polynomial))
            if root.imag == 0.0 and left < x + root.real < right
        ]
        if not inside:
            return None
        move = min(inside, key=lambda each: float(np.polyval(polynomial, each)))
        if right - left > WIDE:
            return x + math.copysign(max(abs(move), LEAST_MOVE), move)
        promise = self._loss(x) - float(np.polyval(polynomial, move))
        towards = right if move > 0.0 else left
        error = self.judge.paired_error(self.points[x], self.points[towards])
        share = abs(move / (towards - x))
        if abs(move) < RESOLUTION or promise <= WORTH * share * error:
            return None
        return x + move

    def _polynomial(self, left: float, x: float, right: float) -> Vector:
        """Return that through three points, and the next one that is known, about x."""
        others = [each for each in self.points if math.isfinite(self._loss(each))]
        others = [each for each in others if each not in (left, x, right)]
        nodes = [left, x, right, *sorted(others, key=lambda each: abs(each - x))[:1]]
        losses = [self._loss(each) for each in nodes]
        return np.asarray(np.polyfit(np.array(nodes) - x, losses, len(nodes) - 1))

    def _loss(self, x: float) -> float:
        return self.judge.mean(self.points[x].losses)

    def _try(self, x: float) -> Point:
        here = self.points[x] = self.curve(math.exp(x))
        return here
