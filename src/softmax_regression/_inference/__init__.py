"""Reading a fit: what its coefficients say, and how sure they are.

`question` checks what is asked and makes an `estimate` with its `covariance`; `result` answers with
`contrasts`, `hypotheses`, `effects` and `intervals`, which print as a `table`.
"""

from .coefficients import coefficient_table
from .explanation import Explanation, explanation
from .names import names_of
from .question import Model, Question, infer
from .result import Inference
from .table import Table

__all__ = [
    "Explanation",
    "Inference",
    "Model",
    "Question",
    "Table",
    "coefficient_table",
    "explanation",
    "infer",
    "names_of",
]
