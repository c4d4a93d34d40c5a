"""Hypothesis profiles: `fast` for every run, `thorough` in .ci/run, `long` on demand.

Tests that draw their own numbers draw as many as the profile says, and some take a few cases of a
kind in `fast` and all of them otherwise (`strategies.unless_fast`). What is marked `thorough`, a
test or a case, `fast` leaves out: properties that cheaper tests touch too. BLAS gets one thread,
before NumPy is loaded: the problems here are small, and its threads would wait for one another.
"""

import os
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pytest
from hypothesis import settings

for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

settings.register_profile("fast", max_examples=5, deadline=None, derandomize=True)
settings.register_profile("thorough", max_examples=100, deadline=None, derandomize=True)
settings.register_profile("long", max_examples=20_000, deadline=None)
settings.load_profile(os.environ.get("SOFTMAX_REGRESSION_HYPOTHESIS", "fast"))


def pytest_collection_modifyitems(config, items):
    """Leave out what is marked `thorough` where the profile is `fast`."""
    if settings().max_examples > 10:
        return
    left_out = [item for item in items if item.get_closest_marker("thorough")]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if not item.get_closest_marker("thorough")]


@pytest.fixture(scope="session")
def processes():
    """Processes that inherit nothing, which are dear to begin: two, or one in a fast run."""
    n_processes = 1 if settings().max_examples <= 10 else 2
    with ProcessPoolExecutor(n_processes, mp_context=get_context("spawn")) as pool:
        yield pool
