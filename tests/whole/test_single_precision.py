"""Fits whose weights float32 holds: F is kept as far as it can be, and the rest is told."""

import re
import warnings
from itertools import product

import numpy as np
import pytest
from newton import objective, optimum
from strategies import thinned, unless_fast

from softmax_regression import ConvergenceWarning, SoftmaxRegression, _proven
from softmax_regression._optimum.line_search import TRIALS
from softmax_regression._proven import _upwards


def collinear(seed, *, n_rows=300, n_features=5, extra=2, n_classes=4, offset=0.0):
    """Columns of which some are sums of others, in float64."""
    rng = np.random.default_rng(seed)
    S = rng.standard_normal((n_rows, n_features))
    X = np.column_stack([S, S @ rng.standard_normal((n_features, extra))]) + offset
    weights = rng.standard_normal((n_features, n_classes))
    y = (S @ weights / 2 + rng.gumbel(size=(n_rows, n_classes))).argmax(axis=1)
    return X, y


def told(caught):
    """The distance from the minimum that the warning tells."""
    return float(re.search(r"(?:estimated to be|within) (\S+) nats", str(caught[0].message))[1])


def minimum(X, T, l2):
    """F* of the rows as they are: without a penalty along the principal axes of their longdoubles."""
    centred = X.astype(np.longdouble) - X.astype(np.longdouble).mean(axis=0)
    if l2 == 0.0:
        scaled = centred / centred.std(axis=0)
        centred = scaled @ np.linalg.svd(np.asarray(scaled, float))[2].T.astype(np.longdouble)
        centred /= centred.std(axis=0)
    return float(optimum(np.asarray(centred, float), T, l2)[2])


@pytest.mark.parametrize("seed", thinned(range(6), 3))
def test_collinear_columns_lose_no_more_than_is_told(seed):
    """Rounded to float32 they are collinear no more, and what that gains takes huge weights.

    The fit must not be above that of the float64 rows, where nothing is to be gained, and its
    distance from the minimum of the float32 rows must be told in full.
    """
    X, y = collinear(seed)
    rows, T = X.astype(np.float32), np.eye(4)[y]
    with pytest.warns(ConvergenceWarning, match="the precision of float32") as caught:
        model = SoftmaxRegression(l2=0.0).fit(rows, y)
    assert not model.converged_
    exact = SoftmaxRegression(l2=0.0, tol=1e-9).fit(X, y).loss_curve_[-1]
    F = float(objective(rows, T, model.coef_, model.intercept_, 0.0))
    assert F - exact <= 1e-6
    assert F - minimum(rows, T, 0.0) <= told(caught) <= F
    # And as float32 predicts.
    assert model.loss(rows, y) <= exact + 1e-3


@pytest.mark.parametrize(
    ("l2", "offset", "extra"), thinned(product([0.0, 1e-6, 1e-4], [0.0, 300.0, 3e4], [0, 2]), 5)
)
def test_the_distance_told_is_never_too_small(l2, offset, extra):
    X, y = collinear(1, extra=extra, offset=offset)
    rows, T = X.astype(np.float32), np.eye(4)[y]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model = SoftmaxRegression(l2=l2).fit(rows, y)
    distance = float(objective(rows, T, model.coef_, model.intercept_, l2)) - minimum(rows, T, l2)
    allowed = model.optimality_gap_ if l2 else model.tol if model.converged_ else told(caught)
    # Without a penalty the judge's own axes round.
    assert distance <= allowed + (1e-9 if l2 == 0.0 else 0.0)


def test_intercepts_make_up_for_rounded_weights():
    """b after W's rounding: what is left of c = b + W μ is the rounding of b alone."""
    X, y = collinear(2, extra=0, offset=3e4)
    model = SoftmaxRegression(l2=1e-3, tol=1e-4).fit(X.astype(np.float32), y)
    exact = SoftmaxRegression(l2=1e-3).fit(X.astype(np.float32).astype(float), y)
    mean = X.astype(np.float32).astype(float).mean(axis=0)
    offset = (model.intercept_ - exact.intercept_) + (model.coef_ - exact.coef_) @ mean
    largest = np.abs(exact.intercept_).max()
    assert np.abs(offset).max() <= 2.0**-24 * 2.0 ** np.ceil(np.log2(largest))


@pytest.mark.filterwarnings("ignore::softmax_regression.ConvergenceWarning")
@pytest.mark.parametrize("l1", [0.0, 1e-9])
def test_a_second_search_stays_within_max_iter(l1, monkeypatch):
    """Passes for steps add up over all searches; the last step is finished."""
    X, y = collinear(3)
    minimised, left, searches = _proven.minimise, [], []

    def counted(*arguments, **settings):
        assert arguments[3].max_iter == left[-1] > 0
        solution = minimised(*arguments, **settings)
        left[-1] -= solution.passes
        searches[-1] += 1
        return solution

    monkeypatch.setattr(_proven, "minimise", counted)
    for max_iter in (1, 5, 20, 100, *unless_fast(2, 12)):
        left.append(max_iter)
        searches.append(0)
        SoftmaxRegression(l1=l1, l2=0.0, max_iter=max_iter).fit(X.astype(np.float32), y)
        assert left[-1] >= -TRIALS
    assert searches[0] == 1
    assert l1 or max(searches) > 1


@pytest.mark.parametrize("bound", [0.0143, 0.25, 9.94e-5, 1.05e-7, 9.95, 0.0, 1234.0])
def test_two_digits_are_never_below_the_bound(bound):
    assert bound <= float(_upwards(bound)) <= 1.1 * bound
