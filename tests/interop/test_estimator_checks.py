"""scikit-learn's own checks of an estimator, all of them, none excused."""

import warnings

import pytest
import sklearn
from sklearn.utils import estimator_checks, get_tags
from sklearn.utils.estimator_checks import check_estimator

from softmax_regression import ConvergenceWarning, SoftmaxRegression

ESTIMATORS = {
    "default": SoftmaxRegression(),
    "textbook": SoftmaxRegression(learning_rate=0.01, max_iter=100),
}
# No constant step suits data of every scale, nor do a hundred epochs: the textbook mode warns, as
# it should.
WARNS = {"textbook"}

# Checks that scikit-learn runs on a classifier with sample weights and partial_fit. A signature
# it no longer understands makes checks vanish instead of fail, hence the count.
N_CHECKS = 64 if sklearn.__version__ >= "1.9" else 63


@pytest.mark.parametrize("name", ESTIMATORS)
def test_every_check_passes(name):
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*does not inherit from")
        if name in WARNS:
            warnings.filterwarnings("ignore", category=ConvergenceWarning)
        results = check_estimator(ESTIMATORS[name], on_fail=None, on_skip=None)

    bad = [
        f"{result['check_name']}: {result['status']}: {result['exception']}"
        for result in results
        if result["status"] != "passed"
    ]
    assert not bad, "\n".join(bad)
    assert len(results) >= N_CHECKS


@pytest.mark.parametrize(
    "check",
    [
        "check_dataframe_column_names_consistency",
        "check_n_features_in_after_fitting",
    ],
)
def test_checks_that_are_run_on_scikit_learns_own_estimators_only(check):
    getattr(estimator_checks, check)("SoftmaxRegression", SoftmaxRegression())


def test_tags_say_classifier_and_sparse():
    tags = get_tags(SoftmaxRegression())

    assert tags.estimator_type == "classifier"
    assert tags.input_tags.sparse
    assert tags.target_tags.required
    assert tags.classifier_tags.multi_class
    assert not tags.classifier_tags.multi_label
    assert not tags.array_api_support
