"""The estimate: the same from wherever it is sought, and refused only by the exact distance."""

import numpy as np
import pytest
from strategies import Csr

from softmax_regression._inference import covariance
from softmax_regression._inference.estimate import FARTHEST, NotAtOptimumError, Posterior
from softmax_regression._likelihood.block import Block
from softmax_regression._likelihood.targets import Labels
from softmax_regression._likelihood.working import Likelihood
from softmax_regression._penalty import Penalty

RNG = np.random.default_rng(5)
N, K = 400, 4
X = RNG.normal(size=(N, 3)) * [1.0, 1e3, 1e-3] + [0.0, 2e3, 1.0]
X[RNG.random((N, 3)) < 0.3] = 0.0
Y = (X / X.std(axis=0) @ RNG.normal(size=(3, K)) + RNG.gumbel(size=(N, K))).argmax(axis=1)
WEIGHT = RNG.integers(1, 4, N).astype(float)


def posterior(kind=np.asarray, weight=None, l2=0.0, fit_intercept=True) -> Posterior:
    block = Block(kind(X), Labels(Y, K), weight)
    return Posterior(Likelihood([block], fit_intercept), Penalty(0.0, l2))


def away(of: Posterior, theta, distance: float, generator) -> np.ndarray:
    """Return θ so far from an optimum, in some direction: by the information and the gradient there."""
    free = np.delete(np.arange(K), of.reference)
    direction, size = generator.normal(size=theta[free].shape), distance / np.sqrt(N)
    for _ in range(9):
        start = theta.copy()
        start[free] += size * direction
        size *= distance / measured(of, start)
    return start


def measured(of: Posterior, theta) -> float:
    around = of.around(theta)
    return around.matrix.newton(around.curve.gradient).distance


@pytest.fixture
def many_rows(monkeypatch):
    """Read these rows as if they were too many to keep."""
    monkeypatch.setattr(covariance, "FEW_ENTRIES", 0)


@pytest.mark.usefixtures("many_rows")
@pytest.mark.parametrize("kind", [np.asarray, Csr])
@pytest.mark.parametrize(("weight", "l2"), [(None, 0.0), (WEIGHT, 0.0), (None, 1e-2)])
@pytest.mark.parametrize("distance", [1e-4, 0.49])
def test_the_estimate_is_the_same_from_wherever_it_is_sought(
    kind, weight, l2, distance, monkeypatch
):
    of = posterior(kind, weight, l2)
    found = of.settled(_optimum(of))
    other = of.settled(away(of, found.theta, distance, RNG))
    monkeypatch.setattr(covariance, "FEW_ENTRIES", 10**9)
    few = posterior(kind, weight, l2)
    again = few.settled(away(few, found.theta, distance, RNG))
    errors = np.sqrt(np.diagonal(found.matrix.inverse())).reshape(K - 1, -1)
    free = np.delete(np.arange(K), of.reference)
    for each in (other, again):
        apart = (each.theta - found.theta)[free] / errors
        np.testing.assert_allclose(apart, 0.0, atol=1e-9)
        # λ ≤ 1e-8 standard errors changes the curvature by about λ / √N.
        change = each.matrix.inverse() - found.matrix.inverse()
        relative = change / np.outer(errors.ravel(), errors.ravel())
        np.testing.assert_allclose(relative, 0.0, atol=1e-9)
        # Under a prior the loss has a slope at the optimum.
        assert each.loss == pytest.approx(found.loss, rel=1e-11)


def _optimum(of: Posterior) -> np.ndarray:
    """Damped Newton steps from zero, by matrices in float64."""
    theta = np.zeros((K, of.likelihood.n_columns))
    for _ in range(15):
        around = of.around(theta)
        step, distance = around.matrix.newton(around.curve.gradient)
        theta = of._moved(theta, step / (1.0 + (distance > 1.0) * distance / 4.0))
    return theta


@pytest.mark.parametrize("few", [0, 10**9], ids=["many rows", "few rows"])
def test_who_is_refused_is_so_by_the_exact_distance(few, monkeypatch):
    """The first matrix is rounded to float32, and the distance by it to some 1e-7 of itself."""
    monkeypatch.setattr(covariance, "FEW_ENTRIES", few)
    of, generator = posterior(), np.random.default_rng(0)
    optimum = _optimum(of)
    for _ in range(6):
        within = away(of, optimum, FARTHEST * (1 - 1e-9), generator)
        of.settled(within)
        beyond = away(of, optimum, FARTHEST * (1 + 1e-9), generator)
        with pytest.raises(NotAtOptimumError) as caught:
            of.settled(beyond)
        assert caught.value.distance == measured(of, beyond)


@pytest.mark.parametrize("few", [0, 10**9], ids=["many rows", "few rows"])
def test_a_fit_near_the_optimum_needs_one_matrix_in_float64(few, monkeypatch):
    """Of many rows the first gradient is rounded too, and one in float64 comes between."""
    monkeypatch.setattr(covariance, "FEW_ENTRIES", few)
    of, made = posterior(), []
    start = away(of, _optimum(of), 1e-5, np.random.default_rng(1))
    around, before = Posterior.around, of.likelihood.readings

    def recorded(self, theta, *, exact=True):
        made.append(exact)
        return around(self, theta, exact=exact)

    monkeypatch.setattr(Posterior, "around", recorded)
    of.settled(start)
    assert made == [False, True]
    assert of.likelihood.readings - before == (3 if few == 0 else 2)
