"""The constructor's arguments, checked at the start of ``fit``."""

import math
from collections.abc import Callable, Mapping
from functools import cached_property
from numbers import Integral, Real
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from .._arrays import as_array, found, objects_as_floats, shown
from .._types import Vector

LearningRate = float | Literal["auto"] | Callable[[int], float]
ClassWeight = Mapping[Any, float] | Literal["balanced"] | None
# In quotes here and in every annotation, because np.random is loaded by its first use only.
RandomState: TypeAlias = (
    "int | np.random.Generator | np.random.RandomState | np.random.SeedSequence | None"
)


# Columns that a message names.
MOST_NAMES = 5


class Hyperparameters(NamedTuple):
    """What the constructor was given, with every value known to be legal."""

    l2: float | Vector
    l1: float
    learning_rate: LearningRate
    batch_size: int | Literal["auto"]
    momentum: float
    max_iter: int
    tol: float
    fit_intercept: bool
    class_weight: ClassWeight
    label_smoothing: float
    early_stopping: bool
    validation_fraction: float
    n_iter_no_change: int
    shuffle: bool
    random_state: RandomState
    warm_start: bool
    verbose: int
    callback: Callable[[Any], object] | None

    @property
    def chooses_l2(self) -> bool:
        """Whether `fit` is to find l2."""
        return isinstance(self.l2, str)

    def rows_per_batch(self, default: int) -> int:
        """Return the rows of a mini-batch."""
        return default if self.batch_size == "auto" else self.batch_size

    @property
    def unpenalised(self) -> "NDArray[np.intp] | None":
        """The columns that l2 leaves out; None where it is one number for all."""
        return np.flatnonzero(self.l2 == 0.0) if isinstance(self.l2, np.ndarray) else None

    def for_columns(
        self, n_features: int, names: "NDArray[np.object_] | None"
    ) -> "Hyperparameters":
        """Return the settings for an X of so many columns; equal l2 for all of them are one number.

        Raises
        ------
        ValueError
            As many l2 as there are columns are needed, and there are more or fewer.
        """
        if not isinstance(self.l2, np.ndarray):
            return self
        if len(self.l2) != n_features:
            named = "" if names is None else f" ({_first(names)})"
            message = (
                f"l2 has length {len(self.l2)}, but X has {n_features} columns{named}: give one "
                "number for each of them, in their order, or one for all"
            )
            raise ValueError(message)
        return self._replace(l2=float(self.l2[0])) if (self.l2 == self.l2[0]).all() else self


def check_hyperparameters(model: object) -> Hyperparameters:
    """Return the model's settings; the first illegal one raises TypeError or ValueError."""
    checked = {name: check(name, getattr(model, name)) for name, check in _CHECKS.items()}
    settings = Hyperparameters(**checked)
    if settings.momentum and settings.learning_rate == "auto":
        message = (
            f"momentum={settings.momentum} needs a numeric or callable learning_rate; "
            "learning_rate='auto' chooses its own steps. Set momentum=0 or give a learning_rate"
        )
        raise ValueError(message)
    if settings.chooses_l2:
        _refuse_auto_l2(settings)
    return settings


def _refuse_auto_l2(settings: Hyperparameters) -> None:
    """Raise where no l2 can be found."""
    for wrong, given, remedy in (
        (
            settings.learning_rate != "auto",
            f"learning_rate={shown(settings.learning_rate)}",
            "the losses it compares are of optima. Set learning_rate='auto', or give l2 a number",
        ),
        (
            settings.l1 > 0.0,
            f"l1={settings.l1:g}",
            "it has one number to find. Set l1=0, or use regularization_path(model, X, y, cv=5)",
        ),
        (
            settings.early_stopping,
            "early_stopping=True",
            "rows that are left out in turn take the place of rows held out. Set early_stopping=False",
        ),
        (settings.max_iter == 0, "max_iter=0", "it needs fits. Set max_iter >= 1"),
    ):
        if wrong:
            message = f"l2='auto' is not for {given}: {remedy}"
            raise ValueError(message)


def check_learning_rate(rate: object, epoch: int) -> float:
    """Return the step a schedule gave for `epoch`, known to be a positive finite number."""
    return _real(f"learning_rate({epoch})", rate, above=0.0)


def check_random_state(value: object) -> RandomState:
    """Return a random state, known to be one."""
    return _random_state("random_state", value)  # type: ignore[no-any-return]


def check_fraction(name: str, value: object) -> float:
    """Return a number in [0, 1]."""
    number = _real(name, value, least=0.0)
    if number > 1.0:
        message = f"{name} must be in [0, 1], got {number!r}"
        raise ValueError(message)
    return number


def check_number(name: str, value: object, *, least: int) -> int:
    """Return an integer that is no less than that."""
    return _integer(name, value, least=least)


def make_generator(random_state: RandomState) -> "np.random.Generator":
    """Return a Generator for `random_state`, leaving NumPy's global random state untouched."""
    if isinstance(random_state, np.random.RandomState):
        # NumPy < 2.2 cannot turn a RandomState into a Generator; draw a seed from it instead.
        return np.random.default_rng(random_state.randint(0, 2**31, size=4))
    return np.random.default_rng(random_state)


class Draws:
    """What a fit draws from: the generator of a `random_state`, made where something is drawn.

    Most fits draw nothing.
    """

    def __init__(self, random_state: RandomState) -> None:
        self.random_state = random_state

    @cached_property
    def generator(self) -> "np.random.Generator":
        """The generator."""
        return make_generator(self.random_state)


def _real(
    name: str,
    value: object,
    *,
    least: float = -math.inf,
    above: float = -math.inf,
    below: float = math.inf,
    kind: str = "a number",
) -> float:
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, Real):
        message = f"{name} must be {kind}, got {shown(value)}"
        raise TypeError(message)
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not (math.isfinite(number) and least <= number and above < number < below):
        lower = f"> {above:g}" if above > -math.inf else f">= {least:g}"
        upper = f" and < {below:g}" if below < math.inf else ""
        message = f"{name} must be finite, {lower}{upper}, got {number!r}"
        raise ValueError(message)
    return number


def _integer(name: str, value: object, *, least: int) -> int:
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, Integral):
        message = f"{name} must be an integer, got {shown(value)}"
        raise TypeError(message)
    if value < least:
        message = f"{name} must be >= {least}, got {value!r}"
        raise ValueError(message)
    return int(value)


def _flag(name: str, value: object) -> bool:
    if not isinstance(value, (bool, np.bool_)):
        message = f"{name} must be True or False, got {shown(value)}"
        raise TypeError(message)
    return bool(value)


def _non_negative(name: str, value: object) -> float:
    return _real(name, value, least=0.0)


def _l2(name: str, value: object) -> Any:
    """Return one number, a copy of one for each column, or "auto"."""
    if isinstance(value, str):
        return _one_word(name, value, "auto", "a number >= 0, or one for each column of X")
    array = None if isinstance(value, Real) else as_array(value, name)
    if array is None or array.ndim == 0:
        return _real(name, value, least=0.0, kind="a number, or one for each column of X")
    if array.ndim > 1:
        message = (
            f"{name} must be one number or have shape (n_features,), got shape {array.shape}: give "
            "one number for each column of X, which holds for all classes"
        )
        raise ValueError(message)
    numbers = _numbers(name, value, array)
    legal = np.isfinite(numbers) & (numbers >= 0.0)
    if not legal.all():
        first = int(np.argmin(legal))
        message = (
            f"{name}[{first}] must be finite, >= 0, got {float(numbers[first])!r}; "
            "0 leaves a column without a penalty"
        )
        raise ValueError(message)
    return numbers


def _numbers(name: str, value: Any, array: NDArray[Any]) -> Vector:
    """Return a new array of float64."""
    if array.dtype.kind in "iuf":
        return array.astype(np.float64)
    if array.dtype.kind in "OUSc":  # as they were before NumPy gave all of them one type
        return objects_as_floats(np.array(value, dtype=object), name)
    what = found(array, name, (0,), shown(array[0])) if len(array) else f"dtype {array.dtype}"
    message = f"{name} must hold numbers: {what}; give the penalty's strength, such as 0.01"
    raise TypeError(message)


def _first(names: "NDArray[np.object_]") -> str:
    """Return the first few names."""
    texts = ", ".join(map(shown, names[:MOST_NAMES]))
    return texts if len(names) <= MOST_NAMES else f"{texts}, ..."


def _fraction_from_zero(name: str, value: object) -> float:
    return _real(name, value, least=0.0, below=1.0)


def _open_fraction(name: str, value: object) -> float:
    return _real(name, value, above=0.0, below=1.0)


def _learning_rate(name: str, value: object) -> Any:
    if isinstance(value, str):
        return _one_word(name, value, "auto", "a number > 0 or a callable epoch -> rate")
    if callable(value):
        return value
    return _real(name, value, above=0.0)


def _batch_size(name: str, value: object) -> Any:
    if isinstance(value, str):
        return _one_word(name, value, "auto", "an integer >= 1 (rows per step)")
    return _integer(name, value, least=1)


def _one_word(name: str, value: str, word: Any, otherwise: str) -> Any:
    if value != word:
        message = f"{name} must be {word!r} or {otherwise}, got {shown(value)}"
        raise ValueError(message)
    return word


def _class_weight(name: str, value: Any) -> Any:
    if value is None:
        return None
    if isinstance(value, str):
        return _one_word(name, value, "balanced", "a dict {label: weight}, or None")
    if not isinstance(value, Mapping):
        message = f"{name} must be a dict {{label: weight}}, 'balanced' or None, got {shown(value)}"
        raise TypeError(message)
    for label, weight in value.items():
        _real(f"{name}[{shown(label)}]", weight, least=0.0)
    return value


def _random_state(name: str, value: Any) -> Any:
    kinds = (np.random.Generator, np.random.RandomState, np.random.SeedSequence)
    if value is None or isinstance(value, kinds):
        return value
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, Integral):
        message = (
            f"{name} must be an integer >= 0, a NumPy Generator, RandomState or SeedSequence, or "
            f"None, got {shown(value)}"
        )
        raise TypeError(message)
    return _integer(name, value, least=0)


def _verbose(name: str, value: object) -> int:
    return int(value) if isinstance(value, (bool, np.bool_)) else _integer(name, value, least=0)


def _callback(name: str, value: Any) -> Any:
    if value is not None and not callable(value):
        message = (
            f"{name} must be a callable taking the fit's progress, or None, got {shown(value)}"
        )
        raise TypeError(message)
    return value


_CHECKS: dict[str, Callable[[str, Any], Any]] = {
    "l2": _l2,
    "l1": _non_negative,
    "learning_rate": _learning_rate,
    "batch_size": _batch_size,
    "momentum": _fraction_from_zero,
    "max_iter": lambda name, value: _integer(name, value, least=0),
    "tol": _non_negative,
    "fit_intercept": _flag,
    "class_weight": _class_weight,
    "label_smoothing": _fraction_from_zero,
    "early_stopping": _flag,
    "validation_fraction": _open_fraction,
    "n_iter_no_change": lambda name, value: _integer(name, value, least=1),
    "shuffle": _flag,
    "random_state": _random_state,
    "warm_start": _flag,
    "verbose": _verbose,
    "callback": _callback,
}
