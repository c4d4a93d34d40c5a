"""Fit rows that do not fit into memory: a folder of files, read a handful of times.

The folder is made here, eight parts of 20,000 rows; nothing changes with eight thousand of them.
A part is a callable that loads its rows when it is called, in this process or in another.
"""

import tempfile
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from softmax_regression import SoftmaxRegression

PARTS, ROWS, FEATURES, CLASSES = 8, 20_000, 60, 3


class Part:
    """Rows in two files of a folder, loaded on call: a few bytes wherever it is sent."""

    def __init__(self, folder, number):
        self.X, self.y = Path(folder, f"X{number}.npy"), Path(folder, f"y{number}.npy")

    def __call__(self):
        """Return the rows and their labels."""
        return np.load(self.X, mmap_mode="r"), np.load(self.y)


class RowGroup:
    """A row group of a Parquet file, whose last column is the label."""

    def __init__(self, path, number):
        self.path, self.number = path, number

    def __call__(self):
        """Return the rows and their labels."""
        from pyarrow.parquet import ParquetFile

        table = ParquetFile(self.path).read_row_group(self.number)
        columns = [column.to_numpy() for column in table.columns]
        return np.column_stack(columns[:-1]), columns[-1]


def write(folder):
    """Write labels drawn from a softmax model, and their features, part by part."""
    rng = np.random.default_rng(0)
    W = rng.standard_normal((CLASSES, FEATURES)) / 4
    for number in range(PARTS):
        X = rng.standard_normal((ROWS, FEATURES))
        y = (X @ W.T + rng.gumbel(size=(ROWS, CLASSES))).argmax(axis=1)
        np.save(Path(folder, f"X{number}.npy"), X)
        np.save(Path(folder, f"y{number}.npy"), y)


def report(name, model):
    """Print what a fit took and proved, and return it."""
    print(
        f"{name}: {model.n_iter_} readings, F = {model.loss_curve_[-1]:.6f} nats, "
        f"proven to within {model.optimality_gap_:.0e}"
    )
    return model


with tempfile.TemporaryDirectory() as folder:
    write(folder)
    parts = [Part(folder, number) for number in range(PARTS)]
    one = report("one after the other", SoftmaxRegression().fit_blocks(parts))
    with ThreadPoolExecutor(2) as pool:
        two = report("two threads", SoftmaxRegression().fit_blocks(parts, map=pool.map))
    print("the same to the last bit:", np.array_equal(one.coef_, two.coef_))

    # One large file: its pages are read where they are needed, and no copy is made.
    whole = np.lib.format.open_memmap(
        Path(folder, "all.npy"), "w+", np.float64, (PARTS * ROWS, FEATURES)
    )
    labels = np.concatenate([part()[1] for part in parts])
    for number, part in enumerate(parts):
        whole[number * ROWS : (number + 1) * ROWS] = part()[0]
    report("fit on a memory map", SoftmaxRegression(random_state=0).fit(whole, labels))
    del whole

    if find_spec("pyarrow"):
        import pyarrow as pa
        from pyarrow.parquet import ParquetWriter

        path = Path(folder, "all.parquet")
        names = [f"x{j}" for j in range(FEATURES)] + ["label"]
        tables = (pa.table([*part()[0].T, part()[1]], names=names) for part in parts)
        first = next(tables)
        with ParquetWriter(path, first.schema) as writer:
            for table in (first, *tables):
                writer.write_table(table)
        groups = [RowGroup(path, number) for number in range(PARTS)]
        report("row groups of a Parquet file", SoftmaxRegression().fit_blocks(groups))
