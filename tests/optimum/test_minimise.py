"""The fit that needs no tuning: it ends at the optimum, and its bound on the distance holds."""

import gzip
import json
import re
import sys
import tracemalloc
import warnings
from copy import copy
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from newton import objective, optimum
from strategies import Csr, cases, objective_of, thinned, unless_fast

from softmax_regression import ConvergenceWarning, DivergenceError, SoftmaxRegression
from softmax_regression._likelihood import working
from softmax_regression._likelihood.sums import summed
from softmax_regression._likelihood.targets import Labels, ProbabilityRows
from softmax_regression._objective import Objective
from softmax_regression._optimum.certificate import Proof, closed_gap
from softmax_regression._optimum.line_search import TRIALS

DATA = Path(__file__).parents[1] / "data"
OPTIMA = json.loads((DATA / "optima.json").read_text(encoding="utf-8"))

# F is a mean of losses of order one; the float64 optimum and the judge's own last step are right
# to a few roundings of it.
ROUNDING = 4e-15


def iris():
    lines = (DATA / "iris.csv").read_text(encoding="utf-8").splitlines()
    rows = [line.split(",") for line in lines if not line.startswith(("#", "sepal"))]
    X = np.array([row[:4] for row in rows], float)
    return X, np.unique([row[4] for row in rows], return_inverse=True)[1]


def digits():
    with gzip.open(DATA / "digits.csv.gz", "rt") as file:
        rows = np.loadtxt(file, delimiter=",")
    return rows[:, :64] / 16, rows[:, 64].astype(int)


TABLES = {"iris": iris, "digits": digits}


def drawn(n_rows=300, n_features=6, n_classes=4, seed=0):
    """Rows off the origin, labels drawn from a softmax model, every class at least once."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n_rows, n_features)) + 3
    weights = rng.standard_normal((n_classes, n_features)) / np.sqrt(n_features / 6)
    y = np.argmax((X - 3) @ weights.T + rng.gumbel(size=(n_rows, n_classes)), axis=1)
    y[:n_classes] = np.arange(n_classes)
    return X, y


def fit(X, y, sample_weight=None, **settings):
    return SoftmaxRegression(**({"l2": 1e-2, "random_state": 0} | settings)).fit(
        X, y, sample_weight=sample_weight
    )


def true_gap(model, X, T, lowest, sample_weight=None):
    found = objective(X, T, model.coef_, model.intercept_, model.l2, sample_weight=sample_weight)
    return float(found - lowest)


def assert_same(model, other, X, tolerance):
    np.testing.assert_allclose(
        model.predict_proba(X), other.predict_proba(X), rtol=0, atol=tolerance
    )


# The optimum, and the proof


@pytest.mark.parametrize(
    ("scale", "dtype"), [(1e4, "float32"), (1e4, "float64"), (1e7, "float64"), (1e10, "float64")]
)
def test_a_huge_column_among_more_columns_than_rows_does_not_hide_the_others(scale, dtype):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((20, 50))
    X[:, 0] *= scale
    X = X.astype(dtype)
    y = np.arange(20) % 3
    model = fit(X, y, tol=1e-9)
    given = X.astype(np.float64)
    lowest = optimum(given, np.eye(3)[y], model.l2)[2]
    assert model.converged_
    # float32 rounds coef_; its share of F is in the gap.
    gap = true_gap(model, given, np.eye(3)[y], lowest)
    assert gap <= model.optimality_gap_ + ROUNDING * max(1.0, scale * abs(model.coef_[:, 0]).max())


class Thin(Csr):
    """Rows that must not be filled in."""

    def toarray(self):
        message = "thin rows were filled in"
        raise AssertionError(message)


@pytest.mark.parametrize("offset", [0.0, 1e6])
def test_sparse_rows_that_are_near_zero_or_many_and_thin_stay_sparse(offset, monkeypatch):
    if offset:
        monkeypatch.setattr(sys.modules["softmax_regression._optimum.minimise"], "FEW", 0)
    rng = np.random.default_rng(0)
    X = np.where(rng.random((200, 6)) < 0.3, rng.standard_normal((200, 6)), 0.0)
    X[:, 0] = rng.standard_normal(200) + offset
    y = (X[:, :2] - [offset, 0.0]).argmax(axis=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        thin = SoftmaxRegression(l2=1e-2).fit(Thin(X), y)
    dense = SoftmaxRegression(l2=1e-2).fit(X, y)
    assert thin.loss_curve_[-1] == pytest.approx(dense.loss_curve_[-1], abs=1e-6)


def test_newton_s_method_on_many_rows_ends_in_float64():
    """Columns far from zero that no intercept centres: float32 passes would end too early."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((20_000, 5))
    y = (X @ rng.standard_normal((5, 6)) + rng.gumbel(size=(20_000, 6))).argmax(axis=1)
    model = fit(X + 300.0, y, l2=1e-6, fit_intercept=False, tol=1e-8)
    assert model.converged_


@pytest.mark.parametrize("offset", [0.0, 1e6, 1e13])
def test_the_proof_knows_of_intercepts_rounded_far_from_zero(offset):
    """b = c − W μ: at an offset of 1e13, its rounding lifts F by about 1e-6."""
    rng = np.random.default_rng(0)
    X = np.round(rng.standard_normal((200, 3)) * 64) / 64 + offset
    y = ((X - offset) @ rng.standard_normal((3, 3)) + rng.gumbel(size=(200, 3))).argmax(axis=1)
    if offset > 1e12:
        with pytest.warns(ConvergenceWarning, match="precision of float64"):
            model = fit(X, y, tol=1e-9)
    else:
        model = fit(X, y, tol=1e-9)
    lowest = optimum(X - offset, np.eye(3)[y], model.l2)[2]
    intercept = model.intercept_.astype(np.longdouble) + offset * model.coef_.astype(
        np.longdouble
    ).sum(axis=1)
    found = objective(X - offset, np.eye(3)[y], model.coef_, intercept, model.l2)
    assert float(found - lowest) <= model.optimality_gap_ + ROUNDING


def test_a_class_without_targets_and_a_loose_tol():
    rng = np.random.default_rng(0)
    T = np.column_stack([rng.dirichlet(np.ones(4), size=100), np.zeros(100)])
    with pytest.warns(ConvergenceWarning, match="no row of weight > 0 has class '4'"):
        model = fit(rng.standard_normal((100, 1)), T, l2=7.8, tol=0.1, max_iter=2)
    assert model.optimality_gap_ <= 0.1
    assert not model.converged_


@pytest.mark.parametrize("n_classes", [2, 6])
@pytest.mark.parametrize("scale", [1e3, 1e4])
def test_a_saturated_start_does_not_hold_the_fit_up(n_classes, scale):
    """Warm start on rows far larger, and classes in reverse order: F begins in the thousands."""
    X, y = drawn(300, 4, n_classes)
    model = fit(X, y, warm_start=True)
    again = model.fit(scale * X, n_classes - 1 - y)
    cold = fit(scale * X, n_classes - 1 - y)
    assert again.converged_
    assert_same(again, cold, scale * X, 1e-4)


def test_a_full_hessian_of_many_classes_stays_small():
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((3_000, 2)), np.arange(3_000) % 200
    tracemalloc.start()
    fit(X, y)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # Two arrays of all logits are 10 MB, all pairs of classes 480 MB.
    assert peak < 30e6


@pytest.mark.parametrize("name", ["iris", "digits"])
def test_published_optima_to_every_digit_float64_has(name):
    """Objective to 1e-12, parameters to 1e-9, against 50-digit Newton."""
    X, y = TABLES[name]()
    T = np.eye(y.max() + 1)[y]
    for expected in OPTIMA[name]:
        model = fit(X, y, l2=expected["l2"], tol=1e-20)
        F = objective(X, T, model.coef_, model.intercept_, model.l2)
        assert model.converged_
        assert abs(F - np.longdouble(expected["objective"])) < 1e-12
        np.testing.assert_allclose(model.coef_, expected["weights"], rtol=0, atol=1e-9)
        np.testing.assert_allclose(model.intercept_, expected["intercept"], rtol=0, atol=1e-9)


# Exact Newton; class blocks; principal axes; the row space; mini-batches first.
SHAPES = [(300, 6, 4), (800, 30, 12), (400, 170, 3), (40, 150, 3), (8_000, 12, 4)]


@pytest.mark.parametrize(
    ("shape", "l2"),
    [
        *zip(SHAPES, [1e-3, 1e-2, 1e-2, 1e-3, 1e-3], strict=True),
        *unless_fast(*zip(SHAPES, [1e-2, 1e-3, 1e-3, 1e-2, 1e-2], strict=True)),
    ],
)
def test_gap_falls_below_any_tolerance_and_bounds_the_true_distance(shape, l2):
    X, y = drawn(*shape)
    T = np.eye(shape[2])[y]
    lowest = optimum(X, T, l2)[2]
    for tol in (1e-3, 1e-10, *unless_fast(1e-1, 1e-6)):
        model = fit(X, y, l2=l2, tol=tol)
        assert model.converged_
        assert model.optimality_gap_ <= tol
        assert true_gap(model, X, T, lowest) <= model.optimality_gap_ + ROUNDING


@given(
    case=cases(),
    l2=st.sampled_from([1e-6, 1e-3, 1.0]),
    tol=st.sampled_from([1e-2, 1e-6, 1e-10]),
    fit_intercept=st.booleans(),
)
def test_gap_bounds_the_true_distance_on_drawn_rows(case, l2, tol, fit_intercept):
    """Weighted rows, constant and equal columns, few rows: whatever is drawn."""
    T = np.eye(case.n_classes)[case.y]
    model = fit(case.X, case.y, case.sample_weight, l2=l2, tol=tol, fit_intercept=fit_intercept)
    lowest = optimum(case.X, T, l2, case.sample_weight, fit_intercept)[2]
    assert model.optimality_gap_ <= tol
    gap = true_gap(model, case.X, T, lowest, case.sample_weight)
    assert gap <= model.optimality_gap_ + ROUNDING


@pytest.mark.parametrize(("shape", "max_iter"), thinned(
    product([(300, 6, 4), (1500, 130, 13), (8_000, 12, 4)], [1, 2, 3]), 2
))  # fmt: skip
def test_a_fit_that_ends_early_has_a_valid_gap_and_warns_with_it(shape, max_iter):
    X, y = drawn(*shape)
    best = fit(X, y, tol=1e-13)
    lowest = objective(X, np.eye(shape[2])[y], best.coef_, best.intercept_, best.l2)
    with pytest.warns(ConvergenceWarning, match="max_iter") as caught:
        model = fit(X, y, tol=1e-15, max_iter=max_iter)
    told = float(re.search(r"within (\S+) nats", str(caught[0].message))[1])
    assert model.optimality_gap_ <= told <= 1.1 * model.optimality_gap_
    assert not model.converged_
    gap = true_gap(model, X, np.eye(shape[2])[y], lowest)
    assert gap <= model.optimality_gap_ + ROUNDING


@pytest.mark.filterwarnings("ignore::softmax_regression.ConvergenceWarning")
@pytest.mark.parametrize("penalty", [{"l2": 1e-8}, {"l2": 0.0}, {"l1": 1e-3}])
def test_no_step_is_begun_after_max_iter_passes(penalty, monkeypatch):
    """A search that shortens or lengthens a step is finished, and what the proof reads comes on top."""
    X, y = drawn(200, 12, 4)
    X *= np.logspace(-3, 3, 12)
    at, seen = Objective.at, []

    def counted(self, *arguments):
        seen[-1] += 1
        return at(self, *arguments)

    monkeypatch.setattr(Objective, "at", counted)
    for max_iter in unless_fast(*range(1, 30)) or (1, 2, 3, 4, 6, 9, 14, 29):
        seen.append(0)
        steps = []
        settings = {"callback": lambda told: steps.append(told.step)} | penalty  # noqa: B023
        SoftmaxRegression(tol=1e-14, max_iter=max_iter, **settings).fit(X, y)
        assert max(steps) <= max_iter
        assert seen[-1] <= max_iter + TRIALS + 3


@pytest.mark.parametrize(
    ("shape", "penalty", "besides"),
    [
        ((300, 6, 4), {"l2": 1e-3}, 0),
        ((300, 6, 4), {"l2": 0.0}, 0),
        ((300, 6, 4), {"l1": 1e-3}, 0),
        ((8_000, 12, 4), {"l2": 1e-3}, 1),  # the epoch of mini-batches
        ((40, 150, 3), {"l2": 1e-3}, 1),  # the row space
    ],
)
def test_n_iter_counts_every_reading_of_the_rows(shape, penalty, besides, monkeypatch):
    assert _readings(*drawn(*shape), penalty, monkeypatch) == besides


def test_n_iter_counts_the_readings_for_axes_of_collinear_columns(monkeypatch):
    """One that turns the rows, and one for F of the weights in the columns themselves."""
    X, y = drawn(300, 4, 3)
    assert _readings(np.hstack([X, X[:, :1] + X[:, 1:2]]), y, {"l2": 0.0}, monkeypatch) == 2


def _readings(X, y, penalty, monkeypatch):
    """What `n_iter_` counts besides the sums through the door and the surveys."""
    seen = []

    def counted(*arguments, **options):
        seen.append(arguments[0])
        return summed(*arguments, **options)

    monkeypatch.setattr(working, "summed", counted)
    return SoftmaxRegression(**penalty).fit(X, y).n_iter_ - len(seen)


def test_a_fit_ends_where_f_itself_is_below_tol():
    """F is never below 0: no more is to be gained, however steep it still is."""
    X = np.linspace(-2.0, 2.0, 40)[:, None]
    losses = SoftmaxRegression(l2=1e-14).fit(X, X[:, 0] > 0.0).loss_curve_[:-1]
    assert (losses <= 0.5e-6).tolist() == [False] * (len(losses) - 1) + [True]


@pytest.mark.filterwarnings("ignore::softmax_regression.ConvergenceWarning")
@pytest.mark.parametrize("l2", thinned([1e-30, 1e-300, 5e-324], 2))
def test_the_gap_is_no_larger_than_f(l2):
    """F is never below 0, however little a penalty proves."""
    X, y = drawn(60, 3, 3)
    model = SoftmaxRegression(l2=l2).fit(X, y)
    assert model.optimality_gap_ <= model.loss_curve_[-1]


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("scale", [1e-300, 1e-160])
def test_features_of_any_tiny_scale_are_fitted(scale, fit_intercept):
    X, y = drawn(60, 3, 3)
    settings = {"l2": 0.0, "tol": 1e-10, "fit_intercept": fit_intercept}
    expected = SoftmaxRegression(**settings).fit(X, y)
    model = SoftmaxRegression(**settings).fit(scale * X, y)
    np.testing.assert_allclose(scale * model.coef_, expected.coef_, rtol=1e-4)


@pytest.mark.parametrize("fit_intercept", [True, False])
def test_features_too_small_for_weights_count_as_zero(fit_intercept):
    X, y = drawn(60, 3, 3)
    model = SoftmaxRegression(l2=0.0, fit_intercept=fit_intercept).fit(1e-310 * X, y)
    assert np.isfinite(model.coef_).all()
    assert model.loss(X * 1e-310, y) <= np.log(3) + 1e-12


@pytest.mark.parametrize("shape", SHAPES)
def test_the_loss_curve_never_rises(shape):
    """F may rise by its own rounding: float32 passes know it to EPS32 relative, and to 8 of them."""
    X, y = drawn(*shape)
    curve = np.array(fit(X, y, l2=1e-4, tol=1e-10).loss_curve_)
    assert np.diff(curve).max() <= 8 * np.finfo(np.float32).eps * curve[0]


# Invariances


@pytest.mark.parametrize("name", ["iris", "digits"])
def test_integer_weights_equal_repeated_rows(name):
    """To 1e-7 in the probabilities: at the default tolerance where Newton's steps are cheap, or below."""
    X, y = TABLES[name]()
    model = SoftmaxRegression(tol=1e-6 if name == "iris" else 9e-7)
    weight = np.random.default_rng(1).integers(0, 4, len(X))
    weight[:100:10] = 1
    repeated = np.repeat(np.arange(len(X)), weight)
    weighted = copy(model).fit(X, y, sample_weight=weight)
    assert_same(weighted, model.fit(X[repeated], y[repeated]), X, 1e-7)


def test_integer_weights_equal_repeated_rows_where_the_fit_takes_many_steps():
    X, y = drawn(6_000, 20, 12)
    weight = np.random.default_rng(1).integers(1, 4, len(X))
    repeated = np.repeat(np.arange(len(X)), weight)
    weighted = SoftmaxRegression(tol=9e-7).fit(X, y, sample_weight=weight)
    assert_same(weighted, SoftmaxRegression(tol=9e-7).fit(X[repeated], y[repeated]), X, 1e-7)


@pytest.mark.parametrize("shape", [(300, 6, 4), (900, 30, 5), (40, 150, 3)])
def test_order_of_rows_order_of_classes_and_their_names_change_nothing(shape):
    """Up to 1e-9: the last Newton step starts near enough that its error is rounding."""
    X, y = drawn(*shape)
    model = fit(X, y)
    order = np.random.default_rng(2).permutation(len(X))
    assert_same(model, fit(X[order], y[order]), X, 1e-9)
    names = np.array(["d", "c", "b", "a", "e"])[: shape[2]]
    named = fit(X, names[y])
    back = np.argsort(names)
    np.testing.assert_allclose(
        named.predict_proba(X), model.predict_proba(X)[:, back], rtol=0, atol=1e-9
    )


def test_scaling_all_weights_changes_nothing():
    X, y = drawn()
    weight = np.random.default_rng(3).uniform(0.1, 2, len(X))
    assert_same(fit(X, y, weight), fit(X, y, 1e6 * weight), X, 1e-9)


def test_units_of_the_columns_change_only_the_weights():
    """Without a penalty, z is the same whatever the units and the origin of the columns."""
    X, y = drawn()
    moved = X * np.logspace(-3, 3, 6) + 100 * np.logspace(-3, 3, 6)
    one, other = fit(X, y, l2=0, tol=1e-12), fit(moved, y, l2=0, tol=1e-12)
    np.testing.assert_allclose(one.predict_proba(X), other.predict_proba(moved), rtol=0, atol=1e-7)


# Kinds of problem


@pytest.mark.parametrize("shape", [(300, 6, 4), (1500, 130, 13), (8_000, 12, 4)])
def test_float32_rows_give_float32_parameters_near_those_of_float64(shape):
    """z of the rounded rows is right to EPS32 · Σ |w x|, here some tens of EPS32 · 10."""
    X, y = drawn(*shape)
    single, double = fit(X.astype(np.float32), y, tol=1e-9), fit(X, y, tol=1e-9)
    assert single.coef_.dtype == single.intercept_.dtype == np.float32
    np.testing.assert_allclose(
        single.predict_proba(X.astype(np.float32)), double.predict_proba(X), rtol=0, atol=3e-5
    )


def test_one_hot_rows_equal_labels_and_smoothed_rows_equal_label_smoothing():
    X, y = drawn()
    T = np.eye(4)[y]
    assert_same(fit(X, y), fit(X, T), X, 1e-9)
    assert_same(fit(X, y, label_smoothing=0.1), fit(X, 0.9 * T + 0.025), X, 1e-9)


def test_soft_targets_reach_their_optimum():
    X, _ = drawn()
    T = np.random.default_rng(4).dirichlet(np.ones(4), len(X))
    weights, intercept, lowest = optimum(X, T, 1e-2)
    model = fit(X, T, tol=1e-14)
    assert true_gap(model, X, T, lowest) <= model.optimality_gap_ + ROUNDING
    # Strong convexity: ‖W − W*‖² ≤ 2 gap / l2.
    assert np.abs(model.coef_ - weights).max() <= np.sqrt(2 * 1e-14 / 1e-2)
    np.testing.assert_allclose(model.intercept_, intercept - intercept.mean(), atol=1e-5)


def test_class_weights_are_row_weights():
    X, y = drawn()
    by_class = {0: 1.0, 1: 5.0, 2: 0.5, 3: 2.0}
    by_row = np.array([by_class[label] for label in y])
    assert_same(fit(X, y, class_weight=by_class), fit(X, y, by_row), X, 1e-9)


def test_without_an_intercept():
    X, y = drawn()
    lowest = optimum(X, np.eye(4)[y], 1e-2, fit_intercept=False)[2]
    model = fit(X, y, fit_intercept=False, tol=1e-10)
    assert not model.intercept_.any()
    assert true_gap(model, X, np.eye(4)[y], lowest) <= model.optimality_gap_ + ROUNDING


def test_two_classes_keep_two_opposite_rows():
    X, y = drawn(200, 4, 2)
    model = fit(X, y)
    assert model.coef_.shape == (2, 4)
    np.testing.assert_allclose(model.coef_[0], -model.coef_[1], atol=1e-12)


def test_more_columns_than_rows():
    X, y = drawn(40, 150, 3)
    lowest = optimum(X, np.eye(3)[y], 1e-2)[2]
    model = fit(X, y)
    assert model.converged_
    assert true_gap(model, X, np.eye(3)[y], lowest) <= model.optimality_gap_ + ROUNDING


# Hostile data


@pytest.mark.parametrize("exponents", [(-8, 8), (0, 8), (-8, 0)])
@pytest.mark.parametrize("n_rows", [60, 3_000])
def test_columns_of_any_scale(exponents, n_rows):
    X, y = drawn(n_rows, 8, 3)
    model = fit(X * np.logspace(*exponents, 8), y)
    assert model.converged_
    assert model.optimality_gap_ <= model.tol


def hostile():
    """Columns: constant, duplicate, all zero; a class of one row; weights of 1 and 1e6."""
    X, y = drawn(200, 5, 3)
    X = np.column_stack([X, X[:, 0], np.full(200, 7.0), np.zeros(200)])
    y %= 2
    y[3] = 2
    weight = np.where(np.arange(200) < 5, 1e6, 1.0)
    return X, y, weight


def test_constant_and_duplicate_columns_a_class_of_one_row_and_heavy_rows():
    X, y, weight = hostile()
    T = np.eye(3)[y]
    for sample_weight in (None, weight):
        model = fit(X, y, sample_weight, tol=1e-10)
        lowest = optimum(X, T, model.l2, sample_weight)[2]
        assert model.converged_
        gap = true_gap(model, X, T, lowest, sample_weight)
        assert gap <= model.optimality_gap_ + ROUNDING


def test_what_float64_cannot_prove_is_said():
    X, y = drawn()
    with pytest.warns(ConvergenceWarning, match="precision of float64"):
        model = fit(X, y, tol=1e-40)
    assert not model.converged_


@pytest.mark.parametrize("l2", [0.0, 1e-4])
def test_overflow_is_an_error_not_an_answer(l2):
    X, y = drawn()
    with pytest.raises(DivergenceError):
        fit(X * 1e200, y, l2=l2)


# No penalty: no proof


@pytest.mark.parametrize("shape", [(300, 6, 4), (3000, 20, 6)])
def test_without_a_penalty_the_gap_is_infinite_and_the_optimum_is_reached(shape):
    X, y = drawn(*shape)
    model = fit(X, y, l2=0.0, tol=1e-10)
    T = np.eye(shape[2])[y]
    assert model.converged_
    assert model.optimality_gap_ == np.inf
    # The decrement estimates F − F*; a quadratic F would make the estimate exact.
    assert true_gap(model, X, T, optimum(X, T, 0.0)[2]) <= 2 * model.tol


@pytest.mark.parametrize("n_features", [1, 50])
def test_separable_data_without_a_penalty_are_named(n_features):
    rng = np.random.default_rng(5)
    y = np.arange(400) % 2
    X = rng.standard_normal((400, n_features))
    X[:, 0] = np.abs(X[:, 0]) * (2 * y - 1) + (2 * y - 1)
    with pytest.warns(ConvergenceWarning, match="separable"):
        model = fit(X, y, l2=0.0)
    assert not model.converged_
    assert np.isfinite(model.coef_).all()
    assert model.score(X, y) == 1.0


# Cost


@pytest.mark.parametrize("shape", [(10_000, 100, 10), *unless_fast((60_000, 20, 5))])
def test_memory_beyond_the_rows_is_bounded(shape):
    """A float32 and a float64 copy of X while they fit the cache, three arrays of n · K numbers
    (logits of the proof), the curvature's state, and 24 MiB of blocks."""
    X, y = drawn(*shape)
    n_rows, n_features, n_classes = shape
    size = (n_features + 1) * n_classes
    tracemalloc.start()
    fit(X, y, l2=1e-4, tol=1e-4)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    curvature = 8 * 4 * min(size, 1500) ** 2
    assert peak <= 1.5 * X.nbytes + 8 * 3 * n_rows * n_classes + curvature + 24 * 2**20


# Stopping by others


def test_a_callback_stops_with_a_valid_gap():
    X, y = drawn(1500, 130, 13)
    seen = []
    model = fit(X, y, tol=1e-12, callback=lambda p: seen.append(p) or p.step == 3)
    best = fit(X, y, tol=1e-13)
    assert [p.step for p in seen] == [0, 1, 2, 3]
    assert model.stop_reason_ == "callback"
    assert not model.converged_
    gap = true_gap(
        model, X, np.eye(13)[y], objective(X, np.eye(13)[y], best.coef_, best.intercept_, 1e-2)
    )
    assert 0 < gap <= model.optimality_gap_


def test_early_stopping_keeps_the_best_weights_and_claims_no_gap():
    X, y = drawn(600, 100, 8)
    model = fit(X, y, l2=0.0, early_stopping=True, n_iter_no_change=2)
    held = np.array(model.validation_curve_)
    assert held.min() < held[0]
    assert model.optimality_gap_ == np.inf
    assert len(model.validation_curve_) == len(model.loss_curve_) - 1


@pytest.mark.parametrize("l1", [0.0, 1e-3])
def test_the_loss_curve_ends_at_f_of_the_parameters_kept(l1):
    """The held-out rows follow another model: what suits them best is not the lowest F."""
    X, y = drawn(300, 60, 8)
    held = drawn(200, 60, 8, seed=1)
    settings = {"l1": l1, "l2": 1e-5, "early_stopping": True, "n_iter_no_change": 2}
    model = SoftmaxRegression(**settings).fit(X, y, validation_data=held)
    assert model.loss_curve_[-1] > model.loss_curve_.min()
    penalty = l1 * np.abs(model.coef_).sum() + 0.5e-5 * (model.coef_**2).sum()
    assert model.loss_curve_[-1] == pytest.approx(model.loss(X, y) + penalty, rel=1e-12)


def test_a_warm_start_at_the_optimum_takes_no_step():
    X, y = drawn(1500, 130, 13)
    steps, model = [], fit(X, y, tol=1e-9, warm_start=True)
    model.set_params(tol=1e-6, callback=lambda told: steps.append(told.step)).fit(X, y)
    assert model.converged_
    assert steps == [0]


def test_the_seed_changes_nothing_a_tolerance_can_see():
    X, y = drawn(8_000, 12, 4)
    one, other = fit(X, y, random_state=1, tol=1e-10), fit(X, y, random_state=2, tol=1e-10)
    assert_same(one, other, X, 1e-4)


# Rows that stream past once


def test_a_stream_comes_near_the_optimum_whatever_the_scales():
    """One pass, twenty steps that nobody chose: 95 of 100 parts of the way from equal odds."""
    X, y = drawn(10_000, 8, 4)
    X *= np.logspace(-3, 3, 8)
    lowest = objective(X, np.eye(4)[y], *optimum(X, np.eye(4)[y], 0.0)[:2], 0.0)
    model, losses = SoftmaxRegression(l2=0.0), []
    for first in range(0, len(X), 1_000):
        rows = slice(first, first + 1_000)
        model.partial_fit(X[rows], y[rows], classes=np.arange(4))
        assert np.isfinite(model.coef_).all()
        losses.append(model.loss(X, y))
    assert losses[-1] < losses[0] < np.log(4)
    assert losses[-1] - lowest < 0.05 * (np.log(4) - lowest)


def test_a_stream_of_weight_zero_changes_nothing():
    X, y = drawn(500)
    model = SoftmaxRegression().partial_fit(X, y, classes=np.arange(4))
    coef, intercept = model.coef_.copy(), model.intercept_.copy()
    model.partial_fit(X + 1, y, sample_weight=np.zeros(500))
    assert np.array_equal(model.coef_, coef)
    assert np.array_equal(model.intercept_, intercept)


def test_class_weights_count_in_a_stream():
    X, y = drawn(2000)
    by_class = {0: 1.0, 1: 5.0, 2: 0.5, 3: 2.0}
    by_row = np.array([by_class[label] for label in y])
    one = SoftmaxRegression(class_weight=by_class).partial_fit(X, y, classes=np.arange(4))
    other = SoftmaxRegression().partial_fit(X, y, classes=np.arange(4), sample_weight=by_row)
    np.testing.assert_allclose(one.coef_, other.coef_, rtol=0, atol=1e-12)


@pytest.mark.parametrize("scale", [1e-280, 1e-160])
def test_columns_whose_squares_underflow_are_still_learned_from(scale):
    """Without a penalty the optimum does not depend on the scale of the features."""
    X, y = drawn(60, 3, 3)
    reference = SoftmaxRegression(l2=0.0).fit(X, y)
    model = SoftmaxRegression(l2=0.0).fit(X * scale, y)
    assert model.loss(X * scale, y) == pytest.approx(reference.loss(X, y), abs=2e-6)  # two tols


@pytest.mark.parametrize("shape", [(60, 3), (10, 40)])
def test_columns_whose_squares_overflow_are_refused_by_name(shape):
    X, y = drawn(*shape, 3)
    with pytest.raises(DivergenceError, match="Scaling input data"):
        SoftmaxRegression().fit(X * 1e200, y)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", ["coef_", "intercept_"])
def test_a_stream_goes_on_from_parameters_set_by_hand(name, dtype):
    """Bit for bit as a model that never saw another stream, and is given the same parameters."""
    X, y = drawn(500, 4, 3)
    X = X.astype(dtype)
    model = SoftmaxRegression().partial_fit(X, y, classes=np.arange(3))
    fresh = SoftmaxRegression(max_iter=0).fit(X, y)
    setattr(model, name, getattr(model, name) + dtype(0.5))
    fresh.coef_, fresh.intercept_ = model.coef_, model.intercept_
    model.partial_fit(X, y)
    fresh.partial_fit(X, y)
    assert np.array_equal(model.coef_, fresh.coef_)
    assert np.array_equal(model.intercept_, fresh.intercept_)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_a_stream_left_alone_goes_on_from_its_own_state(fit_intercept, dtype):
    """Two calls take the steps of one, also where the parameters are kept in float32."""
    X, y = drawn(600, 4, 3)
    X = X.astype(dtype)
    settings = {"fit_intercept": fit_intercept, "batch_size": 100}
    whole = SoftmaxRegression(**settings).partial_fit(X, y, classes=np.arange(3))
    parts = SoftmaxRegression(**settings).partial_fit(X[:300], y[:300], classes=np.arange(3))
    parts.partial_fit(X[300:], y[300:])
    assert np.array_equal(parts.coef_, whole.coef_)
    assert np.array_equal(parts.intercept_, whole.intercept_)


def test_a_stream_heeds_a_penalty_changed_on_the_way():
    """The same rows again under a far larger l2: the weights shrink, as the penalty asks."""
    X, y = drawn(2_000, 4, 3)
    model = SoftmaxRegression(l2=1e-4, batch_size=200).partial_fit(X, y, classes=np.arange(3))
    before = np.linalg.norm(model.coef_)
    for _ in range(5):
        model.set_params(l2=10.0).partial_fit(X, y)
    assert np.linalg.norm(model.coef_) < 0.2 * before


@pytest.mark.parametrize("wider", [1, 2])
def test_a_proof_wider_than_tol_does_not_end_the_fit(monkeypatch, wider):
    """The first proofs are made half as wide again as `tol`: the fit goes on to a better one."""
    proofs = []

    def wider_at_first(proof, point):
        found = point._replace(bound=closed_gap(proof.objective, point))
        proofs.append(found._replace(bound=1.5e-4) if len(proofs) < wider else found)
        return proofs[-1]

    monkeypatch.setattr(Proof, "as_it_stands", wider_at_first)
    X, y = drawn(300, 6, 4)
    model = fit(X, y, l2=1e-2, tol=1e-4)
    assert len(proofs) > wider
    assert model.converged_
    assert model.optimality_gap_ == proofs[-1].bound <= 1e-4


def test_no_pass_leaves_the_zero_model_unproven():
    X, y = drawn(60, 3, 3)
    model = SoftmaxRegression(max_iter=0).fit(X, y)
    assert not model.coef_.any()
    assert (model.n_iter_, model.converged_, model.optimality_gap_) == (0, False, np.inf)


@pytest.mark.parametrize("fit_intercept", [True, False])
def test_a_stream_never_leaves_a_warm_start_worse(fit_intercept):
    """From the minimum, the average of an epoch of mini-batches can only be above it."""
    X, y = drawn(8_000, 12, 4)
    model = SoftmaxRegression(l2=1e-3, tol=1e-9, warm_start=True, fit_intercept=fit_intercept)
    lowest, steps = model.fit(X, y).loss_curve_[-1], []
    model.set_params(callback=lambda told: steps.append(told.step)).fit(X, y)
    assert model.loss_curve_[-1] <= lowest * (1 + 1e-14)
    assert max(steps) <= 8


def test_an_unpenalised_fit_cut_short_says_how_far_it_estimates_to_be():
    X, y = drawn(300, 6, 4)
    with pytest.warns(ConvergenceWarning, match="F is estimated to be .* nats above its minimum"):
        SoftmaxRegression(l2=0, max_iter=2).fit(X, y)


def test_a_loose_fit_of_middling_size_still_ends_on_the_full_hessian():
    """The bound is met in float32; a `tol` below 1e-6 goes on, so that the path leaves no trace."""
    X, y = drawn(900, 30, 12)
    model = fit(X, y, l2=1e-2, tol=9e-7)
    exact = fit(X, y, l2=1e-2, tol=1e-13)
    np.testing.assert_allclose(model.predict_proba(X), exact.predict_proba(X), rtol=0, atol=1e-8)


def test_a_start_at_the_minimum_still_ends_on_the_full_hessian():
    """The bound meets `tol` before the first step, and the path leaves no trace all the same."""
    X, y = drawn(900, 30, 12)
    model = fit(X, y, l2=1e-2, tol=9e-7, warm_start=True)
    first = model.predict_proba(X)
    np.testing.assert_allclose(model.fit(X, y).predict_proba(X), first, rtol=0, atol=1e-8)
    assert model.converged_


@pytest.mark.parametrize("weight", [None, np.linspace(0.1, 2.0, 90)], ids=["equal", "weighted"])
@pytest.mark.parametrize("kind", [np.asarray, Csr], ids=["dense", "sparse"])
@pytest.mark.parametrize("targets", ["labels", "smoothed", "probabilities"])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_f_without_weights_is_that_of_a_pass(weight, kind, targets, fit_intercept):
    X, y = drawn(90, 3, 3)
    T = {
        "labels": Labels(y, 3),
        "smoothed": Labels(y, 3, 0.2),
        "probabilities": ProbabilityRows(0.5 * np.eye(3)[y] + 0.5 / 3),
    }[targets]
    F = objective_of(kind(X), T, weight, fit_intercept=fit_intercept, l2=0.1)
    start, readings = np.zeros((3, F.likelihood.n_columns)), F.likelihood.readings
    if fit_intercept:
        start[:, -1] = [0.5, -0.2, -0.3]
    found = F.constant(start)
    assert F.likelihood.readings == readings
    expected = F.at(start)
    assert found.value == pytest.approx(expected.value, abs=ROUNDING)
    np.testing.assert_allclose(found.gradient, expected.gradient, rtol=0, atol=1e-14)


def test_a_generator_given_as_random_state_goes_on_in_a_warm_start():
    X, y = drawn(300, 6, 4)
    generator = np.random.default_rng(0)
    model = SoftmaxRegression(
        learning_rate=0.1, max_iter=2, tol=0, warm_start=True, random_state=generator
    )
    model.fit(X, y)
    between = generator.bit_generator.state
    model.fit(X, y)
    assert generator.bit_generator.state != between
