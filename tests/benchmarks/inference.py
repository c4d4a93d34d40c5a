"""Time of a fit with its summary, beside statsmodels' MNLogit, one BLAS thread; and large problems.

    OPENBLAS_NUM_THREADS=1 PYTHONPATH=src python tests/benchmarks/inference.py [--large]

Needs statsmodels. Both programs run in turns, and the medians of the processor's seconds are printed,
which other work on the machine disturbs less than the clock's.
"""

import resource
import sys
from statistics import median
from time import process_time

import numpy as np

from softmax_regression import SoftmaxRegression

SHAPES = [(10_000, 20, 5), (100_000, 50, 4)]
LARGE = [(10_000, 99, 11), (5_000, 499, 6), (10_000, 499, 11)]


def drawn(n: int, d: int, n_classes: int) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(0)
    X = generator.normal(size=(n, d))
    logits = X @ generator.normal(size=(d, n_classes)) / np.sqrt(d)
    return X, (logits + generator.gumbel(size=logits.shape)).argmax(axis=1)


def seconds(function, *arguments):
    begin = process_time()
    result = function(*arguments)
    return process_time() - begin, result


def ours(X, y) -> list[float]:
    """Seconds of the fit, the inference and the summary."""
    fit, model = seconds(SoftmaxRegression(l2=0).fit, X, y)
    infer, inference = seconds(model.inference, X, y)
    table, _ = seconds(lambda: str(inference.summary()))
    return [fit, infer, table]


def theirs(X, y) -> list[float]:
    """Seconds of the fit and the summary."""
    import statsmodels.api as sm

    rows = np.column_stack([X, np.ones(len(X))])
    fit, result = seconds(lambda: sm.MNLogit(y, rows).fit(method="newton", disp=0))
    table, _ = seconds(lambda: str(result.summary()))
    return [fit, table]


def compare(rounds: int = 5) -> None:
    print(
        "| rows x features x classes | fit + inference + summary | statsmodels: fit + summary | ratio |"
    )
    print("|---|---|---|---|")
    for shape in SHAPES:
        X, y = drawn(*shape)
        pairs = [(ours(X, y), theirs(X, y)) for _ in range(rounds)]
        own, peer = (
            [median(column) for column in zip(*each, strict=True)]
            for each in zip(*pairs, strict=True)
        )
        ratio = median(sum(b) / sum(a) for a, b in pairs)
        times = [" + ".join(f"{each:.2f}" for each in part) for part in (own, peer)]
        print(
            f"| {' x '.join(f'{size:,}' for size in shape)} | {times[0]} s | {times[1]} s | {ratio:.1f} |"
        )


def large() -> None:
    print("\n| free parameters | rows x features x classes | inference | peak |")
    print("|---|---|---|---|")
    for n, d, n_classes in LARGE:
        X, y = drawn(n, d, n_classes)
        model = SoftmaxRegression(l2=1e-4).fit(X, y)
        import warnings

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            time, _ = seconds(model.inference, X, y)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        shape = f"{n:,} x {d} x {n_classes}"
        print(f"| {(d + 1) * (n_classes - 1):,} | {shape} | {time:.1f} s | {peak:.1f} GB |")


if __name__ == "__main__":
    large() if "--large" in sys.argv else compare()
