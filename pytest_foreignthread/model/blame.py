"""Whose an error is that reached a boundary of this plugin: our own, or that of a hook or a conftest that we called."""

from __future__ import annotations

import os
import traceback
from types import TracebackType
from typing import Final

from .code_owner import is_in_the_standard_library, is_ours

REPORT_IT: Final = "This is a fault of pytest-foreignthread, not of the test: please report it with this text."

_LIMITS: Final = (MemoryError, RecursionError)
"""What any code meets where little memory or a low recursion limit is left: no proof of a fault of ours."""
_CALLED_THROUGH: Final = tuple(f"{os.sep}{name}{os.sep}" for name in ("_pytest", "pluggy"))


def error_text(error: BaseException, where: str) -> str:
    """Return the text of an error, whose it is in its first line; `where` says which process met it."""
    head = "".join(_shown(error)).strip().splitlines()[-1:] or [type(error).__name__]
    stack = _traceback(error)
    if isinstance(error, _LIMITS):
        return f"{where} reached a limit that the test or its environment sets: {head[0]}\n{stack}"
    if (place := place_of_others(error)) is not None:
        return f"a hook raised {head[0]} in {where} ({place})\n{stack}"
    return f"internal error of pytest-foreignthread in {where}: {head[0]}\n{stack}\n{REPORT_IT}"


def place_of_others(error: BaseException) -> str | None:
    """Return the file and line of a project's or a plugin's code that raised the error; None for an error of ours.

    The innermost frame tells, frames of the standard library, pytest and pluggy aside: they only pass a call on.
    """
    place = None
    for path, line in _frames(error.__traceback__):
        if is_ours(path):
            place = None
        elif not _passes_on(path):
            place = f"{path}:{line}"
    return place


def _frames(trace: TracebackType | None) -> list[tuple[str, int]]:
    """Return path and line of each frame, the innermost one last."""
    return [(os.path.abspath(frame.f_code.co_filename), line) for frame, line in traceback.walk_tb(trace)]


def _passes_on(path: str) -> bool:
    return any(name in path for name in _CALLED_THROUGH) or is_in_the_standard_library(path)


def _shown(error: BaseException) -> list[str]:
    try:
        return traceback.format_exception_only(error)
    # A class of a test's may do anything where it is shown.
    except BaseException:
        return []


def _traceback(error: BaseException) -> str:
    try:
        return "".join(traceback.format_exception(error)).rstrip()
    # As above.
    except BaseException:
        return "".join(traceback.format_tb(error.__traceback__)).rstrip()
