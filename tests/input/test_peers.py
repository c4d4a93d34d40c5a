"""Arguments of other libraries, and mistyped ones, are refused with what to write instead."""

import copy
import inspect
import pickle
import re

import pytest

from softmax_regression import SoftmaxRegression
from softmax_regression._input.hyperparameters import Hyperparameters
from softmax_regression._input.peers import ADVICE, OURS

X, Y = [[0.0], [1.0]], ["a", "b"]


class Deeper(SoftmaxRegression):
    """A subclass with a constructor of its own."""

    def __init__(self, *, depth=1):
        super().__init__()
        self.depth = depth


class Translated(SoftmaxRegression):
    """A subclass that takes what the library refuses, by place too."""

    def __init__(self, C=1.0, **others):
        super().__init__(l2=1 / C, **others)
        self.C = C


@pytest.mark.parametrize(("name", "value", "advice"), [
    ("C", 1.0, r"l2 = 1 / \(n C\), for two classes l2 = 2 / \(n C\)"),
    ("penalty", "l1", "l1 > 0 and l2=0 for 'l1'"),
    ("alpha", 0.1, r"SGDClassifier's alpha is l2 = 2 alpha.*glmnet's is l1 = lambda alpha"),
    ("l1_ratio", 0.5, r"l1 = l1_ratio / \(n C\) and l2 = \(1 - l1_ratio\) / \(n C\)"),
    ("lambda_", 0.5, r"l2 = lambda \(1 - alpha\)"),
    ("weight_decay", 0.5, "weight_decay is l2"),
    ("lr", 0.1, "use learning_rate=0.1$"),
    ("eta0", 0.1, "use learning_rate=0.1$"),
    ("learning_rate_init", 0.1, "use learning_rate=0.1$"),
    ("epochs", 3, "use max_iter=3$"),
    ("n_epochs", 3, "use max_iter=3$"),
    ("max_epochs", 3, "use max_iter=3$"),
    ("n_iter", 3, "use max_iter=3$"),
    ("batch", 32, "use batch_size=32$"),
    ("seed", 0, "use random_state=0$"),
    ("validation_split", 0.2, "use validation_fraction=0.2$"),
    ("class_weights", {"a": 2.0}, "use class_weight$"),
    ("solver", "lbfgs", "learning_rate='auto' chooses its own steps"),
    ("n_jobs", -1, "OPENBLAS_NUM_THREADS"),
    ("multi_class", "ovr", "all classes share one softmax"),
    ("dual", True, "optimality_gap_"),
    ("sample_weight", [1, 2], r"fit\(X, y, sample_weight=w\)"),
    ("eval_set", [], r"fit\(X, y, validation_data="),
    ("learningrate", 0.1, "use learning_rate=0.1$"),
    ("max_iters", 3, "use max_iter=3$"),
    ("L2", 3, "use l2=3$"),
    ("c", 3, r"l2 = 1 / \(n C\)"),
])  # fmt: skip
def test_a_name_of_elsewhere_is_refused_with_what_to_write(name, value, advice):
    call = r"^SoftmaxRegression\(\) got an unexpected keyword argument"
    with pytest.raises(TypeError, match=rf"{call} '{name}': .*{advice}"):
        SoftmaxRegression(**{name: value})
    with pytest.raises(ValueError, match=rf"^Invalid .*For '{name}': .*{advice.rstrip('$')}.*\.$"):
        SoftmaxRegression().set_params(**{name: value})


def test_a_name_like_no_other_is_refused_without_advice():
    with pytest.raises(TypeError, match=r"unexpected keyword argument 'foo'$"):
        SoftmaxRegression(l2=1.0, foo=1)
    with pytest.raises(ValueError, match=r"Invalid parameter 'foo' .*'callback'\]\.$"):
        SoftmaxRegression().set_params(foo=1)


@pytest.mark.parametrize(("method", "name", "value", "advice"), [
    ("fit", "epochs", 3, "give max_iter=3 to the constructor$"),
    ("fit", "max_iter", 3, "give max_iter=3 to the constructor$"),
    ("fit", "C", 3, r"use l2 = 1 / \(n C\)"),
    ("fit", "validation_split", 0.1, "give validation_fraction=0.1 to the constructor$"),
    ("fit", "eval_set", [(X, Y)], r"it goes to fit, as fit\(X, y, validation_data="),
    ("fit", "classes", Y, "it goes to partial_fit"),
    ("partial_fit", "clases", Y, "use classes$"),
    ("partial_fit", "sample_weights", [1, 2], r"sample_weight=w"),
    ("fit", "sampleweight", [1, 2], "use sample_weight$"),
    ("fit", "verbose", True, "give verbose=True to the constructor$"),
])  # fmt: skip
def test_a_fit_names_where_an_argument_goes(method, name, value, advice):
    model = SoftmaxRegression()
    call = rf"^{method}\(\) got an unexpected keyword argument"
    with pytest.raises(TypeError, match=rf"{call} '{name}': .*{advice}"):
        getattr(model, method)(X, Y, **{name: value})
    assert not hasattr(model, "coef_")


def test_a_fit_refuses_what_is_like_nothing():
    with pytest.raises(TypeError, match=r"^fit\(\) got an unexpected keyword argument 'foo'$"):
        SoftmaxRegression().fit(X, Y, foo=1)


def test_no_name_of_ours_is_taken_for_one_of_elsewhere():
    assert not set(Hyperparameters._fields) & {*OURS, *ADVICE}
    assert not set(OURS) & set(ADVICE)
    assert set(OURS.values()) < set(Hyperparameters._fields)


def test_arguments_by_place_are_refused_with_how_to_name_them():
    with pytest.raises(TypeError, match=r"by name only, such as SoftmaxRegression\(l2=0\.01\)"):
        SoftmaxRegression("l2")


def test_the_signatures_are_those_written_down():
    names = list(inspect.signature(SoftmaxRegression).parameters)
    assert tuple(names) == Hyperparameters._fields
    assert list(inspect.signature(Deeper).parameters) == ["depth"]
    assert list(inspect.signature(SoftmaxRegression.fit).parameters) == [
        "self", "X", "y", "sample_weight", "validation_data", "groups",
    ]  # fmt: skip
    assert list(inspect.signature(SoftmaxRegression().partial_fit).parameters) == [
        "X", "y", "classes", "sample_weight",
    ]  # fmt: skip


def test_a_subclass_is_asked_for_its_own_arguments():
    assert Deeper(depth=2).depth == 2
    with pytest.raises(TypeError, match=r"^Deeper\(\) .* 'deptt': use depth=2$"):
        Deeper(deptt=2)
    with pytest.raises(TypeError, match=r"^Deeper\(\) got an unexpected keyword argument 'l2'$"):
        Deeper(l2=2)


def test_a_subclass_may_take_anything():
    assert Translated(2.0).l2 == 0.5
    assert Translated(C=4.0, l1=0.1).get_params() == {"C": 4.0}
    with pytest.raises(TypeError, match=re.escape("unexpected keyword argument 'lr'")):
        Translated(lr=3)


def test_copies_are_made_without_arguments():
    model = Deeper(depth=3)
    for twin in (copy.copy(model), copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert twin.depth == 3
