"""The map of the user, and what goes through it: a block is loaded, checked and summed over there.

An item of the user's list goes through untouched: a tuple, a callable that loads one, or whatever
the map itself turns into one. Errors come back as values, so that the first of them in the order of
the blocks is the one that is raised, whatever map ran them.
"""

import traceback
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from .._input.blocks import GivenRows, check_block

SAME = "every reading must find the same rows"


class Answer(NamedTuple):
    """What was made of a block, with what it holds: the number and the total weight of its rows."""

    n_rows: int
    weight: float
    value: Any


class Failure(NamedTuple):
    """An error in a block, and where it came from; `own`: its message is one of this library's."""

    error: Exception
    trace: str
    own: bool

    def raise_from(self, number: int) -> None:
        """Raise the error of a block of this number."""
        if self.own:
            message = f"block {number}: {self.error}"
            raise type(self.error)(message) from self.error
        self.error.add_note(f"in block {number}")
        if self.error.__traceback__ is None:  # it came from another process
            self.error.add_note(self.trace)
        raise self.error


class Door:
    """Reads blocks through a map, and counts how often; every reading must find the same rows."""

    def __init__(self, map: Any, n_blocks: int) -> None:
        self.map, self.n_blocks = map, n_blocks
        self.readings = 0
        self.held: list[tuple[int, float]] = []
        # Every reading says first what it makes of checked rows.
        self.convert: Any

    def __call__(self, function: Callable[[Any], Any], items: Sequence[Any]) -> Iterator[Any]:
        """Yield what the function makes of each block in turn, as the built-in map does."""
        first = not self.readings
        self.readings += 1
        number = 0
        for result in self.map(partial(attempt, function, self.convert, first), items):
            if isinstance(result, Failure):
                result.raise_from(number)
            yield self._checked(result, number)
            number += 1
        if number != self.n_blocks:
            message = (
                f"map returned {number} results for {self.n_blocks} blocks; it must return one for "
                "each block, in their order, as the built-in map does"
            )
            raise ValueError(message)

    def _checked(self, answer: Any, number: int) -> Any:
        """Return what was made of a block that holds what it held in the first reading."""
        if not isinstance(answer, Answer):
            message = (
                f"map returned {type(answer).__name__} for block {number}; it must return what the "
                "function it is given returns, as the built-in map does"
            )
            raise TypeError(message)
        if number == len(self.held):
            self.held.append((answer.n_rows, answer.weight))
        n_rows, weight = self.held[number]
        if answer.n_rows != n_rows:
            message = f"block {number} had {n_rows:,} rows and now has {answer.n_rows:,}; {SAME}"
            raise ValueError(message)
        if answer.weight != weight:
            message = (
                f"the weights of block {number} had the sum {weight:g} and now have "
                f"{answer.weight:g}; {SAME}"
            )
            raise ValueError(message)
        return answer.value


class Repeated(NamedTuple):
    """An item that is the same object as so many before it."""

    item: Any
    repetition: int


def told_apart(blocks: Sequence[Any]) -> list[Any]:
    """Return the items, those that come again as such; what only the map can open stays as it is."""
    seen: dict[Any, int] = {}
    items = []
    for item in blocks:
        known = tuple(map(id, item)) if isinstance(item, (tuple, list)) else id(item)
        repetition = seen.get(known, 0)
        seen[known] = repetition + 1
        own = isinstance(item, (tuple, list)) or callable(item)
        lazy = hasattr(item, "__dask_graph__")
        items.append(Repeated(item, repetition) if repetition and own and not lazy else item)
    return items


def attempt(
    function: Callable[[Any], Any], convert: Callable[[GivenRows], Any], first: bool, item: Any
) -> Answer | Failure:
    """Return what the function makes of the rows of an item, or what went wrong.

    Rows are looked through for what is not finite in the `first` reading.
    """
    own, repetition = False, 0
    try:
        if isinstance(item, Repeated):
            item, repetition = item
        given = item() if callable(item) else item
        own = True
        rows = check_block(given, finite=first)._replace(repetition=repetition)
        converted = convert(rows)
        own = False
        with np.errstate(all="ignore"):  # what overflows ends as a non-finite F
            return Answer(rows.n_rows, rows.total(), function(converted))
    except Exception as error:  # noqa: BLE001 - it is raised where the number of the block is known
        return Failure(
            error, traceback.format_exc(), own and type(error) in (TypeError, ValueError)
        )
