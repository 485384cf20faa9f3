"""Texts of what Python passes to the hooks of dropped exceptions; a test's objects may raise when they are shown."""

from __future__ import annotations

import traceback
from typing import Any

from .pytest.plain_data import class_name, text_of


def stack_text(arguments: Any) -> str:
    """Return the exception with its traceback; only the traceback and the class's name if the exception has no text."""
    try:
        lines = traceback.format_exception(arguments.exc_type, arguments.exc_value, arguments.exc_traceback)
    except BaseException:  # a test's exception may do anything when it is shown
        lines = [*traceback.format_tb(arguments.exc_traceback), class_name(arguments.exc_type)]
    return "".join(lines)


def thread_name(arguments: Any) -> str:
    """Return the name of the thread that the exception ended; "?" if Python no longer knows the thread."""
    try:
        return "?" if arguments.thread is None else text_of(arguments.thread.name)
    except BaseException:  # a test's class of threads may override the name
        return "?"


def place_text(arguments: Any) -> str:
    """Return where an exception could not be raised, with the object that Python names."""
    if arguments.object is None:
        # Python 3.13 names an atexit callback in its message, and has neither if the callback cannot be shown.
        return arguments.err_msg or "Exception ignored"
    return f"{arguments.err_msg or 'Exception ignored in'}: {_shown(arguments.object)}"


def _shown(value: object) -> str:
    try:
        return str.__str__(repr(value))
    except BaseException as error:  # a test's object may do anything in __repr__
        return f"<{class_name(type(value))}, whose repr raised {class_name(type(error))}>"
