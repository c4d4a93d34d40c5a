"""What must hold for any numbers: statements on the functions, the objective and the textbook's fit.

Numbered as statements 1 to 20; the values themselves (1) are test_losses.py's, saving (16)
test_persistence.py's, and refused calls (20) test_faults.py's.
"""

import gc
import hashlib
import math
import pickle
import weakref

import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from strategies import cases, global_states, logits, matrices, model_at, plain, probability_rows
from tolerances import (
    COMPLEX_STEP,
    DIFFERENCE,
    DIFFERENCE_STEP,
    EPS,
    INEQUALITY,
    LOG_ULP,
    REORDERED,
    SUMMED,
    logit_error,
)

from softmax_regression import (
    binary_cross_entropy,
    cross_entropy,
    cross_entropy_gradient,
    log_softmax,
    softmax,
)

FULL = {"batch_size": 10**6}


def objective(model, case, l2=0.0, sample_weight=None):
    loss = model.loss(case.X, case.y, sample_weight)
    return loss + l2 / 2 * float((model.coef_**2).sum())


def flat(model_or_gradient):
    if isinstance(model_or_gradient, tuple):
        return np.concatenate([part.ravel() for part in model_or_gradient])
    return np.append(model_or_gradient.coef_, model_or_gradient.intercept_)


def close(one, other, tolerance):
    np.testing.assert_allclose(one, other, rtol=tolerance, atol=tolerance)


def safe_rate(case, l2=0.0):
    """1 / L with L = ½ λ_max([X 1]ᵀ [X 1] / n) + l2 (Böhning, 1992)."""
    extended = np.hstack([case.X, np.ones((len(case.X), 1))])
    return 1 / (np.linalg.norm(extended, 2) ** 2 / len(extended) / 2 + l2)


# 1 to 5: the functions on logits of any size


@given(logits())
def test_01_values_are_numbers_and_silent(z):
    with np.errstate(divide="raise", over="raise", invalid="raise"):
        results = [softmax(z), log_softmax(z), cross_entropy(z, np.zeros(3, int))]
        results.append(cross_entropy_gradient(z, np.zeros(3, int)))
    assert not any(np.isnan(result).any() for result in results)


@given(logits(largest=1e15), st.floats(-1e15, 1e15))
def test_02_a_shift_of_the_logits_only_rounds_them(z, shift):
    shifted = z + shift
    bound = LOG_ULP * np.spacing(np.abs(log_softmax(z))) + 2 * np.spacing(
        np.maximum(np.abs(shifted), np.abs(z)).max(axis=1, keepdims=True)
    )
    assert (np.abs(log_softmax(shifted) - log_softmax(z)) <= 2 * bound).all()


@given(logits(largest=1e300), st.data())
def test_03_bounds(z, data):
    """0 <= p <= 1, log p <= 0, CE >= 0, max z <= lse <= max z + log K, one argmax."""
    n_classes = z.shape[1]
    log_p, p = log_softmax(z), softmax(z)
    rows = data.draw(probability_rows(3, n_classes))
    assert ((p >= 0) & (p <= 1)).all()
    assert (log_p <= 0).all()
    assert (cross_entropy(z, rows) >= 0).all()
    top = z.argmax(axis=1)
    assert (log_p[range(3), top] == log_p.max(axis=1)).all()
    assert (-log_p[range(3), top] <= math.log(n_classes) * (1 + LOG_ULP * EPS)).all()
    assert (p.max(axis=1) >= 1 / n_classes * (1 - 8 * EPS)).all()


@given(logits(largest=700))
def test_04_row_sums(z):
    n_classes, log_p = z.shape[1], log_softmax(z)
    assert (abs(softmax(z).sum(axis=1) - 1) <= 4 * EPS).all()
    largest = np.minimum(abs(log_p), 40).max()  # e^-40 adds less than EPS to the sum
    bound = (n_classes + 8 + largest) * EPS
    assert (abs(np.exp(log_p).sum(axis=1) - 1) <= bound).all()


@given(cases(), st.data())
def test_05_residuals_sum_to_zero_over_the_classes(case, data):
    rows = data.draw(probability_rows(len(case.y), case.n_classes))
    z = case.X @ case.weights.T + case.intercept
    assert (abs(cross_entropy_gradient(z, rows).sum(axis=1)) <= (case.n_classes + 8) * EPS).all()
    d_coef, d_intercept = case.model().gradient(case.X, rows)
    assert abs(d_coef.sum(axis=0)).max() <= SUMMED
    assert abs(d_intercept.sum()) <= SUMMED
    trained = plain(max_iter=20, l2=0.1).fit(case.X, case.y)
    assert abs(trained.coef_.sum(axis=0)).max() <= REORDERED
    assert abs(trained.intercept_.sum()) <= REORDERED


# 6 to 8: the gradient, and what it promises


def analytic_loss(case, weights, intercept, rows, sample_weight):
    Z = case.X @ weights.T + intercept
    Z = Z - Z.real.max(axis=1, keepdims=True)
    losses = np.log(np.exp(Z).sum(axis=1)) - (rows * Z).sum(axis=1)
    return np.average(losses, weights=sample_weight)


@given(cases(), st.data())
def test_06_gradient_is_the_derivative_along_random_directions(case, data):
    rows = data.draw(probability_rows(len(case.y), case.n_classes))
    direction = data.draw(matrices(1, case.weights.size + case.n_classes, largest=1.0))[0]
    direction = direction / max(1.0, np.linalg.norm(direction))
    d_weights = direction[: case.weights.size].reshape(case.weights.shape)
    d_intercept = direction[case.weights.size :]
    slope = direction @ flat(case.model().gradient(case.X, rows, case.sample_weight))
    weights, intercept = case.weights + 1e-100j * d_weights, case.intercept + 1e-100j * d_intercept
    complex_step = analytic_loss(case, weights, intercept, rows, case.sample_weight).imag / 1e-100
    assert abs(slope - complex_step) <= COMPLEX_STEP
    h = DIFFERENCE_STEP
    ahead = model_at(case.weights + h * d_weights, case.intercept + h * d_intercept)
    behind = model_at(case.weights - h * d_weights, case.intercept - h * d_intercept)
    losses = [model.loss(case.X, rows, case.sample_weight) for model in (ahead, behind)]
    # Third derivatives reach (|x| |direction|)^3, and losses some tens of nats.
    assert abs(slope - (losses[0] - losses[1]) / (2 * h)) <= 20 * DIFFERENCE


@given(cases(), st.data(), st.sampled_from([0.0, 0.3]))
def test_07_the_objective_is_convex_and_above_its_tangents(case, data, l2):
    other = case._replace(
        weights=data.draw(matrices(*case.weights.shape)),
        intercept=data.draw(matrices(1, case.n_classes))[0],
    )
    ends = [case, other]
    middle = case._replace(
        weights=(case.weights + other.weights) / 2, intercept=(case.intercept + other.intercept) / 2
    )
    f_a, f_b = (objective(end.model(), case, l2) for end in ends)
    scale = 1 + f_a + f_b
    assert objective(middle.model(), case, l2) <= (f_a + f_b) / 2 + INEQUALITY * scale
    d_coef, d_intercept = case.model().gradient(case.X, case.y)
    slope = ((d_coef + l2 * case.weights) * (other.weights - case.weights)).sum()
    slope += d_intercept @ (other.intercept - case.intercept)
    assert f_b >= f_a + slope - 8 * INEQUALITY * (scale + abs(slope))


@given(cases(), st.sampled_from([0.0, 0.3]), st.floats(0.01, 1.0))
def test_08_a_safe_step_falls_by_at_least_half_its_promise(case, l2, share):
    """F(θ - η g) <= F(θ) - (η / 2) ‖g‖² for η <= 1 / L: a step that is not -∇F would fail."""
    rate = share * safe_rate(case, l2)
    model = case.model(learning_rate=rate, l2=l2, max_iter=1, warm_start=True, **FULL)
    before, start = objective(model, case, l2), flat(model)
    model.fit(case.X, case.y)
    step = flat(model) - start
    promised = step @ step / rate / 2
    assert objective(model, case, l2) <= before - promised + INEQUALITY * (1 + before)


# 9 to 13: symmetries


@given(arrays(float, 8, elements=st.floats(-1e4, 1e4)), st.integers(0, 1))
def test_09_two_classes_are_the_logistic_model(scores, label):
    """Equation (5.44): logits [0, s] give 1 / (1 + e^-s) and the binary cross-entropy."""
    model = model_at([[0.0], [1.0]], [0.0, 0.0])
    rows = scores[:, None]
    with np.errstate(over="ignore"):
        logistic = 1 / (1 + np.exp(-scores))
    # e^-s inherits the rounding of nothing here; division and sum add two roundings.
    np.testing.assert_allclose(
        model.predict_proba(rows)[:, 1], logistic, rtol=16 * EPS, atol=1e-300
    )
    assert (model.decision_function(rows) == scores).all()
    mean = binary_cross_entropy(scores, np.full(8, label)).mean()
    assert math.isclose(model.loss(rows, np.full(8, label)), mean, rel_tol=16 * EPS)


@given(cases(), st.sampled_from([0.0, 0.2]))
def test_10_integer_weights_are_repeated_rows(case, l2):
    counts = case.sample_weight.astype(int)
    X, y = case.X.repeat(counts, axis=0), case.y.repeat(counts)
    model = case.model()
    assert math.isclose(model.loss(case.X, case.y, counts), model.loss(X, y), rel_tol=SUMMED)
    both = model.gradient(case.X, case.y, counts), model.gradient(X, y)
    close(flat(both[0]), flat(both[1]), SUMMED)
    one = plain(l2=l2, **FULL).fit(case.X, case.y, counts)
    other = plain(l2=l2, **FULL).fit(X, y)
    close(flat(one), flat(other), REORDERED)


@given(cases(), st.integers(0, 15))
def test_10_a_row_of_weight_zero_is_not_there(case, place):
    assume(np.bincount(case.y)[case.y[place % len(case.y)]] > 1)
    weight = case.sample_weight.copy()
    weight[place % len(weight)] = 0
    kept = weight > 0
    model = case.model()
    close(model.loss(case.X, case.y, weight),
          model.loss(case.X[kept], case.y[kept], weight[kept]), SUMMED)  # fmt: skip
    one = plain(**FULL).fit(case.X, case.y, weight)
    other = plain(**FULL).fit(case.X[kept], case.y[kept], weight[kept])
    close(flat(one), flat(other), REORDERED)


@given(cases(), st.floats(1e-300, 1e300))
def test_10_scaled_weights_are_the_same_weights(case, factor):
    model = case.model()
    weight = case.sample_weight
    losses = [model.loss(case.X, case.y, scale * weight) for scale in (1, factor)]
    assert math.isclose(*losses, rel_tol=SUMMED, abs_tol=SUMMED)
    one, other = (plain(**FULL).fit(case.X, case.y, s * weight) for s in (1, factor))
    close(flat(one), flat(other), REORDERED)


@given(cases(), st.randoms(use_true_random=False))
def test_11_the_order_of_rows_features_and_classes_does_not_matter(case, random):
    def order(n):
        return np.array(random.sample(range(n), n))

    rows, features, classes = order(len(case.y)), order(case.X.shape[1]), order(case.n_classes)
    one = plain(**FULL).fit(case.X, case.y)
    by_row = plain(**FULL).fit(case.X[rows], case.y[rows])
    close(flat(one), flat(by_row), REORDERED)
    by_feature = plain(**FULL).fit(case.X[:, features], case.y)
    close(one.coef_[:, features], by_feature.coef_, REORDERED)
    by_class = plain(**FULL).fit(case.X, classes[case.y])
    close(one.coef_, by_class.coef_[classes], REORDERED)
    close(one.loss_curve_, by_class.loss_curve_, REORDERED)


@given(cases())
def test_11_strings_integers_and_floats_give_the_same_bits(case):
    by_number = plain(batch_size=3).fit(case.X, case.y)
    for labels in (case.y.astype(str), case.y.astype(float), case.y.astype("u1"), case.y - 7,
                   case.y.astype(str).astype(object), list(map(int, case.y))):  # fmt: skip
        other = plain(batch_size=3).fit(case.X, labels)
        assert flat(by_number).tobytes() == flat(other).tobytes()


@given(cases(), st.integers(-60, 60))
def test_12_powers_of_two_scale_exactly(case, exponent):
    scale = 2.0**exponent
    one, other = case.model(), model_at(case.weights / scale, case.intercept)
    X = case.X * scale
    assert (one.decision_function(case.X) == other.decision_function(X)).all()
    d_one, d_other = one.gradient(case.X, case.y), other.gradient(X, case.y)
    assert (d_one[0] * scale == d_other[0]).all()
    assert (d_one[1] == d_other[1]).all()


@given(cases())
def test_13_a_zero_feature_keeps_its_column_at_the_start(case):
    X = case.X.copy()
    X[:, 0] = 0
    assert not plain(momentum=0.5, batch_size=3).fit(X, case.y).coef_[:, 0].any()


@given(cases())
def test_13_a_repeated_feature_gets_equal_weights(case):
    X = np.hstack([case.X, case.X[:, :1]])
    model = plain(l2=0.1).fit(X, case.y)
    close(model.coef_[:, 0], model.coef_[:, -1], REORDERED)


@given(logits(largest=100), st.integers(0, 12))
def test_13_a_class_of_logit_minus_infinity_is_absent(z, place):
    wider = np.insert(z, place % (z.shape[1] + 1), -np.inf, axis=1)
    kept = np.isfinite(wider[0])
    np.testing.assert_array_max_ulp(softmax(wider)[:, kept], softmax(z), 16)
    assert not softmax(wider)[:, ~kept].any()


@given(cases(), st.sampled_from([0.0, 0.2]), st.sampled_from([np.float64, np.float32]))
def test_13_one_hot_rows_are_labels_bitwise(case, smoothing, dtype):
    settings = {"label_smoothing": smoothing, "batch_size": 3}
    X, rows = case.X.astype(dtype), np.eye(case.n_classes)[case.y]
    one = plain(**settings).fit(X, case.y, case.sample_weight)
    other = plain(**settings).fit(X, rows, case.sample_weight)
    assert flat(one).tobytes() == flat(other).tobytes()
    assert one.loss(X, case.y) == other.loss(X, rows)


# 14 and 15: the ways of fitting


@given(cases(), st.integers(1, 5), st.integers(1, 3), st.sampled_from([0.0, 0.9]))
def test_14_partial_fit_in_aligned_chunks_is_an_epoch_of_fit_bitwise(case, batch, chunk, momentum):
    settings = {"batch_size": batch, "momentum": momentum, "l2": 0.1}
    whole = plain(max_iter=1, **settings).fit(case.X, case.y, case.sample_weight)
    pieces = plain(**settings)
    for start in range(0, len(case.y), batch * chunk):
        rows = slice(start, start + batch * chunk)
        pieces.partial_fit(
            case.X[rows], case.y[rows], range(case.n_classes), case.sample_weight[rows]
        )
    assert flat(whole).tobytes() == flat(pieces).tobytes()


@given(cases(), st.integers(0, 4), st.integers(0, 4), st.booleans(), st.sampled_from([0.0, 0.9]))
def test_15_fits_repeat_and_continue_bitwise(case, a, b, shuffle, momentum):
    settings = {"batch_size": 3, "shuffle": shuffle, "random_state": 0, "momentum": momentum}
    rate = 1e-3  # small, so that no epoch rises far enough to be warned of
    model = plain(max_iter=a + b, learning_rate=rate, **settings)
    once = flat(model.fit(case.X, case.y))
    assert flat(model.fit(case.X, case.y)).tobytes() == once.tobytes()
    clone = type(model)(**model.get_params()).fit(case.X, case.y)
    assert flat(clone).tobytes() == once.tobytes()
    assert flat(pickle.loads(pickle.dumps(model))).tobytes() == once.tobytes()
    twice = plain(max_iter=a, learning_rate=rate, warm_start=True, **settings).fit(case.X, case.y)
    twice.set_params(max_iter=b).fit(case.X, case.y)
    assert flat(twice).tobytes() == once.tobytes()
    assert twice.loss_curve_.tolist() == model.loss_curve_.tolist()


# 17 to 19: what a fit leaves alone, and what a prediction is


@given(cases(), st.booleans())
def test_17_inputs_and_global_states_stay_and_no_reference_is_kept(case, fortran):
    X = np.array(case.X, order="F" if fortran else "C")
    y, weight = case.y.copy(), case.sample_weight.copy()
    for array in (X, y, weight):
        array.flags.writeable = False

    def state(*inputs):
        hashes = [hashlib.sha256(array.tobytes()).digest() for array in inputs]
        return hashes, global_states()

    before = state(X, y, weight)
    model = plain(batch_size=3, shuffle=True).fit(X, y, weight, validation_data=(X, y))
    model.partial_fit(X, y).predict_proba(X)
    model.loss(X, y, weight)
    assert state(X, y, weight) == before
    alive = weakref.ref(X)
    del X
    if alive() is not None:
        gc.collect()
    assert alive() is None


def test_18_a_tie_goes_to_the_first_class():
    model = model_at(np.zeros((3, 1)), [0.0, 1.0, 1.0])
    assert model.predict([[0.0], [5.0]]).tolist() == [1, 1]
    assert model_at(np.zeros((2, 1)), [1.0, 1.0]).predict([[0.0]]) == [0]


@given(cases())
def test_18_predictions_agree_with_each_other(case):
    model, X, y = case.model(), case.X, case.y
    Z = X @ model.coef_.T + model.intercept_
    decision = model.decision_function(X)
    expected = Z[:, 1] - Z[:, 0] if Z.shape[1] == 2 else Z
    error = logit_error(X, model.coef_, model.intercept_)
    assert (abs(decision - expected) <= 4 * error.max()).all()
    if decision.ndim == 2:
        assert (model.predict(X) == model.classes_[decision.argmax(axis=1)]).all()
        assert (model.predict_log_proba(X) == log_softmax(decision)).all()
    else:
        sure = abs(decision) > 4 * error.max()
        assert (model.predict(X)[sure] == model.classes_[(decision > 0).astype(int)][sure]).all()
    np.testing.assert_allclose(
        model.predict_proba(X), np.exp(model.predict_log_proba(X)), rtol=64 * EPS, atol=1e-300
    )
    assert model.score(X, y) == np.mean(model.predict(X) == y)


@given(cases())
def test_19_the_zero_model_knows_nothing(case):
    model = plain(max_iter=0).fit(case.X, case.y)
    log_k = math.log(case.n_classes)
    assert abs(model.loss(case.X, case.y) - log_k) <= 4 * math.ulp(log_k)
    uniform = np.full((len(case.y), case.n_classes), 1 / case.n_classes)
    np.testing.assert_array_max_ulp(model.predict_proba(case.X), uniform, 1)
    assert model.n_iter_ == len(model.loss_curve_) == 0
