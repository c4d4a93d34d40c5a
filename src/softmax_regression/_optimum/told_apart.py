"""Classes that are told from each other: the minima of groups of them bound F's from below.

    F(θ) ≥ Σ_G [(1 / Σ w) Σ_{i: t_i in G} w_i CE(t_i, softmax over G) + penalty of G's weights]

A softmax over fewer classes has no larger a loss. Where groups are told apart it has hardly a
smaller one, and the proof is rid of what parts them: of weights that the penalty of a column of
huge spread hardly holds, and that probabilities of 1e-16 still pull at.
"""

from collections.abc import Callable
from copy import copy
from functools import partial

import numpy as np

from .._likelihood.block import Block, Memo
from .._likelihood.targets import Labels, ProbabilityRows, Targets
from .._likelihood.value import balanced, probabilities
from .._likelihood.working import Chunk, Likelihood
from .._objective import Objective, Point
from .._types import Index, Matrix

# Parts of `tol`: what the groups' probabilities of each other may take of a proof, and what each
# group's F may be above its own minimum.
LOST = 0.01
OWN = 0.9
# Error of the sums in F, relative to F and to the terms of its logits.
ROUNDING = 1e-14


def gap_by_groups(
    objective: Objective, point: Point, tol: float, prove: Callable[[Objective, Matrix], Point]
) -> float:
    """Return what F is above the sum of the groups' minima, infinite where there is one group.

    `prove` returns a group's F at its own θ, with a bound on what that is above its minimum.
    """
    likelihood = objective.likelihood
    groups = told_apart(likelihood, point.theta, LOST * tol)
    if len(groups) == 1:
        return np.inf
    lowest, readings = 0.0, 0
    for group in groups:
        if len(group) > 1:  # one class alone has no loss
            share, own = _own(objective, group)
            # The proof takes gradients that sum to zero over the classes, and so must the weights.
            found = prove(own, balanced(point.theta[group]))
            lowest += share * max(found.value - found.bound, 0.0)
            readings = max(readings, own.likelihood.readings)
    likelihood.count(readings)  # of other rows by every group
    # Both F are rounded as their logits are, of columns of unit spread.
    size = float(np.abs(point.theta).sum(axis=1).max())
    return max(point.value - lowest, 0.0) + ROUNDING * (point.value + 2.0 * size)


def told_apart(likelihood: Likelihood, theta: Matrix, most: float) -> list[Index]:
    """Return the smallest groups of classes that have no more than `most` of each other's rows.

    That is of the weighted mean of probabilities. Classes that share a row's target are in one.
    """
    mass, shared = likelihood.sums(confusion, theta, products=True)
    mass = (mass + mass.T) / likelihood.survey.weight
    mass[shared > 0.0] = np.inf
    pairs = np.sort(mass[np.triu_indices(len(mass), 1)])
    least = np.append(pairs, np.inf)[np.count_nonzero(np.cumsum(pairs) <= most)]
    linked = (mass >= least) | np.eye(len(mass), dtype=bool)
    group = np.arange(len(mass))
    while (group != (joined := np.where(linked, group, len(mass)).min(axis=1))).any():
        group = joined
    return [np.flatnonzero(group == first) for first in np.unique(group)]


def confusion(chunk: Chunk, theta: Matrix) -> tuple[Matrix, Matrix]:
    """Return Σ w_i t_i p_iᵀ and Σ t_i t_iᵀ, (K, K)."""
    p = probabilities(chunk, theta)
    targets = np.zeros_like(p)
    chunk.targets.subtract_from(targets, -1.0)
    return (targets * chunk.weights()) @ p.T, targets @ targets.T


def _own(objective: Objective, group: Index) -> tuple[float, Objective]:
    """Return a group's part of all weight, and F of its rows and classes, divided by that part."""
    likelihood = objective.likelihood
    source = [
        _rows(item, group) if isinstance(item, Block) else partial(_rows, item, group)
        for item in likelihood.source
    ]
    own = copy(objective)
    own.likelihood = Likelihood(source, coordinates=likelihood.coordinates, map=likelihood.map)
    share = own.likelihood.survey.weight / likelihood.survey.weight
    own.penalty = objective.penalty._replace(l1=objective.l1 / share, l2=objective.l2 / share)
    return share, own


def _rows(item: Block | Callable[[], Block], group: Index) -> Block:
    """Return a block's rows of these classes, which are numbered anew."""
    block = item() if callable(item) else item
    targets = block.targets
    labels = targets.labels if isinstance(targets, Labels) else targets.rows.argmax(axis=1)
    rows = np.flatnonzero(np.isin(labels, group))
    own: Targets
    if isinstance(targets, Labels):
        own = Labels(np.searchsorted(group, labels[rows]), len(group))
    else:
        own = ProbabilityRows(targets.rows[rows][:, group])
    return block.take(rows)._replace(targets=own, memo=None if block.memo is None else Memo())
