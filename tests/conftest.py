"""Hypothesis profiles: `fast` for every run, `long` (20,000 examples each) on demand."""

import os

from hypothesis import settings

settings.register_profile("fast", max_examples=40, deadline=None, derandomize=True)
settings.register_profile("long", max_examples=20_000, deadline=None)
settings.load_profile(os.environ.get("SOFTMAX_REGRESSION_HYPOTHESIS", "fast"))
