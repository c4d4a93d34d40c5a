"""How rows count in the fit: what is known of all of them is what they themselves tell."""

import numpy as np
import pytest
from cuts import Rows, drawn, evenly

from softmax_regression import SoftmaxRegression
from softmax_regression._blocks.gathered import gather
from softmax_regression._input.hyperparameters import check_hyperparameters
from softmax_regression._likelihood.survey import survey

ROWS = drawn(200)
SOFT = 0.7 * np.eye(4)[ROWS.y] + 0.3 * np.random.default_rng(0).dirichlet(np.ones(4), 200)
WEIGHT = np.random.default_rng(1).exponential(size=200)


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize(
    "class_weight", [None, "balanced", {0: 5.0, 2: 0.3}, dict.fromkeys(range(4), 3.0)], ids=str
)
@pytest.mark.parametrize("rows", [
    ROWS, Rows(ROWS.X, SOFT), Rows(ROWS.X, ROWS.y, WEIGHT), Rows(ROWS.X, SOFT, WEIGHT),
], ids=["labels", "probability rows", "weighted", "both"])  # fmt: skip
def test_the_survey_of_all_blocks_is_that_of_their_rows_as_they_count(
    rows, class_weight, smoothing
):
    """But the spread under class weights, which is known of all labels together."""
    model = SoftmaxRegression(class_weight=class_weight, label_smoothing=smoothing)
    found = gather(evenly(rows, 4), check_hyperparameters(model), None, map)
    assert found.whole
    (expected,) = survey(found.sample)
    scale = np.abs(expected.mean) + expected.spread
    assert found.survey.weight * 2.0**found.encoding.exponent == pytest.approx(
        expected.weight * 2.0**found.encoding.exponent, rel=1e-13
    )
    np.testing.assert_allclose(found.survey.targets, expected.targets, rtol=1e-12)
    np.testing.assert_allclose(found.survey.mean / scale, expected.mean / scale, atol=1e-13)
    np.testing.assert_allclose(
        found.survey.target_rows / scale, expected.target_rows / scale, atol=1e-13
    )
    loose = 0.2 if isinstance(class_weight, str) or (class_weight and 2 in class_weight) else 1e-12
    np.testing.assert_allclose(found.survey.spread, expected.spread, rtol=loose)
