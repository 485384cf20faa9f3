"""What the submitter of a callback waits for: the side that makes the call."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final, Protocol

_END: Final = 1.0
"""Seconds at most that a thread may take to end after its call."""


class Task(Protocol):
    """The side that makes the call: a Java FutureTask, a thread, or a callable that C calls."""

    def is_done(self) -> bool:
        """Return whether no call can come any more."""

    def result(self) -> None:
        """Wait until the side that makes the call has ended; raise what that side raised."""


class CallTask:
    """A callable without arguments for the side that makes the call: a C thread, or a launcher of the project."""

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
    """A thread that Python started."""

    def __init__(self, function: Callable[[], object], name: str) -> None:
        self._call = CallTask(function)
        self._thread = threading.Thread(target=self._call, name=name)
        self._thread.start()

    def is_done(self) -> bool:
        return self._call.is_done()

    def result(self) -> None:
        self._call.result()
        # With a limit: code that imports a second copy of `threading` on this thread, as eventlet does, takes the lock
        # that `join` waits for up to Python 3.12, and never releases it.
        self._thread.join(_END)
