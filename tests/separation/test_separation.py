"""Which log-odds have no maximum likelihood estimate, against linear programs and by construction."""

import json
import math
from contextlib import suppress
from itertools import combinations, product
from pathlib import Path

import numpy as np
import pytest
from strategies import Csr, thinned, unless_fast

from softmax_regression import ConvergenceWarning, SoftmaxRegression
from softmax_regression._likelihood.block import Block
from softmax_regression._likelihood.targets import Labels, ProbabilityRows
from softmax_regression._parameters import Parameters
from softmax_regression._separation import (
    Contrast,
    Separation,
    border,
    empty_classes,
    find_separation,
    multipliers,
    search,
)
from softmax_regression._separation import (
    faces as nnls,
)
from softmax_regression._separation.coordinates import dense
from softmax_regression._separation.faces import faces, nearest_to_zero
from softmax_regression._separation.multipliers import Multipliers, held
from softmax_regression._separation.pairs import pairs_of

DATA = Path(__file__).parents[1] / "data"
CASES = json.loads((DATA / "separation.json").read_text())["cases"]
DRAWN = json.loads((DATA / "separation_random.json").read_text())["cases"]
RNG = np.random.default_rng(0)
X = RNG.normal(size=(300, 4))
Y = (X @ RNG.normal(size=(4, 3)) + RNG.gumbel(size=(300, 3))).argmax(axis=1)
FEATURES = ["a", "b", "c", "d"]


def fitted(rows, targets, weight=None, **settings):
    """W and b of a fit without a penalty, whatever it warns of."""
    model = SoftmaxRegression(l2=0.0, **settings)
    with suppress(ConvergenceWarning):  # warnings are errors, raised when all is learned
        model.fit(rows, targets, weight)
    return model


def at(parameters, rows, targets, weight=None, fit_intercept=True):
    """The separation of rows with labels or probability rows, from some parameters."""
    given = targets if isinstance(targets, np.ndarray) else np.asarray(targets)
    hard = given.ndim == 1
    wrapped = Labels(given, int(given.max()) + 1) if hard else ProbabilityRows(given)
    return find_separation(Block(rows, wrapped, weight), parameters, fit_intercept=fit_intercept)


def separation(rows, targets, weight=None, *, fit_intercept=True):
    """The separation, as the fit finds it; from parameters far from any fit it is the same."""
    model = fitted(rows, targets, weight, fit_intercept=fit_intercept)
    return separation_from(model, rows, targets, weight, fit_intercept)


def separation_from(model, rows, targets, weight=None, fit_intercept=True):
    """The separation from where a fit has ended, and from elsewhere."""
    fit = Parameters(model.coef_, model.intercept_)
    found = at(fit, rows, targets, weight, fit_intercept)
    nothing = Parameters(np.zeros(fit.weights.shape), np.zeros(fit.intercept.shape))
    elsewhere = Parameters(np.random.default_rng(1).normal(size=fit.weights.shape), fit.intercept)
    for other in (nothing, elsewhere):
        again = at(other, rows, targets, weight, fit_intercept)
        assert again.kind == found.kind
        assert set(again.infinite) == set(found.infinite)
        assert again.undetermined == found.undetermined
    return found


def every_contrast(n_classes, n_terms):
    pairs = combinations(range(n_classes), 2)
    return {Contrast(of, against, j) for of, against in pairs for j in range(n_terms)}


def open_contrasts(found, n_classes, n_terms):
    """All contrasts without a finite value."""
    if found.kind == "complete":
        return every_contrast(n_classes, n_terms)
    return set(found.infinite + found.undetermined)


# Published sets, with the truth by linear programs


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_reference_sets_have_the_kind_and_the_contrasts_of_linear_programs(case):
    classes, y = np.unique(case["y"], return_inverse=True)
    found = separation(np.array(case["X"], float), y)
    terms = [*case["feature_names"], "(intercept)"]
    named = {
        (frozenset((classes[c.of], classes[c.against])), terms[c.feature])
        for c in open_contrasts(found, len(classes), len(terms))
    }
    expected = case["expected"]
    assert found.kind == expected["kind"]
    assert named == {(frozenset((a, b)), term) for a, b, term in expected["infinite"]}


@pytest.mark.parametrize("case", thinned(DRAWN, 7), ids=lambda case: case["name"])
def test_drawn_sets_are_decided_as_by_linear_programs(monkeypatch, case):
    """Soft rows, ties, repeated rows, collinear columns, no intercept; from small samples too."""
    rows, targets = np.array(case["X"], float), np.array(case["y"])
    fit_intercept = case["fit_intercept"]
    model = fitted(rows, targets, fit_intercept=fit_intercept)
    # In a fast run some sets are read from a sample of three rows, the others as a whole.
    for sample in unless_fast(3, 5, 400) or (3 if len(rows) % 2 else 400,):
        monkeypatch.setattr(search, "LEAST_ROWS", sample)
        monkeypatch.setattr(search, "ROWS_PER_PARAMETER", 0)
        monkeypatch.setattr(border, "LEAST_JOINING", sample)
        monkeypatch.setattr(border, "JOINING", 0)
        found = separation_from(model, rows, targets, fit_intercept=fit_intercept)
        assert found.kind == case["kind"], sample
        if found.kind != "complete":
            told = set(found.infinite + found.undetermined)
            assert told == {Contrast(*c) for c in case["open"]}, sample


@pytest.mark.parametrize("case", thinned(CASES, 2), ids=lambda case: case["name"])
def test_a_fit_without_a_penalty_has_converged_just_where_the_estimate_exists(case):
    model = SoftmaxRegression(l2=0.0)
    if case["expected"]["kind"] == "none":
        assert model.fit(case["X"], case["y"]).converged_
        return
    with pytest.warns(ConvergenceWarning, match="the classes are separable"):
        model.fit(case["X"], case["y"])
    assert not model.converged_
    assert np.isfinite(model.coef_).all()


# By construction


def test_rows_that_overlap_are_not_separated():
    assert separation(X, Y) == Separation("none")


def test_a_column_that_never_meets_a_class_is_infinite_for_that_class_alone():
    rows = np.column_stack([X, (Y != 1) * (RNG.random(300) < 0.3)])
    found = separation(rows, Y)
    assert found.kind == "quasi"
    assert set(found.infinite) == {Contrast(0, 1, 4), Contrast(1, 2, 4)}
    assert found.undetermined == ()


@pytest.mark.parametrize(
    ("where", "size"), thinned(product([0, 1234, 4999], [1e-12, 1.0, 1e12]), 4)
)
def test_a_column_of_one_row_among_many_is_found_also_outside_the_sample(where, size):
    rows = np.tile(X, (17, 1))[:5000]
    y = np.tile(Y, 17)[:5000]
    rows = np.column_stack([rows, size * (np.arange(5000) == where)])
    found = separation(rows, y)
    assert set(found.infinite) == {
        Contrast(*sorted((int(y[where]), other)), 4) for other in range(3) if other != y[where]
    } | {Contrast(*sorted({0, 1, 2} - {int(y[where])}), 4)}


def test_contrasts_come_in_the_order_of_their_growth():
    """The class 2 goes along the first column, and only a little along the second."""
    y = np.arange(90) % 3
    rows = RNG.normal(size=(90, 2))
    rows[y == 2, 0] = 9.0
    rows[:, 1] += 0.1 * rows[:, 0]
    found = separation(rows, y)
    slopes = [c.feature for c in found.infinite if c.feature < 2]
    assert slopes[0] == 0
    assert {c.feature for c in found.infinite} == {0, 1, 2}


def test_the_intercept_is_infinite_in_the_callers_columns_only():
    """Endometrial: a column 0/1 that is 1 for one class alone leaves the intercept finite."""
    y = np.arange(80) % 2
    rows = np.column_stack([RNG.normal(size=80), (y == 1) * (RNG.random(80) < 0.5)])
    assert set(separation(rows, y).infinite) == {Contrast(0, 1, 1)}
    moved = rows + np.array([0.0, 5.0])
    assert set(separation(moved, y).infinite) == {Contrast(0, 1, 1), Contrast(0, 1, 2)}


def test_collinear_columns_are_undetermined_and_no_separation():
    groups = np.eye(3)[RNG.integers(0, 3, 300)]
    found = separation(np.column_stack([X, groups]), Y)
    assert found.kind == "none"
    assert found.infinite == ()
    assert {c.feature for c in found.undetermined} == {4, 5, 6, 7}
    assert SoftmaxRegression(l2=0.0).fit(np.column_stack([X, groups]), Y).converged_


def test_a_collinear_column_that_does_not_part_is_told_from_one_that_does():
    rows = np.column_stack([X, X[:, 0] + X[:, 1], (Y != 1) * (RNG.random(300) < 0.3)])
    found = separation(rows, Y)
    assert {c.feature for c in found.infinite} == {5}
    assert {c.feature for c in found.undetermined} == {0, 1, 4}


@pytest.mark.parametrize(("scale", "offset"), thinned(product([1e-6, 1.0, 1e6], [0.0, 2000.0]), 3))
def test_scales_and_offsets_do_not_change_what_is_found(scale, offset):
    rows = np.column_stack([X, (Y != 1) * (RNG.random(300) < 0.3)])
    columns = scale * np.array([1.0, 10.0, 0.1, 1.0, 3.0])
    found = separation(rows * columns + offset * scale, Y)
    infinite = {c for c in found.infinite if c.feature < 5}
    assert infinite == {Contrast(0, 1, 4), Contrast(1, 2, 4)}


@pytest.mark.parametrize("n", [1, 7, 40])
@pytest.mark.parametrize("overlap", [-1.0, -1e-3, 0.0, 1e-3, 1.0])
def test_one_column_is_decided_by_comparison(n, overlap):
    low, high = -RNG.exponential(size=n), RNG.exponential(size=n)
    low[0], high[0] = overlap, 0.0
    found = separation(np.r_[low, high][:, None], np.repeat([0, 1], n))
    if low.max() < high.min() or low.min() > high.max():
        kind = "complete"
    else:
        touching = low.max() == high.min() and low.min() < high.max()
        kind = "quasi" if touching else "none"
    assert found.kind == kind


def test_without_an_intercept_the_origin_is_on_the_border():
    rows = np.array([[1.0], [2.0], [3.0], [0.5]])
    assert separation(rows, np.array([0, 0, 1, 1])).kind == "none"
    assert separation(rows, np.array([0, 0, 0, 1]), fit_intercept=False).kind == "none"
    parted = np.array([[-1.0], [-2.0], [3.0], [0.5]])
    assert separation(parted, np.array([0, 0, 1, 1]), fit_intercept=False).kind == "complete"
    parted[0] = 0.0  # a row of zeros is never parted
    found = separation(parted, np.array([0, 0, 1, 1]), fit_intercept=False)
    assert found == Separation("quasi", (Contrast(0, 1, 0),))


def test_columns_of_zeros_alone_leave_everything_undetermined():
    found = separation(np.zeros((4, 2)), np.array([0, 1, 0, 1]), fit_intercept=False)
    assert found == Separation("none", (), (Contrast(0, 1, 0), Contrast(0, 1, 1)))


# Targets and weights


def test_a_soft_row_on_the_border_leaves_it_where_it_is():
    """Its logits stay apart by log(0.9 / 0.1) however steep the others get."""
    rows, targets = np.arange(4.0)[:, None], np.eye(2)[[0, 0, 1, 1]]
    targets[1] = [0.9, 0.1]
    assert separation(rows, targets).kind == "quasi"
    targets[2] = [0.4, 0.6]
    assert separation(rows, targets).kind == "none"


def test_a_soft_row_holds_its_own_classes_only():
    """Three groups: one row is of the first two classes, and the third stays apart."""
    rows = np.array([[0.0], [1.0], [0.0], [1.0], [0.5], [9.0], [10.0]])
    targets = np.eye(3)[[0, 0, 1, 1, 0, 2, 2]]
    targets[4] = [0.5, 0.5, 0.0]
    found = separation(rows, targets)
    assert found.kind == "quasi"
    assert {(c.of, c.against) for c in found.infinite} == {(0, 2), (1, 2)}


@pytest.mark.parametrize("side", [1.0, -1.0])
def test_soft_rows_that_a_sample_misses_hold_both_classes_all_the_same(monkeypatch, side):
    """On whichever side they are: their logits may not part at all."""
    for name, value in (("LEAST_ROWS", 3), ("ROWS_PER_PARAMETER", 0)):
        monkeypatch.setattr(search, name, value)
    for name, value in (("LEAST_JOINING", 3), ("JOINING", 0)):
        monkeypatch.setattr(border, name, value)
    low = np.linspace(-2.0, -1.0, 150)
    rows = np.concatenate([low, low + 3.0, side * np.array([3.0, 4.0])])
    targets = np.concatenate([np.eye(2)[np.repeat([0, 1], 150)], np.full((2, 2), 0.5)])
    nothing = Parameters(np.zeros((2, 1)), np.zeros(2))
    assert at(nothing, rows[:, None], targets).kind == "none"
    assert at(nothing, rows[:-2, None], targets[:-2]).kind == "complete"


def test_smoothed_targets_are_never_parted():
    targets = Labels(np.array([0, 1]), 2, smoothing=0.1)
    parameters = Parameters(np.array([[-1.0], [1.0]]), np.zeros(2))
    rows = np.array([[-1.0], [1.0]])
    found = find_separation(Block(rows, targets), parameters, fit_intercept=True)
    assert found == Separation("none")


def test_weights_change_nothing_of_what_is_parted():
    rows = np.column_stack([X, (Y != 1) * (RNG.random(300) < 0.3)])
    weight = 10.0 ** RNG.uniform(-6, 6, size=300)
    assert set(separation(rows, Y, weight).infinite) == set(separation(rows, Y).infinite)


def test_a_row_of_weight_zero_does_not_hold_the_others():
    rows, y = np.arange(5.0)[:, None], np.array([0, 0, 1, 1, 0])
    assert SoftmaxRegression(l2=0.0).fit(rows, y).converged_
    with pytest.warns(ConvergenceWarning, match="the classes are separable"):
        SoftmaxRegression(l2=0.0).fit(rows, y, [1, 1, 1, 1, 0])


@pytest.mark.parametrize("form", [Csr, lambda rows: rows.astype(np.float32)], ids=["csr", "f4"])
def test_sparse_and_float32_rows_are_decided_alike(form):
    rows = np.column_stack([np.round(X), (Y != 1) * (RNG.random(300) < 0.3)])
    assert set(separation(form(rows), Y).infinite) == {Contrast(0, 1, 4), Contrast(1, 2, 4)}


def test_some_columns_of_sparse_rows_are_those_of_dense_ones():
    rows = np.where(
        np.random.default_rng(0).random((20, 5)) < 0.5, 0.0, X[:20, :1] + np.arange(5.0)
    )
    for among in (np.array([0, 2, 3]), np.array([4]), np.arange(5)):
        np.testing.assert_array_equal(dense(Csr(rows), among), rows[:, among])


def test_entries_of_a_sparse_matrix_that_are_given_twice_add_up():
    class Twice:
        shape, tocsr = (1, 2), None
        indptr, indices, data = np.array([0, 2]), np.array([1, 1]), np.array([2.0, 3.0])

    np.testing.assert_array_equal(dense(Twice(), np.arange(2)), [[0.0, 5.0]])


# Sizes


def test_what_is_too_large_is_said_to_be_not_known(monkeypatch):
    monkeypatch.setattr(search, "LARGEST", 9)
    with pytest.warns(ConvergenceWarning, match="beyond 9 free coefficients only complete"):
        model = SoftmaxRegression(l2=0.0).fit(X, Y)
    assert model.converged_  # what tol asks for was reached
    separable = np.column_stack([X, np.eye(3)[Y]])
    with pytest.warns(ConvergenceWarning, match="the classes are separable: every"):
        SoftmaxRegression(l2=0.0).fit(separable, Y)
    early = SoftmaxRegression(l2=0.0, early_stopping=True, n_iter_no_change=1, random_state=0)
    assert early.fit(X, Y).stop_reason_ in ("validation", "tol")


@pytest.mark.parametrize("size", [2, 20, 100])
def test_a_small_sample_leads_to_the_same(monkeypatch, size):
    monkeypatch.setattr(search, "LEAST_ROWS", size)
    monkeypatch.setattr(search, "ROWS_PER_PARAMETER", 0)
    assert separation(X, Y) == Separation("none")
    rows = np.column_stack([X, (Y != 1) * (RNG.random(300) < 0.3), np.arange(300) == 7])
    found = separation(rows, Y)
    assert {c for c in found.infinite if c.feature == 4} == {Contrast(0, 1, 4), Contrast(1, 2, 4)}
    assert sum(c.feature == 5 for c in found.infinite) in (2, 3)
    assert {c.feature for c in found.infinite} == {4, 5}


def test_many_open_pairs_are_decided_from_those_that_object(monkeypatch):
    """A hundred rows at a time cannot hold the pairs: guesses are made anew."""
    monkeypatch.setattr(search, "LEAST_ROWS", 4)
    monkeypatch.setattr(search, "ROWS_PER_PARAMETER", 0)
    rng = np.random.default_rng(3)
    rows = rng.normal(size=(3000, 5))
    W = rng.normal(size=(5, 3))
    y = (rows @ W).argmax(axis=1)
    assert separation(rows, y).kind == "complete"
    flipped = y.copy()
    flipped[:300] = rng.integers(0, 3, 300)
    assert separation(rows, flipped).kind == "none"


def test_what_is_too_near_the_border_is_not_known(monkeypatch):
    monkeypatch.setattr(search.Border, "decide", lambda *_: None)
    found = separation(np.column_stack([X, np.arange(300) == 7]), Y)
    assert found.kind == "unknown"
    assert "too near" in found.reason


@pytest.mark.parametrize("name", ["READINGS", "LEAST_STEPS"])
def test_a_search_that_comes_to_no_end_is_not_known(monkeypatch, name):
    rows = np.column_stack([X, (Y != 1) * (RNG.random(300) < 0.3)])
    nothing = Parameters(np.zeros((3, 5)), np.zeros(3))
    monkeypatch.setattr(border if name == "READINGS" else nnls, name, 0)
    monkeypatch.setattr(nnls, "STEPS", 0)
    assert at(nothing, rows, Y).kind == "unknown"


@pytest.mark.parametrize("name", ["ROUNDS", "KEPT"])
def test_without_a_proof_from_the_fit_faces_decide_alone(monkeypatch, name):
    monkeypatch.setattr(multipliers, name, 0)
    assert separation(X, Y) == Separation("none")
    rows = np.column_stack([X, (Y != 1) * (RNG.random(300) < 0.3)])
    assert set(separation(rows, Y).infinite) == {Contrast(0, 1, 4), Contrast(1, 2, 4)}


# Vectors


@pytest.mark.parametrize("angle", [1e-3, 1e-6])
def test_vectors_nearly_alike_are_told_apart(angle):
    """(1, ε) and (1, −ε) point the same way, and (−1, 0) lies between their opposites."""
    vectors = np.array([[1.0, angle], [1.0, -angle], [-1.0, 0.0]])
    assert not faces(vectors, np.zeros(3, bool)).parted.any()
    np.testing.assert_array_equal(nearest_to_zero(vectors), [0.0, 0.0])
    vectors[2] = [-1.0, 2 * angle]
    assert faces(vectors, np.zeros(3, bool)).parted.any()


def test_opposite_vectors_hold_each_other_and_one_alone_is_parted():
    vectors = np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0]])
    found = faces(vectors, np.zeros(3, bool))
    np.testing.assert_array_equal(found.parted, [False, False, True])
    np.testing.assert_allclose(found.levels, [[0.0, 1.0]], atol=1e-12)


def test_a_tied_vector_holds_what_points_the_same_way():
    """Of a soft row: no direction may lead along it, one way or the other."""
    vectors = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    np.testing.assert_array_equal(faces(vectors, np.array([True, False, False])).parted, [0, 0, 1])


def test_a_face_within_a_face_is_parted_after_it():
    """(0, ±1) hold each other at first sight of (1, 0); (1, 0) alone is parted, then nothing."""
    vectors = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [-0.6, 0.0, 0.8]])
    assert faces(vectors, np.zeros(3, bool)).parted.all()
    np.testing.assert_array_equal(faces(vectors, np.array([True, False, False])).parted, [0, 1, 1])


def test_multipliers_of_vectors_nearly_parallel_come_from_their_directions():
    """Their Gram matrix has lost what tells them apart; the least squares have not."""
    cone = np.array([[1.0, 0.0]] * 7 + [[-1.0, 1e-6], [-1.0, -1e-6]])
    np.testing.assert_array_equal(nearest_to_zero(cone), [0.0, 0.0])


def test_the_nearest_point_of_a_cone_is_the_projection_of_zero():
    """r = Σ (1 + μ) c with μ >= 0 and c · r >= 0, and 0 where μ > 0: the conditions of the least."""
    rng = np.random.default_rng(5)
    for _ in range(50):
        cone = rng.normal(size=(6, 4)) + 0.5
        cone /= np.linalg.norm(cone, axis=1, keepdims=True)
        r = nearest_to_zero(cone)
        assert (cone @ r >= -1e-8).all()
        assert not r.any() or math.isclose(float(np.linalg.norm(r)), 1.0)


# Multipliers


def held_of(rows, y, weight):
    """What two classes hold at probabilities of a half."""
    targets = np.eye(2)[y]
    pairs = pairs_of(np.asarray(rows, float), targets)
    return pairs, held(pairs, Multipliers.of(pairs, np.full(targets.shape, 0.5), targets, weight))


def test_only_pairs_within_the_span_that_is_seen_are_held():
    """The second column has nothing but two rows whose weight the others' rounding hides."""
    rows = [[1.0, 0], [2.0, 0], [1.5, 0], [0, 1.0], [0, 1.0]]
    weight = np.array([1.0, 1, 2, 1e-22, 1e-22])
    _, found = held_of(rows, np.array([0, 0, 1, 0, 1]), weight)
    np.testing.assert_array_equal(found.pairs.any(axis=1), [True, True, True, False, False])
    assert len(found.free) == 1


def test_what_is_free_is_orthogonal_to_what_is_held():
    rng = np.random.default_rng(2)
    rows = (
        rng.normal(size=(60, 5))
        @ np.diag([1, 1, 1, 1, 0.0])
        @ np.linalg.qr(rng.normal(size=(5, 5)))[0]
    )
    weight = 10.0 ** rng.uniform(-7, 0, 60)
    pairs, found = held_of(rows, np.arange(60) % 2, weight)
    margins = np.abs(pairs.margins(found.free)) * found.pairs
    assert found.pairs.any()
    assert len(found.free) == 1
    assert margins.max() <= 1e-14


# Empty classes


@pytest.mark.parametrize("settings", [{"l2": 0.1}, {"l1": 0.01}, {"l2": 0.0}], ids=str)
def test_a_class_without_rows_is_named(settings):
    targets = np.eye(4)[Y]
    model = SoftmaxRegression(**{"l2": 0.0} | settings)
    with pytest.warns(
        ConvergenceWarning, match="no row of weight > 0 has class '3': F has no minimum"
    ):
        model.fit(X, targets)
    assert not model.converged_
    assert np.isfinite(model.intercept_).all()


def test_a_class_that_only_rows_of_weight_zero_have_is_named():
    targets = np.eye(4)[np.r_[Y[:-1], 3]]
    with pytest.warns(ConvergenceWarning, match="no row of weight > 0 has class '3'"):
        SoftmaxRegression().fit(X, targets, np.r_[np.ones(299), 0.0])


def test_smoothing_or_no_intercept_holds_a_class_without_rows():
    targets = np.eye(4)[Y]
    assert SoftmaxRegression(label_smoothing=0.1).fit(X, targets).converged_
    assert SoftmaxRegression(l2=0.1, fit_intercept=False).fit(X, targets).converged_
    assert empty_classes(ProbabilityRows(targets, smoothing=0.1), None) == ()


def test_contrasts_with_an_empty_class_are_not_listed():
    rows = np.column_stack([X, (Y != 1) * (RNG.random(300) < 0.3)])
    found = separation(rows, np.eye(4)[Y])
    assert found.empty == (3,)
    assert set(found.infinite) == {Contrast(0, 1, 4), Contrast(1, 2, 4)}


# Words


def test_a_handful_of_log_odds_are_named_and_the_rest_counted():
    contrasts = tuple(Contrast(0, 1, j) for j in range(6))
    sentence = Separation("quasi", contrasts).sentence(["no", "yes"], [f"x{j}" for j in range(5)])
    assert "x0 (no : yes), x1 (no : yes), x2 (no : yes), x3 (no : yes), and 2 more" in sentence
    assert "Set l2 > 0" in sentence


def test_the_intercept_has_its_name_and_long_names_are_cut():
    found = Separation("quasi", (Contrast(0, 1, 1), Contrast(0, 1, 0)))
    sentence = found.sentence(["no", "yes"], ["x" * 50])
    assert f"intercept (no : yes), {'x' * 15}…{'x' * 16} (no : yes)" in sentence


def test_the_warning_names_the_data_frames_columns_and_classes():
    class Frame:
        columns = ("age", "income", "score", "height", "race=black")

        def __array__(self, dtype=None, copy=None):
            return np.column_stack([X, (Y != 1) * (np.arange(300) % 3 == 0)])

    model = SoftmaxRegression(l2=0.0)
    names = np.array(["democrat", "nonvoter", "republican"])
    with pytest.warns(ConvergenceWarning, match=r"race=black \(democrat : nonvoter\)"):
        model.fit(Frame(), names[Y])
    assert model.stop_reason_ == "separable"


@pytest.mark.parametrize(
    ("n_features", "n_classes"), [(20, 2), (3, 6), *unless_fast((3, 2), (3, 3), (20, 3), (20, 6))]
)
def test_a_column_of_one_row_in_many_ends_at_a_weight_of_its_size(n_classes, n_features):
    """Where the sample of a Hessian misses the row, a step along the column has an end all the same."""
    rng = np.random.default_rng(n_classes + n_features)
    rows = rng.normal(size=(60_000, n_features))
    rows[:, -1] = 0.0
    rows[7, -1] = 1.0
    y = (
        rows[:, :2] @ rng.normal(size=(2, n_classes)) + rng.gumbel(size=(60_000, n_classes))
    ).argmax(1)
    model = SoftmaxRegression(l2=0.0, random_state=0)
    with pytest.warns(ConvergenceWarning, match=f"x{n_features - 1} "):
        model.fit(rows, y)
    # log p of the row needs 20 or so; its standardised column is 245 times as long.
    assert np.abs(model.coef_).max() <= 1e5


def test_what_no_sample_decides_is_looked_for_in_larger_ones_and_then_said_to_be_unknown(
    monkeypatch,
):
    sizes = []

    def undecided(*arguments):
        sizes.append(arguments[-1])

    monkeypatch.setattr(search, "_from_sample", undecided)
    rows = RNG.normal(size=(5_000, 2))
    found = separation(rows, RNG.integers(2, size=5_000))
    assert found.kind == "unknown"
    assert "float64" in found.reason
    assert len(set(sizes)) > 1
    assert max(sizes) >= 5_000
