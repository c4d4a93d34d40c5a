"""The one door from whoever drives a fit to the rows: sums of a function over blocks."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, TypeAlias

import numpy as np

from .block import Block

# In order, read as often as asked for; loaders are called where the block is summed over.
Source: TypeAlias = Sequence[Block | Callable[[], Block]]
Sums: TypeAlias = tuple[Any, ...]


class Largest(float):
    """A number whose sum with another is the larger of the two."""

    def __add__(self, other: float) -> "Largest":
        """Return the larger, or NaN where there is one."""
        return Largest(np.maximum(self, other))


def summed(function: Callable[..., Sums], source: Source, *arguments: Any, map: Any = map) -> Sums:
    """Return Σ function(block, *arguments) over the blocks, entry by entry, added in their order.

    `map` is any map that keeps the order: the built-in one, an executor's, a cluster's. With a
    module-level function and picklable arguments the same blocks give the same bits through all.
    """
    return added(map(partial(_of_block, function, arguments), source))


def added(results: Iterable[Sums]) -> Sums:
    """Return the sum of tuples, entry by entry, from left to right."""
    iterator = iter(results)
    total = next(iterator)
    for result in iterator:
        total = tuple(one + other for one, other in zip(total, result, strict=True))
    return total


def _of_block(
    function: Callable[..., Sums], arguments: tuple[Any, ...], item: Block | Callable[[], Block]
) -> Sums:
    return function(item() if callable(item) else item, *arguments)
