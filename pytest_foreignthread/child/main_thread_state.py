"""What the main thread has of a thing that an exception on another thread says is missing."""

from __future__ import annotations

import contextvars
import threading


def kept_by_main_thread(error: BaseException | None) -> str:
    """Return what the main thread has, in words; empty for any other exception, and if the main thread lacks it too."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        if words := _attribute(error) or _variable(error):
            return words
        error = error.__cause__ or error.__context__
    return ""


def _attribute(error: BaseException) -> str:
    if type(error) is not AttributeError or not isinstance(error.obj, threading.local):
        return ""
    holder, name = error.obj, error.name
    # Its own namespace: a class's attributes are every thread's.
    return f"the main thread has the attribute {name!r} of this threading.local" if name in vars(holder) else ""


def _variable(error: BaseException) -> str:
    variable = error.args[0] if isinstance(error, LookupError) and error.args else None
    if not isinstance(variable, contextvars.ContextVar) or variable not in contextvars.copy_context():
        return ""
    return f"the main thread has a value of the context variable {variable.name!r}"
