"""From a fit to what is known of the existence of its estimate.

1. Every row on its own side of the fit: complete.
2. On a sample of the rows, pairs that the fit proves not to be parted, and the few directions on
   which these say nothing.
3. The pairs of all rows along those directions, decided by faces.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .._features import Features, row_blocks
from .._objective import Parameters, logits, probabilities
from .._targets import Labels, Targets
from .coordinates import EPS, ROUNDINGS, Columns, axes, dense
from .faces import faces
from .multipliers import Multipliers, held
from .pairs import Matrix, Pairs
from .result import Contrast, Separation, contrasts

# Free parameters beyond which nothing but complete separation is looked for.
LARGEST = 500
# Rows of the sample for each free parameter, and at least; more where it leaves too much open.
ROWS_PER_PARAMETER = 6
LEAST_ROWS = 400
GROWTH = 8
# Entries of the sample and its pairs.
SAMPLE_ENTRIES = 2**24
# Entries of a direction of unit length that are the rounding of 0.
CLEAN = 1e-12
# Entries of the pairs that are decided by faces.
OPEN_ENTRIES = 2e6


class _Rows(NamedTuple):
    """The rows that count."""

    X: Features
    targets: Targets
    sample_weight: NDArray[np.float64] | None

    def take(self, rows: slice | NDArray[np.intp]) -> "_Rows":
        weight = None if self.sample_weight is None else self.sample_weight[rows]
        return _Rows(self.X[rows], self.targets.take(rows), weight)


def find_separation(
    X: Features,
    targets: Targets,
    sample_weight: NDArray[np.float64] | None,
    fit: Parameters,
    *,
    fit_intercept: bool,
) -> Separation:
    """Return whether F has a minimum without a penalty, the sooner the nearer `fit` is to it.

    All weights are > 0.
    """
    if targets.smoothing:
        return Separation("none")
    problem = _Rows(X, targets, sample_weight)
    empty = empty_classes(targets, sample_weight) if fit_intercept else ()
    if _parts_all(problem, fit):
        return Separation("complete", empty=empty)
    found = _decided(problem, fit, fit_intercept)
    return found._replace(
        infinite=tuple(c for c in found.infinite if not {c.of, c.against} & set(empty)), empty=empty
    )


def empty_classes(
    targets: Targets, sample_weight: NDArray[np.float64] | None
) -> tuple[int, ...]:
    """Return the classes that no row has, whose intercepts no penalty on the weights holds."""
    if targets.smoothing:
        return ()
    totals = targets.class_totals(sample_weight)
    return tuple(int(k) for k in np.flatnonzero(totals == 0))


def _decided(problem: _Rows, fit: Parameters, fit_intercept: bool) -> Separation:
    n_rows, n_features = problem.X.shape
    free = (problem.targets.n_classes - 1) * (n_features + fit_intercept)
    if free > LARGEST:
        reason = f"beyond {LARGEST:,} free coefficients only complete separation is looked for"
        return Separation("unknown", reason=reason)
    size = max(LEAST_ROWS, ROWS_PER_PARAMETER * free)
    most = SAMPLE_ENTRIES // (n_features + 3 * problem.targets.n_classes)
    while True:
        found = _Search(problem, fit, fit_intercept, min(size, most)).result()
        if found is not None:
            return found
        if size >= min(n_rows, most):
            return Separation("unknown", reason="too many rows lie near the border of a class")
        size *= GROWTH


def _parts_all(problem: _Rows, fit: Parameters) -> bool:
    """Whether every row has one class, by a positive margin: along this fit F falls for ever."""
    for rows in row_blocks(problem.X.shape[0], 8 * max(fit.weights.shape)):
        labels = problem.targets.take(rows).only_classes()
        if labels is None:
            return False
        Z = logits(problem.X[rows], fit)
        own = Z[np.arange(len(labels)), labels]
        Z[np.arange(len(labels)), labels] = -np.inf
        if not (own > Z.max(axis=1)).all():
            return False
    return True


class _Search:
    """One sample, and what all rows say in the directions it leaves open."""

    def __init__(
        self, problem: _Rows, fit: Parameters, fit_intercept: bool, size: int
    ) -> None:
        self.problem = problem
        self.n_classes = problem.targets.n_classes
        chosen, chance = _sample(problem, size)
        sample = problem.take(chosen)
        self.columns = Columns.of(dense(sample.X), problem.X, fit_intercept)
        rows = self.columns.rows(sample.X)
        sizes = self.columns.sizes(sample.X)
        seen, unseen = axes(rows, sizes)
        targets = _probability_rows(sample)
        pairs = _pairs(rows @ seen, targets)
        weight = np.ones(len(rows)) if sample.sample_weight is None else sample.sample_weight
        p = probabilities(np.asarray(logits(sample.X, fit), np.float64))
        self.held = held(pairs, Multipliers.of(pairs, p, targets, weight / weight.max() / chance))
        self.open = self._open(self.held.free @ seen.T, unseen)
        if len(self.open):
            self.rounding = self._rounding(pairs._replace(rows=rows), sizes)

    def _rounding(self, pairs: Pairs, sizes: Matrix) -> NDArray[np.float64]:
        """Return how far along the open directions 0 may seem to be, for sizes (D,) of a row.

        At least what the pairs show that are orthogonal to them.
        """
        largest = np.abs(self.open).max(axis=(0, 1), initial=0.0)
        off = np.abs(pairs.margins(self.open)).max(axis=0, initial=0.0)
        off = np.where(self.held.pairs, off, 0.0).max(axis=1)
        seen = np.max(off / np.maximum(sizes @ largest, 1e-300), initial=0.0)
        return np.asarray(max(ROUNDINGS * EPS, 4.0 * float(seen)) * largest)

    def _open(self, free: Matrix, unseen: Matrix) -> Matrix:
        """Return an orthonormal basis (q, K, D) of what the sample's pairs leave open, in x̃."""
        if not free.size and not unseen.size:
            return np.zeros((0, self.n_classes, len(unseen)))
        heaviest = np.flatnonzero(~free.any(axis=(0, 2))) if len(free) else np.zeros(1, np.intp)
        classes = np.delete(np.arange(self.n_classes), heaviest[:1])
        blank = np.zeros((len(classes), unseen.shape[1], self.n_classes, unseen.shape[0]))
        for place, k in enumerate(classes):
            blank[place, :, k] = unseen.T
        columns = self.n_classes * unseen.shape[0]
        both = np.concatenate([free.reshape(-1, columns), blank.reshape(-1, columns)])
        basis = np.linalg.qr(both.T)[0].T
        basis[np.abs(basis) < CLEAN] = 0.0  # where a row is 0 elsewhere, it is 0 along the direction
        return np.asarray(basis.reshape(-1, self.n_classes, unseen.shape[0]))

    def result(self) -> Separation | None:
        """Return what is found; None where the sample leaves too much open."""
        if not len(self.open):
            return Separation("none")
        found = self._crossing()
        if found is None:
            return None
        vectors, tied, crossing_all = found
        decided = faces(vectors, tied)
        if not decided.decided:
            return None
        if decided.parted.all() and crossing_all and not self.held.pairs.any():
            return Separation("complete")
        spanned, lost = _kernels(vectors, vectors[~decided.parted])
        growing = decided.direction @ self.open.reshape(len(self.open), -1)
        return self._named(decided.parted.any(), spanned, lost, growing)

    def _named(
        self, parted: bool, spanned: Matrix, lost: Matrix, growing: NDArray[np.float64]
    ) -> Separation:
        """Return the contrasts that move along the directions in which nothing holds them."""
        infinite = self._contrasts(spanned) if parted else ()
        if infinite:
            fastest = self._growth(growing)
            infinite = tuple(sorted(infinite, key=lambda c: -fastest[c.of, c.against, c.feature]))
        known = set(infinite)
        rest = tuple(c for c in self._contrasts(lost) if c not in known)
        return Separation("quasi" if parted else "none", infinite, rest)

    def _growth(self, growing: NDArray[np.float64]) -> Matrix:
        direction, _ = self.columns.outward(growing.reshape(1, self.n_classes, -1))
        return np.abs(direction[0, :, None] - direction[0])

    def _contrasts(self, coefficients: Matrix) -> tuple[Contrast, ...]:
        directions = np.tensordot(coefficients, self.open, axes=1)
        return contrasts(*self.columns.outward(directions))

    def _crossing(self) -> tuple[Matrix, NDArray[np.bool_], bool] | None:
        """Return the pairs of all rows that the open directions tell from 0, as unit vectors.

        And which are tied, and whether these are all pairs there are; None where they are too many.
        """
        found, ties, everything, entries = [], [], True, 0
        count = max(1, len(self.open))
        for part in row_blocks(self.problem.X.shape[0], 8 * count * self.n_classes):
            block = self.problem.take(part)
            pairs = _pairs(self.columns.rows(block.X), _probability_rows(block))
            margins = np.moveaxis(pairs.margins(self.open), 0, -1)
            rounding = self.columns.sizes(block.X) @ self.rounding
            margins[np.abs(margins) <= rounding[:, None, None]] = 0.0
            crosses = margins.any(axis=-1)
            everything = everything and crosses.sum() == crosses.size - len(crosses)
            found.append(margins[crosses])
            ties.append(pairs.tied[crosses])
            entries += found[-1].size
            if entries > OPEN_ENTRIES:
                return None
        vectors = np.concatenate(found)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        return vectors, np.concatenate(ties), everything


def _kernels(vectors: Matrix, rest: Matrix) -> tuple[Matrix, Matrix]:
    """Return bases of what is orthogonal to `rest`: within the span of `vectors`, and in all."""
    span = _row_space(vectors)
    within = _null_space(rest @ span.T) @ span
    return within, _null_space(rest)


def _row_space(vectors: Matrix) -> Matrix:
    _, sizes, right = np.linalg.svd(_triangle(vectors))
    return np.asarray(right[: int((sizes > _smallest(sizes)).sum())])


def _null_space(vectors: Matrix) -> Matrix:
    _, sizes, right = np.linalg.svd(_triangle(vectors))
    return np.asarray(right[int((sizes > _smallest(sizes)).sum()) :])


def _smallest(sizes: NDArray[np.float64]) -> float:
    return 1e-9 * float(sizes.max(initial=0.0))


def _triangle(vectors: Matrix) -> Matrix:
    return vectors if len(vectors) <= vectors.shape[1] else np.linalg.qr(vectors, mode="r")


def _sample(problem: _Rows, size: int) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Return about `size` rows, about as many of every class, and their chances to be drawn."""
    n_rows = problem.targets.n_rows
    if n_rows <= size:
        return np.arange(n_rows), np.ones(n_rows)
    own = _own(problem)
    counts = np.bincount(own, minlength=problem.targets.n_classes)
    chance = np.minimum(1.0, size / len(counts) / np.maximum(counts, 1))[own]
    chosen = np.flatnonzero(np.random.default_rng(0).random(n_rows) < chance)
    return chosen, chance[chosen]


def _own(problem: _Rows) -> NDArray[np.intp]:
    targets = problem.targets
    own: Any = targets.labels if isinstance(targets, Labels) else targets.rows.argmax(axis=1)
    return np.asarray(own, np.intp)


def _probability_rows(problem: _Rows) -> Matrix:
    """Return t, (m, K)."""
    targets = problem.targets
    if not isinstance(targets, Labels):
        return targets.rows.astype(np.float64)
    rows = np.zeros((targets.n_rows, targets.n_classes))
    rows[np.arange(targets.n_rows), targets.labels] = 1.0
    return rows


def _pairs(rows: Matrix, targets: Matrix) -> Pairs:
    own = targets.argmax(axis=1)
    tied = targets > 0
    tied[np.arange(len(own)), own] = False
    return Pairs(rows, own, tied)
