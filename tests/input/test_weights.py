"""Sample weights and class weights: only ratios matter, and all of them count."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tolerances import EPS

from softmax_regression._likelihood.targets import Labels, ProbabilityRows
from softmax_regression._weights import apply_class_weight, check_sample_weight, refuse_all_zero

CLASSES = np.array(["a", "b", "c"])
LABELS = Labels(np.array([0, 1, 1, 2, 2, 2]), 3)


@given(st.lists(st.floats(0, 1e300, allow_subnormal=False), min_size=1, max_size=9))
def test_weights_are_scaled_by_a_power_of_two(given_weights):
    """So their ratios are exact, and their sum is finite and at least 1/2."""
    weights = check_sample_weight(given_weights, len(given_weights))
    if not any(given_weights):
        assert not weights.any()
        return
    assert 0.5 <= weights.max() < 1
    scale = max(given_weights) / weights.max()
    assert np.frexp(scale)[0] == 0.5
    large = np.array(given_weights) > max(given_weights) * 1e-300
    assert (weights[large] * scale == np.array(given_weights)[large]).all()


@pytest.mark.parametrize("dtype", ["f4", "f8", "i8", "u1", "?", "O", ">f8"])
def test_weights_of_every_numeric_kind(dtype):
    weights = check_sample_weight(np.array([0, 1, 1]).astype(dtype), 3)
    assert weights.dtype == np.float64
    assert weights[0] == 0 < weights[1] == weights[2]


def test_no_weights_stay_none_and_inputs_stay_as_they_were():
    assert check_sample_weight(None, 3) is None
    given_weights = np.array([1.0, 4.0, 2.0])
    given_weights.flags.writeable = False
    check_sample_weight(given_weights, 3)
    assert given_weights.tolist() == [1, 4, 2]


def test_the_largest_weights_do_not_overflow():
    with np.errstate(all="raise"):
        weights = check_sample_weight([1.7e308, 1.7e308, 1e308], 3)
        assert np.isfinite(weights.sum())


@pytest.mark.parametrize(("weights", "error", "message"), [
    ([1, -2, 3], ValueError, r"Negative values in data passed to `w`: w\[1\] is -2"),
    ([1, np.nan, 3], ValueError, r"Input w contains NaN: w\[1\]"),
    ([1, 2, np.inf], ValueError, r"Input w contains infinity: w\[2\]"),
    ([1, -np.inf, 3], ValueError, r"Input w contains infinity: w\[1\]"),
    ([1, 2], ValueError, r"w\.shape == \(2,\), expected \(3,\)"),
    ([[1, 2, 3]], ValueError, r"w\.shape == \(1, 3\), expected \(3,\)"),
    (["a", "b", "c"], TypeError, "w must hold numbers"),
    ([1, 2, {}], TypeError, r"w must hold numbers"),
    ([1, 2, None], ValueError, r"Input w contains NaN: w\[2\]"),
], ids=range(9))  # fmt: skip
def test_bad_weights_are_refused_by_name(weights, error, message):
    with pytest.raises(error, match=message):
        check_sample_weight(weights, 3, name="w")


def test_all_zero_weights_are_refused_where_some_row_must_count():
    refuse_all_zero(None)
    refuse_all_zero(np.array([0.0, 1.0]))
    with pytest.raises(ValueError, match="at least one non-zero number"):
        refuse_all_zero(np.zeros(3))


def test_without_class_weights_nothing_changes():
    weights = np.array([1.0, 2, 3, 4, 5, 6])
    assert apply_class_weight(weights, None, CLASSES, LABELS) is weights
    assert apply_class_weight(None, None, CLASSES, LABELS) is None


def test_a_class_that_is_not_named_counts_one():
    weights = apply_class_weight(None, {"b": 3.0}, CLASSES, LABELS)
    assert (weights / weights[0]).tolist() == [1, 3, 3, 1, 1, 1]
    doubled = apply_class_weight(np.full(6, 2.0), {"b": 3.0, "a": 0}, CLASSES, LABELS)
    assert (doubled / doubled[-1]).tolist() == [0, 3, 3, 1, 1, 1]


@pytest.mark.parametrize("scale", [1e-300, 1.0, 1e308])
def test_only_ratios_of_class_weights_matter(scale):
    weights = apply_class_weight(
        None, {"a": scale, "b": scale / 2, "c": scale / 4}, CLASSES, LABELS
    )
    assert 0.5 <= weights.max() < 1.0
    assert (weights / weights[0]).tolist() == [1, 0.5, 0.5, 0.25, 0.25, 0.25]


def test_a_dict_that_names_every_class_may_name_others():
    named = {np.str_("a"): 1.0, "b": 2.0, "c": 1.0}
    more = apply_class_weight(None, {"z": 9.0, **named, 0: 5.0}, CLASSES, LABELS)
    assert more.tolist() == apply_class_weight(None, named, CLASSES, LABELS).tolist()


def test_balanced_classes_have_equal_totals():
    for weights in (None, np.array([1.0, 2, 3, 4, 5, 6])):
        balanced = apply_class_weight(weights, "balanced", CLASSES, LABELS)
        totals = np.bincount(LABELS.labels, balanced)
        np.testing.assert_allclose(totals, np.full(3, totals[0]), rtol=8 * EPS)


def test_a_balanced_class_without_weight_stays_without():
    weights = np.array([0.0, 1, 1, 1, 1, 1])
    assert apply_class_weight(weights, "balanced", CLASSES, LABELS)[0] == 0


def test_probability_rows_mix_the_weights_of_their_classes():
    rows = ProbabilityRows(np.array([[0.5, 0.5, 0.0], [0.0, 0.25, 0.75]]))
    weights = apply_class_weight(None, {0: 2.0, 2: 4.0}, np.arange(3), rows)
    assert (weights / weights[0] * 1.5).tolist() == [1.5, 3.25]


@pytest.mark.parametrize("label", ["d", "A", 0, None])
def test_an_unknown_class_is_named(label):
    with pytest.raises(
        ValueError,
        match=rf"class_weight names the class {label!r}.*\['a', 'b', 'c'\], and not the class 'a'",
    ):
        apply_class_weight(None, {label: 1.0}, CLASSES, LABELS)
