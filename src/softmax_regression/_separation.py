"""Classes that a hyperplane parts: without a penalty F has no minimum then."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._likelihood.block import Block
from ._likelihood.logits import logits, row_blocks
from ._parameters import Parameters


def separates(problem: Block, parameters: Parameters) -> bool:
    """Whether every row has one class, by a positive margin: F has no minimum then.

    Along these parameters F falls for ever.
    """
    for rows in row_blocks(problem.X.shape[0], 8 * max(parameters.weights.shape)):
        labels = problem.targets.take(rows).only_classes()
        if labels is None:
            return False
        margins = _margins(logits(problem.X[rows], parameters), labels)
        if not (margins > 0).all():
            return False
    return True


def _margins(Z: NDArray[Any], labels: NDArray[np.intp]) -> NDArray[Any]:
    """Return how far each row's own logit is above its largest other one."""
    rows = np.arange(len(labels))
    own = Z[rows, labels]
    Z[rows, labels] = -np.inf
    return np.asarray(own - Z.max(axis=1))
