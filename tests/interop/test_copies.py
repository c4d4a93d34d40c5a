"""Fitted models survive every usual way of being copied and sent elsewhere."""

import copy
import pickle

import cloudpickle
import joblib
import numpy as np
import pytest

from softmax_regression import SoftmaxRegression


@pytest.fixture
def model(iris):
    return SoftmaxRegression(l2=1e-2, random_state=0).fit(*iris)


@pytest.mark.parametrize(
    "twice",
    [
        copy.copy,
        copy.deepcopy,
        lambda model: pickle.loads(pickle.dumps(model)),
        lambda model: cloudpickle.loads(cloudpickle.dumps(model)),
    ],
    ids=["copy", "deepcopy", "pickle", "cloudpickle"],
)
def test_a_copy_predicts_the_same(model, iris, twice):
    again = twice(model)

    assert again.get_params() == model.get_params()
    np.testing.assert_array_equal(again.predict_proba(iris[0]), model.predict_proba(iris[0]))
    np.testing.assert_array_equal(again.predict(iris[0]), model.predict(iris[0]))


def test_joblib_memory_map(model, iris, tmp_path):
    joblib.dump(model, tmp_path / "model.joblib")

    mapped = joblib.load(tmp_path / "model.joblib", mmap_mode="r")

    assert isinstance(mapped.coef_, np.memmap)
    assert not mapped.coef_.flags.writeable
    np.testing.assert_array_equal(mapped.predict(iris[0]), model.predict(iris[0]))
    np.testing.assert_array_equal(mapped.predict_proba(iris[0]), model.predict_proba(iris[0]))


def test_a_memory_mapped_model_can_learn_on(model, iris, tmp_path):
    joblib.dump(model, tmp_path / "model.joblib")
    mapped = joblib.load(tmp_path / "model.joblib", mmap_mode="r")

    mapped.set_params(learning_rate=0.1).partial_fit(*iris)

    model.set_params(learning_rate=0.1).partial_fit(*iris)
    np.testing.assert_array_equal(mapped.coef_, model.coef_)


def test_joblib_processes_get_the_model(model, iris):
    predict = joblib.delayed(model.predict_proba)

    parts = joblib.Parallel(n_jobs=2)(predict(part) for part in np.split(iris[0], 3))

    # Rows may sit in other lanes of the matrix product: equal to rounding.
    np.testing.assert_allclose(np.concatenate(parts), model.predict_proba(iris[0]), rtol=1e-13)
