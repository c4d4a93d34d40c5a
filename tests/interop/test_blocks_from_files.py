"""Loaders as the README writes them: row groups of a Parquet file, and slices that polars scans."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from pyarrow import parquet
from strategies import assert_same_bits

from softmax_regression import SoftmaxRegression
from softmax_regression._blocks import gathered

N, D, SIZE = 2_000, 6, 400
RNG = np.random.default_rng(0)
X = RNG.normal(size=(N, D)) * 10.0 ** RNG.uniform(-1, 2, D)
Y = (X / X.std(axis=0) @ RNG.normal(size=(D, 3)) + RNG.gumbel(size=(N, 3))).argmax(axis=1)
FEATURES = [f"x{j}" for j in range(D)]
FIRSTS = range(0, N, SIZE)


@pytest.fixture
def path(tmp_path, monkeypatch):
    """A file, and a sample so small that a fit takes several readings."""
    monkeypatch.setattr(gathered, "LIMIT", 500 * D * 8)
    table = pa.table(dict(zip(FEATURES, X.T, strict=True)) | {"label": Y})
    parquet.write_table(table, tmp_path / "rows.parquet", row_group_size=SIZE)
    return tmp_path / "rows.parquet"


class RowGroup:
    def __init__(self, path, number):
        self.path, self.number = path, number

    def __call__(self):
        table = parquet.ParquetFile(self.path).read_row_group(self.number)
        return np.column_stack([table[name] for name in FEATURES]), table["label"].to_numpy()


class Slice:
    def __init__(self, path, first, rows):
        self.path, self.first, self.rows = path, first, rows

    def __call__(self):
        frame = pl.scan_parquet(self.path).slice(self.first, self.rows).collect()
        return frame.select(FEATURES), frame["label"]


def model():
    return SoftmaxRegression(l2=1e-3, tol=1e-9)


def test_row_groups_are_the_rows_in_memory(path):
    loaders = [RowGroup(path, number) for number in range(len(FIRSTS))]
    expected = model().fit_blocks([(X[a : a + SIZE], Y[a : a + SIZE]) for a in FIRSTS])
    assert_same_bits(model().fit_blocks(loaders), expected)
    with ThreadPoolExecutor(2) as pool:
        assert_same_bits(model().fit_blocks(loaders, map=pool.map), expected)


def test_slices_of_a_scan_are_the_frames_in_memory(path):
    loaders = [Slice(path, first, SIZE) for first in FIRSTS]
    frame = pl.DataFrame(X, schema=FEATURES)
    expected = model().fit_blocks([(frame[a : a + SIZE], Y[a : a + SIZE]) for a in FIRSTS])
    found = model().fit_blocks(loaders)
    assert_same_bits(found, expected)
    assert list(found.feature_names_in_) == FEATURES
    with ThreadPoolExecutor(2) as pool:
        assert_same_bits(model().fit_blocks(loaders, map=pool.map), expected)
