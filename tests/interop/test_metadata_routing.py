"""Sample weights and other metadata reach `fit` and `score` where, and only where, requested."""

import copy
import pickle

import numpy as np
import pytest
import sklearn
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.metadata_routing import get_routing_for_object

from softmax_regression import SoftmaxRegression


@pytest.fixture
def _routing():
    with sklearn.config_context(enable_metadata_routing=True):
        yield


@pytest.fixture
def weight():
    return np.random.default_rng(0).uniform(0.1, 10.0, 150)


def estimator():
    return SoftmaxRegression(l2=1e-2)


@pytest.mark.usefixtures("_routing")
def test_requests_are_those_of_the_signatures():
    requests = get_routing_for_object(estimator())

    assert requests.fit.requests == {"sample_weight": None, "validation_data": None, "groups": None}
    assert requests.partial_fit.requests == {"classes": None, "sample_weight": None}
    assert requests.score.requests == {"sample_weight": None}
    assert requests.predict.requests == {}


@pytest.mark.usefixtures("_routing")
def test_cross_validate_passes_requested_weights_on(iris, weight):
    X, y = iris
    model = estimator().set_fit_request(sample_weight=True).set_score_request(sample_weight=True)

    routed = cross_validate(
        model, X, y, params={"sample_weight": weight}, cv=3, return_estimator=True,
        return_indices=True,
    )  # fmt: skip

    for fold, fitted in enumerate(routed["estimator"]):
        train, test = routed["indices"]["train"][fold], routed["indices"]["test"][fold]
        by_hand = estimator().fit(X[train], y[train], weight[train])
        np.testing.assert_array_equal(fitted.coef_, by_hand.coef_)
        assert routed["test_score"][fold] == by_hand.score(X[test], y[test], weight[test])


@pytest.mark.usefixtures("_routing")
def test_an_alias_names_the_weights_elsewhere(iris, weight):
    model = (
        estimator()
        .set_fit_request(sample_weight="importance")
        .set_score_request(sample_weight=False)
    )
    pipeline = make_pipeline(StandardScaler(), model)

    search = GridSearchCV(pipeline, {"softmaxregression__l2": [1e-2]}, cv=2, scoring="accuracy")
    search.fit(*iris, importance=weight)

    by_hand = estimator().fit(StandardScaler().fit_transform(iris[0]), iris[1], weight)
    np.testing.assert_array_equal(search.best_estimator_[-1].coef_, by_hand.coef_)


@pytest.mark.usefixtures("_routing")
def test_weights_without_a_request_raise_as_for_scikit_learn(iris, weight):
    messages = []
    for model in (estimator(), LogisticRegression()):
        with pytest.raises(ValueError, match="sample_weight") as raised:
            cross_validate(model, *iris, params={"sample_weight": weight}, cv=2)
        messages.append(str(raised.value).replace(type(model).__name__, "Model"))

    assert messages[0] == messages[1]


@pytest.mark.usefixtures("_routing")
@pytest.mark.parametrize(
    "copied",
    [clone, copy.copy, copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))],
    ids=["clone", "copy", "deepcopy", "pickle"],
)
def test_copies_keep_their_requests(copied):
    model = copied(estimator().set_partial_fit_request(classes=True))

    requests = model.get_metadata_routing()
    assert requests.partial_fit.requests == {"classes": True, "sample_weight": None}


@pytest.mark.usefixtures("_routing")
def test_the_returned_requests_are_a_copy():
    model = estimator().set_fit_request(sample_weight=True)

    model.get_metadata_routing().fit.add_request(param="sample_weight", alias=False)

    assert model.get_metadata_routing().fit.requests["sample_weight"] is True


@pytest.mark.parametrize("method", ["fit", "partial_fit", "score"])
def test_without_routing_a_request_is_refused_with_the_remedy(method):
    with pytest.raises(RuntimeError, match="enable_metadata_routing=True"):
        getattr(estimator(), f"set_{method}_request")(sample_weight=True)


@pytest.mark.usefixtures("_routing")
def test_an_unknown_name_is_refused():
    with pytest.raises(TypeError, match="weights"):
        estimator().set_fit_request(weights=True)
