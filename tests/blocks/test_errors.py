"""What is wrong with blocks is said by class and message, with the number of the block."""

import os
import pickle
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context

import numpy as np
import pytest
from cuts import Loader, Raises, Rows, cut, drawn, evenly, exact, sample_of

from softmax_regression import DivergenceError, SoftmaxRegression

ROWS = drawn(400)
BLOCKS = evenly(ROWS, 4)


def nan_in(block):
    X = block[0].copy()
    X[77, 3] = np.nan
    return (X, *block[1:])


def replaced(number, block):
    return [*BLOCKS[:number], block, *BLOCKS[number + 1 :]]


X, Y = BLOCKS[3]
SOFT = np.eye(4)[Y]
WRONG = {
    "an iterator": (iter(BLOCKS), TypeError, "blocks are read several times, got .* pass a list, of"),
    "a generator": ((b for b in BLOCKS), TypeError, "blocks are read several times"),
    "no sequence": (7, TypeError, "blocks must be a list of tuples .* got int"),
    "an array": (ROWS.X, TypeError, "blocks must be a list of tuples .* got ndarray"),
    "a dict": ({0: BLOCKS[0]}, TypeError, "blocks must be a list of tuples .* got dict"),
    "text": ("abc", TypeError, "blocks must be a list of tuples .* got str"),
    "no blocks": ([], ValueError, "blocks is empty; give at least one block"),
    "rows instead of blocks": (
        [ROWS.X, ROWS.y], TypeError, r"block 0: a block must be a tuple \(X, y\) .* got ndarray",
    ),
    "a tuple of one": (replaced(2, (X,)), TypeError, "block 2: a block must .* got tuple of length 1"),
    "no rows at all": ([(X[:0], Y[:0])] * 2, ValueError, "the blocks have no rows; give at least"),
    "NaN": (
        replaced(3, nan_in(BLOCKS[3])), ValueError, r"^block 3: Input X contains NaN: X\[77, 3\] is nan",
    ),
    "fewer columns": (
        replaced(2, (X[:, :5], Y)), ValueError, "^block 2 has 5 features, block 0 has 6 features; give",
    ),
    "y of another length": (replaced(1, (X, Y[:-1])), ValueError, "block 1: Found input variables"),
    "other weights": (replaced(1, (X, Y, [1.0])), ValueError, r"block 1: sample_weight.shape == \(1,\)"),
    "a negative weight": (
        replaced(1, (X, Y, -np.ones(len(Y)))), ValueError, "block 1: Negative values in data",
    ),
    "a missing label": (
        replaced(1, (X, np.where(Y == 1, np.nan, Y))), ValueError, "block 1: Input y contains NaN",
    ),
    "probability rows beside labels": (
        replaced(3, (X, SOFT)), ValueError,
        "block 3 has probability rows of 4 classes, block 0 has labels; give all blocks the same kind",
    ),
    "text beside numbers": (
        replaced(3, (X, Y.astype(str))), TypeError, "block 3: y holds text, but the model's classes are",
    ),
    "one class": ([(x, 0 * y) for x, y in BLOCKS], ValueError, "needs at least 2 classes"),
    "no weight": ([(x, y, 0.0 * y) for x, y in BLOCKS], ValueError, "at least one non-zero number"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_blocks_that_are_wrong_are_refused(case):
    blocks, error, message = WRONG[case]
    model = SoftmaxRegression()
    with pytest.raises(error, match=message):
        model.fit_blocks(blocks)
    assert not hasattr(model, "coef_")


def test_labels_outside_classes_name_block_and_label():
    blocks = replaced(2, (X, np.where(np.arange(len(Y)) == 5, 17, Y)))
    with pytest.raises(ValueError, match=r"^block 2: y\[5\] is 17, which is not among the classes"):
        SoftmaxRegression().fit_blocks(blocks, classes=[0, 1, 2, 3])
    weight = np.arange(len(Y)) != 5
    absent = replaced(2, (*blocks[2], weight.astype(float)))
    assert len(SoftmaxRegression().fit_blocks(absent, classes=[0, 1, 2, 3]).classes_) == 4


@pytest.mark.parametrize(
    ("blocks", "classes", "error", "message"),
    [
        (BLOCKS, [0, 0, 1], ValueError, "classes must be distinct"),
        (
            BLOCKS,
            ["a", "b"],
            TypeError,
            "block 0: y holds numbers, but the model's classes are text",
        ),
        ([(x, 0 * y) for x, y in BLOCKS], [0, 1], ValueError, "needs at least 2 classes"),
        ([(X, SOFT)], [0, 1, 2], ValueError, "block 0: y has probability rows of 4 classes"),
    ],
)
def test_classes_that_do_not_fit_are_refused(blocks, classes, error, message):
    with pytest.raises(error, match=message):
        SoftmaxRegression().fit_blocks(blocks, classes=classes)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"learning_rate": 0.1},
            "fit_blocks needs learning_rate='auto', got 0.1: gradient descent",
        ),
        ({"l2": "auto"}, "l2='auto' needs all rows in memory: use fit on a sample"),
        ({"early_stopping": True}, "early_stopping=True over blocks needs rows to watch"),
        ({"class_weight": {9: 1.0}}, "class_weight names the class 9, but the classes are"),
        (
            {"class_weight": dict.fromkeys(range(4), 0.0)},
            "class_weight gives every row the weight 0",
        ),
    ],
)
def test_settings_that_need_all_rows_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        SoftmaxRegression(**settings).fit_blocks(BLOCKS)


class OddError(Exception):
    pass


def fitted():
    model = exact().fit_blocks(BLOCKS)
    return model, {key: pickle.dumps(value) for key, value in vars(model).items()}


@pytest.mark.parametrize("kind", [list, iter], ids=["all at once", "one by one"])
def test_what_a_block_raises_comes_with_its_number(kind):
    """The first in the order of the blocks, whatever the map does; the model is as before."""
    model, before = fitted()
    loaders = [Loader(*BLOCKS[0]), Raises(OddError("disk on fire")), Raises(OSError("second"))]
    with pytest.raises(OddError, match="disk on fire") as caught:
        model.fit_blocks(loaders, map=lambda f, items: kind([f(item) for item in items]))
    assert caught.value.__notes__ == ["in block 1"]
    assert {key: pickle.dumps(value) for key, value in vars(model).items()} == before


class Changes:
    """Loads another block from the second reading on."""

    def __init__(self, *blocks):
        self.blocks, self.calls = blocks, 0

    def __call__(self):
        self.calls += 1
        return self.blocks[min(self.calls, len(self.blocks)) - 1]


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (
            (X[:90], Y[:90]),
            "block 3 had 100 rows and now has 90; every reading must find the same rows",
        ),
        (
            (X, Y, 2.0 * np.ones(100)),
            "the weights of block 3 had the sum 100 and now have 200; every",
        ),
        ((X[:, :5], Y), "block 3: X had 6 features and now has 5; every"),
        ((X, Y + 1), r"block 3: y\[.*\] is 4, which is not among the classes"),
    ],
)
def test_rows_that_change_between_readings_are_refused(other, message, monkeypatch):
    sample_of(monkeypatch, ROWS, 200)
    model, before = fitted()
    with pytest.raises(ValueError, match=message):
        model.fit_blocks(replaced(3, Changes(BLOCKS[3], other)))
    assert {key: pickle.dumps(value) for key, value in vars(model).items()} == before


def test_rows_that_become_nan_end_the_fit(monkeypatch):
    sample_of(monkeypatch, ROWS, 200)
    model, before = fitted()
    with pytest.raises(DivergenceError):
        model.fit_blocks(replaced(3, Changes(BLOCKS[3], nan_in(BLOCKS[3]))))
    assert {key: pickle.dumps(value) for key, value in vars(model).items()} == before


def test_a_map_that_loses_or_invents_results_is_refused():
    with pytest.raises(ValueError, match="map returned 3 results for 4 blocks; it must return one"):
        exact().fit_blocks(BLOCKS, map=lambda f, items: [f(item) for item in items][:3])
    with pytest.raises(ValueError, match="map returned 8 results for 4 blocks"):
        exact().fit_blocks(BLOCKS, map=lambda f, items: [f(item) for item in items] * 2)
    with pytest.raises(TypeError, match="map returned int for block 0; it must return what the"):
        exact().fit_blocks(BLOCKS, map=lambda _, items: range(len(items)))


def test_names_of_columns_must_agree():
    class Frame:
        def __init__(self, values, names):
            self.values, self.columns, self.shape = values, names, values.shape

        def __array__(self, dtype=None, copy=None):
            return self.values

    names = list("abcdef")
    blocks = [(Frame(x, names), y) for x, y in BLOCKS]
    assert list(exact().fit_blocks(blocks).feature_names_in_) == names
    blocks[2] = Frame(BLOCKS[2][0], list("abcdxf")), BLOCKS[2][1]
    message = r"block 2 has the columns \['a', .*'x', 'f'\], block 0 has the columns .*; name the"
    with pytest.raises(ValueError, match=message):
        exact().fit_blocks(blocks)
    blocks[2] = BLOCKS[2]
    with pytest.raises(ValueError, match="block 2 has no column names, block 0 has the columns"):
        exact().fit_blocks(blocks)


class Dies:
    def __call__(self):
        os._exit(3)


def test_errors_in_processes_keep_their_class_and_say_where(processes):
    model, before = fitted()
    loaders = [Loader(*block) for block in BLOCKS]
    with pytest.raises(OSError, match="no such part") as caught:
        model.fit_blocks([*loaders, Raises(OSError("no such part"))], map=processes.map)
    assert caught.value.__notes__[0] == "in block 4"
    assert "raise self.error" in caught.value.__notes__[1]
    assert {key: pickle.dumps(value) for key, value in vars(model).items()} == before


@pytest.mark.thorough
def test_a_pool_that_breaks_says_so_itself():
    """The model is as before, as after any error."""
    model, before = fitted()
    with (
        ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool,
        pytest.raises(BrokenProcessPool),
    ):
        model.fit_blocks([Loader(*BLOCKS[0]), Dies()], map=pool.map)
    assert {key: pickle.dumps(value) for key, value in vars(model).items()} == before


def test_an_interrupt_passes_through():
    model, before = fitted()
    with pytest.raises(KeyboardInterrupt):
        model.fit_blocks([*BLOCKS, Raises(KeyboardInterrupt())])
    assert {key: pickle.dumps(value) for key, value in vars(model).items()} == before


def test_unknown_arguments_are_refused_by_name():
    with pytest.raises(
        TypeError, match=r"fit_blocks\(\) got an unexpected keyword argument 'class'"
    ):
        SoftmaxRegression().fit_blocks(BLOCKS, **{"class": [0, 1]})


def test_an_empty_block_in_the_middle_changes_nothing():
    rows = Rows(*ROWS[:2])
    assert (
        exact().fit_blocks(cut(rows, [100, 100, 300])).coef_ == exact().fit(*rows[:2]).coef_
    ).all()


def test_an_l2_for_other_columns_names_how_many_there_are():
    with pytest.raises(ValueError, match=r"l2 has length 3, but X has \d+ columns"):
        SoftmaxRegression(l2=[0.1, 0.2, 0.3]).fit_blocks(BLOCKS)
