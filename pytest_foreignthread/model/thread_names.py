"""The names of threads that `threading` knows, whatever a subclass of `Thread` does."""

from __future__ import annotations

import threading


def name_of(thread: threading.Thread) -> str:
    """Return the name that `Thread` keeps: a subclass may have a property of that name, which may raise."""
    return str(vars(threading.Thread)["name"].__get__(thread))
