"""Blocks give what `fit` gives on all rows at once: however they are cut, whatever map runs them."""

from concurrent.futures import ThreadPoolExecutor
from functools import cache

import numpy as np
import pytest
from cuts import Counted, Loader, Rows, curve, cut, drawn, evenly, exact, sample_of, unevenly

from softmax_regression import ConvergenceWarning, SoftmaxRegression

ROWS = drawn(1_500)
N = len(ROWS.y)
RNG = np.random.default_rng(5)
WEIGHT = RNG.exponential(size=N) * (RNG.random(N) < 0.8)
SOFT = 0.7 * np.eye(4)[ROWS.y] + 0.3 * RNG.dirichlet(np.ones(4), size=N)
TEXT = np.array(["ash", "birch", "cedar", "elm"])[ROWS.y]
KINDS = {
    "labels": (ROWS, {}),
    "text": (Rows(ROWS.X, TEXT), {}),
    "weights": (Rows(ROWS.X, ROWS.y, WEIGHT), {}),
    "huge weights": (Rows(ROWS.X, ROWS.y, WEIGHT * 1e300), {}),
    "tiny weights": (Rows(ROWS.X, ROWS.y, WEIGHT * 1e-300), {}),
    "probability rows": (Rows(ROWS.X, SOFT), {}),
    "balanced": (ROWS, {"class_weight": "balanced"}),
    "class weights": (Rows(ROWS.X, TEXT), {"class_weight": {"ash": 3.0, "elm": 0.5}}),
    "one class weight for all": (
        Rows(ROWS.X, TEXT),
        {"class_weight": dict.fromkeys(np.unique(TEXT).tolist(), 3.0)},
    ),
    "weighted probability rows": (
        Rows(ROWS.X, SOFT, WEIGHT),
        {"class_weight": {0: 2.0, 1: 1.0, 2: 1.0, 3: 0.25}},
    ),
    "smoothing": (ROWS, {"label_smoothing": 0.1, "class_weight": "balanced"}),
    "no intercept": (ROWS, {"fit_intercept": False}),
    "two classes": (Rows(ROWS.X, ROWS.y > 1), {}),
    "l1": (ROWS, {"l1": 3e-3}),
    "l1 alone": (ROWS, {"l1": 3e-3, "l2": 0.0}),
    "l1 without intercept": (Rows(ROWS.X, SOFT), {"l1": 1e-3, "fit_intercept": False}),
    "integers": (Rows(np.round(ROWS.X).astype(np.int16), ROWS.y), {}),
}
SAMPLE = 400


@cache
def fitted(kind):
    """The fit of all rows of a kind at once: not to be changed."""
    rows, settings = KINDS[kind]
    return exact(**settings).fit(*rows)


@pytest.fixture
def small_sample(monkeypatch):
    sample_of(monkeypatch, ROWS, SAMPLE)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.usefixtures("small_sample")
def test_the_optimum_is_that_of_all_rows(kind):
    rows, settings = KINDS[kind]
    expected = fitted(kind)
    model = exact(**settings).fit_blocks(unevenly(rows, 6))
    assert model.converged_
    assert model.optimality_gap_ <= 1e-11
    # A gap of 1e-11 leaves weights 1e-8 apart where F is curved, and more along its flat kinks.
    scale = np.abs(expected.coef_).max() * (1e3 if "l1" in settings else 1.0)
    np.testing.assert_allclose(model.coef_, expected.coef_, rtol=0, atol=1e-7 * scale)
    np.testing.assert_allclose(model.loss_curve_[-1], expected.loss_curve_[-1], rtol=1e-12)
    assert (model.classes_ == expected.classes_).all()
    if "l1" in settings:
        np.testing.assert_array_equal(model.coef_ == 0, expected.coef_ == 0)


@pytest.mark.parametrize("kind", KINDS)
def test_where_the_sample_is_all_rows_the_fit_is_that_of_fit(kind):
    rows, settings = KINDS[kind]
    expected = fitted(kind)
    door = Counted()
    model = exact(**settings).fit_blocks(evenly(rows, 5), map=door)
    np.testing.assert_allclose(model.coef_, expected.coef_, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(curve(model), curve(expected), rtol=1e-9, atol=1e-14)
    assert model.n_iter_ == door.calls == 1


def test_without_weights_it_is_the_same_to_the_bit():
    model, expected = exact().fit_blocks(unevenly(ROWS, 7)), exact().fit(*ROWS)
    assert (model.coef_ == expected.coef_).all()
    assert (curve(model) == curve(expected)).all()


@pytest.mark.parametrize("n_blocks", [1, 2, 16, 200])
@pytest.mark.usefixtures("small_sample")
def test_any_cut_gives_the_same_optimum(n_blocks):
    expected = fitted("labels")
    model = exact().fit_blocks(unevenly(ROWS, n_blocks))
    scale = np.abs(expected.coef_).max()
    np.testing.assert_allclose(model.coef_, expected.coef_, rtol=0, atol=1e-8 * scale)


@pytest.mark.usefixtures("small_sample")
def test_blocks_sorted_by_label_give_the_same_optimum():
    order = np.argsort(ROWS.y, kind="stable")
    blocks = evenly(Rows(ROWS.X[order], TEXT[order]), 16)
    assert any(len(set(y)) == 1 for _, y in blocks)
    expected = exact().fit(ROWS.X, TEXT)
    model = exact().fit_blocks(blocks)
    scale = np.abs(expected.coef_).max()
    np.testing.assert_allclose(model.coef_, expected.coef_, rtol=0, atol=1e-8 * scale)
    assert list(model.classes_) == list(expected.classes_)


@pytest.fixture(scope="module")
def pools(processes):
    with ThreadPoolExecutor(2) as threads:
        yield {
            "threads": threads.map,
            "processes": processes.map,
            "list": lambda f, i: [*map(f, i)],
        }


@pytest.mark.parametrize("settings", [{}, {"l1": 1e-3}], ids=["l2", "l1"])
@pytest.mark.usefixtures("small_sample")
def test_any_map_gives_the_same_bits(settings, pools):
    blocks = unevenly(Rows(ROWS.X, TEXT, WEIGHT), 6)
    expected = exact(**settings).fit_blocks(blocks)
    loaders = [Loader(*block) for block in blocks]
    for name, pool in pools.items():
        model = exact(**settings).fit_blocks(loaders, map=pool)
        assert (model.coef_ == expected.coef_).all(), name
        assert (curve(model) == curve(expected)).all(), name


def test_what_the_map_turns_into_a_block_goes_through_untouched():
    store = dict(enumerate(evenly(ROWS, 3)))
    model = exact().fit_blocks([0, 1, 2], map=lambda f, keys: [f(store[key]) for key in keys])
    assert (model.coef_ == exact().fit(*ROWS).coef_).all()


@pytest.mark.usefixtures("small_sample")
def test_a_model_is_in_single_precision_where_all_blocks_are():
    single = Rows(ROWS.X.astype(np.float32), ROWS.y)
    blocks = evenly(single, 4)
    model = SoftmaxRegression(l2=1e-3, tol=1e-5).fit_blocks(blocks)
    assert model.coef_.dtype == np.float32
    assert model.converged_
    expected = SoftmaxRegression(l2=1e-3, tol=1e-9).fit(ROWS.X, ROWS.y)
    assert model.loss_curve_[-1] <= expected.loss_curve_[-1] + 1e-5
    mixed = [(blocks[0][0].astype(np.float64), blocks[0][1]), *blocks[1:]]
    assert SoftmaxRegression(l2=1e-3).fit_blocks(mixed).coef_.dtype == np.float64


@pytest.mark.usefixtures("small_sample")
def test_single_precision_that_cannot_hold_the_optimum_says_so():
    blocks = evenly(Rows(ROWS.X.astype(np.float32), ROWS.y), 4)
    with pytest.warns(ConvergenceWarning, match="float32"):
        model = SoftmaxRegression(l2=1e-3, tol=1e-16).fit_blocks(blocks)
    assert model.stop_reason_ in ("float32", "rounding")


@pytest.mark.usefixtures("small_sample")
def test_a_class_without_rows_keeps_a_row_of_w():
    with pytest.warns(ConvergenceWarning):
        model = exact(tol=1e-6).fit_blocks(evenly(ROWS, 4), classes=[0, 1, 2, 3, 9])
    assert model.coef_.shape == (5, 6)
    assert model.stop_reason_ == "separable"
    smooth = exact(label_smoothing=0.1).fit_blocks(evenly(ROWS, 4), classes=[0, 1, 2, 3, 9])
    assert smooth.converged_


@pytest.mark.usefixtures("small_sample")
def test_a_class_of_weight_zero_is_not_learned():
    weight = np.where(ROWS.y == 2, 0.0, 1.0)
    with pytest.warns(UserWarning, match="all rows of class 2 have weight 0"):
        model = exact().fit_blocks(evenly(Rows(ROWS.X, ROWS.y, weight), 4))
    expected = exact().fit(ROWS.X[weight > 0], ROWS.y[weight > 0])
    assert list(model.classes_) == [0, 1, 3]
    scale = np.abs(expected.coef_).max()
    np.testing.assert_allclose(model.coef_, expected.coef_, rtol=0, atol=1e-8 * scale)


@pytest.mark.usefixtures("small_sample")
def test_an_unweighted_block_weighs_one_a_row_beside_weighted_ones():
    blocks = evenly(ROWS, 4)
    blocks[1] = (*blocks[1], np.full(len(blocks[1][1]), 1e-3))
    blocks[2] = (*blocks[2], np.full(len(blocks[2][1]), 1e3))
    weight = np.repeat([1.0, 1e-3, 1e3, 1.0], N // 4)
    expected = exact().fit(*ROWS[:2], weight)
    model = exact().fit_blocks(blocks)
    scale = np.abs(expected.coef_).max()
    np.testing.assert_allclose(model.coef_, expected.coef_, rtol=0, atol=1e-7 * scale)


def test_an_empty_block_may_lack_columns_and_kinds():
    blocks = [(np.zeros((0, 0)), []), *evenly(Rows(ROWS.X, TEXT), 2), (np.zeros((0, 6)), [], [])]
    model = exact().fit_blocks(blocks)
    assert (model.coef_ == exact().fit(ROWS.X, TEXT).coef_).all()


@pytest.mark.usefixtures("small_sample")
def test_a_warm_start_begins_where_f_is_lower():
    blocks = evenly(ROWS, 4)
    model = exact(warm_start=True).fit_blocks(blocks)
    first, door = model.n_iter_, Counted()
    model.fit_blocks(blocks, map=door)
    assert model.n_iter_ == first + door.calls
    assert door.calls == 2  # the description, and the proof where it stands
    assert model.converged_


@pytest.mark.usefixtures("small_sample")
def test_without_steps_the_model_stays_where_it_begins():
    model = exact(max_iter=0).fit_blocks(evenly(ROWS, 4))
    assert not model.coef_.any()
    assert model.stop_reason_ == "max_iter"
    assert model.n_iter_ == 1


@pytest.mark.usefixtures("small_sample")
def test_max_iter_bounds_the_readings_after_the_start():
    door = Counted()
    with pytest.warns(ConvergenceWarning, match="max_iter=2"):
        model = exact(max_iter=2).fit_blocks(evenly(ROWS, 4), map=door)
    assert model.stop_reason_ == "max_iter"
    assert door.calls == model.n_iter_ == 4


@pytest.mark.usefixtures("small_sample")
def test_every_reading_is_reported():
    seen, door = [], Counted()
    model = exact(callback=seen.append)
    model.fit_blocks(evenly(ROWS, 4), map=door, validation_data=ROWS[:2])
    assert [progress.epoch for progress in seen][-1] == door.calls == model.n_iter_
    assert [progress.step for progress in seen] == list(range(len(seen)))
    assert len(model.validation_curve_) == len(seen)
    assert model.validation_curve_[-1] == pytest.approx(model.loss(*ROWS[:2]))


@pytest.mark.usefixtures("small_sample")
def test_a_callback_ends_the_fit():
    model = exact(callback=lambda progress: progress.step == 1)
    model.fit_blocks(evenly(ROWS, 4))
    assert model.stop_reason_ == "callback"
    assert model.n_iter_ == 3


@pytest.mark.usefixtures("small_sample")
def test_rows_to_validate_on_choose_the_step():
    held_out = drawn(500, seed=9)
    model = exact(early_stopping=True, n_iter_no_change=1, tol=1e-8)
    model.fit_blocks(evenly(ROWS, 4), validation_data=held_out[:2])
    assert model.stop_reason_ == "validation"
    assert model.optimality_gap_ == np.inf
    assert min(model.validation_curve_) == pytest.approx(model.loss(*held_out[:2]))


@pytest.mark.usefixtures("small_sample")
def test_a_stream_goes_on_from_the_fit():
    model = SoftmaxRegression(l2=1e-3).fit_blocks(evenly(ROWS, 4))
    before = model.loss(*ROWS[:2])
    model.partial_fit(*(array[:500] for array in ROWS[:2]))
    assert model.loss(*ROWS[:2]) < before + 0.01


@pytest.mark.usefixtures("small_sample")
def test_names_of_columns_and_numpy_state_are_kept():
    state = np.geterr()
    model = exact().fit_blocks(evenly(ROWS, 4))
    assert np.geterr() == state
    assert not hasattr(model, "feature_names_in_")
    assert model.n_features_in_ == 6


@pytest.mark.usefixtures("small_sample")
def test_the_random_state_draws_the_sample():
    blocks = evenly(ROWS, 4)
    first, again, other = (
        exact(random_state=seed).fit_blocks(blocks).loss_curve_ for seed in (None, None, 7)
    )
    assert (first == again).all()
    assert first[0] != other[0]
    generator = np.random.default_rng(7)
    curves = [exact(random_state=generator).fit_blocks(blocks).loss_curve_ for _ in range(2)]
    assert (curves[0][:1] == exact(random_state=7).fit_blocks(blocks).loss_curve_[:1]).all()
    assert curves[0][0] != curves[1][0]


def test_blocks_of_very_unlike_sizes_cost_one_reading_more(monkeypatch):
    sample_of(monkeypatch, ROWS, SAMPLE)
    door = Counted()
    model = exact().fit_blocks(cut(ROWS, [1, 2, 3, 4, 5, 6, 7, 8, 9]), map=door)
    first = model.loss_curve_[0]
    even = exact().fit_blocks(evenly(ROWS, 10)).loss_curve_[0]
    assert first - model.loss_curve_[-1] < 10 * (even - model.loss_curve_[-1])
    assert model.n_iter_ == door.calls
    sample_of(monkeypatch, ROWS, N)
    model.fit_blocks(cut(ROWS, [1, 2, 3, 4]), map=(door := Counted()))
    assert door.calls == model.n_iter_ == 2
    assert (model.coef_ == exact().fit(*ROWS).coef_).all()


@pytest.mark.usefixtures("small_sample")
def test_the_same_object_again_is_drawn_from_anew():
    """Else a sample of 15 copies would hold 400 / 15 rows."""
    blocks = [tuple(ROWS[:2])] * 15
    model = exact().fit_blocks(blocks)
    few = exact().fit_blocks([tuple(np.array(array) for array in ROWS[:2]) for _ in range(15)])
    best = min(model.loss_curve_[-1], few.loss_curve_[-1])
    assert model.loss_curve_[0] - best < 0.2 * (few.loss_curve_[0] - best)
    np.testing.assert_allclose(model.coef_, fitted("labels").coef_, rtol=1e-6)


def test_an_l2_for_each_column_is_that_of_fit(monkeypatch):
    """Also where the sample is a part of the rows, and where all are one number."""
    l2 = 10.0 ** np.linspace(-4, 0, ROWS.X.shape[1])
    for sampled in (False, True):
        if sampled:
            sample_of(monkeypatch, ROWS, len(ROWS.X) // 4)
        for each in (l2, np.full(len(l2), 1e-2)):
            expected = exact(l2=each).fit(ROWS.X, ROWS.y)
            found = exact(l2=each).fit_blocks(evenly(ROWS, 4))
            np.testing.assert_allclose(found.coef_, expected.coef_, rtol=1e-5, atol=1e-8)


def test_a_sample_that_is_parted_by_columns_without_a_penalty_is_told(monkeypatch):
    """The first column's sign tells a class from the others, and no penalty holds it."""
    X = ROWS.X.copy()
    X[:, 0] = np.where(ROWS.y == 0, 1.0, -1.0)
    l2 = np.full(X.shape[1], 1e-2)
    l2[0] = 0.0
    sample_of(monkeypatch, Rows(X, ROWS.y), len(X) // 4)
    with pytest.warns(ConvergenceWarning, match="a sample is parted"):
        SoftmaxRegression(l2=l2).fit_blocks(evenly(Rows(X, ROWS.y), 4))
    with pytest.warns(ConvergenceWarning, match="quasi-complete separation"):
        SoftmaxRegression(l2=l2).fit(X, ROWS.y)
