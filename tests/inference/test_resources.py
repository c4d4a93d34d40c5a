"""What reading a fit costs: no array of rows times parameters, and see tests/test_public_api.py."""

import tracemalloc

import numpy as np
import pytest
from strategies import thinned

from softmax_regression import SoftmaxRegression

N = 28_000


@pytest.fixture(scope="module")
def fitted():
    """Many rows, their labels and a fit."""
    generator = np.random.default_rng(0)
    X = generator.normal(size=(N, 20))
    y = (X @ generator.normal(size=(20, 12)) * 0.2 + generator.gumbel(size=(N, 12))).argmax(axis=1)
    return X, y, SoftmaxRegression(l2=0).fit(X, y)


@pytest.mark.parametrize("covariance", thinned(["observed", "robust", "cluster"], 3))
def test_memory_stays_below_rows_times_parameters(fitted, covariance):
    X, y, model = fitted
    groups = np.arange(N) // 8 if covariance == "cluster" else None
    tracemalloc.start()
    inference = model.inference(X, y, covariance=covariance, groups=groups)
    inference.marginal_effect(0)
    if covariance == "observed":  # what follows knows the covariance, not how it was found
        inference.average_difference(X, X + 1)
        inference.predict_interval(X)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    rows_by_parameters = 8 * N * 11 * 21
    # Results of (n, K) each, X in standardised columns, or sorted by cluster, and no more.
    assert peak < (0.8 if covariance == "cluster" else 0.6) * rows_by_parameters
