"""An l2 for each column: every way to a fit, its proof, and what no penalty holds."""

import numpy as np
import pytest
from newton import objective, optimum
from strategies import Csr, likelihood_of, objective_of, thinned

from softmax_regression import ConvergenceWarning, SoftmaxRegression
from softmax_regression._batches import Piece
from softmax_regression._descent import BatchObjective
from softmax_regression._likelihood.block import Block
from softmax_regression._likelihood.targets import Labels
from softmax_regression._optimum import free_columns
from softmax_regression._optimum.certificate import Proof
from softmax_regression._optimum.column_space import ColumnSpace
from softmax_regression._optimum.row_space import RowSpace
from softmax_regression._parameters import Parameters
from softmax_regression._penalty import FARTHEST, Penalty
from softmax_regression._separation import find_separation

RNG = np.random.default_rng(0)
S = RNG.normal(size=(120, 4))
X = S * [1.0, 0.1, 30.0, 5.0] + [0.0, 2.0, -9.0, 0.5]
Y = (S @ RNG.normal(size=(4, 3)) + RNG.gumbel(size=(120, 3))).argmax(axis=1)
L2 = np.array([0.0, 1e-3, 2.0, 0.1])
WIDE = RNG.normal(size=(24, 60)) + 3.0
WIDE_Y = np.arange(24) % 3
SPREAD = 10.0 ** RNG.uniform(-4, 0, 60)


def drawn(seed):
    """Rows, labels, l2 with zeros, weights and settings: dense or sparse, 2 to 6 classes."""
    rng = np.random.default_rng(seed)
    n_classes, d = int(rng.integers(2, 7)), int(rng.integers(2, 7))
    rows = rng.normal(size=(80, d)) * 10.0 ** rng.uniform(-2, 2, d)
    sparse = bool(seed % 3 == 0)
    rows = rows * (rng.random(rows.shape) < 0.6) if sparse else rows + rng.choice([0.0, 3.0])
    signal = rows / rows.std(axis=0) @ rng.normal(size=(d, n_classes)) / np.sqrt(d)
    y = (signal + rng.gumbel(size=(80, n_classes))).argmax(axis=1)
    y[:n_classes] = np.arange(n_classes)
    l2 = 10.0 ** rng.uniform(-6, 1, d) * (rng.random(d) < 0.7)
    l2[0] = max(l2[0], 1e-5)
    weight = None if seed % 2 else rng.integers(1, 4, 80).astype(float)
    return rows, y, l2, weight, sparse, seed % 5 != 0


@pytest.mark.parametrize("seed", thinned(range(30), 3))
def test_the_fit_ends_at_the_optimum_that_newton_finds_and_its_gap_is_true(seed):
    rows, y, l2, weight, sparse, intercept = drawn(seed)
    given = l2.copy()
    model = SoftmaxRegression(l2=l2, tol=1e-8, fit_intercept=intercept)
    model.fit(Csr(rows) if sparse else rows, y, weight)
    targets = np.eye(len(model.classes_))[y]
    *_, least = optimum(rows, targets, l2, weight, intercept)
    value = objective(rows, targets, model.coef_, model.intercept_, l2, sample_weight=weight)
    assert model.converged_
    assert -1e-13 <= float(value - least) <= model.optimality_gap_ + 1e-13 <= 1e-8 + 1e-13
    assert model.loss_curve_[-1] == pytest.approx(float(value), rel=1e-12)
    np.testing.assert_array_equal(l2, given)


@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("l1", [0.0, 1e-2])
def test_a_column_times_c_takes_l2_times_c_squared(l1, sparse):
    """With l1 the factor is one for all columns, of l1 too."""
    c = np.array([3.0, 0.2, 7.0, 100.0]) if not l1 else np.full(4, 5.0)
    form = Csr if sparse else np.asarray
    settings = {"tol": 1e-12} if not l1 else {"tol": 1e-10}
    one = SoftmaxRegression(l2=L2, l1=l1, **settings).fit(form(X), Y)
    other = SoftmaxRegression(l2=L2 * c**2, l1=l1 * c[0], **settings).fit(form(X * c), Y)
    largest = np.abs(one.coef_).max(axis=0) + 1e-300
    np.testing.assert_allclose(other.coef_ * c / largest, one.coef_ / largest, atol=1e-4)
    assert other.loss_curve_[-1] == pytest.approx(one.loss_curve_[-1], abs=1e-9)


PATHS = {
    "dense": (X, Y, {}),
    "single precision": (X.astype(np.float32), Y, {}),
    "sparse": (Csr(X), Y, {}),
    "l1": (X, Y, {"l1": 1e-3}),
    "rows in fewer coordinates": (WIDE, WIDE_Y, {}),
    "textbook": (X / 30, Y, {"learning_rate": 0.1, "max_iter": 5, "tol": 0, "random_state": 0}),
}


@pytest.mark.parametrize("l2", [0.0, 1e-3])
@pytest.mark.parametrize(("rows", "y", "settings"), PATHS.values(), ids=PATHS.keys())
def test_equal_numbers_are_one_number_bit_for_bit(rows, y, settings, l2):
    if rows is WIDE and not l2:
        y = np.random.default_rng(0).permutation(np.repeat(np.eye(3) * 0.7 + 0.1, 8, axis=0))
    one = SoftmaxRegression(l2=l2, **settings).fit(rows, y)
    each = SoftmaxRegression(l2=np.full(rows.shape[1], l2), **settings).fit(rows, y)
    np.testing.assert_array_equal(each.coef_, one.coef_)
    np.testing.assert_array_equal(each.loss_curve_, one.loss_curve_)
    assert (each.optimality_gap_, each.n_iter_) == (one.optimality_gap_, one.n_iter_)


# The penalty itself


def test_value_slope_and_bound_sum_over_the_columns():
    penalty = Penalty(0.0, np.array([0.5, 2.0]))
    weights = np.array([[1.0, 2.0], [3.0, -1.0]])
    assert penalty.value(weights) == 0.25 * 10.0 + 1.0 * 5.0
    np.testing.assert_array_equal(penalty.slope(weights), [[0.5, 4.0], [1.5, -2.0]])
    assert penalty.bound(weights) == 10.0 / 1.0 + 5.0 / 4.0
    assert penalty.slope(weights.astype(np.float32)).dtype == np.float32


def test_scaled_columns_have_the_largest_l2_in_common():
    l2 = np.array([0.25, 4.0, 1.0])
    even, scale = Penalty(0.0, l2).even()
    assert even == Penalty(0.0, 4.0)
    np.testing.assert_array_equal(scale, [0.25, 1.0, 0.5])
    assert Penalty(0.0, 0.1).even() == (Penalty(0.0, 0.1), None)


@pytest.mark.parametrize(("l2", "even"), [
    (0.0, False), (1e-9, True), ([1.0, 0.0], False), ([1.0, FARTHEST], True),
    ([1.0, 2 * FARTHEST], False),
])  # fmt: skip
def test_only_penalties_that_are_not_too_far_apart_are_evened(l2, even):
    assert Penalty(0.0, np.array(l2)).is_even is even


# The textbook


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_textbook_s_gradient_is_that_of_f(dtype):
    rng = np.random.default_rng(1)
    rows, theta = rng.normal(size=(7, 4)).astype(dtype), rng.normal(size=15).astype(dtype)
    batch = BatchObjective((3, 4), Penalty(0.0, L2), True, dtype)
    targets = Labels(np.arange(7) % 3, 3)

    def F(at):
        return batch.evaluate([Piece(rows, targets, 1 / 7)], Parameters.split(at, 3))

    F(theta)
    gradient = batch.gradient.copy()
    h = 1e-5 if dtype is np.float64 else 1e-2
    slopes = [(F(theta + h * e) - F(theta - h * e)) / (2 * h) for e in np.eye(15, dtype=dtype)]
    assert gradient.dtype == dtype
    np.testing.assert_allclose(gradient, slopes, atol=1e-8 if dtype is np.float64 else 2e-3)


def test_the_textbook_s_steps_lead_to_the_same_optimum():
    rows = S
    slow = SoftmaxRegression(l2=L2, learning_rate=0.5, batch_size=120, tol=1e-13, max_iter=20_000)
    best = SoftmaxRegression(l2=L2, tol=1e-13).fit(rows, Y)
    np.testing.assert_allclose(slow.fit(rows, Y).coef_, best.coef_, atol=2e-4)


# Wide rows


def test_wide_rows_are_solved_in_their_row_space(monkeypatch):
    """As scaled columns with one l2 are; in columns as they are the optimum is the same."""
    model = SoftmaxRegression(l2=SPREAD, tol=1e-10).fit(WIDE, WIDE_Y)
    root = np.sqrt(SPREAD)
    scaled = SoftmaxRegression(l2=1.0, tol=1e-10).fit(WIDE / root, WIDE_Y)
    np.testing.assert_allclose(model.coef_ * root, scaled.coef_, atol=1e-9)
    monkeypatch.setattr(RowSpace, "pays", lambda _: False)
    by_columns = SoftmaxRegression(l2=SPREAD, tol=1e-10).fit(WIDE, WIDE_Y)
    assert abs(by_columns.loss_curve_[-1] - model.loss_curve_[-1]) <= 2e-10
    assert abs(by_columns.coef_ - model.coef_).max() > 0.0


def test_the_row_space_of_scaled_columns_leads_there_and_back():
    scale = np.sqrt(SPREAD)
    space = RowSpace(Block(WIDE, Labels(WIDE_Y, 3)), True, scale)
    assert space.exact
    rows = (WIDE - space.centre) / scale
    np.testing.assert_allclose(space.coordinates @ space.coordinates.T, rows @ rows.T, atol=1e-7)
    np.testing.assert_allclose(space.deviation, WIDE.std(axis=0))
    inner = Parameters(RNG.normal(size=(3, 23)), np.arange(3.0))
    outer = space.expand(inner)
    logits = space.coordinates @ inner.weights.T + inner.intercept
    np.testing.assert_allclose(WIDE @ outer.weights.T + outer.intercept, logits, atol=1e-8)
    np.testing.assert_allclose(
        (scale * outer.weights) ** 2 @ np.ones(60), (inner.weights**2).sum(axis=1)
    )
    np.testing.assert_allclose(space.reduce(outer).weights, inner.weights, atol=1e-9)


@pytest.mark.parametrize(
    "l2", [np.where(SPREAD < 1e-3, 0.0, SPREAD), SPREAD**6], ids=["zeros", "far"]
)
def test_wide_rows_of_penalties_that_no_scaling_evens_are_solved_too(l2):
    rows = WIDE.copy()
    soft = np.random.default_rng(0).permutation(np.repeat(np.eye(3) * 0.4 + 0.2, 8, axis=0))
    # Of the least penalties rounding leaves no proof below 1e-8.
    model = SoftmaxRegression(l2=l2, tol=1e-7).fit(rows, soft)
    *_, least = optimum(rows, soft, l2)
    assert float(objective(rows, soft, model.coef_, model.intercept_, l2) - least) <= 1e-8


# Starts, streams and held-out rows


def test_a_warm_start_under_another_l2_ends_at_its_optimum():
    warm = SoftmaxRegression(l2=1e-3, warm_start=True).fit(X, Y).set_params(l2=L2, tol=1e-10)
    cold = SoftmaxRegression(l2=L2, tol=1e-10).fit(X, Y)
    assert warm.fit(X, Y).loss_curve_[-1] == pytest.approx(cold.loss_curve_[-1], abs=2e-10)


def test_a_stream_has_the_penalty_of_every_column():
    model = SoftmaxRegression(l2=L2).fit(X, Y)
    np.testing.assert_array_equal(model._stream.penalty, [*L2, 0.0])
    model.partial_fit(X, Y)
    new = SoftmaxRegression(l2=L2, fit_intercept=False).partial_fit(X, Y, classes=[0, 1, 2])
    np.testing.assert_array_equal(new._stream.penalty, L2)
    held = SoftmaxRegression(l2=[0.0, 1e9, 1e9, 0.0])
    for _ in range(50):
        held.partial_fit(X, Y, classes=[0, 1, 2])
    assert np.abs(held.coef_[:, [1, 2]]).max() < 1e-7
    assert np.abs(held.coef_[:, [0, 3]]).min() > 1e-3


def test_early_stopping_takes_an_l2_for_each_column():
    model = SoftmaxRegression(l2=L2, early_stopping=True, random_state=0).fit(X, Y)
    assert model.converged_
    assert len(model.validation_curve_) == len(model.loss_curve_) - 1


# The proof


def test_columns_without_a_penalty_are_proven_by_their_curvature():
    assert SoftmaxRegression(l2=L2).fit(X, Y).optimality_gap_ <= 1e-6


def test_without_any_penalty_there_is_no_proof():
    assert SoftmaxRegression(l2=np.zeros(4)).fit(X, Y).optimality_gap_ == np.inf


def test_too_many_columns_without_a_penalty_have_no_proof(monkeypatch):
    monkeypatch.setattr(free_columns, "FULL_PARAMETERS", 3)
    model = SoftmaxRegression(l2=L2, tol=1e-9).fit(X, Y)
    *_, least = optimum(X, np.eye(3)[Y], L2)
    assert (model.converged_, model.optimality_gap_) == (True, np.inf)
    assert abs(model.loss_curve_[-1] - float(least)) <= 1e-9


@pytest.mark.parametrize("weight", [None, np.linspace(0.5, 2.0, 120)], ids=["equal", "weighted"])
@pytest.mark.parametrize("noise", [0.0, 1e-8, 1e-5])
def test_collinear_columns_without_a_penalty_stand_beside_one_that_has_it(noise, weight):
    """Of F in axes of unit spread Newton knows the minimum."""
    rows = np.column_stack([X, X[:, 0] + noise * RNG.normal(size=120)])
    l2 = np.array([0.0, 1e-3, 2.0, 0.0, 0.0])
    model = SoftmaxRegression(l2=l2, tol=1e-9).fit(rows, Y, weight)
    axes = np.column_stack([X, (rows[:, 4] - X[:, 0]) / noise]) if noise else X
    *_, least = optimum(axes, np.eye(3)[Y], l2[: axes.shape[1]], weight)
    # Weights far apart are rounded by more than a proof in the axes knows of.
    assert (model.converged_, model.optimality_gap_) == (True, np.inf)
    # What is left of the difference has the rounding of a column: 1e-16 / noise of it.
    value = objective(rows, np.eye(3)[Y], model.coef_, model.intercept_, l2, sample_weight=weight)
    assert abs(float(value - least)) <= 1e-9 + (1e-16 / noise if noise else 0.0)


def test_the_axes_of_some_columns_lead_there_and_back():
    rows = np.column_stack([X, X[:, 0]])
    block = Block(rows, Labels(Y, 3))
    l2 = np.array([0.0, 1e-3, 2.0, 0.1, 0.0])
    likelihood = likelihood_of(rows, Labels(Y, 3))
    space = ColumnSpace.of(block, likelihood, Penalty(0.0, l2))
    assert space.coordinates.shape == (120, 4)
    inner = Parameters(RNG.normal(size=(3, 4)), np.arange(3.0))
    outer = space.expand(inner)
    logits = space.coordinates @ inner.weights.T + inner.intercept
    np.testing.assert_allclose(rows @ outer.weights.T + outer.intercept, logits, atol=1e-10)
    assert space.penalty.value(inner.weights) == pytest.approx(
        Penalty(0.0, l2).value(outer.weights)
    )
    np.testing.assert_allclose(space.reduce(outer).weights, inner.weights, atol=1e-10)
    # Collinear with a column that has a penalty: nothing is lost.
    l2[4] = 1.0
    assert ColumnSpace.of(block, likelihood, Penalty(0.0, l2)) is None


@pytest.mark.parametrize("sparse", [False, True])
def test_a_far_dual_point_bounds_f_by_itself(sparse):
    """F >= 0, so that F is a bound where Newton's step tells nothing; the fit goes on."""
    F = objective_of(Csr(X) if sparse else X, Labels(Y, 3), l2=L2)
    proof = Proof(F, 1e-6)
    theta = np.zeros((3, 5))
    theta[0, 0] = 40.0 if not sparse else 400.0
    point = F.at(theta)
    assert proof.certify(point, np.float64).bound == point.value


# Beside l1


@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("l1", [1e-4, 1e-2, 0.1])
def test_beside_l1_the_gap_is_proven_and_the_conditions_of_the_optimum_hold(l1, intercept):
    rows = S
    settings = {"l2": L2, "l1": l1, "fit_intercept": intercept}
    rough = SoftmaxRegression(**settings, tol=1e-4).fit(rows, Y)
    model = SoftmaxRegression(**settings, tol=1e-10).fit(rows, Y)
    assert model.converged_
    assert model.optimality_gap_ <= 1e-10
    assert rough.loss_curve_[-1] - model.loss_curve_[-1] <= rough.optimality_gap_ <= 1e-4
    gradient = model.gradient(rows, Y)[0] + L2 * model.coef_
    zero = model.coef_ == 0.0
    np.testing.assert_allclose(gradient[~zero], -l1 * np.sign(model.coef_[~zero]), atol=1e-5)
    assert (np.abs(gradient[zero]) <= l1 + 1e-5).all()


# What no penalty holds


def test_the_columns_without_a_penalty_alone_decide_whether_f_has_a_minimum():
    rows = np.column_stack([Y == 1, X])
    with pytest.warns(ConvergenceWarning, match=r"quasi-complete.*x0 \(0 : 1\), x0 \(1 : 2\)"):
        model = SoftmaxRegression(l2=[0.0, 1.0, 1.0, 1.0, 1.0]).fit(rows, Y)
    assert (model.converged_, model.stop_reason_) == (False, "separable")
    assert SoftmaxRegression(l2=[1e-3, 0.0, 0.0, 0.0, 0.0]).fit(rows, Y).converged_


def test_columns_that_part_all_classes_are_named():
    rows = np.column_stack([X, Y])
    message = r"separable by the columns that l2 leaves out \(x4\): every training row"
    with pytest.warns(ConvergenceWarning, match=message):
        SoftmaxRegression(l2=[1.0, 1.0, 1.0, 1.0, 0.0]).fit(rows, Y > 0)
    with pytest.warns(ConvergenceWarning, match=r"every training row") as caught:
        SoftmaxRegression(l2=np.zeros(5)).fit(rows, Y > 0)
    assert "leaves out" not in str(caught[0].message)


def test_an_empty_class_is_told_as_ever():
    soft = np.column_stack([np.eye(3)[Y], np.zeros(120)])
    with pytest.warns(ConvergenceWarning, match="no row of weight > 0 has class '3'"):
        SoftmaxRegression(l2=L2).fit(X, soft)


def parted(column, y):
    """Whether a threshold or less parts two classes: brute force, one column and an intercept."""
    for sign in (1.0, -1.0):
        low, high = sign * column[y == 0], sign * column[y == 1]
        if low.max() <= high.min():
            return column.min() < column.max()
    return False


@pytest.mark.parametrize("seed", thinned(range(40), 5))
def test_one_column_without_a_penalty_is_judged_as_by_trying_all_thresholds(seed):
    rng = np.random.default_rng(seed)
    rows = rng.integers(0, 3, size=(6, 3)).astype(float)
    y = np.array([0, 1, *rng.integers(0, 2, 4)])
    j = int(rng.integers(3))
    block = Block(Csr(rows) if seed % 2 else rows, Labels(y, 2))
    fit = Parameters(rng.normal(size=(2, 3)), np.zeros(2))
    found = find_separation(block, fit, fit_intercept=True, among=np.array([j]))
    assert found.unbounded == parted(rows[:, j], y)
    assert {contrast.feature for contrast in found.infinite} <= {j, 3}


@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("seed", thinned(range(20), 4))
def test_columns_are_judged_as_if_there_were_no_others(seed, intercept):
    rng = np.random.default_rng(seed)
    n_classes, among = int(rng.integers(2, 4)), np.array([0, 2, 3])
    rows = rng.integers(-1, 2, size=(14, 5)).astype(float)
    y = np.concatenate([np.arange(n_classes), rng.integers(0, n_classes, 14 - n_classes)])
    fit = Parameters(rng.normal(size=(n_classes, 5)), np.zeros(n_classes))
    form = Csr if seed % 2 else np.asarray
    found = find_separation(
        Block(form(rows), Labels(y, n_classes)), fit, fit_intercept=intercept, among=among
    )
    alone = find_separation(
        Block(rows[:, among], Labels(y, n_classes)),
        Parameters(fit.weights[:, among], fit.intercept),
        fit_intercept=intercept,
    )
    places = [*among.tolist(), 5]
    assert found.kind == alone.kind
    assert found.among == tuple(among.tolist())
    for here, there in ((found.infinite, alone.infinite), (found.undetermined, alone.undetermined)):
        assert set(here) == {each._replace(feature=places[each.feature]) for each in there}


def test_a_fit_that_parts_all_rows_by_penalised_columns_proves_nothing_of_the_others():
    rows = np.column_stack([S[:, 0], np.eye(3)[Y]])
    fit = Parameters(np.column_stack([np.zeros(3), np.eye(3)]), np.zeros(3))
    block = Block(rows, Labels(Y, 3))
    assert find_separation(block, fit, fit_intercept=True).kind == "complete"
    alone = find_separation(block, fit, fit_intercept=True, among=np.array([0]))
    assert alone.kind == "none"
    with_a_penalty = SoftmaxRegression(l2=[0.0, 1e-3, 1e-3, 1e-3]).fit(rows, Y)
    assert with_a_penalty.converged_
