"""Without a penalty F has a minimum unless every row has one class and a hyperplane parts them."""

import numpy as np
import pytest

from softmax_regression import ConvergenceWarning, SoftmaxRegression

X = np.array([[0.0], [1.0], [2.0], [3.0]])
Y = np.array([0, 0, 1, 1])


@pytest.mark.parametrize(
    "y", [Y, np.eye(2)[Y], np.eye(2, dtype="f4")[Y]], ids=["labels", "f8", "f4"]
)
def test_rows_of_one_class_each_that_are_parted_have_no_minimum(y):
    model = SoftmaxRegression(l2=0.0)
    with pytest.warns(ConvergenceWarning, match="the classes are separable"):
        model.fit(X, y)
    assert not model.converged_


@pytest.mark.parametrize("y", [Y, np.eye(2)[Y]], ids=["labels", "rows"])
def test_smoothed_targets_have_a_minimum_also_where_the_classes_are_parted(y):
    """It is where the gradient vanishes; it would not with any target of 0."""
    smoothing = 0.1
    model = SoftmaxRegression(l2=0.0, label_smoothing=smoothing, tol=1e-12).fit(X, y)
    assert model.converged_
    gradient = model.gradient(X, (1 - smoothing) * np.eye(2)[Y] + smoothing / 2)
    assert max(abs(part).max() for part in gradient) <= 1e-6


def test_a_row_of_either_class_on_either_side_holds_the_minimum():
    targets = np.eye(2)[Y]
    targets[1:3] = [[0.9, 0.1], [0.2, 0.8]]
    assert SoftmaxRegression(l2=0.0).fit(X, targets).converged_


def test_rows_that_overlap_have_a_minimum():
    assert SoftmaxRegression(l2=0.0).fit(X, np.eye(2)[[0, 1, 0, 1]]).converged_
