"""Coefficients with their names, and rows explained: any fit, no rows of the fit needed."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from softmax_regression import SoftmaxRegression

RNG = np.random.default_rng(5)
X = RNG.normal(size=(60, 4))
Y = np.array(["a", "b", "c"])[
    (X @ RNG.normal(size=(4, 3)) + RNG.gumbel(size=(60, 3))).argmax(axis=1)
]
MODEL = SoftmaxRegression(l2=0.01).fit(X, Y)


def test_coefficients_are_the_weights_in_order_with_the_intercept_last():
    columns = MODEL.coefficients().columns
    expected = np.column_stack([MODEL.coef_, MODEL.intercept_])
    assert (columns["estimate"].reshape(3, 5) == expected).all()
    assert columns["class"].tolist() == np.repeat(["a", "b", "c"], 5).tolist()
    assert columns["feature"].tolist() == ["x0", "x1", "x2", "x3", "(intercept)"] * 3
    ratios = columns["odds_ratio"].reshape(3, 5)
    np.testing.assert_allclose(ratios[:, :4], np.exp(MODEL.coef_))
    assert np.isnan(ratios[:, 4]).all()


@pytest.mark.parametrize("reference", ["a", "b", "c"])
def test_coefficients_against_a_class_are_differences(reference):
    columns = MODEL.coefficients(reference).columns
    k = "abc".index(reference)
    others = [i for i in range(3) if i != k]
    expected = np.column_stack(
        [MODEL.coef_ - MODEL.coef_[k], MODEL.intercept_ - MODEL.intercept_[k]]
    )
    assert (columns["estimate"].reshape(2, 5) == expected[others]).all()
    assert set(columns["against"]) == {reference}
    assert columns["of"].tolist() == np.repeat([c for c in "abc" if c != reference], 5).tolist()


def test_top_features_by_size_without_the_intercept():
    columns = MODEL.coefficients(top=2).columns
    for k, name in enumerate("abc"):
        rows = columns["class"] == name
        order = np.argsort(-np.abs(MODEL.coef_[k]))[:2]
        assert columns["feature"][rows].tolist() == [f"x{j}" for j in order]
        assert (columns["estimate"][rows] == MODEL.coef_[k, order]).all()
    assert len(MODEL.coefficients(top=100)) == 3 * 4


def test_without_an_intercept_there_is_none():
    model = SoftmaxRegression(fit_intercept=False).fit(X, Y)
    assert set(model.coefficients().columns["feature"]) == {"x0", "x1", "x2", "x3"}


@pytest.mark.parametrize(
    "settings",
    [{"l1": 0.05}, {"learning_rate": 0.1, "max_iter": 3, "tol": 0}, {"max_iter": 0}],
    ids=["l1", "textbook", "nothing"],
)
def test_any_fit_has_coefficients_and_explanations(settings):
    model = SoftmaxRegression(**settings).fit(X, Y)
    assert len(model.coefficients()) == 15
    logits = np.sort(model.decision_function(X[:1])[0])
    assert model.explain(X[0]).log_odds == pytest.approx(logits[-1] - logits[-2], abs=1e-13)


@given(st.integers(0, 59), st.booleans())
def test_contributions_sum_to_the_difference_of_the_logits(i, with_baseline):
    m = X.mean(axis=0) if with_baseline else None
    logits = MODEL.decision_function(X[i : i + 1])[0]
    for of in "abc":
        for against in "abc":
            if of == against:
                continue
            found = MODEL.explain(X[i], of, against, baseline=m)
            expected = logits["abc".index(of)] - logits["abc".index(against)]
            assert found.log_odds == pytest.approx(expected, rel=1e-12, abs=1e-13)
            total = found.baseline + found.columns["contribution"].sum()
            assert total == pytest.approx(found.log_odds, rel=1e-12, abs=1e-13)
            sizes = np.abs(found.columns["contribution"])
            assert (np.diff(sizes) <= 0).all()
            for name, value in zip(found.columns["feature"], found.columns["value"], strict=True):
                assert value == X[i, int(name[1:])]


def test_what_adds_nothing_to_one_row_is_not_printed():
    generator = np.random.default_rng(0)
    wide, kinds = generator.normal(size=(50, 70)), np.arange(50) % 2
    model = SoftmaxRegression().fit(wide, kinds)
    for present in (30, 60, 61):
        row = np.where(np.arange(70) < present, 1.0, 0.0)
        found = model.explain(row)
        printed = present if present <= 60 else 20
        assert len(str(found).splitlines()) == 1 + 1 + 2 + printed + 1
        assert f"{70 - printed} more rows" in str(found)
        assert len(found.columns["feature"]) == 70


def test_several_rows_stand_under_what_each_adds_up_to():
    found = MODEL.explain(X[:2])
    lines = [line for line in str(found).splitlines() if line.startswith("row")]
    for i, line in enumerate(lines):
        logits = f"{found.log_odds[i]:+.4g}, of which the baseline {found.baseline[i]:+.4g}"
        assert line == f"row {i}: log-odds of {found.of[i]} : {found.against[i]} {logits}"
    assert len(lines) == 2


def test_the_predicted_class_is_explained_against_the_runner_up():
    ranked = np.argsort(-MODEL.predict_proba(X), axis=1)
    found = MODEL.explain(X)
    assert (found.of == MODEL.predict(X)).all()
    assert (found.against == np.array(["a", "b", "c"])[ranked[:, 1]]).all()
    assert found.log_odds.shape == found.baseline.shape == (60,)
    assert len(found) == 60 * 4
    assert found.columns["row"].tolist() == np.repeat(np.arange(60), 4).tolist()
    one = MODEL.explain(X[7])
    assert (one.columns["contribution"] == found.columns["contribution"][28:32]).all()
    given_of = MODEL.explain(X[7], of="b")
    best = next(k for k in ranked[7] if k != 1)
    assert (given_of.of, given_of.against) == ("b", "abc"[best])
    given_against = MODEL.explain(X[7], against="b")
    assert (given_against.of, given_against.against) == ("abc"[best], "b")


def test_a_baseline_of_the_mean_gives_linear_shap_values():
    m = X.mean(axis=0)
    found = MODEL.explain(X[3], "a", "b", baseline=m)
    expected = (X[3] - m) * (MODEL.coef_[0] - MODEL.coef_[1])
    order = [int(name[1:]) for name in found.columns["feature"]]
    np.testing.assert_allclose(found.columns["contribution"], expected[order], rtol=1e-12)
    logits = MODEL.decision_function(m[None])[0]
    assert found.baseline == pytest.approx(logits[0] - logits[1], rel=1e-12)


@pytest.mark.parametrize(
    "form",
    [list, np.asarray, lambda x: [list(x)], lambda x: np.array([x])],
    ids=["list", "array", "list of lists", "matrix"],
)
def test_a_row_in_every_form(form):
    assert str(MODEL.explain(form(X[2]))) == str(MODEL.explain(X[2]))


def test_an_explanation_prints_bars():
    text = str(MODEL.explain(X[2], "a", "b"))
    lines = text.splitlines()
    assert lines[0].startswith("log-odds of a : b")
    assert max(map(len, lines)) <= 88
    assert "█" * 30 in text or "░" * 30 in text
    zero = SoftmaxRegression(max_iter=0).fit(X, Y).explain(X[0])
    assert "█" not in str(zero)
    assert "░" not in str(zero)


def test_two_classes_and_float32():
    y = np.where(Y == "a", "a", "b")
    model = SoftmaxRegression(l2=0.01).fit(X.astype(np.float32), y)
    found = model.explain(X[0].astype(np.float32), of="b")
    assert found.against == "a"
    assert found.log_odds == pytest.approx(
        model.decision_function(X[:1].astype(np.float32))[0], rel=1e-5
    )
    assert model.coefficients().columns["estimate"].dtype == np.float64
