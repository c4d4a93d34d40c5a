"""Targets t through the two linear forms that cross-entropy needs."""

import numpy as np
import pytest
from tolerances import EPS

from softmax_regression._likelihood.targets import Labels, ProbabilityRows

RNG = np.random.default_rng(3)
LABELS = np.array([2, 0, 1, 1])
ROWS = np.array([[0.0, 0.25, 0.75], [1.0, 0.0, 0.0], [0.2, 0.3, 0.5], [0.0, 1.0, 0.0]])


def smoothed(targets):
    """The full matrix T of the targets, from their definition."""
    rows = np.eye(3)[LABELS] if isinstance(targets, Labels) else ROWS
    return (1 - targets.smoothing) * rows + targets.smoothing / 3


every_target = pytest.mark.parametrize(
    "targets",
    [Labels(LABELS, 3), Labels(LABELS, 3, 0.3), ProbabilityRows(ROWS), ProbabilityRows(ROWS, 0.3)],
    ids=["labels", "smoothed_labels", "rows", "smoothed_rows"],
)


@every_target
def test_the_two_linear_forms_are_those_of_the_full_matrix(targets):
    Z, scale = RNG.normal(size=(3, 4)), RNG.random(4)
    np.testing.assert_allclose(
        targets.inner(Z), (smoothed(targets).T * Z).sum(axis=0), rtol=8 * EPS
    )
    P = Z.copy()
    targets.subtract_from(P, scale)
    np.testing.assert_allclose(P, Z - smoothed(targets).T * scale, rtol=0, atol=8 * EPS)
    targets.subtract_from(Z, 0.5)
    assert np.isfinite(Z).all()


@every_target
def test_what_is_taken_from_columns_of_one_sum_is_subtracted(targets):
    scale = RNG.random(4)
    P = np.ascontiguousarray(RNG.dirichlet(np.ones(3), 4).T * scale)
    expected = P - smoothed(targets).T * scale
    targets.take_from(P, scale)
    np.testing.assert_allclose(P, expected, rtol=0, atol=8 * EPS)
    np.testing.assert_allclose(P.sum(axis=0), 0.0, rtol=0, atol=4 * EPS)


@every_target
def test_parts_of_targets_are_targets_of_those_rows(targets):
    for rows in (slice(1, 3), np.array([3, 0, 0])):
        part, Z = targets.take(rows), RNG.normal(size=(3, 4))
        assert part.n_rows == len(LABELS[rows])
        assert (part.n_classes, part.smoothing) == (3, targets.smoothing)
        assert (part.inner(Z[:, rows].copy()) == targets.inner(Z)[rows]).all()


@every_target
def test_totals_and_class_weights_know_no_smoothing(targets):
    rows = np.eye(3)[LABELS] if isinstance(targets, Labels) else ROWS
    weight, class_weight = RNG.random(4), RNG.random(3)
    np.testing.assert_allclose(targets.class_totals(None), rows.sum(axis=0), rtol=8 * EPS)
    np.testing.assert_allclose(targets.class_totals(weight), weight @ rows, rtol=8 * EPS)
    row_weight, weighted = targets.weighted(class_weight)
    np.testing.assert_allclose(row_weight, rows @ class_weight, rtol=8 * EPS)
    assert weighted.smoothing == targets.smoothing
    np.testing.assert_allclose(
        weighted.class_totals(row_weight), rows.sum(axis=0) * class_weight, rtol=8 * EPS
    )


@every_target
def test_only_a_row_without_smoothing_has_one_class(targets):
    """Two of the rows have several; the others have what their labels say."""
    assert targets.only_classes() is None or isinstance(targets, Labels)
    for row in range(4):
        only = targets.take(slice(row, row + 1)).only_classes()
        positive = np.flatnonzero(smoothed(targets)[row])
        assert (only is None) == (len(positive) > 1)
        assert only is None or only.tolist() == positive.tolist()
