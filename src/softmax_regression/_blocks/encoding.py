"""How the rows of any block become rows of one problem: its classes, its weights, one unit for all."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .._input.blocks import GivenRows
from .._input.hyperparameters import Hyperparameters
from .._input.labels import encode, find_classes
from .._input.weights import class_factors, refuse_all_zero
from .._likelihood.block import Block
from .._likelihood.survey import Survey
from .._likelihood.targets import Labels, ProbabilityRows
from .._types import Index, Vector
from .census import Census, scaled
from .door import SAME

TINY = 1e-300


class Encoding(NamedTuple):
    """`labels` (L,) that rows may have, the weight of each, and its place among the classes.

    Every weight is over 2^`exponent`. Labels whose `factors` are 0 are absent.
    """

    labels: NDArray[np.generic]
    factors: Vector
    places: Index
    classes: NDArray[np.generic]
    n_features: int
    exponent: int
    smoothing: float

    def __call__(self, rows: GivenRows) -> Block:
        """Return the rows of a block that count."""
        if not rows.n_rows:
            none = np.zeros((0, self.n_features))
            return Block(none, Labels(np.zeros(0, np.intp), len(self.classes), self.smoothing))
        if rows.X.shape[1] != self.n_features:
            message = f"X had {self.n_features} features and now has {rows.X.shape[1]}; {SAME}"
            raise ValueError(message)
        weight = scaled(rows, self.exponent)
        if rows.y.ndim == 2:
            return self._of_probabilities(rows, weight).counted()
        absent = None if weight is None else weight == 0
        labels = encode(rows.y, self.labels, absent=absent).labels  # type: ignore[union-attr]
        if (self.factors != 1.0).any():
            own = self.factors[labels]
            weight = own if weight is None else weight * own
        targets = Labels(self.places[labels], len(self.classes), self.smoothing)
        return Block(rows.X, targets, weight).counted()

    def _of_probabilities(self, rows: GivenRows, weight: Vector | None) -> Block:
        if (self.factors == 1.0).all():
            return Block(rows.X, ProbabilityRows(rows.y, self.smoothing), weight)
        own, targets = ProbabilityRows(rows.y).weighted(self.factors)
        weight = own if weight is None else weight * own
        return Block(rows.X, ProbabilityRows(targets.rows, self.smoothing), weight)

    def survey(self, census: Census) -> Survey:
        """Return the survey of all rows as they count."""
        survey = census.survey
        if (self.factors != self.factors[0]).any():
            survey = _reweighted(survey, self.factors)
        elif self.factors[0] != 1.0:
            survey = survey._replace(weight=survey.weight * self.factors[0])
        if len(self.classes) < len(self.labels):
            kept = np.flatnonzero(self.factors)
            targets, rows = survey.targets[kept], survey.target_rows[kept]
            survey = survey._replace(targets=targets, target_rows=rows)
        evenly = self.smoothing / len(self.classes)
        return survey._replace(
            targets=(1.0 - self.smoothing) * survey.targets + evenly,
            target_rows=(1.0 - self.smoothing) * survey.target_rows,
        )


def encoding_of(census: Census, settings: Hyperparameters, *, given: bool) -> Encoding:
    """Return how rows are encoded: for the classes `given`, or those that rows of weight > 0 have.

    Raises
    ------
    ValueError
        Fewer than two classes, weights that are all 0, or class weights for other classes.
    """
    refuse_all_zero(census.totals)
    labels, totals = census.labels, census.totals
    factors = class_factors(settings.class_weight, labels, lambda: totals)
    refuse_all_zero(totals * factors, name="class_weight")
    classes = labels
    if given:
        find_classes(labels[totals > 0], None)
    elif not census.form.n_columns:
        classes = find_classes(labels, totals * factors, n_rows=census.n_rows)
    learned = np.isin(labels, classes)
    return Encoding(
        labels,
        np.where(learned, factors, 0.0),
        np.maximum(np.cumsum(learned) - 1, 0),
        classes,
        census.form.n_features,
        census.exponent,
        settings.label_smoothing,
    )


def _reweighted(survey: Survey, factors: Vector) -> Survey:
    """Return the survey of rows of which those of label k weigh c_k times as much.

    A target row counts as a row of each of its labels. The spread within labels is known of all
    together, not of each, so that of the columns is about right; all else is exact.
    """
    shares = survey.targets * factors
    total = shares.sum()
    targets = shares / total
    counts = np.maximum(survey.targets, TINY)[:, None]
    apart = np.where(survey.targets[:, None] > 0, survey.target_rows / counts, 0.0)
    moved = targets @ apart
    between = survey.targets @ apart**2
    within = np.maximum(survey.spread**2 - between, 0.0)
    return survey._replace(
        weight=survey.weight * total,
        targets=targets,
        mean=survey.mean + moved,
        spread=np.sqrt(within + targets @ (apart - moved) ** 2),
        target_rows=targets[:, None] * (apart - moved),
    )
