"""More columns than rows: coordinates with the same inner products, and the way back."""

import numpy as np
import pytest

from softmax_regression._objective import Parameters
from softmax_regression._optimum.row_space import RowSpace

RNG = np.random.default_rng(0)
X = RNG.standard_normal((20, 60)) + 3
WEIGHT = RNG.uniform(0.2, 3.0, 20)


@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["equal", "weighted"])
@pytest.mark.parametrize("centred", [True, False])
def test_inner_products_logits_and_norms_are_kept(weight, centred):
    space = RowSpace(X, weight, centred)
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
    space = RowSpace(X, None, True)
    inner = Parameters(RNG.standard_normal((3, space.coordinates.shape[1])), np.arange(3.0))
    again = space.reduce(space.expand(inner))
    np.testing.assert_allclose(again.weights, inner.weights, atol=1e-9)
    np.testing.assert_allclose(again.intercept, inner.intercept, atol=1e-9)


def test_it_pays_only_with_a_penalty_and_many_columns():
    assert RowSpace.pays((20, 60), 0.1)
    assert not RowSpace.pays((20, 60), 0.0)
    assert not RowSpace.pays((60, 60), 0.1)
