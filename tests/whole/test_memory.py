"""Memory stays within X plus batches: no copy of X, no one-hot matrix, no array of all logits."""

import tracemalloc
from contextlib import contextmanager

import numpy as np
import pytest
from strategies import model_at, plain, thinned

from softmax_regression import SoftmaxRegression
from softmax_regression._likelihood import block, working

N, D, K = 50_000, 20, 40
MIB = 2**20


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    return rng.normal(size=(N, D)), rng.integers(K, size=N)


@contextmanager
def at_most(mib):
    """The body allocates no more than that at any time, beyond what was there before."""
    tracemalloc.start()
    try:
        yield
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak <= mib * MIB, f"{peak / MIB:.1f} MiB"


# One array of N labels is 0.4 MiB, X is 8 MiB, and all logits or a one-hot matrix are 15 MiB.


@pytest.mark.parametrize(("shuffle", "order", "ceiling"), [
    (False, "C", 4), (True, "C", 5), (False, "F", 4), (True, "F", 5),
], ids=["in_order", "shuffled", "fortran", "fortran_shuffled"])  # fmt: skip
def test_fit_adds_a_few_arrays_of_labels_to_x(data, shuffle, order, ceiling):
    X, y = np.asarray(data[0], order=order), data[1]
    with at_most(ceiling):
        plain(max_iter=1, shuffle=shuffle, batch_size=1024, learning_rate=0.01).fit(X, y)


def test_sample_weights_add_a_few_more(data):
    weight = np.linspace(1, 2, N)
    with at_most(7):
        plain(max_iter=1, batch_size=1024, class_weight="balanced").fit(*data, weight)


def test_partial_fit_adds_no_copy_of_x(data):
    model = plain(batch_size=1024)
    with at_most(4):
        model.partial_fit(*data, classes=range(K))


def test_early_stopping_copies_the_held_out_rows_only(data):
    """A tenth of X and its labels are 0.8 MiB."""
    settings = {"early_stopping": True, "random_state": 0, "batch_size": 1024}
    with at_most(10):
        plain(max_iter=1, learning_rate=0.01, **settings).fit(*data)


@pytest.fixture(scope="module")
def model():
    rng = np.random.default_rng(1)
    return model_at(rng.normal(size=(K, D)), rng.normal(size=K))


def test_probabilities_add_blocks_to_the_result(data, model):
    """15 MiB are the result itself."""
    with at_most(N * K * 8 / MIB + 4):
        model.predict_proba(data[0])


def test_predictions_losses_and_gradients_need_no_array_of_all_logits(data, model):
    with at_most(6):
        model.predict(data[0])
    with at_most(6):
        model.loss(*data)
    with at_most(6):
        model.gradient(*data)
    with at_most(6):
        model.score(*data)


@pytest.mark.parametrize("shuffle", thinned([True, False], 2))
def test_a_memory_map_trains_without_being_read_whole(tmp_path, data, shuffle):
    path = tmp_path / "X.dat"
    data[0].tofile(path)
    mapped = np.memmap(path, np.float64, "r", shape=(N, D))
    with at_most(5):
        model = plain(max_iter=1, batch_size=1024, shuffle=shuffle, random_state=0).fit(
            mapped, data[1]
        )
        model.predict(mapped)
    expected = plain(max_iter=1, batch_size=1024, shuffle=shuffle, random_state=0).fit(*data)
    assert (model.coef_ == expected.coef_).all()


@pytest.fixture
def mapped(tmp_path):
    """19 MiB of rows in a file, and labels that they tell of; half of the weights are 0."""
    rng = np.random.default_rng(4)
    X = rng.normal(size=(50_000, 50))
    y = (X[:, :4] + rng.gumbel(size=(50_000, 4))).argmax(axis=1)
    X.tofile(tmp_path / "X.dat")
    return np.memmap(tmp_path / "X.dat", np.float64, "r", shape=X.shape), y, np.arange(len(y)) % 2.0


@pytest.mark.parametrize("case", thinned(["whole", "weights of zero", "early stopping"], 3))
def test_a_memory_map_is_fitted_without_a_copy(mapped, monkeypatch, case):
    """Nothing is kept here but chunks of 1 MiB; half of the rows would be 9.5, an order of all is 0.4."""
    monkeypatch.setattr(working, "CHUNK_ENTRIES", 2**17)
    monkeypatch.setattr(block, "MEMO_BYTES", 0)
    monkeypatch.setattr(block.Memo.__init__, "__defaults__", (0,))
    X, y, weight = mapped
    settings = {"early_stopping": True} if case == "early stopping" else {}
    given = (weight,) if case == "weights of zero" else ()
    model = SoftmaxRegression(l2=1e-2, tol=1e-3, random_state=0, **settings)
    with at_most(8):
        model.fit(X, y, *given)
    expected = SoftmaxRegression(**model.get_params()).fit(np.array(X), y, *given)
    assert model.converged_
    assert model.loss(X, y, *given) == pytest.approx(expected.loss(X, y, *given), abs=1e-3)


def test_few_rows_of_a_file_stay_there(tmp_path):
    """The space of the rows would be a copy of them."""
    X = np.random.default_rng(0).normal(size=(60, 5_000))
    X.tofile(tmp_path / "X.dat")
    mapped = np.memmap(tmp_path / "X.dat", np.float64, "r", shape=X.shape)
    y = np.arange(60) % 2
    found, expected = (SoftmaxRegression(l2=1.0, tol=1e-10).fit(each, y) for each in (mapped, X))
    np.testing.assert_allclose(found.coef_, expected.coef_, atol=1e-5)


def test_the_model_keeps_parameters_only(data):
    """W, b and the last step, for however many rows: 14 KiB here."""
    tracemalloc.start()
    model = plain(max_iter=1, batch_size=1024).fit(*data)
    kept = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert model.n_iter_ == 1
    assert kept <= MIB


def test_many_fits_leave_nothing_behind():
    rng = np.random.default_rng(2)
    X, y = rng.normal(size=(200, 5)), np.arange(200) % 3

    def work():
        for _ in range(20):
            model = plain(max_iter=2, shuffle=True, batch_size=32).fit(X, y)
            model.partial_fit(X, y).predict_proba(X)

    work()
    tracemalloc.start()
    work()
    before = tracemalloc.get_traced_memory()[0]
    work()
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert grown <= 10_000
