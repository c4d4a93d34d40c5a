"""The fit that needs no tuning: F's minimum, its proof, and what to say where one is lacking."""

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ._ending import CONVERGED
from ._exceptions import DivergenceError
from ._input.hyperparameters import Hyperparameters
from ._learned import Learned, Start
from ._likelihood.block import Block
from ._likelihood.sums import summed
from ._likelihood.survey import survey
from ._objective import mean_loss, objective_of
from ._optimum import BATCH, Limits, Report, Solution, minimise
from ._parameters import Parameters
from ._penalty import Penalty
from ._progress import Monitor
from ._separation import Separation, empty_classes, find_separation
from ._stream import effective_rows, stream_after
from ._types import Vector

# How many times what float32 rounds of the weights is counted, in turn.
ROUNDINGS = (1.0, 16.0, 256.0)
EPS = float(np.finfo(np.float64).eps)


def minimise_and_prove(
    problem: Block,
    settings: Hyperparameters,
    start: Start,
    monitor: Monitor,
    *,
    polish: bool = True,
) -> Learned:
    """Minimise F and prove it; with `polish` a small `tol` asks for the last digits too."""
    state = start.state
    if settings.max_iter == 0:
        return Learned(state, [], [], 0, math.inf, False, None, start.stream, "max_iter")
    dtype = state.theta.dtype
    solution = _minimised(problem, settings, start, monitor, polish)
    separation = _separation(problem, settings, solution)
    if dtype == np.float32 and monitor.best is None:
        solution = _in_single(solution, problem, settings)
    return concluded(
        solution,
        settings,
        start,
        monitor,
        separation=separation,
        behind=effective_rows(problem),
        objective_at=lambda kept: objective_of(problem, Penalty(settings.l1, settings.l2), kept),
    )


def concluded(
    solution: Solution,
    settings: Hyperparameters,
    start: Start,
    monitor: Monitor,
    *,
    separation: Separation,
    behind: float,
    objective_at: Callable[[Parameters], float],
) -> Learned:
    """Return what was learned, after as many rows of equal weight as are `behind` it.

    Where rows to validate on chose the parameters, F there is `objective_at` them.
    """
    state = start.state
    dtype = state.theta.dtype
    kept, objective, gap = solution.parameters, solution.objective, solution.gap
    if monitor.best is not None:
        kept, gap = monitor.best.held(dtype), math.inf
        objective = objective_at(kept)
    state.theta = kept.held(dtype).joined()
    state.velocity = np.zeros_like(state.theta)
    reason = _reason(solution, monitor)
    if separation.unbounded and reason != "callback":
        reason = "separable"
    return Learned(
        state,
        [*monitor.loss_curve, objective],
        monitor.validation_curve,
        solution.n_iter + (monitor.best is not None),
        gap,
        reason in CONVERGED,
        _advice(solution, settings),
        stream_after(kept, solution, behind, settings, best=monitor.best is not None),
        separation=separation,
        stop_reason=reason,
    )


def _separation(problem: Block, settings: Hyperparameters, solution: Solution) -> Separation:
    """Return whether F has a minimum: a penalty holds the weights of its columns."""
    if not (settings.l1 or Penalty(0.0, settings.l2).holds_all):
        return find_separation(
            problem,
            solution.parameters,
            fit_intercept=settings.fit_intercept,
            among=settings.unpenalised,
        )
    empty: tuple[int, ...] = ()
    if settings.fit_intercept:
        empty = empty_classes(problem.targets, problem.weight)
    return Separation("quasi" if empty else "none", empty=empty)


def _reason(solution: Solution, monitor: Monitor) -> str:
    """Return the word for what ended the fit."""
    if monitor.stopped_by == "validation":
        return "validation"
    if solution.converged:
        return "tol"
    return monitor.stopped_by or solution.reason


def _minimised(
    problem: Block, settings: Hyperparameters, start: Start, monitor: Monitor, polish: bool
) -> Solution:
    """Return where the solver ended, if that is a number.

    Raises
    ------
    DivergenceError
        F, its gradient or the parameters left the finite numbers.
    """
    begin = None if start.fresh else start.parameters(problem.targets.n_classes)
    generator = (lambda: start.draws.generator) if settings.shuffle else None
    solution = _solved(problem, settings, begin, monitor.report, generator=generator, polish=polish)
    if solution.reason == "non-finite":
        raise DivergenceError(start.n_iter + solution.n_iter, solution.objective, None)
    return solution


def _solved(
    problem: Block,
    settings: Hyperparameters,
    begin: Parameters | None,
    report: Report,
    *,
    spent: int = 0,
    generator: "Callable[[], np.random.Generator] | None" = None,
    more_l2: float | Vector = 0.0,
    polish: bool = True,
) -> Solution:
    with np.errstate(all="ignore"):  # what overflows ends as a non-finite F
        return minimise(
            problem,
            Penalty(settings.l1, settings.l2 + more_l2),
            begin,
            Limits(settings.tol, settings.max_iter - spent, polish),
            report,
            fit_intercept=settings.fit_intercept,
            batch_size=settings.rows_per_batch(BATCH),
            generator=generator,
        )


def _in_single(solution: Solution, problem: Block, settings: Hyperparameters) -> Solution:
    """Return the solution as float32 holds it, or another that loses less by it.

    Where columns are nearly collinear, weights far apart have nearly the same F, and the largest
    of them are the worst to round: what is left of `max_iter` goes to minima of F and a multiple of
    what rounding adds to it. float32
    rounds w_kj, and w_kj x_ij, by u = 2⁻²⁴ of them at most. Were these errors spread evenly, a logit
    would be off by an e with E[e²] = ⅔ u² Σ_j w_kj² E[x_j²], and F by ½ e² times a curvature
    p (1 − p) ≤ ¼: an l2 for each feature.
    """
    held = [_rounded(solution.parameters, solution, problem, settings)]
    if held[0].reason != "float32":
        return held[0]
    parameters, spent = solution.parameters, solution.passes
    readings = held[0].n_iter + 1
    (about,) = summed(survey, [problem])
    rounding = 2.0**-48 / 6.0 * (about.spread**2 + about.mean**2)
    for times in ROUNDINGS:
        if spent >= settings.max_iter:
            break
        gentle = _solved(
            problem,
            settings,
            parameters,
            lambda *_: False,
            spent=spent,
            more_l2=times * rounding,
        )
        parameters, spent = gentle.parameters, spent + gentle.passes
        readings += gentle.n_iter + 1
        held.append(_rounded(parameters, solution, problem, settings))

    def seen(found: Solution) -> float:
        """F, or the loss as predictions have it, whose products are in float32 too."""
        return max(found.objective, mean_loss(problem, found.parameters))

    return min(held, key=seen)._replace(n_iter=readings + len(held))


def _rounded(
    parameters: Parameters, solution: Solution, problem: Block, settings: Hyperparameters
) -> Solution:
    """Return the parameters in float32, where F may be higher than that of the solution."""
    parameters = held_in_single(parameters, solution.centre)
    objective = objective_of(problem, Penalty(settings.l1, settings.l2), parameters)
    return risen(parameters, objective, solution, settings.tol)


def risen(parameters: Parameters, objective: float, solution: Solution, tol: float) -> Solution:
    """Return the solution with its parameters in float32, where F is `objective`."""
    # Far from zero, F itself is rounded: as the largest of the terms that add up to a logit.
    size = np.abs(parameters.weights) @ np.abs(solution.centre) + np.abs(parameters.intercept)
    rise = max(objective - solution.objective, 0.0) + EPS * float(size.max())
    gap, decrement = solution.gap + rise, solution.decrement + rise
    within = (gap if math.isfinite(gap) else decrement) <= tol
    return solution._replace(
        parameters=parameters,
        objective=objective,
        gap=gap,
        decrement=decrement,
        converged=solution.converged and within,
        n_iter=solution.n_iter + 1,
        reason="float32" if solution.converged and not within else solution.reason,
    )


def held_in_single(parameters: Parameters, centre: NDArray[np.float64]) -> Parameters:
    """Return (W, b) in float32, b after what rounding W changes at the mean row."""
    held = parameters.held(np.float32)
    moved = (parameters.weights - held.weights) @ centre
    return Parameters(parameters.weights, parameters.intercept + moved).held(np.float32)


def _advice(solution: Solution, settings: Hyperparameters) -> str | None:
    if solution.converged or settings.tol == 0 or solution.reason == "stopped":
        return None
    cause, remedy = {
        "max_iter": (
            f"max_iter={settings.max_iter}",
            "Raise max_iter or tol; a larger l2 makes the problem easier",
        ),
        "rounding": (
            "the precision of float64",
            "Raise tol, or scale features that differ by many orders of magnitude",
        ),
        "float32": (
            "the precision of float32, in which the model keeps its weights,",
            "Pass X as float64, centre and scale the features, or raise tol",
        ),
    }[solution.reason]
    return f"{cause} ended the fit: {_distance(solution, settings)}. {remedy}"


def _distance(solution: Solution, settings: Hyperparameters) -> str:
    """Return how far F is above its minimum, in words."""
    if math.isfinite(solution.gap):
        distance = f"F is proven to be within {_upwards(solution.gap)} nats of its minimum"
    elif 0.0 <= solution.decrement < math.inf:
        distance = f"F is estimated to be {_upwards(solution.decrement)} nats above its minimum"
    else:
        return "how far F is above its minimum is not known"
    return f"{distance}, and tol={settings.tol:g} asks for less"


def _upwards(bound: float) -> str:
    """Return two digits that are no less than the bound."""
    text = f"{bound:.2g}"
    if float(text) < bound:
        text = f"{bound + 10.0 ** (math.floor(math.log10(bound)) - 1) / 2:.2g}"
    return text
