"""What surrounds the library does not change its results: interpreter flags, environment variables,
locale, BLAS threads, memory layout and NumPy's error state.
"""

import contextlib
import io
import locale
import os
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from strategies import thinned
from tolerances import EPS, gamma, logit_error

import softmax_regression
from softmax_regression import SoftmaxRegression

RNG = np.random.default_rng(19)
X = RNG.normal(size=(50, 4))
LABELS = RNG.integers(3, size=50)
WEIGHT = RNG.uniform(0.5, 2.0, 50)
MODES = {
    "textbook": {"learning_rate": 0.1, "batch_size": 7, "max_iter": 5, "tol": 0.0},
    "auto": {"l2": 0.01},
}
BOTH = pytest.mark.parametrize("mode", MODES)


def run(code, *arguments, flags=(), **environment):
    """Run code in a new interpreter that finds the library, and return what it prints."""
    source = str(Path(softmax_regression.__file__).parents[1])
    child = subprocess.run(
        [sys.executable, *flags, "-c", code, *map(str, arguments)],
        env=os.environ | {"PYTHONPATH": source, "PYTHONIOENCODING": "utf-8"} | environment,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    assert child.returncode == 0, child.stderr
    assert child.stderr == ""
    return child.stdout


# The interpreter and its environment

FITS = """
import hashlib
import numpy as np
from softmax_regression import SoftmaxRegression

rng = np.random.default_rng(0)
X = rng.normal(size=(50, 4))
y = np.array(["a", "bb", "c"])[rng.integers(3, size=50)]
common = {"class_weight": {"c": 2.0, "a": 0.5}, "random_state": 1}
for settings in ({"learning_rate": 0.1, "batch_size": 7, "max_iter": 5, "tol": 0.0}, {"l2": 0.01}):
    model = SoftmaxRegression(**common, **settings).fit(X, y)
    model.partial_fit(X, y)
    results = model.coef_, model.intercept_, model.loss_curve_, model.predict_proba(X)
    results += (model.predict(X),)
    print(hashlib.sha256(b"".join(array.tobytes() for array in results)).hexdigest())
refused = [(X * np.nan, y), (X[0], y), (X, y[:-1]), (X, [None] * 50), (X, y, -np.ones(50))]
for *rows, weight in [(*given, None)[:3] for given in refused]:
    for method in (model.fit, model.partial_fit, model.loss):
        try:
            method(*rows, sample_weight=weight)
        except (TypeError, ValueError) as error:
            print(type(error).__name__, str(error)[:40])
        else:
            print("accepted")
"""


def test_flags_and_hash_seeds_change_neither_fits_nor_checks():
    """The same bits, and the same faults refused: no check is an assert, no order is a set's."""
    other = run(FITS, flags=["-OO", "-W", "error", "-X", "dev"], PYTHONHASHSEED="random")
    with contextlib.redirect_stdout(io.StringIO()) as plain:
        exec(FITS, {})  # noqa: S102 - as in this interpreter, which has none of the flags
    assert "accepted" not in other
    assert other == plain.getvalue()


THREADED = """
import sys
import numpy as np
from softmax_regression import SoftmaxRegression

rng = np.random.default_rng(0)
X, W, b = rng.normal(size=(1500, 200)), rng.normal(size=(40, 200)), rng.normal(size=40)
y = (X @ W.T + b).argmax(axis=1)
model = SoftmaxRegression(learning_rate=1.0, max_iter=0)
model.fit(np.zeros((80, 200)), np.arange(80) % 40)
model.coef_, model.intercept_ = W, b
d_coef, d_intercept = model.gradient(X, y)
small = SoftmaxRegression(l2=0.1, tol=1e-8).fit(X[:, :50], y % 10)
F = small.loss(X[:, :50], y % 10) + 0.05 * (small.coef_**2).sum()
np.savez(
    sys.argv[1], X=X, W=W, b=b, Z=model.decision_function(X), P=model.predict_proba(X),
    labels=model.predict(X), d_coef=d_coef, F=F, gap=small.optimality_gap_,
)
"""


@pytest.mark.thorough
def test_one_and_two_blas_threads_agree_within_the_rounding_of_their_sums(tmp_path):
    """Each logit is within gamma_{d+1} (|x| |w| + |b|) of the exact one, two are within twice that.

    The gradient adds n products of x and a residual; the residual moves by at most twice the
    largest difference of its row's logits.
    """

    def found(n):
        path, variables = tmp_path / f"{n}.npz", ("OPENBLAS", "OMP", "MKL")
        run(THREADED, path, **{f"{name}_NUM_THREADS": str(n) for name in variables})
        return np.load(path)

    with ThreadPoolExecutor() as pool:
        one, two = pool.map(found, (1, 2))
    bound = 2 * logit_error(one["X"], one["W"], one["b"])
    assert (np.abs(one["Z"] - two["Z"]) <= bound).all()
    top = np.sort(one["Z"], axis=1)
    ambiguous = top[:, -1] - top[:, -2] <= 2 * bound.max(axis=1)
    assert (ambiguous | (one["labels"] == two["labels"])).all()
    residual = 2 * bound.max(axis=1) + 8 * EPS
    size = np.abs(one["X"]).mean(axis=0)
    moved = residual @ np.abs(one["X"]) / len(residual)
    allowed = moved + 2 * gamma(len(residual)) * size
    assert (np.abs(one["d_coef"] - two["d_coef"]) <= allowed).all()
    assert abs(one["F"] - two["F"]) <= max(one["gap"], two["gap"]) + 100 * EPS


# Locale

COMMA = ("de_DE.UTF-8", "fr_FR.UTF-8", "nl_NL.UTF-8", "pl_PL.UTF-8", "de_DE.utf8", "German_Germany")


@pytest.fixture(scope="module")
def comma_locale(tmp_path_factory):
    """The name and the environment of a locale with decimal commas, built if none is installed."""
    current = locale.setlocale(locale.LC_ALL)
    try:
        for name in COMMA:
            try:
                locale.setlocale(locale.LC_ALL, name)
            except locale.Error:
                continue
            return name, {}
    finally:
        locale.setlocale(locale.LC_ALL, current)
    if shutil.which("localedef") is None:
        pytest.skip("no locale with decimal commas")
    folder = tmp_path_factory.mktemp("locales") / "de_DE.UTF-8"
    build = ["localedef", "--no-archive", "-i", "de_DE", "-f", "UTF-8", str(folder)]
    if subprocess.run(build, capture_output=True, check=False).returncode > 1:
        pytest.skip("no locale with decimal commas, and none can be built")
    return "de_DE.UTF-8", {"LOCPATH": str(folder.parent)}


PRINTS = """
import locale
import sys
import numpy as np
from softmax_regression import SoftmaxRegression

if sys.argv[2]:
    locale.setlocale(locale.LC_ALL, sys.argv[2])
    assert locale.localeconv()["decimal_point"] == ","
    assert locale.str(0.5) == "0,5"
X = np.array([[0.0, 1.5], [1.0, 0.5], [3.5, 3.0], [4.0, 3.0]])
settings = {"learning_rate": 0.25, "max_iter": 3, "tol": 0.0, "verbose": 1, "random_state": 0}
y = list("aabb")
model = SoftmaxRegression(**settings).fit(X, y, validation_data=(X, y))
print(repr(model))
model.save(sys.argv[1])
assert SoftmaxRegression.load(sys.argv[1]).coef_.tobytes() == model.coef_.tobytes()
try:
    model.predict([[0.5, float("nan")]])
except ValueError as error:
    print(error)
try:
    SoftmaxRegression(l2=-0.5).fit(X, y)
except ValueError as error:
    print(error)
"""


@pytest.mark.thorough
def test_a_locale_with_decimal_commas_changes_no_line_and_no_byte(comma_locale, tmp_path):
    """Verbose lines, messages and the saved file are the same; only the time left may differ."""
    name, environment = comma_locale
    with ThreadPoolExecutor() as pool:
        plain = pool.submit(run, PRINTS, tmp_path / "plain.npz", "")
        comma = pool.submit(run, PRINTS, tmp_path / "comma.npz", name, LC_ALL=name, **environment)
    printed = plain.result(), comma.result()
    assert "loss 0.693147  validation " in printed[1]
    one, other = (re.sub(r"at most [\d.]+ s", "", text) for text in printed)
    assert one == other
    assert (tmp_path / "plain.npz").read_bytes() == (tmp_path / "comma.npz").read_bytes()


# Memory layout


def unaligned(array):
    """A copy that begins one byte beside where its numbers may."""
    raw = np.zeros(array.nbytes + 1, np.uint8)
    copy = raw[1:].view(array.dtype).reshape(array.shape)
    copy[...] = array
    assert not copy.flags.aligned
    return copy


def read_only(array):
    copy = array.copy()
    copy.flags.writeable = False
    return copy


def strided(array):
    """Every third entry along every axis of a larger array."""
    large = np.full([3 * n for n in array.shape], -7, array.dtype)
    view = large[(slice(1, None, 3),) * array.ndim]
    view[...] = array
    return view


def swapped(array):
    return array.astype(array.dtype.newbyteorder("S"))


LAYOUTS = {
    "swapped bytes": swapped,
    "unaligned": unaligned,
    "unaligned swapped bytes": lambda array: unaligned(swapped(array)),
    "read-only": read_only,
    "strided": strided,
    "reversed": lambda array: array[::-1].copy()[::-1],
    "Fortran": np.asfortranarray,
}
SAME_BITS = {"swapped bytes", "unaligned", "unaligned swapped bytes", "read-only"}
# A few epochs, or the optimum found twice with a proof of 1e-6 nats and l2 = 0.01: F grows by
# l2 / 2 |dW|^2, so W may differ by sqrt(2e-6 / 0.005); in practice rounding only.
LAYOUT = 1e-9


def results(model, X, y, weight):
    """All that a model says about rows, before and after one more pass."""
    model.fit(X, y, weight)
    first = [model.coef_, model.intercept_, model.decision_function(X), model.predict_proba(X)]
    first += [model.predict_log_proba(X), *model.gradient(X, y, weight)]
    first += [np.array([model.loss(X, y, weight), model.score(X, y, weight)]), model.predict(X)]
    return [*first, model.partial_fit(X, y, sample_weight=weight).coef_]


@pytest.mark.parametrize(
    ("layout", "targets", "mode"),
    thinned(product(LAYOUTS, [("f4", "rows"), ("f8", "labels"), ("f8", "strings")], MODES), 5),
)
def test_memory_layout_does_not_matter_and_inputs_stay(layout, targets, mode):
    """Byte order, alignment and flags change no bit; strides may change the order of sums."""
    dtype, kind = targets
    y = {"labels": LABELS, "strings": np.array(["a", "b", "c"])[LABELS], "rows": np.eye(3)[LABELS]}
    plain = X.astype(dtype), y[kind], WEIGHT
    given = [LAYOUTS[layout](array) for array in plain]
    before = [array.tobytes() for array in given]
    expected = results(SoftmaxRegression(random_state=0, **MODES[mode]), *plain)
    found = results(SoftmaxRegression(random_state=0, **MODES[mode]), *given)
    assert [array.tobytes() for array in given] == before
    for one, other in zip(expected, found, strict=True):
        if one.dtype.kind != "f":  # labels, which keep the dtype of y
            assert other.dtype == (given[1].dtype if kind != "rows" else one.dtype)
            assert (one == other).all()
            continue
        assert one.dtype == other.dtype
        if layout in SAME_BITS:
            assert one.tobytes() == other.tobytes()
        else:
            scale = LAYOUT if dtype == "f8" else 1e-4
            np.testing.assert_allclose(other, one, rtol=scale, atol=scale)


@BOTH
def test_a_memory_map_opened_for_reading_is_learned_from(mode, tmp_path):
    np.save(tmp_path / "X.npy", X)
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    one = SoftmaxRegression(random_state=0, **MODES[mode]).fit(mapped, LABELS)
    other = SoftmaxRegression(random_state=0, **MODES[mode]).fit(X, LABELS)
    assert one.coef_.tobytes() == other.coef_.tobytes()
    assert (tmp_path / "X.npy").read_bytes() == saved(X)


def saved(array):
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


# NumPy's error state


@BOTH
@pytest.mark.parametrize("scale", [1.0, 1e3, 1e8])
@pytest.mark.filterwarnings("ignore::softmax_regression.ConvergenceWarning")
def test_an_error_state_that_raises_changes_nothing(scale, mode):
    """Exponentials that vanish or overflow on the way are the library's own affair."""
    settings = MODES[mode] | ({"learning_rate": 0.1 / scale} if mode == "textbook" else {})
    rows = X * scale
    rows[0] *= 50
    expected = results(SoftmaxRegression(random_state=0, **settings), rows, LABELS, WEIGHT)
    with np.errstate(all="raise", under="ignore"):
        state = np.geterr()
        found = results(SoftmaxRegression(random_state=0, **settings), rows, LABELS, WEIGHT)
        assert np.geterr() == state
    assert [array.tobytes() for array in found] == [array.tobytes() for array in expected]
