"""What all rows say along the few directions that a sample leaves open.

A direction is guessed and held against every row; the pairs that contradict it, or that it leaves
on the border, join those from which `faces` makes the next guess, until no row objects.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .._likelihood.block import Block
from .._likelihood.logits import row_blocks
from .coordinates import Columns
from .faces import faces
from .pairs import Matrix, Pairs, pairs_of
from .rows import probability_rows

READINGS = 25
# Pairs that may join at one reading, and for each open direction.
LEAST_JOINING = 200
JOINING = 4
# Part of a row's length that is the rounding of 0, and of the largest of the vectors' spreads.
FINEST = 1e-10
INSIDE = 1e-9
MIXTURES = 2
Vector = NDArray[np.float64]


class Found(NamedTuple):
    """Directions `levels` (L, q), along the first of which that tells it from 0 a pair is parted.

    `kernel` spans what is orthogonal to all pairs that are not parted.
    """

    levels: Matrix
    kernel: Matrix
    all_parted: bool

    @staticmethod
    def nothing(size: int) -> "Found":
        """Return that no pair is parted."""
        return Found(np.zeros((0, size)), np.zeros((0, size)), False)


class _Objections(NamedTuple):
    """Pairs (row, class) that the next guess should know; whether they overthrow this one."""

    places: NDArray[np.intp]
    overthrown: bool
    some_parted: bool
    all_parted: bool


class Border:
    """The pairs of all rows along orthonormal `directions` (q, K, D) in x̃."""

    def __init__(
        self, directions: Matrix, rounding: Vector, columns: Columns, problem: Block
    ) -> None:
        self.directions, self.rounding = directions, rounding
        self.columns, self.problem = columns, problem
        self.n_classes = directions.shape[1]
        self.joining = max(LEAST_JOINING, JOINING * len(directions))

    def decide(self, fit: Matrix) -> Found | None:
        """Return what parts what, from the direction of a fit (K, D); None where it stays open."""
        size = len(self.directions)
        guess = self.directions.reshape(size, -1) @ fit.ravel()
        levels = guess[None] / max(float(np.linalg.norm(guess)), 1e-300)
        kernel = np.eye(size)
        known, vectors, tied = np.zeros(0, np.intp), np.zeros((0, size)), np.zeros(0, bool)
        for _ in range(READINGS):
            objections = self._read(levels, kernel, known)
            if not objections.overthrown:
                found = Found(levels, kernel, objections.all_parted)
                return found if objections.some_parted else Found.nothing(size)
            more, ties = self._vectors(objections.places)
            known = np.concatenate([known, objections.places])
            vectors, tied = np.concatenate([vectors, more]), np.concatenate([tied, ties])
            decided = faces(vectors, tied)
            if decided is None:
                return None
            levels, kernel = decided.levels, _null_space(vectors[~decided.parted])
        return None

    def _read(self, levels: Matrix, kernel: Matrix, known: NDArray[np.intp]) -> _Objections:
        """Hold a guess against all rows."""
        places, margins, overthrown, some_parted, all_parted = [], [], False, False, True
        # A pair that leaves the span of those known not to be parted shows along some of its
        # kernel, and so along nearly every mixture of it.
        mixtures = np.random.default_rng(0).standard_normal((MIXTURES, len(kernel))) @ kernel
        steps = np.tensordot(levels, self.directions, axes=1)
        across = np.tensordot(mixtures, self.directions, axes=1)
        entries = max((1 + len(levels)) * self.n_classes, self.directions.shape[2])
        for part in row_blocks(self.problem.X.shape[0], 8 * entries):
            block = self.problem.take(part)
            pairs = pairs_of(self.columns.rows(block.X), probability_rows(block))
            finest = self._finest(pairs, block)
            margin, waiting = _told(pairs, steps, finest)
            loose = waiting & _told(pairs, across, finest)[0].astype(bool)
            all_parted = all_parted and not waiting.any()
            some_parted = some_parted or bool((margin > 0).any())
            here = np.arange(part.start, part.stop)[:, None] * self.n_classes
            here = here + np.arange(self.n_classes)
            new = ~np.isin(here, known) & (loose | (margin != 0))
            overthrown = overthrown or bool((new & (loose | (margin < 0))).any())
            wanted = np.flatnonzero(new)
            order = np.argsort(margin.ravel()[wanted], kind="stable")[: self.joining]
            places.append(here.ravel()[wanted[order]])
            margins.append(margin.ravel()[wanted[order]])
        order = np.argsort(np.concatenate(margins), kind="stable")[: self.joining]
        return _Objections(np.concatenate(places)[order], overthrown, some_parted, all_parted)

    def _finest(self, pairs: Pairs, block: Block) -> Matrix:
        """Return the margins (m, 1) of a row, along a mixture of directions, that may be 0."""
        finest = self.columns.sizes(block.X) @ self.rounding * np.sqrt(len(self.directions))
        return np.asarray(finest + FINEST * np.linalg.norm(pairs.rows, axis=1))[:, None]

    def _clean(self, pairs: Pairs, block: Block) -> Matrix:
        """Return the pairs along the directions, (m, K, q), without the rounding of 0."""
        margins = np.moveaxis(pairs.margins(self.directions), 0, -1)
        rounding = self.columns.sizes(block.X) @ self.rounding
        margins[np.abs(margins) <= rounding[:, None, None]] = 0.0
        return margins

    def _vectors(self, places: NDArray[np.intp]) -> tuple[Matrix, NDArray[np.bool_]]:
        """Return the pairs at some places as unit vectors (N, q), and which are tied."""
        rows, classes = np.divmod(places, self.n_classes)
        unique, back = np.unique(rows, return_inverse=True)
        block = self.problem.take(unique)
        pairs = pairs_of(self.columns.rows(block.X), probability_rows(block))
        vectors = self._clean(pairs, block)[back, classes]
        length = np.linalg.norm(vectors, axis=1, keepdims=True)
        return vectors / np.maximum(length, 1e-300), pairs.tied[back, classes]


def _told(pairs: Pairs, steps: Matrix, finest: Matrix) -> tuple[Matrix, NDArray[np.bool_]]:
    """Return the pairs' margins at the first step that tells them from 0, and those none does.

    In units of what is told from 0; that of a tied pair counts as against it.
    """
    waiting = np.ones(pairs.tied.shape, bool)
    waiting[pairs.at_own()] = False
    margins = np.zeros(waiting.shape)
    for step in steps:
        margin = pairs.margins(step) / np.maximum(finest, 1e-300)
        margin = np.where(pairs.tied, -np.abs(margin), margin)
        told = waiting & (np.abs(margin) > 1.0)
        margins[told] = margin[told]
        waiting &= ~told
    return margins, waiting


def _null_space(vectors: Matrix) -> Matrix:
    """Return an orthonormal basis of what is orthogonal to all vectors."""
    triangle = vectors if len(vectors) <= vectors.shape[1] else np.linalg.qr(vectors, mode="r")
    _, sizes, right = np.linalg.svd(triangle)
    return np.asarray(right[int((sizes > INSIDE * sizes.max(initial=0.0)).sum()) :])
