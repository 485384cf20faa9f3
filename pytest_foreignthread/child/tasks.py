"""What the caller of a callback waits for: the side that was to make the call."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Protocol


class Task(Protocol):
    """The caller's side of a callback: a FutureTask of Java's, a thread, or a callable that C calls."""

    def is_done(self) -> bool:
        """Return whether no call will come any more."""

    def result(self) -> None:
        """Wait for the end of the side that makes the call, and raise what that side raised."""


class CallTask:
    """A callable of no arguments for whoever makes the call: a thread of C's, or a launcher of the project's."""

    def __init__(self, function: Callable[[], object]) -> None:
        self._function = function
        self._done = threading.Event()

    def __call__(self) -> None:
        __tracebackhide__ = True
        try:
            self._function()
        finally:
            self._done.set()

    def is_done(self) -> bool:
        return self._done.is_set()

    def result(self) -> None:
        self._done.wait()


class PythonThreadTask:
    """A thread that Python made."""

    def __init__(self, function: Callable[[], object], name: str) -> None:
        self._thread = threading.Thread(target=function, name=name)
        self._thread.start()

    def is_done(self) -> bool:
        return not self._thread.is_alive()

    def result(self) -> None:
        self._thread.join()
