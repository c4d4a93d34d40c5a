"""Time per pass of the fit that needs no tuning, as n, d and K grow over two decades.

    OPENBLAS_NUM_THREADS=1 python tests/benchmarks/scaling.py

A fit with a `tol` it cannot reach runs `max_iter` passes; the table gives the whole fit, set-up,
curvature and certificate included, divided by its passes. The last column is the slope between
this line and the one above on logarithmic axes: 1 is linear, less means that work per pass which
does not depend on that size still shows.
"""

import math
import statistics
import time
import warnings

import numpy as np

from softmax_regression import SoftmaxRegression

BASE = {"n": 20_000, "d": 50, "K": 10}
SIZES = {
    "n": (2_000, 6_000, 20_000, 60_000, 200_000),
    "d": (10, 30, 100, 300, 1_000),
    "K": (3, 10, 30, 100, 300),
}
PASSES = 30
ROUNDS = 3


def time_fit(n: int, d: int, K: int) -> tuple[float, int]:
    """Return the median seconds of a fit on data drawn from a softmax model, and its passes."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n, d))
    W = rng.standard_normal((K, d)) * (2.0 / math.sqrt(d))
    y = (X @ W.T + rng.gumbel(size=(n, K))).argmax(axis=1)
    times = []
    for _ in range(ROUNDS):
        model = SoftmaxRegression(l2=0.01 / n, tol=1e-15, max_iter=PASSES)
        begin = time.perf_counter()
        model.fit(X, y)
        times.append(time.perf_counter() - begin)
    return statistics.median(times), model.n_iter_


def main() -> None:
    """Print a table for each of n, d and K, the other two held at their base."""
    warnings.simplefilter("ignore")
    print(
        f"{'n':>8} {'d':>6} {'K':>5} {'fit ms':>9} {'passes':>7} {'ms per pass':>12}"
        f" {'ns per n d K':>13} {'slope':>6}"
    )
    for axis, sizes in SIZES.items():
        last: tuple[int, float] | None = None
        for size in sizes:
            shape = BASE | {axis: size}
            whole, passes = time_fit(**shape)
            seconds = whole / passes
            slope = math.log(seconds / last[1]) / math.log(size / last[0]) if last else math.nan
            print(
                f"{shape['n']:8,} {shape['d']:6,} {shape['K']:5,} {1e3 * whole:9.1f}"
                f" {passes:7} {1e3 * seconds:12.3f}"
                f" {1e9 * seconds / math.prod(shape.values()):13.4f}"
                f" {'' if last is None else f'{slope:.2f}':>6}",
                flush=True,
            )
            last = size, seconds
        print()


if __name__ == "__main__":
    main()
