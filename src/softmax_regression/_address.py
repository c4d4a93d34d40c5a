"""The module that tracebacks, pickles and `help` name for what users import: the public one."""

from collections.abc import Iterable
from typing import Any


def move(things: Iterable[Any], package: str) -> None:
    """Give functions and classes of private modules, with bases and methods, that address."""
    for thing in things:
        # A class or static method wraps the function whose address `help` looks at.
        if hasattr(thing, "__func__"):
            move([thing.__func__], package)
        elif str(getattr(thing, "__module__", "")).startswith(f"{package}._"):
            thing.__module__ = package
            move([*getattr(thing, "__bases__", ()), *vars(thing).values()], package)
