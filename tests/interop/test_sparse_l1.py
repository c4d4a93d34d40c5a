"""scipy.sparse rows under an l1 penalty: the dense minimum, and nothing filled in."""

import numpy as np
import pytest
import scipy.sparse as sp

from softmax_regression import SoftmaxRegression


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((400, 120))
    X[abs(X) < 1.5] = 0.0
    logits = X[:, :3] @ rng.standard_normal((3, 4))
    return X, (logits + rng.gumbel(size=logits.shape)).argmax(axis=1)


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("l2", [0.0, 1e-3])
def test_csr_reaches_the_dense_minimum(data, l2, fit_intercept):
    X, y = data
    model = SoftmaxRegression(l1=0.005, l2=l2, tol=1e-10, fit_intercept=fit_intercept)
    dense = model.fit(X, y).loss_curve_[-1]
    sparse = model.fit(sp.csr_array(X), y)
    assert sparse.converged_
    assert (sparse.coef_ == 0.0).any()
    assert sparse.loss_curve_[-1] == pytest.approx(dense, abs=1e-10)  # both within tol of F*


def test_weights_and_soft_targets_reach_the_dense_minimum(data):
    X, y = data
    weight = np.random.default_rng(1).uniform(0.0, 2.0, len(y))
    targets = 0.8 * np.eye(4)[y] + 0.05
    model = SoftmaxRegression(l1=0.005, l2=0.0, tol=1e-10)
    dense = model.fit(X, targets, weight).loss_curve_[-1]
    sparse = model.fit(sp.csr_matrix(X), targets, weight)
    assert sparse.converged_
    assert sparse.loss_curve_[-1] == pytest.approx(dense, abs=1e-10)


def test_columns_of_very_different_scales_converge(data):
    X, y = data
    scales = 10.0 ** np.linspace(-2, 2, X.shape[1])
    model = SoftmaxRegression(l1=0.005, l2=0.0, tol=1e-8).fit(sp.csr_array(X * scales), y)
    assert model.converged_


def test_a_wide_matrix_is_never_densified(data, monkeypatch):
    X, y = data
    wide = sp.hstack([sp.csr_array(X), sp.csr_array((400, 100_000))]).tocsr()

    def refuse(*_args, **_kwargs):
        raise AssertionError

    for name in ("toarray", "todense"):
        monkeypatch.setattr(type(wide), name, refuse)
    model = SoftmaxRegression(l1=0.005, l2=0.0).fit(wide, y)
    assert model.converged_
    assert not model.coef_[:, 120:].any()
