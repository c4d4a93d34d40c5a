"""The arrays that the library's rooms pass to each other."""

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.floating[Any]]  # in the precision of the passes
Vector: TypeAlias = NDArray[np.float64]
Matrix: TypeAlias = NDArray[np.float64]
Index: TypeAlias = NDArray[np.intp]
Mask: TypeAlias = NDArray[np.bool_]
Precision: TypeAlias = type[np.floating[Any]]
Apply: TypeAlias = Callable[[Matrix], Matrix]
# A dense float32 or float64 array, or a sparse matrix in CSR form: whatever has `@`, `.T` and row
# slicing.
Features: TypeAlias = Any
