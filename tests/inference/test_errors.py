"""Every question that has no honest answer is refused, by name, with what applies instead."""

import pickle
import re

import numpy as np
import pytest

from softmax_regression import (
    ConvergenceWarning,
    NotFittedError,
    SeparationError,
    SoftmaxRegression,
)

RNG = np.random.default_rng(11)
X = RNG.normal(size=(120, 3))
Y = np.array(["a", "b", "c"])[
    (X @ RNG.normal(size=(3, 3)) + RNG.gumbel(size=(120, 3))).argmax(axis=1)
]
ONES = np.ones(len(Y))


def fitted(**settings) -> SoftmaxRegression:
    return SoftmaxRegression(**({"l2": 0} | settings)).fit(X, Y)


MODEL = fitted()
INFERENCE = MODEL.inference(X, Y)
PRIOR = fitted(l2=1e-3)


@pytest.mark.parametrize(
    ("arguments", "kind", "says"),
    [
        ({"sample_weight": ONES}, ValueError, r"'frequency'.*counts.*'sampling'.*survey"),
        (
            {"sample_weight": np.where(np.arange(120) == 7, 1.5, 1.0), "weights": "frequency"},
            ValueError,
            r"sample_weight\[7\] is 1\.5; use weights='sampling' if they are survey weights",
        ),
        ({"sample_weight": -ONES, "weights": "sampling"}, ValueError, r"sample_weight\[0\] is -1"),
        ({"sample_weight": 0 * ONES, "weights": "sampling"}, ValueError, "weight 0"),
        ({"weights": "survey"}, ValueError, "weights must be None, 'frequency' or 'sampling'"),
        (
            {"weights": "sampling", "covariance": "observed"},
            ValueError,
            "Use 'robust' or 'cluster'",
        ),
        ({"covariance": "HC0"}, ValueError, "'observed', 'robust' or 'cluster', got 'HC0'"),
        ({"covariance": "cluster"}, ValueError, "needs groups, one per row"),
        ({"groups": ONES}, ValueError, "groups needs covariance='cluster', got covariance=None"),
        (
            {"covariance": "cluster", "groups": ONES[:5]},
            ValueError,
            r"groups.shape == \(5,\), expected \(120,\)",
        ),
        ({"covariance": "cluster", "groups": ONES}, ValueError, "fewer than 2 clusters"),
        (
            {"covariance": "cluster", "groups": [*"ab" * 59, "a", None]},
            ValueError,
            r"groups\[119\] is missing",
        ),
        (
            {"covariance": "cluster", "groups": np.where(np.arange(120) == 3, np.nan, 1.0)},
            ValueError,
            r"groups\[3\] is missing",
        ),
    ],
)
def test_how_the_rows_count(arguments, kind, says):
    with pytest.raises(kind, match=says):
        MODEL.inference(X, Y, **arguments)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"l1": 0.01}, "l1=0.01 is refused.*chosen by the same rows.*l1=0"),
        ({"class_weight": "balanced"}, "class_weight='balanced' is refused.*class_weight=None"),
        ({"label_smoothing": 0.1}, "label_smoothing=0.1 is refused.*label_smoothing=0"),
    ],
)
def test_settings_that_change_what_is_estimated(settings, says):
    model = fitted(**settings)
    with pytest.raises(ValueError, match=says):
        model.inference(X, Y)


def test_an_unfitted_model():
    with pytest.raises(NotFittedError):
        SoftmaxRegression().inference(X, Y)
    with pytest.raises(NotFittedError):
        SoftmaxRegression().coefficients()
    with pytest.raises(NotFittedError):
        SoftmaxRegression().explain(X[:1])


@pytest.mark.parametrize(
    ("rows", "model"),
    [
        (slice(None, None, 2), MODEL),
        (slice(None), SoftmaxRegression(l2=0, learning_rate=0.1, max_iter=5, tol=0).fit(X, Y)),
        (slice(None), SoftmaxRegression(l2=0, max_iter=0).fit(X, Y)),
    ],
    ids=["other rows", "a textbook fit that stopped early", "no fit at all"],
)
def test_a_fit_that_is_not_at_the_optimum_of_these_rows(rows, model):
    with pytest.raises(
        ValueError, match=r"are \d+\.\d standard errors from the optimum.*smaller tol"
    ):
        model.inference(X[rows], Y[rows])


def test_parameters_beyond_measure():
    model = fitted()
    model.coef_ = model.coef_ * 1e5
    with pytest.raises(ValueError, match="standard errors from the optimum"):
        model.inference(X, Y)
    model.coef_ = model.coef_ * np.nan
    with pytest.raises(ValueError, match="immeasurably many standard errors"):
        model.inference(X, Y)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"covariance": "robust"}, "'robust' with l2=0.001 is refused.*l2=0"),
        (
            {"covariance": "cluster", "groups": np.arange(120) // 4},
            "'cluster' with l2=0.001 is refused",
        ),
        ({"weights": "sampling"}, "sampling weights with l2=0.001 are refused.*no posterior"),
    ],
)
def test_a_posterior_has_one_covariance(arguments, says):
    with pytest.raises(ValueError, match=says):
        PRIOR.inference(X, Y, **arguments)


def test_a_posterior_has_no_tests_and_no_criteria():
    inference = PRIOR.inference(X, Y)
    for ask in (lambda: inference.test("x0"), lambda: inference.test(classes=("a", "b"))):
        with pytest.raises(ValueError, match=r"tests need maximum likelihood.*l2=0"):
            ask()
    for name in ("aic", "bic"):
        with pytest.raises(ValueError, match=f"{name.upper()} needs maximum likelihood"):
            getattr(inference, name)


def test_a_pseudo_likelihood_has_no_criteria_and_wald_tests_only():
    inference = MODEL.inference(X, Y, ONES, weights="sampling")
    for name in ("aic", "bic"):
        with pytest.raises(ValueError, match=f"{name.upper()} needs a likelihood"):
            getattr(inference, name)
    for statistic in ("likelihood-ratio", "score"):
        with pytest.raises(ValueError, match="covariance='observed' only, and this is 'robust'"):
            inference.test("x0", statistic=statistic)
    assert inference.test("x0").kind == "wald"


def test_more_degrees_of_freedom_than_clusters():
    inference = MODEL.inference(X, Y, covariance="cluster", groups=np.arange(120) % 4)
    with pytest.raises(ValueError, match="4 degrees of freedom needs more than 4 clusters"):
        inference.test(["x0", "x1"])
    assert inference.test("x0").df == 2
    assert "chi2" not in str(inference.summary())


def test_clusters_that_are_copies_of_each_other():
    # Fifteen clusters, but only three different ones: their scores have rank two.
    many, targets = np.tile(X, (5, 1)), np.tile(Y, 5)
    groups = np.tile(np.arange(120) % 3, 5) + 3 * np.repeat(np.arange(5), 120)
    inference = MODEL.inference(many, targets, covariance="cluster", groups=groups)
    assert inference.test("x0").df == 2
    with pytest.raises(ValueError, match=r"no inverse: too few rows or clusters stand behind it"):
        inference.test(["x0", "x1"])


def test_a_posterior_of_other_rows():
    with pytest.raises(ValueError, match=r"standard errors from the optimum"):
        PRIOR.inference(X[::2], Y[::2])


@pytest.mark.parametrize("extra", [X[:, 0] - 2 * X[:, 1], np.full(len(X), 7.3), X[:, 1]])
def test_collinear_columns_are_named(extra):
    wide = np.column_stack([X, extra])
    model = SoftmaxRegression(l2=0).fit(wide, Y)
    with pytest.raises(ValueError, match=r"collinear.*x3.*l2 > 0"):
        model.inference(wide, Y)
    columns = SoftmaxRegression(l2=1e-3).fit(wide, Y)
    with pytest.warns(UserWarning, match="l2=0.001 alone determines"):
        table = columns.inference(wide, Y).summary()
    assert "no ML estimate" in str(table)
    assert str(table).endswith("shrinks estimates, and without it some have no value.")


def test_a_label_of_another_type_is_told_from_the_nearest():
    numbers = np.unique(Y, return_inverse=True)[1]
    inference = SoftmaxRegression(l2=0).fit(X, numbers).inference(X, numbers)
    with pytest.raises(KeyError, match="of='1' is not a class; nearest to it is 1"):
        inference.contrast("1", 0)


def test_indicators_of_every_level_are_collinear_with_the_intercept():
    wide = np.column_stack([X, np.eye(3)[np.arange(len(X)) % 3]])
    model = SoftmaxRegression(l2=0).fit(wide, Y)
    with pytest.raises(ValueError, match=r"x3, x4, x5\. Drop"):
        model.inference(wide, Y)
    without = SoftmaxRegression(l2=0, fit_intercept=False).fit(wide, Y)
    assert len(without.inference(wide, Y).summary()) == 2 * 6


def test_separated_classes_have_no_estimate():
    parted = np.where(X[:, 0] > 0, "a", "b")
    with pytest.warns(UserWarning, match="separable"):
        model = SoftmaxRegression(l2=0).fit(X, parted)
    with pytest.raises(SeparationError, match="no maximum likelihood estimate"):
        model.inference(X, parted)
    assert issubclass(SeparationError, ValueError)
    with pytest.warns(UserWarning, match="l2=1e-06 alone determines"):
        SoftmaxRegression(l2=1e-6).fit(X, parted).inference(X, parted)


def test_a_class_without_rows():
    with pytest.raises(SeparationError, match="no row of weight > 0 has class 'b'"):
        MODEL.inference(X[Y != "b"], Y[Y != "b"])


def test_too_many_parameters():
    wide = RNG.normal(size=(50, 834))
    y = np.arange(50) % 7
    model = SoftmaxRegression(l2=1.0, tol=0.1).fit(wide, y)
    with pytest.raises(ValueError, match=r"5,010 free parameters.*201 MB.*bootstrap"):
        model.inference(wide, y)


@pytest.mark.parametrize(
    ("ask", "kind", "says"),
    [
        (
            lambda i: i.summary("z"),
            KeyError,
            "reference='z' is not a class; known are 'a', 'b', 'c'",
        ),
        (lambda i: i.summary(reference=[1, 2]), KeyError, "is not a class"),
        (
            lambda i: i.contrast("a", "bb"),
            KeyError,
            "against='bb' is not a class; nearest to it is 'b'",
        ),
        (lambda i: i.contrast("a", "a"), ValueError, "the same class 'a'"),
        (lambda i: i.covariance("b", "b"), ValueError, "the same class 'b'"),
        (lambda i: i.test("x10"), KeyError, "'x10' is not a feature; nearest to it are 'x1', 'x0'"),
        (lambda i: i.test(3), KeyError, "no feature 3: positions go from 0 to 2"),
        (lambda i: i.test(True), TypeError, "a feature is a name or a position, got True"),
        (lambda i: i.test([]), ValueError, "features is empty"),
        (lambda i: i.test(["x0", 0]), ValueError, "names 'x0' twice"),
        (lambda i: i.test(), ValueError, "either features or classes to test"),
        (lambda i: i.test("x0", classes=("a", "b")), ValueError, "either features or classes"),
        (lambda i: i.test(classes="ab"), ValueError, "pair of labels, got 'ab'"),
        (lambda i: i.test(classes=("a", "b", "c")), ValueError, "pair of labels"),
        (lambda i: i.test(classes=("a", "a")), ValueError, "the same class"),
        (lambda i: i.test("x0", statistic="lr"), ValueError, "'likelihood-ratio', 'wald', 'score'"),
        (lambda i: i.summary(level=95), ValueError, r"level must be in \(0, 1\)"),
        (lambda i: i.summary(level="0.95"), TypeError, "level must be a number, got '0.95'"),
        (lambda i: i.predict_interval(X, level=True), TypeError, "level must be a number"),
        (lambda i: i.marginal_effect("age"), KeyError, "'age' is not a feature"),
        (lambda i: i.marginal_effect(0, sample_weight=ONES), ValueError, "sample_weight needs X"),
        (lambda i: i.marginal_effect(0, X[:, :2]), ValueError, "X has 2 features"),
        (lambda i: i.marginal_effect(0, X[:0]), ValueError, "X has no rows"),
        (lambda i: i.average_difference(X, X[1:]), ValueError, "120 rows and X_after 119"),
        (lambda i: i.average_difference(X[:, :1], X), ValueError, "X_before has 1 features"),
        (lambda i: i.average_difference(X, X, sample_weight=0 * ONES), ValueError, "weight 0"),
        (lambda i: i.predict_interval(X * np.nan), ValueError, "NaN"),
    ],
)
def test_questions_to_an_inference(ask, kind, says):
    with pytest.raises(kind) as caught:
        ask(INFERENCE)
    assert re.search(says, str(caught.value.args[0]))


def test_without_an_intercept_classes_merge_by_wald_only():
    inference = fitted(fit_intercept=False).inference(X, Y)
    assert inference.test(classes=("a", "b")).kind == "wald"
    with pytest.raises(ValueError, match="fit_intercept=False has none: use statistic='wald'"):
        inference.test(classes=("a", "b"), statistic="likelihood-ratio")


def test_a_copy_without_rows_says_what_to_do():
    weight = np.where(np.arange(120) % 2, 1.0, 2.0)
    model = SoftmaxRegression(l2=0).fit(X, Y, weight)
    weighted = model.inference(X, Y, weight, weights="frequency")
    for inference in (INFERENCE, weighted):
        copied = pickle.loads(pickle.dumps(inference))
        with pytest.raises(
            ValueError, match=r"use statistic=.wald., or call model.inference again"
        ):
            copied.test("x0")
        with pytest.raises(ValueError, match=r"pass X, or call model.inference again"):
            copied.marginal_effect("x0")
    with pytest.raises(ValueError, match="pass sample_weight"):
        copied.average_difference(X, X + 1)
    found = copied.average_difference(X, X + 1, sample_weight=weight).columns["estimate"]
    np.testing.assert_allclose(found, weighted.average_difference(X, X + 1).columns["estimate"])


@pytest.mark.parametrize(
    ("arguments", "kind", "says"),
    [
        ({"reference": "z"}, KeyError, "reference='z' is not a class"),
        ({"top": 0}, ValueError, "top must be >= 1, got 0"),
        ({"top": 2.5}, TypeError, "top must be a number of features or None, got 2.5"),
        ({"top": True}, TypeError, "top must be a number of features"),
    ],
)
def test_coefficients(arguments, kind, says):
    with pytest.raises(kind, match=says):
        MODEL.coefficients(**arguments)


@pytest.mark.parametrize(
    ("arguments", "kind", "says"),
    [
        ({"of": "z"}, KeyError, "of='z' is not a class"),
        ({"of": "a", "against": "a"}, ValueError, "the same class 'a'"),
        ({"baseline": [1.0]}, ValueError, r"baseline has shape \(1,\), expected \(3,\)"),
        ({"baseline": [1.0, np.nan, 0.0]}, ValueError, "baseline contains NaN"),
    ],
)
def test_explanations(arguments, kind, says):
    with pytest.raises(kind, match=says):
        MODEL.explain(X[0], **arguments)


def test_nothing_is_changed_by_asking():
    model, given, labels = fitted(), X.copy(), Y.copy()
    before = pickle.dumps(model.coef_), dict(vars(model))
    model.inference(given, labels).test("x0")
    model.explain(given[0])
    model.coefficients()
    assert (pickle.dumps(model.coef_), dict(vars(model))) == before
    assert (given == X).all()
    assert (labels == Y).all()


def test_quasi_complete_separation_names_what_grows():
    parted = np.column_stack([X, Y == "a"])
    with pytest.warns(UserWarning, match="separable in part"):
        model = SoftmaxRegression(l2=0).fit(parted, Y)
    with pytest.raises(SeparationError, match=r"no maximum likelihood estimate.*x3 \(a : [bc]\)"):
        model.inference(parted, Y)
    with pytest.warns(UserWarning, match="l2=0.001 alone determines"):
        SoftmaxRegression(l2=1e-3).fit(parted, Y).inference(parted, Y)


def test_columns_with_a_penalty_may_part_classes_where_others_have_none():
    """Far from the optimum is all that there is to say: the penalty holds the column that parts."""
    parted = np.column_stack([np.unique(Y)[0] == Y, X])
    l2 = np.r_[1e-3, np.zeros(X.shape[1])]
    model = SoftmaxRegression(l2=l2).fit(parted, Y)
    model.coef_ = model.coef_ + 30.0 * np.array([[1.0], [-1.0], [0.0]])
    with pytest.raises(ValueError, match="standard errors from the optimum"):
        model.inference(parted, Y)


def test_columns_without_a_penalty_must_have_an_estimate_of_their_own():
    parted = np.column_stack([np.unique(Y)[0] == Y, X])
    l2 = np.r_[0.0, np.full(X.shape[1], 1e-3)]
    with pytest.warns(ConvergenceWarning):
        model = SoftmaxRegression(l2=l2).fit(parted, Y)
    with pytest.raises(SeparationError, match=r"no maximum likelihood estimate:.* x0 \("):
        model.inference(parted, Y)
    double = np.column_stack([X[:, 0], X])
    l2[1] = 0.0
    model = SoftmaxRegression(l2=l2).fit(double, Y)
    with pytest.raises(
        ValueError, match=r"collinear.*: x0, x1\. Drop one of each set, or set l2 > 0"
    ):
        model.inference(double, Y)
    with pytest.raises(ValueError, match=r"'robust' with l2=0 to 0\.001 is refused"):
        model.inference(double, Y, covariance="robust")
    with pytest.raises(ValueError, match=r"l2 has length 2, but X has \d columns"):
        model.set_params(l2=[0.1, 0.2]).inference(double, Y)


def test_the_prior_of_each_column_is_named_where_it_moves_an_estimate():
    l2 = np.linspace(0.0, 1.0, X.shape[1])
    with pytest.warns(UserWarning, match=r"l2=0 to 1 moves .* standard errors"):
        SoftmaxRegression(l2=l2).fit(X, Y).inference(X, Y)
