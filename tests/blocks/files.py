"""Fit rows of files in a process of its own: the readings, the gap and the memory it takes.

    python tests/blocks/files.py FOLDER SHARE

`SHARE` divides the sample that a fit may keep.
"""

import sys
from pathlib import Path

import numpy as np

from softmax_regression import SoftmaxRegression
from softmax_regression._blocks import gathered

PARTS = 8


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


if __name__ == "__main__":
    gathered.LIMIT //= int(sys.argv[2])
    fit(Path(sys.argv[1]))
