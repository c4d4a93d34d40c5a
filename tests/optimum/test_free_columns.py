"""The proof in columns of huge spread: the dual point of Newton's step, and what it is good for."""

from itertools import product

import numpy as np
import pytest
from newton import objective, optimum
from strategies import Csr, chunks_of, objective_of, thinned

from softmax_regression import SoftmaxRegression
from softmax_regression._likelihood.targets import Labels
from softmax_regression._likelihood.value import balanced
from softmax_regression._optimum.elastic_net import ElasticNet
from softmax_regression._optimum.free_columns import FreeColumns, _enlargement, _least_curvature
from softmax_regression._parameters import Parameters

# F is a mean of losses of order one, right to a few roundings of it.
ROUNDING = 4e-15
TOL = 1e-6


def drawn(n_rows=400, n_features=3, n_classes=3, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n_rows, n_features))
    weights = rng.standard_normal((n_classes, n_features))
    y = (X @ weights.T + rng.gumbel(size=(n_rows, n_classes))).argmax(axis=1)
    y[:n_classes] = np.arange(n_classes)
    return X, y


def stamped(scale, offset):
    """Rows whose first column is a time in small units, and its deviations."""
    X, y = drawn()
    X[:, 0] = np.round(X[:, 0] * scale) + offset
    return X, (X[:, 0] - offset) / scale, y


def near_minimum(weight=None, *, intercept=True, sparse=False):
    """A problem with one column of spread 1e13, and a point whose gradient is about 1e-3."""
    X, y = drawn()
    W, b, _ = optimum(X, np.eye(3)[y], 0.0, weight, intercept)
    scale = np.array([1e13, 1.0, 1.0])
    kept = Csr(X * scale) if sparse else X * scale
    F = objective_of(kept, Labels(y, 3), weight, fit_intercept=intercept, l2=1e-4)
    point = balanced(F.likelihood.coordinates.inward(Parameters(W / scale, b)))
    point[:, 1] += 1e-3 * np.array([1.0, -1.0, 0.0])
    return y, F, point


def free_of(F):
    return FreeColumns.of(F.likelihood, F.l2, TOL)


@pytest.mark.parametrize("weight", [None, np.linspace(0.1, 2.0, 400)], ids=["equal", "weighted"])
@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("sparse", [False, True], ids=["dense", "sparse"])
def test_the_dual_point_is_feasible_and_its_divergence_is_bounded(weight, intercept, sparse):
    """q term by term: probabilities, the gradient that is told, KL below what is told."""
    y, F, point = near_minimum(weight, intercept=intercept, sparse=sparse)
    free, penalty = free_of(F), F.l2
    assert free.chosen.tolist() == [0]
    gradient = F.at(point).gradient
    closing = free.closing(point, penalty, gradient)
    step = np.zeros_like(point)
    values = np.concatenate([chunk.rows.dense().values for chunk in chunks_of(F.likelihood)]).T
    w = np.full(400, 1 / 400) if weight is None else weight / weight.sum()
    P = np.exp(point @ values - (point @ values).max(axis=0))
    P /= P.sum(axis=0)
    columns = [0, 3] if intercept else [0]
    H = hessian(P, values[columns], w, penalty[columns])
    root = 1.0 / np.sqrt(H.diagonal())
    scaled = H * root[:, None] * root
    D = root * np.linalg.lstsq(scaled, -gradient[:, columns].ravel() * root, rcond=1e-12)[0]
    step[:, columns] = D.reshape(3, -1)
    delta = step @ values
    Q = P * (1.0 + delta - (P * delta).sum(axis=0))
    assert Q.min() > 0.0
    at_q = ((Q - np.eye(3)[y].T) * w) @ values.T + penalty * point
    size = np.sqrt((values**2) @ w)
    difference = (np.abs(at_q - closing.left) - closing.error) / size
    np.testing.assert_allclose(np.maximum(difference, 0.0), 0, atol=1e-13)
    np.testing.assert_allclose(closing.left[:, 0] / size[0], 0, atol=1e-14)
    divergence = float(w @ (Q * np.log(Q / P)).sum(axis=0))
    # An upper bound, and a close one: δ is small.
    assert 0.0 < divergence <= closing.divergence * (1.0 + 1e-6) <= 1.01 * divergence


def hessian(P, values, w, penalty):
    """The Hessian of F on some columns, class after class, with 11ᵀ where it is flat."""
    K, D = len(P), len(values)
    H = np.zeros((K, D, K, D))
    for k in range(K):
        for m in range(K):
            curvature = w * P[k] * ((k == m) - P[m])
            H[k, :, m] = (values * curvature) @ values.T + (k == m) * np.diag(penalty)
    return H.reshape(K * D, K * D)


@pytest.mark.parametrize("share", [0.0, 1e-4, 1e-2, 0.3, 0.9])
def test_the_divergence_of_a_share_is_bounded_by_its_enlargement(share):
    """(1 + δ) log(1 + δ) − δ <= c(m) ½ δ² for δ >= −m, with equality at −m."""
    delta = np.linspace(-share, 5.0, 2_001)
    delta = delta[np.abs(delta) > 1e-3] if share < 0.9 else delta
    exact = (1.0 + delta) * np.log1p(delta) - delta
    assert (exact <= _enlargement(share) * 0.5 * delta**2 * (1.0 + 1e-9)).all()


def test_the_least_curvature_is_that_of_columns_of_unit_size():
    assert _least_curvature(np.diag([1e26, 1.0])) == pytest.approx(1.0)
    singular = np.ones((2, 2))
    assert _least_curvature(singular) < 1e-12
    assert _least_curvature(np.diag([1.0, 0.0])) == 0.0
    assert _least_curvature(np.diag([1.0, np.inf])) == 0.0


def test_collinear_free_columns_give_no_dual_point():
    X, y = drawn()
    X = np.column_stack([1e13 * X[:, 0], 1e13 * X[:, 0], X[:, 1]])
    F = objective_of(X, Labels(y, 3), l2=1e-4)
    gradient = 1e-6 * F.at(np.zeros((3, 4))).gradient
    assert free_of(F).closing(np.zeros((3, 4)), F.l2, gradient) is None


def test_far_from_the_minimum_there_is_no_dual_point():
    _, F, point = near_minimum()
    point[0, 0] += 20.0
    assert free_of(F).closing(point, F.l2, F.at(point).gradient).divergence == np.inf


def chosen(scales):
    X, y = drawn(60, len(scales))
    free = free_of(objective_of(X * scales, Labels(y, 3), l2=1e-4))
    return None if free is None else (free.chosen.tolist(), free.hidden.tolist())


def test_columns_are_free_where_their_penalty_is_small():
    assert chosen([1.0, 1.0]) is None
    assert chosen([1e13, 1.0]) == ([0], [True])
    assert chosen([1e13, 1.0, 1e4]) == ([0, 2], [True, False])


def test_too_many_free_columns_are_only_those_that_rounding_hides(monkeypatch):
    monkeypatch.setattr("softmax_regression._optimum.free_columns.FULL_PARAMETERS", 4)
    assert chosen([1e13, 1.0, 1e4]) == ([0], [True])
    assert chosen([1e4, 1e4, 1.0]) is None
    assert chosen([1e13, 1e13, 1.0]) is None


TIMES = [
    (1e13, 0.0, np.asarray),
    (1e13, 1.7e15, np.asarray),
    (1e16, 1.7e18, np.asarray),
    (1e18, 0.0, np.asarray),
    (1e6, 0.0, Csr),
    (1e13, 0.0, Csr),
    (1e18, 0.0, Csr),
]


@pytest.mark.parametrize(("times", "l2"), thinned(product(TIMES, [1e-6, 1e-4, 1e-2]), 4))
def test_times_in_small_units_are_proven(times, l2):
    scale, offset, kind = times
    X, deviations, y = stamped(scale, offset)
    model = SoftmaxRegression(l2=l2).fit(kind(X), y)
    assert model.converged_
    T, moved = np.eye(3)[y], X - np.array([offset, 0.0, 0.0])
    intercept = model.intercept_ + offset * model.coef_[:, 0].astype(np.longdouble)
    found = objective(moved, T, model.coef_, intercept, l2)
    # At 1e8 as at more, the column's penalty is too little to be seen in F.
    lowest = optimum(np.column_stack([min(scale, 1e8) * deviations, X[:, 1:]]), T, l2)[2]
    assert found - lowest <= model.optimality_gap_ + ROUNDING


@pytest.mark.parametrize(
    ("l1", "l2", "scale"), thinned(product([1e-6, 1e-4, 1e-2], [0.0, 1e-4], [1e13, 1e16]), 3)
)
def test_times_in_small_units_are_proven_with_l1(l1, l2, scale):
    """Both fits have one F up to 1e-15: the column's penalty is nothing at either scale."""
    X, deviations, y = stamped(scale, 0.0)
    model = SoftmaxRegression(l1=l1, l2=l2).fit(X, y)
    X[:, 0] = 1e10 * deviations
    near = SoftmaxRegression(l1=l1, l2=l2, tol=1e-9).fit(X, y)
    assert model.converged_
    assert model.loss_curve_[-1] - near.loss_curve_[-1] <= model.optimality_gap_ + 1e-10 * (
        1.0 + l1 * 1e10
    )


def test_an_odd_number_of_signs_and_no_zero_asks_for_a_sum_of_zero():
    X, y = drawn()
    X[:, 0] *= 1e16
    F = objective_of(X, Labels(y, 3), l1=1e-3)
    l1, net = F.l1, ElasticNet(F, TOL)
    point = np.zeros((3, 4))
    point[:, 0] = [1.0, 1.0, -2.0]
    np.testing.assert_allclose(net._asked(point).sum(axis=0), 0.0, atol=1e-30)
    point[:, 0] = [1.0, 0.0, 0.0]
    asked = net._asked(point)[:, 0] / l1[0]
    np.testing.assert_allclose(asked, [-1.0, 0.5, 0.5], rtol=1e-12)


@pytest.mark.parametrize(("shape", "l2"), thinned(product(
    [(200, 3, 2), (300, 3, 3), (300, 100, 9), (60, 200, 3)], [1e-300, 1e-30, 1e-20]
), 5))  # fmt: skip
def test_a_fit_whose_f_is_below_tol_ends_there(shape, l2):
    """Separable rows: F falls for ever, and F* >= 0 proves all that `tol` asks for."""
    X, _ = drawn(*shape)
    y = (X @ np.random.default_rng(1).standard_normal((shape[1], shape[2]))).argmax(axis=1)
    y = np.unique(y, return_inverse=True)[1]
    steps = []
    model = SoftmaxRegression(l2=l2, callback=lambda progress: steps.append(progress.step))
    model.fit(X, y)
    assert model.converged_
    assert model.optimality_gap_ <= model.loss_curve_[-1] <= model.tol
    assert max(steps) <= 60
