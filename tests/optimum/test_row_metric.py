"""The metric of a stream: means and covariances that follow the rows, and the inverse made of them."""

import numpy as np
import pytest
from strategies import Csr

from softmax_regression._likelihood.coordinates import Coordinates
from softmax_regression._likelihood.rows import CentredRows, DenseRows
from softmax_regression._likelihood.targets import Labels
from softmax_regression._likelihood.working import Chunk
from softmax_regression._optimum.row_metric import RowMetric, row_curvatures


def chunk(values, weight=None):
    rows = np.column_stack([values, np.ones(len(values))])
    return Chunk(DenseRows(rows), Labels(np.zeros(len(values), np.intp), 3), weight)


def sparse_rows(values):
    return CentredRows(Csr(values), Coordinates.identity(values.shape[1], True))


def observed(values, curvature, size, weight=None, sparse=False):
    d = values.shape[1]
    metric = RowMetric(np.zeros(d), np.zeros(d))
    for first in range(0, len(values), size):
        part = slice(first, first + size)
        given = chunk(values[part], None if weight is None else weight[part])
        if sparse:
            given = given._replace(rows=sparse_rows(values[part]))
        metric.observe(given, curvature[part], centred=True)
    return metric


@pytest.mark.parametrize("size", [1, 7, 40])
@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("d", [3, 60])
def test_pairwise_updates_give_the_moments_of_all_rows(size, d, sparse):
    """Far from zero too: 40 rows are fewer than are remembered, and than 60 columns wait for."""
    rng = np.random.default_rng(0)
    values, curvature = rng.normal(size=(40, d)) + 1e3, rng.uniform(0.1, 0.5, 40)
    metric = observed(values, curvature, size, sparse=sparse)
    mean = np.average(values, axis=0, weights=curvature)
    covariance = np.cov(values.T, aweights=curvature, ddof=0)
    np.testing.assert_allclose(metric.mean, mean, rtol=1e-13)
    # Sparse rows: variances as differences of squares, 1e6 times as large.
    np.testing.assert_allclose(
        metric.variance, np.diagonal(covariance), rtol=1e-8 if sparse else 1e-12
    )
    assert metric.curvature == pytest.approx(curvature.mean(), rel=1e-13)
    assert metric.rows == 40
    if sparse:
        assert metric.covariance is None
    else:
        np.testing.assert_allclose(metric.covariance, covariance, rtol=0, atol=1e-12)


def test_a_metric_whose_rows_wait_to_be_summed_is_that_of_all_at_once():
    """Blocks of 5 rows and a mean are summed when they are as many rows as columns, or asked for."""
    rng = np.random.default_rng(0)
    values, equal = rng.normal(size=(55, 60)) @ rng.normal(size=(60, 60)), np.full(55, 0.5)
    few, all_at_once = observed(values, equal, 5), observed(values, equal, 55)
    assert len(few.recent) == 1
    gradient, directions = rng.normal(size=(2, 61)), []
    for metric in (few, all_at_once):
        metric.renew(np.full(60, 1e-3))
        directions.append(metric.apply(gradient)[0])
    assert not few.recent
    np.testing.assert_allclose(*directions, rtol=1e-9, atol=1e-9)


def test_a_pickled_metric_that_had_its_covariance_whole_goes_on_with_it():
    rng = np.random.default_rng(0)
    metric = observed(rng.normal(size=(40, 3)), np.full(40, 0.5), 7)
    state = vars(metric) | {"covariance": metric.covariance}
    for name in ("summed", "recent", "decay"):
        del state[name]
    again = RowMetric.__new__(RowMetric)
    again.__setstate__(state)
    np.testing.assert_array_equal(again.covariance, metric.covariance)
    for each in (metric, again):
        each.renew(np.full(3, 1e-3))
    np.testing.assert_array_equal(again.inverse, metric.inverse)


def test_a_fit_s_moments_are_gone_on_from():
    """Mean and variance of n rows, no covariance: the blocks make one about the moving mean."""
    rng = np.random.default_rng(0)
    values, equal = rng.normal(size=(60, 3)) + 5.0, np.full(60, 0.5)
    metric = RowMetric(values[:40].mean(axis=0), values[:40].var(axis=0), rows=40.0)
    metric.observe(chunk(values[40:]), equal[40:], centred=True)
    np.testing.assert_allclose(metric.mean, values.mean(axis=0), rtol=1e-13)
    np.testing.assert_allclose(metric.variance, values.var(axis=0), rtol=1e-12)
    about = values[40:] - values.mean(axis=0)
    np.testing.assert_allclose(metric.covariance, about.T @ about / 20, rtol=0, atol=1e-12)
    assert metric.covariance_rows == 20


def test_the_weights_of_rows_count_within_a_block():
    rng = np.random.default_rng(0)
    values, weight, equal = rng.normal(size=(40, 3)), rng.uniform(0.1, 2, 40), np.full(40, 0.5)
    metric = observed(values, equal, 40, weight)
    other = observed(values, equal, 40, 7 * weight)
    np.testing.assert_allclose(metric.mean, np.average(values, axis=0, weights=weight), rtol=1e-12)
    np.testing.assert_allclose(metric.mean, other.mean, rtol=1e-12)
    assert metric.rows == pytest.approx(weight.sum() ** 2 / (weight @ weight), rel=1e-12)


def test_moments_follow_rows_that_change():
    """200 rows are remembered, and of blocks of 20 beyond these 5 are counted: 50 times."""
    rng = np.random.default_rng(0)
    values = rng.normal(size=(2_000, 3))
    values[1_000:] = 50.0 + 3.0 * values[1_000:]
    metric = observed(values, np.full(2_000, 0.5), 20)
    left = (1 - 5 / 200) ** 50
    np.testing.assert_allclose(metric.mean, 50 * (1 - left), rtol=0.02)
    spread = 50**2 * left * (1 - left) + left + 9 * (1 - left)
    np.testing.assert_allclose(np.diagonal(metric.covariance), spread, rtol=0.1)
    np.testing.assert_allclose(metric.variance, spread, rtol=0.1)


def test_of_a_long_stream_a_quarter_is_remembered():
    values, equal = np.random.default_rng(0).normal(size=(800, 1)), np.full(800, 0.5)
    metric = observed(values, equal, 1)
    assert (metric.seen, metric.rows) == (800, 200)


def test_columns_that_have_been_constant_take_no_step():
    values = np.random.default_rng(0).normal(size=(40, 3))
    values[:, 0], values[:, 1] = 0.0, 1e6 + 1e-8 * values[:, 1]
    metric = observed(values, np.full(40, 0.5), 20)
    metric.renew(np.full(3, 1e-3))
    gradient = np.ones((2, 4))
    direction, slope = metric.apply(gradient)
    assert not direction[:, :2].any()
    assert direction[:, 2].all()
    assert slope > 0.0


@pytest.mark.parametrize("n_classes", [2, 3, 20])
def test_the_curvature_bounds_the_eigenvalues_of_the_softmax(n_classes):
    rng = np.random.default_rng(0)
    for spread in (0.0, 0.3, 3.0):
        p = rng.dirichlet(np.full(n_classes, 1.0), size=50).T if spread else np.ones((n_classes, 1))
        p = p ** (spread or 1.0)
        p /= p.sum(axis=0)
        largest = [np.linalg.eigvalsh(np.diag(q) - np.outer(q, q))[-1] for q in p.T]
        assert (row_curvatures(p) >= np.array(largest) - 1e-15).all()
        assert (row_curvatures(p) <= 0.5).all()


def test_of_two_classes_the_curvature_is_the_eigenvalue():
    p = np.linspace(0.02, 0.98, 50)
    np.testing.assert_allclose(row_curvatures(np.stack([p, 1.0 - p])), 2 * p * (1 - p), rtol=1e-12)


def test_wide_rows_are_thinned_once_there_is_one_a_column():
    """So many gradients' worth of products: every fifth row of 60 columns and 3 classes."""
    rng = np.random.default_rng(0)
    values, equal = rng.normal(size=(160, 60)), np.full(160, 0.5)
    metric = RowMetric(np.zeros(60), np.zeros(60))
    for first, counted in [(0, 30), (30, 60), (60, 66)]:
        some = slice(first, first + 30)
        metric.observe(chunk(values[some]), equal[some], centred=True)
        assert metric.covariance_rows == counted


def test_rows_beyond_those_that_tell_enough_are_thinned():
    values, equal = np.random.default_rng(0).normal(size=(400, 3)), np.full(400, 0.5)
    metric = RowMetric(np.zeros(3), np.zeros(3))
    for first in range(0, 400, 100):
        metric.observe(chunk(values[first : first + 100]), equal[:100], centred=True)
    assert metric.waiting == 100 + 100 + 25 + 25


def test_the_inverse_is_renewed_when_its_rows_have_doubled_or_are_long_past():
    values, equal = np.random.default_rng(0).normal(size=(400, 3)), np.full(400, 0.5)
    metric, renewed = RowMetric(np.zeros(3), np.zeros(3)), []
    for first in range(0, 400, 10):
        metric.observe(chunk(values[first : first + 10]), equal[:10], centred=True)
        metric.renew_if_due(np.zeros(3))
        if metric.waiting == 0.0:
            renewed.append(first + 10)
    assert renewed[:5] == [10, 20, 40, 80, 160]


def test_a_sparse_block_leaves_the_diagonal():
    values, equal = np.random.default_rng(0).normal(size=(40, 3)), np.full(40, 0.5)
    metric = observed(values, equal, 20)
    metric.observe(chunk(values)._replace(rows=sparse_rows(values)), equal, centred=True)
    metric.renew(np.zeros(3))
    assert metric.covariance is None
    assert metric.inverse.shape == (3,)


def test_without_an_intercept_moments_are_about_zero():
    values, equal = np.random.default_rng(0).normal(size=(40, 3)) + 2.0, np.full(40, 0.5)
    metric = RowMetric(np.zeros(3), np.zeros(3))
    given = Chunk(DenseRows(values), Labels(np.zeros(40, np.intp), 3), None)
    metric.observe(given, equal, centred=False)
    assert not metric.mean.any()
    np.testing.assert_allclose(metric.covariance, values.T @ values / 40, rtol=1e-12)
