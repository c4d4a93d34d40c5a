"""Everything that knows scikit-learn, all of it loaded late."""

import sys
from functools import cache
from typing import Any


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
    # Another process may not have loaded scikit-learn, so unpickling asks for the sibling anew.
    reduce = {"__reduce__": lambda self: (_rebuild, (own, self.args))}
    return type(own.__name__, (own, peer), {"__module__": own.__module__, **reduce})


def _rebuild(own: type[Any], arguments: tuple[Any, ...]) -> Any:
    return sibling(own)(*arguments)
