"""Data for the benchmarks: scikit-learn's small tables, a folder of CSV files, synthetic shapes.

Every workload is a name and a function that returns rows X and labels y in 0..K-1. Synthetic
data have a fixed seed; labels drawn from a softmax model are drawn by adding Gumbel noise to its
logits and taking the largest (Gumbel, 1954).
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse
import sklearn.datasets

Data = tuple[Any, Any]

GOALS = {
    "iris": 2.0,
    "wine": 2.0,
    "digits": 10.0,
    "letter": 10.0,
    "tall": 20.0,
    "many-classes": 10.0,
    "400x2000": 4.0,
    "text": 1.0,
    # scikit-learn has one row of weights here.
    "breast-cancer": 1.0,
    "two-classes": 1.0,
}
DENSE_GOAL = 5.0
TITLES = {
    "400x2000": "few rows, synthetic",
    "wide": "image-like, synthetic",
    "two-classes": "two classes, synthetic",
    "text": "sparse text, synthetic",
    "tall": "tall, synthetic",
    "many-classes": "many classes, synthetic",
    "breast-cancer": "breast cancer",
    "covtype15k": "covertype sample",
    "dry_bean": "dry bean",
}


def goal(name: str) -> float:
    """Return how many times faster than the fastest scikit-learn solver a fit should be."""
    return GOALS.get(name.removesuffix("-raw").removesuffix("-standardised"), DENSE_GOAL)


def title(name: str) -> str:
    """Return a workload's name as the README writes it."""
    for version in ("raw", "standardised"):
        if name.endswith(f"-{version}"):
            return f"{title(name.removesuffix(f'-{version}'))}, {version}"
    return TITLES.get(name, name)


def workloads(folder: Path | None) -> dict[str, Callable[[], Data]]:
    """Return all workloads by name, those of the CSV files in `folder` included."""
    named: dict[str, Callable[[], Data]] = {
        "iris": lambda: sklearn.datasets.load_iris(return_X_y=True),
        "wine": lambda: sklearn.datasets.load_wine(return_X_y=True),
        "breast-cancer": lambda: sklearn.datasets.load_breast_cancer(return_X_y=True),
        "digits": lambda: sklearn.datasets.load_digits(return_X_y=True),
    }
    for path in sorted([*folder.glob("*.csv"), *folder.glob("*.csv.gz")] if folder else []):
        name = path.name.removesuffix(".gz").removesuffix(".csv")
        named[f"{name}-raw"] = lambda path=path: read_csv(path)
        named[f"{name}-standardised"] = lambda path=path: standardise(*read_csv(path))
    return named | {
        "two-classes": two_classes,
        "400x2000": fewer_rows_than_features,
        "wide": wide,
        "text": text,
        "many-classes": many_classes,
        "tall": tall,
    }


def read_csv(path: Path) -> Data:
    """Read a CSV file, gzipped or not, with a header line and the label in the last column."""
    cells = np.loadtxt(path, delimiter=",", skiprows=1, dtype=str, quotechar='"', ndmin=2)
    return cells[:, :-1].astype(np.float64), np.unique(cells[:, -1], return_inverse=True)[1]


def standardise(X: Any, y: Any) -> Data:
    """Return the columns with mean 0 and variance 1; a constant column becomes 0."""
    deviation = X.std(axis=0)
    return (X - X.mean(axis=0)) / np.where(deviation > 0, deviation, 1.0), y


def draw_labels(logits: Any, rng: np.random.Generator) -> Any:
    """Draw one label per row of logits with the probabilities of their softmax."""
    return (logits + rng.gumbel(size=logits.shape)).argmax(axis=1)


def tall(n_rows: int = 200_000, n_classes: int = 7) -> Data:
    """44 correlated Gaussian and 10 ever rarer 0/1 columns, in units from 1e-1 to 1e2."""
    rng = np.random.default_rng(0)
    mixing = np.eye(44) + 0.3 * rng.standard_normal((44, 44))
    gaussian = rng.standard_normal((n_rows, 44)) @ mixing
    indicators = rng.random((n_rows, 10)) < np.geomspace(0.3, 0.003, 10)
    X = np.hstack([gaussian, indicators])
    W = rng.standard_normal((n_classes, 54)) * np.repeat([0.25, 1.0], [44, 10])
    y = draw_labels(X @ W.T, rng)
    return X * 10 ** rng.uniform(-1, 2, 54), y


def two_classes(n_rows: int = 20_000, n_features: int = 60) -> Data:
    """Twenty latent factors seen through columns of variance near one."""
    rng = np.random.default_rng(0)
    loadings = rng.standard_normal((20, n_features)) / np.sqrt(20)
    X = rng.standard_normal((n_rows, 20)) @ loadings
    X += 0.3 * rng.standard_normal((n_rows, n_features))
    W = rng.standard_normal((2, n_features)) * 2 / np.sqrt(n_features)
    return X, draw_labels(X @ W.T, rng)


def wide(n_rows: int = 5_000, side: int = 28, n_classes: int = 10) -> Data:
    """Grey images in [0, 1]: seven soft dots a class, displaced image by image and dot by dot."""
    rng = np.random.default_rng(1)
    n_dots = 7
    y = rng.integers(n_classes, size=n_rows)
    centres = rng.uniform(0.3 * side, 0.7 * side, (n_classes, n_dots, 2))[y]
    centres += rng.normal(scale=0.7, size=(n_rows, 1, 2))
    centres += rng.normal(scale=1.2, size=(n_rows, n_dots, 2))
    profile = np.exp(-((np.arange(side) - centres[..., None]) ** 2) / 4.0)
    images = np.einsum("ndi,ndj->nij", profile[:, :, 0], profile[:, :, 1])
    noise = 0.1 * rng.standard_normal(images.shape) * (images > 0.05)
    return np.clip(images + noise, 0.0, 1.0).round(2).reshape(n_rows, -1), y


def many_classes(n_rows: int = 20_000, n_features: int = 100, n_classes: int = 1_000) -> Data:
    """Gaussian clusters, one a class, that overlap."""
    rng = np.random.default_rng(2)
    y = rng.permutation(np.arange(n_rows) % n_classes)
    centres = 0.5 * rng.standard_normal((n_classes, n_features))
    return centres[y] + rng.standard_normal((n_rows, n_features)), y


def fewer_rows_than_features(n_rows: int = 400, n_features: int = 2_000) -> Data:
    """Forty latent factors seen through 2,000 noisy features; four of them decide the class."""
    rng = np.random.default_rng(3)
    factors = rng.standard_normal((n_rows, 40))
    loadings = rng.standard_normal((40, n_features))
    X = 0.3 * factors @ loadings + rng.standard_normal((n_rows, n_features))
    return X, draw_labels(1.5 * factors[:, :4], rng)


def text(n_rows: int = 11_000, n_features: int = 50_000, n_classes: int = 20) -> Data:
    """CSR rows of tf-idf: Zipf's law over words, tilted by class; rows of unit length."""
    rng = np.random.default_rng(4)
    y = rng.integers(n_classes, size=n_rows)
    zipf = 1.0 / (np.arange(n_features) + 2.7)
    frequency = zipf * np.exp(rng.standard_normal((n_classes, n_features)))
    cumulated = np.cumsum(frequency, axis=1)
    cumulated /= cumulated[:, -1:]
    lengths = 5 + rng.poisson(rng.gamma(2.0, 75.0, n_rows))
    words = [
        np.searchsorted(cumulated[label], rng.random(length))
        for label, length in zip(y, lengths, strict=True)
    ]
    # scikit-learn's sag and saga take 32-bit indices only.
    starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    indices = np.concatenate(words).astype(np.int32)
    X = scipy.sparse.csr_array((np.ones(indices.size), indices, starts), (n_rows, n_features))
    X.sum_duplicates()
    documents = np.bincount(X.indices, minlength=n_features)
    X.data = (1 + np.log(X.data)) * np.log((1 + n_rows) / (1 + documents))[X.indices]
    row_of = np.repeat(np.arange(n_rows), np.diff(X.indptr))
    X.data /= np.sqrt(np.bincount(row_of, X.data**2, minlength=n_rows))[row_of]
    return X, y
