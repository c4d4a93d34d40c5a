"""What a fit begins with, and what it leaves."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ._descent import DescentState
from ._optimum import AveragedDescent
from ._parameters import Parameters


class Start(NamedTuple):
    """Where a fit begins: its parameters, and what an earlier fit of the same model left."""

    state: DescentState
    generator: "np.random.Generator"
    loss_curve: NDArray[np.float64]
    validation_curve: NDArray[np.float64]
    n_iter: int = 0
    stream: AveragedDescent | None = None
    fresh: bool = True

    def parameters(self, n_classes: int) -> Parameters:
        """Return W and b in float64."""
        return Parameters.split(self.state.theta.astype(np.float64), n_classes)


class Learned(NamedTuple):
    """What a fit found out, without what it went on from.

    `advice` is what to tell the user about a fit that ended early.
    """

    state: DescentState
    loss_curve: list[float]
    validation_curve: list[float]
    n_iter: int
    optimality_gap: float
    converged: bool
    advice: str | None = None
    stream: AveragedDescent | None = None


Keep = Callable[[Learned], None]
