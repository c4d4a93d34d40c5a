"""A fit over blocks: what the first reading told, the sample's optimum, a reading a step, the proof."""

import math
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np

from .._ending import ending
from .._exceptions import DivergenceError
from .._fit import learn, monitor_of
from .._input.blocks import refuse_settings
from .._input.given import Description, validation_problem
from .._input.hyperparameters import Hyperparameters
from .._learned import Learned, Learning, Start, start_of
from .._likelihood.block import Block
from .._likelihood.coordinates import Coordinates
from .._likelihood.working import Likelihood
from .._objective import Objective
from .._optimum import Limits, Report, Solution
from .._parameters import Parameters
from .._penalty import Penalty
from .._progress import Monitor, Watch
from .._proven import concluded, held_in_single, risen
from .._separation import Separation, find_separation
from .descent import Descent, Model
from .gathered import Gathered, gather
from .model import SmoothModel
from .proximal_model import ProximalModel
from .start import sample_objective, sample_optimum


class Prepared(NamedTuple):
    """A fit that is ready to `run`."""

    description: Description
    start: Start
    run: Learning


def prepared(
    blocks: Any,
    settings: Hyperparameters,
    left: dict[str, Any],
    validation_data: Any,
    *,
    classes: Any,
    map: Callable[..., Iterable[Any]],
) -> Prepared:
    """Return the fit of blocks that have been read once, from what the last fit `left`."""
    refuse_settings(settings, validation_data)
    gathered = gather(blocks, settings, classes, map)
    description = gathered.description
    settings = settings.for_columns(description.n_features, description.names)
    validation = validation_problem(validation_data, description)
    none = np.zeros((0, description.n_features), gathered.dtype)
    start = start_of(settings, description, none, left)

    def run(watch: Watch | None) -> Learned:
        return learn_blocks(gathered, settings, start, validation, watch=watch)

    return Prepared(description, start, run)


def learn_blocks(
    gathered: Gathered,
    settings: Hyperparameters,
    start: Start,
    validation: Block | None,
    *,
    watch: Watch | None = None,
) -> Learned:
    """Fit the blocks from `start`; where the sample is all rows, as `fit` does."""
    if gathered.whole:
        learned = learn(gathered.sample, settings, start, validation, lambda _: None, watch=watch)
        return learned._replace(n_iter=gathered.door.readings)
    monitor = monitor_of(settings, validation, watch)
    if settings.max_iter == 0:
        state, n_iter = start.state, gathered.door.readings
        return Learned(state, [], [], n_iter, math.inf, False, None, start.stream, "max_iter")
    learned = _Fit(gathered, settings).learned(start, monitor)
    sentence = ending(learned.stop_reason, learned.n_iter, settings._asdict())
    monitor.close(sentence, learned.loss_curve, learned.optimality_gap)
    if learned.stop_reason == "callback":
        learned = learned._replace(advice=monitor.advice)
    return learned


class _Fit:
    """F over all rows and over the sample."""

    def __init__(self, gathered: Gathered, settings: Hyperparameters) -> None:
        self.gathered, self.settings = gathered, settings
        penalty = Penalty(settings.l1, settings.l2)
        likelihood = Likelihood(
            gathered.source,
            coordinates=Coordinates.of(gathered.survey, settings.fit_intercept),
            map=gathered.door,
            known=gathered.survey,
            readings=gathered.door.readings,
        )
        self.objective = Objective(likelihood, penalty)
        self.sample = sample_objective(gathered.sample, self.objective, penalty)

    def learned(self, start: Start, monitor: Monitor) -> Learned:
        """Return what was learned from `start`."""
        with np.errstate(all="ignore"):  # what overflows ends as a non-finite F
            solution = self._solution(start, monitor.report)
        if solution.reason == "non-finite":
            raise DivergenceError(start.n_iter + solution.n_iter, solution.objective, None)
        if start.state.theta.dtype == np.float32 and monitor.best is None:
            solution = self._in_single(solution)
        learned = concluded(
            solution,
            self.settings,
            start,
            monitor,
            separation=self._separation(solution),
            behind=self.gathered.effective_rows,
            objective_at=self._objective_at,
        )
        return learned._replace(n_iter=self.gathered.door.readings)

    def _solution(self, start: Start, report: Report) -> Solution:
        settings = self.settings
        thetas = [sample_optimum(self.sample)]
        if not start.fresh:
            begun = start.parameters(len(self.gathered.encoding.classes))
            thetas.append(self.objective.likelihood.coordinates.inward(begun))
        model: Model = SmoothModel(self.sample, self.objective)
        if settings.l1:
            model = ProximalModel(self.sample, self.objective, settings.tol)
        limits = Limits(settings.tol, settings.max_iter)
        return Descent(self.objective, model, limits, report).run(thetas)

    def _objective_at(self, parameters: Parameters) -> float:
        """Return F of a model by one reading."""
        double = Parameters(*(array.astype(np.float64) for array in parameters))
        return self.objective.at(self.objective.likelihood.coordinates.inward(double)).value

    def _in_single(self, solution: Solution) -> Solution:
        """Return the solution as float32 holds it, where F may be higher."""
        parameters = held_in_single(solution.parameters, solution.centre)
        return risen(parameters, self._objective_at(parameters), solution, self.settings.tol)

    def _separation(self, solution: Solution) -> Separation:
        """Return whether F has a minimum, as far as the sample tells where there is no penalty.

        Where no direction parts the rows of the sample, none parts all rows.
        """
        totals = self.gathered.survey.targets
        empty: tuple[int, ...] = ()
        if self.settings.fit_intercept:
            empty = tuple(int(k) for k in np.flatnonzero(totals == 0))
        if empty or self.settings.l1 or np.all(self.settings.l2):
            return Separation("quasi" if empty else "none", empty=empty)
        found = find_separation(
            self.gathered.sample,
            solution.parameters,
            fit_intercept=self.settings.fit_intercept,
            among=self.settings.unpenalised,
        )
        if found.kind == "none":
            return found
        return Separation(
            "unknown", reason="the rows were not all in memory, and a sample is parted"
        )
