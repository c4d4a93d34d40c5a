"""Around the fit, against scikit-learn: predictions of two classes, and streams of wide rows.

    OPENBLAS_NUM_THREADS=1 python tests/benchmarks/around.py

Predictions: processor time of `LogisticRegression` over that here, medians of rounds in turns.
Streams: thousand rows a second of a processor in `partial_fit` without a learning rate, and in
`MLPClassifier` without hidden layers, in the first and the second half of the rows.
"""

import statistics
import time
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.neural_network import MLPClassifier
from workloads import draw_labels

from softmax_regression import SoftmaxRegression

ROWS, COLUMNS, LEARNED, ROUNDS = 400_000, 60, 5_000, 7
ASKED = ("predict", "predict_proba", "predict_log_proba", "decision_function")
STREAMED, WIDE, CLASSES = 20_480, 784, 10


def seconds(task: Callable[[], Any]) -> float:
    """Return the processor seconds that a task takes."""
    begin = time.process_time()
    task()
    return time.process_time() - begin


def predictions() -> None:
    """Print how many times as fast each way to ask a model of two classes is here."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((ROWS, COLUMNS))
    y = draw_labels(X @ rng.standard_normal((COLUMNS, 2)), rng)
    ours = SoftmaxRegression().fit(X[:LEARNED], y[:LEARNED])
    peer = LogisticRegression().fit(X[:LEARNED], y[:LEARNED])
    pairs: dict[str, tuple[Callable[[], Any], Callable[[], Any]]] = {
        name: (partial(getattr(ours, name), X), partial(getattr(peer, name), X)) for name in ASKED
    }
    pairs["score"] = lambda: ours.score(X, y), lambda: peer.score(X, y)
    pairs["loss"] = lambda: ours.loss(X, y), lambda: log_loss(y, peer.predict_proba(X))
    for name, (here, there) in pairs.items():
        ratios = [seconds(there) / seconds(here) for _ in range(ROUNDS)]
        print(f"{name:18} {statistics.median(ratios):.2f}", flush=True)


def stream(model: Any, X: Any, y: Any, size: int) -> list[float]:
    """Return the thousand rows a second of either half of a stream in batches of that size."""
    speeds, classes = [], np.arange(CLASSES)
    for half in np.split(np.arange(len(y)), 2):
        batches = np.split(half, range(size, len(half), size))
        spent = seconds(lambda: [model.partial_fit(X[b], y[b], classes=classes) for b in batches])  # noqa: B023
        speeds.append(len(half) / spent / 1e3)
    return speeds


def streams() -> None:
    """Print the speed of streams of wide rows."""
    rng = np.random.default_rng(0)
    X = rng.random((STREAMED, WIDE)) * (rng.random((STREAMED, WIDE)) < 0.3)
    y = draw_labels(X @ rng.standard_normal((WIDE, CLASSES)) / 5.0, rng)
    for size, n_rows in ((1_024, STREAMED), (32, STREAMED // 4)):
        for model in (SoftmaxRegression(), MLPClassifier(hidden_layer_sizes=())):
            speeds = stream(model, X[:n_rows], y[:n_rows], size)
            shown = ", ".join(f"{speed:.1f}" for speed in speeds)
            print(f"batches of {size:5}, {type(model).__name__:18} {shown}", flush=True)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    predictions()
    streams()
