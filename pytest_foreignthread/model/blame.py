"""Who is to blame for an error that reached a boundary of this plugin: this plugin, or a hook or a conftest.

A user who reads "internal error" looks no further, so the blame must be proved by the frames of the traceback.
"""

from __future__ import annotations

import os
import traceback
from types import TracebackType
from typing import Final

from .code_owner import is_in_the_standard_library, is_ours

REPORT_IT: Final = "This is a fault of pytest-foreignthread, not of the test: please report it with this text."

_LIMITS: Final = (MemoryError, RecursionError)
"""Errors that any code may raise when a test leaves little memory or a low recursion limit: no proof of any fault."""
_CALLED_THROUGH: Final = tuple(f"{os.sep}{name}{os.sep}" for name in ("_pytest", "pluggy"))


def error_text(error: BaseException, where: str) -> str:
    """Return the text of an error: who is to blame in its first line, then the traceback.

    `where` names the process in which the error was raised.
    """
    head = "".join(_shown(error)).strip().splitlines()[-1:] or [type(error).__name__]
    stack = _traceback(error)
    if isinstance(error, _LIMITS):
        return f"{where} reached a limit that the test or its environment sets: {head[0]}\n{stack}"
    if (place := place_of_others(error)) is not None:
        return f"a hook raised {head[0]} in {where} ({place})\n{stack}"
    return f"internal error of pytest-foreignthread in {where}: {head[0]}\n{stack}\n{REPORT_IT}"


def place_of_others(error: BaseException) -> str | None:
    """Return the file and line of a project's or a plugin's code that raised the error; None for an error of ours.

    The innermost frame decides. Frames of the standard library, pytest and pluggy do not count: they pass a call on.
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
    # The class of the error may be a test's, and its __str__ may raise anything.
    except BaseException:
        return []


def _traceback(error: BaseException) -> str:
    try:
        return "".join(traceback.format_exception(error)).rstrip()
    # Again the error's __str__. Only the frames are safe to show.
    except BaseException:
        return "".join(traceback.format_tb(error.__traceback__)).rstrip()
