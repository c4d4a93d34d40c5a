"""Choosing the penalty: what fits without a row lose on it, and the optimum along the penalty.

`leave_one_out` asks a `question` of rows that are `prepared` once: `surface` is F near its minimum,
`one_step` a Newton step away from every row, `refits` fits without some, `held_out` the answer.
"""

from .held_out import LeaveOneOut
from .leave_one_out import Model, leave_one_out

__all__ = ["LeaveOneOut", "Model", "leave_one_out"]
