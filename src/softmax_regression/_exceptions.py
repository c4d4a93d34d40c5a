"""The errors and warnings that are the library's own, and their siblings in scikit-learn."""

import math
import sys
from functools import cache
from typing import Any


class HasSibling:
    """A base for exceptions that unpickle as whatever `sibling` makes of them there."""

    def __reduce__(self) -> tuple[Any, ...]:
        own = getattr(type(self), "_own_class", type(self))
        return _rebuild, (own, getattr(self, "args", ())), vars(self) or None


def sibling(own: type[Any]) -> type[Any]:
    """Return `own`, or a class that is also scikit-learn's class of that name where it is loaded.

    An ``except`` or a warning filter that names scikit-learn's class then catches ours too.
    ``except`` looks at the bases only, so a real subclass of both is needed.
    """
    peer = getattr(sys.modules.get("sklearn.exceptions"), own.__name__, None)
    if not isinstance(peer, type) or issubclass(own, peer):
        return own
    return _joined(own, peer)  # type: ignore[arg-type]  # classes hash, whatever their instances do


@cache
def _joined(own: type[Any], peer: type[Any]) -> type[Any]:
    namespace = {"__module__": own.__module__, "__doc__": own.__doc__, "_own_class": own}
    return type(own.__name__, (own, peer), namespace)


def _rebuild(own: type[Any], arguments: tuple[Any, ...]) -> Any:
    return sibling(own)(*arguments)


class NotFittedError(HasSibling, ValueError, AttributeError):
    """The model has no learned state yet: call ``fit`` or ``partial_fit`` first."""


class DivergenceError(ValueError):
    """The fit left the finite numbers: the step, or the features, are too large.

    After `fit` by gradient descent the model holds the last parameters whose loss was finite;
    after `partial_fit`, and with ``learning_rate="auto"``, it is as it was before the call.

    Attributes
    ----------
    epoch : int
        Epoch in which it happened, counted from 1 as `n_iter_` counts.
    loss : float
        The objective in nats: not finite, or the last finite value, whose gradient or step is
        not.
    learning_rate : float or None
        The step of that epoch; None where it was not the user's.
    """

    def __init__(self, epoch: int, loss: float, learning_rate: float | None) -> None:
        super().__init__(epoch, loss, learning_rate)
        self.epoch = epoch
        self.loss = loss
        self.learning_rate = learning_rate

    def __str__(self) -> str:
        what = f"Floating-point under-/overflow occurred at epoch #{self.epoch}: the loss is "
        what += f"{self.loss:.6g}"
        if math.isfinite(self.loss):
            what += ", but its gradient or the step from it is not finite"
        if self.learning_rate is None:
            return f"{what}. Scaling input data to unit variance might help."
        return (
            f"{what} with learning_rate={self.learning_rate:g}. Lower learning_rate, or leave it "
            "at 'auto'; scaling input data to unit variance might help."
        )


class SeparationError(ValueError):
    """There is no maximum likelihood estimate: columns part classes, and log-odds grow for ever."""


class ConvergenceWarning(HasSibling, UserWarning):
    """The fit stopped before it reached what ``tol`` asks for."""


class DataConversionWarning(HasSibling, UserWarning):
    """The input was reshaped to the documented form."""


class ModelFileError(ValueError):
    """The file is not a model file, is damaged, or is of a newer format than this version reads."""


class InconsistentVersionWarning(HasSibling, UserWarning):
    """A pickled model comes from another major or minor version of the library.

    Attributes
    ----------
    estimator_name : str
        The model's class.
    current_version : str
        The version that unpickles.
    original_version : str
        The version that pickled; "unknown" where the pickle does not say.
    """

    def __init__(self, estimator_name: str, current_version: str, original_version: str) -> None:
        # Not super(): scikit-learn's class of this name, a base of the sibling, takes keywords.
        UserWarning.__init__(self, estimator_name, current_version, original_version)
        self.estimator_name = estimator_name
        self.current_version = current_version
        self.original_version = original_version

    def __str__(self) -> str:
        return (
            f"this {self.estimator_name} was pickled with softmax_regression "
            f"{self.original_version}, and this is {self.current_version}: it may predict "
            "differently or fail. Unpickle it with the version that wrote it and use save and "
            "load, whose files every later version reads; or fit it again"
        )
