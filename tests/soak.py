"""A long service, compressed to minutes: no growth in memory, no drift in results.

    python tests/soak.py [--scale 0.01]

At scale 1: 10⁶ predictions of one row, 10⁴ fits and 10⁵ steps of partial_fit. Prints the processor
time per call, for the first and the last tenth of the calls, and what a prediction of one row
costs above the bare product x Wᵀ; ends with status 1 where memory has grown, calls have become
slower or a result has changed. Set OPENBLAS_NUM_THREADS=1, so that one thread's time is all.
"""

import argparse
import gc
import hashlib
import os
import resource
import statistics
import sys
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np

from softmax_regression import SoftmaxRegression

GOAL_MICROSECONDS = 15.0  # of one row's predict_proba above the bare product
# Python's own arenas and NumPy's small caches may still settle after the warm-up.
TRACED_GROWTH, RESIDENT_GROWTH = 64 * 1024, 8 * 2**20  # bytes
# The last calls against the first ones, on a machine that may be busy.
SLOWER = 2.0

RNG = np.random.default_rng(0)
N_FEATURES, N_CLASSES = 20, 5
X = RNG.normal(size=(200, N_FEATURES))
Y = (X @ RNG.normal(size=(N_FEATURES, N_CLASSES)) + RNG.gumbel(size=(200, N_CLASSES))).argmax(1)
TEXTBOOK = {"learning_rate": 0.1, "max_iter": 10, "tol": 0.0, "random_state": 0}
AUTO = {"l2": 1e-2, "random_state": 0}


def resident() -> int:
    """Bytes of memory the process holds now; where the system does not tell, the most it held."""
    status = Path("/proc/self/statm")
    if status.exists():
        return int(status.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def digest(*arrays: np.ndarray) -> str:
    return hashlib.sha256(b"".join(array.tobytes() for array in arrays)).hexdigest()[:12]


def microseconds(call: Callable[[], object], n_calls: int) -> list[float]:
    """Processor time of a call, a mean for each of ten rounds."""
    size = max(1, n_calls // 10)
    rounds = []
    for _ in range(10):
        begin = time.process_time()
        for _ in range(size):
            call()
        rounds.append(1e6 * (time.process_time() - begin) / size)
    return rounds


def traced_growth(call: Callable[[], object], n_calls: int) -> int:
    """Bytes that Python and NumPy hold more after the calls than after a first few."""
    tracemalloc.start()
    for _ in range(20):
        call()
    gc.collect()
    before = tracemalloc.get_traced_memory()[0]
    for _ in range(n_calls):
        call()
    gc.collect()
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    return grown


def soak(name: str, call: Callable[[], object], result: Callable[[], str], n_calls: int) -> bool:
    """Repeat `call`, timed and then traced; True where memory and `result` stayed the same."""
    for _ in range(20):
        call()
    gc.collect()
    first, held = result(), resident()
    each = microseconds(call, n_calls)
    gc.collect()
    grown = resident() - held
    traced = traced_growth(call, max(20, n_calls // 20))  # tracing is slow
    same, middle = result() == first, statistics.median(each)
    slower = statistics.median(each[-3:]) / statistics.median(each[:3])
    print(
        f"{name:<26}{n_calls:>9} calls {middle:>8.1f} us ({each[0]:.1f} -> {each[-1]:.1f}) "
        f"{1e6 / middle:>7.0f} /s  resident {grown / 1024:+.0f} KiB  "
        f"traced {traced / 1024:+.1f} KiB  results {'the same' if same else 'CHANGED'}",
        flush=True,
    )
    return same and grown <= RESIDENT_GROWTH and traced <= TRACED_GROWTH and slower <= SLOWER


def serve(scale: float) -> bool:
    """Predict one row at a time, and compare with the bare product."""
    model = SoftmaxRegression(**AUTO).fit(X, Y)
    row, weights = X[:1].copy(), model.coef_
    good = soak(
        "predict_proba of one row",
        lambda: model.predict_proba(row),
        lambda: digest(model.predict_proba(X), model.predict_proba(row)),
        max(100, int(1e6 * scale)),
    )
    # Alternating rounds: both meet the same noise of the machine.
    pairs = []
    for _ in range(30):
        whole = statistics.median(microseconds(lambda: model.predict_proba(row), 2_000))
        pairs.append((whole, statistics.median(microseconds(lambda: row @ weights.T, 2_000))))
    above = statistics.median(whole - bare for whole, bare in pairs)
    whole, bare = (min(times) for times in zip(*pairs, strict=True))
    print(
        f"  above the bare product: median {above:.1f} us, least {whole - bare:.1f} us "
        f"({whole:.1f} - {bare:.1f}); goal {GOAL_MICROSECONDS:g} us"
    )
    return good


def fit(scale: float) -> bool:
    """Fit the same rows again and again, half of the times by each kind of fit."""
    good = True
    for name, settings in (("textbook", TEXTBOOK), ("auto", AUTO)):
        model = SoftmaxRegression(**settings)
        good &= soak(
            f"fit, {name}",
            lambda model=model: model.fit(X, Y),
            lambda model=model: digest(model.fit(X, Y).coef_, model.predict_proba(X)),
            max(20, int(5e3 * scale)),
        )
    return good


def stream(scale: float) -> bool:
    """Take single steps of partial_fit; the loss curve grows by one number a step, as it says."""
    good = True
    rows, labels = X[:32], Y[:32]
    for name, settings in (("textbook", TEXTBOOK), ("auto", AUTO)):
        model = SoftmaxRegression(**settings)

        def step(model=model) -> None:
            model.partial_fit(rows, labels, range(N_CLASSES))

        def replayed(settings=settings) -> str:
            again = SoftmaxRegression(**settings)
            for _ in range(50):
                again.partial_fit(rows, labels, range(N_CLASSES))
            return digest(again.coef_, again.predict_proba(X))

        good &= soak(f"partial_fit, {name}", step, replayed, max(50, int(5e4 * scale)))
        good &= bool(np.isfinite(model.coef_).all())
    return good


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--scale", type=float, default=1.0, help="share of the full number of calls"
    )
    scale = parser.parse_args().scale
    begin = time.perf_counter()
    good = [serve(scale), fit(scale), stream(scale)]
    print(f"{time.perf_counter() - begin:.0f} s; {'sound' if all(good) else 'NOT SOUND'}")
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
