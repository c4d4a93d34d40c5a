"""Processor time of one epoch of mini-batch gradient descent, against its floor and against peers.

The floor is what no implementation on the same BLAS can avoid: for every batch the two matrix
products and the exponentials, on rows that lie next to each other. Every epoch of a fit is followed
by the floor of one, so that a change of the machine's speed hits both alike; printed are the median
and the quartiles of the ratios, and what the ratio should be at most.

    OPENBLAS_NUM_THREADS=1 python tests/benchmarks/epoch.py [--peers]

`--peers` adds mlxtend's SoftmaxRegression, scikit-learn's MLPClassifier without hidden layers and
a PyTorch loop, with the same batch size: whole fits of some epochs, per epoch, against the floor's
median.
"""

import argparse
import importlib
import statistics
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from softmax_regression import SoftmaxRegression

SHAPES = {(60_000, 784, 10): 1.25, (200_000, 54, 7): 1.7, (20_000, 16, 26): 2.3}
BATCH_SIZES = (256, 2_048)
EPOCHS = 5
ROUNDS = 15


def make_data(n_rows: int, n_features: int, n_classes: int, dtype: Any) -> tuple[Any, Any]:
    """Return Gaussian rows and labels drawn from a softmax model."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n_rows, n_features)).astype(dtype)
    W = rng.standard_normal((n_classes, n_features)) / np.sqrt(n_features)
    y = (X @ W.T + rng.gumbel(size=(n_rows, n_classes))).argmax(axis=1)
    return X, y


def floor(X: Any, n_classes: int, batch_size: int) -> Callable[[], None]:
    """Return one epoch of nothing but W Xᵀ, exp and R X on contiguous batches.

    The products take the memory layout that is fastest for them.
    """
    by_feature = np.zeros((X.shape[1], n_classes), X.dtype)
    gradient = np.empty((n_classes, X.shape[1]), X.dtype)
    scores = np.empty(n_classes * batch_size, X.dtype)
    rows_first = X.dtype == np.float32 and X.shape[1] >= 256

    def run() -> None:
        for start in range(0, X.shape[0], batch_size):
            batch = X[start : start + batch_size]
            size = n_classes * batch.shape[0]
            Z = scores[:size].reshape(n_classes, batch.shape[0])
            if rows_first:
                np.matmul(batch, by_feature, out=scores[:size].reshape(batch.shape[0], n_classes))
            else:
                np.matmul(by_feature.T, batch.T, out=Z)
            np.exp(Z, out=Z)
            np.matmul(Z, batch, out=gradient)

    return run


def ratios(X: Any, y: Any, batch_size: int) -> tuple[list[float], float]:
    """Return how many times an epoch takes as long as its floor, and the floor's median seconds."""
    baseline = floor(X, int(y.max()) + 1, batch_size)
    begin, epochs, floors = [0.0], [], []

    def between(_: Any) -> None:
        epochs.append(time.process_time() - begin[0])
        floors.append(seconds(baseline))
        begin[0] = time.process_time()

    model = SoftmaxRegression(
        learning_rate=0.05,
        batch_size=batch_size,
        max_iter=ROUNDS + 1,  # the first begins with what a fit does once
        tol=0,
        random_state=0,
        callback=between,
    )
    model.fit(X, y)
    pairs = zip(epochs[1:], floors[1:], strict=True)
    return [epoch / floor for epoch, floor in pairs], statistics.median(floors)


def mlxtend_epochs(X: Any, y: Any, batch_size: int) -> Callable[[], None]:
    """Return the same epochs in mlxtend, which counts batches instead of sizing them."""
    peer = importlib.import_module("mlxtend.classifier").SoftmaxRegression(
        eta=1e-5, epochs=EPOCHS, minibatches=max(1, X.shape[0] // batch_size), random_seed=0
    )
    return lambda: peer.fit(X, y) and None


def sklearn_epochs(X: Any, y: Any, batch_size: int) -> Callable[[], None]:
    """Return the same epochs in scikit-learn's MLPClassifier without hidden layers."""
    peer = importlib.import_module("sklearn.neural_network").MLPClassifier(
        hidden_layer_sizes=(),
        solver="sgd",
        momentum=0.0,
        learning_rate_init=0.05,
        batch_size=batch_size,
        max_iter=EPOCHS,
        tol=0.0,
        n_iter_no_change=EPOCHS + 1,
        random_state=0,
    )
    return lambda: peer.fit(X, y) and None


def torch_epochs(X: Any, y: Any, batch_size: int) -> Callable[[], None]:
    """Return the same epochs as a plain PyTorch loop."""
    torch = importlib.import_module("torch")
    torch.set_num_threads(1)
    features, labels = torch.from_numpy(X), torch.from_numpy(y)

    def run() -> None:
        model = torch.nn.Linear(X.shape[1], int(y.max()) + 1, dtype=features.dtype)
        optimiser = torch.optim.SGD(model.parameters(), lr=0.05)
        for _ in range(EPOCHS):
            order = torch.randperm(len(labels))
            for start in range(0, len(labels), batch_size):
                rows = order[start : start + batch_size]
                optimiser.zero_grad()
                scores = model(features[rows])
                torch.nn.functional.cross_entropy(scores, labels[rows]).backward()
                optimiser.step()

    return run


def seconds(task: Callable[[], None]) -> float:
    """Return the processor seconds that a task takes."""
    begin = time.process_time()
    task()
    return time.process_time() - begin


def main() -> None:
    """Print one line per shape, dtype and batch size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peers", action="store_true", help="measure the peers too")
    peers = parser.parse_args().peers
    print(f"{'n x d x K':>18} {'dtype':>8} {'batch':>6} {'floor ms':>9}  times the floor")
    warnings.simplefilter("ignore")
    for shape, bar in SHAPES.items():
        for dtype in (np.float64, np.float32):
            X, y = make_data(*shape, dtype)
            for batch_size in BATCH_SIZES:
                found, floor_seconds = ratios(X, y, batch_size)
                first, median, third = statistics.quantiles(found, n=4)
                size = " x ".join(f"{number:,}" for number in shape)
                print(
                    f"{size:>18} {X.dtype.name:>8} {batch_size:6d} {1e3 * floor_seconds:9.2f}"
                    f"  {median:.2f} ({first:.2f}-{third:.2f}), at most {bar}",
                    flush=True,
                )
                for peer in PEERS if peers else ():
                    task = peer(X, y, batch_size)
                    spent = statistics.median(seconds(task) for _ in range(3)) / EPOCHS
                    print(f"{peer.__name__:>53}  {spent / floor_seconds:.2f}", flush=True)


PEERS = (mlxtend_epochs, sklearn_epochs, torch_epochs)

if __name__ == "__main__":
    main()
