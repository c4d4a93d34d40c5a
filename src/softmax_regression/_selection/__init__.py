"""Choosing the penalty: what fits without a row lose on it, and the optimum along the penalty.

`leave_one_out` asks a `question` of rows that are `prepared` once: `surface` is F near its minimum,
`one_step` a Newton step away from every row, `refits` fits without some, `held_out` the answer.

`choice` finds an l2: `fits` of the same rows along l2, whose held-out loss is a `curve`, by
leave-one-out or `folds`, which a `search` follows down to its minimum, told as a `selection`.
`path` follows the optima over a `grid` of penalties.
"""

from .choice import chooser
from .grid import Asked
from .held_out import LeaveOneOut
from .leave_one_out import Model, leave_one_out
from .path import follow
from .path_result import RegularizationPath
from .selection import Selection

__all__ = [
    "Asked",
    "LeaveOneOut",
    "Model",
    "RegularizationPath",
    "Selection",
    "chooser",
    "follow",
    "leave_one_out",
]
