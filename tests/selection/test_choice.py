"""l2="auto": the l2 that exact leave-one-out would take, whatever else is set; what it says and refuses."""

import copy
import logging
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from selection.references import NAMES, reference
from strategies import Csr, thinned, unless_fast

from softmax_regression import DivergenceError, NotFittedError, SoftmaxRegression
from softmax_regression._inference import covariance
from softmax_regression._optimum import plan
from softmax_regression._selection import Selection, choice, curve, fits

SEEDS = st.integers(0, 2**32 - 1)


def drawn(seed, n=60, d=3, n_classes=3):
    """Rows whose classes overlap, with weights."""
    generator = np.random.default_rng(seed)
    X = generator.normal(size=(n, d))
    logits = 2.0 * X @ generator.normal(size=(d, n_classes))
    y = (logits + generator.gumbel(size=logits.shape)).argmax(axis=1)
    y[: 3 * n_classes] = np.arange(3 * n_classes) % n_classes
    return generator, X, y, generator.uniform(0.5, 2.0, n)


@pytest.mark.parametrize("name", thinned(reversed(NAMES), 2))
def test_the_choice_is_within_a_thousandth_of_the_best_exact_loss(name):
    expected, X, y, weight = reference(name)
    model = SoftmaxRegression(l2="auto").fit(X, y, weight)
    assert model.converged_
    assert model.selection_.method == "leave-one-out"
    refits = 150 if unless_fast(True) else 40
    exact = model.leave_one_out(X, y, weight, exact=refits, random_state=0)
    assert exact.correction_error < 2e-4
    assert exact.loss < expected["best_exact_loo_loss"] + 1e-3
    assert model.selection_.loss == pytest.approx(expected["best_alo_loss"], abs=1.1e-3)
    assert len(model.selection_.l2s) <= 7


def test_the_selection_says_what_leave_one_out_says():
    _, X, y, weight = drawn(1)
    model = SoftmaxRegression(l2="auto", class_weight={0: 2.0}, label_smoothing=0.05)
    model.fit(X, y, weight)
    found, held = model.selection_, model.leave_one_out(X, y, weight)
    assert found.l2 == model.l2_
    assert found.loss == pytest.approx(held.loss, abs=3e-4)
    assert found.standard_error == pytest.approx(held.standard_error, rel=1e-2)
    assert found.left_out == 60
    best = int(np.argmin(found.losses))
    assert found.l2s[best] == model.l2_
    assert found.paired_errors[best] == 0.0
    other = SoftmaxRegression(**model.get_params() | {"l2": float(found.l2s[0])})
    other = other.fit(X, y, weight).leave_one_out(X, y, weight)
    assert found.losses[0] == pytest.approx(other.loss, abs=3e-4)
    difference = weight * (other.losses - held.losses)
    difference -= weight * np.average(other.losses - held.losses, weights=weight)
    error = np.sqrt(60 / 59 * difference @ difference) / weight.sum()
    assert found.paired_errors[0] == pytest.approx(error, rel=2e-2)
    plain = SoftmaxRegression(**model.get_params() | {"l2": model.l2_}).fit(X, y, weight)
    np.testing.assert_allclose(model.coef_, plain.coef_, atol=1e-6)


@given(SEEDS)
def test_scaled_columns_weights_and_other_names_change_the_scale_of_l2_alone(seed):
    _, X, y, weight = drawn(seed)
    one = SoftmaxRegression(l2="auto").fit(X, y, weight)
    other = SoftmaxRegression(l2="auto").fit(8.0 * X, 2 - y, 4.0 * weight)
    assert other.l2_ == pytest.approx(64.0 * one.l2_, rel=1e-3)
    assert other.selection_.loss == pytest.approx(one.selection_.loss, abs=1e-5)


def test_losses_in_float32_are_those_in_float64_and_these_where_float32_has_no_inverse(monkeypatch):
    _, X, y, weight = drawn(18, n=120, d=5)
    plain = SoftmaxRegression(l2="auto").fit(X, y, weight).selection_
    monkeypatch.setattr(plan, "SMALL_PASS", 0)
    single = SoftmaxRegression(l2="auto").fit(X, y, weight).selection_
    monkeypatch.setitem(covariance.LEAST_PIVOT, np.float32, 1.0)
    double = SoftmaxRegression(l2="auto").fit(X, y, weight).selection_
    monkeypatch.setitem(covariance.LEAST_PIVOT, np.float32, 1e-4)
    held_out = curve.rows_held_out

    def beyond_float32(surface, inverse, **how):
        held = held_out(surface, inverse, **how)
        return held._replace(logits=held.logits + (np.inf if inverse.dtype == np.float32 else 0.0))

    monkeypatch.setattr(curve, "rows_held_out", beyond_float32)
    other = SoftmaxRegression(l2="auto").fit(X, y, weight).selection_
    for found in (single, double, other):
        np.testing.assert_allclose(found.l2s, plain.l2s, rtol=1e-2)
        np.testing.assert_allclose(found.losses, plain.losses, rtol=0, atol=1e-4)


@pytest.mark.parametrize(("limit", "value"), [("KEPT", 0), ("SETTLING", 1), ("SETTLING", 6)])
def test_the_fit_ends_on_the_last_digits_with_an_inverse_hessian_and_without(
    limit, value, monkeypatch
):
    _, X, y, weight = drawn(19, n=200, d=4)
    monkeypatch.setattr(fits, limit, value)
    steps = []
    model = SoftmaxRegression(l2="auto", callback=lambda now: steps.append(now.l2)).fit(
        X, y, weight
    )
    if value == 6:
        assert steps.count(None) == 1  # it begins where it ends
    plain = SoftmaxRegression(l2=model.l2_, tol=1e-12).fit(X, y, weight)
    np.testing.assert_allclose(model.predict_proba(X), plain.predict_proba(X), rtol=0, atol=1e-7)
    assert model.converged_


def test_soft_targets_sparse_rows_float32_and_no_intercept():
    generator, X, y, weight = drawn(2, n=80)
    soft = 0.8 * np.eye(3)[y] + 0.2 * generator.dirichlet(np.ones(3), 80)
    X[X < 0.3] = 0.0
    for rows, targets, other in (
        (X, soft, {}),
        (Csr(X), y, {}),
        (X.astype(np.float32), y, {}),
        (X, y, {"fit_intercept": False}),
    ):
        model = SoftmaxRegression(l2="auto", **other).fit(rows, targets, weight)
        assert model.converged_
        assert isinstance(model.l2_, float)
        near = [
            SoftmaxRegression(l2=model.l2_ * factor, **other)
            .fit(rows, targets, weight)
            .leave_one_out(rows, targets, weight)
            .loss
            for factor in (0.5, 1.0, 2.0)
        ]
        assert near[1] < min(near) + 1e-3
    assert model.intercept_.any() == 0


def test_more_columns_than_rows():
    generator = np.random.default_rng(3)
    X = generator.normal(size=(40, 200))
    y = (X[:, :3].sum(axis=1) + X[:, 3] > 0).astype(int)
    model = SoftmaxRegression(l2="auto").fit(X, y)
    assert model.selection_.method == "leave-one-out"
    assert model.selection_.loss == pytest.approx(model.leave_one_out(X, y).loss, abs=3e-4)


def test_groups_leave_together():
    generator, X, y, _ = drawn(4, n=90)
    groups = np.arange(90) // 9
    X = X + generator.normal(size=(10, 3))[groups]
    model = SoftmaxRegression(l2="auto").fit(X, y, groups=groups)
    assert model.selection_.method == "leave-one-group-out"
    held = model.leave_one_out(X, y, groups=groups)
    assert model.selection_.loss == pytest.approx(held.loss, abs=3e-4)
    with pytest.raises(ValueError, match="groups is for l2='auto'"):
        SoftmaxRegression().fit(X, y, groups=groups)


def test_beyond_reach_folds_take_its_place(monkeypatch):
    _, X, y, weight = drawn(5, n=100)
    weight[::10] = 0.0
    monkeypatch.setattr(choice, "REACH", 5)
    model = SoftmaxRegression(l2="auto").fit(X, y, weight)
    found = model.selection_
    assert found.method == "5 folds"
    assert "5 folds" in model._repr_html_()
    kept = np.flatnonzero(weight)
    labels = y[kept]
    expected = np.empty(len(kept))
    folds = choice.folds_of(
        choice.Block(X[kept], choice_labels(labels)), choice.Units(np.arange(90), 90, False), 5
    )
    assert sorted(np.concatenate(folds)) == list(range(90))
    for each in folds:
        rest = np.setdiff1d(np.arange(90), each)
        other = SoftmaxRegression(l2=model.l2_, tol=1e-9)
        other.fit(X[kept][rest], labels[rest], weight[kept][rest])
        p = other.predict_proba(X[kept][each])
        expected[each] = -np.log(p[np.arange(len(each)), labels[each]])
    assert found.loss == pytest.approx(np.average(expected, weights=weight[kept]), abs=1e-3)
    grouped = SoftmaxRegression(l2="auto").fit(X, y, weight, groups=np.arange(100) // 7)
    assert grouped.selection_.method == "5 folds"
    assert not SoftmaxRegression(l2="auto", fit_intercept=False).fit(X, y).intercept_.any()


def choice_labels(labels):
    from softmax_regression._likelihood.targets import Labels

    return Labels(labels, 3)


def test_rows_that_repeat_each_other_may_need_folds(monkeypatch):
    X, y = np.tile(np.random.default_rng(6).normal(size=(6, 80)), (4, 1)), np.arange(24) % 2
    y[::5] = 1 - y[::5]
    monkeypatch.setattr(choice, "REACH", 60)
    model = SoftmaxRegression(l2="auto").fit(X, y)
    assert model.selection_.method == "5 folds"


def test_of_very_many_rows_a_sample_is_left_out(monkeypatch):
    _, X, y, _ = drawn(7, n=400)
    whole = SoftmaxRegression(l2="auto").fit(X, y)
    monkeypatch.setattr(curve, "MANY_ROWS", 300)
    monkeypatch.setattr(curve, "SAMPLE", 200)
    some = SoftmaxRegression(l2="auto").fit(X, y)
    assert some.selection_.left_out == 200
    assert some.selection_.loss == pytest.approx(whole.selection_.loss, abs=0.02)
    assert np.log(some.l2_ / whole.l2_) == pytest.approx(0.0, abs=2.5)
    held = some.leave_one_out(X, y).losses
    training = -some.predict_log_proba(X)[np.arange(400), y]
    rows = np.random.default_rng(0).choice(400, 200, replace=False)
    expected = training.mean() + (held - training)[rows].mean()
    assert some.selection_.loss == pytest.approx(expected, rel=1e-5)


def test_the_ends_of_the_search_are_named():
    generator = np.random.default_rng(8)
    X, y = np.vstack([generator.normal(size=(30, 2)), 20 + generator.normal(size=(30, 2))]), [0, 1]
    with pytest.warns(UserWarning, match="low end of its search.*the classes are separated"):
        low = SoftmaxRegression(l2="auto").fit(X, np.repeat(y, 30))
    assert low.selection_.edge == "low"
    generator = np.random.default_rng(0)
    X, y = generator.normal(size=(100, 5)), generator.integers(0, 3, 100)
    with pytest.warns(UserWarning, match="high end of its search: the features say nothing"):
        high = SoftmaxRegression(l2="auto").fit(X, y)
    assert high.selection_.edge == "high"
    with pytest.warns(UserWarning, match="the features say nothing"):
        SoftmaxRegression(l2="auto").fit(np.ones((100, 2)), y)
    assert "at the high end" in repr(high.selection_)


def test_the_number_used_is_always_there():
    _, X, y, _ = drawn(9)
    model = SoftmaxRegression(l2="auto").fit(X, y)
    chosen = model.l2_
    with pytest.warns(UserWarning, match=f"l2={chosen:g} moves"):
        assert model.inference(X, y).n_parameters == 8
    model.set_params(l2=0.25).fit(X, y)
    assert model.l2_ == 0.25
    assert not hasattr(model, "selection_")
    assert chosen != 0.25
    assert SoftmaxRegression(learning_rate=0.1, l2=0.5).fit(X, y).l2_ == 0.5
    assert SoftmaxRegression(l2=0.5).partial_fit(X, y, classes=[0, 1, 2]).l2_ == 0.5
    by_hand = SoftmaxRegression(l2="auto")
    by_hand.coef_, by_hand.intercept_, by_hand.classes_ = model.coef_, [0.0] * 3, [0, 1, 2]
    with pytest.raises(NotFittedError, match="l2='auto' has not been looked for"):
        by_hand.leave_one_out(X, y)


def test_a_warm_start_counts_on_and_finds_the_same():
    _, X, y, _ = drawn(10)
    model = SoftmaxRegression(l2="auto", warm_start=True).fit(X, y)
    first, l2 = model.n_iter_, model.l2_
    model.fit(X, y)
    assert model.n_iter_ > first
    assert model.l2_ == pytest.approx(l2, rel=0.05)


def test_files_pickles_and_copies_keep_the_choice(tmp_path):
    _, X, y, _ = drawn(11)
    model = SoftmaxRegression(l2="auto").fit(X, y)
    model.save(tmp_path / "model")
    loaded = SoftmaxRegression.load(tmp_path / "model")
    for other in (loaded, pickle.loads(pickle.dumps(model)), copy.deepcopy(model)):
        assert other.l2_ == model.l2_
        assert other.get_params()["l2"] == "auto"
        assert other.selection_.to_dict() == model.selection_.to_dict()
        assert repr(other.selection_) == repr(model.selection_)
    number = SoftmaxRegression(l2=0.5).fit(X, y)
    number.save(tmp_path / "number")
    assert SoftmaxRegression.load(tmp_path / "number").l2_ == 0.5
    assert f"l2 = {model.l2_:.3g} of" in model._repr_html_()
    assert repr(model) == "SoftmaxRegression(l2='auto')"


@pytest.mark.parametrize(
    "change", [{"edge": "up"}, {"losses": [1.0]}, {"left_out": None}, {"l2": "x"}]
)
def test_a_selection_of_another_kind_is_refused(change):
    none = np.ones(2)
    found = Selection("leave-one-out", 1.0, 0.5, 0.1, none, none, none, None, 3).to_dict()
    with pytest.raises((TypeError, ValueError)):
        Selection.from_dict(found | change)


# On the way


def test_lines_and_log_tell_of_every_l2_tried(capsys, caplog):
    _, X, y, _ = drawn(12)
    with caplog.at_level(logging.INFO, "softmax_regression"):
        model = SoftmaxRegression(l2="auto", verbose=1).fit(X, y)
    printed = capsys.readouterr().out
    for l2, loss in zip(model.selection_.l2s, model.selection_.losses, strict=True):
        line = f"l2 {l2:.3e}  leave-one-out loss {loss:.6f}"
        assert line in printed
        assert line in caplog.text


def test_the_callback_hears_of_every_step_and_its_l2():
    _, X, y, _ = drawn(13)
    heard = []
    model = SoftmaxRegression(l2="auto", callback=heard.append).fit(X, y)
    searched = [each for each in heard if each.l2 is not None]
    assert {each.l2 for each in searched} == set(model.selection_.l2s)
    assert [each.step for each in heard] == list(range(len(heard)))
    assert all(np.diff([each.epoch for each in heard]) >= 0)
    assert heard[-1].l2 is None
    assert heard[-1].epoch <= model.n_iter_
    assert "l2 " in str(searched[0])


@pytest.mark.parametrize("steps", [0, 7])
def test_a_callback_that_ends_the_search_leaves_the_best_so_far(steps):
    _, X, y, _ = drawn(14)
    heard = []

    def callback(progress):
        heard.append(progress)
        return len(heard) > steps

    model = SoftmaxRegression(l2="auto", callback=callback)
    if steps:
        model.fit(X, y)
        assert model.l2_ in model.selection_.l2s
    else:
        with pytest.warns(UserWarning, match="the callback ended the fit"):
            model.fit(X, y)
        assert len(model.selection_.l2s) == 0
        assert Selection.from_dict(model.selection_.to_dict()).l2 == model.l2_
    assert len(heard) == steps + 1
    assert model.stop_reason_ == "callback"
    assert not model.converged_


def test_an_interrupt_leaves_the_model_as_it_was():
    _, X, y, _ = drawn(15)
    model = SoftmaxRegression(l2=0.3).fit(X, y)
    before = copy.deepcopy(vars(model))

    def interrupt(_):
        raise KeyboardInterrupt

    model.set_params(l2="auto", callback=interrupt)
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, y)
    np.testing.assert_array_equal(model.coef_, before["coef_"])
    assert model.l2_ == 0.3


# What has no answer


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"learning_rate": 0.1},
            r"not for learning_rate=0\.1: the losses it compares are of optima",
        ),
        ({"learning_rate": lambda _: 1.0}, "not for learning_rate=<function"),
        ({"l1": 0.1}, r"not for l1=0\.1.*regularization_path"),
        ({"early_stopping": True}, "not for early_stopping=True"),
        ({"max_iter": 0}, "not for max_iter=0"),
        (
            {"l2": "best"},
            "l2 must be 'auto' or a number >= 0, or one for each column of X, got 'best'",
        ),
    ],
)
def test_settings_under_which_nothing_can_be_chosen_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        SoftmaxRegression(**{"l2": "auto"} | settings).fit([[0.0], [1.0]], [0, 1])


def test_a_stream_has_no_auto():
    with pytest.raises(ValueError, match="l2='auto' needs all rows"):
        SoftmaxRegression(l2="auto").partial_fit([[0.0]], [0], classes=[0, 1])


def test_a_class_of_one_row_or_fold_is_refused(monkeypatch):
    X, y = np.arange(6.0)[:, None], np.array([0, 1, 0, 1, 0, 2])
    with pytest.raises(ValueError, match="class 2 is in one row only"):
        SoftmaxRegression(l2="auto").fit(X, y)
    monkeypatch.setattr(choice, "REACH", 1)
    groups = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]
    X, y = np.arange(12.0)[:, None], np.array([0, 1] * 5 + [2, 2])
    monkeypatch.setattr(choice, "FOLDS", 2)
    groups[10], groups[11] = 20, 21
    with pytest.raises(ValueError, match="all rows of class 2 are in fold 0"):
        SoftmaxRegression(l2="auto").fit(
            X[[10, 0, 11, 1, 2, 3]], y[[10, 0, 11, 1, 2, 3]], groups=[0, 1, 2, 3, 4, 5]
        )


def test_smoothing_keeps_every_class_in_every_fold(monkeypatch):
    _, X, y, _ = drawn(16)
    monkeypatch.setattr(choice, "REACH", 1)
    model = SoftmaxRegression(l2="auto", label_smoothing=0.1).fit(X, y)
    assert model.selection_.method == "5 folds"


def test_an_l2_whose_hessian_has_no_inverse_is_not_taken(monkeypatch):
    _, X, y, _ = drawn(17)
    whole = SoftmaxRegression(l2="auto").fit(X, y)
    plain = curve.smooth_surface

    def singular_below(posterior, theta, dtype):
        if posterior.l2.max() / posterior.likelihood.survey.weight < whole.l2_:
            raise curve.SingularError
        return plain(posterior, theta, dtype)

    monkeypatch.setattr(curve, "smooth_surface", singular_below)
    model = SoftmaxRegression(l2="auto").fit(X, y)
    assert model.converged_
    assert model.l2_ > 0.9 * whole.l2_
    assert np.isfinite(model.selection_.losses).all()


def test_rows_beyond_float64_diverge_and_leave_the_model_as_it_was():
    X = np.array([[1e308], [-1e308], [1.5e308], [-1.2e308]])
    model = SoftmaxRegression(l2="auto")
    with pytest.raises(DivergenceError), np.errstate(all="ignore"):
        model.fit(X, [0, 1, 1, 0])
    assert not hasattr(model, "coef_")
