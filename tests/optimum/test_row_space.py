"""More columns than rows: coordinates with the same inner products, and the way back."""

import numpy as np
import pytest
from newton import objective

from softmax_regression import ConvergenceWarning, SoftmaxRegression
from softmax_regression._likelihood.block import Block
from softmax_regression._likelihood.targets import Labels
from softmax_regression._optimum.minimise import _coordinates
from softmax_regression._optimum.row_space import RowSpace
from softmax_regression._parameters import Parameters
from softmax_regression._penalty import Penalty

RNG = np.random.default_rng(0)
X = RNG.standard_normal((20, 60)) + 3
WEIGHT = RNG.uniform(0.2, 3.0, 20)


def space_of(rows, weight, *, centred):
    return RowSpace(Block(rows, Labels(np.zeros(len(rows), int), 2), weight), centred)


def test_its_coordinates_have_one_scale():
    inner = space_of(X, None, centred=True).inner
    assert not inner.centre.any()
    assert np.ptp(inner.scale) == 0.0
    coordinates = space_of(X, None, centred=True).coordinates
    assert inner.scale[0] == pytest.approx(np.sqrt((coordinates**2).mean()))


@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["equal", "weighted"])
@pytest.mark.parametrize("centred", [True, False])
def test_inner_products_logits_and_norms_are_kept(weight, centred):
    space = space_of(X, weight, centred=centred)
    rows = X - space.centre
    np.testing.assert_allclose(space.coordinates @ space.coordinates.T, rows @ rows.T, atol=1e-9)
    inner = Parameters(RNG.standard_normal((3, space.coordinates.shape[1])), np.arange(3.0))
    outer = space.expand(inner)
    np.testing.assert_allclose(
        X @ outer.weights.T + outer.intercept,
        space.coordinates @ inner.weights.T + inner.intercept,
        atol=1e-10,
    )
    assert np.linalg.norm(outer.weights) == pytest.approx(np.linalg.norm(inner.weights), rel=1e-10)


def test_reduce_undoes_expand():
    space = space_of(X, None, centred=True)
    inner = Parameters(RNG.standard_normal((3, space.coordinates.shape[1])), np.arange(3.0))
    again = space.reduce(space.expand(inner))
    np.testing.assert_allclose(again.weights, inner.weights, atol=1e-9)
    np.testing.assert_allclose(again.intercept, inner.intercept, atol=1e-9)


def test_it_pays_only_with_a_penalty_and_many_columns():
    assert RowSpace.pays((20, 60))
    assert not RowSpace.pays((60, 60))
    block = Block(X, Labels(np.arange(20) % 3, 3))
    turned = {
        l2: isinstance(_coordinates(block, Penalty(l1, l2), fit_intercept=True)[0], RowSpace)
        for l1, l2 in ((0.0, 0.1), (0.0, 0.0), (1.0, 0.2))
    }
    assert turned == {0.1: True, 0.0: False, 0.2: False}


@pytest.mark.parametrize("scale", [1.0, 1e3, 1e6, 1e10])
def test_it_is_exact_only_where_no_direction_drowns_in_the_largest(scale):
    rows = X.copy()
    rows[:, 0] *= scale
    assert space_of(rows, None, centred=True).exact == (scale <= 1e3)


def test_the_heaviest_row_follows_from_the_others_whatever_the_weights():
    """Solved for from a row of weight 1e-12 instead, it would keep 4 digits."""
    weight = np.ones(20)
    weight[[0, 7]] = 1e-12, 1e12
    space = space_of(X, weight, centred=True)
    rows = X - space.centre
    np.testing.assert_allclose(space.coordinates @ space.coordinates.T, rows @ rows.T, atol=1e-9)


def test_it_is_not_exact_where_rows_repeat():
    assert not space_of(np.repeat(X[:10], 2, axis=0), None, centred=True).exact
    assert not RowSpace.pays((1, 60))


def test_float32_rows_are_rotated_in_float64():
    single = X.astype(np.float32)
    space = space_of(single, None, centred=True)
    rows = single.astype(np.float64) - space.centre
    np.testing.assert_allclose(space.coordinates @ space.coordinates.T, rows @ rows.T, atol=1e-9)


def test_large_offsets_do_not_round_the_weights():
    """At 1e10 the spacing of numbers is 2e-6; rows less their centre keep all their digits."""
    space = space_of(X + 1e10, None, centred=True)
    inner = Parameters(RNG.standard_normal((3, space.coordinates.shape[1])), np.zeros(3))
    logits = (X + 1e10 - space.centre - space.rest) @ space.expand(inner).weights.T
    np.testing.assert_allclose(logits, space.coordinates @ inner.weights.T, atol=1e-9)


def test_the_gap_knows_of_the_rounding_of_intercepts():
    """b = c - W mu keeps no digit behind the point where a column is 1e14 from zero."""
    rows, y = np.random.default_rng(0).normal(size=(10, 40)) + 1e14, np.arange(10) % 3
    centred = rows - rows.mean(axis=0)
    best = SoftmaxRegression(l2=0.01, tol=1e-12).fit(centred, y)
    lowest = objective(centred, np.eye(3)[y], best.coef_, best.intercept_, 0.01)
    with pytest.warns(ConvergenceWarning, match="float64"):
        model = SoftmaxRegression(l2=0.01, tol=1e-9).fit(rows, y)
    reached = objective(rows, np.eye(3)[y], model.coef_, model.intercept_, 0.01)
    assert 1e-9 < reached - lowest <= model.optimality_gap_
