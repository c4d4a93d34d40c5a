"""The learned state of a model: read at once, replaced at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from ._fitted import is_begun, learned_attributes
from ._input.features import check_feature_names, check_features, check_finite, feature_names
from ._input.given import Description, check_rows, problem_of
from ._input.hyperparameters import Draws, Hyperparameters
from ._input.weights import refuse_all_zero
from ._learned import Learned, Learning, Start, parameters_of
from ._likelihood.block import Block
from ._likelihood.logits import by_blocks
from ._optimum import AveragedDescent
from ._progress import Watch
from ._sklearn import FitTask, run_with_callbacks
from ._types import Features, Vector

if TYPE_CHECKING:
    from ._selection import Selection


class LearnedState:
    """The attributes of a model that a fit has left, for the methods that ask or replace them."""

    def _fitted(self) -> dict[str, Any]:
        """Return all attributes in one read: a fit in another thread replaces them as a whole."""
        return learned_attributes(self)

    def _checked(self, X: Any, fitted: dict[str, Any], *, finite: bool = True) -> Features:
        """Return X as the fitted model takes it."""
        check_feature_names(feature_names(X), fitted.get("feature_names_in_"))
        return check_features(X, fitted["n_features_in_"], finite=finite)

    def _by_blocks(
        self, X: Any, function: Callable[[NDArray[Any]], NDArray[Any]], fitted: dict[str, Any]
    ) -> NDArray[Any]:
        """Return `function` of the logits of all rows, in blocks that bound the memory between.

        Of two classes their difference. Where every feature has a weight, logits that are finite
        say that the rows are.
        """
        parameters = parameters_of(fitted).relative()
        told = bool(parameters.weights.any(axis=0).all())
        features = self._checked(X, fitted, finite=not told)
        try:
            return by_blocks(function, features, parameters)
        except ValueError:
            check_finite(features, X, "X")
            raise

    def _left(self, settings: Hyperparameters) -> dict[str, Any]:
        """Return what the last fit left, for a warm start."""
        return self._fitted() if settings.warm_start and is_begun(vars(self)) else {}

    def _given_problem(self, X: Any, y: Any, sample_weight: Any, fitted: dict[str, Any]) -> Block:
        features = self._checked(X, fitted)
        checked_y, weight = check_rows(features, y, sample_weight, fitted["classes_"])
        refuse_all_zero(weight)
        return problem_of(features, checked_y, weight, fitted["classes_"])

    def _run(self, task: FitTask, fit: Learning, description: Description, start: Start) -> Self:
        """Return the model after a fit, and say what there is to say about it."""

        def run(watch: Watch | None) -> Learned:
            learned = fit(watch)
            self._adopt(learned, description, start)
            return learned

        learned = run_with_callbacks(self, task, run)
        learned.warn(description.classes, description.names)
        return self

    def _adopt(self, learned: Learned, description: Description, start: Start) -> None:
        """Take over what was learned in one assignment, so that no error leaves half of it."""
        # Their kinds, for type checkers; in the class body `help` would show them raw.
        self.coef_: NDArray[Any]
        self.intercept_: NDArray[Any]
        self.classes_: NDArray[Any]
        self.n_features_in_: int
        self.feature_names_in_: NDArray[np.object_]
        self.n_iter_: int
        self.loss_curve_: NDArray[np.float64]
        self.validation_curve_: NDArray[np.float64]
        self.optimality_gap_: float
        self.converged_: bool
        self.stop_reason_: str
        self.l2_: float | Vector
        self.selection_: Selection
        self._velocity: NDArray[Any]
        self._epoch: int
        self._draws: Draws
        self._stream: AveragedDescent | None
        replaced = ("feature_names_in_", "selection_")
        kept = {key: value for key, value in self.__dict__.items() if key not in replaced}
        self.__dict__ = kept | learned.attributes(description, start)
