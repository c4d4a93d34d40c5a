"""The solver's coordinates: how far the columns are from their centre, in any of them."""

import numpy as np
import pytest
from strategies import Csr, chunks_of, likelihood_of
from tolerances import EPS

from softmax_regression._likelihood.block import Block
from softmax_regression._likelihood.coordinates import Coordinates
from softmax_regression._likelihood.survey import survey
from softmax_regression._likelihood.targets import Labels
from softmax_regression._likelihood.working import Likelihood

RNG = np.random.default_rng(0)
X = RNG.normal(3.0, [0.5, 1.0, 2.0, 4.0, 8.0], (90, 5))
X[RNG.random((90, 5)) < 0.3] = 0.0
LABELS = Labels(np.arange(90) % 3, 3)
WEIGHT = RNG.uniform(0.2, 3.0, 90)
# Sums of 90 products of entries up to 25.
SUMMED = 90 * 25 * EPS

WEIGHTED = pytest.mark.parametrize("weight", [None, WEIGHT], ids=["equal", "weighted"])
KINDS = pytest.mark.parametrize("kind", [np.asarray, Csr], ids=["dense", "sparse"])


def about(centre, rows=X, weight=None):
    """The root of the weighted mean square of every column about a centre."""
    return np.sqrt(np.average((rows - centre) ** 2, axis=0, weights=weight))


@WEIGHTED
@KINDS
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_deviations_are_standard_deviations_or_without_an_intercept_about_zero(
    kind, weight, fit_intercept
):
    likelihood = likelihood_of(kind(X), LABELS, weight, fit_intercept)
    centre = np.average(X, axis=0, weights=weight) if fit_intercept else 0.0
    expected = about(centre, weight=weight)
    np.testing.assert_allclose(likelihood.deviations(), expected, rtol=SUMMED)
    assert likelihood.readings == 1  # the survey's, which has told them


@WEIGHTED
def test_in_coordinates_from_elsewhere_deviations_are_about_their_centre(weight):
    given = Coordinates(np.linspace(-4.0, 4.0, 5), np.full(5, 2.0), fit_intercept=True)
    likelihood = likelihood_of(X, LABELS, weight, coordinates=given)
    expected = about(given.centre, weight=weight)
    np.testing.assert_allclose(likelihood.deviations(), expected, rtol=SUMMED)


def test_chosen_columns_have_their_own_deviations():
    likelihood = likelihood_of(X, LABELS, WEIGHT)
    chosen = np.array([4, 0, 2])
    part = likelihood.columns(chosen)
    np.testing.assert_array_equal(part.deviations(), likelihood.deviations()[chosen])


def test_far_from_zero_deviations_lose_what_rounds_x():
    far = likelihood_of(X + 1e8, LABELS, WEIGHT).deviations()
    near = likelihood_of(X, LABELS, WEIGHT).deviations()
    np.testing.assert_allclose(far, near, rtol=0, atol=1e8 * EPS)


def test_deviations_of_rows_in_parts_are_those_of_all():
    parts = [slice(0, 7), slice(7, 40), slice(40, 90)]
    blocks = [Block(X[p], LABELS.take(p), WEIGHT[p], number) for number, p in enumerate(parts)]
    expected = about(np.average(X, axis=0, weights=WEIGHT), weight=WEIGHT)
    np.testing.assert_allclose(Likelihood(blocks).deviations(), expected, rtol=SUMMED)


@WEIGHTED
@KINDS
def test_mean_squares_are_those_of_the_rows_seen(kind, weight):
    given = Coordinates(np.full(5, 0.5), np.array([1.0, 2.0, 0.5, 3.0, 4.0]), fit_intercept=True)
    (about_rows,) = survey(Block(kind(X), LABELS, weight))
    seen = (X - given.centre) / given.scale
    expected = np.average(seen**2, axis=0, weights=weight)
    np.testing.assert_allclose(given.squares(about_rows), expected, rtol=SUMMED)


def test_own_coordinates_have_unit_deviations():
    likelihood = likelihood_of(X, LABELS, WEIGHT)
    (chunk,) = chunks_of(likelihood)
    squares = likelihood.coordinates.squares(likelihood.survey)
    np.testing.assert_allclose(squares, 1.0, rtol=4 * EPS)
    seen = np.average(chunk.rows.values[:, :5] ** 2, axis=0, weights=WEIGHT)
    np.testing.assert_allclose(seen, squares, rtol=SUMMED)


def test_without_an_intercept_columns_have_unit_length():
    likelihood = likelihood_of(X, LABELS, WEIGHT, fit_intercept=False)
    (chunk,) = chunks_of(likelihood)
    squares = np.average(chunk.rows.values**2, axis=0, weights=WEIGHT)
    np.testing.assert_allclose(squares, 1.0, rtol=SUMMED)


@WEIGHTED
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_mean_target_rows_are_those_of_the_rows_seen(fit_intercept, weight):
    given = Coordinates(np.full(5, 0.5) * fit_intercept, np.linspace(0.5, 2.0, 5), fit_intercept)
    likelihood = likelihood_of(X, LABELS, weight, coordinates=given)
    (chunk,) = chunks_of(likelihood)
    shares = chunk.weights() / chunk.total()
    expected = (np.eye(3)[LABELS.labels].T * shares) @ chunk.rows.values
    np.testing.assert_allclose(likelihood.mean_target_rows, expected, atol=SUMMED)


def test_chosen_columns_are_seen_as_before():
    likelihood = likelihood_of(X, LABELS, WEIGHT)
    chosen = np.array([4, 0, 2])
    (whole,), (part,) = chunks_of(likelihood), chunks_of(likelihood.columns(chosen))
    kept = np.append(chosen, 5)
    np.testing.assert_array_equal(part.rows.values, whole.rows.values[:, kept])
    theta = RNG.normal(size=(3, 4))
    (products,) = chunks_of(likelihood.columns(chosen), products=True)
    np.testing.assert_array_equal(products.rows.logits(theta), part.rows.logits(theta))
    found = likelihood.columns(chosen).mean_target_rows
    np.testing.assert_array_equal(found, likelihood.mean_target_rows[:, kept])


@pytest.mark.parametrize("fit_intercept", [True, False])
def test_a_covariance_goes_outward_as_the_parameters_do(fit_intercept):
    """The sample covariance of drawn θ, and of the same (W, b)."""
    given = Coordinates(
        np.linspace(-2.0, 3.0, 5) * fit_intercept, np.linspace(0.5, 2.0, 5), fit_intercept
    )
    drawn = RNG.normal(size=(100, 3, given.n_columns))
    outward = [given.outward(theta) for theta in drawn]
    parameters = np.stack([np.column_stack([each.weights, each.intercept]) for each in outward])
    inner = np.cov(drawn.reshape(100, -1).T).reshape(2 * drawn.shape[1:])
    expected = np.cov(parameters.reshape(100, -1).T).reshape(2 * parameters.shape[1:])
    np.testing.assert_allclose(given.covariance(inner), expected, atol=1e-11)


def test_what_rounding_the_intercept_adds_is_bounded_from_above():
    """Σ_k ¼ δ_k² with the δ of sums of so large terms: far more than float64 loses here."""
    given = Coordinates(np.full(5, 1e9), np.full(5, 2.0), fit_intercept=True)
    theta = RNG.normal(size=(3, 6))
    sizes = np.abs(theta[:, :5] / 2.0).sum(axis=1) * 1e9 + np.abs(theta[:, 5])
    assert given.rounding(theta) == pytest.approx(0.25 * ((EPS * sizes) ** 2).sum(), rel=1e-12)
    again = given.inward(given.outward(theta))
    assert 0.25 * ((again - theta)[:, 5] ** 2).sum() <= given.rounding(theta)
    assert given._replace(fit_intercept=False).rounding(theta[:, :5]) == 0.0
