"""Softmax by the textbook formula in a wider float, to measure the library's against."""

import numpy as np

# On some platforms longdouble is float64 and cannot judge it.
HAS_WIDER_THAN_FLOAT64 = np.finfo(np.longdouble).eps < np.finfo(np.float64).eps


def wider(logits):
    """Return the logits in float64 if they are float32, in longdouble if they are float64."""
    return logits.astype(np.float64 if logits.dtype == np.float32 else np.longdouble)


def log_softmax(logits):
    """Log-softmax of the rows of a wide array (n, K), the term of one maximum left out of the sum.

    Wide arithmetic alone does not carry the digits of a log-probability far below its eps.
    """
    index = np.arange(len(logits)), logits.argmax(axis=1)
    shifted = logits - logits[index][:, None]
    exponentials = np.exp(shifted)
    exponentials[index] = 0
    return shifted - np.log1p(exponentials.sum(axis=1))[:, None]


def ulp(computed, exact):
    """Largest error in units in the last place of the exact values, rounded to computed's dtype."""
    spacing = np.spacing(np.abs(exact).astype(computed.dtype)).astype(exact.dtype)
    return float((np.abs(computed.astype(exact.dtype) - exact) / spacing).max(initial=0))
