"""How fast the distance from the minimum falls, and whether L-BFGS gets on.

Passes are enough when they have cost what Newton's method would, and too many when they would
cost that again, or more than are left.
"""

import math
from bisect import bisect_right

from .exact_hessian import step_passes
from .standardised import Standardised

# Steps of Newton's method, of the many where F is far from quadratic.
NEWTON_STEPS = 30
# However dear those, so many passes, or this share of `max_iter`, are enough.
FEWEST = 100
SHARE = 0.25


def steps_to(aim: float, now: float, then: float, taken: float) -> float:
    """Return how many more steps lead to the aim, if the last `taken` led from `then` to `now`."""
    if aim == 0.0 or not 0.0 < now < then < math.inf:
        return math.inf
    return max(0.0, math.log(now / aim)) * taken / math.log(then / now)


class Pace:
    """What the passes have cost so far, and where they have led."""

    def __init__(self, rows: Standardised, max_iter: int) -> None:
        self.cost = NEWTON_STEPS * step_passes(rows)
        self.max_iter = max_iter
        self.passes: list[int] = []
        self.distances: list[float] = []

    def note(self, passes: int, distance: float) -> None:
        """Note the distance from the minimum after so many passes."""
        self.passes.append(passes)
        self.distances.append(distance)

    def is_too_slow(self, aim: float) -> bool:
        """Whether the way to the aim is too long, at the pace of the second half of the passes."""
        passes = self.passes[-1]
        if passes < min(self.cost, max(FEWEST, SHARE * self.max_iter)):
            return False
        then = max(0, bisect_right(self.passes, passes // 2) - 1)
        taken = passes - self.passes[then]
        left = steps_to(aim, self.distances[-1], self.distances[then], taken)
        return left > min(self.cost, self.max_iter - passes)
