"""How full passes go about it, told from sizes alone."""

import numpy as np
import pytest
from strategies import likelihood_of

from softmax_regression._likelihood.targets import Labels
from softmax_regression._optimum.plan import DIGITS, NEAR, SETTLED, STILL, Plan


def plan(n_rows, n_features, n_classes, tol=1e-3):
    X = np.random.default_rng(0).standard_normal((n_rows, n_features))
    labels = Labels(np.arange(n_rows) % n_classes, n_classes)
    return Plan.of(likelihood_of(X, labels, None, fit_intercept=True), tol)


def test_small_problems_take_newton_steps_in_float64():
    small = plan(150, 4, 3)
    assert small.newton
    assert small.full
    assert small.dtype is np.float64
    assert small.settled == SETTLED


def test_few_rows_of_few_classes_take_newton_steps_longer():
    """The rows and columns of one, and the classes of the other, are too many."""
    assert plan(300, 100, 2).newton
    assert not plan(1_000, 60, 2).newton
    assert not plan(300, 30, 6).newton


def test_larger_ones_take_float32_passes_on_a_cheaper_matrix():
    larger = plan(2_000, 64, 10)
    assert not larger.newton
    assert not larger.full
    assert larger.dtype is np.float32
    assert larger.settled == STILL


@pytest.mark.parametrize(
    ("tol", "polish"), [(1e-3, False), (1e-6, False), (9e-7, True), (1e-12, True)]
)
def test_small_tolerances_end_on_the_hessian(tol, polish):
    assert plan(2_000, 64, 10, tol).polish == polish
    # Newton's last steps cost little, and bring them at the default too.
    assert plan(100, 4, 3, tol).polish == (tol <= 1e-6)


def test_a_hessian_out_of_reach_never_comes():
    beyond = plan(500, 300, 12, 1e-12)
    assert not any((beyond.polish, beyond.pays, beyond.full))
    assert beyond.finish == DIGITS


def test_few_parameters_go_over_to_the_hessian_early():
    assert plan(20_000, 16, 7).finish == NEAR
    assert plan(20_000, 40, 7).finish == DIGITS
