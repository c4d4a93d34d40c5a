"""Rows that are held out, to validate on."""

import numpy as np
from numpy.typing import NDArray

from .targets import Labels, Targets


def hold_out(
    targets: Targets, fraction: float, generator: "np.random.Generator"
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Split the rows at random into (kept, held out), each class in about the same proportion.

    Of every class a row is kept.

    Raises
    ------
    ValueError
        No row would be held out.
    """
    order = generator.permutation(targets.n_rows)
    labels = targets.labels if isinstance(targets, Labels) else targets.rows.argmax(axis=1)
    order = order[np.argsort(labels[order], kind="stable")]
    # Row i is held out where the running count i · fraction passes a whole number.
    passed = np.floor((np.arange(targets.n_rows) + 1.5) * fraction)
    held = np.diff(passed, prepend=np.floor(0.5 * fraction)) > 0
    first = np.flatnonzero(np.diff(labels[order], prepend=-1))
    held[first[np.logical_and.reduceat(held, first)]] = False
    if not held.any():
        message = (
            f"validation_fraction={fraction} of {targets.n_rows} rows of weight > 0 leaves no row to "
            "validate on, with one of every class to learn from; give more rows, a larger "
            "validation_fraction, or validation_data"
        )
        raise ValueError(message)
    return np.sort(order[~held]), np.sort(order[held])
