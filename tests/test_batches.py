"""The batches of an epoch: every row once, in its order, with a weight that sums to one in its batch."""

import numpy as np
import pytest
from strategies import Csr

from softmax_regression import _batches
from softmax_regression._batches import Batches
from softmax_regression._likelihood.targets import Labels, ProbabilityRows

N, D, K = 23, 3, 4
RNG = np.random.default_rng(0)
X = RNG.standard_normal((N, D))
LABELS = RNG.integers(0, K, N)
ROWS = RNG.dirichlet(np.ones(K), N)
WEIGHT = RNG.uniform(0.5, 2.0, N)
ORDERS = {"own": None, "drawn": RNG.permutation(N), "some": RNG.permutation(N)[:11]}


def walked(batches, order):
    """What every batch holds: rows, targets as rows, and weights, each as one array."""
    for batch in batches.walk(order):
        X, targets, weight = [], [], []
        for rows, its, share in batch:
            X.append(np.array(rows.toarray() if isinstance(rows, Csr) else rows))
            targets.append(np.zeros((K, its.n_rows)))
            its.subtract_from(targets[-1], -1.0)
            weight.append(np.broadcast_to(share, its.n_rows).copy())
        yield np.concatenate(X), np.concatenate(targets, axis=1).T, np.concatenate(weight)


@pytest.mark.parametrize("weight", [None, WEIGHT, np.ones(N)], ids=["none", "drawn", "equal"])
@pytest.mark.parametrize("order", list(ORDERS))
@pytest.mark.parametrize("kind", ["dense", "columns first", "sparse"])
@pytest.mark.parametrize("sizes", [(1, 4), (5, 23), (5, 2), (8, 3), (23, 7), (30, 50)], ids=str)
def test_every_row_comes_once_with_its_target_and_weight(monkeypatch, sizes, kind, order, weight):
    """Whether batches are gathered several at once, or cut into pieces of `most` rows."""
    batch_size, most = sizes
    monkeypatch.setattr(_batches, "ENTRIES", 1)
    monkeypatch.setattr(_batches, "LEAST_ROWS", most)
    given = {"dense": X, "columns first": np.asfortranarray(X), "sparse": Csr(X)}[kind]
    places = np.arange(N) if ORDERS[order] is None else ORDERS[order]
    shares = np.ones(N) if weight is None else weight
    for targets, right in ((Labels(LABELS, K), np.eye(K)[LABELS]), (ProbabilityRows(ROWS), ROWS)):
        batches = list(walked(Batches(given, targets, weight, batch_size), ORDERS[order]))
        assert [len(rows) for rows, _, _ in batches[:-1]] == [batch_size] * (len(batches) - 1)
        assert np.array_equal(np.concatenate([rows for rows, _, _ in batches]), X[places])
        assert np.array_equal(np.concatenate([its for _, its, _ in batches]), right[places])
        for first, (rows, _, found) in zip(range(0, len(places), batch_size), batches, strict=True):
            own = shares[places[first : first + len(rows)]]
            np.testing.assert_allclose(found, own / own.sum(), rtol=1e-15)
