"""Some rows of a block stand for all of them: as many as may be kept, each for as many others."""

import numpy as np
import pytest
from cuts import drawn as rows_drawn

from softmax_regression._blocks.sample import Quota, drawn
from softmax_regression._input.blocks import GivenRows

X, Y, _ = rows_drawn(120)
WEIGHT = np.random.default_rng(0).exponential(size=120)


@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["equal", "weighted"])
@pytest.mark.parametrize(("quota", "size"), [
    (Quota(3, 30 * 8 * 6), 30), (Quota(3, np.inf, 0.1), 12), (Quota(3, 30 * 8 * 6, 0.1), 12),
])  # fmt: skip
def test_each_row_weighs_as_much_as_those_it_stands_for(quota, size, weight):
    found = drawn(GivenRows(X, Y, weight), quota)
    places = [np.flatnonzero((row == X).all(axis=1)).item() for row in found.X]
    assert len(set(places)) == len(places) == size
    np.testing.assert_array_equal(found.y, Y[places])
    own = np.ones(size) if weight is None else weight[places]
    np.testing.assert_allclose(found.weight, own * (120 / size), rtol=1e-15)


def test_a_block_within_its_quota_is_its_own_sample():
    given = GivenRows(X, Y, None)
    assert drawn(given, Quota(3, 120 * 8 * 6)) is given
