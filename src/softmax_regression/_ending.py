"""How a fit ended: one word, kept as `stop_reason_`, and the sentence that it stands for."""

from collections.abc import Mapping
from typing import Any

# The words that make `converged_` True.
CONVERGED = frozenset({"tol", "validation"})

_SENTENCES = {
    "tol": "Converged after {epochs}",
    "validation": "Converged after {epochs}: the validation loss no longer falls",
    "max_iter": "Ended by max_iter after {epochs}, not converged",
    "rounding": "Ended by the precision of float64 after {epochs}, not converged",
    "float32": "Ended by the precision of float32 after {epochs}, not converged",
    "callback": "Ended by the callback after {epochs}",
    "separable": "Not converged after {epochs}: some log-odds grow for ever, and F has no minimum",
    "rise": "Not converged after {epochs}: the loss rose, and learning_rate is too large",
    "divergence": "Diverged after {epochs}: these are the last finite parameters",
    "partial_fit": "Learned by partial_fit in {epochs}",
}

# What ends a fit for which tol=0 set no other end.
_AS_ASKED = {
    "max_iter": "Ran {epochs}, as asked",
    "rounding": "Went on for {epochs} until float64 had no more digits, as asked",
    "float32": "Went on for {epochs} until float32 had no more digits, as asked",
}


def ending(reason: str, n_iter: int, settings: Mapping[str, Any]) -> str:
    """Return how a fit of `n_iter` epochs with these constructor arguments ended.

    With ``tol=0`` gradient descent that ran all its epochs did what it was asked to do, and so did
    a fit without a learning rate that ran out of digits.
    """
    textbook = settings.get("learning_rate") != "auto"
    asked = settings.get("tol") == 0 and (textbook or reason != "max_iter")
    sentences = _SENTENCES | (_AS_ASKED if asked or settings.get("max_iter") == 0 else {})
    return sentences.get(reason, "Ended after {epochs}").format(epochs=counted(n_iter, "epoch"))


def counted(count: int, word: str) -> str:
    """Return a number of things, such as "1 epoch" and "2 epochs"."""
    return f"{count} {word}" if count == 1 else f"{count} {word}s"
