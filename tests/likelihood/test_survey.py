"""Means, deviations and mean target rows, against their definitions over all rows at once."""

import numpy as np
import pytest
from strategies import Csr
from tolerances import EPS

from softmax_regression._likelihood import survey as survey_module
from softmax_regression._likelihood.block import Block
from softmax_regression._likelihood.survey import survey
from softmax_regression._likelihood.targets import Labels, ProbabilityRows

RNG = np.random.default_rng(0)
X = RNG.normal(3.0, 2.0, (90, 6))
LABELS = np.arange(90) % 4
WEIGHT = RNG.uniform(0.2, 3.0, 90)
T = RNG.dirichlet(np.ones(4), 90)
# Sums of 90 products of entries up to 10.
SUMMED = 90 * 10 * EPS

TARGETS = {
    "labels": (Labels(LABELS, 4), np.eye(4)[LABELS]),
    "smoothed": (Labels(LABELS, 4, 0.2), 0.8 * np.eye(4)[LABELS] + 0.05),
    "rows": (ProbabilityRows(T), T),
}


def surveyed(X, targets, weight):
    (found,) = survey(Block(X, targets, weight))
    return found


@pytest.fixture(params=[2**15, 1], ids=["one chunk", "chunks"])
def chunks(request, monkeypatch):
    monkeypatch.setattr(survey_module, "CHUNK_ENTRIES", request.param)
    monkeypatch.setattr(survey_module, "TARGET_ENTRIES", 7 * request.param)


@pytest.mark.usefixtures("chunks")
@pytest.mark.parametrize("targets", TARGETS)
@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["equal", "weighted"])
@pytest.mark.parametrize("kind", [np.asarray, Csr], ids=["dense", "sparse"])
def test_moments_are_those_of_their_definition(kind, weight, targets):
    given, dense = TARGETS[targets]
    found = surveyed(kind(X), given, weight)
    mean = np.average(X, axis=0, weights=weight)
    np.testing.assert_allclose(found.mean, mean, rtol=SUMMED)
    variance = np.average((X - mean) ** 2, axis=0, weights=weight)
    np.testing.assert_allclose(found.spread, np.sqrt(variance), rtol=SUMMED)
    assert found.sparse == (kind is Csr)
    w = np.full(90, 1 / 90) if weight is None else weight / weight.sum()
    np.testing.assert_allclose(found.target_rows, (dense.T * w) @ (X - mean), atol=SUMMED)


@pytest.mark.parametrize("scale", [1e-300, 1e-170, 1e6])
def test_units_do_not_show(scale):
    given, _ = TARGETS["labels"]
    plain, scaled = surveyed(X, given, None), surveyed(scale * X, given, None)
    for name in ("mean", "spread", "target_rows"):
        one, other = getattr(plain, name), getattr(scaled, name)
        np.testing.assert_allclose(other, scale * one, rtol=SUMMED, atol=scale * SUMMED)


def test_far_columns_keep_their_deviations():
    """At 1e9 the squares of single entries have no digit of the variance."""
    given, _ = TARGETS["labels"]
    near, far = surveyed(X, given, None), surveyed(X + 1e9, given, None)
    rounding = 1e9 * EPS
    np.testing.assert_allclose(far.spread, near.spread, atol=rounding)
    np.testing.assert_allclose(far.target_rows, near.target_rows, atol=rounding)
