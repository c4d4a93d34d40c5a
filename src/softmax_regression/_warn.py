"""Warnings that point at the user's own line, however deep in the library they arise."""

import sys
import warnings

PACKAGE = __file__.removesuffix("_warn.py")


def warn(message: str | Warning, category: type[Warning] | None = None) -> None:
    """Warn at the first frame outside the package."""
    # `skip_file_prefixes` of warnings.warn does this from Python 3.12 on.
    frame, level = sys._getframe(1), 2
    while frame.f_back is not None and frame.f_code.co_filename.startswith(PACKAGE):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level)
