"""Hypothesis profiles: `fast` for every run, `thorough` in .ci/run, `long` on demand.

Tests that draw their own numbers draw as many as the profile says, and some take a few cases of a
kind in `fast` and all of them otherwise (`strategies.unless_fast`). BLAS gets one thread, before
NumPy is loaded: the problems here are small, and its threads would wait for one another.
"""

import os

from hypothesis import settings

for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

settings.register_profile("fast", max_examples=10, deadline=None, derandomize=True)
settings.register_profile("thorough", max_examples=100, deadline=None, derandomize=True)
settings.register_profile("long", max_examples=20_000, deadline=None)
settings.load_profile(os.environ.get("SOFTMAX_REGRESSION_HYPOTHESIS", "fast"))
