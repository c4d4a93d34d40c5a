"""NumPy arrays of every layout, and arrays of other libraries through ``__array__``."""

from importlib.util import find_spec

import numpy as np
import pytest

from softmax_regression import SoftmaxRegression, cross_entropy, softmax


class LikeTorch:
    """Behaves to NumPy as a CPU tensor of PyTorch does: its dtype is not a NumPy dtype."""

    def __init__(self, array, requires_grad=False):
        self.values = np.array(array)
        self.requires_grad = requires_grad
        self.dtype = f"torch.{self.values.dtype}"
        self.shape = self.values.shape
        self.ndim = self.values.ndim

    def __len__(self):
        return len(self.values)

    def __getitem__(self, index):
        return LikeTorch(self.values[index])

    def __array__(self, dtype=None, copy=None):
        if self.requires_grad:
            message = "Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy()"
            raise RuntimeError(message)
        return self.values if dtype is None else self.values.astype(dtype, copy=False)


class LikeJax(LikeTorch):
    """Behaves as an array of JAX does: what NumPy gets is read-only."""

    def __init__(self, array):
        super().__init__(array)
        self.dtype = self.values.dtype
        self.values.flags.writeable = False


class LikeDask:
    """Behaves as a Dask array does: NumPy would silently load all of it."""

    def __init__(self, array):
        self.values = array
        self.shape, self.dtype, self.ndim = array.shape, array.dtype, array.ndim

    def __dask_graph__(self):
        return {}

    def __array__(self, dtype=None, copy=None):
        message = "loaded the whole collection"
        raise AssertionError(message)


class LikeLazyFrame:
    """Behaves as a lazy frame does: its columns are known only after work."""

    @property
    def columns(self):
        message = "asked a lazy frame for its columns"
        raise AssertionError(message)

    def collect(self):
        return []


def _torch(array):
    import torch

    return torch.from_numpy(np.array(array))


def _jax(array):
    import jax.numpy as jnp

    return jnp.asarray(array)


# The real libraries are too big for every test run; where they are installed they are met too.
LIBRARIES = {"like torch": LikeTorch, "like jax": LikeJax}
if find_spec("torch"):
    LIBRARIES["torch"] = _torch
if find_spec("jax"):
    LIBRARIES["jax"] = _jax


def _memory_map(X, path):
    np.save(path / "X.npy", X)
    return np.load(path / "X.npy", mmap_mode="r")


def _read_only(X, _):
    X = X.copy()
    X.flags.writeable = False
    return X


def _unaligned(X, _):
    raw = np.zeros(X.nbytes + 1, np.uint8)[1:]
    raw[:] = np.frombuffer(X.tobytes(), np.uint8)
    return raw.view(X.dtype).reshape(X.shape)


LAYOUTS = {
    "memory map": _memory_map,
    "read-only": _read_only,
    "Fortran": lambda X, _: np.asfortranarray(X),
    "every second row": lambda X, _: np.repeat(X, 2, axis=0)[::2],
    "every second column": lambda X, _: np.repeat(X, 2, axis=1)[:, ::2],
    "backwards in memory": lambda X, _: X[::-1, ::-1].copy()[::-1, ::-1],
    "big-endian": lambda X, _: X.astype(">f8"),
    "unaligned": _unaligned,
    "longdouble": lambda X, _: X.astype(np.longdouble),
    "objects": lambda X, _: X.astype(object),
    "lists": lambda X, _: X.tolist(),
    "tuples": lambda X, _: tuple(map(tuple, X)),
    "subclass": lambda X, _: X.view(type("Mine", (np.ndarray,), {})),
}


def textbook():
    return SoftmaxRegression(learning_rate=0.5, batch_size=32, max_iter=10, tol=0, random_state=0)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_gives_the_same_model(iris, tmp_path, layout):
    X, y = iris
    laid_out = LAYOUTS[layout](X, tmp_path)
    before = np.array(laid_out)

    model = textbook().fit(laid_out, y)

    # Another layout may take another path through BLAS: only the order of sums differs.
    np.testing.assert_allclose(model.coef_, textbook().fit(X, y).coef_, rtol=1e-10)
    np.testing.assert_array_equal(model.predict(laid_out), model.predict(X))
    np.testing.assert_array_equal(np.array(laid_out), before)
    assert type(model.coef_) is np.ndarray


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_with_the_automatic_step(iris, tmp_path, layout):
    X, y = iris
    model = SoftmaxRegression(l2=0.1).fit(LAYOUTS[layout](X, tmp_path), y)

    # Both are within tol = 1e-6 nats of the optimum, and F grows by at least l2/2 |W - W*|².
    atol = 2 * np.sqrt(2 * 1e-6 / 0.1)
    np.testing.assert_allclose(model.coef_, SoftmaxRegression(l2=0.1).fit(X, y).coef_, atol=atol)


@pytest.mark.parametrize("layout", ["read-only", "every second row", "big-endian"])
def test_layouts_of_weights_and_targets(iris, tmp_path, layout):
    X, y = iris
    weight = np.linspace(1.0, 2.0, 150)
    rows = np.eye(3)[np.unique(y, return_inverse=True)[1]]

    model = textbook().fit(X, LAYOUTS[layout](rows, tmp_path), LAYOUTS[layout](weight, tmp_path))

    np.testing.assert_allclose(model.coef_, textbook().fit(X, rows, weight).coef_, rtol=1e-10)


@pytest.mark.parametrize(
    ("given", "kept"),
    [(np.float32, np.float32), (np.float16, np.float32), (np.float64, np.float64),
     (np.int8, np.float64), (np.uint64, np.float64), (np.bool_, np.float64)],
    ids=lambda dtype: dtype.__name__,
)  # fmt: skip
def test_dtypes_kept_or_promoted(iris, given, kept):
    X = np.abs(iris[0]).astype(given)

    model = textbook().fit(X, iris[1])

    assert model.coef_.dtype == model.predict_proba(X).dtype == kept
    np.testing.assert_array_equal(model.coef_, textbook().fit(X.astype(kept), iris[1]).coef_)


@pytest.mark.parametrize("library", LIBRARIES)
def test_arrays_of_other_libraries(iris, library):
    X, y = iris
    codes = np.unique(y, return_inverse=True)[1]
    weight = np.linspace(1.0, 2.0, 150)
    make = LIBRARIES[library]
    x64 = np.asarray(make(X)).dtype == np.float64  # JAX makes everything float32 unless told
    X, weight = (X, weight) if x64 else (X.astype(np.float32), weight.astype(np.float32))

    model = textbook().fit(make(X), make(codes), make(weight))

    np.testing.assert_array_equal(model.coef_, textbook().fit(X, codes, weight).coef_)
    np.testing.assert_array_equal(model.predict(make(X)), model.predict(X))
    assert model.score(make(X), make(codes), make(weight)) == model.score(X, codes, weight)
    assert type(model.predict_proba(make(X))) is np.ndarray


@pytest.mark.parametrize("library", LIBRARIES)
def test_functions_take_arrays_of_other_libraries(library):
    make = LIBRARIES[library]
    logits = np.array([[1.0, 2.0, 3.0], [0.0, 0.0, 0.0]], dtype=np.float32)

    np.testing.assert_array_equal(softmax(make(logits)), softmax(logits))
    labels = np.array([2, 0])
    np.testing.assert_array_equal(
        cross_entropy(make(logits), make(labels)), cross_entropy(logits, labels)
    )


@pytest.mark.parametrize("library", [name for name in LIBRARIES if "torch" in name])
def test_a_tensor_that_requires_grad_keeps_torchs_own_advice(iris, library):
    tensor = LIBRARIES[library](iris[0])
    tensor.requires_grad = True

    with pytest.raises(RuntimeError, match="detach"):
        textbook().fit(tensor, iris[1])


def _refused(X):
    # np.matrix is built around its PendingDeprecationWarning.
    matrix = np.ndarray.__new__(np.matrix, X.shape)
    return {
        "masked array": (np.ma.masked_invalid(X), "masked"),
        "matrix": (matrix, r"np\.asarray\(X\)"),
        "dask": (LikeDask(X), r"X\.compute\(\)"),
        "lazy frame": (LikeLazyFrame(), r"X\.collect\(\)"),
    }


@pytest.mark.parametrize("kind", ["masked array", "matrix", "dask", "lazy frame"])
@pytest.mark.parametrize("method", ["fit", "partial_fit", "predict", "predict_proba", "score"])
def test_containers_that_would_be_misread_are_refused_with_what_to_call(iris, kind, method):
    X, y = iris
    given, remedy = _refused(X)[kind]
    model = textbook() if "fit" in method else textbook().fit(X, y)
    targets = () if method.startswith("predict") else (y,)

    with pytest.raises(TypeError, match=remedy):
        getattr(model, method)(given, *targets)


@pytest.mark.parametrize(
    ("labels", "remedy"),
    [
        (np.ma.masked_equal(np.arange(150) % 3, 0), "fill or drop"),
        (LikeDask(np.arange(150) % 3), r"y\.compute\(\)"),
        (LikeLazyFrame(), r"y\.collect\(\)"),
    ],
    ids=["masked array", "dask", "lazy frame"],
)
def test_targets_that_would_be_misread_are_refused_with_what_to_call(iris, labels, remedy):
    with pytest.raises(TypeError, match=remedy):
        textbook().fit(iris[0], labels)


@pytest.mark.parametrize(
    "weight",
    [np.ma.masked_equal(np.arange(150.0), 0), LikeDask(np.ones(150)), LikeLazyFrame()],
    ids=["masked array", "dask", "lazy frame"],
)
def test_weights_that_would_be_misread_are_refused(iris, weight):
    with pytest.raises(TypeError, match="sample_weight"):
        textbook().fit(*iris, sample_weight=weight)
