"""The textbook's descent, against a plain replay of it: steps, batches, schedules, momentum, l1."""

from itertools import product

import numpy as np
import pytest
from strategies import Csr, model_at, plain, thinned
from tolerances import REORDERED, SINGLE

from softmax_regression import (
    DivergenceError,
    SoftmaxRegression,
    _batches,
    cross_entropy,
    softmax,
)

RNG = np.random.default_rng(5)
N, D, K = 26, 3, 4
X = RNG.normal(size=(N, D))
Y = RNG.permutation(np.arange(N) % K)
WEIGHT = RNG.uniform(0.5, 2.0, N)


def replay(orders, rates, batch_size, weight=None, *, l1=0.0, l2=0.0, momentum=0.0):
    """Mini-batch descent by its definition: W, b, and for each epoch the mean of F over its batches."""
    weight = np.ones(N) if weight is None else weight
    W, b = np.zeros((K, D)), np.zeros(K)
    V, v = np.zeros((K, D)), np.zeros(K)
    curve = []
    for order, rate in zip(orders, rates, strict=True):
        values = []
        for start in range(0, len(order), batch_size):
            rows = order[start : start + batch_size]
            shares = weight[rows] / weight[rows].sum()
            Z = X[rows] @ W.T + b
            values.append(
                shares @ cross_entropy(Z, Y[rows]) + l1 * np.abs(W).sum() + l2 / 2 * (W**2).sum()
            )
            residual = shares[:, None] * (softmax(Z) - np.eye(K)[Y[rows]])
            V = momentum * V - rate * (residual.T @ X[rows] + l2 * W)
            v = momentum * v - rate * residual.sum(axis=0)
            moved = W + V
            shrunk = np.sign(moved) * np.maximum(np.abs(moved) - rate * l1, 0)
            V, W, b = shrunk - W, shrunk, b + v
        curve.append(np.mean(values))
    return W, b, curve


def assert_same(model, expected, tolerance=REORDERED):
    W, b, curve = expected
    np.testing.assert_allclose(model.coef_, W, rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(model.intercept_, b, rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(model.loss_curve_, curve, rtol=tolerance)


IN_ORDER = [np.arange(N)] * 6


@pytest.mark.parametrize(("batch_size", "extras"), thinned(product([1, 4, 25, 26, 27, 10**12], [
    {}, {"momentum": 0.9}, {"l2": 0.3}, {"l1": 0.05}, {"l1": 0.05, "l2": 0.1, "momentum": 0.5},
    {"weight": WEIGHT},
]), 5))  # fmt: skip
def test_every_step_is_the_textbook_s(batch_size, extras):
    settings = {key: value for key, value in extras.items() if key != "weight"}
    model = plain(batch_size=batch_size, max_iter=6, learning_rate=0.02, **settings)
    model.fit(X, Y, extras.get("weight"))
    assert_same(model, replay(IN_ORDER, [0.02] * 6, batch_size, **extras))


def test_float32_follows_float64():
    model = plain(batch_size=4, max_iter=6, momentum=0.5, l1=0.01, l2=0.1).fit(X.astype("f4"), Y)
    assert model.coef_.dtype == model.intercept_.dtype == np.float32
    expected = replay(IN_ORDER, [0.1] * 6, 4, momentum=0.5, l1=0.01, l2=0.1)
    assert_same(model, expected, SINGLE)


def test_a_schedule_gets_the_number_of_finished_epochs():
    asked = []

    def schedule(epoch):
        asked.append(epoch)
        return 0.1 / (1 + epoch)

    model = plain(learning_rate=schedule, batch_size=10, max_iter=6).fit(X, Y)
    assert asked == [0, 1, 2, 3, 4, 5]
    assert_same(model, replay(IN_ORDER, [0.1 / (1 + e) for e in range(6)], 10))


def test_shuffling_draws_a_new_order_of_all_rows_every_epoch():
    generator = np.random.default_rng(9)
    orders = [generator.permutation(N) for _ in range(6)]
    model = plain(batch_size=5, max_iter=6, shuffle=True, random_state=9).fit(X, Y, WEIGHT)
    assert_same(model, replay(orders, [0.1] * 6, 5, WEIGHT))


def test_the_order_of_a_single_batch_costs_no_random_numbers():
    """A full batch is the same sum in any order, so its seed does not matter, bit for bit."""
    fits = [plain(batch_size=N, shuffle=True, random_state=seed).fit(X, Y) for seed in (0, 1)]
    assert fits[0].coef_.tobytes() == fits[1].coef_.tobytes()


def test_the_last_smaller_batch_counts_its_own_rows():
    """Rows 25 alone make the second batch: it moves W as its own gradient says."""
    one = plain(batch_size=25, max_iter=1).fit(X, Y)
    first = plain(batch_size=25).partial_fit(X[:25], Y[:25], range(K))
    d_coef, _ = first.gradient(X[25:], Y[25:])
    np.testing.assert_allclose(one.coef_, first.coef_ - 0.1 * d_coef, rtol=REORDERED, atol=1e-15)


def test_l1_holds_weights_at_exactly_zero():
    noise = np.hstack([X, 1e-3 * RNG.normal(size=(N, 2))])
    model = plain(l1=0.05, max_iter=50, learning_rate=0.2, momentum=0.5).fit(noise, Y)
    assert (model.coef_[:, D:] == 0).all()
    assert model.coef_[:, :D].any()


@pytest.mark.parametrize(("l2", "weight"), [(0.0, None), (0.5, WEIGHT)], ids=["plain", "weighted"])
def test_full_batch_steps_within_the_curvature_bound_never_raise_f(l2, weight):
    """Steps of 1 / L for L = ½ λ_max(Σ w x xᵀ / Σ w) + l2 (Böhning, 1992), from any parameters."""
    extended = np.hstack([X, np.ones((N, 1))])
    shares = np.full(N, 1 / N) if weight is None else weight / weight.sum()
    curvature = np.linalg.eigvalsh(extended.T @ (shares[:, None] * extended))[-1] / 2 + l2
    model = plain(learning_rate=1 / curvature, l2=l2, batch_size=N, max_iter=200).fit(X, Y, weight)
    assert (np.diff(model.loss_curve_) <= 1e-15).all()


@pytest.mark.parametrize(("batch_size", "rows"), [(3, 7), (3, 12), (5, 3), (11, 4), (26, 10)])
@pytest.mark.parametrize("kind", ["labels", "probabilities", "by column", "sparse"])
def test_gathering_batches_together_or_in_pieces_changes_no_step(
    monkeypatch, batch_size, rows, kind
):
    monkeypatch.setattr(_batches, "ENTRIES", 1)
    monkeypatch.setattr(_batches, "LEAST_ROWS", rows)
    generator = np.random.default_rng(9)
    orders = [generator.permutation(N) if batch_size < N else np.arange(N) for _ in range(6)]
    given = {"by column": np.asfortranarray(X), "sparse": Csr(X)}.get(kind, X)
    targets = np.eye(K)[Y] if kind == "probabilities" else Y
    settings = {"batch_size": batch_size, "max_iter": 6, "l2": 0.3, "l1": 0.01}
    for weight in (None, WEIGHT):
        model = plain(shuffle=True, random_state=9, **settings).fit(given, targets, weight)
        expected = replay(orders, [0.1] * 6, batch_size, weight, l1=0.01, l2=0.3)
        assert_same(model, expected)


# Logits so large that an unshifted exponential would overflow or vanish


@pytest.mark.parametrize("offset", [0.0, 600.0, -100.0, -600.0, -740.0, 2000.0, -2000.0, 1e6, -1e6])
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_a_common_offset_of_the_logits_does_not_matter(offset, dtype):
    """All logits of a row moved by `offset`: the same loss and step up to the offset's rounding."""
    W, eps = RNG.normal(size=(K, D)).astype(dtype), np.finfo(dtype).eps
    steps = []
    for b in (np.zeros(K), np.full(K, offset)):
        model = model_at(W, b.astype(dtype), max_iter=1, warm_start=True, batch_size=5)
        with np.errstate(over="raise", invalid="raise", divide="raise"):
            model.fit(X.astype(dtype), Y)
        steps.append((model.coef_ - W, model.loss_curve_[0]))
    bound = 200 * eps * (1 + abs(offset))
    np.testing.assert_allclose(steps[0][0], steps[1][0], rtol=0, atol=bound)
    assert abs(steps[0][1] - steps[1][1]) <= bound


@pytest.mark.parametrize("gap", [30.0, 300.0, 1000.0, 1e5])
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_rows_of_very_different_logits_share_a_batch(gap, dtype):
    """One saturated row, one hopeless and one plain: none disturbs another's loss."""
    W = np.array([[gap], [0.0]], dtype)
    rows, labels = np.array([[1.0], [1.0], [0.0]], dtype), [0, 1, 1]
    model = model_at(W, np.zeros(2), max_iter=1, warm_start=True, learning_rate=1.0)
    model.fit(rows, labels)
    expected = (gap + np.log(2)) / 3 + np.log1p(np.exp(-gap)) * 2 / 3
    np.testing.assert_allclose(model.loss_curve_[0], expected, rtol=20 * np.finfo(dtype).eps)
    np.testing.assert_allclose(
        model.coef_[:, 0] - W[:, 0], [-1 / 3, 1 / 3], atol=gap * np.finfo(dtype).eps
    )


# Divergence


@pytest.mark.parametrize("batch_size", [5, N])
def test_divergence_names_the_epoch_and_keeps_parameters_of_finite_loss(batch_size):
    settings = {"learning_rate": 1e4, "l2": 1.0, "batch_size": batch_size, "max_iter": 1000}
    model = plain(**settings)
    with pytest.raises(DivergenceError) as caught:
        model.fit(X, Y)
    epochs = model.n_iter_
    assert caught.value.epoch == epochs + 1 == len(model.loss_curve_) + 1
    assert caught.value.learning_rate == 1e4
    assert np.isfinite(model.loss_curve_).all()
    assert np.isfinite(model.loss(X, Y))
    if batch_size == N:
        with np.errstate(over="raise"):
            assert np.isfinite(model.loss(X, Y) + (model.coef_**2).sum() / 2)
        before = plain(**settings | {"max_iter": epochs})
        with pytest.warns(UserWarning, match="too large"):
            before.fit(X, Y)
        assert (np.isfinite(before.coef_)).all()


def test_divergence_of_a_schedule_names_the_rate_of_that_epoch():
    model = plain(learning_rate=lambda epoch: 10.0 ** (300 if epoch == 3 else -3), l2=1.0)
    with pytest.raises(DivergenceError, match=r"epoch #\d.*learning_rate=1e\+300") as caught:
        model.set_params(batch_size=5).fit(X, Y)
    assert caught.value.epoch == 4
    assert model.n_iter_ == 3


def test_after_divergence_the_parameters_before_the_step_are_kept_and_a_fit_can_go_on():
    """The step of the fourth epoch leads out, which the fifth finds: three good epochs are kept."""
    settings = {"l2": 1.0, "batch_size": N, "warm_start": True}
    model = plain(learning_rate=lambda epoch: 1e300 if epoch == 3 else 0.1, **settings)
    with pytest.raises(DivergenceError, match="epoch #5"):
        model.fit(X, Y)
    three = plain(max_iter=3, **settings).fit(X, Y)
    assert (model.coef_ == three.coef_).all()
    assert (model.intercept_ == three.intercept_).all()
    loss = model.loss(X, Y)
    assert model.set_params(learning_rate=0.1).fit(X, Y).loss(X, Y) < loss


def test_parameters_that_overflow_in_the_last_batch_are_a_divergence():
    model = SoftmaxRegression(learning_rate=1e308, max_iter=1, batch_size=8)
    with pytest.raises(DivergenceError):
        model.fit(1e4 * np.eye(4)[[0, 1, 2, 3]], [0, 1, 2, 0])
    assert np.isfinite(model.coef_).all()


def test_a_first_loss_that_overflows_is_a_divergence_too():
    """Also with a `tol`, whose advice looks back over a curve that is still empty."""
    model = SoftmaxRegression(learning_rate=1e308, batch_size=1)
    with pytest.raises(DivergenceError):
        model.fit(1e4 * np.eye(4)[[0, 0, 2, 3]], [0, 1, 2, 0])
    assert np.isfinite(model.coef_).all()
