"""Tests of columns over all classes, and of two classes being one: Wald, likelihood ratio, score."""

from typing import Literal, NamedTuple

import numpy as np

from .._likelihood.block import Block, Memo
from .._likelihood.targets import Labels, ProbabilityRows
from .._likelihood.working import Likelihood
from .._optimum import Limits, minimise_unwatched
from .._penalty import Penalty
from .._types import Index, Matrix
from .covariance import Definite, SingularError
from .estimate import Estimate, Posterior
from .figures import null_log_likelihood
from .form import Form
from .rows import Rows
from .table import small_probability
from .tails import chi_square

Statistic = Literal["likelihood-ratio", "wald", "score"]
STATISTICS: tuple[Statistic, ...] = ("likelihood-ratio", "wald", "score")
# Nats that a restricted fit may stand above its minimum, before Newton's method settles it.
RESTRICTED_TOL = 1e-9
RESTRICTED_PASSES = 1000


class Test(NamedTuple):
    """A test of a hypothesis, chi-square with `df` degrees of freedom where it holds.

    Attributes
    ----------
    hypothesis : str
        What is tested: the columns that do nothing, or the classes that are one.
    kind : {"likelihood-ratio", "wald", "score"}
    statistic : float
    df : int
    p_value : float
    """

    hypothesis: str
    kind: Statistic
    statistic: float
    df: int
    p_value: float

    def __repr__(self) -> str:
        """Return the test in one line."""
        return str(self)

    def __str__(self) -> str:
        """Return the test in one line."""
        kind = {"wald": "Wald", "likelihood-ratio": "likelihood ratio", "score": "score"}[self.kind]
        p = small_probability(self.p_value)
        return f"{self.hypothesis}: {kind} chi2({self.df}) = {self.statistic:.4g}, p {p}"


def tested(hypothesis: str, kind: Statistic, statistic: float, df: int) -> Test:
    """Return a test with its p-value."""
    return Test(hypothesis, kind, statistic, df, chi_square(statistic, df))


class Restriction(NamedTuple):
    """Slopes that are 0 (`columns`), or the slopes of two classes that are equal (`classes`)."""

    columns: tuple[int, ...] = ()
    classes: tuple[int, int] | None = None


def wald(estimate: Estimate, restriction: Restriction) -> float:
    """Return θ_Rᵀ V_RR⁻¹ θ_R of what the restriction says is 0.

    Raises
    ------
    ValueError
        The covariance of the tested coefficients has no inverse.
    """
    d = estimate.coordinates.n_features
    if restriction.classes is not None:
        of, against = restriction.classes
        values = (estimate.theta[of] - estimate.theta[against])[:d]
        covariance = estimate.inner_covariance(of, against)[:d, :d]
    else:
        columns = list(restriction.columns)
        values = np.delete(estimate.theta, estimate.reference, axis=0)[:, columns].ravel()
        blocks = estimate.blocks()[:, columns][:, :, :, columns]
        covariance = blocks.reshape(len(values), -1)
    try:
        solved = Definite(covariance).solve(values)
    except SingularError:
        message = (
            "the covariance of the tested coefficients has no inverse: too few rows or clusters stand "
            "behind it. Test fewer columns, or use covariance='observed'"
        )
        raise ValueError(message) from None
    return float(values @ solved)


class Restricted(NamedTuple):
    """The log-likelihood where a restriction holds, and the contrasts θ (K, D) of that fit."""

    log_likelihood: float
    theta: Matrix


def restricted(rows: Rows, estimate: Estimate, restriction: Restriction) -> Restricted:
    """Fit again under a restriction, beginning from the estimate."""
    if restriction.classes is not None:
        return _merged(rows, estimate, *restriction.classes)
    kept = np.setdiff1d(np.arange(estimate.coordinates.n_features), restriction.columns)
    theta = np.zeros_like(estimate.theta)
    seen = [*kept, *range(estimate.coordinates.n_features, theta.shape[1])]
    fit = _fitted(rows.block, kept, estimate, estimate.theta)
    theta[:, seen] = fit.theta
    return Restricted(fit.log_likelihood, theta)


def score(rows: Rows, estimate: Estimate, theta: Matrix) -> float:
    """Return g₀ᵀ I₀⁻¹ g₀ with the gradient and the information of all parameters at θ₀."""
    likelihood = Likelihood([rows.block], coordinates=estimate.coordinates)
    whole = Posterior(likelihood, Penalty(0.0, 0.0))
    curve, matrix, _ = whole.around(theta - theta[whole.reference])
    return float(curve.gradient @ matrix.solve(curve.gradient))


def _fitted(block: Block, kept: Index, estimate: Estimate, theta: Matrix) -> Restricted:
    """Return the fit of some columns at l2 = 0, in the estimate's coordinates of these."""
    intercept = estimate.coordinates.fit_intercept
    coordinates = estimate.coordinates.columns(kept)._replace(chosen=None)
    if not len(kept):
        return _without_columns(block, intercept)
    part = block._replace(X=block.X[:, kept], memo=Memo())
    seen = [*kept, *range(estimate.coordinates.n_features, theta.shape[1])]
    start = coordinates.outward(theta[:, seen])
    limits = Limits(RESTRICTED_TOL, RESTRICTED_PASSES)
    solution = minimise_unwatched(part, Penalty(0.0, 0.0), start, limits, fit_intercept=intercept)
    likelihood = Likelihood([part], coordinates=coordinates)
    posterior = Posterior(likelihood, Penalty(0.0, 0.0))
    settled = posterior.settled(posterior.inward(solution.parameters))
    return Restricted(-settled.loss, settled.theta)


def _without_columns(block: Block, intercept: bool) -> Restricted:
    """Return the log-odds of the class frequencies, or even odds without an intercept."""
    totals = block.targets.class_totals(block.weight)
    theta = np.log(totals)[:, None] if intercept else np.zeros((len(totals), 0))
    return Restricted(null_log_likelihood(totals, intercept), theta)


def _merged(rows: Rows, estimate: Estimate, a: int, b: int) -> Restricted:
    """Fit with two classes as one, which the rows of each then divide as they do overall.

    ℓ₀ = ℓ_merged + n_a log(n_a / (n_a + n_b)) + n_b log(n_b / (n_a + n_b)).
    """
    block = rows.block
    totals = block.targets.class_totals(block.weight)
    first, last = min(a, b), max(a, b)
    share = totals[[first, last]] / (totals[first] + totals[last])
    d = estimate.coordinates.n_features
    start = np.delete(estimate.theta, last, axis=0)
    columns = np.arange(d) if len(start) > 1 else np.arange(0)
    merged = block._replace(targets=_as_one(block.targets, first, last), memo=Memo())
    fit = _fitted(merged, columns, estimate, start)
    theta = np.zeros_like(estimate.theta)
    others = np.delete(np.arange(len(totals)), last)
    theta[np.ix_(others, [*columns, *range(d, theta.shape[1])])] = fit.theta
    theta[last] = theta[first]
    theta[[first, last], -1] += np.log(share)
    divided = float(totals[[first, last]] @ np.log(share))
    return Restricted(fit.log_likelihood + divided, theta)


def _as_one(targets: Labels | ProbabilityRows, first: int, last: int) -> Labels | ProbabilityRows:
    """Return targets in which the class `last` is the class `first`."""
    if isinstance(targets, Labels):
        labels = np.where(targets.labels == last, first, targets.labels)
        return Labels(labels - (labels > last), targets.n_classes - 1)
    together = targets.rows.astype(np.float64)
    together[:, first] += together[:, last]
    return ProbabilityRows(np.delete(together, last, axis=1))


def choose_statistic(statistic: Statistic | None, form: Form, *, refit: bool) -> Statistic:
    """Return the statistic of a test: the likelihood ratio where there is one, and it can `refit`.

    Raises
    ------
    ValueError
        An unknown one, or one that the covariance does not allow.
    """
    if form.prior:
        message = (
            f"tests need maximum likelihood, and l2 = {form.prior} shrinks the estimates: fit "
            "SoftmaxRegression(l2=0)"
        )
        raise ValueError(message)
    if statistic is None:
        return "likelihood-ratio" if form.is_likelihood and refit else "wald"
    if statistic not in STATISTICS:
        message = f"statistic must be one of {', '.join(map(repr, STATISTICS))}, got {statistic!r}"
        raise ValueError(message)
    if statistic != "wald" and not form.is_likelihood:
        message = (
            f"statistic={statistic!r} holds with covariance='observed' only, and this is "
            f"{form.covariance!r}: use statistic='wald'"
        )
        raise ValueError(message)
    return statistic


def refuse_too_few_clusters(form: Form, df: int) -> None:
    """Raise where a covariance of G clusters, of rank G − 1, has no inverse on the tested part."""
    if form.covariance == "cluster" and df >= form.n_clusters:
        message = (
            f"a test with {df} degrees of freedom needs more than {df} clusters, and there are "
            f"{form.n_clusters}: test fewer columns at once"
        )
        raise ValueError(message)


def statistic_of(
    kind: Statistic,
    restriction: Restriction,
    estimate: Estimate,
    log_likelihood: float,
    rows: Rows | None,
) -> float:
    """Return the statistic; all but Wald's need the `rows`."""
    if kind == "wald" or rows is None:
        return wald(estimate, restriction)
    fit = restricted(rows, estimate, restriction)
    if kind == "score":
        return score(rows, estimate, fit.theta)
    return max(0.0, 2.0 * (log_likelihood - fit.log_likelihood))
