"""The same figures as statsmodels' MNLogit, where it has them."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
import statsmodels.api as sm
from inference.references import reference

from softmax_regression import SoftmaxRegression

TOLERANCE = 1e-8


def simulated(seed: int, n: int = 600, d: int = 4, n_classes: int = 4):
    generator = np.random.default_rng(seed)
    X = generator.normal(size=(n, d)) * np.geomspace(0.1, 30, d)
    logits = (X / np.geomspace(0.1, 30, d)) @ generator.normal(size=(d, n_classes)) * 0.6
    y = (logits + generator.gumbel(size=logits.shape)).argmax(axis=1)
    return X, y, generator.integers(0, 40, n)


def hsbdemo():
    given = reference("hsbdemo")
    return given.X, given.y, np.arange(len(given.y)) // 5


PROBLEMS = {
    "hsbdemo": hsbdemo(),
    "simulated": simulated(1),
    "two classes": simulated(2, n_classes=2),
}


@pytest.fixture(params=PROBLEMS)
def problem(request):
    return PROBLEMS[request.param]


def theirs(X, y, **options):
    # Columns of unit spread, in which Newton's method of statsmodels has its digits.
    rows = np.column_stack([X, np.ones(len(X))])
    return sm.MNLogit(y, rows).fit(method="newton", maxiter=100, disp=0, tol=1e-14, **options)


def ours(X, y, **kind):
    return SoftmaxRegression(l2=0).fit(X, y).inference(X, y, **kind)


def assert_same_table(summary, fit, factor: float = 1.0):
    columns = summary.columns
    error = np.asarray(fit.bse).T.ravel() * np.sqrt(factor)
    assert (np.abs(columns["estimate"] - fit.params.T.ravel()) < TOLERANCE * error).all()
    np.testing.assert_allclose(columns["standard_error"], error, rtol=TOLERANCE)
    if factor == 1.0:
        np.testing.assert_allclose(columns["z"], fit.tvalues.T.ravel(), rtol=1e-7, atol=TOLERANCE)
        np.testing.assert_allclose(
            columns["p_value"], fit.pvalues.T.ravel(), rtol=1e-6, atol=1e-300
        )
        interval = fit.conf_int().reshape(-1, 2)
        np.testing.assert_allclose(columns["lower"], interval[:, 0], rtol=1e-7, atol=1e-9)
        np.testing.assert_allclose(columns["upper"], interval[:, 1], rtol=1e-7, atol=1e-9)


def test_maximum_likelihood(problem):
    X, y, _ = problem
    inference, fit = ours(X, y), theirs(X, y)
    assert_same_table(inference.summary(), fit)
    for name, value in (
        ("log_likelihood", fit.llf),
        ("aic", fit.aic),
        ("bic", fit.bic),
        ("mcfadden_r2", fit.prsquared),
    ):
        assert getattr(inference, name) == pytest.approx(value, rel=1e-8)
    assert inference.test(range(X.shape[1])).statistic == pytest.approx(fit.llr, rel=1e-8)


def test_robust_times_its_factor(problem):
    X, y, _ = problem
    n = len(y)
    fit = theirs(X, y, cov_type="HC0")
    assert_same_table(ours(X, y, covariance="robust").summary(), fit, factor=n / (n - 1))


def test_cluster_with_their_other_factor_written_out(problem):
    X, y, groups = problem
    n, k = len(y), (X.shape[1] + 1) * y.max()
    fit = theirs(X, y, cov_type="cluster", cov_kwds={"groups": groups})
    summary = ours(X, y, covariance="cluster", groups=groups).summary()
    assert_same_table(summary, fit, factor=(n - k) / (n - 1))


def test_average_marginal_effects(problem):
    X, y, _ = problem
    effects = theirs(X, y).get_margeff()
    inference = ours(X, y)
    for j in range(X.shape[1]):
        columns = inference.marginal_effect(j).columns
        np.testing.assert_allclose(columns["estimate"], effects.margeff[j], rtol=1e-7, atol=1e-10)
        np.testing.assert_allclose(columns["standard_error"], effects.margeff_se[j], rtol=TOLERANCE)


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame], ids=["pandas", "polars"])
def test_columns_of_tables_make_data_frames(problem, frame):
    X, y, _ = problem
    names = [f"column {j}" for j in range(X.shape[1])]
    data = frame(dict(zip(names, X.T, strict=True)))
    labels = np.array(["a", "b", "c", "d"], dtype=object)[y]
    model = SoftmaxRegression(l2=0).fit(data, labels)
    inference = model.inference(data, labels)
    for table in (
        inference.summary(),
        inference.marginal_effect("column 1"),
        model.coefficients(),
        model.coefficients("a", top=2),
        model.explain(data[:1]),
        model.explain(data[:3]),
    ):
        made = frame(table.columns)
        assert list(made.columns) == list(table.columns)
        assert len(made) == len(table)
    assert inference.summary().columns["feature"].tolist()[: len(names)] == names


def test_a_row_of_a_data_frame_is_explained_by_name():
    data = pd.DataFrame({"height": [1.0, 2.0, 3.0, 4.0], "width": [2.0, 1.0, 2.0, 1.0]})
    model = SoftmaxRegression(l2=0.1).fit(data, ["a", "b", "a", "b"])
    row = model.explain(data.iloc[0], baseline=data.mean())
    assert set(row.columns["feature"]) == {"height", "width"}
    with pytest.raises(ValueError, match="feature names should match"):
        model.explain(data.iloc[0].rename({"width": "depth"}))
