"""What a DivergenceError says of the loss, the epoch and the model is so."""

import math
import pickle
import re

import numpy as np
import pytest
from strategies import plain

from softmax_regression import DivergenceError, SoftmaxRegression

RNG = np.random.default_rng(31)
X = RNG.normal(size=(30, 3))
Y = np.arange(30) % 3


def diverging(call):
    with pytest.raises(DivergenceError) as caught:
        call()
    error = caught.value
    said = re.search(r"the loss is ([-+.\w]+?)[,.]? ", str(error) + " ")[1]
    np.testing.assert_allclose(float(said), error.loss, rtol=1e-5)
    assert ("not finite" in str(error)) == math.isfinite(error.loss)
    return error


@pytest.mark.parametrize("learning_rate", ["auto", 1e30])
def test_partial_fit_leaves_the_model_as_it_was_and_does_not_say_otherwise(learning_rate):
    model = plain(learning_rate=learning_rate, l2=1.0, batch_size=10)
    huge = {"auto": 1e300, 1e30: 1e200}[learning_rate]
    model.partial_fit(X[:10], Y[:10], range(3))
    before = pickle.dumps(vars(model))
    error = diverging(lambda: model.partial_fit(huge * X, Y))
    assert pickle.dumps(vars(model)) == before
    assert "kept" not in str(error)
    assert error.epoch == model.n_iter_ + 1 == 2


@pytest.mark.parametrize("scale", [1e160, 1e200, 1e300])
@pytest.mark.parametrize("settings", [{}, {"l1": 0.01}], ids=["l2", "l1"])
def test_the_fit_to_the_optimum_leaves_the_model_as_it_was(scale, settings):
    model = SoftmaxRegression(tol=0.1, **settings).fit(X, Y)
    before = pickle.dumps(vars(model))
    error = diverging(lambda: model.fit(scale * X, Y))
    assert error.learning_rate is None
    assert pickle.dumps(vars(model)) == before


def test_a_step_that_overflows_from_a_finite_loss():
    error = DivergenceError(3, 1.25, 0.1)
    assert "the loss is 1.25, but its gradient or the step from it is not finite with" in str(error)
