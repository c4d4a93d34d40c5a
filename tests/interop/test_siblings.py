"""Our exceptions are caught by scikit-learn's names too, also across processes."""

import copy
import pickle
import subprocess
import sys
import warnings
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import joblib
import numpy as np
import pytest
import sklearn.exceptions

import softmax_regression
from softmax_regression import SoftmaxRegression
from softmax_regression._exceptions import sibling

NAMES = ["NotFittedError", "ConvergenceWarning", "DataConversionWarning"]


@pytest.mark.parametrize("name", NAMES)
def test_sibling_is_both_classes(name):
    own, peer = getattr(softmax_regression, name), getattr(sklearn.exceptions, name)

    joined = sibling(own)

    assert issubclass(joined, own)
    assert issubclass(joined, peer)
    assert joined is sibling(own)
    assert sibling(joined) is joined
    assert (joined.__name__, joined.__module__) == (own.__name__, own.__module__)


def test_a_class_without_a_peer_is_its_own_sibling():
    assert sibling(softmax_regression.DivergenceError) is softmax_regression.DivergenceError


@pytest.mark.parametrize("module", [softmax_regression, sklearn.exceptions], ids=["ours", "theirs"])
def test_not_fitted_is_caught_by_either_name(module):
    with pytest.raises(module.NotFittedError, match="not fitted yet"):
        SoftmaxRegression().predict([[1.0]])


@pytest.mark.parametrize("module", [softmax_regression, sklearn.exceptions], ids=["ours", "theirs"])
def test_warnings_are_filtered_by_either_name(module, iris):
    X, y = iris
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=module.ConvergenceWarning)
        warnings.filterwarnings("ignore", category=module.DataConversionWarning)
        SoftmaxRegression(learning_rate=1e-3, max_iter=2).fit(X, y[:, np.newaxis])


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("twice", [copy.copy, lambda e: pickle.loads(pickle.dumps(e))])
def test_copies_are_still_both(name, twice):
    error = sibling(getattr(softmax_regression, name))("what happened")
    error.add_note("where")

    again = twice(error)

    assert type(again) is type(error)
    assert again.args == ("what happened",)
    assert again.__notes__ == ["where"]


def test_across_a_joblib_pool():
    predict = joblib.delayed(SoftmaxRegression().predict)
    with pytest.raises(sklearn.exceptions.NotFittedError) as raised:
        joblib.Parallel(n_jobs=2)(predict([[1.0]]) for _ in range(2))

    assert isinstance(raised.value, softmax_regression.NotFittedError)


WORKER = "from softmax_regression import SoftmaxRegression as S; S().predict([[1.0]])"


def test_across_a_process_that_never_loads_scikit_learn():
    """The plain class raised there must arrive here as scikit-learn's class as well."""
    with (
        ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool,
        pytest.raises(sklearn.exceptions.NotFittedError) as raised,
    ):
        pool.submit(exec, WORKER).result()

    assert isinstance(raised.value, softmax_regression.NotFittedError)


def test_unpickled_where_scikit_learn_is_not_loaded_it_is_the_plain_class():
    data = pickle.dumps(sibling(softmax_regression.NotFittedError)("what happened"))
    program = (
        f"import pickle, sys; error = pickle.loads({data!r}); "
        "from softmax_regression import NotFittedError; "
        "assert type(error) is NotFittedError and error.args == ('what happened',); "
        "assert 'sklearn' not in sys.modules"
    )

    subprocess.run([sys.executable, "-c", program], check=True)
