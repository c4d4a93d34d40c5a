"""Blocks of sparse rows, and of data frames."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse

from softmax_regression import SoftmaxRegression
from softmax_regression._blocks import gathered

RNG = np.random.default_rng(0)
DENSE = np.where(RNG.random((2_000, 30)) < 0.2, RNG.normal(size=(2_000, 30)), 0.0)
Y = (DENSE @ RNG.normal(size=(30, 3)) + RNG.gumbel(size=(2_000, 3))).argmax(axis=1)
X = scipy.sparse.csr_array(DENSE)
BLOCKS = [(X[a : a + 400], Y[a : a + 400]) for a in range(0, 2_000, 400)]


@pytest.mark.parametrize("settings", [{}, {"l1": 1e-3}], ids=["l2", "l1"])
@pytest.mark.parametrize("rows", [500, 2_000], ids=["sample", "whole"])
def test_sparse_blocks_reach_the_optimum_of_fit(settings, rows, monkeypatch):
    monkeypatch.setattr(gathered, "LIMIT", rows * 16.5 * X.nnz / 2_000)
    settings = {"l2": 1e-3, "tol": 1e-9} | settings
    model = SoftmaxRegression(**settings).fit_blocks(BLOCKS)
    expected = SoftmaxRegression(**settings).fit(X, Y)
    assert model.converged_
    assert abs(model.loss_curve_[-1] - expected.loss_curve_[-1]) <= 1e-9
    np.testing.assert_allclose(model.coef_, expected.coef_, atol=1e-3)


def test_dense_beside_sparse_is_refused():
    with pytest.raises(
        ValueError, match="block 5 has dense rows, block 0 has sparse rows; give all"
    ):
        SoftmaxRegression().fit_blocks([*BLOCKS, (DENSE[:9], Y[:9])])


def test_names_of_probability_columns_must_agree():
    rows = np.eye(3)[Y[:400]]
    one, two = (pd.DataFrame(rows, columns=list(names)) for names in ("abc", "abd"))
    with pytest.raises(
        ValueError, match=r"block 1 has the classes .*'d'.* block 0 has the classes"
    ):
        SoftmaxRegression().fit_blocks([(DENSE[:400], one), (DENSE[:400], two)])
    model = SoftmaxRegression().fit_blocks([(DENSE[:400], one)], classes=list("abc"))
    assert list(model.classes_) == list("abc")
