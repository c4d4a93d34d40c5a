"""From a fitted model and the rows of its fit to the losses of these rows, each from a fit without it."""

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .._inference.covariance import NoEstimateError, SingularError
from .._inference.estimate import FARTHEST, NotAtOptimumError, Posterior
from .._input.given import Judged, judged_problem
from .._input.hyperparameters import Hyperparameters, check_random_state, make_generator
from .._likelihood.block import Block
from .._likelihood.logits import logits
from .._parameters import Parameters
from .._penalty import Penalty
from .._types import Features, Index, Matrix, Vector
from .held_out import Correction, LeaveOneOut, mean_of, probabilities_of, row_losses, standard_error
from .one_step import without_own_row
from .prepared import Prepared
from .question import (
    NO_ONE_MINIMUM,
    Units,
    check_exact,
    far,
    is_even,
    no_minimum,
    refuse_lone_classes,
    refuse_other_classes,
    refuse_size,
    size_of,
    units_of,
)
from .refits import NoRefitError, refitted_logits
from .surface import Surface, smooth_surface, sparse_surface

# From such a leverage on, float64 leaves nothing of a step away from a row.
HELD_ALONE = 1.0 - 1e-9


class Model(NamedTuple):
    """What was fitted."""

    settings: Hyperparameters
    classes: NDArray[Any]
    parameters: Parameters

    @property
    def penalty(self) -> Penalty:
        """The penalty of the fit."""
        return Penalty(self.settings.l1, self.settings.l2)


class Case(NamedTuple):
    """A model, the rows of its fit as given and as prepared, and what of them leaves together."""

    model: Model
    rows: Judged
    units: Units
    prepared: Prepared


class HeldOut(NamedTuple):
    """Logits (m, K) of the rows from a step away from their unit, and leverages (m,)."""

    logits: Matrix
    leverage: Vector


def leave_one_out(
    model: Model,
    X: Features,
    y: Any,
    sample_weight: Any,
    groups: Any,
    *,
    exact: Any,
    random_state: Any,
) -> LeaveOneOut:
    """Return the leave-one-out losses of a model on the rows of its fit."""
    rows = judged_problem(model.settings, X, y, sample_weight)
    refuse_other_classes(rows.classes, model.classes)
    units = units_of(groups, rows)
    number = check_exact(exact, units)
    generator = make_generator(check_random_state(random_state))
    refuse_lone_classes(rows.problem, units, rows.classes, model.settings.fit_intercept)
    case = Case(model, rows, units, _prepared(model, rows.problem))
    surface = _surface(case.prepared, model)
    held = _held_out(case, surface)
    drawn = np.sort(generator.choice(units.number, number, replace=False))
    result = _result(case, surface, held, drawn)
    if len(rows.places) < rows.n_rows:
        absent = np.setdiff1d(np.arange(rows.n_rows), rows.places)
        result.probabilities[absent] = probabilities_of(logits(X[absent], model.parameters))
    return result


def _prepared(model: Model, problem: Block) -> Prepared:
    """Return the rows where a Hessian of them is within reach."""
    fit_intercept, sparse = model.settings.fit_intercept, np.any(model.settings.l1)
    if sparse:
        refuse_size(int(np.count_nonzero(model.parameters.weights)), "weights other than zero")
    else:
        refuse_size(size_of(problem, model.penalty, fit_intercept))
    prepared = Prepared(problem, fit_intercept, even=is_even(model.penalty))
    if not sparse:  # rows that repeat each other have no coordinates of a row space
        refuse_size(prepared.n_free)
    return prepared


def _surface(prepared: Prepared, model: Model) -> Surface:
    """Return F near the fit, without l1 at its minimum to the last digit.

    Raises
    ------
    ValueError
        The fit is far from the minimum, or there is none.
    """
    theta = prepared.inward(model.parameters)
    try:
        with np.errstate(all="ignore"):
            if np.any(model.settings.l1):
                return _near(sparse_surface(prepared.likelihood, model.penalty, theta))
            posterior = Posterior(prepared.likelihood, model.penalty)
            settled = posterior.settled(theta - theta[posterior.reference])
            return smooth_surface(posterior, settled.theta)
    except SingularError:
        raise ValueError(NO_ONE_MINIMUM) from None
    except NoEstimateError as error:
        raise ValueError(far(error.distance)) from None


def _near(surface: Surface) -> Surface:
    distance = surface.distance()
    if not distance <= FARTHEST:
        raise NotAtOptimumError(distance)
    return surface


def _held_out(case: Case, surface: Surface) -> HeldOut:
    """Return what steps away from all units make of the logits.

    Raises
    ------
    ValueError
        There is no minimum without some unit.
    """
    try:
        with np.errstate(all="ignore"):
            if case.units.grouped:
                held = groups_held_out(case.prepared, surface, case.units)
            else:
                inverse = surface.inverse(squared_weight(case.rows.problem))
                held = rows_held_out(surface, inverse)
    except SingularError:
        raise ValueError(no_minimum("some group")) from None
    wrong = ~np.isfinite(held.logits).all(axis=1) | (held.leverage > HELD_ALONE)
    if wrong.any():
        raise ValueError(no_minimum(f"row {case.rows.places[int(np.argmax(wrong))]}"))
    return held


def rows_held_out(surface: Surface, inverse: Matrix, *, with_leverage: bool = True) -> HeldOut:
    """Return what a step by G⁻¹ away from every row makes of its logits, in its precision."""
    step, dtype = surface.step(inverse), inverse.dtype.type
    found, leverage = surface.likelihood.sums(without_own_row, step, with_leverage, dtype=dtype)
    return HeldOut(np.concatenate(found), np.concatenate(leverage))


def squared_weight(problem: Block) -> float:
    """Σ w_i²."""
    weight = problem.weight
    return float(problem.n_rows if weight is None else weight @ weight)


def groups_held_out(prepared: Prepared, surface: Surface, units: Units) -> HeldOut:
    """Return what a step away from every group makes of the logits of its rows."""
    found = np.empty((prepared.block.n_rows, len(surface.theta)))
    for unit in unit_rows(units):
        part = prepared.block.take(unit)
        found[unit] = surface.logits(part.X, surface.without(part))
    return HeldOut(found, np.full(len(found), np.nan))


def unit_rows(units: Units) -> list[Index]:
    """Return the rows of every unit."""
    order = np.argsort(units.codes, kind="stable")
    ends = np.cumsum(np.bincount(units.codes, minlength=units.number))
    return list(np.split(order, ends[:-1]))


def _result(case: Case, surface: Surface, held: HeldOut, drawn: Index) -> LeaveOneOut:
    rows, judged, codes = case.rows, case.rows.judged, case.units.codes
    refitted = _with_refits(case, held.logits, drawn)
    approximate, losses = row_losses(held.logits, judged), row_losses(refitted, judged)
    training = row_losses(surface.logits(case.prepared.block.X, surface.theta), judged)
    correction = _correction(losses - approximate, judged, case.units, drawn)
    return LeaveOneOut(
        loss=mean_of(approximate, judged) + correction.value,
        standard_error=standard_error(losses, judged, codes),
        training_loss=mean_of(training, judged),
        losses=_scattered(losses, rows, np.nan),
        probabilities=_scattered(probabilities_of(refitted), rows, np.nan),
        leverage=_scattered(held.leverage, rows, 0.0),
        exact_rows=rows.places[np.isin(codes, drawn)],
        correction=correction.value,
        correction_error=correction.error,
    )


def _with_refits(case: Case, approximate: Matrix, drawn: Index) -> Matrix:
    """Return the logits, those of the drawn units from fits without them."""
    found, model, prepared = approximate.copy(), case.model, case.prepared
    start = prepared.reduced(model.parameters)
    for unit in drawn:
        own = np.flatnonzero(case.units.codes == unit)
        try:
            found[own] = refitted_logits(
                prepared.block, model.penalty, start, model.settings.fit_intercept, own
            )
        except NoRefitError:
            raise ValueError(no_minimum(f"row {case.rows.places[own[0]]}")) from None
    return found


def _correction(difference: Vector, judged: Block, units: Units, drawn: Index) -> Correction:
    """Return Σ_u d_u estimated from the drawn ones of all U units, d_u of the weighted mean.

    Its standard error is that of a draw without replacement.
    """
    weight = judged.weights()
    all_units = np.bincount(units.codes, weight * difference / weight.sum(), units.number)
    some, n = all_units[drawn], len(drawn)
    if not n:
        return Correction(0.0, 0.0)
    spread = float(some.var(ddof=1)) if n > 1 else math.inf
    left = 1.0 - n / units.number
    error = units.number * math.sqrt(spread / n * left) if left else 0.0
    return Correction(units.number * float(some.mean()), error)


def _scattered(values: Matrix, rows: Judged, absent: float) -> Matrix:
    """Return the values at the places of their rows among all."""
    scattered = np.full((rows.n_rows, *values.shape[1:]), absent)
    scattered[rows.places] = values
    return scattered
