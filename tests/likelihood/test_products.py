"""Blocks of rows: their products are those of plain matrices, for any number of classes."""

from itertools import product

import numpy as np
import pytest
from strategies import Csr, thinned
from tolerances import EPS

from softmax_regression._likelihood import products
from softmax_regression._likelihood.coordinates import Coordinates
from softmax_regression._likelihood.rows import CentredRows, DenseRows
from softmax_regression._likelihood.targets import Labels
from softmax_regression._likelihood.working import raw_chunk

RNG = np.random.default_rng(0)
X = np.where(RNG.random((90, 6)) < 0.4, RNG.normal(1.0, 2.0, (90, 6)), 0.0)
MEAN = X.mean(axis=0)
# Sums of 90 products of entries up to 10.
SUMMED = 90 * 10 * EPS

SPREAD = X.std(axis=0)
KINDS = {
    "dense": DenseRows(np.hstack([X, np.ones((90, 1))])),
    "sparse": CentredRows(Csr(X), Coordinates.identity(6, fit_intercept=True)),
    "centred": CentredRows(Csr(X), Coordinates(MEAN, np.ones(6), fit_intercept=True)),
    "no intercept": CentredRows(Csr(X), Coordinates.identity(6, fit_intercept=False)),
    "dense, scaled after": CentredRows(X, Coordinates(MEAN, SPREAD, fit_intercept=True)),
}
PLAIN = {
    "dense": KINDS["dense"].values,
    "sparse": KINDS["dense"].values,
    "centred": np.hstack([X - MEAN, np.ones((90, 1))]),
    "no intercept": X,
    "dense, scaled after": np.hstack([(X - MEAN) / SPREAD, np.ones((90, 1))]),
}
BOTH = pytest.mark.parametrize("kind", KINDS)
# One by one, by fours, filled up to fours (three of a matrix that is far too), and too many to fill up.
CASES = pytest.mark.parametrize(
    ("n_classes", "kind"), thinned(product([2, 3, 4, 5, 6, 7, 18], KINDS), 2)
)


@pytest.fixture(
    params=[(1, 10**9), (10**9, 10**9), (1, 0)], ids=["one by one", "at once", "far away"]
)
def entries(request, monkeypatch):
    many, far = request.param
    monkeypatch.setattr(products, "MANY_ENTRIES", many)
    monkeypatch.setattr(products, "FAR_BYTES", far)


@CASES
@pytest.mark.usefixtures("entries")
def test_logits_differ_by_a_shift_common_to_all_classes(kind, n_classes):
    rows, plain = KINDS[kind], PLAIN[kind]
    V = RNG.standard_normal((n_classes, plain.shape[1]))
    logits, expected = rows.logits(V), V @ plain.T
    assert logits.flags.c_contiguous
    np.testing.assert_allclose(logits - logits[-1], expected - expected[-1], atol=SUMMED)
    part = rows.part(slice(5, 9)).logits(V)
    np.testing.assert_allclose(part - part[-1], (expected - expected[-1])[:, 5:9], atol=SUMMED)


@BOTH
def test_margins_are_the_differences_of_two_logits(kind):
    rows, plain = KINDS[kind], PLAIN[kind]
    V = RNG.standard_normal((2, plain.shape[1]))
    np.testing.assert_allclose(rows.margins(V), plain @ (V[0] - V[1]), atol=SUMMED)


@CASES
@pytest.mark.usefixtures("entries")
def test_gradients_are_the_sums_over_rows(kind, n_classes):
    rows, plain = KINDS[kind], PLAIN[kind]
    residual = RNG.standard_normal((n_classes, 90))
    np.testing.assert_allclose(rows.sums(residual), residual @ plain, atol=SUMMED)
    residual -= residual.mean(axis=0)
    np.testing.assert_allclose(rows.gradient(residual), residual @ plain, atol=SUMMED)


@pytest.mark.parametrize("kind", ["sparse", "centred", "no intercept"])
def test_sparse_rows_filled_in_are_the_plain_matrix(kind):
    np.testing.assert_allclose(KINDS[kind].dense().values, PLAIN[kind], rtol=0, atol=10 * EPS)


@BOTH
def test_rows_filled_in_are_the_plain_matrix_and_some_columns_its_columns(kind):
    rows, plain = KINDS[kind], PLAIN[kind]
    np.testing.assert_allclose(rows.dense().values, plain, atol=10 * EPS)
    columns = np.array([0, 3, plain.shape[1] - 1])
    np.testing.assert_allclose(rows.some(columns), plain[:, columns], atol=10 * EPS)
    picked = np.array([4, 80])
    np.testing.assert_allclose(rows.part(picked).dense().values, plain[picked], atol=10 * EPS)


@BOTH
def test_squares_are_the_sums_over_rows(kind):
    weights = RNG.uniform(0.0, 1.0, (3, 90))
    expected = weights @ PLAIN[kind] ** 2
    np.testing.assert_allclose(KINDS[kind].squares(weights), expected, atol=10 * SUMMED)


@pytest.mark.parametrize("n_classes", [2, 3, 7])
def test_parameters_of_another_precision_take_that_of_the_rows(n_classes):
    rows = DenseRows(np.ones((5, 4), np.float32))
    assert rows.logits(np.ones((n_classes, 4))).dtype == np.float32


def test_the_squares_of_a_constant_sparse_column_stay_above_zero():
    """Nothing but rounding is left of them, and curvature must not be negative."""
    rows = X.copy()
    rows[:, 2] = 1e4 / 3
    centre = rows.mean(axis=0)
    squares = CentredRows(
        Csr(rows.astype(np.float32)), Coordinates(centre, np.ones(6), fit_intercept=True)
    ).squares(np.ones((1, 90), np.float32))
    assert (squares > 0).all()


@pytest.mark.parametrize("kind", [np.asarray, Csr], ids=["dense", "sparse"])
def test_a_raw_block_is_the_rows_in_float64_and_a_column_of_ones(kind):
    labels = Labels(np.arange(90) % 3, 3)
    block = raw_chunk(kind(X.astype(np.float32)), labels, None, fit_intercept=True)
    assert block.rows.dtype == np.float64
    sums = block.rows.sums(np.ones((1, 90)))
    np.testing.assert_allclose(
        sums[0, :-1], X.astype(np.float32).sum(axis=0, dtype=np.float64), atol=SUMMED
    )
    assert sums[0, -1] == 90


@pytest.mark.parametrize("n_features", [products.WIDE - 1, products.WIDE])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_wide_rows_have_the_logits_of_narrow_ones(dtype, n_features):
    rows = RNG.standard_normal((40, n_features)).astype(dtype)
    weights = RNG.standard_normal((18, n_features)).astype(dtype)
    out = np.empty((18, 40), dtype)
    products.class_logits(weights, rows, out)
    expected = weights.astype(np.float64) @ rows.T.astype(np.float64)
    np.testing.assert_allclose(out, expected, rtol=0, atol=1e3 * np.finfo(dtype).eps)
