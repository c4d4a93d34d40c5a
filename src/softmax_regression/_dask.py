"""Dask collections: their partitions as blocks, and the active scheduler as a map.

Imported where such a collection is seen.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

from ._arrays import is_dask


def partitions(
    X: Any, y: Any, sample_weight: Any = None, groups: Any = None
) -> list[tuple[Any, ...]]:
    """Return the partitions as tuples (X, y) or (X, y, sample_weight), not computed.

    Raises
    ------
    TypeError
        One of them is no Dask collection.
    ValueError
        Partitions that do not belong together, or groups.
    """
    if groups is not None:
        message = (
            "groups is for l2='auto', which needs all rows in memory: use fit on a sample of them, "
            "and leave groups out here"
        )
        raise ValueError(message)
    given = {"X": X, "y": y} | ({} if sample_weight is None else {"sample_weight": sample_weight})
    for name, values in given.items():
        if not (is_dask(values) and hasattr(values, "to_delayed")):
            message = (
                f"X is a Dask collection and {name} is none; make it one with "
                f"dask.array.from_array({name}, chunks=X.chunks[0])"
            )
            raise TypeError(message)
        _refuse_cut_rows(values, name)
        _refuse_unlike(X, values, name)
    return list(zip(*map(_parts, given.values()), strict=True))


def computed(function: Callable[[Any], Any], blocks: Sequence[Any]) -> Sequence[Any]:
    """Return what the function makes of each block, computed by the active scheduler."""
    import dask  # noqa: PLC0415 - it is there where its collections are

    lazily = dask.delayed(function, pure=False)
    return dask.compute(*[lazily(block) for block in blocks])  # type: ignore[no-any-return]


def _parts(values: Any) -> list[Any]:
    # Optimised on its own, a data frame of a few columns of a file gets fewer, larger partitions.
    parts = values.to_delayed(optimize_graph=False)
    return list(parts if isinstance(parts, list) else parts.ravel())


def _chunks(values: Any) -> tuple[float, ...]:
    """Return how many rows each partition has, NaN where it is not known, as in data frames."""
    return (
        tuple(values.chunks[0]) if hasattr(values, "chunks") else (math.nan,) * values.npartitions
    )


def _refuse_cut_rows(values: Any, name: str) -> None:
    if any(len(sizes) > 1 for sizes in getattr(values, "chunks", ())[1:]):
        message = (
            f"every chunk of {name} must hold whole rows, got chunks of {values.chunks[1]} columns; "
            f"call {name}.rechunk({{1: -1}})"
        )
        raise ValueError(message)


def _refuse_unlike(X: Any, values: Any, name: str) -> None:
    """Raise where rows are known to be cut otherwise than those of X."""
    ours, theirs = _chunks(X), _chunks(values)
    pairs = zip(ours, theirs, strict=False)
    unlike = any(a != b for a, b in pairs if not (math.isnan(a) or math.isnan(b)))
    if unlike or len(ours) != len(theirs):
        message = (
            f"X and {name} must be cut at the same rows, got {len(ours)} and {len(theirs)} "
            f"partitions; call {name}.rechunk(X.chunks[0]), or of data frames "
            f"{name}.repartition(divisions=X.divisions)"
        )
        raise ValueError(message)
