"""Time to a true gap under an l1 penalty, against scikit-learn's saga, liblinear and skglm.

Both minimise the same F; a row gives the seconds of the first whole `fit` whose F is within
1e-3 and 1e-6 of the minimum, relative to it. Each solver runs at a ladder of its own stopping
rule (tol here, max_iter in saga, which stops on the change of its iterate). The minimum is a
fit with tol = 1e-10 nats, certified.

With `--binary`, breast cancer (569 x 30, two classes): the processor milliseconds of one fit to
1e-6, of each solver at its cheapest sufficient tolerance, in turns. Its peers learn one row w, with
l1 |w| in F; liblinear's penalty sees the intercept, a thousandth of it. (-P: else skglm takes
`coverage.py` beside this file for the package.)

    OPENBLAS_NUM_THREADS=1 python -P tests/benchmarks/sparse_penalty.py [--limit SECONDS] [--binary]
"""

import argparse
import statistics
import time
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import scipy.sparse
from sklearn.datasets import load_breast_cancer
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
STRENGTHS = (1e-1, 3e-2, 1e-2, 3e-3, 1e-3, 2e-4)
TURNS = 15


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


def liblinear(l1: float, n_rows: int, tol: float) -> Any:
    """Return a model of one row of weights."""
    return LogisticRegression(
        solver="liblinear",
        l1_ratio=1.0,
        C=1.0 / (n_rows * l1),
        tol=tol,
        max_iter=100_000,
        intercept_scaling=1e3,
        random_state=0,
    )


def skglm(l1: float, _n_rows: int, tol: float) -> Any:
    """Return a model of one row of weights; None where skglm is not installed."""
    try:
        from skglm import SparseLogisticRegression
    except ImportError:
        return None
    return SparseLogisticRegression(alpha=l1, tol=tol, max_iter=1_000, max_epochs=100_000)


def plain(l1: float, _n_rows: int, tol: float) -> Any:
    """Return a model of this library."""
    return SoftmaxRegression(l1=l1, tol=tol)


def margin_objective(X: Any, y: Any, model: Any, l1: float) -> float:
    """Return F of two classes by the margins of one row of weights."""
    W, b = np.atleast_2d(model.coef_), np.atleast_1d(model.intercept_)
    w, b = (W[1] - W[0], b[1] - b[0]) if len(W) == 2 else (W[0], b[0])
    margins = (X @ w + b) * (2 * y - 1)
    return float(np.logaddexp(0.0, -margins).mean() + l1 * np.abs(w).sum())


def cheapest(
    build: Callable[[float, int, float], Any],
    X: Any,
    y: Any,
    l1: float,
    *,
    most: float,
    limit: float,
) -> Any:
    """Return the model of the loosest tolerance whose F is at most `most`, None beyond `limit`."""
    model = build(l1, len(y), 1.0)
    if model is None:
        return None
    model.fit(X, y)  # skglm compiles here
    for digits in range(13):
        model = build(l1, len(y), 10.0**-digits)
        begin = time.process_time()
        if margin_objective(X, y, model.fit(X, y), l1) <= most:
            return model
        if time.process_time() - begin > limit:
            return None
    return None


def binary(limit: float) -> None:
    """Print one line for each strength on breast cancer, standardised and as it is."""
    X, y = load_breast_cancer(return_X_y=True)
    solvers = {"ours": plain, "liblinear": liblinear, "skglm": skglm}
    print("breast cancer       l1 | ms to 1e-6: " + ", ".join(solvers))
    for name, rows in (("standardised", (X - X.mean(axis=0)) / X.std(axis=0)), ("raw", X)):
        for l1 in STRENGTHS:
            best = SoftmaxRegression(l1=l1, tol=1e-11, max_iter=10_000).fit(rows, y)
            most = (1.0 + 1e-6) * (margin_objective(rows, y, best, l1) - best.optimality_gap_)
            chosen = {
                solver: model
                for solver, build in solvers.items()
                if (model := cheapest(build, rows, y, l1, most=most, limit=limit)) is not None
            }
            times: dict[str, list[float]] = {solver: [] for solver in chosen}
            for _ in range(TURNS):
                for solver, model in chosen.items():
                    begin = time.process_time()
                    model.fit(rows, y)
                    times[solver].append(1e3 * (time.process_time() - begin))
            medians = [statistics.median(times.get(solver, [np.inf])) for solver in solvers]
            print(
                f"{name:>12} {l1:8g} | " + "  ".join(f"{each:8.1f}" for each in medians), flush=True
            )


def main() -> None:
    """Print one line per case."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--limit", type=float, default=10.0, help="seconds of one fit, at most")
    parser.add_argument("--binary", action="store_true", help="breast cancer instead")
    asked = parser.parse_args()
    limit = asked.limit
    warnings.simplefilter("ignore")
    if asked.binary:
        binary(limit)
        return
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
