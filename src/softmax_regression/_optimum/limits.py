"""How far a fit is to go, and whom it tells on the way."""

from collections.abc import Callable
from typing import NamedTuple

from .._parameters import Parameters

# F, the parameters, the duality gap and the readings so far; a true return stops the fit.
Report = Callable[[float, Callable[[], Parameters], float, int], bool]


class Limits(NamedTuple):
    """The gap to reach, and the passes after the start after which no other step is begun.

    `polish`: whether a small gap asks for probabilities to the last digits too.
    """

    tol: float
    max_iter: int
    polish: bool = True
