"""Rows on disk are read, not kept: what a fit holds beside pages of files has a ceiling."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from strategies import unless_fast

# Rows of each of eight parts, what divides the sample, and MB: the sample of 64 MiB, its copy in
# working precision, and Python with NumPy. A fast run has a fifth of the rows and of the sample.
SIZES = {"40 MB": (12_500, 5, 80)} | ({"200 MB": (62_500, 1, 300)} if unless_fast(True) else {})


@pytest.mark.skipif(
    not Path("/proc/self/status").exists(), reason="only Linux tells file pages from other memory"
)
@pytest.mark.parametrize(("n_rows", "share", "ceiling"), SIZES.values(), ids=SIZES)
def test_files_take_no_more_than_a_sample_and_its_copy(tmp_path, n_rows, share, ceiling):
    rng = np.random.default_rng(0)
    W = rng.standard_normal((3, 50)) / 5
    X = rng.standard_normal((n_rows, 50))
    np.save(tmp_path / "X.npy", X)
    np.save(tmp_path / "y.npy", (X @ W.T + rng.gumbel(size=(n_rows, 3))).argmax(axis=1))
    command = [sys.executable, Path(__file__).with_name("files.py"), str(tmp_path), str(share)]
    printed = subprocess.run(
        command, capture_output=True, text=True, timeout=120, check=True
    ).stdout
    readings, gap, peak = map(float, printed.split())
    assert readings <= 8
    assert gap <= 1e-6
    assert peak <= ceiling
