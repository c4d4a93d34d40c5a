"""What a running fit tells: progress for callbacks, lines for the terminal, when to stop."""

import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from ._parameters import Parameters

logger = logging.getLogger("softmax_regression")
logger.addHandler(logging.NullHandler())

SECONDS_BETWEEN_LINES = 0.5

# Takes the parameters after an epoch; a true return ends the fit.
Watch: TypeAlias = Callable[[Parameters], bool]


@dataclass(frozen=True)
class Progress:
    """One epoch of a running fit, as a callback sees it.

    With ``learning_rate="auto"`` it is one step, which takes one pass over the data or a few.

    Attributes
    ----------
    epoch : int
        Epochs or steps finished in this fit, 1 after the first.
    max_iter : int
        The most there can be.
    loss : float
        The epoch's or step's entry of ``loss_curve_``: the objective, in nats.
    validation_loss : float or None
        Mean cross-entropy of the validation data, in nats, where there are any.
    optimality_gap : float
        Estimate of the objective's distance to its minimum, ``inf`` where there is none; the
        proof is made at the end of the fit.
    elapsed : float
        Seconds since the fit began.

    Examples
    --------
    >>> from softmax_regression import SoftmaxRegression
    >>> def show(progress):
    ...     print(progress.epoch, round(progress.loss, 3))
    ...     return progress.loss < 0.5  # ends the fit
    >>> model = SoftmaxRegression(learning_rate=1.0, callback=show)
    >>> model = model.fit([[0.0], [1.0], [2.0], [3.0]], ["a", "a", "b", "b"])
    1 0.693
    2 0.546
    3 0.432
    """

    epoch: int
    max_iter: int
    loss: float
    validation_loss: float | None
    optimality_gap: float
    elapsed: float

    def __str__(self) -> str:
        width = len(str(self.max_iter))
        parts = [f"epoch {self.epoch:{width}d}/{self.max_iter}", f"loss {self.loss:.6f}"]
        if self.validation_loss is not None:
            parts.append(f"validation {self.validation_loss:.6f}")
        if math.isfinite(self.optimality_gap):
            parts.append(f"gap {self.optimality_gap:.1e}")
        left = self.elapsed / self.epoch * (self.max_iter - self.epoch)
        return "  ".join([*parts, f"at most {left:.1f} s left"])


@dataclass(eq=False, repr=False)
class Plateau:
    """Tells when a curve has not fallen by `tol` below its lowest value in `patience` steps."""

    tol: float
    patience: int
    lowest: float = math.inf
    waited: int = 0
    _since: float = math.inf  # the value from which the current wait counts the fall

    def reached(self, value: float) -> bool:
        """Take the curve's next value; NaN counts neither as a fall nor towards a plateau."""
        if math.isnan(value):
            return False
        if value < self._since - self.tol or self._since == math.inf:
            self.waited = 0
            self._since = min(self._since, value)
        else:
            self.waited += 1
        self.lowest = min(self.lowest, value)
        return self.waited >= self.patience


@dataclass(eq=False, repr=False)
class Monitor:
    """Keeps the curves of one fit, reports every epoch, and says when to stop.

    `validation_loss` maps parameters to the loss on the validation data. `early` watches that
    curve and `plateau` the training curve, where they are given.
    """

    max_iter: int
    verbose: int = 0
    callback: Callable[[Progress], object] | None = None
    watch: Watch | None = None
    validation_loss: Callable[[Parameters], float] | None = None
    early: Plateau | None = None
    plateau: Plateau | None = None
    loss_curve: list[float] = field(default_factory=list)
    validation_curve: list[float] = field(default_factory=list)
    best: Parameters | None = None
    stopped_by: str = ""

    def __post_init__(self) -> None:
        self._begin = time.perf_counter()
        self._last_line = -math.inf

    def report(
        self, loss: float, parameters: Callable[[], Parameters], gap: float = math.inf
    ) -> bool:
        """Record one finished epoch; True asks the fit to stop, `stopped_by` says why."""
        self.loss_curve.append(loss)
        validation = self._validate(parameters)
        if self.plateau is not None and self.plateau.reached(loss):
            self.stopped_by = "tol"
        epoch, elapsed = len(self.loss_curve), time.perf_counter() - self._begin
        progress = Progress(epoch, self.max_iter, loss, validation, gap, elapsed)
        self._print(progress)
        logger.debug("%s", progress)
        if self.callback is not None and self.callback(progress):
            self.stopped_by = self.stopped_by or "callback"
        if self.watch is not None and self.watch(parameters()):
            self.stopped_by = self.stopped_by or "callback"
        return bool(self.stopped_by)

    def _validate(self, parameters: Callable[[], Parameters]) -> float | None:
        if self.validation_loss is None:
            return None
        current = parameters()
        value = self.validation_loss(current)
        self.validation_curve.append(value)
        if self.early is not None:
            if self.best is None or value < self.early.lowest:
                self.best = Parameters(*(array.copy() for array in current))
            if self.early.reached(value):
                self.stopped_by = "validation"
        return value

    def _print(self, progress: Progress) -> None:
        if not self.verbose:
            return
        last = bool(self.stopped_by) or progress.epoch == self.max_iter
        if last or progress.elapsed - self._last_line >= SECONDS_BETWEEN_LINES:
            self._last_line = progress.elapsed
            print(progress, flush=True)  # noqa: T201 - verbose asks for it
