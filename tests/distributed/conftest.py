"""These tests need Dask and start processes: they run where SOFTMAX_REGRESSION_DISTRIBUTED is set.

Each of them ends within two minutes, or is ended.
"""

import os
import signal
from pathlib import Path

import pytest

HERE = Path(__file__).parent
SECONDS = 120
ASKED = bool(os.environ.get("SOFTMAX_REGRESSION_DISTRIBUTED"))
collect_ignore_glob = [] if ASKED else ["test_*.py"]


def pytest_runtest_setup(item):
    if HERE in item.path.parents and hasattr(signal, "alarm"):
        signal.signal(signal.SIGALRM, _end)
        signal.alarm(SECONDS)


def pytest_runtest_teardown(item):
    if HERE in item.path.parents and hasattr(signal, "alarm"):
        signal.alarm(0)


def _end(*_):
    pytest.fail(f"not done after {SECONDS} s")
