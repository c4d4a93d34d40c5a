"""Paths: proven optima at every penalty, the same as fits alone, and held-out losses of other rows."""

import numpy as np
import pytest

from softmax_regression import ConvergenceWarning, SoftmaxRegression, regularization_path
from softmax_regression._selection import question


def drawn(seed=0, n=90, d=5):
    generator = np.random.default_rng(seed)
    X = generator.normal(size=(n, d))
    y = (X[:, :3] * [2.0, 1.0, 1.0] + generator.gumbel(size=(n, 3))).argmax(axis=1)
    return X, y, generator.uniform(0.5, 2.0, n)


@pytest.mark.parametrize("l1_ratio", [0.0, 0.4, 1.0])
def test_every_optimum_is_proven_and_that_of_a_fit_alone(l1_ratio):
    X, y, weight = drawn()
    model = SoftmaxRegression(class_weight="balanced", label_smoothing=0.05)
    path = regularization_path(model, X, y, weight, l1_ratio=l1_ratio, n_penalties=20)
    assert len(path) == 20
    assert path.converged.all()
    assert path.gaps.max() <= 1e-6
    np.testing.assert_allclose(
        path.l1s, l1_ratio / (1 - l1_ratio) * path.l2s if l1_ratio < 1 else path.l1s
    )
    assert (np.diff(path.l1s + path.l2s) < 0).all()
    for i in (0, 7, 19):
        alone = SoftmaxRegression(**model.get_params() | {"l1": path.l1s[i], "l2": path.l2s[i]})
        alone.fit(X, y, weight)
        assert path.objectives[i] == pytest.approx(alone.loss_curve_[-1], abs=2e-6)
        found = path.model(i)
        assert found.get_params() == alone.get_params()
        np.testing.assert_allclose(found.predict_proba(X), alone.predict_proba(X), atol=2e-3)
        assert found.converged_
        assert found.l2_ == path.l2s[i]
        assert found.optimality_gap_ <= 1e-6
    if l1_ratio:
        assert not path.coefs[0].any()
        assert path.to_dict()["n_nonzero"][0] == 0
        assert path.to_dict()["n_nonzero"][-1] > 3


def test_an_extrapolated_start_needs_fewer_passes_than_the_last_optimum(monkeypatch):
    X, y, _ = drawn(1, n=300, d=20)
    straight = regularization_path(SoftmaxRegression(), X, y, n_penalties=60)
    monkeypatch.setattr("softmax_regression._selection.fits.NEAR", 0.0)
    warm = regularization_path(SoftmaxRegression(), X, y, n_penalties=60)
    assert straight.n_iter.sum() < 0.8 * warm.n_iter.sum()


def test_more_columns_than_rows():
    X, y, _ = drawn(2, n=30, d=90)
    path = regularization_path(SoftmaxRegression(), X, y, l2=[1.0, 0.1, 0.01])
    assert path.l2s.tolist() == [1.0, 0.1, 0.01]
    alone = SoftmaxRegression(l2=0.1).fit(X, y)
    np.testing.assert_allclose(path.model(1).coef_, alone.coef_, atol=1e-3)


def test_given_penalties_are_followed_from_the_strongest():
    X, y, _ = drawn(3)
    path = regularization_path(SoftmaxRegression(l2=0.5), X, y, l1=[0.01, 0.05])
    assert path.l1s.tolist() == [0.05, 0.01]
    assert path.l2s.tolist() == [0.5, 0.5]
    path = regularization_path(SoftmaxRegression(), X, y, l1=[0.01, 0.05], l2=0.1)
    assert path.l2s.tolist() == [0.1, 0.1]
    path = regularization_path(SoftmaxRegression(), X, y, l1=[0.02], l1_ratio=0.5)
    assert path.l2s.tolist() == [0.02]
    assert regularization_path(SoftmaxRegression(), X, y, l2=0.1).l2s.tolist() == [0.1]


def test_leave_one_out_along_the_path_is_that_of_its_models():
    X, y, weight = drawn(4)
    path = regularization_path(SoftmaxRegression(), X, y, weight, cv="leave-one-out")
    assert path.method == "leave-one-out"
    i = path.best()
    alone = SoftmaxRegression(l2=path.l2s[i]).fit(X, y, weight).leave_one_out(X, y, weight)
    assert path.losses[i] == pytest.approx(alone.loss, abs=1e-4)
    assert path.errors[i] == pytest.approx(alone.standard_error, rel=1e-2)
    assert path.paired_errors[i] == 0.0
    assert i == np.argmin(path.losses)
    assert len(path) - i > 3
    chosen = SoftmaxRegression(l2="auto").fit(X, y, weight)
    assert chosen.selection_.loss < path.losses[i] + 2e-3
    one = path.best("1se")
    assert one <= i
    assert path.losses[one] - path.losses[i] <= path.paired_errors[one]
    groups = np.arange(90) // 10
    grouped = regularization_path(
        SoftmaxRegression(), X, y, l2=[0.1, 0.01], cv="leave-one-out", groups=groups
    )
    assert grouped.method == "leave-one-group-out"


def test_a_grid_goes_on_until_the_loss_has_risen():
    X, y, _ = drawn(5)
    ends_early = regularization_path(SoftmaxRegression(), X, y, n_penalties=30, cv="leave-one-out")
    assert len(ends_early) < 30
    X = X + np.array([0.0, 0.0, 0.0, 0.0, 0.0])
    X[:, 0] = 30.0 * (y == 0) + np.random.default_rng(0).normal(size=90)
    X[:, 1] = 30.0 * (y == 1) + np.random.default_rng(1).normal(size=90)
    goes_on = regularization_path(SoftmaxRegression(), X, y, n_penalties=8, cv="leave-one-out")
    assert len(goes_on) > 8


@pytest.mark.parametrize("l1_ratio", [0.0, 1.0])
def test_folds_learn_without_the_rows_they_are_tested_on(l1_ratio):
    X, y, weight = drawn(6)
    weight[[2, 50]] = 0.0
    tested = [np.arange(0, 30), np.arange(30, 90)]
    pairs = [(np.setdiff1d(np.arange(90), each), each) for each in tested]
    given = {"l1": [0.05, 0.01], "l2": 0.01} if l1_ratio else {"l2": [0.05, 0.01]}
    path = regularization_path(SoftmaxRegression(), X, y, weight, cv=pairs, **given)
    assert path.method == "2 folds"
    losses = np.zeros(90)
    for kept, rows in pairs:
        alone = SoftmaxRegression(l1=path.l1s[1], l2=path.l2s[1], tol=1e-9)
        p = alone.fit(X[kept], y[kept], weight[kept]).predict_proba(X[rows])
        losses[rows] = -np.log(p[np.arange(len(rows)), y[rows]])
    expected = np.average(losses, weights=weight)
    assert path.losses[1] == pytest.approx(expected, abs=1e-3)
    mask = [(np.isin(np.arange(90), kept), rows) for kept, rows in pairs]
    again = regularization_path(SoftmaxRegression(), X, y, weight, cv=mask, **given)
    np.testing.assert_array_equal(again.losses, path.losses)


def test_folds_are_stratified_or_grouped_and_splitters_are_taken():
    X, y, _ = drawn(7)

    class Halves:
        def split(self, X, y, groups):
            assert groups is None
            assert len(y) == len(X)
            first = np.arange(len(X)) < 45
            return [(np.flatnonzero(first), np.flatnonzero(~first))]

    assert regularization_path(SoftmaxRegression(), X, y, l2=0.1, cv=3).method == "3 folds"
    half = regularization_path(SoftmaxRegression(), X, y, l2=0.1, cv=Halves())
    assert half.method == "1 folds"
    groups = np.repeat(np.arange(9), 10)
    path = regularization_path(SoftmaxRegression(), X, y, l2=0.1, cv=3, groups=groups)
    rows = regularization_path(SoftmaxRegression(), X, y, l2=0.1, cv=3)
    assert path.losses[0] != rows.losses[0]
    assert path.errors[0] != rows.errors[0]


def test_soft_targets_and_no_intercept():
    X, y, _ = drawn(8)
    T = 0.8 * np.eye(3)[y] + 0.2 / 3.0
    model = SoftmaxRegression(fit_intercept=False)
    path = regularization_path(model, X, T, n_penalties=5, cv=3)
    assert not path.intercepts.any()
    assert np.isfinite(path.losses).all()
    path = regularization_path(model, X, T, n_penalties=5, l1_ratio=0.5)
    assert not path.coefs[0].any()


def test_what_a_path_shows():
    X, y, _ = drawn(9)
    labels = np.array(["<a>", "b", "c"])[y]
    path = regularization_path(SoftmaxRegression(), X, labels, n_penalties=6, cv=4)
    assert "6 optima" not in repr(path) or len(path) == 6
    assert "judged by 4 folds" in repr(path)
    svg = path.svg()
    assert svg.count("<g transform") == 4
    assert "&lt;a&gt;" in svg
    assert "<a>" not in svg
    assert "held-out loss" in svg
    assert "Least held-out loss" in path._repr_html_()
    columns = path.to_dict()
    assert {len(each) for each in columns.values()} == {len(path)}
    assert columns["loss"] is path.losses
    assert path.classes.tolist() == ["<a>", "b", "c"]
    bare = regularization_path(SoftmaxRegression(), X, y, l2=[0.1])
    assert "loss" not in bare.to_dict()
    assert "Least" not in bare._repr_html_()
    for ask in (bare.best, lambda: bare.losses):
        with pytest.raises(ValueError, match="no losses were held out"):
            ask()
    with pytest.raises(ValueError, match="rule must be 'min' or '1se', got 'max'"):
        path.best("max")


def test_a_model_of_the_path_is_one_like_any(tmp_path):
    X, y, _ = drawn(10)
    model = SoftmaxRegression(l2=0.3).fit(X, y)
    found = regularization_path(model, X, y, l2=[0.1]).model(0)
    found.save(tmp_path / "model")
    loaded = SoftmaxRegression.load(tmp_path / "model")
    np.testing.assert_array_equal(loaded.predict_proba(X), found.predict_proba(X))
    assert loaded.l2_ == 0.1
    assert found.leave_one_out(X, y).loss > found.loss(X, y)
    assert model.l2 == 0.3
    assert "Converged" in found._repr_html_()


def test_optima_that_are_not_reached_are_told():
    X, y, _ = drawn(11)
    model = SoftmaxRegression(max_iter=1, tol=1e-9)
    with pytest.warns(ConvergenceWarning, match=r"\d of 2 optima are not proven to tol=1e-09"):
        path = regularization_path(model, X, y, l2=[0.1, 0.01])
    assert not path.model(1).converged_
    assert path.model(1).stop_reason_ == "max_iter"


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"l2": [0.1], "l1_ratio": 0.5}, ValueError, "l2 with l1_ratio=0.5 says two things"),
        ({"l2": [0.1, 0.0]}, ValueError, r"l2 must be finite and > 0, and l2\[1\] is 0.0"),
        ({"l2": "many"}, TypeError, "l2 must be numbers > 0"),
        ({"l1": [0.1], "l2": [0.1, 0.2]}, ValueError, "l2 must be one number"),
        ({"l1_ratio": 1.5}, ValueError, r"l1_ratio must be in \[0, 1\], got 1.5"),
        ({"l1_ratio": -0.1}, ValueError, "l1_ratio must be finite, >= 0"),
        ({"n_penalties": 0}, ValueError, "n_penalties must be >= 1"),
        ({"cv": 1}, ValueError, "cv must be >= 2 and at most 90, the number of rows, got 1"),
        ({"cv": 10, "groups": [0, 1] * 45}, ValueError, "at most 2, the number of groups"),
        ({"groups": [0, 1] * 45}, ValueError, "cv=None holds nothing out: give cv"),
        ({"cv": 2.5}, TypeError, "cv must be 'leave-one-out', a number of folds"),
        ({"cv": True}, TypeError, "cv must be"),
        ({"cv": []}, ValueError, "cv gives a pair without rows"),
        ({"cv": [([0, 1], [])]}, ValueError, "cv gives a pair without rows"),
        ({"cv": "leave-one-out", "l1": [0.1]}, ValueError, "is for paths of l2 alone"),
    ],
)
def test_illegal_arguments_are_named(arguments, error, message):
    X, y, _ = drawn(12)
    with pytest.raises(error, match=message):
        regularization_path(SoftmaxRegression(), X, y, **arguments)


def test_settings_without_an_optimum_are_refused(monkeypatch):
    X, y, _ = drawn(13)
    with pytest.raises(ValueError, match="learning_rate='auto'"):
        regularization_path(SoftmaxRegression(learning_rate=0.1), X, y)
    with pytest.raises(ValueError, match="the model's is 'auto': give l2"):
        regularization_path(SoftmaxRegression(l2="auto"), X, y, l1=[0.1])
    kept = np.flatnonzero(y > 0)
    with pytest.raises(ValueError, match="all rows of class 0 are in fold 0"):
        regularization_path(SoftmaxRegression(), X, y, cv=[(kept, np.flatnonzero(y == 0))])
    monkeypatch.setattr(question, "REACH", 3)
    with pytest.raises(ValueError, match="12 free parameters are more than 3"):
        regularization_path(SoftmaxRegression(), X, y, cv="leave-one-out")
    constant = regularization_path(SoftmaxRegression(), np.ones((90, 2)), y, n_penalties=3)
    assert constant.l2s[0] == 1.0
    assert constant.svg()


def test_with_l1_as_the_path_the_model_s_l2_is_one_number():
    """Also given as equal ones for all columns; others are refused."""
    X, y, *_ = drawn()
    one, many = (
        regularization_path(SoftmaxRegression(l2=l2), X, y, l1=[0.05, 0.01])
        for l2 in (0.1, np.full(X.shape[1], 0.1))
    )
    np.testing.assert_array_equal(many.model(1).coef_, one.model(1).coef_)
    for l2, message in (
        (np.linspace(0.01, 0.1, 5), "the model's is one for each column: give l2"),
        (np.ones(4), "l2 has length 4, but X has 5 columns"),
    ):
        with pytest.raises(ValueError, match=message):
            regularization_path(SoftmaxRegression(l2=l2), X, y, l1=[0.05])
