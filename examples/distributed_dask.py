"""Fit on a Dask cluster: arrays, or loaders that each worker calls. Needs dask and distributed.

The cluster here is two processes on this machine; a `Client` of a real one changes one line.
"""

from importlib.util import find_spec

import numpy as np

from softmax_regression import SoftmaxRegression

CHUNK, CHUNKS, FEATURES, CLASSES = 20_000, 8, 60, 3


def rows(number):
    """Return the rows of a chunk, drawn where they are needed: here a file would be read."""
    rng = np.random.default_rng(number)
    W = np.random.default_rng(99).standard_normal((CLASSES, FEATURES)) / 4
    X = rng.standard_normal((CHUNK, FEATURES))
    return X, (X @ W.T + rng.gumbel(size=(CHUNK, CLASSES))).argmax(axis=1)


def report(name, model):
    """Print what a fit took and proved, and return it."""
    print(f"{name}: {model.n_iter_} readings, proven to within {model.optimality_gap_:.0e} nats")
    return model


def main():
    """Fit twice on a cluster of two processes."""
    import dask
    import dask.array as da
    from distributed import Client, LocalCluster

    options = {"n_workers": 2, "threads_per_worker": 1, "host": "127.0.0.1"}
    with LocalCluster(**options, dashboard_address=None) as cluster, Client(cluster) as client:
        drawn = [dask.delayed(rows, nout=2)(number) for number in range(CHUNKS)]
        X = da.concatenate([da.from_delayed(x, (CHUNK, FEATURES), float) for x, _ in drawn])
        y = da.concatenate([da.from_delayed(t, (CHUNK,), int) for _, t in drawn])
        X, y = dask.persist(X, y)  # the rows stay in the memory of the workers
        one = report("Dask arrays", SoftmaxRegression().fit(X, y))

        blocks = client.compute(drawn)  # futures: what each of them holds stays where it is
        pool = client.get_executor(pure=False)
        two = report("futures", SoftmaxRegression().fit_blocks(blocks, map=pool.map))
        print("the same to the last bit:", np.array_equal(one.coef_, two.coef_))


if __name__ == "__main__":
    if find_spec("distributed") and find_spec("dask"):
        main()
    else:
        print("this example needs Dask: python -m pip install 'dask[array]' distributed")
