"""From a fitted model and the rows of its fit to an inference: every check on the way."""

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .._arrays import shown
from .._input.given import problem_of
from .._input.groups import Groups, check_groups
from .._input.hyperparameters import Hyperparameters
from .._input.labels import check_y
from .._input.weights import refuse_all_zero, unscaled_sample_weight
from .._likelihood.block import Block, Memo
from .._likelihood.working import Likelihood
from .._parameters import Parameters
from .._penalty import Penalty
from .._separation import find_separation
from .._types import Features, Matrix, Vector
from .._warn import warn
from .contrasts import farthest
from .covariance import (
    FEW_ENTRIES,
    Definite,
    NoEstimateError,
    SingularError,
    class_order,
    cluster_meat,
    robust_meat,
    sandwich,
)
from .estimate import Estimate, Posterior, Settled
from .existence import refuse_collinear, refuse_empty_classes, refuse_separated
from .figures import Figures, null_log_likelihood
from .form import Covariance, Form
from .names import Names
from .result import Inference
from .rows import Rows
from .summary import Prior

# Free parameters beyond which a matrix of them is too large.
LARGEST = 5000
# A frequency is whole to this.
WHOLE = 1e-9
# What is kept of the rows in working precision: few rows, in float64.
KEPT_BYTES = 8 * FEW_ENTRIES
# Standard errors that a penalty may move an estimate before a reader is told.
MOVED = 0.5


class Model(NamedTuple):
    """What was fitted: its settings, its names, and its parameters."""

    settings: Hyperparameters
    names: Names
    fitted_names: NDArray[np.object_] | None
    parameters: Parameters


class Question(NamedTuple):
    """How the rows are to be read: the arguments of `inference` but for the rows."""

    weights: Any
    covariance: Any
    groups: Any


class Reading(NamedTuple):
    """The rows and how they count; `unit` is what the block's weights are to be multiplied by."""

    rows: Rows
    form: Form
    clusters: Groups | None
    unit: float


def infer(model: Model, X: Features, y: Any, sample_weight: Any, question: Question) -> Inference:
    """Return the inference of a model from the rows of its fit."""
    refuse_settings(model.settings)
    _refuse_size(model)
    reading = _read(model, X, y, sample_weight, question)
    block, form = reading.rows.block, reading.form
    refuse_empty_classes(block, model.names)
    likelihood = Likelihood([block], model.settings.fit_intercept)
    posterior = Posterior(likelihood, Penalty(0.0, model.settings.l2))
    theta, loss, matrix, information = _optimum(posterior, block, model)
    reference = posterior.reference
    estimate = Estimate(likelihood.coordinates, reference, theta, matrix.inverse())
    prior = None
    if information is not None:
        prior = _prior(posterior, estimate, information, block, model)
        form = form._replace(has_maximum=math.isfinite(prior.moved))
    if form.covariance != "observed":
        meat = _meat(likelihood, block, theta, reference, reading)
        estimate = estimate._replace(covariance=sandwich(estimate.covariance, meat))
    figures = _figures(likelihood, loss, reading)
    return Inference(estimate, figures, form, model.names, model.fitted_names, prior, reading.rows)


def _figures(likelihood: Likelihood, loss: float, reading: Reading) -> Figures:
    block, unit = reading.rows.block, reading.unit
    totals = block.targets.class_totals(block.weight)
    intercept = likelihood.fit_intercept
    return Figures(
        -loss * unit,
        null_log_likelihood(totals, intercept) * unit,
        block.n_rows,
        float(totals.sum()) * unit,
        (likelihood.n_classes - 1) * likelihood.n_columns,
    )


def refuse_settings(settings: Hyperparameters) -> None:
    """Raise where a setting changes what is estimated, so that errors would be those of something else."""
    for name, value, remedy in (
        ("l1", settings.l1, "refit the chosen columns on new rows with l1=0"),
        ("class_weight", settings.class_weight, "fit with class_weight=None"),
        ("label_smoothing", settings.label_smoothing, "fit with label_smoothing=0"),
    ):
        if value:
            message = f"inference with {name}={shown(value)} is refused: {_REASONS[name]}; {remedy}"
            raise ValueError(message)


_REASONS = {
    "l1": "errors of weights that were chosen by the same rows would be too small",
    "class_weight": "it changes the probabilities that are estimated",
    "label_smoothing": "it changes the probabilities that are estimated",
}


def _refuse_size(model: Model) -> None:
    n_classes, d = model.parameters.weights.shape
    free = (n_classes - 1) * (d + model.settings.fit_intercept)
    if free > LARGEST:
        message = (
            f"{free:,} free parameters, (K - 1)(d + 1), are more than {LARGEST:,}: each matrix of them "
            f"would take {8e-6 * free**2:,.0f} MB. Use fewer columns, or a bootstrap"
        )
        raise ValueError(message)


def _read(model: Model, X: Features, y: Any, sample_weight: Any, question: Question) -> Reading:
    """Return the checked rows."""
    n_rows = X.shape[0]
    checked_y = check_y(y, n_rows)
    given, unit = _weights(sample_weight, question.weights, n_rows)
    clusters = _clusters(question, n_rows, given)
    covariance = _covariance(model.settings, question, clusters)
    block = problem_of(X, checked_y, given, model.names.classes)._replace(memo=Memo(KEPT_BYTES))
    prior = _text(model.settings.l2) if np.any(model.settings.l2) else ""
    number = 0 if clusters is None else clusters.number
    form = Form(covariance, question.weights, number, prior)
    return Reading(Rows(block, given, n_rows), form, clusters, unit)


def _weights(sample_weight: Any, weights: Any, n_rows: int) -> tuple[Vector | None, float]:
    """Return the weights, sampling weights on a scale of their own, and the unit of the scale.

    Raises
    ------
    ValueError
        Weights whose meaning is not said, or frequencies that are not whole.
    """
    if weights not in (None, "frequency", "sampling"):
        message = f"weights must be None, 'frequency' or 'sampling', got {shown(weights)}"
        raise ValueError(message)
    if sample_weight is None:
        return None, 1.0
    if weights is None:
        message = (
            "sample_weight needs weights='frequency' (row i stands for sample_weight[i] equal rows: "
            "counts) or weights='sampling' (survey or importance weights, of which only ratios "
            "matter): the same numbers give different standard errors"
        )
        raise ValueError(message)
    given = unscaled_sample_weight(sample_weight, n_rows)
    refuse_all_zero(given)
    if weights == "sampling":
        exponent = math.frexp(given.max())[1]
        return np.ldexp(given, -exponent), math.ldexp(1.0, exponent)
    whole = np.round(given)
    off = np.abs(given - whole) > WHOLE * np.maximum(1.0, given)
    if off.any():
        first = int(np.argmax(off))
        message = (
            f"frequency weights must be whole numbers, and sample_weight[{first}] is {given[first]}; "
            "use weights='sampling' if they are survey weights"
        )
        raise ValueError(message)
    return whole, 1.0


def _clusters(question: Question, n_rows: int, weight: Vector | None) -> Groups | None:
    """Return the cluster of every row that counts.

    Raises
    ------
    ValueError
        Groups without covariance="cluster" or the other way round, of another length, missing
        ones, or fewer than 2 clusters.
    """
    if (question.groups is None) != (question.covariance != "cluster"):
        message = (
            "covariance='cluster' needs groups, one per row"
            if question.groups is None
            else f"groups needs covariance='cluster', got covariance={shown(question.covariance)}"
        )
        raise ValueError(message)
    if question.groups is None:
        return None
    groups = check_groups(question.groups, n_rows, None if weight is None else weight > 0)
    if groups.number < 2:
        message = "groups has fewer than 2 clusters: errors between clusters need at least two"
        raise ValueError(message)
    return groups


def _covariance(
    settings: Hyperparameters, question: Question, clusters: Groups | None
) -> Covariance:
    """Return the kind of covariance, refusing what would mean nothing."""
    asked = question.covariance
    if asked not in (None, "observed", "robust", "cluster"):
        message = f"covariance must be None, 'observed', 'robust' or 'cluster', got {shown(asked)}"
        raise ValueError(message)
    if np.any(settings.l2):
        return _of_posterior(settings, question)
    if question.weights == "sampling":
        if asked == "observed":
            message = (
                "covariance='observed' with weights='sampling' is refused: the information of weighted "
                "rows is no covariance. Use 'robust' or 'cluster'"
            )
            raise ValueError(message)
        return "robust" if clusters is None else "cluster"
    return "observed" if asked is None else asked


def _of_posterior(settings: Hyperparameters, question: Question) -> Covariance:
    asked, l2 = question.covariance, f"l2={_text(settings.l2)}"
    if question.weights == "sampling":
        message = (
            f"sampling weights with {l2} are refused: they have no posterior. Fit "
            "SoftmaxRegression(l2=0)"
        )
        raise ValueError(message)
    if asked in ("robust", "cluster"):
        message = (
            f"covariance={asked!r} with {l2} is refused: it needs maximum likelihood. Fit "
            "SoftmaxRegression(l2=0), or leave covariance out for the posterior's"
        )
        raise ValueError(message)
    return "observed"


def _optimum(posterior: Posterior, block: Block, model: Model) -> Settled:
    """Return the optimum near the fit.

    Raises
    ------
    ValueError
        There is none, or the fit is far from it.
    """
    likelihood, names = posterior.likelihood, model.names
    free = posterior.l2 == 0.0
    if likelihood.sparse and free[: likelihood.n_features].any():
        refuse_collinear(likelihood, names, free)
    parameters = Parameters(*(array.astype(np.float64) for array in model.parameters))
    if not all(np.isfinite(array).all() for array in parameters):
        raise ValueError(_far(math.inf))
    try:
        with np.errstate(all="ignore"):
            return posterior.settled(posterior.inward(parameters))
    except NoEstimateError as error:
        refuse_collinear(likelihood, names, free)
        if not np.all(model.settings.l2):
            refuse_separated(block, parameters, names, model.settings)
        raise ValueError(_far(error.distance)) from None


def _far(distance: float) -> str:
    how = f"{distance:.1f}" if math.isfinite(distance) else "immeasurably many"
    return (
        f"the estimates are {how} standard errors from the optimum of F on these rows: pass the rows, "
        "weights and targets of the fit, or fit to the optimum (learning_rate='auto', a smaller tol)"
    )


def _meat(
    likelihood: Likelihood, block: Block, theta: Matrix, reference: int, reading: Reading
) -> Matrix:
    """Return the middle of the sandwich with its factor G / (G − 1); each row a cluster if robust."""
    if reading.clusters is not None:
        number = float(reading.clusters.number)
        meat = cluster_meat(block, likelihood.coordinates, theta, reference, reading.clusters)
    else:
        counts = reading.form.weights == "frequency"
        number = likelihood.survey.weight if counts else float(block.n_rows)
        meat = robust_meat(likelihood, theta, reference, counts)
    return meat * (number / (number - 1.0))


def _prior(
    posterior: Posterior, estimate: Estimate, information: Matrix, block: Block, model: Model
) -> Prior:
    """Return what the prior did, and warn where that is much."""
    l2 = model.settings.l2
    moved, where = math.inf, ""
    intercept = model.settings.fit_intercept
    if not find_separation(block, model.parameters, fit_intercept=intercept).unbounded:
        moved, where = _shift(posterior, estimate, information, model.names)
    if moved > MOVED:
        warn(_moved(moved, where, f"l2={_text(l2)}"), UserWarning)
    with np.errstate(divide="ignore"):  # a flat prior
        deviations = 1.0 / np.sqrt(posterior.likelihood.survey.weight * np.asarray(l2))
    return Prior(float(deviations.min()), float(deviations.max()), moved, where)


def _text(l2: float | Vector) -> str:
    """Return the penalty, or the least and the largest of the columns'."""
    return f"{l2:g}" if isinstance(l2, float) else f"{l2.min():g} to {l2.max():g}"


def _shift(
    posterior: Posterior, estimate: Estimate, information: Matrix, names: Names
) -> tuple[float, str]:
    """Return how many standard errors the prior moved an estimate at most, and which.

    To first order by I⁻¹ g, g the gradient without the prior.
    """
    theta = estimate.theta
    try:
        matrix = Definite(information)
    except SingularError:
        return math.inf, ""
    others = class_order(estimate.reference, len(theta))[:-1]
    shift = np.zeros_like(theta)
    shift[others] = matrix.solve(posterior.pull(theta)[others].ravel()).reshape(len(others), -1)
    return farthest(estimate._replace(covariance=matrix.inverse()), shift, names)


def _moved(moved: float, where: str, l2: str) -> str:
    if not math.isfinite(moved):
        return (
            f"{l2} alone determines some coefficients: without it they have no maximum likelihood "
            "estimate (separated classes, or collinear columns)"
        )
    return (
        f"{l2} moves {where} by {moved:.2g} standard errors from maximum likelihood: "
        "SoftmaxRegression(l2=0) has tests, intervals"
    )
