"""Sample weights and class weights: only ratios matter, and all of them count."""

from datetime import date, datetime
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import Csr, plain, thinned
from tolerances import EPS

from softmax_regression import ConvergenceWarning, SoftmaxRegression
from softmax_regression._input.weights import (
    apply_class_weight,
    check_sample_weight,
    class_weighted,
    refuse_all_zero,
)
from softmax_regression._likelihood.block import Block
from softmax_regression._likelihood.targets import Labels, ProbabilityRows
from softmax_regression._objective import mean_gradient, mean_loss, objective_of
from softmax_regression._parameters import Parameters
from softmax_regression._penalty import Penalty

CLASSES = np.array(["a", "b", "c"])
LABELS = Labels(np.array([0, 1, 1, 2, 2, 2]), 3)


@given(st.lists(st.floats(0, 1e300, allow_subnormal=False), min_size=1, max_size=9))
def test_weights_are_scaled_by_a_power_of_two(given_weights):
    """So their ratios are exact, and their sum is finite and at least 1/2."""
    weights = check_sample_weight(given_weights, len(given_weights))
    if not any(given_weights):
        assert not weights.any()
        return
    assert 0.5 <= weights.max() < 1
    scale = max(given_weights) / weights.max()
    assert np.frexp(scale)[0] == 0.5
    large = np.array(given_weights) > max(given_weights) * 1e-300
    assert (weights[large] * scale == np.array(given_weights)[large]).all()


@pytest.mark.parametrize("dtype", ["f4", "f8", "i8", "u1", "?", "O", ">f8"])
def test_weights_of_every_numeric_kind(dtype):
    weights = check_sample_weight(np.array([0, 1, 1]).astype(dtype), 3)
    assert weights.dtype == np.float64
    assert weights[0] == 0 < weights[1] == weights[2]


def test_no_weights_stay_none_and_inputs_stay_as_they_were():
    assert check_sample_weight(None, 3) is None
    given_weights = np.array([1.0, 4.0, 2.0])
    given_weights.flags.writeable = False
    check_sample_weight(given_weights, 3)
    assert given_weights.tolist() == [1, 4, 2]


def test_the_largest_weights_do_not_overflow():
    with np.errstate(all="raise"):
        weights = check_sample_weight([1.7e308, 1.7e308, 1e308], 3)
        assert np.isfinite(weights.sum())


@pytest.mark.parametrize(("weights", "error", "message"), [
    ([1, -2, 3], ValueError, r"Negative values in data passed to `w`: w\[1\] is -2"),
    ([1, np.nan, 3], ValueError, r"Input w contains NaN: w\[1\]"),
    ([1, 2, np.inf], ValueError, r"Input w contains infinity: w\[2\]"),
    ([1, -np.inf, 3], ValueError, r"Input w contains infinity: w\[1\]"),
    ([1, 2], ValueError, r"w\.shape == \(2,\), expected \(3,\)"),
    ([[1, 2, 3]], ValueError, r"w\.shape == \(1, 3\), expected \(3,\)"),
    (["a", "b", "c"], TypeError, "w must hold numbers, got dtype <U1, such as 'a'"),
    (np.array([], "M8[D]"), TypeError, "w must hold numbers, got dtype"),
    ([1, 2, {}], TypeError, r"w must hold numbers"),
    ([1, 2, None], ValueError, r"Input w contains NaN: w\[2\]"),
], ids=range(10))  # fmt: skip
def test_bad_weights_are_refused_by_name(weights, error, message):
    with pytest.raises(error, match=message):
        check_sample_weight(weights, 3, name="w")


def test_all_zero_weights_are_refused_where_some_row_must_count():
    refuse_all_zero(None)
    refuse_all_zero(np.array([0.0, 1.0]))
    with pytest.raises(ValueError, match="at least one non-zero number"):
        refuse_all_zero(np.zeros(3))


def test_without_class_weights_nothing_changes():
    weights = np.array([1.0, 2, 3, 4, 5, 6])
    assert apply_class_weight(weights, None, CLASSES, LABELS) == (weights, LABELS)
    assert apply_class_weight(None, None, CLASSES, LABELS) == (None, LABELS)


def row_weights(*arguments):
    return apply_class_weight(*arguments)[0]


def test_a_class_that_is_not_named_counts_one():
    weights = row_weights(None, {"b": 3.0}, CLASSES, LABELS)
    assert (weights / weights[0]).tolist() == [1, 3, 3, 1, 1, 1]
    doubled = row_weights(np.full(6, 2.0), {"b": 3.0, "a": 0}, CLASSES, LABELS)
    assert (doubled / doubled[-1]).tolist() == [0, 3, 3, 1, 1, 1]


@pytest.mark.parametrize("scale", [1e-300, 1.0, 1e308])
def test_only_ratios_of_class_weights_matter(scale):
    weights = row_weights(None, {"a": scale, "b": scale / 2, "c": scale / 4}, CLASSES, LABELS)
    assert 0.5 <= weights.max() < 1.0
    assert (weights / weights[0]).tolist() == [1, 0.5, 0.5, 0.25, 0.25, 0.25]


def test_a_dict_that_names_every_class_may_name_others():
    named = {np.str_("a"): 1.0, "b": 2.0, "c": 1.0}
    more = row_weights(None, {"z": 9.0, **named, 0: 5.0}, CLASSES, LABELS)
    assert more.tolist() == row_weights(None, named, CLASSES, LABELS).tolist()


def test_balanced_classes_have_equal_totals():
    for weights in (None, np.array([1.0, 2, 3, 4, 5, 6])):
        balanced = row_weights(weights, "balanced", CLASSES, LABELS)
        totals = np.bincount(LABELS.labels, balanced)
        np.testing.assert_allclose(totals, np.full(3, totals[0]), rtol=8 * EPS)


def test_a_balanced_class_without_weight_stays_without():
    weights = np.array([0.0, 1, 1, 1, 1, 1])
    assert row_weights(weights, "balanced", CLASSES, LABELS)[0] == 0


@pytest.mark.parametrize("least", [5e-324, 1e-300, 0.1])
def test_balanced_weights_of_rare_classes_do_not_overflow(least):
    rows = ProbabilityRows(np.array([[1.0, 0, 0], [0, 1 - least, least]]))
    for targets, weight in ((rows, None), (Labels(np.arange(3), 3), [1.0, 1.0, least])):
        with np.errstate(over="raise", divide="raise", invalid="raise"):
            weights, balanced = apply_class_weight(
                None if weight is None else np.array(weight), "balanced", np.arange(3), targets
            )
        totals = balanced.class_totals(weights)
        if least > 1e-300:  # else the ratio of the weights is beyond what float64 has digits for
            np.testing.assert_allclose(totals, totals[0], rtol=16 * EPS)
        assert np.isfinite(totals).all()


# A probability row is a row of each class k, of the weight w_i c_k t_ik

N_ROWS, N_CLASSES = 25, 4


def soft_problem(rng):
    """Rows, probability rows (one of them one-hot, one with a zero) and sample weights."""
    X = rng.normal(size=(N_ROWS, 3))
    Q = rng.dirichlet([3.0, 1.0, 0.5, 0.1], N_ROWS)
    Q[0], Q[1] = [0, 0, 1, 0], [0.5, 0, 0.25, 0.25]
    return X, Q, rng.uniform(0.1, 3.0, N_ROWS)


def as_labelled_rows(X, Q, weight):
    """The same, with a labelled row for every class of every row."""
    labels = np.tile(np.arange(N_CLASSES), len(X))
    return X.repeat(N_CLASSES, axis=0), labels, (weight[:, None] * Q).ravel()


BY_CLASS = ["balanced", {0: 0.1, 2: 7.0, 3: 30.0}, {0: 1e-9, 1: 1e200}]
CLASS_WEIGHTS = pytest.mark.parametrize(
    "class_weight", BY_CLASS, ids=["balanced", "dict", "far_apart"]
)


@CLASS_WEIGHTS
@given(seed=st.integers(0, 2**32), smoothing=st.sampled_from([0.0, 0.3]))
def test_f_and_its_gradient_of_probability_rows_are_those_of_labelled_rows(
    class_weight, seed, smoothing
):
    rng = np.random.default_rng(seed)
    soft, classes = soft_problem(rng), np.arange(N_CLASSES)
    (X, Q, weight), (rows, labels, hard_weight) = soft, as_labelled_rows(*soft)
    one = class_weighted(Block(X, ProbabilityRows(Q, smoothing), weight), class_weight, classes)
    other = Block(rows, Labels(labels, N_CLASSES, smoothing), hard_weight)
    other = class_weighted(other, class_weight, classes)
    at = Parameters(rng.normal(size=(N_CLASSES, 3)), rng.normal(size=N_CLASSES))
    bound = 200 * EPS * 30  # sums of 100 terms, losses up to about 30 nats
    for f in (lambda p: mean_loss(p, at), lambda p: objective_of(p, Penalty(0.1, 0.2), at)):
        assert abs(f(one) - f(other)) <= bound
    for found, expected in zip(mean_gradient(one, at), mean_gradient(other, at), strict=True):
        np.testing.assert_allclose(found, expected, rtol=0, atol=bound)


@pytest.mark.parametrize(("class_weight", "settings", "kind"), thinned(product(
    BY_CLASS,
    [{}, {"l1": 0.01}, {"label_smoothing": 0.2}, {"l2": 0.0}, {"fit_intercept": False}],
    [np.asarray, Csr, np.float32],
), 4))  # fmt: skip
def test_the_optimum_of_probability_rows_is_that_of_labelled_rows(class_weight, settings, kind):
    X, Q, weight = soft_problem(np.random.default_rng(11))
    X = kind(X)
    dense = np.asarray(getattr(X, "dense", X))
    rows, labels, hard_weight = as_labelled_rows(dense, Q, weight)
    settings = {"l2": 0.01, "tol": 1e-9 if kind is not np.float32 else 1e-6} | settings
    settings["class_weight"] = class_weight
    one = SoftmaxRegression(**settings).fit(X, Q, weight)
    other = SoftmaxRegression(**settings).fit(kind(rows), labels, hard_weight)
    assert one.converged_
    assert abs(one.loss_curve_[-1] - other.loss_curve_[-1]) <= 2 * settings["tol"]
    atol = 1e-3 if kind is not np.float32 else 1e-2
    np.testing.assert_allclose(one.predict_proba(X), other.predict_proba(X), rtol=0, atol=atol)


@CLASS_WEIGHTS
@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_a_step_down_the_gradient_is_that_of_labelled_rows(class_weight, smoothing):
    soft = soft_problem(np.random.default_rng(12))
    settings = {"class_weight": class_weight, "label_smoothing": smoothing, "batch_size": 10**6}
    one = plain(**settings).fit(soft[0], soft[1], soft[2])
    other = plain(**settings).fit(*as_labelled_rows(*soft))
    np.testing.assert_allclose(one.coef_, other.coef_, rtol=0, atol=100 * EPS)
    np.testing.assert_allclose(one.loss_curve_, other.loss_curve_, rtol=100 * EPS)


def test_steps_of_partial_fit_are_those_of_labelled_rows():
    settings = {"learning_rate": 0.5, "batch_size": 10**6, "label_smoothing": 0.1}
    one, other = (
        SoftmaxRegression(class_weight={0: 0.1, 2: 7.0, 3: 30.0}, **settings) for _ in range(2)
    )
    for seed in range(3):
        soft = soft_problem(np.random.default_rng(seed))
        one.partial_fit(*soft[:2], sample_weight=soft[2])
        X, labels, weight = as_labelled_rows(*soft)
        other.partial_fit(X, labels, range(N_CLASSES), weight)
    np.testing.assert_allclose(one.coef_, other.coef_, rtol=0, atol=100 * EPS)


def test_a_stream_takes_class_weights_into_the_probability_rows():
    """Its averaged steps depend on the number of rows, so the rows are weighted by hand."""
    factors = np.array([0.1, 1.0, 7.0, 30.0])
    one = SoftmaxRegression(class_weight=dict(enumerate(factors)), label_smoothing=0.1)
    other = SoftmaxRegression(label_smoothing=0.1)
    for seed in range(3):
        X, Q, weight = soft_problem(np.random.default_rng(seed))
        one.partial_fit(X, Q, sample_weight=weight)
        total = Q @ factors
        other.partial_fit(X, Q * factors / total[:, None], sample_weight=weight * total)
    np.testing.assert_allclose(one.coef_, other.coef_, rtol=0, atol=1e-12)


def test_balanced_probability_rows_without_features_end_at_equal_shares():
    """Two classes of 90 % and 10 %, in labels or in probabilities: half each."""
    model = SoftmaxRegression(class_weight="balanced").fit(np.zeros((9, 1)), [[0.9, 0.1]] * 9)
    np.testing.assert_allclose(model.predict_proba([[0.0]]), 0.5, rtol=0, atol=1e-3)


def test_a_probability_row_whose_classes_all_weigh_nothing_is_absent():
    X, Q, weight = soft_problem(np.random.default_rng(13))
    settings = {"class_weight": {2: 0.0}, "l2": 0.1}
    one, other = SoftmaxRegression(**settings), SoftmaxRegression(**settings)
    with pytest.warns(ConvergenceWarning, match="no row of weight > 0 has class '2'"):
        one.fit(X, Q, weight)
    with pytest.warns(ConvergenceWarning, match="no row of weight > 0 has class '2'"):
        other.fit(X[1:], Q[1:], weight[1:])
    assert one.coef_.tobytes() == other.coef_.tobytes()


@pytest.mark.parametrize("settings", [{"learning_rate": 0.1}, {}], ids=["textbook", "auto"])
def test_held_out_probability_rows_are_judged_with_their_class_weights(settings):
    """All rows but two are alike, so that what is held out is known: the weighted loss of one."""
    settings = {"early_stopping": True, "max_iter": 3, "random_state": 0} | settings
    Q = np.array([[0.8, 0.2]] * 10)
    model = plain(**settings | {"class_weight": {1: 4.0}}).fit(np.zeros((10, 1)), Q)
    P = model.predict_proba([[0.0]])[0]
    expected = -(0.5 * np.log(P)).sum()  # 0.8 · 1 and 0.2 · 4 weigh the same
    assert min(model.validation_curve_) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("label", ["d", "A", 0, None])
def test_an_unknown_class_is_named(label):
    with pytest.raises(
        ValueError,
        match=rf"class_weight names the class {label!r}, but the classes are \['a', 'b', 'c'\]; correct its spelling or remove it$",
    ):
        apply_class_weight(None, {label: 1.0}, CLASSES, LABELS)


def test_dates_are_named_by_anything_that_is_the_date():
    """Also where labels of nanoseconds are written as integers."""
    days = np.array(["2026-01-01", "2026-01-02"], dtype="M8[ns]")
    targets = Labels(np.array([0, 1]), 2)
    for key in (np.datetime64("2026-01-02"), date(2026, 1, 2), datetime(2026, 1, 2), days[1]):
        weights, _ = apply_class_weight(None, {key: 3.0}, days, targets)
        assert weights[1] == 3 * weights[0]
    with pytest.raises(
        ValueError, match=r"names the class 2026-01-05, but .* \[2026-01-01, 2026-01-02\]"
    ):
        apply_class_weight(None, {date(2026, 1, 5): 3.0}, days, targets)
    for key in ("soon", 1.5, np.str_("soon"), None):
        with pytest.raises(ValueError, match=r"names the class .*, but the classes are"):
            apply_class_weight(None, {key: 3.0}, days, targets)
