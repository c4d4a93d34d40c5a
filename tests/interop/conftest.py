"""The interop tests need every package of the dependency group ``interop``.

Where one is missing the folder is left out, and `test_environment.py` says so in one line. With
SOFTMAX_REGRESSION_INTEROP=1 nothing is left out, and a missing package is a failure.
"""

import os
import re
import tomllib
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest

# scikit-learn's checks of array libraries count as skipped without this, set before SciPy loads.
os.environ.setdefault("SCIPY_ARRAY_API", "1")
os.environ.setdefault("MPLBACKEND", "agg")

REQUIRED = os.environ.get("SOFTMAX_REGRESSION_INTEROP") == "1"


def _missing() -> list[str]:
    pyproject = Path(__file__).parents[2] / "pyproject.toml"
    group = tomllib.loads(pyproject.read_text(encoding="utf-8"))["dependency-groups"]["interop"]
    names = [re.split(r"[\[<>=!~ ]", line)[0] for line in group if isinstance(line, str)]
    return [name for name in names if not _installed(name)]


def _installed(name: str) -> bool:
    try:
        version(name)
    except PackageNotFoundError:
        return False
    return True


MISSING = _missing()
if MISSING and not REQUIRED:
    collect_ignore_glob = ["test_[!e]*.py", "test_e[!n]*.py"]


@pytest.fixture
def missing_packages():
    """Give the packages of the group `interop` that are not installed."""
    if MISSING and not REQUIRED:
        pytest.skip(f"all of tests/interop needs the group 'interop'; missing: {' '.join(MISSING)}")
    return MISSING


@pytest.fixture
def iris():
    """Return standardised iris with its species' names as labels: X (150, 4), y (150,)."""
    from sklearn.datasets import load_iris

    data = load_iris()
    X = (data.data - data.data.mean(axis=0)) / data.data.std(axis=0)
    return X, data.target_names[data.target]
