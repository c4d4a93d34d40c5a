"""The readings before the first step: what all blocks hold, and the rows that stand for them."""

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .._input.blocks import GivenRows, check_blocks, refuse_other_classes
from .._input.given import Description
from .._input.hyperparameters import Hyperparameters, make_generator
from .._input.labels import check_classes
from .._likelihood.block import Block
from .._likelihood.survey import Survey
from .census import described, united
from .door import Door, told_apart
from .encoding import Encoding, encoding_of
from .sample import LIMIT, Quota, drawn, joined, row_bytes

# A sample of less than this part of what it may hold is drawn anew, now that sizes are known.
POOR = 0.5


class Gathered(NamedTuple):
    """Blocks that are known: as a source for sums through the `door`, and a sample of their rows.

    `whole`: the sample is all rows.
    """

    source: Sequence[Any]
    door: Door
    encoding: Encoding
    survey: Survey
    sample: Block
    whole: bool
    dtype: np.dtype[Any]
    names: NDArray[np.object_] | None
    effective_rows: float

    @property
    def description(self) -> Description:
        """What a model of the blocks is a model of."""
        return Description(self.encoding.classes, self.encoding.n_features, self.names)


def gather(
    blocks: Any, settings: Hyperparameters, classes: Any, map: Callable[..., Any]
) -> Gathered:
    """Read the blocks once, or twice where blocks of very unlike sizes leave the sample poor."""
    source = told_apart(check_blocks(blocks))
    known = None if classes is None else check_classes(classes)
    door = Door(map, len(source))
    door.convert = partial(_known, classes=known)
    quota = Quota(_seed(settings), LIMIT / len(source))
    census = united(door(partial(described, quota=quota, classes=known), source))
    encoding = encoding_of(census, settings, given=known is not None)
    parts = census.sample
    share = LIMIT / max(1.0, census.n_rows * _row_bytes(parts))
    if sum(part.n_rows for part in parts) < min(1.0, POOR * share) * census.n_rows:
        every = Quota(quota.seed, math.inf, min(1.0, share))
        parts = tuple(part for part in door(partial(drawn, quota=every), source) if part.n_rows)
    rows = joined(parts)
    door.convert = encoding
    return Gathered(
        source,
        door,
        encoding,
        encoding.survey(census),
        encoding(rows),
        rows.n_rows == census.n_rows,
        census.dtype,
        census.form.names,
        census.survey.weight**2 / census.squares,
    )


def _known(rows: GivenRows, classes: NDArray[Any] | None) -> GivenRows:
    """Return the rows of a block, whose targets are of the classes where these are given."""
    if classes is not None and rows.n_rows:
        refuse_other_classes(rows, classes)
    return rows


def _row_bytes(parts: Sequence[GivenRows]) -> float:
    """Return the bytes of a row, of the parts that have any."""
    n_rows = sum(part.n_rows for part in parts)
    return sum(part.n_rows * row_bytes(part.X) for part in parts) / max(1, n_rows)


def _seed(settings: Hyperparameters) -> int:
    """Return what rows are drawn by: without a random state the same in every fit."""
    if settings.random_state is None:
        return 0
    return int(make_generator(settings.random_state).integers(2**32))
