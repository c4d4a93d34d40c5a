"""The duality gap at exact intercepts: the dual value computed term by term, and the bound."""

import numpy as np
import pytest
from newton import optimum
from strategies import chunks_of, likelihood_of

from softmax_regression._likelihood.targets import Labels
from softmax_regression._objective import Objective, Point
from softmax_regression._optimum.certificate import Proof, closed_gap
from softmax_regression._optimum.intercepts import Intercepts
from softmax_regression._parameters import Parameters
from softmax_regression._penalty import Penalty

RNG = np.random.default_rng(0)
X = RNG.standard_normal((120, 4)) + 1
LABELS = RNG.permutation(np.arange(120) % 3)
WEIGHT = RNG.uniform(0.2, 3.0, 120)
L2 = 0.05
TOL = 1e-13


def rows(weight, **settings):
    return likelihood_of(X, Labels(LABELS, 3), weight, **({"fit_intercept": True} | settings))


def parameters():
    drawn = np.random.default_rng(1).standard_normal((3, 5))
    return drawn - drawn.mean(axis=0)


def certified(data, V, tol=TOL, dtype=np.float64):
    objective = penalised(data)
    return Proof(objective, tol).certify(objective.at(V, dtype), dtype)


def penalised(data):
    return Objective(data, Penalty(0.0, L2))


@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["equal", "weighted"])
def test_the_gap_is_primal_minus_dual(weight):
    """D(q) = Σ w H(q) − ‖Σ w (t − q) xᵀ‖² / (2 l2) with Σ w = 1, at q = p."""
    data = rows(weight)
    found = certified(data, Intercepts(data).solve(parameters()))
    W, b = data.coordinates.outward(found.theta)
    Z = X @ W.T + b
    P = np.exp(Z) / np.exp(Z).sum(axis=1, keepdims=True)
    w = np.full(120, 1 / 120) if weight is None else weight / weight.sum()
    T = np.eye(3)[LABELS]
    np.testing.assert_allclose(w @ (P - T), 0, atol=1e-15)
    dual = -(w @ (P * np.log(P)).sum(axis=1)) - np.sum(((T - P).T * w @ X) ** 2) / (2 * L2)
    assert found.bound == pytest.approx(found.value - dual, rel=1e-11)


@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["equal", "weighted"])
@pytest.mark.parametrize("size", [1e-3, 1.0, 30.0, 1e3])
def test_the_gap_bounds_the_distance_from_anywhere(weight, size):
    data = rows(weight)
    found = certified(data, size * parameters())
    lowest = optimum(X, np.eye(3)[LABELS], L2, weight)[2]
    # The rounding of F, relative to F.
    assert found.value - lowest <= found.bound + 1e-14 * found.value


def test_without_a_penalty_on_every_column_there_is_no_bound():
    assert Penalty(0.0, np.array([1.0, 0.0, 0.0]), 1).bound(np.zeros((2, 3))) == np.inf
    assert Penalty(0.0, np.array([1.0, 1.0, 0.0]), 1).bound(np.zeros((2, 3))) == 0.0


def test_a_float64_value_at_exact_intercepts_needs_no_pass():
    data = rows(None)
    exact = certified(data, parameters())
    readings = data.readings
    again = Proof(penalised(data), TOL).certify(exact, np.float64)
    assert data.readings == readings
    assert again.bound == exact.bound


def best_but_for_intercepts(data, weight, distance):
    W, b, _ = optimum(X, np.eye(3)[LABELS], L2, weight)
    point = data.coordinates.inward(Parameters(W, b))
    point[:, -1] += distance * np.array([1.0, -2.0, 1.0])
    return point


def test_intercepts_that_hide_the_proof_are_solved_for():
    data = rows(None)
    point = best_but_for_intercepts(data, None, 0.2)
    found = certified(data, point)
    assert not np.array_equal(found.theta[:, -1], point[:, -1])
    assert found.bound <= 1e-20


@pytest.mark.parametrize(
    ("distance", "tol", "solved_in"),
    [
        (0.0, 1e-3, []),
        (1e-4, 0.1, []),
        (0.2, 1e-3, ["float32"]),
        (0.2, TOL, ["float32", "float64"]),
    ],
)
def test_passes_in_float32_solve_for_no_more_than_tol_asks(distance, tol, solved_in, monkeypatch):
    data = rows(WEIGHT)
    point = best_but_for_intercepts(data, WEIGHT, distance)
    used = []

    solve = Intercepts.solve

    def recorded(self, point, share, dtype):
        used.append(dtype.__name__)
        return solve(self, point, share, dtype)

    monkeypatch.setattr(Intercepts, "solve", recorded)
    found = certified(data, point, tol, np.float32)
    assert used == solved_in
    assert found.bound <= tol
    objective = penalised(data)
    assert found.bound == closed_gap(objective, objective.at(found.theta))


def test_without_an_intercept_the_parameters_stay():
    data = rows(None, fit_intercept=False)
    V = parameters()[:, :4]
    assert np.array_equal(certified(data, V).theta, V)


def near_the_optimal_intercepts(weight, distance):
    data = rows(weight)
    point = Intercepts(data).solve(parameters())
    point[:, -1] += distance * np.array([1.0, -2.0, 1.0])
    return data, penalised(data).at(point)


@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["equal", "weighted"])
@pytest.mark.parametrize("distance", [1e-9, 1e-4, 1e-2, 0.2])
def test_near_the_optimal_intercepts_the_gap_bounds_that_of_the_mixture(weight, distance):
    """F − D(q) at q = (1 − ε) P + ε s, with D computed term by term."""
    data, point = near_the_optimal_intercepts(weight, distance)
    bound = closed_gap(penalised(data), point)
    W, b = data.coordinates.outward(point.theta)
    Z = X @ W.T + b
    P = np.exp(Z) / np.exp(Z).sum(axis=1, keepdims=True)
    w = np.full(120, 1 / 120) if weight is None else weight / weight.sum()
    T = np.eye(3)[LABELS]
    residual, mean = w @ (P - T), w @ P
    share = (residual / mean).max()
    Q = (1 - share) * P + share * (mean - residual / share)
    # Rounding of the residual, enlarged by the division.
    assert Q.min() >= -1e-12
    Q = np.maximum(Q, 1e-300)
    np.testing.assert_allclose(w @ (Q - T), 0, atol=1e-12)
    dual = -(w @ (Q * np.log(Q)).sum(axis=1)) - np.sum(((T - Q).T * w @ X) ** 2) / (2 * L2)
    assert point.value - dual <= bound
    # The divergence of the mixture is at most ε times that of s.
    shared = np.maximum(mean - residual / share, 0.0)
    logs = np.log(np.where(shared > 0, shared, 1.0))
    divergence = share * float(w @ ((logs - np.log(P)) @ shared))
    mixed = float(w @ (Q * np.log(Q / P)).sum(axis=1))
    assert mixed <= divergence
    expected = point.value - dual - mixed + divergence
    assert bound == pytest.approx(expected, rel=1e-9, abs=1e-13)


@pytest.mark.parametrize("smoothing", [0.0, 0.3])
@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["equal", "weighted"])
def test_mean_target_rows(weight, smoothing):
    data = likelihood_of(X, Labels(LABELS, 3, smoothing), weight, fit_intercept=True)
    (block,) = chunks_of(data)
    T = (1 - smoothing) * np.eye(3)[LABELS] + smoothing / 3
    w = np.full(120, 1 / 120) if weight is None else weight / weight.sum()
    expected = (T.T * w) @ block.rows.values
    np.testing.assert_allclose(data.mean_target_rows, expected, rtol=0, atol=1e-14)


def test_means_of_the_targets_know_of_smoothing():
    targets = Labels(LABELS, 3, 0.3)
    data = likelihood_of(X, targets, WEIGHT, fit_intercept=True)
    (block,) = chunks_of(data)
    T = np.zeros((3, 120))
    targets.subtract_from(T)
    expected = -(T @ block.weight) / WEIGHT.sum()
    np.testing.assert_allclose(data.survey.targets, expected, rtol=1e-13)


def test_a_class_without_rows_that_still_gets_probability_leaves_no_bound():
    targets = Labels(LABELS, 4)
    data = likelihood_of(X, targets, None, fit_intercept=True)
    objective, theta = penalised(data), np.zeros((4, 5))
    assert closed_gap(objective, objective.at(theta)) == np.inf
    assert certified(data, theta, 1e-6).bound < np.inf


def test_what_a_class_without_targets_is_left_by_rounding_goes_to_the_others():
    data = likelihood_of(X, Labels(np.arange(120) % 2, 3), None, fit_intercept=True)
    gradient = np.zeros((3, 5))
    gradient[:, 0] = [1e-3, -1e-3, 0.0]
    exact = Point(parameters(), 0.5, gradient.copy(), np.inf)
    gradient[:, -1] = [-2.5e-14, -2.5e-14, 5e-14]
    gaps = [
        closed_gap(penalised(data), point) for point in (exact, exact._replace(gradient=gradient))
    ]
    assert gaps[0] == gaps[1]
