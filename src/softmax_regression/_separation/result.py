"""What is known of the existence of the estimate, and how a user reads it."""

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

Labels = Sequence[Any] | NDArray[Any]

NAMED = 4
LONGEST_NAME = 32


class Contrast(NamedTuple):
    """The log-odds of class `of` against class `against` by `feature`, all as indices.

    The intercept is the feature after the last; ``of < against``.
    """

    of: int
    against: int
    feature: int


class Separation(NamedTuple):
    """Whether the maximum likelihood estimate exists, and which contrasts it would send to infinity.

    Attributes
    ----------
    kind : {"none", "quasi", "complete", "unknown"}
        "none": it exists. "complete": a direction parts every row from every class not its own.
        "quasi": a direction parts some and leaves none on the wrong side. "unknown": the problem
        is too large, or too near the border for float64.
    infinite : tuple of Contrast
        Contrasts that grow for ever, the fastest first (columns of unit spread); empty where all
        do, which is so in complete separation.
    undetermined : tuple of Contrast
        Further contrasts without one value, because columns are collinear; they have none where
        the estimate exists either.
    empty : tuple of int
        Classes that no row has, whose intercepts fall for ever whatever the penalty.
    reason : str
        What kept an "unknown" from being decided.
    among : tuple of int or None
        The columns without a penalty, where others have one: the only ones that were looked at.
    """

    kind: Literal["none", "quasi", "complete", "unknown"]
    infinite: tuple[Contrast, ...] = ()
    undetermined: tuple[Contrast, ...] = ()
    empty: tuple[int, ...] = ()
    reason: str = ""
    among: tuple[int, ...] | None = None

    @property
    def unbounded(self) -> bool:
        """Whether F has no minimum."""
        return self.kind in ("quasi", "complete")

    def sentence(self, classes: Labels, features: Sequence[str]) -> str:
        """Return what a user should know, a handful by name; `features` without the intercept."""
        if self.kind == "unknown":
            return (
                f"whether F has a minimum without a penalty is not known: {self.reason}. Set l2 > 0 "
                "where the coefficients matter"
            )
        if self.empty:
            return self._on_empty_classes(classes)
        if self.kind == "complete":
            return (
                f"the classes are separable{self._by(features)}: every training row can have a "
                "positive margin, so that without a penalty F has no minimum and the coefficients "
                "grow as long as the fit runs. Set l2 > 0"
            )
        names = [*features, "intercept"]
        named = _listed([_name(contrast, classes, names) for contrast in self.infinite])
        return (
            "the classes are separable in part (quasi-complete separation), so that without a "
            f"penalty F has no minimum and these log-odds grow as long as the fit runs: {named}. "
            "Set l2 > 0, or drop or merge these columns or classes"
        )

    def _by(self, features: Sequence[str]) -> str:
        """Return the columns that part the classes, where not all of them may."""
        if self.among is None:
            return ""
        named = [_short(features[j]) for j in self.among]
        return f" by the columns that l2 leaves out ({_listed(named)})"

    def _on_empty_classes(self, classes: Labels) -> str:
        named = _listed([repr(_short(str(classes[k]))) for k in self.empty])
        return (
            f"no row of weight > 0 has class {named}: F has no minimum, for its intercept falls as "
            "long as the fit runs. Drop the class, or set label_smoothing > 0"
        )


def _listed(names: list[str]) -> str:
    more = [f"and {len(names) - NAMED} more"] if len(names) > NAMED else []
    return ", ".join(names[:NAMED] + more)


def _name(contrast: Contrast, classes: Labels, features: Sequence[str]) -> str:
    of, against = (_short(str(classes[k])) for k in (contrast.of, contrast.against))
    return f"{_short(features[contrast.feature])} ({of} : {against})"


def _short(name: str) -> str:
    """Return a name with its middle cut out where it is long."""
    half = LONGEST_NAME // 2
    return name if len(name) <= LONGEST_NAME else f"{name[: half - 1]}…{name[-half:]}"


def contrasts(
    directions: NDArray[np.float64], smallest: NDArray[np.float64]
) -> tuple[Contrast, ...]:
    """Return the contrasts that are not 0 along some of the directions (q, K, D).

    Entries that differ by no more than `smallest` (D,) are equal.
    """
    of, against = np.triu_indices(directions.shape[1], 1)
    sizes = np.abs(directions[:, of] - directions[:, against]).max(axis=0, initial=0.0)
    return tuple(
        Contrast(int(of[pair]), int(against[pair]), int(feature))
        for pair, feature in np.argwhere(sizes > smallest)
    )
