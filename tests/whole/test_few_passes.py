"""Few passes: each begins a step, each step lowers F, and each is told of."""

from itertools import product

import numpy as np
import pytest
from strategies import Csr, thinned, unless_fast

from softmax_regression import ConvergenceWarning, SoftmaxRegression


def drawn(n_rows, n_features, n_classes):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n_rows, n_features))
    weights = rng.standard_normal((n_classes, n_features)) * 2 / np.sqrt(n_features)
    y = (X @ weights.T + rng.gumbel(size=(n_rows, n_classes))).argmax(axis=1)
    y[:n_classes] = np.arange(n_classes)
    return X, y


KINDS = {
    "newton": (300, 6, 4),
    "two classes": (200, 4, 2),
    "l-bfgs": (400, 130, 6),
    "blocks": (800, 30, 12),
    "mini-batches": (4_000, 12, 3),
    "row space": (40, 150, 3),
}
SETTINGS = {
    "l2": {"l2": 1e-3},
    "none": {"l2": 0.0},
    "l1": {"l1": 1e-3, "l2": 0.0},
    "elastic net": {"l1": 1e-3, "l2": 1e-3},
    "without intercept": {"fit_intercept": False},
}


@pytest.mark.filterwarnings("ignore::softmax_regression.ConvergenceWarning")
@pytest.mark.parametrize(("kind", "settings"), thinned(product(KINDS, SETTINGS), 3))
@pytest.mark.parametrize("max_iter", [1, *unless_fast(2, 3)])
def test_every_fit_lowers_f_in_the_passes_it_is_given(kind, settings, max_iter):
    """From the class frequencies, and from where the last fit ended."""
    X, y = drawn(*KINDS[kind])
    model = SoftmaxRegression(
        max_iter=max_iter, warm_start=True, random_state=0, **SETTINGS[settings]
    )
    frequencies = np.bincount(y) / len(y)
    lowest = -float(frequencies @ np.log(frequencies))
    if settings == "without intercept":
        lowest = np.log(len(frequencies))
    for _ in range(3):
        F = model.fit(X, y).loss_curve_[-1]
        assert lowest > F or model.converged_
        lowest = F


@pytest.mark.filterwarnings("ignore::softmax_regression.ConvergenceWarning")
@pytest.mark.parametrize("settings", ["l2", "l1"])
@pytest.mark.parametrize("kind", [np.asarray, Csr], ids=["dense", "sparse"])
def test_a_loop_of_single_passes_learns_to_the_minimum(settings, kind):
    X, y = drawn(300, 6, 4)
    model = SoftmaxRegression(max_iter=1, warm_start=True, **SETTINGS[settings])
    for _ in range(40):
        if model.fit(kind(X), y).converged_:
            break
    assert model.fit(kind(X), y).converged_


@pytest.mark.filterwarnings("ignore::softmax_regression.ConvergenceWarning")
def test_a_single_pass_on_a_working_set_of_columns_lowers_f():
    X, y = drawn(200, 300, 3)
    model = SoftmaxRegression(l1=1e-2, l2=0.0, max_iter=1, warm_start=True).fit(X, y)
    first = model.loss_curve_
    assert first[1] < first[0]
    assert model.fit(X, y).loss_curve_[-1] < first[1]


@pytest.mark.filterwarnings("ignore::softmax_regression.ConvergenceWarning")
@pytest.mark.parametrize("l1", [0.0, 1e-3])
def test_early_stopping_keeps_what_a_single_pass_learns(l1):
    X, y = drawn(600, 6, 4)
    model = SoftmaxRegression(l1=l1, max_iter=1, early_stopping=True, random_state=0).fit(X, y)
    assert model.coef_.any()
    assert len(model.validation_curve_) == 2  # the start, and one step


@pytest.mark.parametrize("l1", [0.0, 1e-3])
def test_a_callback_hears_of_the_start_and_of_the_only_step(l1):
    X, y = drawn(300, 6, 4)
    seen = []
    with pytest.warns(ConvergenceWarning, match="max_iter=1 "):
        model = SoftmaxRegression(l1=l1, max_iter=1, callback=seen.append).fit(X, y)
    assert [told.step for told in seen] == [0, 1]
    assert seen[0].epoch < seen[1].epoch <= model.n_iter_


@pytest.mark.parametrize("l1", [0.0, 1e-3])
def test_a_callback_that_ends_the_fit_at_its_start_is_heard(l1):
    X, y = drawn(300, 6, 4)
    seen = []
    with pytest.warns(ConvergenceWarning, match="callback ended the fit"):
        model = SoftmaxRegression(l1=l1, callback=lambda told: seen.append(told) or True).fit(X, y)
    assert len(seen) == 1
    assert model.stop_reason_ == "callback"
    assert not model.coef_.any()


@pytest.mark.parametrize("l1", [0.0, 1e-3])
def test_a_start_at_the_minimum_stays_there(l1):
    X, y = drawn(300, 6, 4)
    model = SoftmaxRegression(l1=l1, tol=1e-12, warm_start=True).fit(X, y)
    lowest = model.loss_curve_[-1]
    model.set_params(max_iter=1, tol=1e-9).fit(X, y)
    assert model.converged_
    assert model.loss_curve_[-1] <= lowest + 1e-15


@pytest.mark.parametrize("l1", [0.0, 1e-3])
def test_columns_that_tell_nothing_leave_the_frequencies(l1):
    X = np.zeros((30, 2))
    model = SoftmaxRegression(l1=l1, max_iter=1).fit(X, np.arange(30) % 3)
    assert model.converged_
    assert not model.coef_.any()


@pytest.mark.filterwarnings("ignore::softmax_regression.ConvergenceWarning")
@pytest.mark.parametrize("l1", [0.0, 1e-3])
@pytest.mark.parametrize("kind", [np.asarray, Csr], ids=["dense", "sparse"])
@pytest.mark.parametrize("max_iter", [1, 2, *unless_fast(3)])
def test_a_start_worse_than_the_frequencies_is_left_in_the_passes_given(l1, kind, max_iter):
    """Saturated rows have no curvature: from there no step would lead on."""
    X, y = drawn(100, 6, 4)
    model = SoftmaxRegression(l1=l1, max_iter=max_iter, warm_start=True).fit(kind(X), y)
    model.coef_ = 1e4 * np.random.default_rng(1).standard_normal((4, 6))
    F = model.fit(kind(X), y).loss_curve_[-1]
    frequencies = np.bincount(y) / len(y)
    assert -float(frequencies @ np.log(frequencies)) > F
