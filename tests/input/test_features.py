"""X: converted once, never copied without need, refused at the first bad entry."""

import numpy as np
import pytest
from strategies import Csr

from softmax_regression._input.features import check_feature_names, check_features, feature_names
from softmax_regression._likelihood.logits import BLOCK_BYTES, row_blocks

X = np.arange(12.0).reshape(4, 3)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("order", ["C", "F"])
def test_native_floats_are_used_as_they_are(dtype, order):
    given = np.array(X, dtype, order=order)
    assert check_features(given) is given
    assert check_features(given[::2]).base is given


@pytest.mark.parametrize(("given", "kept"), [
    ("f2", "f4"), ("f4", "f4"), ("f8", "f8"), (">f4", "f4"), (">f8", "f8"), ("g", "f8"), ("i4", "f8"),
    ("u1", "f8"), (">i2", "f8"), ("?", "f8"), ("O", "f8"),
])  # fmt: skip
def test_dtype_is_kept_or_promoted(given, kept):
    original = X.astype(given)
    result = check_features(original)
    assert result.dtype == np.dtype(kept)
    assert result.dtype.isnative
    assert (result == original.astype(np.float64)).all()


def test_subclasses_and_sequences_become_plain_arrays():
    class Tagged(np.ndarray):
        pass

    for given in (X.view(Tagged), X.tolist(), tuple(X), [*map(tuple, X)]):
        result = check_features(given)
        assert type(result) is np.ndarray
        assert (result == X).all()


def test_unaligned_memory_is_copied():
    unaligned = np.frombuffer(b"x" + X.tobytes(), np.uint8)[1:].view(float).reshape(X.shape)
    assert not unaligned.flags.aligned
    result = check_features(unaligned)
    assert result.flags.aligned
    assert (result == X).all()


def test_a_memory_map_is_neither_copied_nor_changed(tmp_path):
    path = tmp_path / "X.dat"
    X.tofile(path)
    mapped = np.memmap(path, float, "r", shape=X.shape)
    assert np.shares_memory(check_features(mapped), mapped)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("place", [(0, 0), (70_001, 3), (99_999, 6)])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_the_first_bad_entry_is_found_across_blocks(dtype, order, place, bad):
    large = np.zeros((100_000, 7), dtype, order=order)
    large[place] = bad
    large[99_999, 6] = np.nan if place != (99_999, 6) else bad
    with pytest.raises(ValueError, match=rf"X\[{place[0]}, {place[1]}\] is {bad}"):
        check_features(large)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_large_and_tiny_finite_numbers_pass_in_silence(dtype):
    """Their squares overflow or underflow, which is no reason to refuse or to warn of them."""
    info = np.finfo(dtype)
    for value in (info.max, -info.max, info.smallest_subnormal):
        with np.errstate(all="raise"):
            assert check_features(np.full((3, 2), value, dtype)) is not None
            check_features(np.full((300_000, 2), value, dtype))


@pytest.mark.parametrize("n_features", [2, 4])
def test_the_number_of_features_is_checked_before_the_numbers(n_features):
    with pytest.raises(ValueError, match=f"X has 3 features.*expecting {n_features} features"):
        check_features(np.full((4, 3), np.nan), n_features)


def test_the_argument_s_name_is_in_every_message():
    for bad in ([[np.nan]], [["a"]], [[1j]], [1.0], np.zeros((2, 0)), [[None]], [[{}]], None,
                [[1], [2, 3]], np.ma.array([[1.0]])):  # fmt: skip
        with pytest.raises((TypeError, ValueError), match="table"):
            check_features(bad, name="table")


class Lazy:
    def collect(self):
        raise AssertionError


class Graph:
    def __dask_graph__(self):
        return {"a task": 1}


@pytest.mark.parametrize(("given", "remedy"), [(Lazy(), r"\.collect\(\)"), (Graph(), r"X\.map_partitions\(model\.predict\), or call X\.compute\(\)")],
                         ids=["lazy", "dask"])  # fmt: skip
def test_what_would_be_loaded_whole_is_refused(given, remedy):
    with pytest.raises(TypeError, match=remedy):
        check_features(given)


@pytest.mark.parametrize(("n_rows", "row_bytes"), [
    (0, 8), (1, 8), (10, 8), (10, BLOCK_BYTES), (10, 10 * BLOCK_BYTES), (1000, BLOCK_BYTES // 3), (7, 0),
])  # fmt: skip
def test_blocks_cover_every_row_once_and_stay_small(n_rows, row_bytes):
    blocks = list(row_blocks(n_rows, row_bytes))
    covered = [row for block in blocks for row in range(block.start, block.stop)]
    assert covered == list(range(n_rows))
    assert all((b.stop - b.start) * row_bytes <= max(BLOCK_BYTES, row_bytes) for b in blocks)


class Table:
    def __init__(self, columns):
        self.columns = columns


class Interchange:
    column_names = ("a", "b")

    @property
    def columns(self):
        pytest.fail("read the wrong attribute")


def test_feature_names_are_strings_or_none():
    assert feature_names(X) is None
    assert feature_names(X.tolist()) is None
    assert feature_names(Table([0, 1, 2])) is None
    assert feature_names(Table([])) is None
    assert feature_names(Interchange()).tolist() == ["a", "b"]
    assert feature_names(Table(["a", "b"])).tolist() == ["a", "b"]
    assert feature_names(Table(["a", "b"])).dtype == object
    with pytest.raises(TypeError, match=r"types \['int', 'str'\].*astype\(str\)"):
        feature_names(Table(["a", 1]))


def named(*names):
    return np.array(names, dtype=object)


def test_feature_names_that_agree_or_are_unknown_pass():
    check_feature_names(None, None)
    check_feature_names(named("a", "b"), named("a", "b"))


@pytest.mark.parametrize(("given", "fitted", "message"), [
    (named("a"), None, "^Z has feature names, but SoftmaxRegression was fitted without"),
    (None, named("a"), "^Z does not have valid feature names, but .* was fitted with them"),
], ids=["given", "fitted"])  # fmt: skip
def test_names_on_one_side_only_are_warned_of(given, fitted, message):
    with pytest.warns(UserWarning, match=message):
        check_feature_names(given, fitted, name="Z")


@pytest.mark.parametrize(("given", "fitted", "lines"), [
    (named("b", "a"), named("a", "b"), ["must be in the same order", r"by X[list("]),
    (named("a", "c"), named("a", "b"), ["unseen at fit time:", "- c", "yet now missing:", "- b"]),
    (named("a"), named("a", "b"), ["yet now missing:", "- b"]),
    (named("a", "b"), named("a"), ["unseen at fit time:", "- b"]),
    (named(*"hgfedcba"), named("x"), ["- a", "- b", "- c", "- d", "- e", "- ...", "- x"]),
], ids=range(5))  # fmt: skip
def test_feature_names_that_differ_are_listed(given, fitted, lines):
    with pytest.raises(
        ValueError, match="should match those that were passed during fit"
    ) as caught:
        check_feature_names(given, fitted)
    message = str(caught.value)
    assert all(line in message for line in lines)
    assert [message.index(line) for line in lines] == sorted(map(message.index, lines))


def test_a_lazy_frame_is_not_asked_for_its_columns():
    class Lazy:
        def collect(self):
            """Would run the query."""

        @property
        def columns(self):
            message = "the columns were asked for"
            raise AssertionError(message)

    assert feature_names(Lazy()) is None


@pytest.mark.parametrize("dtype", ["<f2", ">f2", "<f4", ">f4"])
def test_sparse_small_floats_of_any_byte_order_become_float32(dtype):
    assert check_features(Csr(np.eye(3, dtype=dtype))).dtype == np.dtype(np.float32)


class Frame:
    """A data frame as far as messages see one."""

    def __init__(self, **columns):
        self.columns = list(columns)
        self.values = np.array(list(columns.values()), dtype=object).T
        self.dtypes = [np.asarray(column).dtype for column in columns.values()]

    def __array__(self, dtype=None, copy=None):
        return self.values


NAN, INF = np.nan, np.inf


@pytest.mark.parametrize(("frame", "error", "message"), [
    (Frame(age=[1, 2], region=["N", "S"]), ValueError,
     r"could not convert string to float: column 'region' holds 'N' at X\[0, 1\]; encode the text"),
    (Frame(age=[1, 2], region=[b"N", 1]), ValueError, r"column 'region' holds b'N' at X\[0, 1\]"),
    (Frame(z=[1, 2j]), ValueError, r"Complex data not supported: column 'z' holds 2j at X\[1, 0\]"),
    (Frame(age=[1, 2], tags=[{}, {}]), TypeError, r"X\[0, 1\] is of type dict \(column 'tags'\)"),
    (Frame(age=[1, None]), ValueError, r"NaN: column 'age' holds None at X\[1, 0\]; 1 NaN in column 'age';"),
    (Frame(a=[1, None, 3], b=[None, NAN, 1], c=[1, 2, 3]), ValueError,
     r"column 'b' holds None at X\[0, 1\]; 3 NaN, 1 in column 'a', 2 in column 'b'; fill or drop"),
    (Frame(a=[1, INF], b=[-INF, INF]), ValueError,
     r"column 'b' holds -inf at X\[0, 1\]; 3 infinite, 1 in column 'a', 2 in column 'b'; replace"),
    (Frame(a=[1, 10**400]), ValueError, r"too large for float64: column 'a' holds 1000.* at X\[1, 0\]"),
    (Frame(a=[1, 2], day=np.array(["2026-01-01"] * 2, "M8[D]")), TypeError,
     r"X must hold numbers, but column 'day' is of type datetime64\[D\]; make numbers of it"),
], ids=range(9))  # fmt: skip
def test_the_column_of_a_data_frame_is_named(frame, error, message):
    with pytest.raises(error, match=message):
        check_features(frame)


def test_numbered_columns_are_named_by_their_numbers():
    frame = Frame(a=[1, 2], b=[1, None])
    frame.columns = np.array([2020, 2021])
    with pytest.raises(ValueError, match=r"column 2021 holds None at X\[1, 1\]"):
        check_features(frame)


@pytest.mark.parametrize("form", [np.asarray, Csr], ids=["dense", "sparse"])
def test_bad_cells_of_an_array_are_counted_by_column_number(form):
    bad = np.ones((9, 8))
    bad[2, 1] = bad[4, 1] = bad[5, 7] = NAN
    bad[8, 3] = INF
    with pytest.raises(ValueError, match=(
        r"NaN: X\[2, 1\] is nan; 3 NaN, 2 in column 1, 1 in column 7; 1 infinite in column 3; fill"
    )):  # fmt: skip
        check_features(form(bad))


def test_bad_cells_are_counted_across_blocks():
    bad = np.zeros((3 * BLOCK_BYTES // 8, 2))
    bad[[5, -5], 1] = NAN
    with pytest.raises(ValueError, match=r"X\[5, 1\] is nan; 2 NaN in column 1;"):
        check_features(bad)


def test_only_the_first_few_bad_columns_are_named():
    with pytest.raises(ValueError, match=r"1 in column 4, the rest in 7 more columns; fill"):
        check_features(np.full((1, 12), NAN))


@pytest.mark.parametrize(("given", "message"), [
    ([[1.0, "N"], [2.0, "S"]], r"X\[0, 1\] is 'N'; encode the text"),
    (np.array([[b"1", b"x"]]), r"X\[0, 1\] is b'x'; encode the text"),
    (np.array([["1", "2.5"]]), r"X\[0, 0\] is '1'; convert the numbers written as text with np\.asarray"),
    (np.array([[1.0, 2j]]), r"Complex data not supported: X\[0, 1\] is 2j; pass the real part"),
    ([[1, 2], [3], [4, 5]], r"rows of different lengths: X\[0\] has length 2, X\[1\] has length 1$"),
    ([[1, 2], 3], r"rows of different lengths: X\[0\] has length 2, X\[1\] has none$"),
    ([[[1], [2, 3]], [[1], [2, 3]]], r"rows of different lengths: .*inhomogeneous"),
], ids=range(7))  # fmt: skip
def test_the_first_entry_at_fault_is_shown(given, message):
    with pytest.raises(ValueError, match=message):
        check_features(given)


@pytest.mark.parametrize(
    ("dtype", "error"), [("U3", ValueError), ("c16", ValueError), ("M8[D]", TypeError)]
)
def test_no_rows_of_another_kind_are_refused_too(dtype, error):
    with pytest.raises(error, match=r"X has dtype|X must hold numbers, got dtype"):
        check_features(np.empty((0, 3), dtype))


def test_records_are_refused():
    with pytest.raises(
        TypeError, match=r"must hold numbers, got dtype \[\('a', '<f8'\)\]; convert"
    ):
        check_features(np.zeros((2, 2), [("a", "<f8")]))


@pytest.mark.parametrize("dtype", ["M8[D]", "m8[s]"])
def test_dates_without_a_frame_are_refused_with_advice(dtype):
    with pytest.raises(
        TypeError, match=r"got dtype (datetime|timedelta)64.*the days since a start"
    ):
        check_features(np.zeros((2, 2), dtype))


def test_a_column_of_a_data_frame_is_told_to_become_a_frame():
    class Column:
        to_frame = None

        def __array__(self, dtype=None, copy=None):
            return np.ones(3)

    with pytest.raises(ValueError, match=r"data with X\.to_frame\(\) if it is a single feature"):
        check_features(Column())
