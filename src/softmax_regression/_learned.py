"""What a fit begins with, and what it leaves."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ._descent import DescentState
from ._optimum import AveragedDescent
from ._parameters import Parameters
from ._separation import Separation


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

    `advice` is what to tell the user about a fit that ended early, `stop_reason` one of the words
    in `_ending`.
    """

    state: DescentState
    loss_curve: list[float]
    validation_curve: list[float]
    n_iter: int
    optimality_gap: float
    converged: bool
    advice: str | None = None
    stream: AveragedDescent | None = None
    stop_reason: str = ""
    separation: Separation = Separation("none")

    def warning(self, classes: NDArray[Any], names: NDArray[np.object_] | None) -> str | None:
        """Return what to tell the user, if anything."""
        unknown = self.separation.kind == "unknown" and self.stop_reason == "tol"
        if self.separation.unbounded or unknown:
            n_features = self.state.theta.size // len(classes) - 1
            features = [f"x{j}" for j in range(n_features)] if names is None else list(names)
            return self.separation.sentence(list(classes), features)
        return self.advice


Keep = Callable[[Learned], None]
