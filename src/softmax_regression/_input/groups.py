"""Groups of rows: clusters of an inference, rows that are left out together."""

import math
from typing import Any, NamedTuple

import numpy as np

from .._arrays import as_array
from .._types import Index, Mask


class Groups(NamedTuple):
    """The group of each row, from 0 on in the order in which they come, and how many there are."""

    codes: Index
    number: int


def check_groups(groups: Any, n_rows: int, counted: Mask | None = None) -> Groups:
    """Return the groups of the rows that are `counted`, all of them for None.

    Raises
    ------
    ValueError
        Another length than the rows', or a missing group.
    """
    given = as_array(groups, "groups")
    if given.shape != (n_rows,):
        message = f"groups.shape == {given.shape}, expected ({n_rows},): one group per row"
        raise ValueError(message)
    missing = np.array([_is_missing(each) for each in given.tolist()], dtype=bool)
    if missing.any():
        first = int(np.argmax(missing))
        message = f"groups[{first}] is missing: give every row a group, or drop the row"
        raise ValueError(message)
    kept = given if counted is None else given[counted]
    number: dict[Any, int] = {}
    codes = np.array([number.setdefault(each, len(number)) for each in kept.tolist()], np.intp)
    return Groups(codes, len(number))


def refuse_groups(groups: Any) -> None:
    """Raise where groups would change nothing."""
    if groups is not None:
        message = (
            "groups is for l2='auto', which leaves them out together: set l2='auto', or leave groups "
            "out"
        )
        raise ValueError(message)


def _is_missing(value: object) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))
