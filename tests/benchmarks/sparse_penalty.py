"""Time to a true gap under an l1 penalty, against scikit-learn's saga.

Both minimise the same F; a row gives the seconds of the first whole `fit` whose F is within
1e-3 and 1e-6 of the minimum, relative to it. Each solver runs at a ladder of its own stopping
rule (tol here, max_iter in saga, which stops on the change of its iterate). The minimum is a
fit with tol = 1e-10 nats, certified.

    OPENBLAS_NUM_THREADS=1 python tests/benchmarks/sparse_penalty.py [--limit SECONDS]
"""

import argparse
import statistics
import time
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import scipy.sparse
from sklearn.linear_model import LogisticRegression

from softmax_regression import SoftmaxRegression

# rows, columns, classes, l1 as a share of the largest useful one, l2
CASES = (
    (150, 4, 3, 0.01, 1e-4),
    (2_000, 60, 3, 0.1, 1e-4),
    (2_000, 60, 10, 0.01, 1e-4),
    (20_000, 60, 3, 0.01, 1e-4),
    (20_000, 16, 26, 0.01, 1e-4),
    (20_000, 60, 10, 0.01, 1e-4),
    (200, 2_000, 3, 0.1, 1e-4),
    (2_000, 2_000, 3, 0.01, 1e-4),
    (100_000, 60, 3, 0.01, 1e-4),
)
TEXT = (11_000, 50_000, 20, 0.1, 1e-4)
TARGETS = (1e-3, 1e-6)
TOLERANCES = (1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7)
EPOCHS = (3, 10, 30, 100, 300, 1_000, 3_000, 10_000)
REPEATS = 3


def dense_rows(n: int, d: int, n_classes: int) -> tuple[Any, Any]:
    """Return correlated Gaussian rows; ten columns decide the class."""
    rng = np.random.default_rng(0)
    factors = rng.standard_normal((d, max(1, d // 4)))
    X = rng.standard_normal((n, d))
    X += 0.3 * (X @ factors) @ rng.standard_normal(factors.shape[::-1]) / np.sqrt(d)
    W = np.zeros((n_classes, d))
    W[:, : min(d, 10)] = rng.standard_normal((n_classes, min(d, 10)))
    return X, (X @ W.T + rng.gumbel(size=(n, n_classes))).argmax(axis=1)


def text_rows(n: int, d: int, n_classes: int) -> tuple[Any, Any]:
    """Return CSR rows of sixty words by Zipf's law, of unit length; ten words decide the class."""
    rng = np.random.default_rng(0)
    frequency = 1.0 / np.arange(1, d + 1)
    words = rng.choice(d, size=60 * n, p=frequency / frequency.sum()).astype(np.int32)
    starts = np.arange(0, 60 * n + 1, 60, dtype=np.int32)
    X = scipy.sparse.csr_array((np.ones(60 * n), words, starts), (n, d))
    X.sum_duplicates()
    X.data /= np.sqrt(np.repeat(X.multiply(X).sum(axis=1), np.diff(X.indptr)))
    W = np.zeros((d, n_classes))
    W[10:2_000:200] = 20.0 * rng.standard_normal((10, n_classes))
    return X, (X @ W + rng.gumbel(size=(n, n_classes))).argmax(axis=1)


def largest_penalty(X: Any, y: Any, n_classes: int) -> float:
    """Return the l1 from which on all weights are zero."""
    T = np.eye(n_classes)[y]
    return float(np.abs(X.T @ (T.mean(axis=0) - T)).max()) / len(y)


def objective(X: Any, y: Any, model: Any, l1: float, l2: float) -> float:
    """Return F at a fitted model of either library."""
    Z = X @ model.coef_.T + model.intercept_
    losses = np.logaddexp.reduce(Z, axis=1) - Z[np.arange(len(y)), y]
    size = np.abs(model.coef_)
    return float(losses.mean() + l1 * size.sum() + l2 / 2 * (size**2).sum())


def ours(l1: float, l2: float) -> Iterator[Any]:
    """Yield models of ever smaller tol."""
    for tol in TOLERANCES:
        yield SoftmaxRegression(l1=l1, l2=l2, tol=tol)


def saga(l1: float, l2: float, n_rows: int) -> Iterator[Any]:
    """Yield models of ever more epochs."""
    for epochs in EPOCHS:
        strength, ratio = 1.0 / (n_rows * (l1 + l2)), l1 / (l1 + l2)
        yield LogisticRegression(
            solver="saga", C=strength, l1_ratio=ratio, tol=0.0, max_iter=epochs
        )


def seconds_to(
    models: Iterator[Any],
    X: Any,
    y: Any,
    *,
    value: Callable[[Any], float],
    lowest: float,
    limit: float,
) -> list[float]:
    """Return the median seconds of the first fit within each target; infinite beyond `limit`."""
    found = [np.inf] * len(TARGETS)
    for model in models:
        times = []
        for _ in range(REPEATS):
            begin = time.perf_counter()
            model.fit(X, y)
            times.append(time.perf_counter() - begin)
            if times[-1] > 1.0:
                break
        seconds = statistics.median(times)
        for place, target in enumerate(TARGETS):
            if found[place] == np.inf and value(model) - lowest <= target * lowest:
                found[place] = seconds
        if found[-1] < np.inf or seconds > limit:
            break
    return found


def main() -> None:
    """Print one line per case."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--limit", type=float, default=10.0, help="seconds of one fit, at most")
    limit = parser.parse_args().limit
    warnings.simplefilter("ignore")
    print(f"{'n x d x K':>22} {'l1/max':>6} {'zeros':>6} | ours 1e-3  1e-6 | saga 1e-3   1e-6 (s)")
    for case in (*CASES, TEXT):
        n, d, n_classes, share, l2 = case
        X, y = text_rows(n, d, n_classes) if case is TEXT else dense_rows(n, d, n_classes)
        l1 = share * largest_penalty(X, y, n_classes)
        best = SoftmaxRegression(l1=l1, l2=l2, tol=1e-10).fit(X, y)
        lowest = best.loss_curve_[-1] - best.optimality_gap_

        def value(model: Any, X: Any = X, y: Any = y, l1: float = l1, l2: float = l2) -> float:
            return objective(X, y, model, l1, l2)

        mine = seconds_to(ours(l1, l2), X, y, value=value, lowest=lowest, limit=limit)
        peer = seconds_to(saga(l1, l2, n), X, y, value=value, lowest=lowest, limit=limit)
        zeros = float((best.coef_ == 0.0).mean())
        print(
            f"{f'{n:,} x {d:,} x {n_classes}':>22} {share:6g} {zeros:6.0%} | "
            f"{mine[0]:9.4f} {mine[1]:9.4f} | {peer[0]:9.4f} {peer[1]:9.4f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
