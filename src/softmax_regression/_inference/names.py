"""Classes and features by the names a user knows them by."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .._arrays import shown

INTERCEPT = "(intercept)"
LISTED = 5


class Names(NamedTuple):
    """The labels of the classes (K,) and the names of the features, x0 … where they have none."""

    classes: NDArray[Any]
    features: tuple[str, ...]

    @staticmethod
    def of(classes: NDArray[Any], n_features: int, names: NDArray[Any] | None) -> "Names":
        """Return the names of a model."""
        given = (f"x{j}" for j in range(n_features)) if names is None else map(str, names)
        return Names(classes, tuple(given))

    def terms(self, intercept: bool) -> NDArray[np.str_]:
        """Return the features, and the intercept where there is one."""
        return np.array([*self.features, INTERCEPT] if intercept else self.features, dtype=str)

    def of_class(self, k: int) -> str:
        """Return the label of a class as text."""
        return str(self.classes[k])

    def pair(self, of: int, against: int) -> str:
        """Return how a contrast is written."""
        return f"{self.of_class(of)} : {self.of_class(against)}"

    def find_class(self, label: Any, argument: str) -> int:
        """Return the index of a class.

        Raises
        ------
        KeyError
            There is none of this label.
        """
        plain = label.item() if isinstance(label, np.generic) else label
        if np.ndim(plain) == 0:
            for k, known in enumerate(self.classes.tolist()):
                if known == plain and isinstance(known, bool) == isinstance(plain, bool):
                    return k
        labels = self.classes.tolist()
        message = f"{argument}={shown(plain)} is not a class; {_nearest(plain, labels)}"
        raise KeyError(message)

    def find_pair(self, of: Any, against: Any) -> tuple[int, int]:
        """Return the indices of two classes that differ."""
        a, b = self.find_class(of, "of"), self.find_class(against, "against")
        self.refuse_equal(a, b)
        return a, b

    def refuse_equal(self, a: int | None, b: int | None) -> None:
        """Raise where a class is compared with itself."""
        if a is not None and a == b:
            message = f"of and against are the same class {self.of_class(a)!r}: give two classes"
            raise ValueError(message)

    def find_feature(self, feature: Any) -> int:
        """Return the position of a feature given by name or position.

        Raises
        ------
        KeyError
            There is none.
        TypeError
            Neither a name nor a position.
        """
        if isinstance(feature, str):
            if feature in self.features:
                return self.features.index(feature)
            message = f"{feature!r} is not a feature; {_nearest(feature, self.features)}"
            raise KeyError(message)
        if isinstance(feature, (int, np.integer)) and not isinstance(feature, bool):
            if 0 <= feature < len(self.features):
                return int(feature)
            message = (
                f"there is no feature {feature}: positions go from 0 to {len(self.features) - 1}"
            )
            raise KeyError(message)
        message = f"a feature is a name or a position, got {shown(feature)}"
        raise TypeError(message)

    def find_features(self, features: Any) -> list[int]:
        """Return the positions of one feature or several, in their own order.

        Raises
        ------
        ValueError
            No feature, or one twice.
        """
        several = not isinstance(features, str) and isinstance(features, Iterable)
        found = [self.find_feature(each) for each in (features if several else [features])]
        if not found:
            message = "features is empty: name at least one feature"
            raise ValueError(message)
        twice = [self.features[j] for i, j in enumerate(found) if j in found[:i]]
        if twice:
            message = f"features names {twice[0]!r} twice"
            raise ValueError(message)
        return found


def _nearest(name: Any, known: Sequence[Any]) -> str:
    """Return which names come nearest, or the first few."""
    from difflib import get_close_matches  # noqa: PLC0415 - for messages only

    by_text = {str(each): each for each in known}
    near = [by_text[each] for each in get_close_matches(str(name), by_text, LISTED, 0.5)]
    if near:
        return f"nearest to it {'is' if len(near) == 1 else 'are'} {', '.join(map(repr, near))}"
    more = ", …" if len(known) > LISTED else ""
    return f"known are {', '.join(map(repr, known[:LISTED]))}{more}"


def names_of(fitted: dict[str, Any]) -> Names:
    """Return the names of what was learned."""
    return Names.of(fitted["classes_"], fitted["n_features_in_"], fitted.get("feature_names_in_"))
