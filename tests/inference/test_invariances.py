"""What errors may not depend on: copies, units, names and the order of classes."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from softmax_regression import SoftmaxRegression

KEYS = ("estimate", "standard_error", "p_value", "lower", "upper")
SEEDS = st.integers(0, 2**32 - 1)


def drawn(seed: int, *, n: int = 60, d: int = 3, n_classes: int = 3):
    """Rows whose classes overlap, every class among them."""
    generator = np.random.default_rng(seed)
    X = generator.normal(size=(n, d))
    logits = 0.5 * X @ generator.normal(size=(d, n_classes))
    y = (logits + generator.gumbel(size=logits.shape)).argmax(axis=1)
    y[: 3 * n_classes] = np.arange(3 * n_classes) % n_classes
    return generator, X, y


def inferred(X, y, weight=None, *, l2=0.0, fit_intercept=True, **kind):
    model = SoftmaxRegression(l2=l2, fit_intercept=fit_intercept).fit(X, y, weight)
    return model.inference(X, y, weight, **kind)


def assert_same(one, other, keys=KEYS, tolerance=1e-8):
    for key in keys:
        np.testing.assert_allclose(one[key], other[key], rtol=tolerance, atol=tolerance)


@given(SEEDS, st.sampled_from(["observed", "robust", "cluster"]))
def test_frequency_weights_are_repeated_rows(seed, covariance):
    generator, X, y = drawn(seed)
    weight = generator.integers(0, 4, len(y))
    weight[:9] = 1
    rows = np.repeat(np.arange(len(y)), weight)
    groups = None if covariance != "cluster" else np.arange(len(y)) // 3
    expanded = None if groups is None else groups[rows]
    one = inferred(X, y, weight, weights="frequency", covariance=covariance, groups=groups)
    all_ = inferred(X[rows], y[rows], covariance=covariance, groups=expanded)
    assert_same(one.summary().columns, all_.summary().columns)
    assert_same(one.marginal_effect(0).columns, all_.marginal_effect(0).columns)
    assert one.log_likelihood == pytest.approx(all_.log_likelihood, rel=1e-12)
    assert one.null_log_likelihood == pytest.approx(all_.null_log_likelihood, rel=1e-12)
    assert one.n_observations == all_.n_observations
    kinds = ("wald", "score", "likelihood-ratio") if covariance == "observed" else ("wald",)
    for statistic in kinds:
        found, expected = (each.test([0, 1], statistic=statistic) for each in (one, all_))
        assert found.statistic == pytest.approx(expected.statistic, rel=1e-7)


@given(SEEDS, st.sampled_from(["observed", "robust", "cluster"]))
def test_probability_rows_with_frequency_weights_are_counts(seed, covariance):
    generator, X, _ = drawn(seed, n=20)
    counts = generator.integers(0, 4, (len(X), 3)) + np.eye(3, dtype=int)[np.arange(len(X)) % 3]
    weight = counts.sum(axis=1)
    rows, y = (each.ravel() for each in np.indices(counts.shape))
    rows, y = np.repeat(rows, counts.ravel()), np.repeat(y, counts.ravel())
    groups = None if covariance != "cluster" else np.arange(len(X)) // 2
    shares = inferred(
        X,
        counts / weight[:, None],
        weight,
        weights="frequency",
        covariance=covariance,
        groups=groups,
    )
    expanded = inferred(
        X[rows], y, covariance=covariance, groups=None if groups is None else groups[rows]
    )
    assert_same(shares.summary().columns, expanded.summary().columns)
    assert shares.log_likelihood == pytest.approx(expanded.log_likelihood, rel=1e-12)
    if covariance == "observed":
        for kind in ("likelihood-ratio", "score"):
            merged = [
                each.test(classes=(0, 2), statistic=kind).statistic for each in (shares, expanded)
            ]
            assert merged[0] == pytest.approx(merged[1], rel=1e-7)


@given(SEEDS, st.floats(0.01, 1000.0))
def test_only_ratios_of_sampling_weights_matter(seed, scale):
    generator, X, y = drawn(seed)
    weight = generator.uniform(0.5, 2.0, len(y))
    one, other = (inferred(X, y, w, weights="sampling") for w in (weight, scale * weight))
    assert_same(one.summary().columns, other.summary().columns)
    assert other.log_likelihood == pytest.approx(scale * one.log_likelihood, rel=1e-12)
    assert one.n_observations == other.n_observations == len(y)


@given(SEEDS, st.sampled_from([0.0, 1e-3]))
def test_columns_in_other_units(seed, l2):
    generator, X, y = drawn(seed)
    scale, shift = np.exp(generator.uniform(-5, 5, 3)), generator.normal(size=3) * 30
    if l2:  # a penalty holds for the units it is given in
        scale = np.ones(3)
    one, other = inferred(X, y, l2=l2), inferred(X * scale + shift, y, l2=l2)
    first, last = one.summary().columns, other.summary().columns
    slopes = first["feature"] != "(intercept)"
    unit = np.tile(scale, 2)
    for key in ("estimate", "standard_error"):
        np.testing.assert_allclose(first[key][slopes], last[key][slopes] * unit, rtol=1e-7)
    # The intercept is that at the old zero.
    moved = inferred(X * scale, y, l2=l2).summary().columns
    np.testing.assert_allclose(
        first["estimate"][~slopes], moved["estimate"][~slopes], rtol=1e-6, atol=1e-9
    )
    probabilities = one.predict_interval(X[:5]), other.predict_interval(X[:5] * scale + shift)
    for found, expected in zip(*probabilities, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-7)


@given(SEEDS, st.permutations(range(4)), st.sampled_from([0.0, 1e-3]))
def test_classes_in_another_order(seed, order, l2):
    _, X, y = drawn(seed, n=80, n_classes=4)
    renamed = np.array(order)[y]
    one, other = inferred(X, y, l2=l2), inferred(X, renamed, l2=l2)
    keys = [key for key in KEYS if key != "p_value" or not l2]
    for of, against in ((0, 1), (2, 3), (3, 0)):
        found = other.contrast(order[of], order[against]).columns
        assert_same(one.contrast(of, against).columns, found, keys)
        np.testing.assert_allclose(
            one.covariance(of, against),
            other.covariance(order[of], order[against]),
            rtol=1e-6,
            atol=1e-9,
        )
    effect = other.marginal_effect(1).columns["estimate"][np.array(order)]
    np.testing.assert_allclose(
        one.marginal_effect(1).columns["estimate"], effect, rtol=1e-7, atol=1e-10
    )


def newton_binary(X, t, l2_of_w):
    """Binary logistic regression with w ~ N(0, 1 / l2_of_w) and a flat intercept."""
    rows = np.column_stack([X, np.ones(len(X))])
    ridge = np.diag([*np.broadcast_to(l2_of_w, X.shape[1]), 0.0])
    beta = np.zeros(rows.shape[1])
    for _ in range(50):
        p = 1 / (1 + np.exp(-rows @ beta))
        H = rows.T @ (rows * (p * (1 - p))[:, None]) + ridge
        beta = beta - np.linalg.solve(H, rows.T @ (p - t) + ridge @ beta)
    return beta, np.linalg.inv(H)


@given(SEEDS, st.sampled_from([0.0, 0.005]))
def test_two_classes_are_binary_logistic_regression(seed, l2):
    _, X, y = drawn(seed, n_classes=2)
    inference = inferred(X, y, l2=l2)
    beta, covariance = newton_binary(X, y, len(y) * l2 / 2)
    columns = inference.contrast(1, 0).columns
    np.testing.assert_allclose(columns["estimate"], beta, rtol=1e-8, atol=1e-9)
    np.testing.assert_allclose(inference.covariance(1, 0), covariance, rtol=1e-7, atol=1e-10)
    summary = inference.summary().columns
    assert (summary["of"].tolist(), summary["against"].tolist()) == ([1] * 4, [0] * 4)


@given(SEEDS, st.booleans(), st.integers(2, 5))
def test_effects_sum_to_zero_and_are_the_limit_of_differences(seed, fit_intercept, n_classes):
    _, X, y = drawn(seed, n=80, n_classes=n_classes)
    inference = inferred(X, y, fit_intercept=fit_intercept)
    effect = inference.marginal_effect(2).columns
    assert effect["estimate"].sum() == pytest.approx(0.0, abs=1e-12)
    step = 1e-4
    before, after = X.copy(), X.copy()
    before[:, 2] -= step / 2
    after[:, 2] += step / 2
    difference = inference.average_difference(before, after).columns
    for key in ("estimate", "standard_error"):
        np.testing.assert_allclose(difference[key] / step, effect[key], rtol=1e-5, atol=1e-8)
    one, other = inference.marginal_effect(2, X).columns, inference.marginal_effect("x2").columns
    assert_same(one, other)


@given(SEEDS)
def test_intervals_of_probabilities_hold_them_and_of_two_classes_mirror(seed):
    _, X, y = drawn(seed, n_classes=2)
    found = inferred(X, y).predict_interval(X * 20)
    assert ((found.lower >= 0) & (found.lower <= found.probability)).all()
    assert ((found.upper <= 1) & (found.upper >= found.probability)).all()
    np.testing.assert_allclose(found.probability.sum(axis=1), 1.0, rtol=1e-12)
    np.testing.assert_allclose(found.lower[:, 0], 1 - found.upper[:, 1], rtol=1e-9, atol=1e-15)


@given(SEEDS)
def test_the_wald_test_of_one_contrast_is_z_squared(seed):
    _, X, y = drawn(seed, n_classes=2)
    inference = inferred(X, y, covariance="robust")
    z = inference.contrast(1, 0).columns["z"]
    for j in range(3):
        found = inference.test(j)
        assert found.statistic == pytest.approx(z[j] ** 2, rel=1e-9)
        assert found.p_value == pytest.approx(
            inference.contrast(1, 0).columns["p_value"][j], rel=1e-9
        )


@given(SEEDS, st.sampled_from([None, "robust"]))
def test_each_row_its_own_cluster_is_robust(seed, weights):
    generator, X, y = drawn(seed)
    weight = generator.uniform(0.5, 2.0, len(y)) if weights else None
    kind = {"weights": "sampling"} if weights else {}
    robust = inferred(X, y, weight, covariance="robust", **kind)
    cluster = inferred(X, y, weight, covariance="cluster", groups=np.arange(len(y)), **kind)
    np.testing.assert_allclose(
        robust.covariance(2, 0), cluster.covariance(2, 0), rtol=1e-9, atol=1e-12
    )


@settings(max_examples=10)
@given(SEEDS)
def test_merged_classes_of_two_are_the_model_without_columns(seed):
    _, X, y = drawn(seed, n_classes=2)
    inference = inferred(X, y)
    for kind in ("likelihood-ratio", "score", "wald"):
        merged, every = (
            inference.test(classes=(1, 0), statistic=kind),
            inference.test([0, 1, 2], statistic=kind),
        )
        assert merged.statistic == pytest.approx(every.statistic, rel=1e-9)
        assert merged.df == every.df


@pytest.mark.parametrize("l2", [[0.0, 0.02, 0.3], [0.001, 0.002, 0.0], [0.1, 0.2, 0.3]], ids=str)
@pytest.mark.parametrize("seed", range(5))
def test_an_l2_for_each_column_is_a_prior_for_each(seed, l2):
    """With warnings that it moves estimates or not; flat where an l2 is 0."""
    _, X, y = drawn(seed, n_classes=2)
    model = SoftmaxRegression(l2=l2).fit(X, y)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        inference = model.inference(X, y)
    beta, covariance = newton_binary(X, y, len(y) * np.array(l2) / 2)
    found = inference.contrast(1, 0).columns
    np.testing.assert_allclose(found["estimate"], beta, rtol=1e-8)
    np.testing.assert_allclose(inference.covariance(1, 0), covariance, rtol=1e-7, atol=1e-12)
    assert "p_value" not in found
    text = f"Gaussian prior (l2 = {min(l2):g} to {max(l2):g}), Laplace posterior"
    assert text in repr(inference)
    deviations = [1 / np.sqrt(len(y) * each) if each else np.inf for each in (max(l2), min(l2))]
    shown = str(inference.summary()).split("prior sd of a weight")[1].split("\n")[0]
    assert [float(each) for each in shown.split(" to ")] == pytest.approx(deviations, rel=1e-3)
