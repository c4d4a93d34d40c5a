"""Groups of classes that are told from each other: which they are, and what they prove."""

import pickle
from functools import partial

import numpy as np
import pytest
from newton import objective, optimum
from strategies import Csr, objective_of

from softmax_regression._likelihood.block import Block, Memo
from softmax_regression._likelihood.targets import Labels, ProbabilityRows
from softmax_regression._likelihood.working import Likelihood
from softmax_regression._objective import Objective
from softmax_regression._optimum.certificate import Proof
from softmax_regression._optimum.told_apart import gap_by_groups, told_apart
from softmax_regression._parameters import Parameters
from softmax_regression._penalty import Penalty

RNG = np.random.default_rng(0)
WEIGHT = RNG.uniform(0.2, 3.0, 120)
# Classes 0 and 3 on the left, 1 and 4 on the right, 2 far to the right.
PLACE = np.array([-1.0, 1.0, 9.0, -1.0, 1.0])
LABELS = np.arange(120) % 5
X = np.column_stack([PLACE[LABELS] + 0.1 * RNG.standard_normal(120), RNG.standard_normal(120)])
L2 = 1e-3
TOL = 1e-6


def at(size=40.0):
    """Parameters that tell the places apart by `size` and more, and the second column a little."""
    weights = np.column_stack([size * PLACE, [1.0, -0.5, 0.0, -1.0, 0.5]])
    weights -= weights.mean(axis=0)
    intercept = -0.5 * size * PLACE**2
    return Parameters(weights, intercept - intercept.mean())


def f(rows=X, targets=None, weight=None, **given):
    targets = Labels(LABELS, 5) if targets is None else targets
    return objective_of(rows, targets, weight, l2=L2, **given)


def inner(F, size=40.0):
    return F.likelihood.coordinates.inward(at(size))


def groups(F, most=1e-8, size=40.0):
    return [group.tolist() for group in told_apart(F.likelihood, inner(F, size), most)]


def proven(F, size=40.0):
    def prove(part, theta):
        return Proof(part, TOL).certify(part.at(theta), np.float64)

    return gap_by_groups(F, F.at(inner(F, size)), TOL, prove)


def test_groups_have_next_to_nothing_of_each_others_rows():
    assert groups(f()) == [[0, 3], [1, 4], [2]]
    assert groups(f(), most=1e-4, size=4.0) == [[0, 1, 3, 4], [2]]
    assert groups(f(), most=10.0) == [[0], [1], [2], [3], [4]]
    assert groups(f(), most=0.0, size=1.0) == [[0, 1, 2, 3, 4]]


def test_what_is_left_of_each_other_is_a_part_of_all_weight():
    """The sum over all pairs of groups, which no part of them may exceed."""
    F, theta = f(weight=WEIGHT), inner(f(weight=WEIGHT), 8.0)
    Z = X @ at(8.0).weights.T + at(8.0).intercept
    P = np.exp(Z - Z.max(axis=1, keepdims=True))
    P /= P.sum(axis=1, keepdims=True)
    side = np.isin(LABELS, [0, 3])
    other = np.where(side[:, None], P[:, [1, 4]], P[:, [0, 3]]).sum(axis=1)
    other[LABELS == 2] = P[LABELS == 2][:, [0, 3]].sum(axis=1)
    shared = float(WEIGHT @ other / WEIGHT.sum())
    apart = [group.tolist() for group in told_apart(F.likelihood, theta, 1.01 * shared)]
    assert [0, 3] in apart
    assert [0, 3] not in [g.tolist() for g in told_apart(F.likelihood, theta, 0.99 * shared)]


def test_classes_that_share_a_target_are_in_one_group():
    T = np.eye(5)[LABELS]
    T[0] = [1.0 - 1e-12, 1e-12, 0.0, 0.0, 0.0]
    assert groups(f(targets=ProbabilityRows(T))) == [[0, 1, 3, 4], [2]]
    smoothed = f(targets=Labels(LABELS, 5, 1e-12))
    assert groups(smoothed) == [[0, 1, 2, 3, 4]]
    assert proven(smoothed) == np.inf


def own_minimum(group, weight):
    """A group's part of all weight, and the minimum of its rows and classes over that part."""
    rows = np.isin(LABELS, group)
    w = np.ones(120) if weight is None else weight
    share = w[rows].sum() / w.sum()
    T = np.eye(5)[LABELS[rows]][:, group]
    return share, float(optimum(X[rows], T, L2 / share, w[rows])[2])


@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["equal", "weighted"])
@pytest.mark.parametrize(
    "targets", [Labels(LABELS, 5), ProbabilityRows(np.eye(5)[LABELS])], ids=["labels", "rows"]
)
@pytest.mark.parametrize("kind", [np.asarray, Csr], ids=["dense", "sparse"])
def test_the_gap_is_to_the_sum_of_the_groups_minima(weight, targets, kind):
    F = f(kind(X), targets, weight)
    minima = [own_minimum(group, weight) for group in ([0, 3], [1, 4])]
    lowest = iter([minimum for _, minimum in minima])

    def prove(part, theta):
        assert part.proves
        found = part.at(theta)
        return found._replace(bound=found.value - next(lowest))

    T = np.eye(5)[LABELS]
    value = float(objective(X, T, *at(), L2, sample_weight=weight))
    gap = gap_by_groups(F, F.at(inner(F)), TOL, prove)
    right = value - sum(share * minimum for share, minimum in minima)
    assert gap == pytest.approx(right, rel=1e-11)
    assert value - float(optimum(X, T, L2, weight)[2]) <= gap


def test_a_groups_weights_sum_to_zero_over_its_classes():
    """As the gradient does from which a group's proof takes that of its last class."""
    sums = []

    def prove(part, theta):
        sums.append(np.abs(theta.sum(axis=0)).max())
        return part.at(theta)

    F = f()
    gap_by_groups(F, F.at(inner(F)), TOL, prove)
    assert max(sums) <= 1e-12 * np.abs(inner(F)).max()


def test_at_the_groups_minima_the_gap_is_what_is_lost():
    """Their weights, apart by a column that has no penalty: F is the sum of the minima."""
    parameters = at(60.0)
    for group in ([0, 3], [1, 4]):
        rows = np.isin(LABELS, group)
        share = rows.mean()
        W, b, _ = optimum(X[rows], np.eye(5)[LABELS[rows]][:, group], [0.0, L2 / share])
        parameters.weights[group, 1] = W[:, 1]
        parameters.weights[group, 0] = 60.0 * PLACE[group] + W[:, 0] - W[:, 0].mean()
        parameters.intercept[group] = -30.0 * PLACE[group] ** 2 + b - b.mean()
    parameters.weights[2, 1] = 0.0
    F = Objective(f().likelihood, Penalty(0.0, np.array([1e-30, L2])))
    point = F.at(F.likelihood.coordinates.inward(parameters))

    def prove(part, theta):
        return Proof(part, 1e-9).certify(part.at(theta), np.float64)

    assert gap_by_groups(F, point, TOL, prove) <= 1e-8


def loaded(rows, seen):
    seen.append(rows)
    return Block(X[rows], Labels(LABELS[rows], 5), WEIGHT[rows], len(seen))


def test_rows_in_blocks_that_are_loaded_prove_as_much():
    seen = []
    source = [partial(loaded, slice(0, 50), seen), partial(loaded, slice(50, 120), seen)]
    by_blocks = Objective(Likelihood(source), Penalty(0.0, L2))
    before, loads = by_blocks.likelihood.readings, len(seen)
    gap = proven(by_blocks)
    assert gap == pytest.approx(proven(f(weight=WEIGHT)), rel=1e-9)
    # Two groups read all rows between them, and the point and the groups were sought before.
    counted = by_blocks.likelihood.readings - before
    assert 2 + 2 <= counted <= (len(seen) - loads) // 2


def test_a_groups_rows_are_kept_where_all_are():
    kept = []

    def prove(part, theta):
        kept.extend(part.likelihood.source)
        return part.at(theta)

    F = f()
    gap_by_groups(F, F.at(inner(F)), TOL, prove)
    assert all(isinstance(block.memo, Memo) for block in kept)
    assert [block.n_rows for block in kept] == [48, 48]
    source = [partial(loaded, slice(0, 120), [])]
    F = Objective(Likelihood(source), Penalty(0.0, L2))
    kept.clear()
    gap_by_groups(F, F.at(inner(F)), TOL, prove)
    assert all(callable(item) and pickle.dumps(item) for item in kept)
    assert kept[0]().memo is None


def test_what_the_rounding_of_logits_hides_is_a_part_of_the_gap():
    """Groups at their minima, by their own word, prove all but the rounding of F."""

    def prove(part, theta):
        return part.at(theta)._replace(bound=0.0)

    for size in (40.0, 1e6):
        F = f()
        theta = inner(F, size)
        F = F.with_l2(np.zeros(3))  # which would be most of F
        gap = gap_by_groups(F, F.at(theta), TOL, prove)
        assert gap >= 1.9e-14 * np.abs(theta).sum(axis=1).max()
