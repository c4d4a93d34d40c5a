"""What the first reading tells of all blocks: their form, labels, weights and moments, and a sample.

Labels are united and moments added pairwise, block by block, so that no block need know the classes
of the others.
"""

import math
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .._input.blocks import Form, GivenRows
from .._input.labels import distinct, encode, refuse_misfit
from .._likelihood.block import Block
from .._likelihood.survey import Survey, survey
from .._types import Index, Matrix, Vector
from .sample import Quota, drawn


class Census(NamedTuple):
    """What is known of some blocks.

    `survey` is by label (L,), before class weights and smoothing. Weights are 2^`exponent` times
    those in `survey`, `totals` Σ w t (L,) and `squares` Σ w².
    """

    form: Form
    labels: NDArray[np.generic]
    survey: Survey
    totals: Vector
    squares: float
    exponent: int
    dtype: np.dtype[np.generic]
    n_rows: int
    sample: tuple[GivenRows, ...]

    def united(self, other: "Census") -> "Census":
        """Return what is known of the blocks of both, those of `other` being later ones."""
        labels = self.labels
        if not np.array_equal(labels, other.labels):
            labels = distinct(np.concatenate([labels, other.labels]))
        weighing = [each.exponent for each in (self, other) if each.survey.weight]
        exponent = max(weighing, default=0)
        one, two = self._over(labels, exponent), other._over(labels, exponent)
        return Census(
            self.form,
            labels,
            one.survey + two.survey,
            one.totals + two.totals,
            one.squares + two.squares,
            exponent,
            np.result_type(self.dtype, other.dtype),
            self.n_rows + other.n_rows,
            self.sample + other.sample,
        )

    def _over(self, labels: NDArray[np.generic], exponent: int) -> "Census":
        """Return the same by more labels, and with weights in a larger unit."""
        shift = self.exponent - exponent
        weight = math.ldexp(self.survey.weight, shift)
        targets, rows, totals = self.survey.targets, self.survey.target_rows, self.totals
        if self.form.n_columns == 0 and len(labels) > len(self.labels):
            places = encode(self.labels, labels).labels  # type: ignore[union-attr]
            targets, totals = (_spread(each, places, len(labels)) for each in (targets, totals))
            rows = _spread(rows, places, len(labels))
        return self._replace(
            survey=self.survey._replace(weight=weight, targets=targets, target_rows=rows),
            totals=np.ldexp(totals, shift),
            squares=math.ldexp(self.squares, 2 * shift),
        )


def described(
    rows: GivenRows, quota: Quota, classes: NDArray[np.generic] | None
) -> tuple[Census | None]:
    """Return what is known of one block, whose labels are of the `classes` where these are given.

    None where it has no rows.
    """
    if not rows.n_rows:
        return (None,)
    form = Form.of(rows, 0)
    labels = distinct(rows.y, rows.columns) if classes is None else classes
    absent = None if rows.weight is None else rows.weight == 0
    exponent = 0 if rows.weight is None else math.frexp(rows.weight.max())[1]
    weight = scaled(rows, exponent)
    targets = encode(rows.y, labels, absent=absent)
    block = Block(rows.X, targets, weight).counted()
    (found,) = survey(block)
    squares = float(block.n_rows if block.weight is None else block.weight @ block.weight)
    totals = block.targets.class_totals(block.weight)
    sample = drawn(rows, quota)
    dtype, n_rows = rows.X.dtype, rows.n_rows
    return (Census(form, labels, found, totals, squares, exponent, dtype, n_rows, (sample,)),)


def scaled(rows: GivenRows, exponent: int) -> Vector | None:
    """Return the weights of the rows over 2^`exponent`, None where all are 1."""
    if rows.weight is None:
        return np.full(rows.n_rows, math.ldexp(1.0, -exponent)) if exponent else None
    return np.ldexp(rows.weight, -exponent)


def united(found: Iterable[tuple[Census | None]]) -> Census:
    """Return what is known of all blocks, in their order.

    Raises
    ------
    TypeError, ValueError
        Blocks that do not belong together, or none with rows.
    """
    total: Census | None = None
    for number, (one,) in enumerate(found):
        if one is None:
            continue
        census = one._replace(form=one.form._replace(number=number))
        if total is None:
            total = census
            continue
        total.form.refuse_other(census.form)
        _refuse_other_labels(total, census)
        total = total.united(census)
    if total is None:
        message = "the blocks have no rows; give at least one row of each of two classes"
        raise ValueError(message)
    return total


def _refuse_other_labels(known: Census, census: Census) -> None:
    try:
        refuse_misfit(census.labels, known.labels)
    except TypeError as error:
        message = f"block {census.form.number}: {error}"
        raise TypeError(message) from None


def _spread(values: Vector | Matrix, places: Index, size: int) -> Matrix:
    wider = np.zeros((size, *values.shape[1:]))
    wider[places] = values
    return wider
