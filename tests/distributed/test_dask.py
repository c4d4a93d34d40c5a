"""Dask with two worker processes: collections, loaders, delayed and futures give the same bits."""

import os
import subprocess
import sys
import warnings
from itertools import pairwise
from pathlib import Path

import cloudpickle
import dask
import dask.array as da
import dask.dataframe as dd
import joblib
import numpy as np
import pandas as pd
import pytest
from distributed import Client, LocalCluster
from strategies import assert_same_bits

from softmax_regression import SoftmaxRegression
from softmax_regression._blocks import gathered

N, D, K = 4_000, 8, 3
RNG = np.random.default_rng(0)
X = RNG.normal(size=(N, D)) * 10.0 ** RNG.uniform(-1, 2, D)
W = RNG.normal(size=(K, D)) / X.std(axis=0)
Y = (X @ W.T + RNG.gumbel(size=(N, K))).argmax(axis=1)
WEIGHT = RNG.exponential(size=N)
EDGES = [0, 700, 1_500, 1_600, 2_900, N]
CHUNKS = tuple(np.diff(EDGES).tolist())
BLOCKS = [(X[a:b], Y[a:b]) for a, b in pairwise(EDGES)]


@pytest.fixture(autouse=True)
def small_sample(monkeypatch):
    """So that a fit takes several readings."""
    monkeypatch.setattr(gathered, "LIMIT", 1_000 * D * 8)


@pytest.fixture(scope="module")
def client():
    cloudpickle.register_pickle_by_value(sys.modules[__name__])
    with (
        LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            processes=True,
            host="127.0.0.1",
            dashboard_address=None,
        ) as cluster,
        Client(cluster) as client,
    ):
        yield client


def model(**settings):
    return SoftmaxRegression(**({"l2": 1e-3, "tol": 1e-9} | settings))


@pytest.fixture(scope="module")
def expected():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gathered, "LIMIT", 1_000 * D * 8)
        return model().fit_blocks(BLOCKS)


def arrays(persist=False):
    collections = da.from_array(X, chunks=(CHUNKS, D)), da.from_array(Y, chunks=(CHUNKS,))
    return dask.persist(*collections) if persist else collections


@pytest.mark.parametrize("persist", [False, True])
@pytest.mark.usefixtures("client")
def test_arrays(expected, persist):
    assert_same_bits(model().fit(*arrays(persist)), expected)


def test_arrays_without_a_cluster(expected):
    with dask.config.set(scheduler="threads"):
        assert_same_bits(model().fit(*arrays()), expected)


@pytest.mark.usefixtures("client")
def test_weights():
    weighted = [(X[a:b], Y[a:b], WEIGHT[a:b]) for a, b in pairwise(EDGES)]
    found = model().fit(*arrays(), da.from_array(WEIGHT, chunks=(CHUNKS,)))
    assert_same_bits(found, model().fit_blocks(weighted))


@pytest.mark.usefixtures("client")
def test_data_frames_name_their_columns():
    frame = pd.DataFrame(X, columns=[f"x{j}" for j in range(D)]).assign(y=Y)
    parts = dd.from_pandas(frame, npartitions=4)
    found = model().fit(parts.drop(columns="y"), parts["y"])
    assert list(found.feature_names_in_) == [f"x{j}" for j in range(D)]
    blocks = [(part.drop(columns="y"), part["y"]) for part in dask.compute(*parts.to_delayed())]
    assert_same_bits(found, model().fit_blocks(blocks))


def test_columns_of_one_file_keep_their_partitions(tmp_path):
    """Dask would read the labels alone in larger partitions than the features."""
    names = [f"x{j}" for j in range(D)]
    frame = pd.DataFrame(X, columns=names).assign(y=Y)
    frame.to_parquet(tmp_path / "rows.parquet", row_group_size=500)
    rows = dd.read_parquet(tmp_path / "rows.parquet", split_row_groups=1)
    pieces = [frame[first : first + 500] for first in range(0, N, 500)]
    expected = model().fit_blocks([(piece[names], piece["y"]) for piece in pieces])
    with dask.config.set(scheduler="threads"):
        assert len(rows["y"].to_delayed()) < len(pieces)  # what is not to happen
        assert_same_bits(model().fit(rows[names], rows["y"]), expected)
        assert_same_bits(model().fit(*dask.persist(rows[names], rows["y"])), expected)


class Part:
    def __init__(self, folder, number):
        self.path, self.number = str(folder), number

    def __call__(self):
        folder = Path(self.path)
        return (
            np.load(folder / f"X{self.number}.npy", mmap_mode="r"),
            np.load(folder / f"y{self.number}.npy"),
        )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("parts")
    for number, (x, y) in enumerate(BLOCKS):
        np.save(folder / f"X{number}.npy", x)
        np.save(folder / f"y{number}.npy", y)
    return folder


def test_loaders_delayed_and_futures(client, folder, expected):
    parts = [Part(folder, number) for number in range(len(BLOCKS))]
    executor = client.get_executor(pure=False)
    assert_same_bits(model().fit_blocks(parts, map=executor.map), expected)
    lazy = [dask.delayed(part, pure=False)() for part in parts]
    futures = client.compute(lazy)
    assert_same_bits(model().fit_blocks(futures, map=executor.map), expected)

    def compute(function, items):
        return dask.compute(*[dask.delayed(function, pure=False)(item) for item in items])

    assert_same_bits(model().fit_blocks(lazy, map=compute), expected)


def test_joblib(folder, expected):
    parts = [Part(folder, number) for number in range(len(BLOCKS))]

    def parallel(function, items):
        return joblib.Parallel(2)(joblib.delayed(function)(item) for item in items)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its own
        assert_same_bits(model().fit_blocks(parts, map=parallel), expected)


class Killer(Part):
    """A part that ends its worker the first time it is loaded in a later reading."""

    def __call__(self):
        mark, loads = Path(self.path) / "killed", Path(self.path) / "loads"
        loads.write_text(str(int(loads.read_text()) + 1 if loads.exists() else 1))
        if int(loads.read_text()) == 3 and not mark.exists():
            mark.touch()
            os._exit(1)
        return super().__call__()


def test_a_killed_worker_costs_no_bit(client, folder, expected):
    parts = [Part(folder, number) for number in range(len(BLOCKS))]
    parts[2] = Killer(folder, 2)
    found = model().fit_blocks(parts, map=client.get_executor(pure=False).map)
    assert (folder / "killed").exists()
    assert_same_bits(found, expected)


class Broken:
    def __call__(self):
        message = "no such part"
        raise OSError(message)


def test_a_block_that_raises_gives_its_own_exception(client, folder):
    fitted = model().fit_blocks(BLOCKS)
    before = fitted.coef_.copy()
    with pytest.raises(OSError, match="no such part") as caught:
        fitted.fit_blocks([Part(folder, 0), Broken()], map=client.get_executor(pure=False).map)
    assert caught.value.__notes__[0] == "in block 1"
    np.testing.assert_array_equal(fitted.coef_, before)


@pytest.mark.parametrize(
    ("X", "y", "error", "message"),
    [
        (da.from_array(X, chunks=(1_000, 4)), arrays()[1], ValueError, r"call X\.rechunk\(\{1: -1\}\)"),
        (arrays()[0], da.from_array(Y, chunks=1_000), ValueError, r"y\.rechunk\(X\.chunks\[0\]\)"),
        (da.from_array(X, chunks=(1_000, D)), da.from_array(Y, chunks=(999, 1_001, 1_000, 1_000)), ValueError, r"must be cut at the same rows"),
        (arrays()[0], Y, TypeError, r"y is none; make it one with dask\.array\.from_array"),
        (X, arrays()[1], TypeError, r"y is a Dask collection"),
    ],
)  # fmt: skip
def test_collections_that_do_not_match_are_refused(X, y, error, message):
    with pytest.raises(error, match=message):
        SoftmaxRegression().fit(X, y)


def test_predictions_map_over_partitions(expected):
    lazy, _ = arrays()
    with pytest.raises(TypeError, match=r"X\.map_blocks\(model\.predict, drop_axis=1"):
        expected.predict(lazy)
    found = lazy.map_blocks(expected.predict, drop_axis=1, dtype=expected.classes_.dtype)
    np.testing.assert_array_equal(found.compute(), expected.predict(X))


def test_the_example_runs():
    example = Path(__file__).parents[2] / "examples" / "distributed_dask.py"
    printed = subprocess.run(
        [sys.executable, example], capture_output=True, text=True, timeout=100, check=True
    ).stdout
    assert "the same to the last bit: True" in printed
