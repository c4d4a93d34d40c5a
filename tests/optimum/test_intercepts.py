"""The intercepts that are optimal for given weights."""

import numpy as np
import pytest
from strategies import chunks_of, likelihood_of

from softmax_regression._likelihood import intercepts as intercepts_module
from softmax_regression._likelihood.block import Block
from softmax_regression._likelihood.targets import Labels
from softmax_regression._likelihood.working import Likelihood
from softmax_regression._objective import Objective
from softmax_regression._optimum import intercepts
from softmax_regression._optimum.intercepts import Intercepts
from softmax_regression._penalty import Penalty

RNG = np.random.default_rng(0)
X = RNG.standard_normal((120, 4)) + 1
LABELS = RNG.permutation(np.arange(120) % 3)
WEIGHT = RNG.uniform(0.2, 3.0, 120)


def rows():
    return likelihood_of(X, Labels(LABELS, 3), WEIGHT, fit_intercept=True)


def parameters():
    drawn = np.random.default_rng(1).standard_normal((3, 5))
    return drawn - drawn.mean(axis=0)


def solved(point):
    return Intercepts(rows()).solve(point)


def residual(data, point):
    return Objective(data, Penalty(0.0, 0.0)).at(point).gradient[:, -1]


def test_mean_probabilities_are_mean_targets():
    assert np.abs(residual(rows(), solved(parameters()))).max() <= 1e-15


def test_with_many_classes_the_diagonal_serves(monkeypatch):
    """No products of pairs of classes: the variances alone, and the same intercepts."""
    expected = solved(parameters())
    monkeypatch.setattr(intercepts_module, "PAIRED_CLASSES", 2)
    found = solved(parameters())
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)
    assert np.abs(residual(rows(), found)).max() <= 1e-14
    data, point = rows(), parameters()
    mean, apply = Intercepts(data)._moments(point, np.zeros(3), np.float64, None)
    Z = chunks_of(data)[0].rows.logits(point)
    P = np.exp(Z) / np.exp(Z).sum(axis=0)
    variance = (P * (1 - P)) @ WEIGHT / WEIGHT.sum()
    np.testing.assert_allclose(mean, P @ WEIGHT / WEIGHT.sum(), rtol=1e-12)
    np.testing.assert_allclose(apply(np.ones(3)), 1 / variance, rtol=1e-5)  # squares in float32


def test_a_share_says_how_far_mean_probabilities_may_exceed_mean_targets():
    data = rows()
    point = Intercepts(data).solve(parameters(), share=1e-3)
    above = residual(data, point)
    assert np.abs(above).max() > 1e-9
    assert (above <= 1e-3 * (data.survey.targets + above)).all()


def test_in_float32_the_point_is_one_of_float32():
    point = Intercepts(rows()).solve(parameters(), 0.0, np.float32)
    assert np.array_equal(point, point.astype(np.float32))
    assert np.abs(residual(rows(), point)).max() <= 1e-7


def test_the_matrix_of_an_earlier_solution_serves_again(monkeypatch):
    data = rows()
    solver = Intercepts(data)
    first = solver.solve(parameters())
    moved = first.copy()
    moved[:, :4] *= 1.01
    matrices = []
    moments = solver._moments

    def recorded(theta, shift, dtype, known):
        matrices.append(known)
        return moments(theta, shift, dtype, known)

    monkeypatch.setattr(solver, "_moments", recorded)
    again = solver.solve(moved)
    assert matrices[0] is not None
    np.testing.assert_allclose(again, solved(moved), rtol=0, atol=1e-13)


def test_logits_computed_anew_give_the_same_intercepts():
    kept = solved(parameters())
    forgetful = Likelihood([Block(X, Labels(LABELS, 3), WEIGHT)])
    assert np.array_equal(kept, Intercepts(forgetful).solve(parameters()))


def test_intercepts_end_at_the_rounding_of_the_means(monkeypatch):
    """Where no step lowers the residual further, the best intercepts count."""
    expected = solved(parameters())
    monkeypatch.setattr(intercepts, "EXACT", -1.0)
    found = solved(parameters())
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-13)


def test_intercepts_far_off_are_found_by_scaling_where_newton_leaps_too_far():
    point = parameters()
    point[:, -1] = [400.0, -200.0, -200.0]
    expected = solved(parameters())
    with np.errstate(all="ignore"):  # as in a fit
        found = solved(point)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-11)


def test_a_step_beyond_the_minimum_that_raises_f_is_taken_back():
    """Two classes, one of them a millionth of the weight, from intercepts for half and half."""
    data = likelihood_of(
        np.zeros((400, 1)),
        Labels(np.arange(400) % 2, 2),
        np.where(np.arange(400) % 2, 1e-6, 1.0),
        fit_intercept=True,
    )
    for far in (1.0, 5.0, 12.0):
        point = Intercepts(data).solve(np.array([[0.0, -far], [0.0, far]]))
        assert point[0, 1] - point[1, 1] == pytest.approx(np.log(1e6), rel=1e-9)
