"""A warning names the file and line of the user's call, not one of the library's."""

import warnings

import numpy as np
import pytest
from strategies import plain
from whole.test_faults import Frame

RNG = np.random.default_rng(29)
X = RNG.normal(size=(30, 3))
Y = np.arange(30) % 3
NAMED = Frame(["a", "b", "c"], X)
COLUMN = Y[:, None]
ABSENT = 1.0 * (Y != 1)


def fitted():
    return plain().fit(X, Y)


CALLS = {
    "fit": lambda: plain(tol=1e-6, max_iter=1).fit(X, Y),
    "fit_column": lambda: plain().fit(X, COLUMN),
    "fit_absent_class": lambda: plain().fit(X, Y, ABSENT),
    "fit_many_classes": lambda: plain().fit(X, np.arange(30)),
    "fit_validation_column": lambda: plain().fit(X, Y, validation_data=(X, COLUMN)),
    "partial_fit_column": lambda: plain().partial_fit(X, COLUMN, range(3)),
    "partial_fit_names": lambda: fitted().partial_fit(NAMED, Y),
    "predict": lambda: fitted().predict(NAMED),
    "predict_proba": lambda: fitted().predict_proba(NAMED),
    "predict_log_proba": lambda: fitted().predict_log_proba(NAMED),
    "decision_function": lambda: fitted().decision_function(NAMED),
    "score": lambda: fitted().score(NAMED, Y),
    "score_column": lambda: fitted().score(X, COLUMN),
    "loss": lambda: fitted().loss(NAMED, Y),
    "loss_column": lambda: fitted().loss(X, COLUMN),
    "gradient": lambda: fitted().gradient(NAMED, Y),
    "unpickle": lambda: plain().__setstate__(fitted().__getstate__() | {"_version": "0.9.0"}),
}


@pytest.mark.parametrize("call", CALLS)
def test_a_warning_points_at_the_first_line_outside_the_library(call):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        CALLS[call]()
    assert caught
    assert {warning.filename for warning in caught} == {__file__}


def test_the_first_line_is_the_call_s_own():
    with pytest.warns(UserWarning, match="fitted without feature names") as caught:
        fitted().predict(NAMED)
    code = test_the_first_line_is_the_call_s_own.__code__
    assert caught[0].lineno == code.co_firstlineno + 2
