"""How often intervals of nominal 95 % hold the truth, over simulated data sets.

    OPENBLAS_NUM_THREADS=1 PYTHONPATH=src python tests/benchmarks/coverage.py [data sets, 2000] [rows]

With a number of rows, the shape of so many alone.

Columns: the coefficients (mean and range over them) with observed and robust errors, average
marginal effects, and probabilities of some rows on the logit scale. Rows are fixed, targets drawn.
A data set whose classes are separated, which has no estimate, is drawn anew and counted. At the
end: how many rates are farther than 1 from 95, and how many chance alone would put there.
"""

import math
import sys
import warnings

import numpy as np

from softmax_regression import SeparationError, SoftmaxRegression

SHAPES = [(100, 3, 3), (250, 3, 3), (1000, 3, 3), (500, 4, 5)]


class Truth:
    """Fixed rows, one column an indicator, with their probabilities."""

    def __init__(self, n: int, d: int, n_classes: int) -> None:
        generator = np.random.default_rng(n + 10 * d + n_classes)
        self.X = generator.normal(size=(n, d))
        self.X[:, -1] = generator.random(n) < 0.4
        self.W = 0.7 * generator.normal(size=(n_classes, d))
        self.b = 0.3 * generator.normal(size=n_classes)
        self.log_odds = np.column_stack([self.W - self.W[0], self.b - self.b[0]])[1:].ravel()
        self.p = self.probabilities(self.X)
        # d p_k / d x_0, averaged over the rows.
        self.effect = (self.p * (self.W[:, 0] - (self.p @ self.W[:, 0])[:, None])).mean(axis=0)
        self.rows = np.quantile(self.X, [0.1, 0.5, 0.9], axis=0)

    def probabilities(self, X: np.ndarray) -> np.ndarray:
        z = np.exp(X @ self.W.T + self.b)
        return z / z.sum(axis=1, keepdims=True)

    def draw(self, generator: np.random.Generator) -> np.ndarray:
        noise = generator.gumbel(size=self.p.shape)
        return (np.log(self.p) + noise).argmax(axis=1)


def holds(columns, truth: np.ndarray) -> np.ndarray:
    return (columns["lower"] <= truth) & (truth <= columns["upper"])


def hits(truth: Truth, y: np.ndarray) -> list[np.ndarray]:
    """Whether each interval holds the truth: coefficients, robust, effects, probabilities."""
    model = SoftmaxRegression(l2=0).fit(truth.X, y)
    inference = model.inference(truth.X, y)
    robust = model.inference(truth.X, y, covariance="robust")
    found = inference.predict_interval(truth.rows)
    p = truth.probabilities(truth.rows)
    return [
        holds(inference.summary(reference=0).columns, truth.log_odds),
        holds(robust.summary(reference=0).columns, truth.log_odds),
        holds(inference.marginal_effect(0).columns, truth.effect),
        ((found.lower <= p) & (p <= found.upper)).ravel(),
    ]


def simulate(shape: tuple[int, int, int], number: int) -> tuple[list[np.ndarray], int]:
    truth, generator, drawn, anew = Truth(*shape), np.random.default_rng(0), [], 0
    while len(drawn) < number:
        y = truth.draw(generator)
        try:
            if len(np.unique(y)) < shape[2]:
                raise SeparationError
            drawn.append(hits(truth, y))
        except ValueError:
            anew += 1
    return [np.mean(each, axis=0) * 100 for each in zip(*drawn, strict=True)], anew


def outside(rates: np.ndarray) -> int:
    return int(np.sum(np.abs(rates - 95) > 1 + 1e-9))


def by_chance(number: int) -> float:
    """How often a rate of `number` data sets is farther than 1 from 95, where the truth is 95 %."""
    hits = np.arange(number + 1)
    logs = np.array([math.lgamma(1 + each) for each in hits])
    log_p = logs[-1] - logs - logs[::-1] + hits * math.log(0.95) + hits[::-1] * math.log(0.05)
    far = np.abs(hits * 100 / number - 95) > 1 + 1e-9
    return float(np.exp(log_p[far]).sum())


def main(number: int, rows: int | None) -> None:
    titles = ["coefficients", "robust", "average effect", "probabilities"]
    print(f"| n x d x K | {' | '.join(titles)} | outside 94-96 | drawn anew |")
    print("|---|---|---|---|---|---|---|")
    for shape in SHAPES:
        if rows not in (None, shape[0]):
            continue
        rates, anew = simulate(shape, number)
        texts = [f"{each.mean():.1f}; {each.min():.1f}-{each.max():.1f}" for each in rates]
        far = f"{sum(map(outside, rates))} of {sum(each.size for each in rates)}"
        cells = [" x ".join(map(str, shape)), *texts, far, str(anew)]
        print(f"| {' | '.join(cells)} |", flush=True)
    print(f"\nChance alone puts {by_chance(number):.1%} outside 94-96")


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    arguments = [int(each) for each in sys.argv[1:]]
    main(arguments[0] if arguments else 2000, arguments[1] if len(arguments) > 1 else None)
