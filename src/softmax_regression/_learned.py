"""What a fit begins with, and what it leaves."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ._descent import DescentState
from ._exceptions import ConvergenceWarning, sibling
from ._input.features import check_feature_names
from ._input.given import Description
from ._input.hyperparameters import Draws, Hyperparameters
from ._input.labels import listed
from ._optimum import AveragedDescent
from ._parameters import Parameters
from ._progress import Watch
from ._separation import Separation
from ._types import Features
from ._warn import warn


class Start(NamedTuple):
    """Where a fit begins: its parameters, and what an earlier fit of the same model left."""

    state: DescentState
    draws: Draws
    loss_curve: NDArray[np.float64]
    validation_curve: NDArray[np.float64]
    n_iter: int = 0
    stream: AveragedDescent | None = None
    fresh: bool = True
    l2: Any = None

    def parameters(self, n_classes: int) -> Parameters:
        """Return W and b in float64."""
        return Parameters.split(self.state.theta.astype(np.float64), n_classes)

    def at(self, parameters: Parameters) -> "Start":
        """Return the same start at other parameters."""
        theta = parameters.held(self.state.theta.dtype).joined()
        return self._replace(state=DescentState(theta, np.zeros_like(theta)), fresh=False)


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
    selection: Any = None

    def attributes(self, description: Description, start: Start) -> dict[str, Any]:
        """Return what the model keeps: what was learned, after what it went on from."""
        parameters = Parameters.split(self.state.theta, len(description.classes))
        return description.with_parameters(parameters) | {
            "n_iter_": start.n_iter + self.n_iter,
            "loss_curve_": np.concatenate([start.loss_curve, self.loss_curve]),
            "validation_curve_": np.concatenate([start.validation_curve, self.validation_curve]),
            "optimality_gap_": self.optimality_gap,
            "converged_": self.converged,
            "stop_reason_": self.stop_reason,
            "_velocity": self.state.velocity,
            "_epoch": self.state.epoch,
            "_draws": start.draws,
            "_stream": self.stream,
            **self._penalty(start),
        }

    def _penalty(self, start: Start) -> dict[str, Any]:
        """Return the l2 of the fit, and how it was chosen."""
        if self.selection is None:
            return {"l2_": start.l2}
        return {"l2_": self.selection.l2, "selection_": self.selection}

    def warn(self, classes: NDArray[Any], names: NDArray[np.object_] | None) -> None:
        """Tell the user what there is to know."""
        warning = self.warning(classes, names)
        if warning is not None:
            warn(warning, sibling(ConvergenceWarning))
        edge = None if self.selection is None else self.selection.warning()
        if edge is not None:
            warn(edge, UserWarning)

    def warning(self, classes: NDArray[Any], names: NDArray[np.object_] | None) -> str | None:
        """Return what to tell the user, if anything."""
        unknown = self.separation.kind == "unknown" and self.stop_reason == "tol"
        if self.separation.unbounded or unknown:
            n_features = self.state.theta.size // len(classes) - 1
            features = [f"x{j}" for j in range(n_features)] if names is None else list(names)
            return self.separation.sentence(list(classes), features)
        return self.advice


Keep = Callable[[Learned], None]
Learning = Callable[[Watch | None], Learned]


def start_of(
    settings: Hyperparameters, description: Description, X: Features, left: dict[str, Any]
) -> Start:
    """Return the model without weights or, where there is one, the state that was left."""
    if not left:
        none = np.zeros(0)
        theta = np.zeros(description.classes.shape[0] * (X.shape[1] + 1), X.dtype)
        begin = DescentState(theta, np.zeros_like(theta))
        return Start(begin, Draws(settings.random_state), none, none, l2=settings.l2)
    _check_same(description, left)
    return Start(
        _state_left(settings, X.dtype, left),
        _draws_left(settings, left),
        left.get("loss_curve_", np.zeros(0)),
        left.get("validation_curve_", np.zeros(0)),
        n_iter=left.get("n_iter_", 0),
        stream=left["_stream"] if _stands_where_its_stream_does(left) else None,
        fresh=False,
        l2=settings.l2,
    )


def _state_left(settings: Hyperparameters, dtype: Any, left: dict[str, Any]) -> DescentState:
    """Return parameters, velocity and epochs, in the precision that the rows ask for."""
    parameters = parameters_of(left)
    theta = parameters.joined().astype(np.result_type(dtype, parameters.weights.dtype))
    # Parameters set by hand, or from a slim file, come without the rest.
    velocity = left.get("_velocity", theta[:0]).astype(theta.dtype)
    if velocity.shape != theta.shape:
        velocity = np.zeros_like(theta)
    state = DescentState(theta, velocity, left.get("_epoch", 0))
    if not settings.fit_intercept:  # it may have been learned before
        for vector in (state.theta, state.velocity):
            Parameters.split(vector, len(parameters.intercept)).intercept[:] = 0
    return state


def _draws_left(settings: Hyperparameters, left: dict[str, Any]) -> Draws:
    """Return what is drawn from: what was left goes on, unless a generator is given."""
    if "_draws" in left and not isinstance(settings.random_state, np.random.Generator):
        # A copy: an interrupted fit leaves the model's own.
        draws: Draws = deepcopy(left["_draws"])
        return draws
    return Draws(settings.random_state)


def parameters_of(fitted: dict[str, Any]) -> Parameters:
    """Return W and b of what was learned."""
    return Parameters(fitted["coef_"], fitted["intercept_"])


def _stands_where_its_stream_does(fitted: dict[str, Any]) -> bool:
    """Whether nobody has set the parameters since `partial_fit` took them from the stream."""
    stream = fitted.get("_stream")
    if stream is None:
        return False
    own = stream.estimate(fitted["n_features_in_"])
    return all(
        np.array_equal(array.astype(held.dtype), held)
        for array, held in zip(own, parameters_of(fitted), strict=True)
    )


def _check_same(description: Description, fitted: dict[str, Any]) -> None:
    """Raise where a fit cannot go on from what was fitted."""
    if not np.array_equal(description.classes, fitted["classes_"]):
        message = (
            f"warm_start=True needs the classes of the last fit, {listed(fitted['classes_'])}, got "
            f"{listed(description.classes)}; set warm_start=False to begin anew"
        )
        raise ValueError(message)
    if description.n_features != fitted["n_features_in_"]:
        message = (
            f"X has {description.n_features} features, but SoftmaxRegression is expecting "
            f"{fitted['n_features_in_']} features as input; set warm_start=False to begin anew"
        )
        raise ValueError(message)
    check_feature_names(description.names, fitted.get("feature_names_in_"))
