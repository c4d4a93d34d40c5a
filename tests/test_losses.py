"""Softmax and cross-entropy: values, gradients, limits, refusals."""

import json
import math
import warnings
from decimal import Decimal
from pathlib import Path

import numpy as np
import oracle
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from strategies import Csr

from softmax_regression import (
    binary_cross_entropy,
    cross_entropy,
    cross_entropy_gradient,
    log_softmax,
    softmax,
)

HARD = json.loads((Path(__file__).parent / "data" / "hard_logits.json").read_text())
EPS = np.finfo(np.float64).eps
# The library's promises, in units in the last place.
LOG_ULP, SOFTMAX_ULP = 4, 8

every_function = pytest.mark.parametrize(
    "function",
    [
        softmax,
        log_softmax,
        lambda z: cross_entropy(z, np.zeros(np.shape(z)[:-1], int)),
        lambda z: cross_entropy_gradient(z, np.zeros(np.shape(z)[:-1], int)),
    ],
    ids=["softmax", "log_softmax", "cross_entropy", "cross_entropy_gradient"],
)


@pytest.fixture(autouse=True)
def no_floating_point_noise():
    """Every test here runs with all floating-point errors but underflow raising."""
    with np.errstate(all="raise", under="ignore"):
        yield


def decimal_ulp(computed, exact):
    """Error of one value in units in the last place of its dtype; exact is a decimal string."""
    exact, value = Decimal(exact), Decimal(float(computed))
    largest = Decimal(float(np.finfo(computed.dtype).max))
    if exact.is_infinite() or abs(exact) > largest * (1 + Decimal(EPS) / 4):
        return 0 if value.is_infinite() and (value < 0) == (exact < 0) else math.inf
    if not value.is_finite():
        return math.inf
    return abs(value - exact) / Decimal(float(np.spacing(computed.dtype.type(abs(exact)))))


def worst(computed, exact):
    return max(map(decimal_ulp, computed, exact))


def one_hot(labels, n_classes, dtype=np.float64):
    return np.eye(n_classes, dtype=dtype)[labels]


def identical(a, b):
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()


# Values


def hard_logits(case):
    return np.array([float.fromhex(value) for value in case["logits"]], dtype=case["dtype"])


@pytest.mark.parametrize("case", HARD["cases"], ids=lambda case: case["id"])
def test_hard_logits_match_50_digit_values(case):
    logits, target = hard_logits(case), case["target"]
    assert worst(log_softmax(logits), case["log_softmax"]) <= LOG_ULP
    assert worst(softmax(logits), case["softmax"]) <= SOFTMAX_ULP
    assert decimal_ulp(cross_entropy(logits, target)[()], case["cross_entropy"]) <= LOG_ULP
    gradient = cross_entropy_gradient(logits, target)
    assert worst(gradient, case["gradient"]) <= SOFTMAX_ULP
    assert decimal_ulp(gradient[target], case["gradient"][target]) <= LOG_ULP


@pytest.mark.parametrize("case", HARD["probability_rows"], ids=lambda case: case["id"])
def test_probability_rows_match_50_digit_values(case):
    logits = np.array([float(value) for value in case["logits"]])
    value = cross_entropy(logits, case["targets"])
    assert decimal_ulp(value[()], case["cross_entropy"]) <= LOG_ULP
    gradient = cross_entropy_gradient(logits, case["targets"])
    # p_k and t_k of order 1 are subtracted: the error is a few eps, not a few ulp of the rest.
    np.testing.assert_allclose(gradient, [float(g) for g in case["gradient"]], rtol=0, atol=4 * EPS)


def formula_logits(case):
    if case["id"].startswith("many_small"):
        return np.array([0.0] + [-30.0] * 1000, dtype=case["dtype"])
    k = np.arange(case["n_classes"])
    return ((k * 7919 % 65536 - 32768) / 4096).astype(case["dtype"])


@pytest.mark.parametrize("case", HARD["formula_rows"], ids=lambda case: case["id"])
def test_many_classes_match_50_digit_values(case):
    """A thousand terms of e^-30 count against 1, and 10^5 classes still add up."""
    logits = formula_logits(case)
    for name, function, bound in (
        ("log_softmax", log_softmax, LOG_ULP),
        ("softmax", softmax, SOFTMAX_ULP),
    ):
        exact = case.get(name, {})
        assert all(decimal_ulp(function(logits)[int(k)], exact[k]) <= bound for k in exact)
    if "gradient_at_target_0" in case:
        gradient = cross_entropy_gradient(logits, 0)
        assert decimal_ulp(gradient[0], case["gradient_at_target_0"]) <= LOG_ULP


FAMILIES = {
    "normal": lambda rng, n, K: rng.standard_normal((n, K)),
    "wide": lambda rng, n, K: 100 * rng.standard_normal((n, K)),
    "dominant": lambda rng, n, K: (
        rng.standard_normal((n, K))
        + one_hot(rng.integers(K, size=n), K) * rng.uniform(0, 80, (n, 1))
    ),
    "saturated": lambda rng, n, K: (
        rng.standard_normal((n, K))
        + one_hot(rng.integers(K, size=n), K) * rng.uniform(0, 700, (n, 1))
    ),
    "tiny gaps": lambda rng, n, K: (
        rng.standard_normal((n, 1)) + 10 ** rng.uniform(-16, 0, (n, 1)) * rng.uniform(-1, 1, (n, K))
    ),
    "offset": lambda rng, n, K: (
        3 * rng.standard_normal((n, K))
        + 10 ** rng.uniform(2, 12, (n, 1)) * rng.choice([-1, 1], (n, 1))
    ),
    "ties": lambda rng, n, K: rng.integers(-2, 2, (n, K)) * 10 ** rng.uniform(-3, 3, (n, 1)),
}


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_random_rows_stay_within_the_promised_ulp(dtype, family):
    """A million rows in the profile `thorough`, 2 to 1000 classes, against a wider float."""
    if dtype == "float64" and not oracle.HAS_WIDER_THAN_FLOAT64:
        pytest.skip("longdouble is float64 here")
    rng = np.random.default_rng(sum(family.encode()))
    sizes = {2: 25000, 3: 20000, 4: 10000, 5: 8000, 7: 5000, 10: 4000, 17: 1500, 26: 1000, 50: 400}
    for n_classes, full in {**sizes, 64: 50, 65: 40, 1000: 40}.items():
        n_rows = full * min(settings().max_examples, 100) // 100
        logits = FAMILIES[family](rng, n_rows, n_classes).astype(dtype)
        exact = oracle.log_softmax(oracle.wider(logits))
        assert oracle.ulp(log_softmax(logits), exact) <= LOG_ULP
        probabilities = np.exp(exact)
        normal = probabilities >= np.finfo(dtype).tiny
        assert oracle.ulp(softmax(logits)[normal], probabilities[normal]) <= SOFTMAX_ULP
        rows, labels = np.arange(n_rows), logits.argmax(axis=1)
        labels[::2] = rng.integers(n_classes, size=labels[::2].size)
        losses, gradient = cross_entropy(logits, labels), cross_entropy_gradient(logits, labels)
        assert oracle.ulp(losses, -exact[rows, labels]) <= LOG_ULP
        assert oracle.ulp(gradient[rows, labels], np.expm1(exact[rows, labels])) <= LOG_ULP


def test_the_worked_sentiment_example_of_the_textbook():
    """Section 5.2 prints z = 0.833, p = 0.70 and 0.30, losses 0.36 and 1.2 (two digits)."""
    x, w, b = [3, 2, 1, 3, 0, 4.19], [2.5, -5.0, -1.2, 0.5, 2.0, 0.7], 0.1
    z = np.dot(x, w) + b
    assert round(z, 3) == 0.833
    assert softmax([0, z]).round(1).tolist() == [0.3, 0.7]
    assert round(float(cross_entropy([0, z], 1)), 2) == 0.36
    assert round(float(cross_entropy([0, z], 0)), 1) == 1.2
    assert round(float(binary_cross_entropy(z, 1)), 2) == 0.36


def test_the_worked_softmax_vector_of_the_textbook():
    """Section 5.3 prints [0.055, 0.09, 0.0067, 0.1, 0.74, 0.01], some digits cut, some rounded."""
    printed = [0.055, 0.090, 0.0067, 0.10, 0.74, 0.010]
    unit = np.array([0.001, 0.001, 0.0001, 0.01, 0.01, 0.001])
    assert (abs(softmax([0.6, 1.1, -1.5, 1.2, 3.2, -1.1]) - printed) < unit).all()


@pytest.mark.parametrize("n_classes", [1, 2, 3, 10, 64, 65, 1000])
def test_equal_logits_give_the_uniform_distribution(n_classes):
    logits = np.full((3, n_classes), 1e300)
    np.testing.assert_array_max_ulp(softmax(logits), np.full(logits.shape, 1 / n_classes), 1)
    np.testing.assert_array_max_ulp(
        log_softmax(logits), np.full(logits.shape, -np.log(n_classes)), 1
    )


# Gradient


def complex_cross_entropy(logits, target_rows):
    """Cross-entropy as an analytic function: the maximum is taken on real parts."""
    shifted = logits - logits.real.max(axis=-1, keepdims=True)
    log_probabilities = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return -(target_rows * log_probabilities).sum(axis=-1)


def random_targets(rng, n, n_classes):
    labels = rng.integers(n_classes, size=n)
    return [(labels, one_hot(labels, n_classes)), *[(rng.dirichlet(np.ones(n_classes), n),) * 2]]


@pytest.mark.parametrize("n_classes", [2, 5, 100])
def test_gradient_is_the_complex_step_derivative(n_classes):
    """A complex step has no cancellation; 1e-13 leaves room for the rounding of K terms."""
    rng = np.random.default_rng(1)
    logits = rng.normal(scale=3, size=(20, n_classes))
    for targets, rows in random_targets(rng, 20, n_classes):
        gradient = cross_entropy_gradient(logits, targets)
        for k in range(n_classes):
            step = np.zeros(n_classes, complex)
            step[k] = 1e-100j
            derivative = complex_cross_entropy(logits + step, rows).imag / 1e-100
            np.testing.assert_allclose(gradient[:, k], derivative, rtol=1e-12, atol=1e-13)


def test_gradient_is_the_central_difference_of_the_library_s_own_loss():
    """Truncation h^2/6 and rounding eps |L| / h balance near h = 1e-5, both about 1e-10."""
    rng = np.random.default_rng(2)
    logits = rng.normal(size=(30, 4))
    for targets, _ in random_targets(rng, 30, 4):
        gradient = cross_entropy_gradient(logits, targets)
        for k in range(4):
            step = 1e-5 * one_hot(k, 4)
            up, down = cross_entropy(logits + step, targets), cross_entropy(logits - step, targets)
            np.testing.assert_allclose(gradient[:, k], (up - down) / 2e-5, rtol=0, atol=1e-9)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("scale", [1, 100, 1e300])
def test_one_hot_rows_equal_class_indices_bitwise(dtype, scale):
    rng = np.random.default_rng(3)
    for n_classes in (1, 2, 3, 10, 70):
        logits = rng.normal(size=(50, n_classes)) * min(scale, float(np.finfo(dtype).max) / 1e3)
        logits = logits.astype(dtype)
        labels = rng.integers(n_classes, size=50)
        for kind in (dtype, int, bool):
            rows = one_hot(labels, n_classes, kind)
            for function in (cross_entropy, cross_entropy_gradient):
                assert identical(function(logits, rows), function(logits, labels))


# Properties over wide domains

finite = st.floats(-1e6, 1e6)
rows_of_logits = st.integers(1, 12).flatmap(lambda k: arrays(float, (3, k), elements=finite))


@given(rows_of_logits)
def test_probabilities_are_a_distribution(logits):
    """Values in [0, 1] with sum 1: K roundings of half an ulp, and the sum's own."""
    p, log_p = softmax(logits), log_softmax(logits)
    assert (p >= 0).all()
    assert (p <= 1).all()
    assert (log_p <= 0).all()
    assert (abs(p.sum(axis=-1) - 1) <= 4 * EPS).all()
    assert (log_p[np.arange(3), logits.argmax(axis=-1)] == log_p.max(axis=-1)).all()


@given(rows_of_logits, st.data())
def test_gradient_rows_sum_to_zero(logits, data):
    """sum_k p_k = sum_k t_k = 1, so the sum of p - t is rounding only."""
    labels = data.draw(arrays(int, 3, elements=st.integers(0, logits.shape[1] - 1)))
    assert (abs(cross_entropy_gradient(logits, labels).sum(axis=-1)) <= 8 * EPS).all()


@given(
    arrays(float, (2, 6), elements=st.integers(-(2**40), 2**40).map(float)),
    st.integers(-(2**50), 2**50),
)
def test_adding_a_constant_to_a_row_changes_no_bit(logits, shift):
    """For integers below 2^53 every difference is exact."""
    for function in (softmax, log_softmax):
        assert identical(function(logits), function(logits + shift))


@given(rows_of_logits)
def test_mean_cross_entropy_over_classes_brackets_log_k(logits):
    """min over targets <= log K <= max over targets, for any distribution."""
    losses = -log_softmax(logits)
    log_k = math.log(logits.shape[1])
    assert (losses.min(axis=-1) <= log_k * (1 + 4 * EPS)).all()
    assert (losses.max(axis=-1) >= log_k * (1 - 4 * EPS)).all()


@given(arrays(float, 20, elements=st.floats(-1e300, 1e300)), st.integers(0, 1))
def test_two_classes_equal_binary_cross_entropy(scores, label):
    """Equation (5.44) is the softmax of the logits [0, z]; each side is within 4 ulp."""
    labels = np.full(20, label)
    pairs = np.stack([np.zeros(20), scores], axis=1)
    two, one = cross_entropy(pairs, labels), binary_cross_entropy(scores, labels)
    np.testing.assert_array_max_ulp(two, one, 2 * LOG_ULP)


@given(arrays(float, 20, elements=st.floats(-600, 600)), st.floats(0, 1))
def test_binary_cross_entropy_of_a_probability_mixes_the_labels(scores, y):
    mixed = y * binary_cross_entropy(scores, np.ones(20))
    mixed += (1 - y) * binary_cross_entropy(scores, np.zeros(20))
    np.testing.assert_allclose(
        binary_cross_entropy(scores, np.full(20, y)), mixed, rtol=16 * EPS, atol=1e-300
    )


@pytest.mark.skipif(not oracle.HAS_WIDER_THAN_FLOAT64, reason="longdouble is float64 here")
@pytest.mark.parametrize("label", [0, 1])
def test_binary_cross_entropy_stays_within_the_promised_ulp(label):
    rng = np.random.default_rng(5)
    scores = rng.normal(size=200_000) * 10 ** rng.uniform(-10, 2.5, 200_000)
    signed = oracle.wider(-scores if label else scores)
    exact = np.maximum(signed, 0) + np.log1p(np.exp(-abs(signed)))
    assert oracle.ulp(binary_cross_entropy(scores, np.full(len(scores), label)), exact) <= LOG_ULP


def test_binary_cross_entropy_of_certainty():
    inf, nan = math.inf, math.nan
    losses = binary_cross_entropy([inf, inf, -inf, -inf, nan], [1, 0, 0, 1, 0])
    np.testing.assert_array_equal(losses, [0, inf, 0, inf, nan])
    assert binary_cross_entropy(np.float32(3), 1).dtype == np.float32


# Limits


@every_function
@pytest.mark.parametrize(
    "bad", [[np.nan, 0, 1], [np.inf, 0, 1], [np.inf, np.inf, -np.inf], [-np.inf] * 3]
)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_row_without_a_softmax_is_nan_and_touches_no_other_row(function, bad, dtype):
    good = np.array([[0.5, 2.0, -1e3], [1.0, -np.inf, 0.3]], dtype)
    mixed = np.array([good[0], bad, good[1]], dtype)
    result = function(mixed)
    assert np.isnan(result[1]).all()
    assert identical(result[[0, 2]], function(good))


@every_function
def test_an_absent_class_leaves_the_others_as_if_it_were_not_there(function):
    logits = np.random.default_rng(6).normal(size=(40, 3))
    result = function(np.insert(logits, 3, -np.inf, axis=1))
    if result.ndim == 2:
        result = result[:, :3]
    np.testing.assert_array_max_ulp(result, function(logits), 2 * SOFTMAX_ULP)


def test_a_positive_target_on_an_absent_class_is_infinitely_surprising():
    assert cross_entropy([-np.inf, 0.0], [0.25, 0.75]) == np.inf
    np.testing.assert_array_equal(
        cross_entropy_gradient([-np.inf, 0.0], [0.25, 0.75]), [-0.25, 0.25]
    )


@every_function
@pytest.mark.parametrize("shape", [(1,), (7,), (0, 3), (2, 0, 3), (4, 5), (2, 3, 4), (1, 1, 1)])
def test_any_leading_shape_gives_the_rows_alone_bitwise(function, shape):
    logits = np.random.default_rng(7).normal(size=shape)
    result = function(logits)
    assert result.shape in (shape, shape[:-1])
    for index in np.ndindex(shape[:-1]):
        assert identical(np.asarray(result[index]), np.asarray(function(logits[index])))


@every_function
@pytest.mark.parametrize("n_classes", [3, 64, 65])
def test_a_row_does_not_depend_on_its_batch(function, n_classes):
    """Blocks of rows are an inner matter: alone or among many, a row gives the same bits."""
    n_rows = 2**16 // n_classes
    logits = np.random.default_rng(8).normal(size=(n_rows, n_classes))
    result = function(logits)
    for index in (0, n_rows // 2 - 1, n_rows // 2, n_rows - 1):
        assert identical(result[index : index + 1], function(logits[index : index + 1]))


@every_function
@pytest.mark.parametrize(
    ("given_dtype", "kept"),
    [
        ("float64", "float64"), ("float32", "float32"), (">f8", "float64"), (">f4", "float32"),
        ("float16", "float32"), ("longdouble", "float64"), ("int8", "float64"),
        ("uint8", "float64"), ("bool", "float64"), ("object", "float64"),
    ],
)  # fmt: skip
def test_dtype_is_kept_or_promoted(function, given_dtype, kept):
    logits = np.array([[0, 1, 1], [1, 0, 0]]).astype(given_dtype)
    result = function(logits)
    assert result.dtype == np.dtype(kept)
    assert identical(result, function(logits.astype(kept)))


@every_function
def test_memory_layout_changes_nothing_and_inputs_stay_as_they_were(function):
    logits = np.random.default_rng(9).normal(size=(30, 5))
    expected = function(logits.copy())
    wide = np.zeros((60, 15))
    wide[::2, ::3] = logits
    read_only = logits.copy()
    read_only.flags.writeable = False
    for same in (
        read_only,
        np.asfortranarray(logits),
        wide[::2, ::3],
        logits.astype(">f8"),
        logits[::-1][::-1],
    ):
        before = same.tobytes()
        assert identical(function(same), expected)
        assert same.tobytes() == before


def test_targets_stay_as_they_were():
    rows = np.array([[0.0, 1.0], [0.3, 0.7]])
    rows.flags.writeable = False
    cross_entropy_gradient(np.zeros((2, 2)), rows)
    assert (cross_entropy(np.zeros((2, 2)), rows) > 0).all()


def test_overflow_is_silent_and_the_caller_s_error_state_is_kept():
    before = np.geterr()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = log_softmax([[1e308, -1e308], [np.nan, 0], [-np.inf, np.inf]])
    assert result[0].tolist() == [0, -math.inf]
    assert np.geterr() == before


def test_signs_of_zero_are_positive():
    for value in (log_softmax([3.0]), cross_entropy([3.0], 0), cross_entropy_gradient([3.0], 0)):
        assert not np.signbit(value).any()


# Refusals


@every_function
@pytest.mark.parametrize(
    ("logits", "error", "message"),
    [
        (np.zeros(2, complex), TypeError, "logits must hold numbers, got dtype complex"),
        (["a", "b"], TypeError, "logits must hold numbers, got dtype <U1"),
        (np.ma.masked_less([1.0, -1.0], 0), TypeError, "logits is a masked array.*fill or drop them"),
        (Csr(np.eye(2)), TypeError, r"logits is sparse; pass logits\.toarray\(\)"),
        (np.array([[1.0, "a"]], object), TypeError, r"logits must hold numbers: logits\[0, 1\] is 'a'"),
        (np.array([1.0, 1j], object), TypeError, r"logits\[1\] is 1j"),
        (np.array({}, object), TypeError, "numbers: logits is {}"),
        (np.array([1.0, 10**400], object), ValueError, "logits holds an integer too large for float64"),
        (1.0, ValueError, r"at least one class; got \(\)"),
        (np.zeros((3, 0)), ValueError, r"at least one class; got \(3, 0\)"),
    ],
)  # fmt: skip
def test_bad_logits_are_refused(function, logits, error, message):
    with pytest.raises(error, match=message):
        function(logits)


def test_rows_of_different_lengths_are_refused_by_name():
    ragged, message = [[1.0, 2.0], [3.0]], "logits must be an array, got rows of different lengths"
    for call in (softmax, log_softmax, lambda z: cross_entropy(z, [0, 0]),
                 lambda z: cross_entropy_gradient(z, [0, 0]),
                 lambda z: binary_cross_entropy(z, [0, 0])):  # fmt: skip
        with pytest.raises(ValueError, match=message):
            call(ragged)


@pytest.mark.parametrize("function", [cross_entropy, cross_entropy_gradient])
@pytest.mark.parametrize(
    ("targets", "error", "message"),
    [
        ([0, -1], IndexError, r"in 0\.\.2; targets\[1\] is -1"),
        ([3, 0], IndexError, r"in 0\.\.2; targets\[0\] is 3"),
        (np.array([0, 2**64 - 1], np.uint64), IndexError, r"targets\[1\] is 18446744073709551615"),
        ([0.0, 1.0], TypeError, r"must be integers, got dtype float64; .*astype\(int\)"),
        ([True, False], TypeError, "must be integers, got dtype bool"),
        (["a", "b"], TypeError, "must be integers, got dtype <U1"),
        ([0, 1, 2], ValueError, r"shape \(2,\) or probability rows of shape \(2, 3\).*got shape \(3,\)"),
        (0, ValueError, r"got shape \(\)"),
        ([[1, 0, 0], [0.5, 0, 0.4]], ValueError, r"targets\[1\] sums to 0\.9 "),
        ([[1.5, -0.5, 0], [1, 0, 0]], ValueError, r"targets\[0\] sums to 1\.0 .*entry is -0\.5"),
        ([[np.nan, 0.5, 0.5], [1, 0, 0]], ValueError, r"targets\[0\] sums to nan"),
        ([[np.inf, -np.inf, 1], [1, 0, 0]], ValueError, r"targets\[0\] sums to nan"),
        (np.zeros((2, 3), complex), TypeError, "targets must hold numbers, got dtype complex"),
        (np.ma.masked_equal([0, 1], 1), TypeError, "targets is a masked array"),
        ([[1, 0, 0], [1, 0]], ValueError, "targets must be an array, got rows of different lengths"),
        (np.array([[1, 0, 0], [1, 0, "x"]], object), TypeError, r"targets\[1, 2\] is 'x'"),
    ],
)  # fmt: skip
def test_bad_targets_are_refused_by_name(function, targets, error, message):
    with pytest.raises(error, match=message):
        function(np.zeros((2, 3)), targets)


def test_float16_rows_of_many_classes_are_probability_rows():
    rows = np.full((1, 1000), 1 / 1000, np.float16)
    assert cross_entropy(np.zeros((1, 1000), np.float32), rows).dtype == np.float32
    with pytest.raises(ValueError, match="sums to 1"):
        cross_entropy(np.zeros((1, 1000)), rows.astype(np.float32))


@pytest.mark.parametrize("dtype", ["<f2", ">f2", "<f4", ">f4"])
def test_small_floats_of_any_byte_order_give_float32(dtype):
    z = np.array([[1.0, 2.0]], dtype)
    for function in (softmax, log_softmax):
        assert function(z).dtype == np.float32
        np.testing.assert_array_equal(function(z), function(z.astype(np.float32)))


def test_probability_rows_are_judged_by_their_own_precision():
    third = np.full((1, 3), 1 / 3)
    for dtype in ("float16", "float32", "float64"):
        assert cross_entropy(np.zeros((1, 3)), third.astype(dtype)).dtype == np.float64
    with pytest.raises(ValueError, match="sums to 1"):
        cross_entropy(np.zeros((1, 3)), third + 1e-7)


@pytest.mark.parametrize(
    ("logits", "targets", "error", "message"),
    [
        ([0.0, 1.0], [0, 2], ValueError, r"in \[0, 1\]; targets\[1\] is 2"),
        ([0.0], [-0.1], ValueError, r"targets\[0\] is -0\.1"),
        (0.0, np.nan, ValueError, r"targets is nan"),
        ([0.0], 0, ValueError, r"shape of logits, \(1,\); got \(\)"),
        ([1j], [0], TypeError, "logits must hold numbers"),
        ([0.0], ["yes"], TypeError, "targets must hold numbers"),
        (np.ma.masked_less([-1.0], 0), [0], TypeError, "logits is a masked array"),
        ([0.0], np.ma.masked_equal([0], 0), TypeError, "targets is a masked array"),
    ],
)
def test_binary_cross_entropy_refuses(logits, targets, error, message):
    with pytest.raises(error, match=message):
        binary_cross_entropy(logits, targets)
