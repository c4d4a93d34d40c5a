"""How much each row counts: sample weights and class weights."""

import contextlib
import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._arrays import as_array, objects_as_floats, plain
from .._likelihood.block import Block
from .._likelihood.targets import Targets
from .hyperparameters import ClassWeight
from .labels import label_text, listed


def check_sample_weight(
    sample_weight: Any, n_rows: int, *, name: str = "sample_weight"
) -> NDArray[np.float64] | None:
    """Return the weights, shape (n_rows,), scaled so that the largest is in [1/2, 1).

    All-zero weights come back as zeros, for the caller to judge.

    Raises
    ------
    TypeError
        Weights that are not numbers.
    ValueError
        Another shape than (n_rows,), NaN, infinity or a negative weight.
    """
    if sample_weight is None:
        return None
    return _scaled(unscaled_sample_weight(sample_weight, n_rows, name=name))


def unscaled_sample_weight(
    sample_weight: Any, n_rows: int, *, name: str = "sample_weight"
) -> NDArray[np.float64]:
    """Return the weights as they are given, (n_rows,); errors as in `check_sample_weight`."""
    weights = _as_floats(sample_weight, name)
    if weights.shape != (n_rows,):
        message = f"{name}.shape == {weights.shape}, expected ({n_rows},): give one weight per row"
        raise ValueError(message)
    legal = np.isfinite(weights) & (weights >= 0)
    if not legal.all():
        first = int(np.argmin(legal))
        value = weights[first]
        found = f"{name}[{first}] is {value}"
        if value < 0 and np.isfinite(value):
            message = f"Negative values in data passed to `{name}`: {found}; weights must be >= 0"
        else:
            kind = "NaN" if np.isnan(value) else "infinity"
            message = f"Input {name} contains {kind}: {found}; weights must be finite"
        raise ValueError(message)
    return weights


def refuse_all_zero(
    sample_weight: NDArray[np.float64] | None, *, name: str = "sample_weight"
) -> None:
    """Raise where no row counts."""
    if sample_weight is not None and not sample_weight.any():
        message = (
            f"Sample weights must contain at least one non-zero number, but {name} gives every "
            "row the weight 0; give some row more"
        )
        raise ValueError(message)


def apply_class_weight(
    sample_weight: NDArray[np.float64] | None,
    class_weight: ClassWeight,
    classes: NDArray[Any],
    targets: Targets,
) -> tuple[NDArray[np.float64] | None, Targets]:
    """Return the weights w_i Σ_k c_k t_ik, scaled, and the targets c_k t_ik / Σ_k c_k t_ik.

    Together -w_i Σ_k c_k t_ik log ŷ_ik: a probability row is a row of each class k of the weight
    w_i c_k t_ik. "balanced" is c_k in proportion to 1 / Σ_i w_i t_ik, so that every class weighs
    the same.
    """
    if class_weight is None:
        return sample_weight, targets
    factors = class_factors(class_weight, classes, lambda: targets.class_totals(sample_weight))
    rows, weighted = targets.weighted(factors)
    return _scaled(rows if sample_weight is None else sample_weight * rows), weighted


def class_factors(
    class_weight: ClassWeight, classes: NDArray[Any], totals: Callable[[], NDArray[np.float64]]
) -> NDArray[np.float64]:
    """Return the weight c_k of each class, the largest in [1/2, 1); `totals` are Σ_i w_i t_ik."""
    if class_weight is None:
        return np.ones(len(classes))
    if isinstance(class_weight, str):
        found = totals()
        least = found[found > 0].min(initial=1.0)
        return _scaled(np.divide(least, found, where=found > 0, out=found * 0))
    return _scaled(_per_class(class_weight, classes))


def class_weighted(block: Block, class_weight: ClassWeight, classes: NDArray[Any]) -> Block:
    """Return the rows that count with the weights of their classes."""
    weight, targets = apply_class_weight(block.weight, class_weight, classes, block.targets)
    return block._replace(weight=weight, targets=targets).counted()


def _scaled(weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the weights with the largest in [1/2, 1), unless all are 0.

    Only ratios matter: the scale keeps sums of very large or very small weights finite. It is a
    power of two, so that no weight is rounded and the rows of a batch weigh the same whatever
    rows come beside it.
    """
    return np.ldexp(weights, -math.frexp(weights.max(initial=0.0))[1])


def _per_class(class_weight: Any, classes: NDArray[Any]) -> NDArray[np.float64]:
    """Return the weight of each class; of classes that are not there, if all that are have one."""
    named = {_as_label(label, classes.dtype): weight for label, weight in class_weight.items()}
    known = classes.tolist()
    unnamed = [label for label in known if label not in named]
    unknown = [label for label in class_weight if _as_label(label, classes.dtype) not in set(known)]
    if unnamed and unknown:
        message = (
            f"class_weight names the class {label_text(unknown[0])}, but the classes are "
            f"{listed(classes)}; correct its spelling or remove it"
        )
        raise ValueError(message)
    return np.array([named.get(label, 1.0) for label in known], dtype=np.float64)


def _as_label(label: Any, dtype: np.dtype[Any]) -> Any:
    """Return a key of class_weight as a label of that dtype is written in Python."""
    dates = isinstance(label, np.generic) or hasattr(label, "isoformat")
    if dtype.kind in "mM" and dates:  # nanoseconds are written as integers
        with contextlib.suppress(TypeError, ValueError):  # what is no date is no label
            return np.asarray(label, dtype=dtype).item()
    return plain(label)


def _as_floats(sample_weight: Any, name: str) -> NDArray[np.float64]:
    array = as_array(sample_weight, name)
    if array.dtype.kind == "O":
        return objects_as_floats(array, name)
    if array.dtype.kind not in "biuf":
        first = ", ".join(map(label_text, array.flat[:1]))
        message = f"{name} must hold numbers, got dtype {array.dtype}, such as {first}"
        raise TypeError(message)
    return array.astype(np.float64)
