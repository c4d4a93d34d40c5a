"""scipy.sparse matrices and arrays in every format."""

import numpy as np
import pytest
import scipy.sparse as sp

from softmax_regression import SoftmaxRegression

FORMATS = ["csr", "csc", "coo", "dia", "lil", "dok", "bsr"]


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 8)) * (rng.random((60, 8)) < 0.3)
    y = np.array(["no", "perhaps", "yes"])[np.argmax(X[:, :3] + rng.normal(size=(60, 3)), axis=1)]
    return X, y


def textbook(**settings):
    settings = {"learning_rate": 0.5, "max_iter": 20, "tol": 0, "random_state": 0} | settings
    return SoftmaxRegression(**settings)


def assert_same_model(model, other, X):
    # Only the order of sums differs, over 20 epochs.
    np.testing.assert_allclose(model.coef_, other.coef_, rtol=1e-10, atol=1e-13)
    np.testing.assert_allclose(model.intercept_, other.intercept_, rtol=1e-10, atol=1e-13)
    np.testing.assert_allclose(model.predict_proba(X), other.predict_proba(X), rtol=1e-10)


@pytest.mark.parametrize("container", ["matrix", "array"])
@pytest.mark.parametrize("form", FORMATS)
def test_every_format_gives_the_dense_model(data, form, container):
    X, y = data
    sparse = getattr(sp, f"{form}_{container}")(X)

    model = textbook(batch_size=16).fit(sparse, y)

    assert_same_model(model, textbook(batch_size=16).fit(X, y), X)
    np.testing.assert_allclose(model.predict_proba(sparse), model.predict_proba(X), rtol=1e-12)
    np.testing.assert_array_equal(model.predict(sparse), model.predict(X))
    np.testing.assert_allclose(model.loss(sparse, y), model.loss(X, y), rtol=1e-12)


@pytest.mark.parametrize("container", ["matrix", "array"])
@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("settings", [{}, {"l1": 1e-2}], ids=["l2", "l1"])
def test_the_automatic_fit_too(data, form, container, settings):
    X, y = data
    sparse = getattr(sp, f"{form}_{container}")(X)

    model = SoftmaxRegression(l2=0.1, **settings).fit(sparse, y)

    dense = SoftmaxRegression(l2=0.1, **settings).fit(X, y)
    # Both are within tol = 1e-6 nats of the optimum, and F grows by at least l2/2 |W - W*|².
    atol = 2 * np.sqrt(2 * 1e-6 / 0.1)
    np.testing.assert_allclose(model.coef_, dense.coef_, atol=atol)


@pytest.mark.parametrize("form", ["csr", "csc", "bsr", "coo", "dia"])
@pytest.mark.parametrize("index", [np.int32, np.int64])
def test_index_types(data, form, index):
    X, y = data
    sparse = getattr(sp, f"{form}_array")(X)
    if form == "coo":
        sparse.coords = tuple(part.astype(index) for part in sparse.coords)
    for name in ("indices", "indptr", "offsets"):
        if hasattr(sparse, name):
            setattr(sparse, name, getattr(sparse, name).astype(index))

    model = textbook().fit(sparse, y)

    assert_same_model(model, textbook().fit(X, y), X)
    assert model.predict(sparse).shape == (60,)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64, np.int8, np.bool_])
def test_value_types(data, dtype):
    X, y = data
    X = X.astype(dtype)

    model = textbook().fit(sp.csr_array(X), y)

    dense = textbook().fit(X, y)
    assert model.coef_.dtype == dense.coef_.dtype == (np.float32 if dtype == np.float32 else float)
    # Rounding, grown over 20 epochs, in units of the type's eps.
    np.testing.assert_allclose(
        model.coef_, dense.coef_, rtol=0, atol=200 * np.finfo(model.coef_.dtype).eps
    )


def test_repeated_entries_add_up(data):
    X, y = data
    sparse = sp.coo_array(X)
    twice = sp.coo_array(
        (np.tile(sparse.data / 2, 2), tuple(np.tile(part, 2) for part in sparse.coords)), X.shape
    )

    assert_same_model(textbook().fit(twice, y), textbook().fit(X, y), X)


def test_unsorted_indices_and_stored_zeros(data):
    X, y = data
    sparse = sp.csr_array(X)
    sparse.data[:3] = 0.0
    for row in range(60):
        part = slice(sparse.indptr[row], sparse.indptr[row + 1])
        sparse.indices[part] = sparse.indices[part][::-1].copy()
        sparse.data[part] = sparse.data[part][::-1].copy()

    assert_same_model(textbook().fit(sparse, y), textbook().fit(sparse.toarray(), y), X)


def test_the_input_stays_as_it_was(data):
    X, y = data
    sparse = sp.csc_array(X)
    before = sparse.copy()

    textbook().fit(sparse, y).predict(sparse)

    assert sparse.format == "csc"
    for name in ("data", "indices", "indptr"):
        np.testing.assert_array_equal(getattr(sparse, name), getattr(before, name))


def test_read_only_parts(data):
    X, y = data
    sparse = sp.csr_array(X)
    for name in ("data", "indices", "indptr"):
        getattr(sparse, name).flags.writeable = False

    assert_same_model(textbook().fit(sparse, y), textbook().fit(X, y), X)


def test_sample_weights_and_partial_fit(data):
    X, y = data
    weight = np.linspace(0.5, 2.0, 60)

    model = textbook().partial_fit(sp.csr_array(X), y, np.unique(y), weight)

    assert_same_model(model, textbook().partial_fit(X, y, np.unique(y), weight), X)


@pytest.mark.parametrize("form", ["csr", "csc"])
@pytest.mark.parametrize(("value", "word"), [(np.nan, "NaN"), (np.inf, "infinity")])
def test_an_illegal_value_is_named_by_place(data, form, value, word):
    X, y = data
    X[40, 5] = value
    sparse = getattr(sp, f"{form}_array")(X)

    with pytest.raises(ValueError, match=rf"{word}.*X\[40, 5\]"):
        textbook().fit(sparse, y)


def test_complex_values_are_refused(data):
    with pytest.raises(ValueError, match="Complex data not supported"):
        textbook().fit(sp.csr_array(data[0] + 0j), data[1])


def test_one_dimensional_sparse_arrays_are_refused(data):
    with pytest.raises(ValueError, match="Expected 2D"):
        textbook().fit(sp.coo_array(data[0][:, 0]), data[1])


def test_sparse_targets_are_refused_with_what_to_call(data):
    with pytest.raises(TypeError, match="toarray"):
        textbook().fit(data[0], sp.csr_array(np.eye(3)[np.arange(60) % 3]))


def test_wrong_number_of_columns(data):
    model = textbook().fit(sp.csr_array(data[0]), data[1])

    with pytest.raises(ValueError, match="expecting 8 features"):
        model.predict(sp.csr_array(data[0][:, :5]))


@pytest.mark.parametrize("fit_intercept", [True, False])
def test_many_sparse_rows_stream_to_the_dense_optimum(fit_intercept):
    """Rows enough for a first epoch of mini-batches, cut from sparse blocks."""
    rng = np.random.default_rng(1)
    X = rng.normal(size=(6_000, 12)) * (rng.random((6_000, 12)) < 0.3)
    y = np.argmax(X[:, :4] + rng.normal(size=(6_000, 4)), axis=1)
    settings = {"l2": 1e-3, "tol": 1e-12, "fit_intercept": fit_intercept}

    model = SoftmaxRegression(**settings).fit(sp.csr_array(X), y)

    dense = SoftmaxRegression(**settings).fit(X, y)
    np.testing.assert_allclose(model.predict_proba(X), dense.predict_proba(X), rtol=0, atol=1e-6)


def test_sparse_rows_far_from_zero_stream_as_centred_ones_and_a_fit_on_them_is_kept():
    """Nothing is filled in: variances are differences of squares, 1e6 times as large."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(2_000, 4))
    y = np.argmax(X[:, :3] + rng.gumbel(size=(2_000, 3)), axis=1)
    losses = []
    for offset in (0.0, 1e3):
        rows, model = sp.csr_array(X + offset), SoftmaxRegression(l2=0.0)
        for first in range(0, 2_000, 50):
            part = slice(first, first + 50)
            model.partial_fit(rows[part], y[part], classes=range(3))
        losses.append(model.loss(rows, y))
    assert losses[1] == pytest.approx(losses[0], abs=1e-6)
    model = SoftmaxRegression().fit(rows[:1_000], y[:1_000])
    np.testing.assert_allclose(model._stream.metric.variance, X[:1_000].var(axis=0), rtol=1e-6)
    before = highest = model.loss(rows, y)
    for first in range(1_000, 1_100):
        model.partial_fit(rows[first : first + 1], y[first : first + 1])
        highest = max(highest, model.loss(rows, y))
    assert highest - before < 5 / 1_000  # the fit's own error, D (K − 1) / 2 n
