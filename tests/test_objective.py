"""The objective: its value, its derivative in three independent ways, and what it does not depend on.

`model.loss` and `model.gradient` are the data term of F; F with the penalty and its gradient are seen
through `fit`: the loss curve of a full batch is F, and a step of rate 1 is -∇F.
"""

import numpy as np
import pytest
from strategies import Csr, model_at, objective_of, plain
from tolerances import (
    COMPLEX_STEP,
    DIFFERENCE,
    DIFFERENCE_STEP,
    EPS32,
    REORDERED,
    SUMMED,
    WRONG_SHARE,
)

from softmax_regression import cross_entropy, cross_entropy_gradient
from softmax_regression._likelihood.targets import Labels, ProbabilityRows
from softmax_regression._parameters import Parameters

RNG = np.random.default_rng(11)
N, D, K = 23, 4, 3
X = RNG.normal(size=(N, D))
Y = RNG.permutation(np.arange(N) % K)
ROWS = RNG.dirichlet(np.ones(K), size=N)
WEIGHT = RNG.uniform(0.1, 2.0, N)
W, B = RNG.normal(size=(K, D)), RNG.normal(size=K)
TARGETS = {"labels": Y, "one_hot": np.eye(K)[Y], "soft": ROWS}
WEIGHTS = {"equal": None, "weighted": WEIGHT}


def one_hot(y):
    return np.eye(K)[y] if np.ndim(y) == 1 else y


def analytic_loss(weights, intercept, y, sample_weight=None):
    """The loss as an analytic function of complex parameters: maxima are taken on real parts."""
    Z = X @ weights.T + intercept
    Z = Z - Z.real.max(axis=1, keepdims=True)
    losses = np.log(np.exp(Z).sum(axis=1)) - (one_hot(y) * Z).sum(axis=1)
    return np.average(losses, weights=sample_weight)


def directions():
    """Every coordinate of (W, b), then some random directions."""
    for k in range(K):
        for j in range(D + 1):
            step = np.zeros((K, D + 1))
            step[k, j] = 1.0
            yield step[:, :D], step[:, D]
    for _ in range(5):
        step = RNG.normal(size=(K, D + 1))
        yield step[:, :D], step[:, D]


def central_difference(loss, step):
    """The derivative of loss(W, b) at (W, B) along a direction."""
    h_weights, h_intercept = (DIFFERENCE_STEP * part for part in step)
    above, below = loss(W + h_weights, B + h_intercept), loss(W - h_weights, B - h_intercept)
    return (above - below) / (2 * DIFFERENCE_STEP)


def agrees(gradient, derivative, tolerance):
    """Tell whether a gradient (d_coef, d_intercept) is the derivative, along every direction."""
    return all(
        abs((gradient[0] * step[0]).sum() + gradient[1] @ step[1] - derivative(step)) <= tolerance
        for step in directions()
    )


def model_loss(y, weight):
    return lambda weights, intercept: model_at(weights, intercept).loss(X, y, weight)


@pytest.mark.parametrize("targets", TARGETS)
@pytest.mark.parametrize("weights", WEIGHTS)
def test_gradient_is_the_central_difference_of_loss(targets, weights):
    y, weight = TARGETS[targets], WEIGHTS[weights]
    gradient = model_at(W, B).gradient(X, y, weight)
    loss = model_loss(y, weight)
    assert agrees(gradient, lambda step: central_difference(loss, step), DIFFERENCE)


@pytest.mark.parametrize("targets", TARGETS)
@pytest.mark.parametrize("weights", WEIGHTS)
def test_gradient_is_the_complex_step_derivative(targets, weights):
    y, weight = TARGETS[targets], WEIGHTS[weights]
    gradient = model_at(W, B).gradient(X, y, weight)

    def derivative(step):
        return analytic_loss(W + 1e-100j * step[0], B + 1e-100j * step[1], y, weight).imag / 1e-100

    assert agrees(gradient, derivative, COMPLEX_STEP)


@pytest.mark.parametrize("part", [0, 1])
@pytest.mark.parametrize("tolerance", [DIFFERENCE, COMPLEX_STEP])
def test_the_gradient_checks_refuse_a_gradient_wrong_by_a_thousandth(part, tolerance):
    gradient = list(model_at(W, B).gradient(X, Y))
    gradient[part] = gradient[part] * (1 + WRONG_SHARE)
    loss = model_loss(Y, None)
    assert not agrees(gradient, lambda step: central_difference(loss, step), tolerance)


@pytest.mark.parametrize("index", [(0, 0), (K - 1, D - 1)])
def test_the_gradient_checks_refuse_a_single_wrong_entry(index):
    d_coef, d_intercept = model_at(W, B).gradient(X, Y)
    d_coef[index] *= 1 + WRONG_SHARE
    loss = model_loss(Y, None)
    wrong = (d_coef, d_intercept)
    assert not agrees(wrong, lambda step: central_difference(loss, step), DIFFERENCE)


@pytest.mark.parametrize("targets", TARGETS)
@pytest.mark.parametrize("weights", WEIGHTS)
def test_loss_and_gradient_are_the_weighted_means_of_the_functions(targets, weights):
    """(5.48): the mean of (ŷ - t) xᵀ, and equation (5.46)'s or (5.45)'s mean."""
    y, weight = TARGETS[targets], WEIGHTS[weights]
    model, Z = model_at(W, B), X @ W.T + B
    shares = np.full(N, 1 / N) if weight is None else weight / weight.sum()
    residual = shares[:, None] * cross_entropy_gradient(Z, y)
    d_coef, d_intercept = model.gradient(X, y, weight)
    assert abs(model.loss(X, y, weight) - shares @ cross_entropy(Z, y)) <= SUMMED
    np.testing.assert_allclose(d_coef, residual.T @ X, rtol=0, atol=SUMMED)
    np.testing.assert_allclose(d_intercept, residual.sum(axis=0), rtol=0, atol=SUMMED)


def test_the_means_of_repeated_rows_are_those_of_the_rows():
    """So often that the rows are worked on in several blocks."""
    times = 4_000
    model, many = model_at(W, B), np.tile(X, (times, 1))
    y, weight = np.tile(Y, times), np.tile(WEIGHT, times)
    assert abs(model.loss(many, y, weight) - model.loss(X, Y, WEIGHT)) <= 1e-12
    for found, expected in zip(
        model.gradient(many, y, weight), model.gradient(X, Y, WEIGHT), strict=True
    ):
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)


def test_one_vector_holds_w_row_by_row_and_then_b():
    theta = Parameters(W, B).joined()
    assert theta.tolist() == [*W.ravel(), *B]
    parts = Parameters.split(theta, K)
    assert all(np.shares_memory(part, theta) for part in parts)
    assert (parts.weights == W).all()
    assert (parts.intercept == B).all()


def test_gradient_is_float64_and_close_for_float32_parameters():
    model = model_at(W.astype("f4"), B.astype("f4"))
    d_coef, d_intercept = model.gradient(X.astype("f4"), Y)
    assert d_coef.dtype == d_intercept.dtype == np.float64
    exact = model_at(model.coef_.astype("f8"), model.intercept_).gradient(X.astype("f4"), Y)
    np.testing.assert_allclose(d_coef, exact[0], rtol=0, atol=20 * EPS32)


def objective(weights, intercept, y, sample_weight=None, *, l1=0.0, l2=0.0):
    penalty = l1 * np.abs(weights).sum() + l2 / 2 * (weights**2).sum()
    return analytic_loss(weights, intercept, y, sample_weight) + penalty


def one_step(y, sample_weight=None, **settings):
    """F at (W, B) and the step taken from there: a full batch at rate 1 moves by -∇F."""
    model = model_at(W, B, learning_rate=1.0, max_iter=1, warm_start=True, **settings)
    model.fit(X, y, sample_weight)
    return model.loss_curve_[0], (W - model.coef_, B - model.intercept_)


@pytest.mark.parametrize("targets", TARGETS)
@pytest.mark.parametrize("weights", WEIGHTS)
@pytest.mark.parametrize("l2", [0.0, 0.3])
def test_fit_minimises_f_and_steps_along_its_gradient(targets, weights, l2):
    """The first entry of the loss curve is F, the step is -∇F, intercept unpenalised."""
    y, weight = TARGETS[targets], WEIGHTS[weights]
    value, gradient = one_step(y, weight, l2=l2)
    assert abs(value - objective(W, B, y, weight, l2=l2)) <= SUMMED

    def derivative(step):
        changed = W + 1e-100j * step[0], B + 1e-100j * step[1]
        return objective(*changed, y, weight, l2=l2).imag / 1e-100

    assert agrees(gradient, derivative, COMPLEX_STEP)


def test_the_loss_curve_holds_the_l1_penalty():
    value, _ = one_step(Y, l1=0.2, l2=0.1)
    assert abs(value - objective(W, B, Y, l1=0.2, l2=0.1)) <= SUMMED


@pytest.mark.parametrize("smoothing", [0.1, 0.9])
@pytest.mark.parametrize("targets", ["labels", "soft"])
def test_label_smoothing_spreads_its_share_over_the_classes(smoothing, targets):
    """Smoothed targets are (1 - s) t + s / K: the same F and step as fitting those rows."""
    y = TARGETS[targets]
    spread = (1 - smoothing) * one_hot(y) + smoothing / K
    value, gradient = one_step(y, label_smoothing=smoothing)
    expected_value, expected = one_step(spread)
    assert abs(value - expected_value) <= SUMMED
    for one, other in zip(gradient, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=SUMMED)


def test_loss_has_no_smoothing_penalty_or_class_weight():
    settings = {"l2": 0.5, "l1": 0.5, "label_smoothing": 0.5, "class_weight": {0: 9.0}}
    assert model_at(W, B, **settings).loss(X, Y) == model_at(W, B).loss(X, Y)
    both = model_at(W, B, **settings).gradient(X, Y), model_at(W, B).gradient(X, Y)
    assert (both[0][0] == both[1][0]).all()


@pytest.mark.parametrize("class_weight", [{0: 2.0, 2: 0.5}, "balanced"])
@pytest.mark.parametrize("targets", ["labels", "one_hot", "soft"])
def test_class_weight_multiplies_what_a_row_says_of_each_class(class_weight, targets):
    """A row is -Σ_k c_k t_k log ŷ_k of weight Σ_k c_k t_k; "balanced" is c_k ~ 1 / Σ w t_k."""
    y = TARGETS[targets]
    if class_weight == "balanced":
        totals = WEIGHT @ one_hot(y)
        factors = totals.sum() / (K * totals)
    else:
        factors = np.array([class_weight.get(k, 1.0) for k in range(K)])
    value, gradient = one_step(y, WEIGHT, class_weight=class_weight)
    weighted = one_hot(y) * factors
    total = weighted.sum(axis=1)
    expected_value, expected = one_step(weighted / total[:, None], WEIGHT * total)
    assert abs(value - expected_value) <= SUMMED
    np.testing.assert_allclose(gradient[0], expected[0], rtol=0, atol=SUMMED)


def test_balanced_classes_weigh_the_same():
    """At zero parameters ŷ = 1 / K, so balanced classes have no gradient of b."""
    y = np.array([0] * 15 + [1] * 6 + [2] * 2)
    model = plain(learning_rate=1.0, max_iter=1, class_weight="balanced").fit(X, y)
    np.testing.assert_allclose(model.intercept_, 0, atol=SUMMED)


def test_class_weight_names_string_labels():
    names = np.array(["a", "b", "c"])[Y]
    one = plain(class_weight={np.str_("a"): 2.0, "c": 0.5}).fit(X, names)
    other = plain(class_weight={np.int64(0): 2.0, 2: 0.5}).fit(X, Y)
    assert (one.coef_ == other.coef_).all()


@pytest.mark.parametrize("batch_size", [1, 2, 7, N, 10**9])
def test_the_penalty_does_not_depend_on_the_batch_size(batch_size):
    """Where all rows are the same, so are all batches: their F is F, whatever their size."""
    rows, labels = np.tile(X[:1], (14, 1)), np.ones(14, int)
    settings = {"l1": 0.3, "l2": 0.7, "batch_size": batch_size, "learning_rate": 1e-300}
    model = model_at(W[:2], B[:2], max_iter=1, warm_start=True, **settings)
    targets = np.eye(2)[labels]
    model.fit(rows, targets)
    Z = X[0] @ W[:2].T + B[:2]
    expected = cross_entropy(Z, 1) + 0.3 * np.abs(W[:2]).sum() + 0.35 * (W[:2] ** 2).sum()
    assert abs(model.loss_curve_[0] - expected) <= SUMMED


@pytest.mark.parametrize("batch_size", [1, 5, 23])
def test_one_small_step_per_batch_decays_the_weights_alike(batch_size):
    """Without data (zero features) each step multiplies W by 1 - rate · l2, batch size or not."""
    zeros, rate, l2 = np.zeros_like(X), 0.01, 0.5
    model = model_at(W, B, learning_rate=rate, l2=l2, batch_size=batch_size, max_iter=1)
    model.set_params(warm_start=True).fit(zeros, Y)
    n_steps = -(-N // batch_size)
    np.testing.assert_allclose(model.coef_, W * (1 - rate * l2) ** n_steps, rtol=REORDERED)


@pytest.mark.parametrize("settings", [{}, {"sample_weight": WEIGHT}])
@pytest.mark.parametrize("batch_size", [5, 7, 23])
def test_the_loss_curve_is_the_mean_over_batches_of_f_before_each_step(settings, batch_size):
    """Replayed batch by batch through partial_fit, with F of every batch from `objective`'s parts."""
    weight = settings.get("sample_weight", np.ones(N))
    kind = {"batch_size": batch_size, "l2": 0.2, "l1": 0.01, "learning_rate": 0.2}
    model = plain(max_iter=1, **kind).fit(X, Y, **settings)
    replay, values = plain(**kind), []
    for start in range(0, N, batch_size):
        rows = slice(start, start + batch_size)
        if start == 0:
            data, penalty = np.log(K), 0.0
        else:
            data = replay.loss(X[rows], Y[rows], weight[rows])
            coef = replay.coef_
            penalty = 0.01 * np.abs(coef).sum() + 0.1 * (coef**2).sum()
        values.append(data + penalty)
        replay.partial_fit(X[rows], Y[rows], range(K), weight[rows])
    np.testing.assert_allclose(model.loss_curve_, [np.mean(values)], rtol=REORDERED)
    assert (model.coef_ == replay.coef_).all()


def test_sums_over_blocks_add_up():
    """The loss of many rows is that of its parts, weighted: nothing is lost at block borders."""
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(60_000, D))
    labels = rng.integers(K, size=len(rows))
    model = model_at(W, B)
    parts = np.array_split(np.arange(len(rows)), 7)
    shares = [len(part) / len(rows) for part in parts]
    means = [model.loss(rows[part], labels[part]) for part in parts]
    assert abs(model.loss(rows, labels) - np.dot(shares, means)) <= SUMMED
    gradients = [model.gradient(rows[part], labels[part])[0] for part in parts]
    mean = np.tensordot(shares, gradients, axes=1)
    np.testing.assert_allclose(model.gradient(rows, labels)[0], mean, rtol=0, atol=SUMMED)
    np.testing.assert_allclose(
        model.predict_proba(rows)[::997],
        np.vstack([model.predict_proba(row[None]) for row in rows[::997]]),
        rtol=REORDERED,
    )


def test_a_row_of_weight_zero_is_absent_even_where_its_loss_is_infinite():
    """Logits 1e308 and -1e308 make a loss of 2e308, which is inf, and 0 · inf would be NaN."""
    model = model_at([[1e308], [-1e308]], [0.0, 0.0])
    rows = [[1.0], [0.0]]
    assert model.loss(rows, [1, 1], [1, 1]) == np.inf
    assert abs(model.loss(rows, [1, 1], [0, 1]) - np.log(2)) <= SUMMED


def test_without_an_intercept_b_stays_zero():
    model = plain(fit_intercept=False, momentum=0.5).fit(X + 3, Y)
    assert not model.intercept_.any()
    assert model.coef_.any()
    extended = plain(momentum=0.5, fit_intercept=False).fit(np.hstack([X, np.ones((N, 1))]), Y)
    with_intercept = plain(momentum=0.5).fit(X, Y)
    np.testing.assert_allclose(extended.coef_[:, -1], with_intercept.intercept_, rtol=REORDERED)


# F in the solver's coordinates


@pytest.mark.parametrize("kind", [np.asarray, Csr], ids=["dense", "sparse"])
@pytest.mark.parametrize("weight", WEIGHTS.values(), ids=WEIGHTS)
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize(
    "targets",
    [Labels(Y, K), Labels(Y, K, 0.2), ProbabilityRows(ROWS)],
    ids=["labels", "smooth", "soft"],
)
def test_without_weights_f_is_what_the_rows_say(kind, weight, fit_intercept, targets):
    F = objective_of(kind(X), targets, weight, fit_intercept, l2=0.1)
    theta = np.zeros((K, D + fit_intercept))
    theta[:, D:] = RNG.normal(size=(K, 1))
    found, expected = F.constant(theta), F.at(theta)
    np.testing.assert_allclose(found.value, expected.value, rtol=REORDERED)
    np.testing.assert_allclose(found.gradient, expected.gradient, atol=REORDERED)


def test_the_class_frequencies_are_the_minimum_without_weights():
    F = objective_of(X, Labels(Y, K), WEIGHT)
    point = F.constant(F.class_frequencies())
    np.testing.assert_allclose(point.gradient[:, -1], 0.0, atol=REORDERED)
