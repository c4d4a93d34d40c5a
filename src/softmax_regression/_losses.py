"""Softmax and cross-entropy of logits, accurate to a few units in the last place.

Everything rests on one decomposition of a row of logits z with maximum m:

    d_k = z_k - m <= 0,   rest = (sum_k exp(d_k)) - 1,   log_softmax_k = d_k - log1p(rest).

The 1 taken off is the term of one maximum, exp(0). It is never added in the first place, so a
``rest`` far below 1 keeps all its digits, and since both terms of ``d_k - log1p(rest)`` are
non-positive nothing cancels. float32 logits are worked on in float64 and rounded once.

The public functions check their arguments and take any leading shape; the ``*_rows`` functions
trust them: finite-width float logits of shape (n, K), and targets that are either class indices
of shape (n,) in 0..K-1 or probability rows of shape (n, K).

Source of the equations: Jurafsky and Martin, Speech and Language Processing (3rd ed. draft),
section 5.8.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ._arrays import as_array, objects_as_floats

Floats = NDArray[np.floating[Any]]
Doubles = NDArray[np.float64]

# Elements worked on at a time: the temporaries of one block stay in a core's cache.
_BLOCK_ELEMENTS = 2**15
# Up to this many classes a block is stored class by class, so that every loop runs over rows.
_CLASS_MAJOR_LIMIT = 64


def softmax(logits: ArrayLike) -> Floats:
    r"""Class probabilities, the softmax over the last axis.

    .. math:: p_k = \exp(z_k) / \sum_j \exp(z_j)

    Parameters
    ----------
    logits : array_like of shape (..., K), K >= 1
        One row of scores per sample. A logit of -inf marks a class as absent: its probability
        is 0. A row with NaN, with +inf or with nothing but -inf has no softmax: all of that row
        is NaN, and no other row is touched.

    Returns
    -------
    ndarray of shape (..., K)
        Values in [0, 1], at most 8 units in the last place from the exact ones. float32 and
        float64 are kept; float16 gives float32; everything else real gives float64.

    Raises
    ------
    TypeError
        If the logits are not real numbers, or a masked array or other container that NumPy would
        misread.
    ValueError
        If the logits have no axis of classes, or one of length 0, or rows of different lengths.

    Examples
    --------
    >>> softmax([0.6, 1.1, -1.5, 1.2, 3.2, -1.1]).round(4)
    array([0.0548, 0.0904, 0.0067, 0.0999, 0.7382, 0.01  ])
    """
    logits = _as_logits(logits)
    return softmax_rows(_as_rows(logits)).reshape(logits.shape)


def log_softmax(logits: ArrayLike) -> Floats:
    r"""Log-probabilities of the classes, the logarithm of the softmax over the last axis.

    .. math:: \log p_k = z_k - \log \sum_j \exp(z_j)

    Parameters
    ----------
    logits : array_like of shape (..., K), K >= 1
        As in :func:`softmax`.

    Returns
    -------
    ndarray of shape (..., K)
        Values <= 0 in nats, at most 4 units in the last place from the exact ones, however
        close to 0; -inf only for a logit of -inf or where the exact value overflows. Dtype as
        in :func:`softmax`.

    Raises
    ------
    TypeError, ValueError
        As in :func:`softmax`.

    Notes
    -----
    The log-softmax of equation (5.47) in Jurafsky and Martin. ``log(softmax(logits))`` loses
    digits where a probability is near 1 and everything where it underflows.

    Examples
    --------
    >>> log_softmax([0.0, 40.0])
    array([-4.00000000e+01, -4.24835426e-18])
    >>> log_softmax([1000.0, 0.0, -float("inf")])
    array([    0., -1000.,   -inf])
    """
    logits = _as_logits(logits)
    return log_softmax_rows(_as_rows(logits)).reshape(logits.shape)


def cross_entropy(logits: ArrayLike, targets: ArrayLike) -> Floats:
    r"""Cross-entropy of each row of logits against its target, one value per row.

    .. math:: L = -\log p_c \quad\text{or}\quad L = -\sum_k y_k \log p_k

    Parameters
    ----------
    logits : array_like of shape (..., K), K >= 1
        As in :func:`softmax`.
    targets : array_like
        Either class indices, integers 0..K-1 of shape ``logits.shape[:-1]``, or probability
        rows y of shape ``logits.shape``: non-negative, each summing to 1 within the square root
        of the precision of their dtype. The shape tells which. Booleans are not class indices.

    Returns
    -------
    ndarray of shape ``logits.shape[:-1]``
        Values >= 0 in nats, not averaged; dtype as in :func:`softmax`. A one-hot row gives the
        bits its class index gives. A class of target 0 contributes 0 even where its logit is
        -inf; a positive target there makes the value inf.

    Raises
    ------
    TypeError
        If the logits or the targets are of the wrong kind, such as float class indices.
    ValueError
        If the shapes do not fit or a probability row is none.
    IndexError
        If a class index is outside 0..K-1; negative indices do not count from the end.

    Notes
    -----
    Equations (5.45), probability rows, and (5.46), class indices, of Jurafsky and Martin, by way
    of the log-softmax (5.47).

    Examples
    --------
    >>> cross_entropy([[0.0, 0.0], [40.0, 0.0]], [1, 0])
    array([6.93147181e-01, 4.24835426e-18])
    >>> cross_entropy([0.0, 0.0], [0.25, 0.75])
    array(0.69314718)
    """
    logits = _as_logits(logits)
    targets = _as_targets(targets, logits.shape)
    return cross_entropy_rows(_as_rows(logits), targets).reshape(logits.shape[:-1])


def cross_entropy_gradient(logits: ArrayLike, targets: ArrayLike) -> Floats:
    r"""Differentiate each row's cross-entropy with respect to its logits.

    .. math:: \partial L / \partial z_k = p_k - y_k

    Parameters
    ----------
    logits : array_like of shape (..., K), K >= 1
        As in :func:`softmax`.
    targets : array_like
        As in :func:`cross_entropy`; y is one-hot for a class index.

    Returns
    -------
    ndarray of shape (..., K)
        Values in [-1, 1]; dtype as in :func:`softmax`. The entry of the true class is computed
        as ``expm1(log p)``, so that it stays exact to a few units in the last place when p is
        close to 1. A one-hot row gives the bits its class index gives.

    Raises
    ------
    TypeError, ValueError, IndexError
        As in :func:`cross_entropy`.

    Notes
    -----
    The factor that multiplies the input x in equation (5.48) of Jurafsky and Martin.

    Examples
    --------
    >>> cross_entropy_gradient([[0.0, 0.0], [40.0, 0.0]], [1, 0])
    array([[ 5.00000000e-01, -5.00000000e-01],
           [-4.24835426e-18,  4.24835426e-18]])
    """
    logits = _as_logits(logits)
    targets = _as_targets(targets, logits.shape)
    return cross_entropy_gradient_rows(_as_rows(logits), targets).reshape(logits.shape)


@np.errstate(all="ignore")
def binary_cross_entropy(logits: ArrayLike, targets: ArrayLike) -> Floats:
    r"""Cross-entropy of two classes, given the score of class 1 alone.

    .. math:: L = -[y \log \sigma(z) + (1 - y) \log(1 - \sigma(z))]

    Parameters
    ----------
    logits : array_like of any shape
        The score z = w x + b of class 1 against class 0; infinite scores are certainty.
    targets : array_like of the same shape
        The probability y of class 1, in [0, 1]; 0 or 1 for a label.

    Returns
    -------
    ndarray of the same shape
        Values >= 0 in nats, not averaged; dtype as in :func:`softmax`; NaN where z is NaN.
        At most 4 units in the last place from the exact values for y in {0, 1}.

    Raises
    ------
    TypeError
        If the logits or the targets are not real numbers.
    ValueError
        If the shapes differ or a target is outside [0, 1].

    Notes
    -----
    Equation (5.44) of Jurafsky and Martin, written as ``log1p(exp(-|z|)) + |z| * u`` with u the
    target of the class that z speaks against: two non-negative terms.
    It equals ``cross_entropy`` of the logits [0, z].

    Examples
    --------
    >>> binary_cross_entropy([0.833, 0.833], [1, 0]).round(2)
    array([0.36, 1.19])
    """
    scores = _as_floats(logits, "logits")
    targets = _as_floats(targets, "targets")
    if targets.shape != scores.shape:
        message = f"targets must have the shape of logits, {scores.shape}; got {targets.shape}"
        raise ValueError(message)
    outside = ~((targets >= 0) & (targets <= 1))
    if outside.any():
        where, first = _first(outside)
        message = (
            f"targets must be probabilities of class 1, in [0, 1]; {where} is {targets[first]}"
        )
        raise ValueError(message)
    size = np.abs(scores, dtype=np.float64)
    against = np.where(scores > 0, 1 - targets.astype(np.float64), targets)
    loss = np.multiply(size, against, out=np.zeros(size.shape), where=against != 0)
    loss += np.log1p(np.exp(-size))
    return np.asarray(loss, dtype=scores.dtype)


@np.errstate(all="ignore")
def softmax_rows(logits: Floats) -> Floats:
    """:func:`softmax` of trusted float logits of shape (n, K)."""
    probabilities = np.empty(logits.shape, logits.dtype)
    for rows, _, exponentials, rest in _exponential_blocks(logits):
        probabilities[rows] = np.divide(exponentials, 1 + rest, out=exponentials)
    return probabilities


@np.errstate(all="ignore")
def log_softmax_rows(logits: Floats) -> Floats:
    """:func:`log_softmax` of trusted float logits of shape (n, K)."""
    log_probabilities = np.empty(logits.shape, logits.dtype)
    for rows, shifted, _, rest in _exponential_blocks(logits):
        # Equation (5.47): log p = (z - max z) - log Σ exp(z - max z).
        log_probabilities[rows] = np.subtract(shifted, np.log1p(rest, out=rest), out=shifted)
    return log_probabilities


@np.errstate(all="ignore")
def cross_entropy_rows(logits: Floats, targets: NDArray[Any]) -> Floats:
    """:func:`cross_entropy` of trusted float logits (n, K) and trusted targets: (n,) values."""
    losses = np.empty(len(logits), logits.dtype)
    for rows, shifted, _, rest in _exponential_blocks(logits):
        losses[rows] = _losses(shifted, np.log1p(rest, out=rest), targets[rows])
    return losses


@np.errstate(all="ignore")
def cross_entropy_gradient_rows(logits: Floats, targets: NDArray[Any]) -> Floats:
    """:func:`cross_entropy_gradient` of trusted float logits (n, K) and trusted targets."""
    gradient = np.empty(logits.shape, logits.dtype)
    for rows, shifted, exponentials, rest in _exponential_blocks(logits):
        probabilities = np.divide(exponentials, 1 + rest, out=exponentials)
        gradient[rows] = _differences(probabilities, shifted, np.log1p(rest), targets[rows])
    return gradient


def _losses(shifted: Doubles, log_total: Doubles, targets: NDArray[Any]) -> Doubles:
    """-sum_k y_k log p_k of a block, with log p = shifted - log_total; overwrites shifted."""
    if targets.ndim == 1:
        own: Doubles = shifted[np.arange(len(targets)), targets]
        return log_total[:, 0] - own  # equation (5.46)
    np.copyto(shifted, 0.0, where=targets == 0)  # 0 * -inf counts as 0
    surprisal = np.subtract(log_total, shifted, out=shifted)
    surprisal *= targets  # equation (5.45)
    return _sum_over_classes(surprisal)[:, 0]


def _differences(
    probabilities: Doubles, shifted: Doubles, log_total: Doubles, targets: NDArray[Any]
) -> Doubles:
    """p_k - y_k of a block, equation (5.48) without x; overwrites p.

    Computed as expm1(log p_k) + (1 - y_k) where y_k > 1/2.
    """
    if targets.ndim == 1:
        rows, columns = np.arange(len(targets)), targets
        remainder: Any = 0.0
    else:
        rows, columns = np.nonzero(targets > 0.5)
        remainder = 1 - targets[rows, columns]
        probabilities -= targets
    log_probability = shifted[rows, columns] - log_total[rows, 0]
    probabilities[rows, columns] = np.expm1(log_probability) + remainder
    return probabilities


def _exponential_blocks(logits: Floats) -> Iterator[tuple[slice, Doubles, Doubles, Doubles]]:
    """Yield blocks of rows with d = z - max and exp(d), both (n, K), and rest, (n, 1).

    The arrays are the caller's to overwrite, and gone with the next block.
    """
    n_rows, n_classes = logits.shape
    step = max(1, min(n_rows, _BLOCK_ELEMENTS // n_classes))
    workspace = _workspace(step, n_classes)
    # A difference of two float32 numbers is exact in float64, or its error too small to matter.
    inexact = logits.dtype.itemsize > 4
    for start in range(0, n_rows, step):
        rows = slice(start, min(start + step, n_rows))
        block, shifted, exponentials, spare = workspace[:, : rows.stop - start]
        np.copyto(block, logits[rows])
        top = np.maximum.reduce(block, -1, keepdims=True)
        np.subtract(block, top, out=shifted)
        np.exp(shifted, out=exponentials)
        if inexact:
            _correct(exponentials, _rounding_error(block, top, shifted, spare))
        yield rows, shifted, exponentials, _rest(exponentials, block, spare)


def _workspace(n_rows: int, n_classes: int) -> Doubles:
    """Four arrays (n, K) in the memory order that suits reductions over K classes."""
    if n_classes <= _CLASS_MAJOR_LIMIT:
        return np.empty((4, n_classes, n_rows)).swapaxes(1, 2)
    return np.empty((4, n_rows, n_classes))


def _rounding_error(block: Doubles, top: Doubles, shifted: Doubles, spare: Doubles) -> Doubles:
    """(z - max) - fl(z - max), exactly, by Dekker's Fast2Sum; overwrites block and spare.

    Fast2Sum wants the summand of larger magnitude first. The sum of z and -max is never
    positive, so that is the smaller of the two.
    """
    top = -top
    larger = np.minimum(block, top, out=spare)
    smaller = np.maximum(block, top, out=block)
    return np.subtract(smaller, np.subtract(shifted, larger, out=larger), out=smaller)


def _correct(exponentials: Doubles, error: Doubles) -> None:
    """Turn exp(d) into exp(d + error) in place, to first order: the error is at most 2**-44."""
    error *= exponentials
    if not math.isfinite(np.add.reduce(error, None)):
        error[~np.isfinite(error)] = 0  # an infinite d has an exponential of 0 and no error
    exponentials += error


def _rest(exponentials: Doubles, block: Doubles, spare: Doubles) -> Doubles:
    """Sum over the classes without one maximum, (n, 1); overwrites block and spare.

    The floor of exp(d) is 1 where exp(d) is, at the maxima, and 0 elsewhere: their number, less
    the one left out, is exact.
    """
    tied = np.floor(exponentials, out=spare)
    rest = _sum_over_classes(np.subtract(exponentials, tied, out=block))
    rest += np.add.reduce(tied, -1, keepdims=True) - 1
    return rest


def _sum_over_classes(terms: Doubles) -> Doubles:
    """Return the sums of rows, (n, 1), with rounding that grows with log K; overwrites terms.

    Halves are added until NumPy's own order is as good: class by class it adds one after the
    other, along a row in eight strands. A row is summed in the same order in every batch.
    """
    few = 2 if terms.shape[1] <= _CLASS_MAJOR_LIMIT else 32
    while (n_terms := terms.shape[1]) > few:
        half = n_terms // 2
        terms[:, :half] += terms[:, n_terms - half :]
        terms = terms[:, : n_terms - half]
    return np.add.reduce(terms, -1, keepdims=True)


def _as_floats(values: ArrayLike, name: str) -> Floats:
    """Return any real array as native float32 or float64."""
    array = as_array(values, name)
    if array.dtype in (np.float64, np.float32):
        return array
    if array.dtype.kind == "O":
        return objects_as_floats(array, name)
    if array.dtype.kind not in "fiub":
        message = f"{name} must hold numbers, got dtype {array.dtype}"
        raise TypeError(message)
    with np.errstate(over="ignore"):  # a longdouble beyond float64 becomes infinite
        return array.astype(np.float32 if array.dtype.char in "ef" else np.float64)


def _as_logits(logits: ArrayLike) -> Floats:
    """Floats of shape (..., K) with K >= 1."""
    logits = _as_floats(logits, "logits")
    if logits.ndim == 0 or logits.shape[-1] == 0:
        message = (
            f"logits must have shape (..., n_classes) with at least one class; got {logits.shape}"
        )
        raise ValueError(message)
    return logits


def _as_rows(logits: Floats) -> Floats:
    """(..., K) as (n, K)."""
    return logits.reshape(-1, logits.shape[-1])


def _as_targets(targets: ArrayLike, shape: tuple[int, ...]) -> NDArray[Any]:
    """Class indices (n,) or probability rows (n, K) for logits of the given shape (..., K)."""
    targets = as_array(targets, "targets")
    if targets.shape == shape[:-1]:
        return _as_class_indices(targets, shape[-1]).reshape(-1)
    if targets.shape == shape:
        return _as_probability_rows(targets).reshape(-1, shape[-1])
    message = (
        f"targets must be class indices of shape {shape[:-1]} or probability rows of shape "
        f"{shape}, to fit the logits; got shape {targets.shape}"
    )
    raise ValueError(message)


def _as_class_indices(targets: NDArray[Any], n_classes: int) -> NDArray[np.intp]:
    """Targets as indices into 0..n_classes-1, refusing what NumPy would wrap or truncate."""
    if targets.size and targets.dtype.kind not in "iu":
        message = (
            f"targets of shape {targets.shape} are class indices and must be integers, got dtype "
            f"{targets.dtype}; convert them with targets.astype(int), or give probability rows"
        )
        raise TypeError(message)
    outside = (targets < 0) | (targets >= n_classes)
    if outside.any():
        where, first = _first(outside)
        message = (
            f"targets must be class indices in 0..{n_classes - 1}; {where} is {targets[first]}"
        )
        raise IndexError(message)
    return targets.astype(np.intp, copy=False)


def _as_probability_rows(targets: NDArray[Any]) -> Floats:
    """Targets as floats whose rows are probability distributions over the last axis."""
    half = targets.dtype.char == "e"
    targets = _as_floats(targets, "targets")
    wrong, total = no_distributions(targets, half=half)
    if wrong.any():
        where, first = _first(wrong)
        row = targets[first]
        message = (
            f"targets must be probability rows, non-negative with sum 1; {where} sums to "
            f"{total[first]} and its smallest entry is {row.min()}; divide each row by its sum"
        )
        raise ValueError(message)
    return targets


def no_distributions(rows: Floats, *, half: bool) -> tuple[NDArray[np.bool_], Doubles]:
    """Return where rows over the last axis are not non-negative with sum 1, and all their sums.

    A sum may be off by the root of a rounding of what was given, which was float16 if `half`.
    """
    tolerance = math.sqrt(np.finfo(np.float16 if half else rows.dtype).eps)
    with np.errstate(over="ignore", invalid="ignore"):
        sums = np.add.reduce(rows, -1, dtype=np.float64)
        wrong = ~(abs(sums - 1) <= tolerance)
        wrong |= np.minimum.reduce(rows, -1, initial=0.0) < 0
    return wrong, sums


def _first(wrong: NDArray[np.bool_]) -> tuple[str, tuple[int, ...]]:
    """Find the first true position, as text and as an index."""
    first = tuple(int(i) for i in np.argwhere(wrong)[0])
    return "targets" + (str(list(first)) if first else ""), first
