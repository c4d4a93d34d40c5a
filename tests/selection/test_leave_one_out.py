"""Leave-one-out in closed form: published numbers, a plain Newton step, identities, refusals."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from newton import optimum
from selection.references import cases
from strategies import thinned, unless_fast

from softmax_regression import SoftmaxRegression, softmax
from softmax_regression._selection import one_step, prepared, question

SEEDS = st.integers(0, 2**32 - 1)
CASES = thinned(cases(), 4)
IDS = [f"{name} {model['l2']:g}" for name, model, *_ in CASES]


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_every_row_has_the_reference_loss_in_closed_form_and_refitted(case):
    _, expected, X, y, weight = case
    model = SoftmaxRegression(l2=expected["l2"]).fit(X, y, weight)
    approximate = model.leave_one_out(X, y, weight)
    np.testing.assert_allclose(approximate.losses, expected["alo_rows"], rtol=0, atol=1e-8)
    assert approximate.loss == pytest.approx(expected["alo_loss"], abs=1e-9)
    assert approximate.training_loss == pytest.approx(expected["train_loss"], abs=1e-9)
    if not unless_fast(True):
        some = model.leave_one_out(X, y, weight, exact=30, random_state=0)
        refitted = np.array(expected["loo_rows"])[some.exact_rows]
        np.testing.assert_allclose(some.losses[some.exact_rows], refitted, rtol=0, atol=2e-9)
        return
    exact = model.leave_one_out(X, y, weight, exact=150)
    np.testing.assert_allclose(exact.losses, expected["loo_rows"], rtol=0, atol=2e-9)
    assert exact.loss == pytest.approx(expected["loo_loss"], abs=1e-9)
    assert exact.correction_error == 0.0
    error = approximate.loss - expected["loo_loss"]
    assert exact.correction == pytest.approx(-error, abs=1e-9)


def drawn(seed, n=40, d=3, n_classes=3):
    """Rows whose classes overlap, every class at least thrice, with weights."""
    generator = np.random.default_rng(seed)
    X = generator.normal(size=(n, d))
    logits = X @ generator.normal(size=(d, n_classes))
    y = (logits + generator.gumbel(size=logits.shape)).argmax(axis=1)
    y[: 3 * n_classes] = np.arange(3 * n_classes) % n_classes
    return generator, X, y, generator.uniform(0.5, 2.0, n)


def newton_step_without(X, T, parameters, l2, weight, *, out, ridge_weight):
    """Logits of the rows `out` after one dense Newton step on F without them, K classes at once.

    `ridge_weight` is the weight of the penalty in the Hessian.
    """
    weights, intercept = parameters
    n, K = T.shape
    A = np.column_stack([X, np.ones(n)])
    theta = np.column_stack([weights, intercept])
    D = A.shape[1]
    P = softmax(A @ theta.T)
    kept = np.setdiff1d(np.arange(n), out)
    penalised = np.diag(np.append(np.ones(D - 1), 0.0))
    gradient = ((P - T) * weight[:, None])[kept].T @ A[kept]
    gradient += weight[kept].sum() * l2 * theta @ penalised
    hessian = np.kron(np.eye(K), ridge_weight * l2 * penalised) + 1e-9 * np.kron(
        np.ones((K, K)), np.diag(np.append(np.zeros(D - 1), 1.0))
    )
    for i in kept:
        curvature = np.diag(P[i]) - np.outer(P[i], P[i])
        hessian += weight[i] * np.kron(curvature, np.outer(A[i], A[i]))
    step = np.linalg.solve(hessian, gradient.ravel()).reshape(theta.shape)
    return A[out] @ (theta - step).T


@given(SEEDS, st.sampled_from([3.0, 0.1, 0.003]), st.booleans())
def test_a_row_is_left_out_by_one_newton_step_on_f_without_it(seed, l2, soft):
    generator, X, y, weight = drawn(seed, n_classes=4 if soft else 3)
    T = np.eye(y.max() + 1)[y]
    if soft:
        T = 0.7 * T + 0.3 * generator.dirichlet(np.ones(T.shape[1]), len(y))
    model = SoftmaxRegression(l2=l2).fit(X, T, weight)
    held = model.leave_one_out(X, T, weight)
    W, b, _ = optimum(X, T, l2, weight)
    ridge = weight.sum() - weight @ weight / weight.sum()
    for i in generator.integers(0, len(y), 3):
        logits = newton_step_without(
            X, T, (W, b), l2, weight, out=np.array([i]), ridge_weight=ridge
        )
        np.testing.assert_allclose(held.probabilities[i], softmax(logits)[0], atol=1e-8)


@given(SEEDS)
def test_a_group_is_left_out_by_one_newton_step_on_f_without_it(seed):
    _, X, y, weight = drawn(seed)
    groups = np.arange(len(y)) % 7
    T = np.eye(3)[y]
    held = SoftmaxRegression(l2=0.05).fit(X, y, weight).leave_one_out(X, y, weight, groups=groups)
    W, b, _ = optimum(X, T, 0.05, weight)
    out = np.flatnonzero(groups == 2)
    ridge = weight.sum() - weight[out].sum()
    logits = newton_step_without(X, T, (W, b), 0.05, weight, out=out, ridge_weight=ridge)
    np.testing.assert_allclose(held.probabilities[out], softmax(logits), atol=1e-8)
    assert np.isnan(held.leverage).all()


@given(SEEDS)
def test_groups_of_one_row_are_rows_where_weights_are_equal(seed):
    _, X, y, _ = drawn(seed)
    model = SoftmaxRegression(l2=0.02).fit(X, y)
    rows, groups = model.leave_one_out(X, y), model.leave_one_out(X, y, groups=range(len(y)))
    np.testing.assert_allclose(groups.probabilities, rows.probabilities, atol=1e-9)
    assert groups.standard_error == pytest.approx(rows.standard_error, rel=1e-7)


@given(SEEDS)
def test_the_order_of_rows_and_classes_and_the_scale_of_columns_do_not_matter(seed):
    generator, X, y, weight = drawn(seed)
    held = SoftmaxRegression(l2=0.02).fit(X, y, weight).leave_one_out(X, y, weight)
    order = generator.permutation(len(y))
    moved = SoftmaxRegression(l2=0.02 * 9.0).fit(3.0 * X[order] + 5.0, 2 - y[order], weight[order])
    other = moved.leave_one_out(3.0 * X[order] + 5.0, 2 - y[order], 7.0 * weight[order])
    np.testing.assert_allclose(
        other.probabilities, held.probabilities[order][:, ::-1], rtol=0, atol=1e-8
    )
    np.testing.assert_allclose(other.losses, held.losses[order], atol=1e-8)
    np.testing.assert_allclose(other.leverage, held.leverage[order], atol=1e-8)
    assert other.loss == pytest.approx(held.loss, abs=1e-9)
    assert other.standard_error == pytest.approx(held.standard_error, abs=1e-9)


@given(SEEDS, st.booleans())
def test_more_columns_than_rows_change_nothing(seed, fit_intercept):
    """The row space has the same inner products: columns that repeat others, each a share."""
    _, X, y, weight = drawn(seed, n=24, d=8)
    wide = np.tile(X, (1, 8)) / np.sqrt(8.0)
    one, other = (
        SoftmaxRegression(l2=0.05, fit_intercept=fit_intercept)
        .fit(each, y, weight)
        .leave_one_out(each, y, weight)
        for each in (X, wide)
    )
    np.testing.assert_allclose(one.probabilities, other.probabilities, rtol=0, atol=1e-7)


def test_rows_in_their_row_space_have_the_same_losses(monkeypatch):
    generator = np.random.default_rng(3)
    X, y = generator.normal(size=(30, 70)), np.arange(30) % 3
    model = SoftmaxRegression(l2=0.5).fit(X, y)
    turned = model.leave_one_out(X, y, exact=3, random_state=1)
    monkeypatch.setattr(prepared.RowSpace, "pays", lambda _: False)
    plain = model.leave_one_out(X, y, exact=3, random_state=1)
    np.testing.assert_allclose(turned.probabilities, plain.probabilities, rtol=0, atol=1e-8)
    np.testing.assert_allclose(turned.leverage, plain.leverage, rtol=0, atol=1e-8)


def test_sums_over_packed_products_are_those_over_pairs(monkeypatch):
    generator = np.random.default_rng(4)
    X, y = generator.normal(size=(200, 5)), np.arange(200) % 6
    model = SoftmaxRegression(l2=0.05).fit(X, y)
    packed = model.leave_one_out(X, y)
    monkeypatch.setattr(one_step, "MANY_FACTORS", 1000)
    monkeypatch.setattr(one_step, "CHUNK_ENTRIES", 1)
    pairs = model.leave_one_out(X, y)
    np.testing.assert_allclose(packed.probabilities, pairs.probabilities, rtol=0, atol=1e-12)


def test_leverage_is_the_largest_eigenvalue_of_what_a_row_does_to_its_logits():
    _, X, y, weight = drawn(5)
    model = SoftmaxRegression(l2=0.05).fit(X, y, weight)
    leverage = model.leave_one_out(X, y, weight).leverage
    W, b, _ = optimum(X, np.eye(3)[y], 0.05, weight)
    A = np.column_stack([X, np.ones(len(y))])
    P = softmax(A @ np.column_stack([W, b]).T)
    total = weight.sum()
    G = np.zeros((12, 12))
    for p, x, w in zip(P, A, weight, strict=True):
        G += w * np.kron(np.diag(p) - np.outer(p, p), np.outer(x, x))
    G += (total - weight @ weight / total) * 0.05 * np.kron(np.eye(3), np.diag([1, 1, 1, 0]))
    inverse = np.linalg.pinv(G)
    for i in (0, 7, 19):
        x = np.kron(np.eye(3), A[i][:, None])
        M = weight[i] * x.T @ inverse @ x @ (np.diag(P[i]) - np.outer(P[i], P[i]))
        assert leverage[i] == pytest.approx(np.linalg.eigvals(M).real.max(), rel=1e-6)


def test_a_strong_penalty_makes_the_step_exact():
    _, X, y, _ = drawn(6)
    model = SoftmaxRegression(l2=1e4, fit_intercept=False).fit(X, y)
    assert abs(model.leave_one_out(X, y, exact=len(y)).correction) < 1e-10


def test_refits_of_some_rows_correct_the_loss_without_bias():
    _, X, y, weight = drawn(7)
    model = SoftmaxRegression(l2=1e-3).fit(X, y, weight)
    exact = model.leave_one_out(X, y, weight, exact=len(y))
    some = [model.leave_one_out(X, y, weight, exact=8, random_state=s) for s in range(7)]
    spread = np.std([each.loss for each in some], ddof=1)
    assert abs(np.mean([each.loss for each in some]) - exact.loss) < 3.5 * spread / np.sqrt(7)
    assert np.mean([each.correction_error for each in some]) == pytest.approx(spread, rel=0.7)
    assert all(len(each.exact_rows) == 8 for each in some)
    rows = some[0].exact_rows
    np.testing.assert_array_equal(some[0].losses[rows], exact.losses[rows])
    assert model.leave_one_out(X, y, weight, exact=1, random_state=0).correction_error == np.inf


def test_refits_of_groups_leave_them_out_whole():
    _, X, y, _ = drawn(8)
    groups = np.repeat(["p", "q", "r", "s"], 10)
    model = SoftmaxRegression(l2=0.05).fit(X, y)
    held = model.leave_one_out(X, y, groups=groups, exact=4)
    out = groups == "q"
    other = SoftmaxRegression(l2=0.05, tol=1e-12).fit(X[~out], y[~out])
    np.testing.assert_allclose(held.probabilities[out], other.predict_proba(X[out]), atol=1e-6)
    sums = np.array([(held.losses - held.losses.mean())[groups == g].sum() for g in "pqrs"])
    assert held.standard_error == pytest.approx(np.sqrt(4 / 3 * sums @ sums) / 40)
    assert "40 refitted" in repr(held)


def test_class_weights_and_smoothing_are_for_learning_and_not_for_judging():
    _, X, y, weight = drawn(9)
    model = SoftmaxRegression(l2=0.02, class_weight={0: 3.0, 1: 1.0, 2: 0.5}, label_smoothing=0.1)
    model.fit(X, y, weight)
    held = model.leave_one_out(X, y, weight, exact=len(y))
    i = 11
    rest = np.arange(len(y)) != i
    other = SoftmaxRegression(**model.get_params() | {"tol": 1e-13})
    other.fit(X[rest], y[rest], weight[rest])
    assert held.losses[i] == pytest.approx(other.loss(X[[i]], y[[i]]), abs=1e-6)
    assert held.training_loss == pytest.approx(model.loss(X, y, weight), abs=1e-6)
    expected = np.average(held.losses, weights=weight)
    assert held.loss == pytest.approx(expected, rel=1e-12)


def test_rows_of_weight_zero_were_in_no_fit():
    _, X, y, weight = drawn(10)
    weight[[3, 20]] = 0.0
    model = SoftmaxRegression(l2=0.02).fit(X, y, weight)
    held = model.leave_one_out(X, y, weight)
    np.testing.assert_allclose(held.probabilities[[3, 20]], model.predict_proba(X[[3, 20]]))
    assert np.isnan(held.losses[[3, 20]]).all()
    np.testing.assert_array_equal(held.leverage[[3, 20]], 0.0)
    rest = np.delete(np.arange(len(y)), [3, 20])
    alone = model.leave_one_out(X[rest], y[rest], weight[rest])
    assert alone.loss == pytest.approx(held.loss, rel=1e-10)
    dropped = SoftmaxRegression(l2=0.02, class_weight={0: 1, 1: 1, 2: 0})
    with pytest.warns(UserWarning, match="class 2 have weight 0"):
        dropped.fit(X, y)
    with pytest.warns(UserWarning, match="class 2 have weight 0"):
        assert np.isnan(dropped.leave_one_out(X, y).losses[y == 2]).all()


def test_float32_rows_have_the_losses_of_float64():
    _, X, y, _ = drawn(11, n=80)
    X = X.astype(np.float32)
    single = SoftmaxRegression(l2=0.02).fit(X, y)
    assert single.coef_.dtype == np.float32
    double = SoftmaxRegression(l2=0.02).fit(X.astype(float), y)
    expected = double.leave_one_out(X.astype(float), y)
    np.testing.assert_allclose(single.leave_one_out(X, y).losses, expected.losses, atol=1e-8)


def test_with_l1_weights_that_are_zero_stay_zero():
    generator = np.random.default_rng(12)
    n = 60 if unless_fast(True) else 40
    X = generator.normal(size=(n, 6))
    y = (X[:, :3] * [1.5, 1.0, 0.5] + generator.gumbel(size=(n, 3))).argmax(axis=1)
    for l1, l2 in ((0.03, 0.0), *unless_fast((0.02, 0.01))):
        model = SoftmaxRegression(l1=l1, l2=l2, tol=1e-10).fit(X, y)
        held = model.leave_one_out(X, y)
        exact = model.leave_one_out(X, y, exact=n)
        assert abs(exact.correction) < 0.15 * (exact.loss - exact.training_loss)
        assert held.loss == pytest.approx(exact.loss - exact.correction, rel=1e-12)
        groups = model.leave_one_out(X, y, groups=range(n))
        np.testing.assert_allclose(groups.losses, held.losses, atol=1e-7)
    with pytest.raises(ValueError, match="standard errors from the minimum"):
        model.leave_one_out(X[::-1], y)


def test_columns_without_a_zero_have_no_shift_with_l1_alone():
    generator = np.random.default_rng(13)
    X = generator.normal(size=(100, 1))
    y = (np.outer(X, [2.0, -2.0]) + generator.gumbel(size=(100, 2))).argmax(axis=1)
    model = SoftmaxRegression(l1=0.01, l2=0.0, tol=1e-11).fit(X, y)
    assert np.count_nonzero(model.coef_) == 2
    exact = model.leave_one_out(X, y, exact=100)
    assert abs(exact.correction) < 0.05 * (exact.loss - exact.training_loss)


def test_nothing_but_intercepts_is_left_out_too():
    X, y = np.array([[0.0], [1.0], [0.5], [0.2], [0.9], [0.4]]), [0, 1, 0, 0, 1, 1]
    held = SoftmaxRegression(l1=10.0, l2=0.0).fit(X, y).leave_one_out(X, y, exact=6)
    np.testing.assert_allclose(held.losses, np.log(5 / 2), rtol=1e-6)


# What has no answer


def test_other_rows_than_those_of_the_fit_are_refused_with_their_distance():
    _, X, y, weight = drawn(20)
    model = SoftmaxRegression(l2=0.02).fit(X, y)
    with pytest.raises(ValueError, match=r"the model is \d+\.\d standard errors from the minimum"):
        model.leave_one_out(X[::-1], y)
    early = SoftmaxRegression(l2=0.02, learning_rate=0.1, max_iter=2, tol=0).fit(X, y)
    with pytest.raises(ValueError, match="fit to the optimum"):
        early.leave_one_out(X, y)
    with pytest.raises(
        ValueError, match=r"these rows have the classes \[0, 1\], the model \[0, 1, 2\]"
    ):
        model.leave_one_out(X[y < 2], y[y < 2])
    two = SoftmaxRegression(l2=0.02).fit(X[y < 2], y[y < 2], weight[y < 2])
    with pytest.raises(ValueError, match="standard errors from the minimum"):
        two.leave_one_out(X[y < 2][::-1], y[y < 2])


def test_a_class_of_one_row_or_group_is_refused():
    X, y = np.arange(6.0)[:, None], np.array(["a", "b", "a", "b", "a", "once"])
    model = SoftmaxRegression(l2=0.1).fit(X, y)
    with pytest.raises(ValueError, match="class 'once' is in one row only"):
        model.leave_one_out(X, y)
    model = SoftmaxRegression(l2=0.1).fit(X[:5], y[:5])
    with pytest.raises(ValueError, match="class 'b' is in one group only"):
        model.leave_one_out(X[:5], y[:5], groups=[1, 2, 3, 2, 1])
    rows = np.array([[0.5, 0.5, 0.0], [1.0, 0.0, 0.0], [0.2, 0.3, 0.5]])
    model = SoftmaxRegression(l2=0.1).fit(X[:3], rows)
    with pytest.raises(ValueError, match="class 2 is in one row only"):
        model.leave_one_out(X[:3], rows)
    for other in ({"fit_intercept": False}, {"label_smoothing": 0.1}):
        model = SoftmaxRegression(l2=0.1, **other).fit(X, y)
        assert np.isfinite(model.leave_one_out(X, y, exact=6).losses).all()


def test_sizes_beyond_reach_are_refused_with_the_figure(monkeypatch):
    _, X, y, _ = drawn(21, d=5)
    model = SoftmaxRegression(l2=0.1).fit(X, y)
    monkeypatch.setattr(question, "REACH", 11)
    with pytest.raises(ValueError, match=r"12 free parameters are more than 11.*folds"):
        model.leave_one_out(X, y)
    monkeypatch.setattr(question, "REACH", 3)
    model = SoftmaxRegression(l1=0.001, l2=0.0).fit(X, y)
    with pytest.raises(ValueError, match=r"\d+ weights other than zero are more than 3"):
        model.leave_one_out(X, y)


def test_rows_that_repeat_each_other_may_be_beyond_reach(monkeypatch):
    X, y = np.tile(np.eye(4, 40), (3, 1)), np.arange(12) % 3
    model = SoftmaxRegression(l2=0.1).fit(X, y)
    monkeypatch.setattr(question, "REACH", 60)
    with pytest.raises(ValueError, match="82 free parameters are more than 60"):
        model.leave_one_out(X, y)


def test_no_minimum_is_refused():
    X, y = np.array([[0.0], [1.0], [2.0], [2.5], [3.0], [4.0]]), [0, 0, 1, 0, 1, 1]
    model = SoftmaxRegression(l2=0.0).fit(X, y)
    # Without row 2 or 3 the classes are separated: a step does not tell, a refit does.
    with pytest.raises(ValueError, match="without row 2 some coefficients have no minimum"):
        model.leave_one_out(X, y, exact=6)
    doubled = np.hstack([X, X])
    with pytest.raises(ValueError, match="F has no one minimum"):
        SoftmaxRegression(l2=0.0).fit(doubled, y).leave_one_out(doubled, y)


def test_a_row_that_alone_holds_a_coefficient_is_refused():
    X = np.array([[0.0, 0], [1, 0], [2, 0], [3, 0], [1, 0], [2, 1]])
    T = np.array([[0.9, 0.1], [0.5, 0.5], [0.4, 0.6], [0.3, 0.7], [0.8, 0.2], [0.6, 0.4]])
    model = SoftmaxRegression(l2=0.0, tol=1e-10).fit(X, T)
    with pytest.raises(ValueError, match="without row 5 some coefficients have no minimum"):
        model.leave_one_out(X, T)
    with pytest.raises(ValueError, match="without some group some coefficients have no minimum"):
        model.leave_one_out(X, T, groups=[0, 0, 1, 1, 2, 3])


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"exact": True}, TypeError, "exact must be a number of rows to refit, got True"),
        ({"exact": 1.0}, TypeError, "exact must be a number of rows"),
        ({"exact": -1}, ValueError, "at most 40, the number of rows, got -1"),
        ({"exact": 41}, ValueError, "at most 40, the number of rows, got 41"),
        ({"exact": 3, "groups": [0, 1] * 20}, ValueError, "at most 2, the number of groups"),
        ({"groups": [0] * 40}, ValueError, "fewer than 2 groups"),
        ({"groups": [0]}, ValueError, r"groups.shape == \(1,\), expected \(40,\)"),
        ({"groups": [0, None] * 20}, ValueError, r"groups\[1\] is missing"),
        ({"random_state": "x"}, TypeError, "random_state must be"),
    ],
)
def test_illegal_arguments_are_named(arguments, error, message):
    _, X, y, _ = drawn(22)
    model = SoftmaxRegression(l2=0.1).fit(X, y)
    with pytest.raises(error, match=message):
        model.leave_one_out(X, y, **arguments)


@pytest.mark.parametrize("zero", thinned([True, False], 2))
def test_an_l2_for_each_column_is_kept_where_a_row_is_left_out(zero):
    """Refits of all rows give the mean of fits without them; one Newton step each comes near."""
    rng, (n, part) = np.random.default_rng(3), (50, 0.05) if unless_fast(True) else (25, 0.15)
    X = rng.normal(size=(n, 3))
    y = (X @ rng.normal(size=(3, 3)) + 2.0 * rng.gumbel(size=(n, 3))).argmax(axis=1)
    model = SoftmaxRegression(l2=[0.0 if zero else 0.02, 0.1, 1.0], tol=1e-10).fit(X, y)
    found = model.leave_one_out(X, y)
    losses = []
    for i in range(n):
        kept = np.arange(n) != i
        without = SoftmaxRegression(l2=model.l2, tol=1e-10).fit(X[kept], y[kept])
        losses.append(without.loss(X[[i]], y[[i]]))
    refitted = model.leave_one_out(X, y, exact=n)
    assert refitted.loss == pytest.approx(np.mean(losses), abs=1e-7)
    # Of what leaving rows out costs: 0.1 nats with 50 rows, which are few for one step with 25.
    assert abs(found.loss - refitted.loss) < part * (refitted.loss - found.training_loss)
