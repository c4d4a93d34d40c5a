"""Numbers from elsewhere: exact trajectories, the textbook's worked examples, equal ways to one fit."""

import csv
import json
import warnings
from pathlib import Path

import numpy as np
import pytest
from strategies import PLAIN, model_at, plain
from tolerances import REORDERED, TRAJECTORY

from softmax_regression import ConvergenceWarning, SoftmaxRegression, softmax

DATA = Path(__file__).parents[1] / "data"
TRACES = json.loads((DATA / "gd_trace_iris.json").read_text())["traces"]


def load_iris():
    lines = (DATA / "iris.csv").read_text().splitlines()
    rows = list(csv.reader(line for line in lines if not line.startswith("#")))[1:]
    return np.array([row[:4] for row in rows], float), np.array([row[4] for row in rows])


IRIS, SPECIES = load_iris()
K3 = np.unique(SPECIES, return_inverse=True)[1]


def numbers(texts):
    return np.array(texts, dtype=np.float64)


def assert_on_track(computed, exact):
    error = np.abs(computed - exact) / np.maximum(1.0, np.abs(exact))
    assert error.max() <= TRAJECTORY


def trace_model(trace, n_epochs):
    return plain(
        learning_rate=trace["learning_rate"],
        l2=trace["l2"],
        batch_size=trace["batch_size"],
        max_iter=n_epochs,
    )


@pytest.mark.parametrize("trace", TRACES, ids=lambda trace: trace["id"])
def test_every_epoch_follows_the_exact_trajectory(trace):
    for epoch in trace["epochs"]:
        model = trace_model(trace, epoch["epoch"])
        with warnings.catch_warnings():
            if trace["id"] == "too_large_step":
                warnings.simplefilter("ignore", ConvergenceWarning)
            model.fit(IRIS, SPECIES)
        assert_on_track(model.loss(IRIS, SPECIES), numbers(epoch["mean_loss"]))
        if "W" in epoch:
            assert_on_track(model.coef_, numbers(epoch["W"]))
            assert_on_track(model.intercept_, numbers(epoch["b"]))


@pytest.mark.parametrize("trace", TRACES, ids=lambda trace: trace["id"])
def test_partial_fit_follows_the_exact_trajectory(trace):
    """One call per epoch, and every call cut where its batches end."""
    model = trace_model(trace, 1)
    for epoch in trace["epochs"][1:]:
        with warnings.catch_warnings():
            if trace["id"] == "too_large_step":
                warnings.simplefilter("ignore", ConvergenceWarning)
            for start in range(0, 150, 4 * trace["batch_size"]):
                rows = slice(start, start + 4 * trace["batch_size"])
                model.partial_fit(IRIS[rows], K3[rows], classes=[0, 1, 2])
        assert_on_track(model.loss(IRIS, K3), numbers(epoch["mean_loss"]))
        if "W" in epoch:
            assert_on_track(model.coef_, numbers(epoch["W"]))
            assert_on_track(model.intercept_, numbers(epoch["b"]))


@pytest.mark.parametrize("trace", TRACES, ids=lambda trace: trace["id"])
def test_columns_of_w_and_b_sum_to_zero(trace):
    """Σ_k (ŷ_k - t_k) = 0 in every step, so the sums stay at their start, 0, up to rounding."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model = trace_model(trace, len(trace["epochs"]) - 1).fit(IRIS, SPECIES)
    scale = max(1.0, np.abs(model.coef_).max())
    assert np.abs(model.coef_.sum(axis=0)).max() <= TRAJECTORY * scale
    assert abs(model.intercept_.sum()) <= TRAJECTORY * scale


@pytest.mark.parametrize("trace", TRACES[:2], ids=lambda trace: trace["id"])
def test_full_batch_loss_curve_is_the_objective_before_each_step(trace):
    n_epochs = len(trace["epochs"]) - 1
    model = trace_model(trace, n_epochs).fit(IRIS, SPECIES)
    objective = [epoch["objective"] for epoch in trace["epochs"][:n_epochs]]
    assert_on_track(model.loss_curve_, numbers(objective))


def test_a_rise_of_the_loss_alone_is_no_divergence():
    """Sorted rows in small batches end above log 3, legitimately; the exact run does so too."""
    trace = next(trace for trace in TRACES if trace["id"] == "minibatch32_file_order")
    model = trace_model(trace, len(trace["epochs"]) - 1).fit(IRIS, SPECIES)  # no warning
    assert model.loss(IRIS, SPECIES) > np.log(3)


def test_a_step_that_is_too_large_is_reported():
    trace = next(trace for trace in TRACES if trace["id"] == "too_large_step")
    with pytest.warns(ConvergenceWarning, match=r"learning_rate=5\.0 is too large"):
        model = trace_model(trace, 5).fit(IRIS, SPECIES)
    assert not model.converged_


# Jurafsky & Martin, Speech and Language Processing (3rd ed. draft), chapter 5, sections 5.2 and 5.6,
# and the notebook "Sentiment Example from SLP Section 5.1.1" (github.com/JamesHMartin/Courses).

SENTIMENT = np.array([2.5, -5.0, -1.2, 0.5, 2.0, 0.7])


def test_the_sentiment_example_scores_070_and_030():
    model = model_at([np.zeros(6), SENTIMENT], [0.0, 0.1])
    x = [[3, 2, 1, 3, 0, 4.19]]
    assert model.decision_function(x).round(3) == [0.833]
    assert model.predict_proba(x).round(1).tolist() == [[0.3, 0.7]]
    assert round(model.loss(x, [1]), 2) == 0.36
    assert round(model.loss(x, [0]), 1) == 1.2


def test_one_step_of_the_textbook_moves_theta_as_printed():
    """(5.48) from zero: gradient [-1.5, -1.0, -0.5], and θ = [0.15, 0.1, 0.05] after the step."""
    start = model_at(np.zeros((2, 2)), np.zeros(2))
    d_coef, d_intercept = start.gradient([[3, 2]], [1])
    assert [*d_coef[1], d_intercept[1]] == [-1.5, -1.0, -0.5]
    model = plain(learning_rate=0.1).partial_fit([[3, 2]], [1], classes=[0, 1])
    theta = np.append(model.coef_[1], model.intercept_[1])
    np.testing.assert_allclose(theta, [0.15, 0.1, 0.05], rtol=TRAJECTORY)
    assert (model.coef_[0] == -model.coef_[1]).all()


def test_the_notebook_example_to_its_eight_digits():
    x = [[3, 2, 1, 3, 0, 4.15]]
    model = model_at([np.zeros(6), SENTIMENT], [0.0, 0.1], learning_rate=1.0)
    assert abs(model.predict_proba(x)[0, 1] - 0.6910430124157229) < 1e-15
    printed = [-0.92687096, -0.61791398, -0.30895699, -0.92687096, 0.0, -1.2821715]
    d_coef, d_intercept = model.gradient(x, [1])
    assert np.abs(d_coef[1] - printed).max() < 0.51e-8
    assert abs(d_intercept[1] - -0.30895699) < 0.51e-8
    model.partial_fit(x, [1])
    moved = [3.42687096, -4.38208602, -0.89104301, 1.42687096, 2.0, 1.9821715]
    assert np.abs(model.coef_[1] - moved).max() < 0.51e-8


def test_the_probabilities_of_the_first_iris_after_one_exact_step():
    """Logits from the exact parameters, softmax by hand: the chain from file to probability."""
    epoch = TRACES[0]["epochs"][1]
    z = numbers(epoch["W"]) @ IRIS[0] + numbers(epoch["b"])
    model = trace_model(TRACES[0], 1).fit(IRIS, SPECIES)
    np.testing.assert_allclose(model.predict_proba(IRIS[:1])[0], softmax(z), rtol=TRAJECTORY)


# Equal ways to one fit


def same_fit(one, other):
    return (
        one.coef_.tobytes() == other.coef_.tobytes()
        and one.intercept_.tobytes() == other.intercept_.tobytes()
        and one.loss_curve_.tobytes() == other.loss_curve_.tobytes()
    )


@pytest.mark.parametrize("settings", [
    {}, {"batch_size": 32}, {"batch_size": 32, "shuffle": True, "random_state": 3},
    {"label_smoothing": 0.1, "batch_size": 7}, {"momentum": 0.9}, {"class_weight": "balanced"},
    {"l1": 0.01, "l2": 0.1},
])  # fmt: skip
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_one_hot_rows_give_bit_for_bit_the_fit_of_the_labels(settings, dtype):
    X = IRIS.astype(dtype)
    by_label = plain(**settings).fit(X, K3)
    by_row = plain(**settings).fit(X, np.eye(3)[K3])
    assert same_fit(by_label, by_row)
    assert by_label.loss(X, K3) == by_row.loss(X, np.eye(3)[K3])


@pytest.mark.parametrize("n_chunks", [1, 3, 5])
@pytest.mark.parametrize("settings", [
    {}, {"momentum": 0.5}, {"l1": 0.01}, {"l2": 0.1}, {"label_smoothing": 0.2},
    {"class_weight": {0: 2.0}},
])  # fmt: skip
def test_partial_fit_in_aligned_chunks_is_one_epoch_of_fit_bitwise(settings, n_chunks):
    settings = {"batch_size": 10, **settings}
    weight = (1.0 + np.arange(150) % 7) / 7
    whole = plain(max_iter=1, **settings).fit(IRIS, K3, weight)
    pieces = plain(**settings)
    for rows in np.split(np.arange(150), n_chunks):
        pieces.partial_fit(IRIS[rows], K3[rows], [0, 1, 2], weight[rows])
    assert np.array_equal(whole.coef_, pieces.coef_)
    assert np.array_equal(whole.intercept_, pieces.intercept_)
    assert (whole.predict_proba(IRIS) == pieces.predict_proba(IRIS)).all()


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_a_schedule_goes_on_from_call_to_call_of_partial_fit_as_from_epoch_to_epoch(momentum):
    asked = []

    def schedule(epoch):
        asked.append(epoch)
        return 0.01 / (1 + epoch)

    settings = {"learning_rate": schedule, "batch_size": 40, "momentum": momentum}
    whole = plain(max_iter=4, **settings).fit(IRIS, K3)
    calls = plain(warm_start=True, max_iter=2, **settings)
    for _ in range(2):
        calls.partial_fit(IRIS, K3, [0, 1, 2])
    calls.partial_fit(IRIS, K3, sample_weight=np.zeros(150))  # no row, no epoch
    calls.fit(IRIS, K3)
    assert asked == [0, 1, 2, 3, 0, 1, 2, 2, 3]
    assert same_fit(whole, calls)


@pytest.mark.parametrize("settings", [
    {"batch_size": 32}, {"batch_size": 32, "shuffle": True}, {"momentum": 0.9},
    {"batch_size": 32, "shuffle": True, "momentum": 0.9, "l1": 0.01},
    {"learning_rate": lambda epoch: 0.5 / (1 + epoch), "batch_size": 50},
])  # fmt: skip
def test_a_plus_b_epochs_are_a_epochs_then_b_epochs_bitwise(settings):
    settings = {"random_state": 0, **settings}
    rows = np.random.default_rng(1).permutation(150)  # sorted classes make small batches wander
    X, y = IRIS[rows], SPECIES[rows]
    at_once = plain(max_iter=7, **settings).fit(X, y)
    in_two = plain(max_iter=3, warm_start=True, **settings).fit(X, y)
    in_two.set_params(max_iter=4).fit(X, y)
    assert same_fit(at_once, in_two)
    assert in_two.n_iter_ == 7


def test_fit_anew_forgets_the_last_fit():
    model = plain(batch_size=16, shuffle=True, random_state=1, momentum=0.5)
    first = model.fit(IRIS, SPECIES).coef_
    model.fit(IRIS[:, :2], K3)
    assert (model.fit(IRIS, SPECIES).coef_ == first).all()


@pytest.mark.parametrize("kind", [int, np.random.SeedSequence, np.random.default_rng])
def test_the_same_seed_gives_the_same_fit_bitwise(kind):
    settings = {"batch_size": 16, "shuffle": True, "early_stopping": True}
    fits = [plain(random_state=kind(5), **settings).fit(IRIS, SPECIES) for _ in range(2)]
    other = plain(random_state=kind(6), **settings).fit(IRIS, SPECIES)
    assert same_fit(*fits)
    assert not same_fit(fits[0], other)


@pytest.mark.parametrize("l2", [0.0, 0.05])
def test_two_classes_follow_binary_logistic_regression(l2):
    """With w = W_1 - W_0 = 2 W_1 the softmax's step is the logistic one of twice the rate.

    The penalty halves: (l2 / 2) ‖W‖² = (l2 / 4) ‖w‖², whose gradient counts twice as well.
    """
    X, y = IRIS[50:] - IRIS[50:].mean(axis=0), K3[50:] == 2
    model = plain(learning_rate=0.1, l2=l2, max_iter=30).fit(X, y)
    w, b = np.zeros(4), 0.0
    for _ in range(30):
        residual = 1 / (1 + np.exp(-(X @ w + b))) - y
        w, b = w - 0.2 * (X.T @ residual / 100 + l2 / 2 * w), b - 0.2 * residual.mean()
    np.testing.assert_allclose(model.coef_[1] - model.coef_[0], w, rtol=REORDERED)
    np.testing.assert_allclose(np.diff(model.intercept_)[0], b, rtol=REORDERED, atol=1e-15)
    np.testing.assert_allclose(model.decision_function(X), X @ w + b, atol=REORDERED)


def test_integer_weights_are_repeated_rows_in_full_batch():
    counts = np.arange(150) % 4
    settings = {"batch_size": 10**6, "max_iter": 30, "l2": 0.01, "momentum": 0.5}
    weighted = plain(**settings).fit(IRIS, SPECIES, counts)
    repeated = plain(**settings).fit(IRIS.repeat(counts, axis=0), SPECIES.repeat(counts))
    np.testing.assert_allclose(weighted.coef_, repeated.coef_, rtol=REORDERED, atol=REORDERED)
    np.testing.assert_allclose(weighted.loss_curve_, repeated.loss_curve_, rtol=REORDERED)


@pytest.mark.parametrize("settings", [{"batch_size": 256}, {"batch_size": 16}])
@pytest.mark.parametrize("factor", [2.0**-40, 8.0, 3.0, 1e-300, 1e300])
def test_weights_scaled_by_any_constant_change_nothing(settings, factor):
    """Bit for bit where the factor is a power of two, else up to the rounding of the weights."""
    weight = np.arange(1.0, 151.0)
    one = plain(**settings).fit(IRIS, SPECIES, weight)
    scaled = plain(**settings).fit(IRIS, SPECIES, factor * weight)
    if np.frexp(factor)[0] == 0.5:
        assert same_fit(one, scaled)
    np.testing.assert_allclose(one.coef_, scaled.coef_, rtol=REORDERED, atol=REORDERED)


def test_equal_weights_are_no_weights_bitwise():
    one = plain(batch_size=16).fit(IRIS, SPECIES)
    assert same_fit(one, plain(batch_size=16).fit(IRIS, SPECIES, np.full(150, 0.3)))


def test_rows_of_weight_zero_are_absent():
    kept = np.arange(150) % 3 > 0
    settings = {"batch_size": 10**6, "max_iter": 20}
    weighted = plain(**settings).fit(IRIS, SPECIES, kept)
    without = plain(**settings).fit(IRIS[kept], SPECIES[kept])
    np.testing.assert_allclose(weighted.coef_, without.coef_, rtol=REORDERED, atol=REORDERED)


@pytest.mark.parametrize(
    "relabel",
    [str, float, lambda k: -k, lambda k: 5 ** (k + 1)],
    ids=["strings", "floats", "reversed", "gapped"],
)
def test_the_names_of_the_labels_do_not_matter(relabel):
    labels = [relabel(int(k)) for k in K3]
    order = np.argsort([relabel(k) for k in range(3)])
    model = plain(batch_size=32).fit(IRIS, labels)
    plainly = plain(batch_size=32).fit(IRIS, K3)
    if (order == range(3)).all():
        assert same_fit(model, plainly)
    np.testing.assert_allclose(model.coef_, plainly.coef_[order], rtol=REORDERED, atol=REORDERED)


@pytest.mark.filterwarnings("ignore::softmax_regression.ConvergenceWarning")
def test_the_default_fit_classifies_iris():
    model = SoftmaxRegression().fit(IRIS, SPECIES)
    assert np.isfinite(model.coef_).all()
    assert model.score(IRIS, SPECIES) >= 0.95
    assert PLAIN["l2"] == 0.0 != model.l2
