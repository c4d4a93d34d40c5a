"""The optimum's parts against their definitions, where a fault would only make fits slower.

A wrong curvature or a wrong line search still ends at the optimum, in more passes; these tests see
the parts themselves. Found necessary by `mutants.py`.
"""

import math
from functools import partial

import numpy as np
import pytest
from strategies import chunks_of, objective_of
from tolerances import EPS, REORDERED

from softmax_regression import SoftmaxRegression, cross_entropy
from softmax_regression._likelihood.targets import Labels
from softmax_regression._likelihood.working import raw_chunk
from softmax_regression._objective import Point
from softmax_regression._optimum import AveragedDescent, RowMetric
from softmax_regression._optimum.curvature import ClassBlocks, Diagonal, Full, PrincipalAxes
from softmax_regression._optimum.elastic_net import ElasticNet
from softmax_regression._optimum.lbfgs import Memory
from softmax_regression._optimum.line_search import search
from softmax_regression._optimum.quadratic import soft_threshold
from softmax_regression._optimum.reduced_hessian import HessianMatrix, HessianProducts
from softmax_regression._penalty import Penalty

RNG = np.random.default_rng(23)
N, D, K = 60, 4, 3
X = RNG.normal(size=(N, D)) @ RNG.normal(size=(D, D)) + 2
Y = RNG.permutation(np.arange(N) % K)
WEIGHT = RNG.uniform(0.2, 1.0, N)
V = 0.3 * RNG.normal(size=(K, D + 1))
# Central differences of a gradient of size 1 with step 1e-5: truncation some 1e-10, rounding 1e-11.
STEP, DIFFERENCE = 1e-5, 1e-7
# Matrices of which a step needs few digits are built in float32, from sums of N terms.
SINGLE = 1e-4


def standardised(weight=None, l1=0.0, l2=0.1):
    return objective_of(X, Labels(Y, K), weight, l1=l1, l2=l2)


def hessian_product(F, direction):
    """The derivative of F's gradient at V along a direction, by central differences."""
    above, below = F.at(V + STEP * direction), F.at(V - STEP * direction)
    return (above.gradient - below.gradient) / (2 * STEP)


def softmax_of(F, theta=V):
    values = np.concatenate([chunk.rows.values for chunk in chunks_of(F.likelihood)])
    Z = values @ theta.T
    P = np.exp(Z - Z.max(axis=1, keepdims=True))
    return values, P / P.sum(axis=1, keepdims=True)


# Curvatures

WEIGHTED = pytest.mark.parametrize("weight", [None, WEIGHT], ids=["equal", "weighted"])


@WEIGHTED
def test_the_full_curvature_is_the_inverse_hessian(weight):
    """On directions whose rows sum to zero over the classes: all that the softmax sees."""
    F = standardised(weight)
    apply = Full(F).build(V, np.float64)
    for _ in range(5):
        direction = RNG.normal(size=V.shape)
        direction -= direction.mean(axis=0)
        found = apply(hessian_product(F, direction))
        np.testing.assert_allclose(found, direction, rtol=0, atol=100 * DIFFERENCE)


@WEIGHTED
def test_class_blocks_are_the_diagonal_blocks_of_the_hessian(weight):
    F = standardised(weight)
    penalty = F.l2
    apply = ClassBlocks(F).build(V, np.float64)
    values, P = softmax_of(F)
    shares = np.full(N, 1 / N) if weight is None else weight / weight.sum()
    gradient = RNG.normal(size=V.shape)
    expected = np.empty_like(V)
    for k in range(K):
        curvature = shares * P[:, k] * (1 - P[:, k])
        block = values.T @ (curvature[:, None] * values) + np.diag(penalty)
        expected[k] = np.linalg.solve(block, gradient[k])
    expected -= expected.mean(axis=0)
    np.testing.assert_allclose(apply(gradient), expected, rtol=1e-6)  # a ridge of 1e-10


@WEIGHTED
@pytest.mark.parametrize("kind", [Diagonal, PrincipalAxes])
def test_one_curvature_per_coefficient_is_that_around_the_mean_of_its_class(kind, weight):
    """In the columns themselves, or along the axes that diagonalise their moments."""
    F = standardised(weight)
    penalty = F.l2
    curvature = kind(F)
    apply = curvature.build(V, np.float64)
    axes = np.eye(D + 1) if kind is Diagonal else curvature.axes
    values, P = softmax_of(F)
    shares = np.full(N, 1 / N) if weight is None else weight / weight.sum()
    gradient, expected = RNG.normal(size=V.shape), np.zeros_like(V)
    for k, p in enumerate(P.T):
        variance = shares * p * (1 - p)
        mean = variance @ values / variance.sum()
        mean[-1] = 0.0
        along = variance @ ((values - mean) @ axes) ** 2 + penalty @ axes**2
        border = np.eye(D + 1)
        border[:, -1] += mean
        sides = border @ np.linalg.inv(axes).T
        expected[k] = np.linalg.solve(sides * along @ sides.T, gradient[k])
    expected -= expected.mean(axis=0)
    np.testing.assert_allclose(apply(gradient), expected, rtol=1e-5)


@WEIGHTED
@pytest.mark.parametrize("kind", ["exact", "single", "products"])
def test_the_hessian_on_free_coefficients_is_the_derivative_of_the_gradient(kind, weight):
    F = standardised(weight)
    free = np.array([0, 1, 4, 6, 8, 9, 12, 14])
    if kind == "products":
        hessian = HessianProducts(F, V, free)
    else:
        hessian = HessianMatrix(F, V, free, kind == "exact")
    for _ in range(5):
        direction = np.zeros(V.size)
        direction[free] = RNG.normal(size=len(free))
        expected = hessian_product(F, direction.reshape(V.shape)).ravel()[free]
        tolerance = SINGLE if kind == "single" else DIFFERENCE
        found = hessian.product(direction[free])
        np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance)


def test_an_updated_hessian_meets_the_secant_equation():
    hessian = HessianMatrix(standardised(), V, np.arange(V.size), True)
    step = RNG.normal(size=V.size)
    change = hessian.product(step) + 0.01 * step
    hessian.update(step, change)
    np.testing.assert_allclose(hessian.product(step), change, rtol=1e-9)


# Steps


def test_the_memory_of_steps_meets_the_secant_equation():
    """H y = s for the last pair, whatever the first matrix; without pairs, H is that matrix."""
    scales = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    memory = Memory(lambda g: g / scales, np.float64)
    gradient = RNG.normal(size=(2, 3))
    np.testing.assert_array_equal(memory.direction(gradient), -gradient / scales)
    curvature = np.diag(RNG.uniform(1, 5, 6)) + 0.1
    for _ in range(4):
        step = RNG.normal(size=(2, 3))
        memory.add(step, np.zeros((2, 3)), (curvature @ step.ravel()).reshape(2, 3))
    change = (curvature @ step.ravel()).reshape(2, 3)
    np.testing.assert_allclose(memory.direction(change), -step, rtol=1e-10)


def test_the_memory_of_as_many_steps_as_parameters_is_newton_s_step_on_a_quadratic():
    """With conjugate steps, the inverse is exact: H g = A⁻¹ g."""
    curvature = np.diag([1.0, 3.0, 7.0, 2.0])
    memory = Memory(lambda g: 5.0 * g, np.float64)
    for k in range(4):
        memory.add(np.eye(4)[k], np.zeros(4), curvature[k])
    gradient = RNG.normal(size=4)
    found = memory.direction(gradient)
    np.testing.assert_allclose(found, -gradient / np.diag(curvature), rtol=1e-12)


def parabola(curvature):
    """F = curvature / 2 · x² with its number of evaluations."""
    calls = []

    def evaluated(x):
        calls.append(float(x[0]))
        return Point(x, 0.5 * curvature * float(x @ x), curvature * x, np.inf)

    return evaluated, calls


@pytest.mark.parametrize("curvature", [0.3, 1.0, 1.9, 3.0, 50.0])
def test_the_line_search_lowers_f_enough(curvature):
    """From x = 1 along -1: one evaluation where that falls by Armijo's rule, else interpolation."""
    evaluated, calls = parabola(curvature)
    start = np.ones(1)
    point = evaluated(start)
    found = search(evaluated, point, -np.ones(1), noise=0.0, extrapolate=False).point
    slope = -curvature
    t = 1.0 - found.theta[0]
    assert found.value - point.value <= 1e-4 * t * slope
    assert found.value == 0.5 * curvature * found.theta[0] ** 2
    assert len(calls) == 2 if curvature < 3 else len(calls) <= 4


def test_the_line_search_gives_up_where_nothing_falls():
    evaluated, _ = parabola(1.0)
    start = np.ones(1)
    point = evaluated(start)
    assert search(evaluated, point, np.ones(1) * 1e-3, noise=1e-2, extrapolate=False) is None


# The stream of mini-batches


@WEIGHTED
def test_the_stream_s_steps_are_those_of_its_definition(weight):
    """θ ← θ − (A + penalty)⁻¹ ∇F b / (b + 2 D + 0.3 √(n D)), averaged; A of κ and x̃ about the mean."""
    penalty = np.array([0.1] * D + [0.0])
    state = AveragedDescent(0.1 * V, penalty, RowMetric(np.zeros(D), np.zeros(D)))
    parameters = average = 0.1 * V
    shares, values, seen, renewed, metric = np.zeros(0), np.zeros((0, D)), 0.0, 0.0, None
    for part in (slice(0, 20), slice(20, 30), slice(30, 60)):
        given = None if weight is None else weight[part]
        w = np.ones(part.stop - part.start) if given is None else given
        loss = state.step(raw_chunk(X[part] + 5.0, Labels(Y[part], K), given, True))
        rows = np.column_stack([X[part] + 5.0, np.ones(len(w))])
        Z = rows @ parameters.T
        P = np.exp(Z - Z.max(axis=1, keepdims=True))
        P /= P.sum(axis=1, keepdims=True)
        F = w @ cross_entropy(Z, Y[part]) / w.sum() + 0.5 * (penalty * parameters**2).sum()
        assert loss == pytest.approx(F, rel=1e-6)  # a ridge of 1e-9
        residual = (P - np.eye(K)[Y[part]]) * w[:, None]
        gradient = residual.T @ rows / w.sum() + penalty * parameters
        largest = P.max(axis=1)
        kappa = np.where(largest <= 0.5, largest, 2 * largest * (1 - largest))
        count = w.sum() ** 2 / (w @ w)
        shares = np.concatenate([shares, w / w.sum() * count * kappa])
        values, before, seen = np.concatenate([values, rows[:, :D]]), seen, seen + count
        mean = np.average(values, axis=0, weights=shares)
        if seen - renewed >= 0.5 * seen:
            centred = values - mean
            C = centred.T @ (shares[:, None] * centred) / seen
            C += np.diag(np.diagonal(C)) * (D + 1) / seen
            metric, renewed = np.linalg.inv(C + np.diag(penalty[:D])), seen
        level = shares.sum() / seen * (1 + (D + 1) / seen)
        weights = (gradient[:, :D] - np.outer(gradient[:, D], mean)) @ metric
        direction = np.column_stack([weights, gradient[:, D] / level - weights @ mean])
        length = count / (count + 2 * (D + 1) + 0.3 * math.sqrt(before * (D + 1)))
        parameters = parameters - length * direction
        average = average + (parameters - average) * 8 * count / (seen + 8 * count)
        np.testing.assert_allclose(state.parameters, parameters, rtol=1e-6)  # a ridge of 1e-9
        np.testing.assert_allclose(state.average, average, rtol=1e-6)


# Pieces of the fit with l1


def test_a_soft_threshold_shrinks_by_its_size_and_stops_at_zero():
    x = np.array([-3.0, -1.0, -0.2, 0.0, 0.2, 1.0, 3.0])
    np.testing.assert_array_equal(soft_threshold(x, np.ones(7)), [-2.0, 0, 0, 0, 0, 0, 2.0])


@pytest.mark.parametrize(("l1", "l2"), [(1.0, 0.0), (0.0, 1.0), (0.3, 0.5), (2.0, 0.1)])
@pytest.mark.parametrize("n_classes", [2, 3, 4, 5])
def test_the_cheapest_shift_is_the_cheapest(n_classes, l1, l2):
    W = RNG.normal(size=(n_classes, 6))

    def cost(shift):
        moved = W - shift
        return l1 * np.abs(moved).sum(axis=0) + l2 / 2 * (moved**2).sum(axis=0)

    best = cost(Penalty(np.full(6, l1), np.full(6, l2)).cheapest(W))
    for shift in np.linspace(-3, 3, 601):
        assert (best <= cost(shift) + 10 * EPS).all()


@WEIGHTED
@pytest.mark.parametrize(("l1", "l2"), [(0.02, 0.0), (0.02, 0.3), (1e-4, 1.0)])
def test_f_and_the_gap_with_l1_are_those_of_their_definition(l1, l2, weight):
    """The smaller of F - t H(P) and F - H(P) + Σ (|G| - l1)₊² / (2 l2), with H the mean entropy."""
    F_in_theta = standardised(weight, l1, l2)
    l1, l2 = F_in_theta.l1, F_in_theta.l2
    point = ElasticNet(F_in_theta).certified(V)
    values, P = softmax_of(F_in_theta, point.theta)
    shares = np.full(N, 1 / N) if weight is None else weight / weight.sum()
    F = shares @ -np.log(P[np.arange(N), Y])
    F += (np.abs(point.theta) @ l1).sum() + (point.theta**2 @ l2).sum() / 2
    entropy = shares @ -(P * np.log(P)).sum(axis=1)
    G = np.abs(((P - np.eye(K)[Y]) * shares[:, None]).T @ values)[:, :D]
    gap = F - min(1.0, (l1[:D] / G).min()) * entropy
    if l2[:D].all():
        excess = np.maximum(G - l1[:D], 0) ** 2 / (2 * l2[:D])
        gap = min(gap, F - entropy + excess.sum())
    np.testing.assert_allclose(point.value, F, rtol=REORDERED)
    np.testing.assert_allclose(point.bound, gap, rtol=1e-9)


@pytest.mark.parametrize("l2", [0.0, 0.01])
def test_the_fit_with_l1_meets_the_conditions_of_its_optimum(l2):
    """∂F of the smooth part is -l1 sign(w) where w is not 0, else at most l1, whatever the units.

    A gap of 1e-10 bounds the gradient's error by √(2 L · 1e-10), and L is below 10³ here.
    """
    rows, l1 = X * [0.2, 1.0, 3.0, 0.5], 0.05
    model = SoftmaxRegression(l1=l1, l2=l2, tol=1e-10).fit(rows, Y)
    gradient = model.gradient(rows, Y)[0] + l2 * model.coef_
    used = model.coef_ != 0
    assert used.any()
    assert not used.all()
    error = np.sqrt(2e3 * 1e-10)
    np.testing.assert_allclose(gradient[used], -l1 * np.sign(model.coef_[used]), rtol=0, atol=error)
    assert (np.abs(gradient[~used]) <= l1 + error).all()


def test_an_update_of_negative_curvature_is_left_out():
    hessian = HessianMatrix(standardised(), V, np.arange(V.size), True)
    before = hessian.matrix.copy()
    step = RNG.normal(size=V.size)
    hessian.update(step, -step)
    assert np.array_equal(hessian.matrix, before)


@WEIGHTED
@pytest.mark.parametrize("kind", ["matrix", "products"])
def test_the_hessian_along_opposite_weights_is_half_of_that_of_both(kind, weight):
    """F(-u, u) has the derivatives gᵀ(-v, v) and (-v, v)ᵀ H (-v, v), of which the second's are half."""
    F = objective_of(X, Labels(Y % 2, 2), weight, l2=0.1)
    theta = np.stack([-V[0], V[0]])
    free = D + 1 + np.array([0, 2, 4])
    form = HessianProducts if kind == "products" else partial(HessianMatrix, exact=True)
    hessian = form(F, theta, free, copies=2)
    both = np.zeros_like(theta)
    both[1, [0, 2, 4]] = direction = RNG.normal(size=3)
    both[0] = -both[1]
    above, below = F.at(theta + STEP * both), F.at(theta - STEP * both)
    expected = (above.gradient - below.gradient)[1, [0, 2, 4]] / (2 * STEP)
    found = hessian.product(direction)
    np.testing.assert_allclose(found, expected, rtol=0, atol=DIFFERENCE)
    np.testing.assert_allclose(
        np.diag(np.stack([hessian.product(e) for e in np.eye(3)])), hessian.diagonal, rtol=1e-9
    )
