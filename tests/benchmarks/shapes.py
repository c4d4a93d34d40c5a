"""A race over random shapes: eight families, all but the sparse in raw and in standardised columns.

    OPENBLAS_NUM_THREADS=1 python tests/benchmarks/shapes.py --problems 160 --seed 0

Every problem draws its sizes, classes, correlation and l2 (log-uniform from 1e-7 to 1e-1), and is
run as in optimum.py: the loosest rung at which a whole fit reaches F - F* <= 1e-3 F* and 1e-6 F*,
against the fastest scikit-learn solver that gets there. Ratios count up to `MOST`. Prints a line for
every problem and target, then by family the geometric mean, the least, and how many fits are slower.
"""

import argparse
import math
from collections import defaultdict
from typing import Any, NamedTuple

import numpy as np
import race
import scipy.sparse
from race import TARGETS, Problem, Run, first_to, search, warm_up
from solvers import OURS, SCIKIT_LEARN
from workloads import draw_labels

MOST = 10.0
SHORT = 0.08  # seconds that a short fit is repeated for
ENTRIES = 3e7
L2 = (1e-7, 1e-1)


class Sizes(NamedTuple):
    """Ranges to draw from, log-uniformly."""

    rows: tuple[float, float]
    columns: tuple[float, float]
    classes: tuple[float, float]


FAMILIES = {
    "tiny": Sizes((50, 600), (1, 30), (2, 10)),
    "binary": Sizes((500, 100_000), (2, 300), (2, 2.9)),
    "mid": Sizes((1_000, 20_000), (5, 150), (3, 12)),
    "rare": Sizes((1_000, 40_000), (5, 80), (3, 12)),
    "many": Sizes((2_000, 20_000), (5, 100), (15, 120)),
    "wide": Sizes((60, 800), (300, 4_000), (2, 12)),
    "sparse": Sizes((1_000, 10_000), (1_000, 20_000), (2, 20)),
    "tall": Sizes((30_000, 150_000), (3, 60), (2, 9)),
}


def drawn(family: str, raw: bool, seed: int) -> Problem:
    """Draw a problem of a family; its name tells its seed."""
    rng = np.random.default_rng([seed, *family.encode()])
    sizes = FAMILIES[family]
    n, d, K = (int(np.exp(rng.uniform(*np.log(bounds)))) for bounds in sizes)
    n = int(max(sizes.rows[0], min(n, ENTRIES / (d * K))))
    X = _sparse_rows(n, d, rng) if family == "sparse" else _dense_rows(n, d, raw, rng)
    y = _labels(X, K, rng, rare=family == "rare")
    y = np.unique(y, return_inverse=True)[1]
    divisor = max(1, round(1.0 / (n * math.exp(rng.uniform(*np.log(L2))))))
    return Problem(f"{family}{'-raw' if raw else ''}-{seed}", X, y, divisor)


def _dense_rows(n: int, d: int, raw: bool, rng: np.random.Generator) -> Any:
    X = rng.standard_normal((n, d))
    if rng.random() < 0.5:
        factors = max(1, d // 3)
        X = 0.5 * X + rng.standard_normal((n, factors)) @ rng.standard_normal(
            (factors, d)
        ) / math.sqrt(factors)
    X = (X - X.mean(axis=0)) / np.maximum(X.std(axis=0), 1e-12)
    if raw:
        scale = 10.0 ** rng.uniform(-2.5, 2.5, d)
        X = (X + rng.normal(scale=3.0, size=d)) * scale
    return X


def _sparse_rows(n: int, d: int, rng: np.random.Generator) -> Any:
    """tf-idf-like rows: some tens of entries each, columns by Zipf's law, unit length."""
    lengths = 3 + rng.poisson(rng.uniform(10, 80), n)
    frequency = 1.0 / (np.arange(d) + 2.7)
    columns = rng.choice(d, lengths.sum(), p=frequency / frequency.sum()).astype(np.int32)
    starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    X = scipy.sparse.csr_array((np.ones(len(columns)), columns, starts), (n, d))
    X.sum_duplicates()
    row_of = np.repeat(np.arange(n), np.diff(X.indptr))
    X.data /= np.sqrt(np.bincount(row_of, X.data**2, minlength=n))[row_of]
    return X


def _labels(X: Any, K: int, rng: np.random.Generator, *, rare: bool) -> Any:
    """Draw labels from a softmax model of some strength; with `rare` classes down to 1 in 100."""
    d = X.shape[1]
    spread = 1.0 if scipy.sparse.issparse(X) else np.maximum(X.std(axis=0), 1e-300)
    W = rng.standard_normal((K, d)) * rng.uniform(0.5, 4.0) / spread
    logits = X @ W.T / (1.0 if scipy.sparse.issparse(X) else math.sqrt(d))
    logits = logits - logits.mean(axis=0)
    if rare:
        logits += np.log(np.geomspace(1.0, 0.01, K))
    return draw_labels(np.asarray(logits), rng)


class Result(NamedTuple):
    """A problem, a target, our time and the fastest peer's; inf where it did not get there."""

    family: str
    target: float
    ours: float
    peer: float
    name: str

    @property
    def ratio(self) -> float:
        if not math.isfinite(self.ours):
            return 0.0
        return min(MOST, self.peer / self.ours)


def run(problem: Problem, cap: float) -> list[Result]:
    """Return a result for every target."""
    runs = search(problem, SCIKIT_LEARN, cap)
    best = min(run.objective for run in runs)
    family = problem.name.rsplit("-", 1)[0]
    return [_result(family, runs[1:], best, target) for target in TARGETS]


def _result(family: str, runs: list[Run], best: float, target: float) -> Result:
    ours = first_to(runs, OURS, best, target)
    peers = [first_to(runs, solver, best, target) for solver in SCIKIT_LEARN]
    there = min((peer for peer in peers if peer), key=lambda peer: peer.seconds, default=None)
    return Result(
        family,
        target,
        ours.seconds if ours else math.inf,
        there.seconds if there else math.inf,
        there.solver.name if there else "none",
    )


def summary(results: list[Result]) -> str:
    """Return the table by family and of all."""
    by: dict[str, list[Result]] = defaultdict(list)
    for result in results:
        if math.isinf(result.ours) and math.isinf(result.peer):
            continue  # too much to ask of float64, or of the time
        for group in (result.family, "all"):
            by[f"{group} {result.target:g}"].append(result)
    lines = [f"{'family, target':24} {'problems':>8} {'mean':>6} {'least':>6} {'slower':>6}"]
    for group, some in sorted(by.items()):
        ratios = np.array([result.ratio for result in some])
        mean = float(np.exp(np.log(np.maximum(ratios, 0.01)).mean()))
        lines.append(
            f"{group:24} {len(some):8} {mean:6.2f} {ratios.min():6.2f} {(ratios < 1).sum():6}"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--problems", type=int, default=160)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=10.0, help="the most that a fit may take")
    parser.add_argument("--only", help="families, separated by commas")
    options = parser.parse_args()
    kinds = [
        (family, raw)
        for family in (options.only or ",".join(FAMILIES)).split(",")
        for raw in ((False,) if family == "sparse" else (False, True))
    ]
    race.SHORT = SHORT
    warm_up(with_others=False)
    results: list[Result] = []
    for number in range(options.problems):
        family, raw = kinds[number % len(kinds)]
        problem = drawn(family, raw, options.seed + number)
        for result in run(problem, options.seconds):
            results.append(result)
            print(
                f"{problem.name:18} {problem.size:>20} l2 {problem.l2:7.1e} to {result.target:g}: "
                f"{1e3 * result.ours:9.1f} ms, {result.name} {1e3 * result.peer:9.1f} ms, "
                f"ratio {result.ratio:5.2f}",
                flush=True,
            )
    print(summary(results))


if __name__ == "__main__":
    main()
