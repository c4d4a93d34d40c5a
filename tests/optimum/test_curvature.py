"""The approximations of the Hessian, each against the Hessian summed row by row."""

import numpy as np
import pytest
from strategies import chunks_of, likelihood_of, objective_of

from softmax_regression._likelihood.block import Block
from softmax_regression._likelihood.coordinates import Coordinates
from softmax_regression._likelihood.targets import Labels
from softmax_regression._likelihood.working import Likelihood
from softmax_regression._objective import Objective
from softmax_regression._optimum.curvature import (
    BLOCKS_WORTH,
    ClassBlocks,
    Diagonal,
    Full,
    PrincipalAxes,
    blocks_cost,
    choose,
    full_work,
)
from softmax_regression._penalty import Penalty

# Sums of 200 products, solved with condition numbers below 1e4.
SOLVED = 1e-9

RNG = np.random.default_rng(0)
X = RNG.standard_normal((200, 4)) * [1.0, 10.0, 0.1, 1.0] + 2
WEIGHT = RNG.uniform(0.2, 3.0, 200)


def rows(n_classes=3, weight=None, **settings):
    labels = Labels(np.arange(200) % n_classes, n_classes)
    return objective_of(X, labels, weight, l2=0.1, **settings)


def parameters(n_classes=3):
    drawn = np.random.default_rng(1).standard_normal((n_classes, 5))
    return drawn - drawn.mean(axis=0)


def hessian(objective, V):
    """The Hessian (K, D, K, D) of F, one row of X after the other."""
    (chunk,) = chunks_of(objective.likelihood)
    values, weight = chunk.rows.values, chunk.weights()
    total = np.zeros(V.shape * 2)
    for x, w in zip(values, weight, strict=True):
        p = np.exp(V @ x) / np.exp(V @ x).sum()
        total += w * np.einsum("km,i,j->kimj", np.diag(p) - np.outer(p, p), x, x)
    total /= weight.sum()
    for k in range(len(V)):
        total[k, :, k] += np.diag(objective.l2)
    return total


@pytest.mark.parametrize("n_classes", [2, 3, 5])
@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["equal", "weighted"])
def test_full_solves_with_the_hessian(n_classes, weight):
    """H⁻¹ of a matrix whose rows sum to zero over classes, as all gradients' do."""
    data, V = rows(n_classes, weight), parameters(n_classes)
    step = np.random.default_rng(2).standard_normal(V.shape)
    step -= step.mean(axis=0)
    image = np.einsum("kimj,mj->ki", hessian(data, V), step)
    found = Full(data).build(V, np.float64)(image)
    np.testing.assert_allclose(found, step, rtol=0, atol=SOLVED)


@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["equal", "weighted"])
def test_class_blocks_invert_the_diagonal_blocks(weight):
    data, V = rows(3, weight), parameters()
    exact = hessian(data, V)
    gradient = np.random.default_rng(2).standard_normal(V.shape)
    found = ClassBlocks(data).build(V, np.float64)(gradient)
    expected = np.stack([np.linalg.solve(exact[k, :, k], gradient[k]) for k in range(3)])
    np.testing.assert_allclose(found, expected - expected.mean(axis=0), rtol=0, atol=1e-6)


def block(apply, k, shape):
    """The block of class k of P, from what P⁻¹ makes of gradients of that class alone."""
    inverse = np.empty((shape[1], shape[1]))
    for j in range(shape[1]):
        gradient = np.zeros(shape)
        gradient[k, j] = 1.0
        # The step is shifted to sum to zero over classes: of class k's, 1 − 1 / K are left.
        inverse[j] = apply(gradient)[k] * shape[0] / (shape[0] - 1)
    return np.linalg.inv(inverse)


# The unpenalised column has a ridge of 1e-8 of its class's largest entry; inverses are taken twice.
TWICE = 1e-6


@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["equal", "weighted"])
def test_diagonal_keeps_the_hessian_s_diagonal_and_the_intercept_s_row(weight):
    data, V = rows(3, weight), parameters()
    exact = hessian(data, V)
    apply = Diagonal(data).build(V, np.float64)
    for k in range(3):
        found = block(apply, k, V.shape)
        np.testing.assert_allclose(np.diag(found), np.diag(exact[k, :, k]), rtol=TWICE)
        np.testing.assert_allclose(found[-1], exact[k, -1, k], rtol=0, atol=TWICE)


@pytest.mark.parametrize("kind", [Diagonal, PrincipalAxes])
def test_without_an_intercept_there_is_no_row_of_it(kind):
    data = rows(fit_intercept=False)
    V = parameters()[:, :4]
    exact = hessian(data, V)
    curvature = kind(data)
    apply = curvature.build(V, np.float64)
    axes = np.eye(4) if kind is Diagonal else curvature.axes
    for k in range(3):
        along = np.diag(axes.T @ block(apply, k, V.shape) @ axes)
        np.testing.assert_allclose(along, np.diag(axes.T @ exact[k, :, k] @ axes), rtol=TWICE)


@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["equal", "weighted"])
def test_diagonal_of_rotated_rows_turns_with_them(weight):
    """Coordinates turned by Q turn the step by Q; the spread is the mean of the diagonal's."""
    turn = np.linalg.qr(np.random.default_rng(3).standard_normal((4, 4)))[0]
    V, gradient = parameters(), np.random.default_rng(2).standard_normal((3, 5))
    steps, targets = [], Labels(np.arange(200) % 3, 3)
    for Q in (np.eye(4), turn):
        length = np.full(4, np.linalg.norm(X) / np.sqrt(X.size))
        inner = Coordinates(np.zeros(4), length, fit_intercept=True, rotated=True)
        rotated = Likelihood([Block(X @ Q, targets, weight)], coordinates=inner)
        data = Objective(rotated, Penalty(0.0, 0.1))
        turned, image = V.copy(), gradient.copy()
        turned[:, :4] = V[:, :4] @ Q
        image[:, :4] = gradient[:, :4] @ Q
        apply = Diagonal(data).build(turned, np.float64)
        steps.append(apply(image)[:, :4] @ Q.T)
        exact = hessian(data, turned)[0, :, 0]
        means = exact[-1, :4] / exact[-1, -1]
        found = np.diag(block(apply, 0, V.shape))[:4] - exact[-1, -1] * means**2
        mean = (np.diag(exact)[:4] - exact[-1, -1] * means**2).mean()
        np.testing.assert_allclose(found, mean, rtol=TWICE)
    np.testing.assert_allclose(steps[0], steps[1], rtol=1e-9)


@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["equal", "weighted"])
def test_principal_axes_have_the_curvature_along_each_axis_and_the_intercept_s_row(weight):
    data, V = rows(3, weight), parameters()
    exact = hessian(data, V)
    curvature = PrincipalAxes(data)
    apply = curvature.build(V, np.float64)
    axes = curvature.axes
    for k in range(3):
        found = block(apply, k, V.shape)
        np.testing.assert_allclose(
            np.diag(axes.T @ found @ axes), np.diag(axes.T @ exact[k, :, k] @ axes), rtol=TWICE
        )
        np.testing.assert_allclose(found[-1], exact[k, -1, k], rtol=0, atol=TWICE)


@pytest.mark.parametrize("kind", [Full, ClassBlocks, PrincipalAxes, Diagonal])
@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["equal", "weighted"])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_without_weights_one_moment_gives_what_all_rows_give(kind, weight, fit_intercept):
    """A weight of 1e-9 takes the general way, and moves the curvature by as little."""
    data = rows(weight=weight, fit_intercept=fit_intercept)
    start = np.zeros((3, data.likelihood.n_columns))
    if fit_intercept:
        start[:, -1] = [0.3, -0.1, -0.2]
    nearly = start.copy()
    nearly[0, 0] = 1e-9
    gradient = np.random.default_rng(2).standard_normal(start.shape)
    found = kind(data).build(start, np.float64)(gradient)
    expected = kind(data).build(nearly, np.float64)(gradient)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-7 * np.abs(expected).max())


@pytest.mark.parametrize("kind", [Full, ClassBlocks, PrincipalAxes, Diagonal])
def test_float32_rows_give_nearly_the_same_step(kind):
    """The rows' rounding is EPS32, and the matrices' condition below 1e4."""
    data, V = rows(), parameters()
    gradient = np.random.default_rng(2).standard_normal(V.shape)
    single = kind(data).build(V, np.float32)(gradient)
    double = kind(data).build(V, np.float64)(gradient)
    np.testing.assert_allclose(single, double, rtol=0, atol=1e-3 * np.abs(double).max())


def test_a_full_hessian_out_of_reach_costs_infinitely_much():
    wide = likelihood_of(np.zeros((2, 2000)), Labels(np.array([0, 1]), 2))
    assert full_work(wide) == np.inf
    assert full_work(rows().likelihood) < 1e6


def test_principal_squares_computed_anew_are_those_kept():
    targets = Labels(np.arange(200) % 3, 3)
    forgetful = Objective(Likelihood([Block(X, targets)]), Penalty(0.0, 0.1))
    found = []
    for data in (rows(), forgetful):
        axes = PrincipalAxes(data)
        axes.build(parameters(), np.float64)
        found.append(axes.build(2.0 * parameters(), np.float64)(parameters()))
    assert np.array_equal(*found)


def test_dear_principal_axes_wait_until_passes_have_cost_as_much():
    wide = np.random.default_rng(5).standard_normal((200, 400))
    data = objective_of(wide, Labels(np.arange(200) % 4, 4), l2=0.1)
    assert isinstance(choose(data), Diagonal)
    assert isinstance(choose(data, passes=300), PrincipalAxes)


def test_class_blocks_wait_until_they_are_worth_their_cost():
    X = np.random.default_rng(5).standard_normal((2_000, 40))
    data = objective_of(X, Labels(np.arange(2_000) % 4, 4), l2=0.1)
    worth = int(blocks_cost(data.likelihood) / BLOCKS_WORTH)
    assert isinstance(choose(data), PrincipalAxes)
    assert isinstance(choose(data, passes=worth), PrincipalAxes)
    assert isinstance(choose(data, passes=worth + 1), ClassBlocks)


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("n_features", [4, 40])
def test_few_classes_have_their_hessian_instead(n_classes, n_features):
    X = np.random.default_rng(5).standard_normal((500, n_features))
    labels = Labels(np.arange(500) % n_classes, n_classes)
    data = objective_of(X, labels, l2=0.1)
    assert isinstance(choose(data), Full)


def test_class_blocks_come_first_where_inverting_them_is_cheap():
    data = rows(n_classes=4)
    assert isinstance(choose(data), ClassBlocks)
    assert isinstance(choose(data, passes=1), ClassBlocks)


def test_principal_squares_of_another_precision_are_not_reused():
    data = rows()
    axes, gradient = PrincipalAxes(data), parameters()
    axes.build(parameters(), np.float32)
    found = axes.build(parameters(), np.float64)(gradient)
    single = PrincipalAxes(data).build(parameters(), np.float32)(gradient)
    np.testing.assert_allclose(found, single, rtol=0, atol=1e-5 * np.abs(single).max())


def test_a_column_that_the_sample_misses_bends_no_less_than_at_unit_spread(monkeypatch):
    """Nothing of it is in the sampled Hessian; without a ridge its step had no end."""
    monkeypatch.setattr("softmax_regression._optimum.moments.SAMPLED_ROWS", 1000)
    rare = np.zeros((4000, 2))
    rare[:, 0], rare[3999, 1] = RNG.standard_normal(4000), 1.0
    F = objective_of(rare, Labels(np.arange(4000) % 3, 3))
    gradient = np.zeros((3, 3))
    gradient[:2, 1] = 1.0, -1.0
    step = Full(F).build(np.zeros((3, 3)), np.float64)(gradient)
    np.testing.assert_allclose(step[:2, 1], [3.0, -3.0], rtol=1e-2)
