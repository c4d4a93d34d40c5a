"""The weights W and the intercept b of a model, together or in one vector."""

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray


class Parameters(NamedTuple):
    """W (n_classes, n_features) and b (n_classes,), or both in one vector θ, W row by row first."""

    weights: NDArray[Any]
    intercept: NDArray[Any]

    @classmethod
    def split(cls, theta: NDArray[Any], n_classes: int) -> "Parameters":
        """Return W and b as views of θ."""
        n_weights = theta.size - n_classes
        return cls(theta[:n_weights].reshape(n_classes, -1), theta[n_weights:])

    def joined(self) -> NDArray[Any]:
        """Return a new θ."""
        return np.concatenate([self.weights.ravel(), self.intercept])

    def relative(self) -> "Parameters":
        """Return parameters that tell as much: of two classes their difference, (1, n_features)."""
        if len(self.weights) != 2:
            return self
        with np.errstate(over="ignore"):
            apart = Parameters(np.diff(self.weights, axis=0), np.diff(self.intercept))
        return apart if all(_finite(array) for array in apart) else self

    def held(self, dtype: Any) -> "Parameters":
        """Return the parameters in the model's dtype.

        Raises
        ------
        ValueError
            float32 cannot hold one of them.
        """
        with np.errstate(over="ignore"):
            held = Parameters(*(array.astype(dtype, copy=False) for array in self))
        if not all(_finite(array) for array in held):
            largest = max(float(np.abs(array).max()) for array in self)
            message = (
                f"the parameters reach {largest:.3g}, more than {np.dtype(dtype)} holds: the features "
                "in X are too small for it. Scale them up, or pass X as float64"
            )
            raise ValueError(message)
        return held


def _finite(array: NDArray[Any]) -> bool:
    # A sum of squares that is finite says so at once, and `vdot` raises no floating-point error.
    return math.isfinite(np.vdot(array, array)) or bool(np.isfinite(array).all())
