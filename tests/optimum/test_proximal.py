"""The fit with l1 > 0: optimality, the certified gap, exact zeros, one answer for one problem."""

from functools import cache
from itertools import product

import numpy as np
import pytest
from strategies import objective_of, thinned, unless_fast

from softmax_regression import DivergenceError, SoftmaxRegression
from softmax_regression._exceptions import ConvergenceWarning
from softmax_regression._likelihood.block import Memo
from softmax_regression._likelihood.targets import Labels
from softmax_regression._optimum import elastic_net, proximal
from softmax_regression._parameters import Parameters
from softmax_regression._penalty import Penalty


def make(n=300, d=8, K=3, seed=0):
    """Correlated Gaussian rows, labels drawn from a softmax model of two columns."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, d)) @ (np.eye(d) + 0.3 * rng.standard_normal((d, d)))
    y = (X[:, :2] @ rng.standard_normal((2, K)) + rng.gumbel(size=(n, K))).argmax(axis=1)
    y[:K] = np.arange(K)
    return X, y


def fit(X, y, *, l1=0.01, l2=0.0, tol=1e-10, sample_weight=None, **settings):
    return SoftmaxRegression(l1=l1, l2=l2, tol=tol, **settings).fit(X, y, sample_weight)


@cache
def made():
    """The rows most tests take, their labels, and their fit: not to be changed.

    With an l2 a fit takes a tenth of the time; what is special without it has tests of its own.
    """
    X, y = make()
    return X, y, fit(X, y, l2=1e-3)


def objective(X, T, weights, intercept, *, l1, l2):
    """F as its definition reads, in longdouble, with T (n, K) probability rows."""
    W = np.asarray(weights, np.longdouble)
    logits = X.astype(np.longdouble) @ W.T + intercept
    losses = np.logaddexp.reduce(logits, axis=1) - (T * logits).sum(axis=1)
    penalty = l1 * np.abs(W).sum() + l2 / 2 * (W**2).sum()
    return losses.mean() + penalty


def value(model, X, T, *, l1=0.01, l2=0.0):
    return objective(X, T, model.coef_, model.intercept_, l1=l1, l2=l2)


def gradient(X, T, weights, intercept):
    """The gradient of the mean cross-entropy in W and b."""
    logits = X @ weights.T + intercept
    P = np.exp(logits - np.logaddexp.reduce(logits, axis=1)[:, None])
    return (P - T).T @ X / len(X), (P - T).mean(axis=0)


def largest_penalty(X, T):
    """The l1 from which on all weights are zero."""
    return abs(gradient(X, T, np.zeros((T.shape[1], X.shape[1])), np.log(T.mean(axis=0)))[0]).max()


def minimum(X, T, l1, l2, n_steps=200):
    """F* by proximal gradient steps of fixed length with restarted inertia: slow and separate.

    200 steps end within 6e-15 of where 1,500 end, on all data below.
    """
    A = np.column_stack([X, np.ones(len(X))])
    length = 1.0 / (0.5 * np.linalg.eigvalsh(A.T @ A / len(A))[-1] + l2)
    x = ahead = np.zeros((T.shape[1], A.shape[1]))
    inertia = 1.0
    for _ in range(n_steps):
        g = np.column_stack(gradient(X, T, ahead[:, :-1], ahead[:, -1]))
        g[:, :-1] += l2 * ahead[:, :-1]
        new = ahead - length * g
        new[:, :-1] = np.sign(new[:, :-1]) * np.maximum(abs(new[:, :-1]) - length * l1, 0.0)
        if ((ahead - new) * (new - x)).sum() > 0.0:
            inertia = 1.0
        following = (1.0 + np.sqrt(1.0 + 4.0 * inertia**2)) / 2.0
        ahead = new + (inertia - 1.0) / following * (new - x)
        x, inertia = new, following
    return objective(X, T, x[:, :-1], x[:, -1], l1=l1, l2=l2)


@pytest.mark.parametrize(
    ("K", "l2"), [(3, 1e-3), (5, 0.0), *unless_fast((2, 0.0), (2, 1e-3), (3, 0.0), (5, 1e-3))]
)
@pytest.mark.filterwarnings("ignore:max_iter")
def test_the_gap_bounds_the_distance_to_an_independent_minimum(K, l2):
    X, y = make(K=K)
    T = np.eye(K)[y]
    best = minimum(X, T, 0.01, l2)
    for max_iter in (1, 2, 4, 500):
        model = fit(X, y, l2=l2, max_iter=max_iter)
        assert value(model, X, T, l2=l2) - best <= model.optimality_gap_
    assert model.converged_
    assert model.optimality_gap_ <= 1e-10


@pytest.mark.parametrize(("shape", "share"), thinned(
    product([(150, 4, 3), (300, 40, 6), (60, 200, 3)], [0.5, 0.1, 0.01, 0.001]), 3
))  # fmt: skip
def test_first_order_conditions_and_exact_zeros(shape, share):
    X, y = make(*shape)
    T = np.eye(shape[2])[y]
    l1 = share * largest_penalty(X, T)
    model = fit(X, y, l1=l1, l2=1e-4)
    W = model.coef_
    G, g = gradient(X, T, W, model.intercept_)
    G = G + 1e-4 * W
    assert model.converged_
    # A gap of 1e-10 leaves gradients of at most sqrt(2 · curvature · 1e-10), about 3e-5.
    assert abs(g).max() < 1e-8
    assert (abs(G[W == 0.0]) <= l1 + 3e-5).all()
    np.testing.assert_allclose(G[W != 0.0], -l1 * np.sign(W[W != 0.0]), rtol=0, atol=3e-5)
    assert (W == 0.0).any()


def test_the_weights_vanish_from_the_largest_useful_penalty_on():
    X, y = make()
    T = np.eye(3)[y]
    model = fit(X, y, l1=1.0001 * largest_penalty(X, T))
    assert model.converged_
    assert not model.coef_.any()
    np.testing.assert_allclose(model.predict_proba(X[:1])[0], T.mean(axis=0), rtol=1e-12)
    assert fit(X, y, l1=0.999 * largest_penalty(X, T)).coef_.any()


def test_columns_of_very_different_scales_and_offsets_converge_to_what_they_report():
    X, y = make()
    X = (X + 3.0) * 10.0 ** np.linspace(-4, 4, 8)
    model = fit(X, y, l1=1e-3, tol=1e-8)
    assert model.converged_
    # W and b are rounded once, and logits of size 1e1 are sums of terms of up to 1e2.
    assert value(model, X, np.eye(3)[y], l1=1e-3) == pytest.approx(model.loss_curve_[-1], rel=1e-11)


@pytest.mark.parametrize("l2", [0.0, 1e-4])
def test_scales_from_1e_8_to_1e8_converge(l2):
    """The largest column has a threshold of 1e-12, and gradients round to about 1e-15 of theirs."""
    X, y = make(n=1_000, d=20, K=4)
    X = X * 10.0 ** np.linspace(-8, 8, 20)
    assert fit(X, y, l1=1e-4, l2=l2, tol=1e-10).converged_


def test_integer_weights_equal_repeated_rows():
    X, y = make()
    times = np.random.default_rng(1).integers(0, 4, len(y))
    rows = np.repeat(np.arange(len(y)), times)
    weighted = fit(X, y, l2=1e-3, tol=1e-12, sample_weight=times.astype(float))
    repeated = fit(X[rows], y[rows], l2=1e-3, tol=1e-12)
    # Both are within 1e-12 of F*, which grows by at least l2/2 |W - W*|².
    np.testing.assert_allclose(weighted.coef_, repeated.coef_, rtol=0, atol=1e-4)
    assert weighted.loss_curve_[-1] == pytest.approx(repeated.loss_curve_[-1], abs=1e-12)


def test_one_hot_rows_equal_labels_and_smoothing_equals_smoothed_rows():
    X, y, labels = made()
    T = np.eye(3)[y]
    rows = fit(X, T, l2=1e-3)
    assert rows.loss_curve_[-1] == pytest.approx(labels.loss_curve_[-1], abs=1e-10)
    smoothed, mixed = fit(X, y, l2=1e-3, label_smoothing=0.1), fit(X, 0.9 * T + 0.1 / 3, l2=1e-3)
    assert smoothed.loss_curve_[-1] == pytest.approx(mixed.loss_curve_[-1], abs=1e-10)
    assert smoothed.converged_
    assert mixed.converged_


def test_soft_targets_reach_the_independent_minimum():
    X, _ = make()
    T = np.random.default_rng(2).dirichlet(np.ones(3), len(X))
    model = fit(X, T, l2=1e-3)
    assert model.converged_
    assert value(model, X, T, l2=1e-3) - minimum(X, T, 0.01, 1e-3) <= model.optimality_gap_


def test_class_names_and_their_order_change_nothing_but_the_order():
    X, y = make()
    names = np.array(["c", "a", "b"])
    plain, named = fit(X, y, l2=1e-3), fit(X, names[y], l2=1e-3)
    order = np.argsort(names)
    # Both are within 1e-10 of F*, which grows by at least l2/2 |W - W*|².
    np.testing.assert_allclose(named.coef_, plain.coef_[order], rtol=0, atol=1e-3)
    np.testing.assert_array_equal(named.coef_ == 0.0, plain.coef_[order] == 0.0)


def test_the_order_of_the_rows_changes_nothing():
    X, y, one = made()
    order = np.random.default_rng(3).permutation(len(y))
    other = fit(X[order], y[order], l2=1e-3)
    assert one.loss_curve_[-1] == pytest.approx(other.loss_curve_[-1], abs=1e-10)


def test_duplicate_and_constant_columns_converge():
    X, y = make()
    plain = fit(X, y)
    more = np.column_stack([X, X[:, :3], np.full(len(X), 7.0), np.zeros(len(X))])
    model = fit(more, y)
    assert model.converged_
    assert not model.coef_[:, -2:].any()
    assert model.loss_curve_[-1] == pytest.approx(plain.loss_curve_[-1], abs=2e-10)


@pytest.mark.filterwarnings("ignore:the precision of float64")
def test_nearly_equal_columns_end_with_a_true_gap():
    X, y = make(d=5)
    near = X + 1e-5 * np.random.default_rng(4).standard_normal(X.shape)
    model = fit(np.column_stack([X, near]), y, l1=1e-3, tol=1e-6)
    plain = fit(X, y, l1=1e-3)
    assert len(model.loss_curve_) < 200
    # More columns cannot raise the minimum.
    assert model.loss_curve_[-1] - model.optimality_gap_ <= plain.loss_curve_[-1]


def test_separable_rows_stay_finite_under_a_weak_penalty():
    X, _ = make(200, 5)
    model = fit(X, (X[:, 0] > 0).astype(int), l1=1e-5, tol=1e-8)
    assert model.converged_
    assert np.isfinite(model.coef_).all()


def test_products_with_the_hessian_reach_the_minimum_that_its_matrix_reaches(monkeypatch):
    X, y = make(300, 10, 4)
    matrix = fit(X, y, l2=1e-4)
    monkeypatch.setattr("softmax_regression._optimum.local_model.LARGEST_MATRIX", 0)
    products = fit(X, y, l2=1e-4)
    assert products.converged_
    assert products.loss_curve_[-1] == pytest.approx(matrix.loss_curve_[-1], abs=2e-10)


def test_a_sampled_hessian_reaches_the_same_minimum(monkeypatch):
    X, y = make(3_000, 10, 4)
    whole = fit(X, y, l2=1e-3)
    monkeypatch.setattr("softmax_regression._optimum.reduced_hessian.MATRIX_WORK", 1)
    sampled = fit(X, y, l2=1e-3)
    assert sampled.converged_
    assert sampled.loss_curve_[-1] == pytest.approx(whole.loss_curve_[-1], abs=2e-10)


def test_rows_beyond_the_cache_give_the_same_fit(monkeypatch):
    X, y = make(200, 40, 3)
    kept = fit(X, y, l2=1e-3)
    monkeypatch.setattr(Memo, "keep", lambda *_: None)
    monkeypatch.setattr("softmax_regression._optimum.local_model.LARGEST_MATRIX", 20)
    read_again = fit(X, y, l2=1e-3)
    assert read_again.loss_curve_[-1] == pytest.approx(kept.loss_curve_[-1], abs=2e-10)


def test_max_iter_within_a_working_set_leaves_a_proof_over_all_columns():
    X, y = make(60, 200, 3)
    with pytest.warns(ConvergenceWarning, match="max_iter=2"):
        short = fit(X, y, max_iter=2)
    assert 1e-10 < short.optimality_gap_ < np.inf
    assert short.coef_.shape == (3, 200)


def test_without_intercept_it_stays_zero():
    X, y = make()
    model = fit(X + 1.0, y, l2=1e-3, fit_intercept=False)
    assert model.converged_
    assert not model.intercept_.any()


def test_float32_features_are_read_as_they_are():
    X, y = make()
    single = X.astype(np.float32)
    model, exact = fit(single, y, l2=1e-3, tol=1e-5), fit(single.astype(np.float64), y, l2=1e-3)
    assert model.coef_.dtype == np.float32
    np.testing.assert_array_equal(model.coef_ == 0.0, exact.coef_ == 0.0)
    assert (
        value(model, single, np.eye(3)[y], l2=1e-3) <= exact.loss_curve_[-1] + model.optimality_gap_
    )


def test_a_warm_start_at_the_minimum_ends_at_once():
    X, y = make()
    model = fit(X, y, l2=1e-3, warm_start=True)
    before, steps = model.coef_.copy(), []
    model.set_params(tol=1e-9, callback=lambda told: steps.append(told.step)).fit(X, y)
    assert model.converged_
    assert steps == [0]
    np.testing.assert_allclose(model.coef_, before, rtol=1e-12)


def test_a_callback_and_max_iter_stop_the_fit_and_f_never_rises():
    X, y, whole = made()
    stopped = fit(X, y, l2=1e-3, callback=lambda progress: progress.step == 3)
    assert len(stopped.loss_curve_) == 3 + 2
    with pytest.warns(ConvergenceWarning, match="max_iter=2"):
        short = fit(X, y, l2=1e-3, max_iter=2)
    assert not short.converged_
    assert short.optimality_gap_ > 1e-10
    # F is a sum of 300 terms of order one.
    assert (np.diff(whole.loss_curve_) <= 1e-13).all()


@pytest.mark.parametrize("l2", [0.0, 1e-3])
@pytest.mark.parametrize("fit_intercept", [False, True])
def test_two_classes_have_opposite_weights_and_the_minimum_of_one_margin(l2, fit_intercept):
    """For w = w_1 - w_0, the least l1 |w_0| + l1 |w_1| + ... is l1 |w| + l2 w² / 4."""
    X, y = make(K=2)
    model = fit(X, y, l1=0.02, l2=l2, fit_intercept=fit_intercept)
    np.testing.assert_array_equal(model.coef_[0], -model.coef_[1])
    assert (model.coef_ == 0.0).any()
    w, sign = 2.0 * model.coef_[1], 2.0 * y - 1.0
    margins = sign * (X @ w + 2.0 * model.intercept_[1])
    slope = -(sign / (1.0 + np.exp(margins))) @ X / len(X) + 0.5 * l2 * w
    # A gap of 1e-10 leaves gradients of at most sqrt(2 · curvature · 1e-10), about 3e-5.
    assert (np.abs(slope[w == 0.0]) <= 0.02 + 3e-5).all()
    np.testing.assert_allclose(slope[w != 0.0], -0.02 * np.sign(w[w != 0.0]), rtol=0, atol=3e-5)


def test_steps_that_go_on_where_f_falls_on_are_fewer(monkeypatch):
    X, y = make(K=2)
    y = (X[:, 0] + 0.1 * X[:, 1] > 0).astype(int)
    fewer = fit(X, y, l1=1e-3, tol=1e-6)
    monkeypatch.setattr(proximal, "STEEP", np.inf)
    more = fit(X, y, l1=1e-3, tol=1e-6)
    assert fewer.n_iter_ < more.n_iter_
    assert fewer.loss_curve_[-1] == pytest.approx(more.loss_curve_[-1], abs=2e-6)


def test_free_columns_do_not_hide_that_the_minimum_is_reached():
    """Of a small `tol` every column is free; F needs no more than ten steps here."""
    X, y = make()
    assert len(fit(X, y, l2=0.0).loss_curve_) <= 12


@pytest.mark.parametrize("K", [2, 3, 4, 7])
def test_the_shift_is_the_cheapest(K):
    rng = np.random.default_rng(K)
    W, l1, l2 = rng.standard_normal((K, 20)), rng.uniform(0.1, 1, 20), rng.uniform(0, 1, 20)
    l2[:10] = 0.0

    def cost(c):
        return l1 * abs(W - c).sum(axis=0) + l2 / 2 * ((W - c) ** 2).sum(axis=0)

    best = Penalty(l1, l2).cheapest(W)
    for c in np.linspace(-4, 4, 801):
        assert (cost(best) <= cost(c) + 1e-12).all()


# The ends of the line search


def cut_short(**settings):
    X, y = make()
    with pytest.warns(ConvergenceWarning) as caught:
        model = SoftmaxRegression(l1=0.01, l2=0.01, tol=1e-10, **settings).fit(X, y)
    assert not model.converged_
    assert np.isfinite(model.coef_).all()
    return model, str(caught[0].message)


def test_a_search_that_never_ends_is_given_up(monkeypatch):
    monkeypatch.setattr(proximal, "DECREASE", 1e9)
    _, message = cut_short()
    assert "precision of float64 ended the fit" in message


def test_max_iter_counts_the_trials_of_a_search_that_is_finished(monkeypatch):
    monkeypatch.setattr(proximal, "DECREASE", 1e9)
    _, message = cut_short(max_iter=4)
    assert "max_iter=4" in message or "precision of float64" in message


def test_a_model_that_predicts_no_decrease_takes_no_step(monkeypatch):
    monkeypatch.setattr(proximal.LocalModel, "predicted", lambda *_: np.nan)
    model, _ = cut_short()
    assert not model.coef_.any()


def test_a_bound_that_was_no_proof_is_aimed_below():
    """An estimate below `tol` that is none: F was 8e-8 above, and no step was taken any more."""
    rng = np.random.default_rng(6)
    N = rng.normal(size=(57, 2))
    X = np.column_stack([np.floor((1.6e9 + 5e7 * N[:, 0]) * 1e6), N[:, 1] - 1e3])
    y = (3 * N @ rng.normal(size=(2, 17)) + rng.gumbel(size=(57, 17))).argmax(axis=1)
    y[:17] = np.arange(17)
    model = SoftmaxRegression(l1=0.05, l2=1e-3).fit(X, y)
    assert model.converged_
    assert model.optimality_gap_ <= 1e-6


def test_intercepts_without_a_dual_point_near_them_prove_nothing(monkeypatch):
    monkeypatch.setattr(elastic_net, "INEXACT", -1.0)
    monkeypatch.setattr(elastic_net, "closing", lambda *_: (np.inf, 0.0))
    model, _ = cut_short()
    assert model.optimality_gap_ == np.inf


@pytest.mark.parametrize("l2", [0.0, 1e-3])
@pytest.mark.parametrize("off", [1e-11, 1e-8])
def test_intercepts_that_are_nearly_optimal_prove_nearly_as_much(l2, off):
    X, y = make()
    model = SoftmaxRegression(l1=1e-3, l2=l2, tol=1e-10).fit(X, y)
    F = objective_of(X, Labels(y, 3), l1=1e-3, l2=l2)
    theta = F.likelihood.coordinates.inward(Parameters(model.coef_, model.intercept_))
    theta[:, -1] += off * np.array([1.0, -2.0, 1.0])
    net = elastic_net.ElasticNet(F, 1e-12)
    point = net.at(theta)
    bound = net._proven(point)
    assert point.value - model.loss_curve_[-1] <= bound + 1e-14
    assert bound <= 1e-9 + 10 * off


def test_features_beyond_float64_are_a_divergence():
    X, y = make()
    with pytest.raises(DivergenceError):
        SoftmaxRegression(l1=0.01).fit(1e200 * X, y)


def test_early_stopping_hears_of_parameters_in_all_columns():
    X, y = make()
    model = SoftmaxRegression(l1=1e-4, early_stopping=True, random_state=0).fit(X, y)
    assert model.coef_.shape == (3, 8)
    assert len(model.validation_curve_) > 0


# Problems at the edge of float64


def test_a_penalty_that_leaves_no_weight_ends_at_zero():
    """No coefficient is free, and tol=0 asks for more steps."""
    X, y = make()
    model = fit(X, y, l1=10.0, tol=0.0, fit_intercept=False)
    assert not model.coef_.any()
    # 0 is the minimum; the gap is the rounding of F, log 3 there.
    assert model.optimality_gap_ <= 1e-13


@pytest.mark.parametrize("seed", [226, 674])
def test_weights_over_fourteen_decades_end_in_numbers(seed):
    """Rows of no weight make the Hessian singular, or the curvature of a step underflow."""
    rng = np.random.default_rng(seed)
    n, d = int(rng.integers(4, 12)), int(rng.integers(1, 4))
    X, y = rng.normal(size=(n, d)), np.arange(n) % 2
    X[:, 0] += 100 * y
    weight, l1 = 10.0 ** rng.uniform(-14, 0, n), float(10.0 ** rng.integers(-7, 0))
    model = fit(X, y, l1=l1, tol=1e-6, sample_weight=weight)
    assert model.converged_
    assert np.isfinite(model.coef_).all()


def test_the_gap_knows_of_the_rounding_of_intercepts():
    """b = c - W mu keeps no digit behind the point where a column is 1e14 from zero."""
    X = np.random.default_rng(0).normal(size=(30, 3)) + 1e14
    y = np.arange(30) % 3
    centred = X - X.mean(axis=0)
    settings = {"l1": 1e-3, "l2": 1e-3}
    best = fit(centred, y, **settings)
    with pytest.warns(ConvergenceWarning, match="float64"):
        model = fit(X, y, tol=1e-8, **settings)
    T = np.eye(3)[y]
    distance = value(model, X, T, **settings) - value(best, centred, T, **settings)
    # Rows this far from zero are rounded too, so that either may be the lower.
    assert 1e-8 < abs(distance) <= model.optimality_gap_


@pytest.mark.parametrize("l2", [0.0, 0.1])
def test_a_dual_point_apart_from_the_probabilities_widens_the_gap_by_its_divergence(l2):
    """As much of it as the dual point has of q, which is all where no gradient is above l1."""
    X, y = make()
    F = objective_of(X, Labels(y, 3), l1=0.01, l2=l2)
    point = F.at(F.class_frequencies())
    net, data = elastic_net.ElasticNet(F), np.full_like(point.gradient, 0.5 * F.l1[0])
    data[:, -1] = 0.0  # the intercept is optimal
    apart = net._gap(point, data, 1e-3) - net._gap(point, data)
    assert apart == pytest.approx(1e-3, rel=1e-9)
