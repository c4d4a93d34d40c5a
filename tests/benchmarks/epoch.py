"""Time of one epoch of mini-batch gradient descent, against its floor and against peers.

The floor is what no implementation on the same BLAS can avoid: for every batch the two matrix
products and the exponentials. Every row is measured in turns within one run, so that a change of
the machine's speed hits all columns alike; the medians are divided.

    OPENBLAS_NUM_THREADS=1 python tests/benchmarks/epoch.py [--peers]

`--peers` adds mlxtend's SoftmaxRegression, scikit-learn's MLPClassifier without hidden layers and
a PyTorch loop, with the same batch size and number of epochs.
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

SHAPES = ((60_000, 784, 10), (200_000, 54, 7), (20_000, 16, 26))
BATCH_SIZES = (256, 2_048)
EPOCHS = 5
ROUNDS = 7


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


def ours(X: Any, y: Any, batch_size: int) -> Callable[[], None]:
    """Return `EPOCHS` shuffled epochs of the library."""
    model = SoftmaxRegression(
        learning_rate=0.05, batch_size=batch_size, max_iter=EPOCHS, tol=0, random_state=0
    )
    return lambda: model.fit(X, y) and None


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


def medians(tasks: dict[str, tuple[Callable[[], None], int]]) -> dict[str, float]:
    """Return the median seconds per epoch of each task, measured in turns."""
    times: dict[str, list[float]] = {name: [] for name in tasks}
    for task, _ in tasks.values():
        task()
    for _ in range(ROUNDS):
        for name, (task, epochs) in tasks.items():
            begin = time.process_time()
            task()
            times[name].append((time.process_time() - begin) / epochs)
    return {name: statistics.median(seconds) for name, seconds in times.items()}


def main() -> None:
    """Print one line per shape, dtype and batch size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peers", action="store_true", help="measure the peers too")
    peers = parser.parse_args().peers
    print(f"{'n x d x K':>18} {'dtype':>8} {'batch':>6} {'floor ms':>9}  times the floor")
    for shape in SHAPES:
        for dtype in (np.float64, np.float32):
            X, y = make_data(*shape, dtype)
            for batch_size in BATCH_SIZES:
                tasks = {
                    "floor": (floor(X, shape[2], batch_size), 1),
                    "ours": (ours(X, y, batch_size), EPOCHS),
                }
                if peers:
                    tasks["mlxtend"] = (mlxtend_epochs(X, y, batch_size), EPOCHS)
                    tasks["MLPClassifier"] = (sklearn_epochs(X, y, batch_size), EPOCHS)
                    tasks["PyTorch"] = (torch_epochs(X, y, batch_size), EPOCHS)
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    seconds = medians(tasks)
                ratios = "  ".join(
                    f"{name} {value / seconds['floor']:.2f}"
                    for name, value in seconds.items()
                    if name != "floor"
                )
                size = " x ".join(f"{number:,}" for number in shape)
                print(
                    f"{size:>18} {X.dtype.name:>8} {batch_size:6d} {1e3 * seconds['floor']:9.2f}"
                    f"  {ratios}",
                    flush=True,
                )


if __name__ == "__main__":
    main()
