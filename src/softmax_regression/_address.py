"""The module that tracebacks, pickles and `help` name for what users import: the public one."""

from collections.abc import Iterable
from typing import Any


def move(things: Iterable[Any], package: str) -> None:
    """Give functions and classes of private modules, with bases and methods, that address."""
    for thing in things:
        if str(getattr(thing, "__module__", "")).startswith(f"{package}._"):
            thing.__module__ = package
            inside = [*getattr(thing, "__bases__", ()), *vars(thing).values()]
            # A class method is a wrapper with an address of its own.
            move([*inside, getattr(thing, "__func__", None)], package)
