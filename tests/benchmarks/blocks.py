"""Fits over blocks: readings to a gap, and rows on disk that do not fit into memory.

    OPENBLAS_NUM_THREADS=1 python tests/benchmarks/blocks.py readings --data FOLDER
    OPENBLAS_NUM_THREADS=1 python tests/benchmarks/blocks.py disk --rows 10_000_000 --folder FOLDER

`readings` counts, at the map, the readings until F is within 1e-3, 1e-6 and 1e-9 nats of its
minimum and until 1e-6 is proven. The data are small, so that a sample of 64 MiB would be all of
them: it is made as small, beside the number of parameters, as it would be of large data. `disk`
writes so many rows of 54 columns into the folder, in 16 parts, fits them in a process of its own,
and removes them; the time to read the files once is measured beside it, and memory that is not
pages of the files.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
import warnings
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from workloads import read_csv, tall, text, wide

from softmax_regression import SoftmaxRegression
from softmax_regression._blocks import gathered

GAPS = (1e-3, 1e-6, 1e-9)
PARTS, FEATURES, CLASSES = 16, 54, 7


class Workload(NamedTuple):
    """Rows, their l2, and how many of them a sample holds."""

    X: Any
    y: Any
    l2: float
    sample: int


def workloads(folder: Path) -> dict[str, Any]:
    """Return the workloads by name."""
    return {
        "tall": lambda: Workload(*tall(100_000), 1e-4, 25_000),
        "covertype, raw": lambda: Workload(*read_csv(folder / "covtype15k.csv.gz"), 1e-4, 6_160),
        "letter": lambda: Workload(*read_csv(folder / "letter.csv.gz"), 1e-4, 10_166),
        "dry bean, raw": lambda: Workload(*read_csv(folder / "dry_bean.csv.gz"), 1e-4, 4_046),
        "image-like": lambda: Workload(*wide(24_000, 14), 1 / 24_000, 15_760),
        "image-like, small sample": lambda: Workload(*wide(24_000, 14), 1 / 24_000, 3_940),
        "text": lambda: Workload(*text(12_000, 20_000, 10), 1 / 12_000, 2_000),
    }


class Door:
    """The built-in map, and how often it was called."""

    def __init__(self) -> None:
        self.readings = 0

    def __call__(self, function: Any, items: Any) -> Any:
        """Map, and count."""
        self.readings += 1
        return map(function, items)


def readings(folder: Path) -> None:
    """Print a line of a table for each workload."""
    print("| data | n x d x K | 1e-3 / 1e-6 / 1e-9 (1e-6 proven) | `fit`, 1e-6 proven |")
    print("|---|---|---|---|")
    for name, make in workloads(folder).items():
        rows = make()
        fit = SoftmaxRegression(l2=rows.l2, random_state=0).fit(rows.X, rows.y)
        best = SoftmaxRegression(l2=rows.l2, tol=1e-12, random_state=0)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # as far as float64 goes
            best.fit(rows.X, rows.y)
        curve = curve_over_blocks(rows)
        least = min(best.loss_curve_[-1], *(F for _, F, _ in curve))
        true = [next(n for n, F, _ in curve if F - least <= gap) for gap in GAPS]
        proven = next(n for n, _, bound in curve if bound <= 1e-6)
        size = " x ".join(f"{number:,}" for number in (*rows.X.shape, len(fit.classes_)))
        counts = " / ".join(map(str, true))
        print(f"| {name} | {size} | {counts} ({proven}) | {fit.n_iter_} |", flush=True)


def curve_over_blocks(rows: Workload) -> list[tuple[int, float, float]]:
    """Return the readings so far, F and its bound after each reading of 16 blocks."""
    curve: list[tuple[int, float, float]] = []
    door = Door()
    X: Any = rows.X
    entries = X.nnz * 16 if hasattr(X, "nnz") else X.size * X.itemsize
    gathered.LIMIT = rows.sample * entries // X.shape[0]
    edges = np.linspace(0, len(rows.y), PARTS + 1).astype(int)
    blocks = [(X[a:b], rows.y[a:b]) for a, b in pairwise(edges)]

    def note(progress: Any) -> None:
        curve.append((door.readings, progress.loss, progress.optimality_gap))

    SoftmaxRegression(l2=rows.l2, tol=1e-11, callback=note).fit_blocks(blocks, map=door)
    return curve


class Part:
    """Rows in two files, loaded on call."""

    def __init__(self, folder: Path, number: int) -> None:
        self.X, self.y = folder / f"X{number}.npy", folder / f"y{number}.npy"

    def __call__(self) -> tuple[Any, Any]:
        """Return the rows and their labels."""
        return np.load(self.X, mmap_mode="r"), np.load(self.y)


def disk(n_rows: int, folder: Path | None) -> None:
    """Write the files, fit them in another process, and remove them."""
    with tempfile.TemporaryDirectory(dir=folder) as name:
        write(Path(name), n_rows)
        started = time.perf_counter()
        for path in Path(name).glob("*.npy"):
            with path.open("rb", buffering=0) as file:
                while file.read(2**24):
                    pass
        once = time.perf_counter() - started
        command = [sys.executable, __file__, "measured", "--folder", name]
        print(f"{n_rows:,} x {FEATURES} x {CLASSES}, read once in {once:.1f} s", flush=True)
        subprocess.run(command, check=True)


def write(folder: Path, n_rows: int) -> None:
    """Write labels of a softmax model and correlated features of unlike scales."""
    rng = np.random.default_rng(0)
    mixing = np.eye(FEATURES) + 0.3 * rng.standard_normal((FEATURES, FEATURES))
    W = 0.25 * rng.standard_normal((CLASSES, FEATURES))
    scale = 10 ** rng.uniform(-1, 2, FEATURES)
    for number in range(PARTS):
        X = rng.standard_normal((n_rows // PARTS, FEATURES)) @ mixing
        y = (X @ W.T + rng.gumbel(size=(len(X), CLASSES))).argmax(axis=1)
        np.save(folder / f"X{number}.npy", X * scale)
        np.save(folder / f"y{number}.npy", y)


def measured(folder: Path) -> None:
    """Fit the parts of a folder; print readings, seconds and memory."""
    watch = Memory()
    started, cpu = time.perf_counter(), time.process_time()
    parts = [Part(folder, number) for number in range(PARTS)]
    model = SoftmaxRegression(l2=1e-4, callback=watch.note).fit_blocks(parts, map=watch.map)
    seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{model.n_iter_} readings, {seconds:.1f} s ({cpu:.1f} s of processor), gap "
        f"{model.optimality_gap_:.1e}, at most {watch.peak:.0f} MB beside file pages, {peak:.0f} with"
    )


class Memory:
    """The most memory seen that is not pages of files, in MB."""

    def __init__(self) -> None:
        self.peak = 0.0

    def look(self) -> None:
        """Look now."""
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("RssAnon"):
                self.peak = max(self.peak, int(line.split()[1]) / 1024)

    def note(self, _: Any) -> None:
        """Look after a reading."""
        self.look()

    def map(self, function: Any, items: Any) -> Any:
        """Map, and look after each block."""
        for item in items:
            yield function(item)
            self.look()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["readings", "disk", "measured"])
    parser.add_argument("--data", type=Path)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--rows", type=int, default=500_000)
    given = parser.parse_args()
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    if given.what == "readings":
        readings(given.data)
    elif given.what == "disk":
        disk(given.rows, given.folder)
    else:
        measured(given.folder)
