"""What choosing a penalty costs, against scikit-learn's, in one run; CPU seconds of one thread.

    OPENBLAS_NUM_THREADS=1 python tests/benchmarks/penalty.py choice|path|grid [data ...]

`choice`: l2="auto" against LogisticRegressionCV (10 values, 5 folds), in turn, medians of three; and
the log-loss of both on outer folds that neither choice saw. `path`: 100 ridge optima and 50 of the
lasso in fits of one. `grid`: GridSearchCV over 13 values of l2 and 5 folds, against the same.
"""

import sys
import time
import warnings

import numpy as np
from sklearn.datasets import load_digits, load_iris, load_wine
from sklearn.linear_model import LogisticRegressionCV
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.preprocessing import StandardScaler

from softmax_regression import SoftmaxRegression, regularization_path

LOADERS = {"iris": load_iris, "wine": load_wine, "digits": load_digits}
RUNS = 3


def data(name):
    if name in LOADERS:
        X, y = LOADERS[name](return_X_y=True)
        return StandardScaler().fit_transform(X), y
    rng = np.random.default_rng(0)
    if name == "letter":  # as large as UCI's letters, and as hard
        centres = rng.normal(size=(26, 16)) * 1.2
        y = rng.integers(0, 26, 20_000)
        return centres[y] + rng.normal(size=(20_000, 16)), y
    if name == "dummies":
        X = np.column_stack([rng.normal(size=(2500, 6)), rng.integers(0, 2, (2500, 4))])
        logits = X @ rng.normal(size=(10, 4))
        return X, (logits + rng.gumbel(size=logits.shape)).argmax(axis=1)
    X = rng.normal(size=(10_000, 100))
    logits = X @ (0.15 * rng.normal(size=(100, 5)))
    return X, (logits + rng.gumbel(size=logits.shape)).argmax(axis=1)


def seconds(task):
    start = time.process_time()
    result = task()
    return time.process_time() - start, result


def peer():
    return LogisticRegressionCV(Cs=10, cv=5, scoring="neg_log_loss")


def own():
    return SoftmaxRegression(l2="auto")


def in_turn(*tasks):
    """Median seconds of each task."""
    times = np.array([[seconds(task)[0] for task in tasks] for _ in range(RUNS)])
    return np.median(times, axis=0)


def choice(name):
    X, y = data(name)
    mine, other = in_turn(lambda: own().fit(X, y), lambda: peer().fit(X, y))
    losses = []
    for train, test in StratifiedKFold(3, shuffle=True, random_state=0).split(X, y):
        fits = [make().fit(X[train], y[train]) for make in (own, peer)]
        losses.append([log_loss(y[test], fit.predict_proba(X[test])) for fit in fits])
    held = np.mean(losses, axis=0)
    print(
        f"{name:8} auto {mine:.3f} s, LogisticRegressionCV {other:.3f} s, ratio {other / mine:.1f}; "
        f"held-out loss {held[0]:.4f} and {held[1]:.4f}"
    )


def path(name):
    X, y = data(name)
    for what, given, weakest in (
        ("100 ridge", {"n_penalties": 100}, "l2"),
        ("50 lasso", {"l1_ratio": 1.0}, "l1"),
    ):
        found = regularization_path(SoftmaxRegression(), X, y, **given)
        penalty = {"l1": found.l1s[-1], "l2": found.l2s[-1]}
        whole, one = in_turn(
            lambda given=given: regularization_path(SoftmaxRegression(), X, y, **given),
            lambda penalty=penalty: SoftmaxRegression(**penalty).fit(X, y),
        )
        print(
            f"{name:8} {what}: {whole:.3f} s, {whole / one:.1f} fits at the weakest {weakest}; largest "
            f"gap {found.gaps.max():.1e}, {found.n_iter.sum()} readings"
        )


def grid(name):
    X, y = data(name)

    def searched(tol):
        model = SoftmaxRegression(tol=tol)
        return GridSearchCV(model, {"l2": np.logspace(-6, 0, 13)}, scoring="neg_log_loss").fit(X, y)

    polished, plain, other = in_turn(
        lambda: searched(1e-6), lambda: searched(1.001e-6), lambda: peer().fit(X, y)
    )
    print(
        f"{name:8} GridSearchCV {polished:.2f} s, without the polish {plain:.2f} s, "
        f"LogisticRegressionCV {other:.2f} s"
    )


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    task, *names = sys.argv[1:]
    default = {
        "choice": ["iris", "wine", "digits", "synthetic", "letter"],
        "grid": ["digits", "dummies"],
    }
    for each in names or default.get(task, ["iris", "wine", "digits"]):
        {"choice": choice, "path": path, "grid": grid}[task](each)
