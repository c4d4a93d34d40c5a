"""Rows on disk are read, not kept: what a fit holds beside pages of files has a ceiling."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from softmax_regression import SoftmaxRegression

PARTS, ROWS, FEATURES = 8, 62_500, 50
CEILING = 300  # MB: a sample of 64 MiB, its copy in working precision, and Python with NumPy


class Part:
    """Rows of a file; all parts have the same one, which a fit cannot know."""

    def __init__(self, folder):
        self.folder = folder

    def __call__(self):
        return np.load(self.folder / "X.npy", mmap_mode="r"), np.load(self.folder / "y.npy")


def fit(folder):
    """Fit the parts; print the readings, the gap and the most memory that is not file pages, MB."""
    peak = 0.0

    def watched(function, items):
        nonlocal peak
        for item in items:
            yield function(item)
            status = Path("/proc/self/status").read_text(encoding="utf-8")
            (line,) = (line for line in status.splitlines() if line.startswith("RssAnon"))
            peak = max(peak, int(line.split()[1]) / 1024)

    model = SoftmaxRegression().fit_blocks([Part(folder) for _ in range(PARTS)], map=watched)
    print(model.n_iter_, model.optimality_gap_, peak)


@pytest.mark.skipif(
    not Path("/proc/self/status").exists(), reason="only Linux tells file pages from other memory"
)
def test_200_mb_of_files_take_no_more_than_a_sample_and_its_copy(tmp_path):
    rng = np.random.default_rng(0)
    W = rng.standard_normal((3, FEATURES)) / 5
    X = rng.standard_normal((ROWS, FEATURES))
    np.save(tmp_path / "X.npy", X)
    np.save(tmp_path / "y.npy", (X @ W.T + rng.gumbel(size=(ROWS, 3))).argmax(axis=1))
    command = [sys.executable, __file__, str(tmp_path)]
    printed = subprocess.run(
        command, capture_output=True, text=True, timeout=120, check=True
    ).stdout
    readings, gap, peak = map(float, printed.split())
    assert readings <= 8
    assert gap <= 1e-6
    assert peak <= CEILING


if __name__ == "__main__":
    fit(Path(sys.argv[1]))
