"""By how much the logit of its own class leads in every row: what complete separation is told by."""

import numpy as np

from .._parameters import Parameters
from .block import Block
from .logits import logits, row_blocks
from .sums import Largest


def margins(block: Block, parameters: Parameters) -> tuple[Largest]:
    """Return max_i max_{l ≠ k} (z_il − z_ik), k the class of row i: below 0 where all rows are parted.

    Rows are read up to some that are not. Infinite where a row has more than one class; −inf
    without rows.
    """
    behind = Largest(-np.inf)
    for rows in row_blocks(block.n_rows, 8 * max(parameters.weights.shape)):
        labels = block.targets.take(rows).only_classes()
        if labels is None:
            return (Largest(np.inf),)
        Z = logits(block.X[rows], parameters)
        own = np.arange(len(labels)), labels
        ahead = Z[own]
        Z[own] = -np.inf
        with np.errstate(over="ignore"):
            behind += float((Z.max(axis=1) - ahead).max())
        if not behind < 0.0:
            break
    return (behind,)
