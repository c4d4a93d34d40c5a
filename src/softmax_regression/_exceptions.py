"""The errors and warnings that are the library's own."""


class NotFittedError(ValueError, AttributeError):
    """The model has no learned state yet: call ``fit`` or ``partial_fit`` first."""


class DivergenceError(ValueError):
    """Gradient descent left the finite numbers: the step is too large for the data.

    The model keeps the last parameters whose loss was finite.

    Attributes
    ----------
    epoch : int
        Epoch in which it happened, counted from 1.
    loss : float
        The first non-finite value of the objective.
    learning_rate : float
        The step of that epoch.
    """

    def __init__(self, epoch: int, loss: float, learning_rate: float) -> None:
        super().__init__(epoch, loss, learning_rate)
        self.epoch = epoch
        self.loss = loss
        self.learning_rate = learning_rate

    def __str__(self) -> str:
        return (
            f"Floating-point under-/overflow occurred at epoch #{self.epoch}: the loss is "
            f"{self.loss} with learning_rate={self.learning_rate:g}. Lower learning_rate, or leave "
            "it at 'auto'; scaling input data to unit variance might help. The last parameters "
            "with a finite loss are kept."
        )


class ConvergenceWarning(UserWarning):
    """The fit stopped before it reached what ``tol`` asks for."""


class DataConversionWarning(UserWarning):
    """The input was reshaped to the documented form."""
