"""y: labels to indices and back, probability rows, and what is refused."""

import datetime as dt
import enum
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tolerances import EPS

from softmax_regression._input.labels import (
    check_classes,
    check_y,
    class_columns,
    distinct,
    encode,
    find_classes,
    label_text,
    refuse_misfit,
    refuse_other_columns,
)


def objects(labels):
    """An array of one object per label, also where labels are sequences."""
    array = np.empty(len(labels), dtype=object)
    array[:] = labels
    return array


def learned(y, weight=None):
    """The classes and indices that a fit would see."""
    checked = check_y(y, len(y))
    classes = find_classes(checked, weight)
    return classes, encode(checked, classes).given


SETS = {
    "strings": ["b", "a", "b", "long enough"],
    "bytes": [b"b", b"a", b"b", b"c"],
    "ints": [5, -3, 5, 10**9],
    "bools": [True, False, True, True],
    "floats": [2.0, -1.0, 2.0, 0.0],
    "dates": np.array(["2020-01-01", "2019-01-01", "2020-01-01", "2021-05-05"], "M8[D]"),
    "objects": np.array(["b", "a", "b", "c"], object),
    "tuples_of_int_objects": np.array([3, 1, 3, 2], object),
    "big_ints": np.array([2**70, 5, 2**70, 2**71], object),
}


@pytest.mark.parametrize("name", SETS)
def test_labels_come_back_from_their_indices(name):
    y = np.asarray(SETS[name])
    classes, indices = learned(SETS[name])
    assert classes.tolist() == sorted(set(y.tolist()))
    assert classes[indices].tolist() == y.tolist()
    if name not in ("tuples_of_int_objects",):
        assert classes.dtype == y.dtype


dtypes = st.sampled_from(["i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8"])


@given(st.data(), dtypes)
def test_integer_labels_of_every_width_and_place(data, dtype):
    """Differences that overflow the labels' own dtype must not disturb their indices."""
    info = np.iinfo(dtype)
    distinct = data.draw(st.lists(st.integers(info.min, info.max), min_size=2, max_size=5, unique=True)
                         | st.integers(info.min, info.max - 40).map(lambda k: [k, k + 40, k + 7]))  # fmt: skip
    more = data.draw(st.lists(st.sampled_from(distinct), max_size=5))
    y = np.array([*distinct, *more], dtype)
    classes, indices = learned(y)
    assert classes.dtype == y.dtype
    assert classes.tolist() == sorted(set(y.tolist()))
    assert (classes[indices] == y).all()
    unknown = next(k for k in range(info.min, info.max) if k not in distinct)
    with pytest.raises(ValueError, match=rf"y\[1\] is {unknown}, which is not among"):
        encode(np.array([distinct[0], unknown], dtype), classes)


@pytest.mark.parametrize("y", [[0.0, 2.0], np.array([0, 2], "u1"), np.array([False, True])])
def test_labels_of_another_numeric_dtype_find_their_class(y):
    targets = encode(check_y(y, 2), np.array([0, 1, 2]))
    assert targets.given.tolist() == [int(value) for value in y]


def test_a_longer_string_is_not_taken_for_its_beginning():
    with pytest.raises(ValueError, match=r"y\[0\] is 'abc', which is not among the classes \['ab'"):
        encode(np.array(["abc"]), np.array(["ab", "x"]))


def test_many_classes_are_not_all_listed():
    with pytest.raises(ValueError, match=r"\[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, \.\.\.\]"):
        encode(np.array([99]), np.arange(50))


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", ">f8", "i1", "?", "O"])
def test_probability_rows_keep_their_values(dtype):
    rows = np.eye(3)[[2, 0, 1, 1]].astype(dtype)
    checked = check_y(rows, 4)
    assert checked.dtype.kind == "f"
    assert checked.dtype.isnative
    assert (checked == np.eye(3)[[2, 0, 1, 1]]).all()


@pytest.mark.parametrize("off", [1.4e-8, -1.4e-8])
def test_probability_rows_may_be_off_by_the_root_of_the_precision(off):
    """The square root of eps is 1.49e-8 in float64."""
    check_y(np.array([[0.5, 0.5 + off]]), 1)
    with pytest.raises(ValueError, match=r"row 0 has minimum 0\.0 and sum"):
        check_y(np.array([[0.5, 0.5 + 1.2 * off]]), 1)


SHARES = np.random.default_rng(6).dirichlet(np.ones(7), 50)


@pytest.mark.parametrize("dtype", ["f2", "f4", ">f4"])
def test_rounded_probability_rows_are_divided_by_their_sums(dtype):
    rows = SHARES.astype(dtype)
    before = rows.copy()
    checked = check_y(rows, 50)
    assert checked.dtype == np.float64
    assert (abs(checked.sum(axis=1) - 1) <= 7 * EPS).all()
    exact = rows.astype(np.float64)
    np.testing.assert_allclose(checked, exact / exact.sum(axis=1, keepdims=True), rtol=EPS)
    assert (rows == before).all()


def test_rows_with_sum_one_are_used_as_they_are():
    exact = np.array([[0.25, 0.75], [1.0, 0.0]], np.float32)
    assert check_y(exact, 2) is exact
    assert check_y(SHARES, 50) is SHARES
    mixed = np.vstack([SHARES[:2], SHARES[2] * (1 + 1e-9)])
    assert (check_y(mixed, 3)[:2] == SHARES[:2]).all()


def test_float16_rows_are_judged_by_their_own_precision():
    """Of a thousand classes, each rounded alike, the sum is 4e-4 off; the root of eps is 0.03."""
    assert check_y(np.full((1, 1000), 1 / 1000, np.float16), 1).shape == (1, 1000)
    with pytest.raises(ValueError, match="row 0 has minimum"):
        check_y(np.array([[0.5, 0.55]], np.float16), 1)


def test_classes_of_weight_zero_are_absent_and_named():
    with pytest.warns(UserWarning, match="all rows of class 'b' have weight 0"):
        classes = find_classes(np.array(["a", "b", "c"]), np.array([1.0, 0.0, 2.0]))
    assert classes.tolist() == ["a", "c"]
    kept = find_classes(np.array(["a", "b", "b"]), np.array([1.0, 0.0, 2.0]))
    assert kept.tolist() == ["a", "b"]


def test_absent_rows_may_hold_any_label():
    absent = np.array([False, True, False])
    targets = encode(np.array([0, 7, 2]), np.array([0, 2]), absent=absent)
    assert targets.given.tolist() == [0, 0, 1]


def test_many_rare_classes_are_warned_of_only_where_they_are_many():
    with pytest.warns(UserWarning, match="greater than 50%"):
        find_classes(np.arange(21), None)
    find_classes(np.arange(20), None)
    find_classes(np.arange(42) // 2, None)


def test_classes_are_sorted_and_distinct():
    assert check_classes(["c", "a", "b"]).tolist() == ["a", "b", "c"]
    assert check_classes((3, 1)).tolist() == [1, 3]
    assert check_classes(range(3)).tolist() == [0, 1, 2]
    with pytest.raises(
        ValueError,
        match=(
            r"must be distinct, got 3 with 2 distinct: classes\[0\] and classes\[2\] are both 'a'; give"
        ),
    ):
        check_classes(["a", "b", "a"])
    with pytest.raises(ValueError, match="one-dimensional"):
        check_classes([[0, 1]])


@pytest.mark.parametrize("y", [{"a": 1}, {1, 2}, 3, "ab"], ids=str)
def test_what_is_no_sequence_is_refused(y):
    with pytest.raises(ValueError, match="one- or two-dimensional"):
        check_y(y, 2)


@pytest.mark.parametrize("y", [[True, 2], (2.0, np.True_), [1, False, 0]], ids=str)
def test_booleans_among_numbers_are_not_numbers(y):
    with pytest.raises(TypeError, match=r"y mixes bool and (int|float)"):
        check_y(y, len(y))


def test_labels_that_are_no_single_values_are_refused():
    y = np.empty(2, object)
    y[:] = [["a"], ["b"]]
    with pytest.raises(TypeError, match=r"y\[0\] is a list; labels must be single values"):
        check_y(y, 2)


@pytest.mark.parametrize("dtype", ["M8[D]", "m8[s]"])
def test_a_missing_date_is_refused_by_its_place(dtype):
    with pytest.raises(ValueError, match=r"y\[1\] is NaT; labels must not be missing"):
        check_y(np.array([3, "NaT"], dtype), 2)


SORTS = {
    "text": np.array(["1", "2"]),
    "bytes": np.array([b"1", b"2"]),
    "numbers": np.array([1, 2]),
    "dates": np.array([1, 2], "M8[D]"),
    "durations": np.array([1, 2], "m8[D]"),
}


@pytest.mark.parametrize("given", SORTS)
@pytest.mark.parametrize("known", SORTS)
def test_labels_of_another_sort_than_the_classes_are_refused(given, known):
    for y in (SORTS[given], SORTS[given].astype(object) if given in ("text", "bytes") else None):
        if y is None or given == known:
            continue
        with pytest.raises(
            TypeError, match=f"y holds {given}, but the model's classes are {known}"
        ):
            refuse_misfit(y, SORTS[known])
    refuse_misfit(SORTS[given], SORTS[given])
    refuse_misfit(SORTS[given][:0], SORTS[known])


def test_labels_of_any_other_kind_may_be_equal_to_the_classes():
    dates = np.array(["2020-01-01", "2021-01-01"], "M8[D]")
    assert encode(dates.astype(object), dates).given.tolist() == [0, 1]


def test_whole_numbers_among_floats_are_floats():
    found = check_y(np.array([1, 2.0, 1], dtype=object), 3)
    assert found.dtype == np.float64


def test_probability_rows_without_columns_hold_too_few_classes():
    with pytest.raises(ValueError, match="class"):
        check_y(np.ones((3, 0)), 3)


class Colour(enum.Enum):
    RED = 1
    BLUE = 2


class Size(str, enum.Enum):  # noqa: UP042 - as written before Python 3.11
    SMALL = "s"
    LARGE = "l"


def test_labels_without_an_order_are_refused_by_name():
    message = r"must hold labels that can be sorted.*type Colour have no order: {0}\[0\] is <Colour"
    with pytest.raises(
        TypeError, match=message.format("y") + r".*give \[label\.name for label in y\]"
    ):
        distinct(check_y([Colour.RED, Colour.BLUE], 2))
    with pytest.raises(TypeError, match=message.format("classes")):
        check_classes(list(Colour))
    with pytest.raises(TypeError, match=r"type complex have no order: .*give text or integers"):
        distinct(check_y(np.array([1j, 2j], dtype=object), 2))


def test_members_of_an_enum_of_text_are_the_text():
    """NumPy would write Size.SMALL, cut to the length of "s"."""
    assert check_y([Size.SMALL, Size.LARGE], 2).tolist() == ["s", "l"]
    assert check_y([Size.SMALL, "l"], 2).tolist() == ["s", "l"]


def test_a_label_that_only_looks_hashable_is_refused_by_place():
    with pytest.raises(TypeError, match=r"y\[1\] is a tuple; labels must be single values"):
        check_y(objects([("a", 1), ("b", [2])]), 2)


def test_mixed_labels_are_shown_where_they_first_differ():
    with pytest.raises(
        TypeError, match=r"y mixes int and str.*: y\[0\] is 'a', y\[2\] is 3; convert"
    ):
        check_y(["a", "b", 3], 3)


DAYS = np.array(["2026-01-01", "2026-01-02", "2026-01-01"], dtype="M8[ns]")


def test_dates_are_shown_as_dates():
    """Python writes nanoseconds as integers."""
    assert label_text(DAYS[0]) == "2026-01-01"
    assert label_text(DAYS[0] + np.timedelta64(3, "h")) == "2026-01-01T03:00"
    assert label_text(np.timedelta64(3, "D")) == "3 days"
    assert label_text(dt.date(2026, 1, 1)) == "2026-01-01"
    assert label_text(np.str_("a")) == "'a'"
    with pytest.raises(
        ValueError, match=r"y\[1\] is 2026-01-02, which is not among the classes \[2026-01-01"
    ):
        encode(DAYS, DAYS[[0]])
    with pytest.raises(ValueError, match=r"only one class: 2026-01-01\. Give"):
        find_classes(DAYS[[0, 2]], None)
    with pytest.warns(UserWarning, match="all rows of class 2026-01-03 have weight 0"):
        find_classes(np.append(DAYS, DAYS[1:2] + np.timedelta64(1, "D")), np.array([1.0, 1, 1, 0]))


def frame(*columns):
    """A data frame as far as the classes' names go."""
    return SimpleNamespace(columns=list(columns))


def test_columns_of_probability_rows_name_the_classes():
    assert class_columns(frame("b", "a")).tolist() == ["b", "a"]
    assert class_columns(frame(5, np.int64(0))).tolist() == [5, 0]
    assert class_columns(frame(False, True)).tolist() == [False, True]
    assert class_columns(frame(0, 1, 2)) is None
    assert class_columns(frame("a")) is None
    assert class_columns(np.eye(3)) is None


def test_probability_rows_have_the_classes_of_their_columns():
    names = class_columns(frame("b", "a"))
    assert find_classes(np.eye(2), None, names).tolist() == ["b", "a"]
    assert find_classes(np.eye(2), None).tolist() == [0, 1]


@pytest.mark.parametrize(("columns", "error", "message"), [
    (["a", "b", "a"], ValueError, r"the columns of y must be distinct.*\[2\] are both 'a'"),
    (["a", 3], TypeError, "the columns of y mixes int and str"),
    ([0.5, 1.0], ValueError, r"the columns of y\[0\] is 0\.5"),
])  # fmt: skip
def test_columns_that_cannot_name_classes_are_refused(columns, error, message):
    with pytest.raises(error, match=message):
        class_columns(frame(*columns))


def test_columns_must_be_called_as_the_classes_in_their_order():
    classes = np.array(["a", "b"])
    refuse_other_columns(None, classes)
    refuse_other_columns(objects(["a", "b"]), classes)
    with pytest.raises(
        ValueError, match=r"called \['b', 'a'\], but .* \['a', 'b'\]; put them in that order"
    ):
        refuse_other_columns(np.array(["b", "a"]), classes)
    with pytest.raises(
        ValueError, match=r"called \['a', 'c'\], but .*; call them so, or pass np.asarray\(y\)"
    ):
        refuse_other_columns(np.array(["a", "c"]), classes)


@pytest.mark.parametrize("dtype", ["i8", "u1", "f8", "M8[D]", "O", "U3"])
def test_labels_are_found_among_classes_of_any_order(dtype):
    classes = np.array([5, 0, 7, 2]).astype(dtype)
    y = np.array([0, 7, 5, 2, 0]).astype(dtype)
    assert encode(y, classes).labels.tolist() == [1, 2, 0, 3, 1]
    with pytest.raises(ValueError, match=r"y\[0\] is .*, which is not among the classes"):
        encode(np.array([3]).astype(dtype), classes)


def test_no_classes_are_refused():
    with pytest.raises(ValueError, match="only one class: none"):
        check_classes([])


@pytest.mark.parametrize("classes", [{"a": 1, "b": 2}, {"a", "b"}, "ab", 3], ids=str)
def test_classes_that_are_no_sequence_are_refused(classes):
    kind = type(classes).__name__
    with pytest.raises(
        ValueError, match=f"classes must be one-dimensional, got a {kind}.*give a list"
    ):
        check_classes(classes)
