"""What `threading` knows of a thread, whatever a subclass of `Thread` does: its properties may raise.

A library that replaces threads, such as eventlet, makes objects that lack what `Thread` itself would have set.
"""

from __future__ import annotations

import threading
from typing import Any


def name_of(thread: threading.Thread) -> str:
    return str(_of_thread(thread, "name"))


def ident_of(thread: threading.Thread) -> int | None:
    found: int | None = _of_thread(thread, "ident")
    return found


def native_id_of(thread: threading.Thread) -> int | None:
    found: int | None = _of_thread(thread, "native_id")
    return found


def _of_thread(thread: threading.Thread, name: str) -> Any:
    """Return the value of a property as `Thread` itself defines the property; None if the object has no value."""
    try:
        return vars(threading.Thread)[name].__get__(thread)
    except AttributeError:
        return None
