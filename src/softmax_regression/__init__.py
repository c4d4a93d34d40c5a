"""Multinomial logistic (softmax) regression in pure NumPy."""

from . import _address
from ._estimator import SoftmaxRegression
from ._exceptions import (
    ConvergenceWarning,
    DataConversionWarning,
    DivergenceError,
    InconsistentVersionWarning,
    ModelFileError,
    NotFittedError,
    SeparationError,
)
from ._losses import (
    binary_cross_entropy,
    cross_entropy,
    cross_entropy_gradient,
    log_softmax,
    softmax,
)
from ._path import regularization_path
from ._progress import Progress
from ._version import __version__ as __version__

__all__ = [
    "ConvergenceWarning",
    "DataConversionWarning",
    "DivergenceError",
    "InconsistentVersionWarning",
    "ModelFileError",
    "NotFittedError",
    "Progress",
    "SeparationError",
    "SoftmaxRegression",
    "binary_cross_entropy",
    "cross_entropy",
    "cross_entropy_gradient",
    "log_softmax",
    "regularization_path",
    "softmax",
]

_address.move(map(globals().get, __all__), __name__)
