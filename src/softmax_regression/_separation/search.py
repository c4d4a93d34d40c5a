"""From a fit to what is known of the existence of its estimate.

1. Every row on its own side of the fit: complete.
2. On a sample of the rows, pairs that the fit proves not to be parted, and the few directions on
   which these say nothing.
3. The pairs of all rows along those directions, decided by faces.
"""

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from .._likelihood.block import Block
from .._likelihood.logits import logits, row_blocks
from .._likelihood.margins import margins
from .._likelihood.sums import summed
from .._likelihood.targets import Labels, Targets
from .._parameters import Parameters
from .._prediction import probabilities
from .._types import Index
from .border import Border, Found
from .coordinates import EPS, ROUNDINGS, Columns, axes, dense
from .multipliers import Multipliers, held
from .pairs import Matrix, Pairs, pairs_of
from .result import Contrast, Separation, contrasts
from .rows import probability_rows

# Free parameters beyond which nothing but complete separation is looked for.
LARGEST = 500
# Rows of the sample for each free parameter, and at least; more where it leaves too much open.
ROWS_PER_PARAMETER = 6
LEAST_ROWS = 400
GROWTH = 8
# Entries of a direction of unit length that are the rounding of 0.
CLEAN = 1e-12
# Entries of the sample and its pairs.
SAMPLE_ENTRIES = 2**24


def find_separation(
    block: Block, fit: Parameters, *, fit_intercept: bool, among: Index | None = None
) -> Separation:
    """Return whether F has a minimum without a penalty, the sooner the nearer `fit` is to it.

    Or without a penalty on the columns `among` all: F then rises along every direction in which
    others grow. All weights are > 0.
    """
    if block.targets.smoothing:
        return Separation("none")
    empty = empty_classes(block.targets, block.weight) if fit_intercept else ()
    if among is None:
        found = _found(block, fit, fit_intercept, np.arange(block.X.shape[1]))
    else:
        found = _found(block, fit, fit_intercept, among)._replace(among=tuple(map(int, among)))
    return found._replace(
        infinite=tuple(c for c in found.infinite if not {c.of, c.against} & set(empty)), empty=empty
    )


def _found(block: Block, fit: Parameters, fit_intercept: bool, among: Index) -> Separation:
    if _parts_all(block, fit, among):
        return Separation("complete")
    return _decided(block, fit, fit_intercept, among)


def empty_classes(targets: Targets, sample_weight: NDArray[np.float64] | None) -> tuple[int, ...]:
    """Return the classes that no row has, whose intercepts no penalty on the weights holds."""
    if targets.smoothing:
        return ()
    totals = targets.class_totals(sample_weight)
    return tuple(int(k) for k in np.flatnonzero(totals == 0))


def _decided(problem: Block, fit: Parameters, fit_intercept: bool, among: Index) -> Separation:
    n_rows = problem.n_rows
    free = (problem.targets.n_classes - 1) * (len(among) + fit_intercept)
    if free > LARGEST:
        reason = f"beyond {LARGEST:,} free coefficients only complete separation is looked for"
        return Separation("unknown", reason=reason)
    size = max(LEAST_ROWS, ROWS_PER_PARAMETER * free)
    most = SAMPLE_ENTRIES // (len(among) + 3 * problem.targets.n_classes)
    while True:
        found = _from_sample(problem, fit, fit_intercept, among, min(size, most))
        if found is not None:
            return found
        if size >= min(n_rows, most):
            return Separation(
                "unknown", reason="rows lie too near the border of a class for float64"
            )
        size *= GROWTH


def _parts_all(problem: Block, fit: Parameters, among: Index) -> bool:
    """Whether every row has one class, by a positive margin: along this fit F falls for ever.

    By the columns `among` all.
    """
    weights = np.zeros_like(fit.weights)
    weights[:, among] = fit.weights[:, among]
    (behind,) = summed(margins, [problem], Parameters(weights, fit.intercept))
    return bool(behind < 0.0)


def _from_sample(
    problem: Block, fit: Parameters, fit_intercept: bool, among: Index, size: int
) -> Separation | None:
    """Return what a sample of about `size` rows and then all rows show; None: not enough."""
    chosen, chance = _sample(problem, size)
    sample = problem.take(chosen)
    columns = Columns.of(dense(sample.X, among), problem.X, fit_intercept, among)
    rows, sizes, targets = columns.rows(sample.X), columns.sizes(sample.X), probability_rows(sample)
    seen, unseen = axes(rows, sizes)
    pairs = pairs_of(rows @ seen, targets)
    proven = held(pairs, _multipliers(sample, pairs, targets, chance, fit))
    blind, rare = _split(unseen, problem, columns)
    directions = _open(proven.free @ seen.T, rare)
    found = Found.nothing(len(directions))
    if len(directions):
        rounding = _rounding(directions, pairs._replace(rows=rows), sizes, proven.pairs)
        decided = Border(directions, rounding, columns, problem).decide(columns.inward(fit))
        if decided is None:
            return None
        found = decided
    if found.all_parted:
        return Separation("complete")
    infinite = _by_growth(columns, directions, found)
    known = set(infinite)
    still = contrasts(*columns.outward(_of_each_class(blind, targets.shape[1])))
    still = tuple(contrast for contrast in still if contrast not in known)
    kind: Literal["none", "quasi"] = "quasi" if len(found.levels) else "none"
    return Separation(kind, columns.named(infinite), columns.named(still))


def _multipliers(
    sample: Block, pairs: Pairs, targets: Matrix, chance: NDArray[np.float64], fit: Parameters
) -> Multipliers:
    """Return the sample's multipliers at a fit, in which rare rows count for those left out."""
    weight = np.ones(len(chance)) if sample.weight is None else sample.weight
    p = probabilities(np.asarray(logits(sample.X, fit), np.float64))
    return Multipliers.of(pairs, p, targets, weight / weight.max() / chance)


def _by_growth(columns: Columns, directions: Matrix, found: Found) -> tuple[Contrast, ...]:
    """Return the contrasts that nothing holds, those that grow fastest first."""
    if not len(found.levels):
        return ()
    infinite = contrasts(*columns.outward(np.tensordot(found.kernel, directions, axes=1)))
    growing = np.tensordot(found.levels.sum(axis=0), directions, axes=1)
    (direction,), _ = columns.outward(growing[None])
    speed = np.abs(direction[:, None] - direction)
    return tuple(sorted(infinite, key=lambda c: -speed[c.of, c.against, c.feature]))


def _split(unseen: Matrix, problem: Block, columns: Columns) -> tuple[Matrix, Matrix]:
    """Part the axes (D, u) that the sample does not see into those no row sees, and the rest."""
    if not unseen.shape[1]:
        return unseen, unseen
    gram = np.zeros((unseen.shape[1], unseen.shape[1]))
    floor = ROUNDINGS * EPS * np.maximum(np.abs(unseen), 0.1)
    for part in row_blocks(problem.X.shape[0], 8 * len(unseen)):
        along = columns.rows(problem.X[part]) @ unseen
        along[np.abs(along) <= columns.sizes(problem.X[part]) @ floor] = 0.0
        along /= np.maximum(np.linalg.norm(along, axis=1, keepdims=True), 1e-300)
        gram += along.T @ along
    values, vectors = np.linalg.eigh(gram)
    none = values <= 1e-12 * max(1.0, float(values[-1]))
    return unseen @ vectors[:, none], unseen @ vectors[:, ~none]


def _open(free: Matrix, rare: Matrix) -> Matrix:
    """Return an orthonormal basis (q, K, D) of what the sample's pairs leave open, in x̃."""
    both = np.concatenate([free, _of_each_class(rare, free.shape[1])])
    if not len(both):
        return both
    both = both - both.mean(axis=1, keepdims=True)
    basis = np.linalg.qr(both.reshape(len(both), -1).T)[0].T.reshape(both.shape)
    basis[np.abs(basis) < CLEAN] = 0.0  # where a row is 0 elsewhere, it is 0 along the direction
    return np.asarray(basis)


def _of_each_class(axes: Matrix, n_classes: int) -> Matrix:
    """Return the axes (D, u) as directions of each class but one, ((K − 1) u, K, D)."""
    directions = np.zeros((n_classes - 1, axes.shape[1], n_classes, axes.shape[0]))
    for k in range(n_classes - 1):
        directions[k, :, k] = axes.T
    return directions.reshape(-1, n_classes, axes.shape[0])


def _rounding(
    directions: Matrix, pairs: Pairs, sizes: Matrix, proven: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Return how far along the directions 0 may seem to be, for sizes (D,) of a row.

    At least what the pairs show that are orthogonal to them.
    """
    largest = np.abs(directions).max(axis=(0, 1), initial=0.0)
    off = np.where(proven, np.abs(pairs.margins(directions)).max(axis=0), 0.0).max(axis=1)
    seen = np.max(off / np.maximum(sizes @ largest, 1e-300), initial=0.0)
    return np.asarray(max(ROUNDINGS * EPS, 4.0 * float(seen)) * largest)


def _sample(problem: Block, size: int) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Return about `size` rows, about as many of every class, and their chances to be drawn."""
    n_rows = problem.targets.n_rows
    if n_rows <= size:
        return np.arange(n_rows), np.ones(n_rows)
    own = _own(problem)
    counts = np.bincount(own, minlength=problem.targets.n_classes)
    chance = np.minimum(1.0, size / len(counts) / np.maximum(counts, 1))[own]
    chosen = np.flatnonzero(np.random.default_rng(0).random(n_rows) < chance)
    return chosen, chance[chosen]


def _own(problem: Block) -> NDArray[np.intp]:
    targets = problem.targets
    own: Any = targets.labels if isinstance(targets, Labels) else targets.rows.argmax(axis=1)
    return np.asarray(own, np.intp)
