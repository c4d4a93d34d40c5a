"""SoftmaxRegression from the outside: what fit leaves behind, when it stops, what predictions promise."""

import math
import pickle

import numpy as np
import pytest
from strategies import Csr, model_at, plain
from tolerances import EPS, REORDERED, SUMMED, logit_error

from softmax_regression import (
    ConvergenceWarning,
    DivergenceError,
    SoftmaxRegression,
    _proven,
    _textbook,
    softmax,
)
from softmax_regression._input.hyperparameters import check_hyperparameters
from softmax_regression._optimum import Solution
from softmax_regression._parameters import Parameters
from softmax_regression._progress import Monitor

RNG = np.random.default_rng(21)
N, D, K = 90, 4, 3
X = RNG.normal(size=(N, D))
Y = (X @ RNG.normal(size=(D, K)) + RNG.gumbel(size=(N, K))).argmax(axis=1)
NAMES = np.array(["ash", "birch", "cedar"])[Y]
X_OTHER = RNG.normal(size=(50, D))
Y_OTHER = (X_OTHER[:, 0] > 0).astype(int)


def same(one, other):
    return one.coef_.tobytes() + one.intercept_.tobytes() == other.coef_.tobytes() + other.intercept_.tobytes()  # fmt: skip


# What fit leaves behind


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_learned_attributes(dtype, n_classes):
    model = plain(max_iter=7).fit(X.astype(dtype), Y % n_classes)
    assert model.coef_.shape == (n_classes, D)
    assert model.intercept_.shape == (n_classes,)
    assert model.coef_.dtype == model.intercept_.dtype == dtype
    assert model.classes_.tolist() == list(range(n_classes))
    assert model.n_features_in_ == D
    assert model.n_iter_ == 7
    assert model.loss_curve_.shape == (7,)
    assert model.loss_curve_.dtype == np.float64
    assert model.validation_curve_.shape == (0,)
    assert model.optimality_gap_ == math.inf
    assert model.converged_ is False
    assert not hasattr(model, "feature_names_in_")


def test_fit_and_partial_fit_return_the_model():
    model = plain()
    assert model.fit(X, Y) is model
    assert model.partial_fit(X, Y) is model


def test_nothing_learned_before_fit():
    assert not any(name.endswith("_") for name in vars(SoftmaxRegression()))


def test_the_default_model_learns_any_common_problem():
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        for rows, labels in ((X, Y), (1e4 * X, NAMES), (X.astype("f4"), Y > 0), (X + 100, Y)):
            model = SoftmaxRegression().fit(rows, labels)
            assert np.isfinite(model.coef_).all()
            base_rate = np.unique(labels, return_counts=True)[1].max() / N
            assert model.score(rows, labels) >= base_rate - 0.05


def test_coefficients_are_the_model_s_own_memory():
    model = plain().fit(X, Y)
    first = model.coef_
    copy = first.copy()
    model.partial_fit(X, Y)
    assert (first == copy).all()
    model.coef_[:] = 0
    assert plain().fit(X, Y).coef_.any()


# Stopping


def test_tol_zero_runs_every_epoch():
    model = plain(max_iter=300, learning_rate=1e-6).fit(X, Y)
    assert model.n_iter_ == 300


def test_the_loss_curve_s_plateau_ends_the_fit():
    model = plain(max_iter=10_000, tol=1e-3, n_iter_no_change=4, batch_size=N).fit(X, Y)
    curve = model.loss_curve_
    assert model.converged_
    assert model.n_iter_ < 10_000
    assert curve[-5] - curve[-1] <= 1e-3
    falls = curve[:-4] - curve[4:]
    assert (falls[:-1] > 1e-3).all()


def test_reaching_max_iter_before_tol_is_warned_of():
    with pytest.warns(
        ConvergenceWarning, match=r"max_iter=3 epochs ended the fit before tol=0\.001"
    ):
        model = plain(max_iter=3, tol=1e-3).fit(X, Y)
    assert not model.converged_


def test_a_step_that_makes_the_loss_rise_is_warned_of():
    with pytest.warns(ConvergenceWarning, match=r"the loss rose from 1\.0986.*learning_rate=50\.0"):
        model = plain(learning_rate=50.0, batch_size=N).fit(X, Y)
    assert not model.converged_


class Recorder:
    """Keeps the parameters after every epoch by replaying the fit with so many epochs."""

    def __init__(self, **settings):
        self.settings = settings

    def after(self, n_epochs, *data, **more):
        return plain(**self.settings | {"max_iter": n_epochs, "early_stopping": False}).fit(
            *data, **more
        )


SLOW_START = {"learning_rate": 0.5, "batch_size": 10, "n_iter_no_change": 3, "l2": 0.0}


@pytest.mark.parametrize("weighted", [False, True])
def test_early_stopping_restores_the_parameters_of_the_best_epoch(weighted):
    weight = np.ones(50) + weighted * np.arange(50)
    data = (X_OTHER, Y_OTHER, weight) if weighted else (X_OTHER, Y_OTHER)
    settings = SLOW_START | {"early_stopping": True, "max_iter": 200}
    model = plain(**settings).fit(X, Y, validation_data=data)
    curve = model.validation_curve_
    best = curve.argmin()
    assert model.converged_
    assert len(curve) == model.n_iter_ == best + 1 + 3 < 200
    replayed = Recorder(**settings).after(best + 1, X, Y)
    assert same(model, replayed)
    assert math.isclose(model.loss(X_OTHER, Y_OTHER, data[2] if weighted else None), curve.min(),
                        rel_tol=REORDERED)  # fmt: skip


def test_early_stopping_watches_the_log_loss_not_the_penalty():
    settings = SLOW_START | {
        "early_stopping": True,
        "max_iter": 5,
        "l2": 1.0,
        "label_smoothing": 0.3,
    }
    model = plain(**settings, class_weight={0: 5.0}, tol=0.0)
    with np.errstate(all="ignore"):
        model.fit(X, Y, validation_data=(X_OTHER, Y_OTHER))
    best = int(model.validation_curve_.argmin())
    assert math.isclose(
        model.validation_curve_[best], model.loss(X_OTHER, Y_OTHER), rel_tol=REORDERED
    )


def test_validation_data_alone_are_recorded_but_do_not_stop():
    plainly = plain(max_iter=40).fit(X, Y)
    model = plain(max_iter=40).fit(X, Y, validation_data=(X_OTHER, Y_OTHER))
    assert same(plainly, model)
    assert model.validation_curve_.shape == (40,)
    assert math.isclose(
        model.validation_curve_[-1], model.loss(X_OTHER, Y_OTHER), rel_tol=REORDERED
    )


@pytest.mark.parametrize("fraction", [0.1, 0.5, 0.99])
@pytest.mark.parametrize("targets", ["labels", "rows"])
def test_a_row_of_every_class_is_learned_from(targets, fraction):
    """Every row has its own feature, which stays 0 where the row is held out."""
    labels = np.repeat([0, 1, 2, 3], [10, 7, 2, 1])
    y = labels if targets == "labels" else np.eye(4)[labels]
    for seed in range(20):
        model = plain(early_stopping=True, validation_fraction=fraction, random_state=seed)
        learned_from = model.fit(np.eye(20), y).coef_.any(axis=0)
        assert set(labels[learned_from]) == {0, 1, 2, 3}


@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("targets", ["labels", "rows"])
def test_the_held_out_rows_are_a_share_of_every_class_and_not_learned_from(targets, shuffle):
    """A row that is held out cannot move W: rows 0 … 29 hold class 0 alone, and their own feature."""
    labels = np.repeat([0, 1, 2], 30)
    identity = np.eye(90)
    y = labels if targets == "labels" else np.eye(3)[labels]
    settings = {"early_stopping": True, "validation_fraction": 0.2, "random_state": 1}
    model = plain(**settings, max_iter=3, shuffle=shuffle, batch_size=16)
    model.fit(identity, y)
    held_out = ~model.coef_.any(axis=0)
    assert np.bincount(labels[held_out]).tolist() == [6, 6, 6]
    assert len(model.validation_curve_) == 3


def test_the_held_out_rows_depend_on_the_seed_only():
    def held(seed):
        settings = {"early_stopping": True, "random_state": seed, "max_iter": 1}
        return tuple(~plain(**settings).fit(np.eye(N), Y).coef_.any(axis=0))

    assert held(0) == held(0) != held(1)


def test_early_stopping_holds_for_a_rising_validation_loss_too():
    """Swapped labels: every step makes it worse, so the best epoch is the first."""
    swapped = (Y + 1) % K
    model = plain(early_stopping=True, max_iter=50).fit(X, Y, validation_data=(X, swapped))
    assert model.n_iter_ == 6
    assert same(model, plain(max_iter=1).fit(X, Y))


# Warm starts


def test_a_warm_start_without_a_first_fit_is_a_cold_one():
    assert same(plain(warm_start=True).fit(X, Y), plain().fit(X, Y))


def test_a_warm_start_goes_on_from_changed_parameters():
    model = model_at(RNG.normal(size=(K, D)), np.zeros(K), warm_start=True, max_iter=0)
    coef = model.coef_.copy()
    assert (model.fit(X, Y).coef_ == coef).all()


def test_a_warm_start_goes_on_after_pickling():
    settings = {
        "batch_size": 8,
        "shuffle": True,
        "random_state": 2,
        "momentum": 0.5,
        "warm_start": True,
    }
    one = plain(**settings).fit(X, Y)
    other = pickle.loads(pickle.dumps(one))
    assert same(one.fit(X, Y), other.fit(X, Y))
    assert one.loss_curve_.tobytes() == other.loss_curve_.tobytes()


def test_a_warm_start_takes_float64_rows_after_float32():
    model = plain(warm_start=True).fit(X.astype("f4"), Y)
    assert model.fit(X, Y).coef_.dtype == np.float64


@pytest.mark.parametrize("labels", [NAMES, Y % 2, Y + 1], ids=["names", "fewer", "others"])
def test_a_warm_start_needs_the_same_classes(labels):
    model = plain(warm_start=True).fit(X, Y)
    with pytest.raises(
        ValueError, match=r"warm_start=True needs the classes of the last fit, \[0, 1, 2\]"
    ):
        model.fit(X, labels)


def test_a_cold_fit_may_change_everything():
    model = plain().fit(X, NAMES)
    model.fit(X[:, :2].astype("f4"), Y % 2)
    assert model.coef_.shape == (2, 2)
    assert model.coef_.dtype == np.float32


# Predictions


def test_predictions_of_a_known_model():
    model = model_at([[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]], [0.0, 0.0, 0.5])
    rows = [[2.0, 1.0], [0.0, 3.0], [0.0, 0.0]]
    logits = np.array([[2.0, 1.0, 0.5], [0.0, 3.0, 0.5], [0.0, 0.0, 0.5]])
    assert (model.decision_function(rows) == logits).all()
    assert model.predict(rows).tolist() == [0, 1, 2]
    np.testing.assert_allclose(model.predict_proba(rows), softmax(logits), rtol=16 * EPS)
    assert model.score(rows, [0, 1, 0]) == 2 / 3
    assert model.score(rows, [0, 1, 0], [1, 1, 2]) == 0.5
    assert model.score(rows, np.eye(3)) == 1.0


def test_two_classes_decide_by_one_number():
    model = plain().fit(X, NAMES != "ash")
    decision = model.decision_function(X)
    assert decision.shape == (N,)
    assert (model.predict(X) == (decision > 0)).all()
    np.testing.assert_allclose(
        model.predict_proba(X)[:, 1], 1 / (1 + np.exp(-decision)), rtol=64 * EPS
    )


def test_a_score_counts_an_unknown_label_as_wrong():
    model = plain().fit(X, Y)
    assert model.score(X[:4], [7, 7, 7, 7]) == 0.0


def test_predictions_do_not_depend_on_the_batch_beyond_the_rounding_of_the_logits():
    """Row 70: one row, halves or all rows may sum in another order, |dz| <= 2 gamma (|x|·|w| + |b|)."""
    model = plain(max_iter=50).fit(X, Y)
    bound = 2 * logit_error(X, model.coef_, model.intercept_)
    whole = model.decision_function(X)
    alone = np.vstack([model.decision_function(row[None]) for row in X])
    halves = np.vstack([model.decision_function(X[:45]), model.decision_function(X[45:])])
    fortran = model.decision_function(np.asfortranarray(X))
    for other in (alone, halves, fortran):
        assert (abs(whole - other) <= bound).all()


@pytest.mark.parametrize("n_rows", [1, 1000, 40_000])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_many_rows_are_predicted_as_few(n_rows, dtype):
    """Across the borders of the inner blocks, in the dtype of model and rows."""
    rows = np.random.default_rng(0).normal(size=(n_rows, D)).astype(dtype)
    model = plain().fit(X.astype(dtype), NAMES)
    p, log_p, z = (
        model.predict_proba(rows),
        model.predict_log_proba(rows),
        model.decision_function(rows),
    )
    assert p.dtype == log_p.dtype == z.dtype == dtype
    eps = np.finfo(dtype).eps
    exact = rows.astype("f8") @ model.coef_.T.astype("f8") + model.intercept_
    np.testing.assert_allclose(z, exact, rtol=0, atol=50 * eps)
    np.testing.assert_allclose(p, softmax(exact), rtol=0, atol=50 * eps)
    assert abs(p.sum(axis=1, dtype="f8") - 1).max() <= 4 * eps
    assert (model.predict(rows) == model.classes_[z.argmax(axis=1)]).all()


def test_of_classes_as_probable_the_first_is_predicted():
    model = model_at(np.zeros((4, 2)), [0.0, 1.0, 1.0, 1.0])
    assert model.predict([[3.0, -1.0]]).tolist() == [1]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_log_probabilities_of_two_classes_keep_the_digits_of_a_small_loss(dtype):
    margins = np.array([-80.0, -40.0, -17.0, -1.0, 0.0, 1e-3, 2.0, 16.0, 37.0, 85.0], dtype)
    model = model_at(np.array([[0.0], [1.0]], dtype), np.zeros(2, dtype))
    lost = [math.log1p(math.exp(-abs(margin))) for margin in margins.tolist()]
    right = [
        [min(-d, 0.0) - l, min(d, 0.0) - l] for d, l in zip(margins.tolist(), lost, strict=True)
    ]
    found = model.predict_log_proba(margins[:, None])
    assert found.dtype == dtype
    # A rounding of each of exp, log and the sums.
    np.testing.assert_allclose(found, right, rtol=4 * float(np.finfo(dtype).eps))


def test_log_probabilities_stay_finite_where_probabilities_vanish():
    model = model_at([[1e3], [0.0]], [0.0, 0.0])
    assert model.predict_proba([[1.0]]).tolist() == [[1.0, 0.0]]
    assert model.predict_log_proba([[1.0]]).tolist() == [[0.0, -1000.0]]
    assert model.loss([[1.0]], [1]) == 1000.0


# The estimator as an object


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("penalty", [{"l1": 1e-3}, {"l2": 1e-3}])
def test_probability_rows_in_any_precision_lead_to_a_proven_optimum(penalty, dtype):
    rows = np.random.default_rng(3).dirichlet(np.ones(K), N).astype(dtype)
    model = SoftmaxRegression(**penalty).fit(X, rows)
    assert model.converged_
    assert model.optimality_gap_ <= 1e-6


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_the_gradient_is_that_of_the_loss_where_rows_were_rounded(dtype):
    """Rows that sum to more than 1 would pull all intercepts up, and the loss feels no such move."""
    rows = np.full((N, K), 1 / K, dtype)
    model = SoftmaxRegression(max_iter=0).fit(X, rows)
    before = model.loss(X, rows)
    assert abs(model.gradient(X, rows)[1].sum()) <= SUMMED
    model.intercept_ += 1.0
    assert abs(model.loss(X, rows) - before) <= SUMMED


# float32, in which a model keeps its weights


def far_from_the_origin(dtype):
    return (X + 1e6).astype(dtype)


@pytest.mark.parametrize("penalty", [{}, {"l1": 1e-3}, {"l2": 0.0}], ids=str)
def test_weights_that_float32_rounds_too_far_have_not_converged(penalty):
    with pytest.warns(ConvergenceWarning, match=r"precision of float32.*Pass X as float64"):
        model = SoftmaxRegression(**penalty).fit(far_from_the_origin(np.float32), Y)
    assert not model.converged_
    assert model.optimality_gap_ > 1e-6
    exact = far_from_the_origin(np.float32).astype(np.float64)
    kept = model_at(model.coef_.astype(np.float64), model.intercept_)
    l1, l2 = (penalty.get(name, default) for name, default in (("l1", 0.0), ("l2", 1e-4)))
    cost = l1 * abs(kept.coef_).sum() + l2 / 2 * (kept.coef_**2).sum()
    assert abs(kept.loss(exact, Y) + cost - model.loss_curve_[-1]) <= 1e-8


@pytest.mark.parametrize("penalty", [{}, {"l1": 1e-3}, {"l2": 0.0}], ids=str)
def test_ordinary_float32_data_converge(penalty):
    model = SoftmaxRegression(**penalty).fit(X.astype(np.float32), Y)
    assert model.converged_


def test_where_the_validation_loss_decides_the_optimum_s_rounding_does_not():
    rows = far_from_the_origin(np.float32)
    model = SoftmaxRegression(early_stopping=True).fit(rows, Y, validation_data=(rows, Y))
    assert model.converged_
    assert math.isinf(model.optimality_gap_)


def test_logits_that_overflow_float32_s_exponential_are_silent():
    rows = np.array([[0], [1], [2], [3], [1e4]], np.float32)
    assert SoftmaxRegression().fit(rows, [0, 1, 0, 1, 1]).converged_


@pytest.mark.parametrize("settings", [{}, {"early_stopping": True, "random_state": 0}])
def test_weights_that_float32_cannot_hold_are_refused(settings):
    rows = (X * 1e-40).astype(np.float32)
    model = SoftmaxRegression(l2=0.0, **settings)
    with pytest.raises(ValueError, match=r"parameters reach .*e\+\d\d, more than float32 holds"):
        model.fit(rows, Y)
    assert not hasattr(model, "coef_")
    with pytest.raises(ValueError, match="more than float32 holds"):
        SoftmaxRegression(l2=0.0).partial_fit(rows, Y, classes=range(K))
    assert not hasattr(model, "coef_")


# What a warning says of the distance to the minimum


@pytest.mark.parametrize(
    ("gap", "decrement", "text"),
    [
        (2.5e-5, 1.0, "F is proven to be within 2.5e-05 nats of its minimum, and tol=1e-06 asks"),
        (math.inf, 0.25, "F is estimated to be 0.25 nats above its minimum, and tol=1e-06 asks"),
        (0.0143, 1.0, "F is proven to be within 0.015 nats of"),  # no digit is rounded down
        (math.inf, 9.94e-5, "F is estimated to be 0.0001 nats above"),
        (math.inf, math.inf, "how far F is above its minimum is not known. Raise"),
        (math.inf, math.nan, "how far F is above its minimum is not known. Raise"),
        (math.nan, -4.6, "how far F is above its minimum is not known. Raise"),
    ],
)
def test_a_distance_that_is_not_known_is_not_printed(gap, decrement, text, monkeypatch):
    def minimised(*_, **__):
        parameters = Parameters(np.zeros((K, D)), np.zeros(K))
        return Solution(
            parameters, 1.0, gap, decrement, False, 1, 1, "max_iter", np.zeros(D), np.ones(D)
        )

    monkeypatch.setattr(_proven, "minimise", minimised)
    with pytest.warns(ConvergenceWarning) as caught:
        SoftmaxRegression().fit(X, Y)
    assert text in str(caught[0].message)


def test_a_change_to_or_from_infinity_is_not_printed():
    monitor = Monitor(9, loss_curve=[1.0, 0.5], validation_curve=[math.inf, 1.0])
    settings = check_hyperparameters(plain(tol=0.1, early_stopping=True))
    assert _textbook._advice(settings, monitor).endswith(
        "before tol=0.1 did. Raise max_iter or tol"
    )


def test_pickling_keeps_everything():
    model = plain(max_iter=20).fit(X, NAMES)
    copy = pickle.loads(pickle.dumps(model))
    assert copy.get_params() == model.get_params()
    assert same(model, copy)
    assert (copy.predict_proba(X) == model.predict_proba(X)).all()
    assert (copy.classes_ == model.classes_).all()


def test_a_subclass_keeps_its_own_arguments():
    class Heavier(SoftmaxRegression):
        """The penalty ten times as strong."""

    model = Heavier(l2=0.1, learning_rate=0.1, tol=0, max_iter=2).fit(X, Y)
    assert repr(model).startswith("Heavier(l2=0.1")
    assert type(model)(**model.get_params()).get_params() == model.get_params()


def test_a_decision_between_logits_of_the_largest_size_is_silent():
    model = model_at([[1e308], [-1e308]], [0.0, 0.0])
    assert model.decision_function([[1.0], [-1.0], [0.25]]).tolist() == [
        -math.inf,
        math.inf,
        -5e307,
    ]


@pytest.mark.parametrize("learning_rate", ["auto", 0.1])
def test_a_fit_of_no_epochs_leaves_a_stream_where_it_stands(learning_rate):
    """The steps after it are those that would have come without it."""
    one, other = (SoftmaxRegression(warm_start=True) for _ in range(2))
    for model in (one, other):
        model.partial_fit(X, Y, classes=range(K))
    one.set_params(max_iter=0, learning_rate=learning_rate).fit(X, Y)
    for model in (one.set_params(learning_rate="auto"), other):
        model.partial_fit(X_OTHER, Y_OTHER)
    assert same(one, other)


class Ridge(SoftmaxRegression):
    """Names one setting of its base and one of its own."""

    def __init__(self, l2=0.1, *, scale=1.0, **others):
        super().__init__(l2=l2, **others)
        self.scale = scale


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_a_subclass_may_name_the_arguments_it_wants(method, tmp_path):
    model = Ridge(0.5, learning_rate=0.1, tol=0.0, max_iter=3)
    assert model.get_params() == {"l2": 0.5, "scale": 1.0}
    assert repr(model) == "Ridge(l2=0.5)"
    plainly = SoftmaxRegression(l2=0.5, learning_rate=0.1, tol=0.0, max_iter=3)
    more = {} if method == "fit" else {"classes": range(K)}
    for each in (model, plainly):
        each.set_params(l2=0.25)
        each.random_state = 0
        getattr(each, method)(X, Y, **more)
    assert same(model, plainly)
    assert same(pickle.loads(pickle.dumps(model)).fit(X, Y), plainly.fit(X, Y))
    model.set_params(scale=2.0).save(tmp_path / "model")
    loaded = Ridge.load(tmp_path / "model")
    assert loaded.get_params() == {"l2": 0.25, "scale": 2.0}
    with pytest.raises(ValueError, match=r"Invalid parameter 'l1'.*\['l2', 'scale'\]"):
        model.set_params(l1=0.1)
    model.l1 = -1.0
    with pytest.raises(ValueError, match="l1 must be finite, >= 0"):
        model.fit(X, Y)


def test_partial_fit_counts_its_calls_as_epochs():
    model = plain(batch_size=30)
    for call in range(1, 4):
        model.partial_fit(X, Y, classes=range(K))
        assert model.n_iter_ == len(model.loss_curve_) == call
    assert model.loss_curve_[0] > model.loss_curve_[-1]


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
@pytest.mark.parametrize("learning_rate", [0.1, "auto"])
def test_an_intercept_learned_before_ends_where_it_is_no_longer_wanted(learning_rate, method):
    """b is 0 without `fit_intercept`, so the same steps follow as from a model that never had b."""
    settings = {"learning_rate": learning_rate, "warm_start": True, "tol": 1e-3}
    settings |= {} if learning_rate == "auto" else {"momentum": 0.5, "max_iter": 3, "tol": 0.0}
    model = SoftmaxRegression(**settings).fit(X, Y)
    assert model.intercept_.any()
    twin = pickle.loads(pickle.dumps(model))
    twin.intercept_, twin._velocity[K * D :] = np.zeros(K), 0.0
    for one in (model, twin):
        getattr(one.set_params(fit_intercept=False), method)(X, Y)
    assert not model.intercept_.any()
    assert same(model, twin)
    getattr(model.set_params(fit_intercept=True), method)(X, Y)
    assert model.intercept_.any()


def test_partial_fit_learns_probability_rows_without_classes():
    rows = RNG.dirichlet(np.ones(5), N)
    model = plain().partial_fit(X, rows)
    assert model.classes_.tolist() == [0, 1, 2, 3, 4]
    assert same(model, plain(max_iter=1).fit(X, rows))


def test_weights_count_in_partial_fit_validation_and_loss():
    weight = np.where(Y == 0, 3.0, 1.0)
    repeated = np.repeat(np.arange(N), weight.astype(int))
    settings = {"batch_size": 10**6}
    one = plain(**settings).partial_fit(X, Y, range(K), weight)
    other = plain(**settings).partial_fit(X[repeated], Y[repeated], range(K))
    np.testing.assert_allclose(one.coef_, other.coef_, rtol=REORDERED, atol=REORDERED)
    assert math.isclose(
        one.loss(X, Y, weight), one.loss(X[repeated], Y[repeated]), rel_tol=REORDERED
    )
    assert math.isclose(
        one.score(X, Y, weight), one.score(X[repeated], Y[repeated]), rel_tol=REORDERED
    )


def test_logits_that_overflow_are_refused():
    """A NaN row, or an arbitrary class, would be a silent wrong answer."""
    model = SoftmaxRegression().fit([[0.0], [1.0], [2.0]], [0, 1, 2])
    model.coef_ = 1e10 * model.coef_
    for method in (model.predict, model.predict_proba, model.predict_log_proba):
        with (
            np.errstate(over="ignore"),
            pytest.raises(ValueError, match="logits overflow at row 0"),
        ):
            method([[1e308]])


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("kind", [np.ascontiguousarray, np.asfortranarray, Csr])
@pytest.mark.parametrize("bad", [math.nan, math.inf])
@pytest.mark.parametrize("column", [0, 1])
def test_rows_that_are_not_finite_are_refused_whatever_their_weights(n_classes, kind, bad, column):
    """The first column has no weight at all; of 3,000 rows the last block holds the one that is bad."""
    rows = np.random.default_rng(0).standard_normal((3_000, 60))
    weights = np.random.default_rng(1).standard_normal((n_classes, 60))
    weights[:, 0] = 0.0
    model = model_at(weights, np.zeros(n_classes))
    rows[2_900, column] = bad
    for method in (model.predict, model.predict_proba, model.decision_function):
        with pytest.raises(ValueError, match=rf"X\[2900, {column}\] is"):
            method(kind(rows))
    weights[:, 0] = 1e-3
    with pytest.raises(ValueError, match=rf"X\[2900, {column}\] is"):
        model_at(weights, np.zeros(n_classes)).predict_log_proba(kind(rows))


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_two_classes_are_told_by_the_difference_of_their_logits(dtype):
    """What both have in common costs no digits."""
    rng = np.random.default_rng(0)
    rows = rng.standard_normal((50, 3)).astype(dtype)
    common = 1e3 * rng.standard_normal(3)
    weights = np.array([common, common + np.array([0.5, -1.0, 0.25])], dtype)
    model = model_at(weights, [1e3, 1e3 + 0.125])
    difference = rows @ np.diff(model.coef_, axis=0)[0] + np.diff(model.intercept_)[0]
    p = model.predict_proba(rows)
    tolerance = 8 * np.finfo(p.dtype).eps
    np.testing.assert_allclose(model.decision_function(rows), difference, rtol=0, atol=tolerance)
    np.testing.assert_allclose(
        p, softmax(np.column_stack([0 * difference, difference])), rtol=tolerance
    )
    np.testing.assert_allclose(np.exp(model.predict_log_proba(rows)), p, rtol=tolerance)
    np.testing.assert_array_equal(model.predict(rows), model.classes_[p.argmax(axis=1)])


def test_a_tie_of_two_classes_is_the_first_s():
    model = model_at([[1.0], [-1.0]], [0.0, 0.0])
    assert model.predict([[0.0]]).tolist() == [model.classes_[0]]
    assert model.predict_proba([[0.0]]).tolist() == [[0.5, 0.5]]


def test_score_refuses_labels_of_another_kind():
    model = SoftmaxRegression().fit([[0.0], [1.0], [2.0]], [0, 1, 2])
    with pytest.raises(TypeError, match="y holds text, but the model's classes are numbers"):
        model.score([[0.0]], ["0"])


def test_a_stream_refuses_l1_and_says_what_takes_it():
    with pytest.raises(
        ValueError, match=r"l1=0\.1 needs all rows with learning_rate='auto': use fit"
    ):
        SoftmaxRegression(l1=0.1).partial_fit(X, Y, range(K))


def test_a_stream_that_overflows_is_a_divergence_and_leaves_the_model():
    model = SoftmaxRegression().partial_fit(X, Y, range(K))
    before = model.coef_.copy()
    with pytest.raises(DivergenceError):
        model.partial_fit(1e160 * X, Y)
    assert np.array_equal(model.coef_, before)


def test_float64_rows_give_a_float32_model_s_probabilities_to_samplers():
    """NumPy's multinomial refuses float32 probabilities that add up to more than 1."""
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(500, D)).astype(np.float32)
    model = SoftmaxRegression().fit(rows, rng.integers(K, size=500))
    assert model.coef_.dtype == np.float32
    narrow, wide = model.predict_proba(rows), model.predict_proba(rows.astype(float))
    assert narrow.dtype == np.float32
    np.testing.assert_allclose(narrow.sum(axis=1), 1.0, rtol=K * np.finfo(np.float32).eps)
    assert wide.dtype == np.float64
    assert all(draw.sum() == 1 for draw in rng.multinomial(1, wide))
