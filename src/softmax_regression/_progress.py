"""What a running fit tells: progress for callbacks, lines for the terminal, when to stop."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NoReturn, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ._parameters import Parameters

logger = logging.getLogger("softmax_regression")
logger.addHandler(logging.NullHandler())

SECONDS_BETWEEN_LINES = 0.5

# Takes the parameters after an epoch; a true return ends the fit.
Watch: TypeAlias = Callable[[Parameters], bool]


class Progress:
    """What a running fit tells its callback after an epoch, or a step.

    An epoch is one reading of all rows. Gradient descent tells of every epoch. With
    ``learning_rate="auto"`` the fit tells of where it begins and of every step, which takes one
    epoch or a few.

    Attributes
    ----------
    epoch : int
        Epochs finished in this fit.
    max_iter : int
        The most epochs of gradient descent; without a learning rate the passes for steps after
        which no other begins, while `epoch` counts what curvature and proof read too.
    loss : float
        The newest entry of ``loss_curve_``: the objective, in nats.
    validation_loss : float or None
        Mean cross-entropy of the validation data, in nats, where there are any.
    optimality_gap : float
        Estimate of the objective's distance to its minimum, at most `loss`; ``inf`` where there
        is none. The proof is made at the end of the fit.
    elapsed : float
        Seconds since the fit began.
    step : int or None
        Steps taken in this fit, 0 where it begins; None for gradient descent.
    l2 : float or None
        The penalty of `loss` while ``l2="auto"`` is looking for one; None in the fit itself.

    Examples
    --------
    >>> from softmax_regression import SoftmaxRegression
    >>> def show(progress):
    ...     print(progress.epoch, round(progress.loss, 3))
    ...     return progress.loss < 0.5  # True ends the fit
    >>> model = SoftmaxRegression(learning_rate=1.0, callback=show)
    >>> model = model.fit([[0.0], [1.0], [2.0], [3.0]], ["a", "a", "b", "b"])
    1 0.693
    2 0.546
    3 0.432

    The path of the weights, one array for every epoch:

    >>> path = []
    >>> model = SoftmaxRegression(learning_rate=1.0, max_iter=3, tol=0)
    >>> model = model.set_params(callback=lambda progress: path.append(progress.coef))
    >>> model = model.fit([[0.0], [1.0], [2.0], [3.0]], ["a", "a", "b", "b"])
    >>> [round(float(coef[1, 0] - coef[0, 0]), 3) for coef in path]
    [1.0, 0.825, 0.973]
    """

    def __init__(
        self,
        *,
        epoch: int,
        max_iter: int,
        loss: float,
        validation_loss: float | None,
        optimality_gap: float,
        elapsed: float,
        step: int | None = None,
        l2: float | None = None,
        parameters: Callable[[], Parameters] | None = None,
    ) -> None:
        self.epoch: int
        self.max_iter: int
        self.loss: float
        self.validation_loss: float | None
        self.optimality_gap: float
        self.elapsed: float
        self.step: int | None
        self.l2: float | None
        vars(self).update(
            epoch=epoch,
            max_iter=max_iter,
            loss=loss,
            validation_loss=validation_loss,
            optimality_gap=optimality_gap,
            elapsed=elapsed,
            step=step,
            l2=l2,
            _running=parameters,
            _read=None,
        )

    @property
    def coef(self) -> NDArray[Any]:
        """A copy of W now, shape (n_classes, n_features); made where it is read."""
        return self._parameters().weights

    @property
    def intercept(self) -> NDArray[Any]:
        """A copy of b now, shape (n_classes,); made where it is read."""
        return self._parameters().intercept

    def _parameters(self) -> Parameters:
        state = vars(self)
        if state["_read"] is None:
            if state["_running"] is None:
                message = (
                    "progress.coef and progress.intercept can be read first while the callback "
                    "runs: the fit has gone on since. Keep what they return, not progress"
                )
                raise AttributeError(message)
            state["_read"] = Parameters(*map(np.array, state["_running"]()))
        return state["_read"]  # type: ignore[no-any-return]

    def _close(self) -> None:
        """Let go of the running fit, which moves on."""
        vars(self)["_running"] = None

    def __setattr__(self, name: str, value: object) -> NoReturn:
        """Refuse: this tells of a fit, and cannot change it."""
        message = f"a Progress cannot be changed, nor the fit through it: {name}"
        raise AttributeError(message)

    def __getstate__(self) -> dict[str, Any]:
        """Return what pickle keeps: not the running fit."""
        return vars(self) | {"_running": None}

    def __repr__(self) -> str:
        shown = {name: value for name, value in vars(self).items() if name[0] != "_"}
        return f"Progress({', '.join(f'{name}={value!r}' for name, value in shown.items())})"

    def __str__(self) -> str:
        width = len(str(self.max_iter))
        measured = _measured(self.loss, self.optimality_gap, self.validation_loss)
        if self.step is not None:  # and how many there will be nobody knows
            counted = f"step {self.step:{width}d}  epoch {self.epoch:{width}d}"
            tried = [] if self.l2 is None else [f"l2 {self.l2:.2e}"]
            return "  ".join([counted, *tried, *measured])
        left = self.elapsed / self.epoch * (self.max_iter - self.epoch)
        counted = f"epoch {self.epoch:{width}d}/{self.max_iter}"
        return "  ".join([counted, *measured, f"at most {left:.1f} s left"])


def _gap(gap: float, loss: float) -> float:
    """Return a bound on F − min F: F is never below 0."""
    return min(gap, loss) if math.isfinite(gap) else gap


def _measured(loss: float, gap: float, validation_loss: float | None = None) -> list[str]:
    parts = [f"loss {loss:.6f}"]
    if validation_loss is not None:
        parts.append(f"validation {validation_loss:.6f}")
    if math.isfinite(gap):
        parts.append(f"gap {gap:.1e}")
    return parts


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
    advice: str | None = None
    steps_before: int = 0
    epochs_before: int = 0

    def __post_init__(self) -> None:
        self._begin = time.perf_counter()
        self._last_line = -math.inf
        self._callback_decides = False

    def report(
        self,
        loss: float,
        parameters: Callable[[], Parameters],
        gap: float = math.inf,
        passes: int | None = None,
    ) -> bool:
        """Record an epoch, or a step after so many `passes`; True asks the fit to stop.

        `stopped_by` says why then.
        """
        self.loss_curve.append(loss)
        validation = self._validate(parameters)
        if self.plateau is not None and self.plateau.reached(loss):
            self.stopped_by = "tol"
        entries = len(self.loss_curve)
        epoch, step = (entries, None) if passes is None else (passes, entries - 1)
        if self._is_heard():
            self._tell(
                Progress(
                    epoch=epoch + self.epochs_before,
                    max_iter=self.max_iter,
                    loss=loss,
                    validation_loss=validation,
                    optimality_gap=_gap(gap, loss),
                    elapsed=time.perf_counter() - self._begin,
                    step=None if step is None else step + self.steps_before,
                    parameters=parameters,
                )
            )
        return self._watched(step, parameters)

    def search(
        self, l2: float, loss: float, parameters: Callable[[], Parameters], gap: float, passes: int
    ) -> bool:
        """Tell of a step on the way to an l2, after so many `passes`; True asks the fit to stop."""
        progress = Progress(
            epoch=passes,
            max_iter=self.max_iter,
            loss=loss,
            validation_loss=None,
            optimality_gap=_gap(gap, loss),
            elapsed=time.perf_counter() - self._begin,
            step=self.steps_before,
            l2=l2,
            parameters=parameters,
        )
        self.steps_before, self.epochs_before = self.steps_before + 1, passes
        self._tell(progress)
        return self._watched(progress.step, parameters)

    def _watched(self, step: int | None, parameters: Callable[[], Parameters]) -> bool:
        """Let the watch see the end of a step, and say whether the fit is to stop."""
        # Where a fit begins ends no epoch.
        if self.watch is not None and step != 0 and self.watch(parameters()):
            self.stopped_by = self.stopped_by or "callback"
        return bool(self.stopped_by)

    def note(self, line: str) -> None:
        """Tell the log, and whoever asked for lines."""
        logger.info("%s", line)
        if self.verbose:
            print(line, flush=True)  # noqa: T201 - verbose asks for it

    def _is_heard(self) -> bool:
        """Whether anyone listens."""
        return bool(self.verbose or self.callback) or logger.isEnabledFor(logging.DEBUG)

    def _tell(self, progress: Progress) -> None:
        self._print(progress)
        logger.debug("%s", progress)
        asked = None if self.stopped_by == "callback" else self.callback
        if asked is not None and self._ends(asked(progress), progress):
            self.stopped_by = self.stopped_by or "callback"
        progress._close()

    def close(self, sentence: str, loss_curve: list[float], gap: float) -> None:
        """Tell how the fit ended, and at which loss if it has one."""
        elapsed = time.perf_counter() - self._begin
        measured = _measured(loss_curve[-1], gap) if loss_curve else []
        line = "  ".join([sentence, *measured, f"{elapsed:.2f} s"])
        self.note(line)

    def _ends(self, answer: object, progress: Progress) -> bool:
        """Whether the callback's answer ends the fit: True itself, and nothing that counts as true.

        A callback that decides has answered False before. From one that has not, True may be the
        return value of something else.
        """
        if not isinstance(answer, (bool, np.bool_)):
            return False
        if answer and not self._callback_decides:
            self.advice = (
                f"the callback ended the fit at epoch {progress.epoch} by returning True. If that "
                "was meant, let it return False to go on; if not, let it return nothing (tqdm's "
                "update() returns True whenever it draws)"
            )
        self._callback_decides = True
        return bool(answer)

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
        ran_all = progress.step is None and progress.epoch == self.max_iter
        last = bool(self.stopped_by) or ran_all
        if last or progress.elapsed - self._last_line >= SECONDS_BETWEEN_LINES:
            self._last_line = progress.elapsed
            print(progress, flush=True)  # noqa: T201 - verbose asks for it
