"""What a user holds: one frozen object, from which every question about a fit is answered."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._input.features import (
    SparseMatrix,
    check_feature_names,
    check_features,
    feature_names,
)
from .._input.weights import refuse_all_zero, unscaled_sample_weight
from .._likelihood.block import Block
from .._types import Features, Vector
from .contrasts import contrast_columns, estimate_table
from .effects import average_difference, effect_table, marginal_effect
from .estimate import Estimate
from .figures import Figures
from .form import Form
from .hypotheses import (
    Restriction,
    Statistic,
    Test,
    choose_statistic,
    refuse_too_few_clusters,
    statistic_of,
    tested,
)
from .intervals import Intervals, intervals
from .names import Names
from .rows import Rows, unlabelled
from .summary import Prior, likelihood_facts, posterior_facts, summary_table
from .table import Fact, Table


@dataclass(frozen=True, repr=False, eq=False)
class Inference:
    """Standard errors, tests, effects and intervals of a fitted model, frozen.

    Made by `SoftmaxRegression.inference`. With l2 = 0 these are maximum likelihood estimates; with
    l2 > 0 the mode and the Gaussian approximation of the posterior under the prior
    W_kj ~ N(0, 1 / (n l2_j)), without tests. Contrasts are log-odds θ_a − θ_b of two classes.

    Pickles and copies hold no rows; what needs them (likelihood-ratio and score tests, averages over
    the rows of the fit) then says what to do.

    Attributes
    ----------
    log_likelihood : float
        Σ w_i log p of the targets, in nats, without the penalty.
    null_log_likelihood : float
        The same of intercepts alone, in closed form; without an intercept, of even odds.
    n_observations : int
        Rows of weight > 0; with frequency weights their sum.
    n_parameters : int
        Free parameters, (K − 1)(d + 1), or (K − 1) d without an intercept.
    mcfadden_r2 : float
        1 − log_likelihood / null_log_likelihood.
    aic, bic : float
        Information criteria; a ValueError where they have no meaning: l2 > 0, sampling weights.

    References
    ----------
    Agresti (2013), Categorical Data Analysis, 3rd ed., chapters 5, 6 and 8.

    Examples
    --------
    >>> import numpy as np
    >>> from softmax_regression import SoftmaxRegression
    >>> X = np.array([[0.0], [1.0], [2.0], [3.0], [4.0], [5.0], [6.0], [7.0]])
    >>> y = ["no", "no", "yes", "no", "yes", "no", "yes", "yes"]
    >>> inference = SoftmaxRegression(l2=0, tol=1e-9).fit(X, y).inference(X, y)
    >>> inference.test("x0")
    x0: likelihood ratio chi2(1) = 2.641, p = 0.1
    """

    _estimate: Estimate
    _figures: Figures
    _form: Form
    _names: Names
    _fitted_names: NDArray[np.object_] | None
    _prior: Prior | None
    _rows: Rows | None

    def __getstate__(self) -> dict[str, Any]:
        """Return everything but the rows."""
        return self.__dict__ | {"_rows": None}

    def __repr__(self) -> str:
        """Return one line."""
        return (
            f"<Inference: {self._form.title()}; {self.n_observations} observations, "
            f"{len(self._names.classes)} classes, {self.n_parameters} parameters>"
        )

    def _repr_html_(self) -> str:
        """Return the summary for notebooks."""
        return self.summary()._repr_html_()

    @property
    def log_likelihood(self) -> float:
        """Σ w_i log p of the targets, in nats."""
        return self._figures.log_likelihood

    @property
    def null_log_likelihood(self) -> float:
        """The log-likelihood of intercepts alone."""
        return self._figures.null_log_likelihood

    @property
    def n_observations(self) -> int:
        """Rows of weight > 0; with frequency weights their sum."""
        return self._figures.n_observations(self._form)

    @property
    def n_parameters(self) -> int:
        """Free parameters."""
        return self._figures.n_parameters

    @property
    def mcfadden_r2(self) -> float:
        """1 − log_likelihood / null_log_likelihood."""
        return self._figures.mcfadden_r2

    @property
    def aic(self) -> float:
        """−2ℓ + 2q."""
        return self._figures.aic(self._form)

    @property
    def bic(self) -> float:
        """−2ℓ + q log n."""
        return self._figures.bic(self._form)

    def summary(self, reference: Any = None, level: float = 0.95) -> Table:
        """Return the log-odds of every class against a reference, with errors and intervals.

        Parameters
        ----------
        reference : label, optional
            The class compared with; the first of `classes_` where there is none.
        level : float, default=0.95
            Of the intervals, in (0, 1).

        Returns
        -------
        Table
            Prints in 88 columns; `.columns` is a dict of equal arrays: of, against, feature,
            estimate, standard_error, z, p_value, lower, upper, odds_ratio, odds_ratio_lower,
            odds_ratio_upper, without z and p_value where l2 > 0. The odds ratio exp(estimate)
            multiplies P(of) / P(against) per unit of the feature (Stata's relative-risk ratio).

        Raises
        ------
        KeyError
            No class of this label.
        TypeError, ValueError
            `level` is no number in (0, 1).
        """
        k = 0 if reference is None else self._names.find_class(reference, "reference")
        return summary_table(
            self._estimate, self._names, self._form, level, reference=k, facts=self._facts()
        )

    def contrast(self, of: Any, against: Any, level: float = 0.95) -> Table:
        """Return the log-odds of one class against another; columns as those of `summary`.

        Parameters
        ----------
        of, against : label
            The classes.
        level : float, default=0.95
            Of the intervals, in (0, 1).

        Raises
        ------
        KeyError, TypeError, ValueError
            As `summary`, or the two classes are one.
        """
        pair = self._names.find_pair(of, against)
        columns = contrast_columns(self._estimate, self._names, [pair], level)
        return estimate_table(columns, self._form, level, title=("", ""))

    def covariance(self, of: Any, against: Any) -> NDArray[np.float64]:
        """Return the covariance of the contrast of two classes.

        Parameters
        ----------
        of, against : label
            The classes.

        Returns
        -------
        ndarray of shape (n_features + 1, n_features + 1)
            Features, then the intercept, whose row is 0 where there is none.
        """
        return self._estimate.contrast_covariance(*self._names.find_pair(of, against))

    def test(
        self,
        features: Any = None,
        *,
        classes: tuple[Any, Any] | None = None,
        statistic: Statistic | None = None,
    ) -> Test:
        """Test that features do nothing, over all classes; or that two classes have equal slopes.

        Dropping a feature on which others depend (interactions, powers) is not to drop what it
        stands for: name all its columns.

        Parameters
        ----------
        features : str, int or sequence of them, optional
            Names or positions of the columns; df = columns × (K − 1).
        classes : pair of labels, optional
            Two classes that may be one: equal slopes, free intercepts; df = number of features.
        statistic : {"likelihood-ratio", "wald", "score"}, optional
            The likelihood ratio where there is a likelihood, else "wald". With
            ``fit_intercept=False`` classes are merged by "wald" only.

        Returns
        -------
        Test
            `.statistic`, `.df`, `.p_value`, `.kind`; prints as one line.

        Raises
        ------
        KeyError
            No such feature or class.
        ValueError
            l2 > 0, a statistic that the covariance does not allow, fewer clusters than degrees of
            freedom, or a copy without rows.
        """
        if (features is None) == (classes is None):
            message = "give either features or classes to test"
            raise ValueError(message)
        kind = self._statistic(statistic, merging=classes is not None)
        if classes is None:
            found = self._names.find_features(features)
            hypothesis = ", ".join(self._names.features[j] for j in found)
            return self._tested(hypothesis, kind, Restriction(columns=tuple(found)))
        a, b = _two(classes)
        pair = self._names.find_pair(a, b)
        return self._tested(self._names.pair(*pair), kind, Restriction(classes=pair))

    def marginal_effect(
        self,
        feature: str | int,
        X: ArrayLike | SparseMatrix | None = None,
        *,
        sample_weight: ArrayLike | None = None,
        level: float = 0.95,
    ) -> Table:
        """Return the average derivative of every class's probability along a feature.

        Errors by the delta method, rows taken as fixed; the effects sum to 0 over the classes.
        For a feature on which others depend (powers, interactions), or one of 0 and 1, ask for
        `average_difference`. One row of means gives the effect at the mean.

        Parameters
        ----------
        feature : str or int
            Name or position.
        X : array-like of shape (n_samples, n_features), optional
            The rows to average over; those of the fit where there are none.
        sample_weight : array-like of shape (n_samples,), optional
            Their weights; where there are none and the rows are as many as those of the fit, its.
        level : float, default=0.95
            Of the intervals, in (0, 1).

        Returns
        -------
        Table
            `.columns`: class, estimate, standard_error, z, p_value, lower, upper.

        Raises
        ------
        KeyError
            No such feature.
        TypeError, ValueError
            Illegal rows, weights or `level`; or no rows, from a copy that has none.
        """
        j = self._names.find_feature(feature)
        if X is None and sample_weight is None:
            block = self._held_rows("marginal_effect", "pass X").block
        elif X is None:
            message = "sample_weight needs X, whose rows it weighs"
            raise ValueError(message)
        else:
            features = self._checked(X, "X")
            block = self._block(features, self._weight(features.shape[0], sample_weight))
        effect = marginal_effect(self._estimate, block, j)
        title = f"Average marginal effect of {self._names.features[j]}"
        return effect_table(effect, self._names, self._form, level, title=title)

    def average_difference(
        self,
        X_before: ArrayLike | SparseMatrix,
        X_after: ArrayLike | SparseMatrix,
        *,
        sample_weight: ArrayLike | None = None,
        level: float = 0.95,
    ) -> Table:
        """Return by how much every class's probability changes on average from some rows to others.

        For levels of a factor, 0 to 1, a step of a feature with all that depends on it: any change
        that two versions of the same rows can state.

        Parameters
        ----------
        X_before, X_after : array-like of shape (n_samples, n_features)
            The same rows before and after the change.
        sample_weight : array-like of shape (n_samples,), optional
            Their weights; where there are none and the rows are as many as those of the fit, its.
        level : float, default=0.95
            Of the intervals, in (0, 1).

        Returns
        -------
        Table
            `.columns`: class, estimate, standard_error, z, p_value, lower, upper.

        Raises
        ------
        TypeError, ValueError
            Illegal rows, weights or `level`, or two different numbers of rows.
        """
        before, after = self._checked(X_before, "X_before"), self._checked(X_after, "X_after")
        if before.shape[0] != after.shape[0]:
            message = (
                f"X_before has {before.shape[0]} rows and X_after {after.shape[0]}: give the same "
                "rows before and after the change"
            )
            raise ValueError(message)
        weight = self._weight(before.shape[0], sample_weight)
        blocks = (self._block(before, weight), self._block(after, weight))
        effect = average_difference(self._estimate, *blocks)
        return effect_table(effect, self._names, self._form, level, title="Average difference")

    def predict_interval(self, X: ArrayLike | SparseMatrix, level: float = 0.95) -> Intervals:
        """Return the probabilities of rows with intervals inside (0, 1).

        They are symmetric about the logit of each probability.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The rows.
        level : float, default=0.95
            Of the intervals, in (0, 1).

        Returns
        -------
        Intervals
            `.probability`, `.lower` and `.upper`, each of shape (n_samples, n_classes). Prints as a
            table; `.columns`: row, class, probability, lower, upper.

        Raises
        ------
        TypeError, ValueError
            Illegal rows or `level`.
        """
        return intervals(self._estimate, self._checked(X, "X"), level, self._names, self._form)

    # Inside

    def _facts(self) -> list[Fact]:
        intercept = self._estimate.coordinates.fit_intercept
        if self._prior is not None:
            return posterior_facts(self._figures, self._form, len(self._names.classes), self._prior)
        return likelihood_facts(
            self._figures, self._form, len(self._names.classes), intercept, self._overall()
        )

    def _overall(self) -> Test | None:
        """Return the test of all features together, which needs no rows."""
        every = Restriction(columns=tuple(range(len(self._names.features))))
        df = len(every.columns) * (len(self._names.classes) - 1)
        if self._form.is_likelihood:
            statistic = 2.0 * (self.log_likelihood - self.null_log_likelihood)
            return tested("all", "likelihood-ratio", max(0.0, statistic), df)
        if self._form.covariance == "cluster" and df >= self._form.n_clusters:
            return None
        return self._tested("all", "wald", every)

    def _statistic(self, statistic: Statistic | None, *, merging: bool) -> Statistic:
        can_merge = self._estimate.coordinates.fit_intercept
        kind = choose_statistic(statistic, self._form, refit=can_merge or not merging)
        if merging and kind != "wald" and not can_merge:
            message = (
                f"statistic={kind!r} merges classes by their intercepts, and fit_intercept=False has "
                "none: use statistic='wald'"
            )
            raise ValueError(message)
        return kind

    def _tested(self, hypothesis: str, kind: Statistic, restriction: Restriction) -> Test:
        n_classes, d = len(self._names.classes), len(self._names.features)
        df = d if restriction.classes else len(restriction.columns) * (n_classes - 1)
        refuse_too_few_clusters(self._form, df)
        rows = None
        if kind != "wald":
            rows = self._held_rows(f"a {kind} test", "use statistic='wald'")
        statistic = statistic_of(kind, restriction, self._estimate, self.log_likelihood, rows)
        return tested(hypothesis, kind, statistic, df)

    def _held_rows(self, what: str, remedy: str) -> Rows:
        if self._rows is None:
            message = (
                f"{what} needs the rows of the fit, and pickles and copies of an inference hold none: "
                f"{remedy}, or call model.inference again"
            )
            raise ValueError(message)
        return self._rows

    def _checked(self, X: Any, name: str) -> Features:
        """Return rows as the fitted model takes them."""
        check_feature_names(feature_names(X), self._fitted_names, name=name)
        features = check_features(X, len(self._names.features), name=name)
        if not features.shape[0]:
            message = f"{name} has no rows: give at least one"
            raise ValueError(message)
        return features

    def _weight(self, n_rows: int, sample_weight: Any) -> Vector | None:
        """Return the weights given, or those of the fit for as many rows."""
        if sample_weight is not None:
            weight = unscaled_sample_weight(sample_weight, n_rows)
            refuse_all_zero(weight)
            return weight
        if self._form.weights is None or n_rows == 1:
            return None
        rows = self._held_rows("an average over weighted rows", "pass sample_weight")
        return rows.weight if n_rows == rows.n_rows else None

    def _block(self, X: Features, weight: Vector | None) -> Block:
        return unlabelled(X, len(self._names.classes), weight)


def _two(classes: Any) -> tuple[Any, Any]:
    if isinstance(classes, str) or not isinstance(classes, Iterable) or len(list(classes)) != 2:
        message = f"classes must be a pair of labels, got {classes!r}"
        raise ValueError(message)
    a, b = classes
    return a, b
