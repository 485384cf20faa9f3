"""The late cancel of a Java future: after its call has begun, and before the call returns to Java."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from typing import Final

_LONGEST: Final = 0.05
"""Seconds at most that an ended call waits for its cancel: a launcher of the project may keep the caller until then."""


class LateCancel:
    """The cancel of one call's future. It changes nothing of what the function returns or raises."""

    def __init__(self, delay: float) -> None:
        """Create it on the thread that launches the call; `delay` are the seconds from the call's begin."""
        self.delay = delay
        self.begun: Future[None] = Future()
        """Done when the call has begun: a future that is cancelled before would keep the call from running."""
        self._launching_thread = threading.get_ident()
        self._over = threading.Event()

    def wait(self) -> None:
        """Wait, on the call's thread, until the future is cancelled. On the launching thread nobody could cancel it."""
        if threading.get_ident() != self._launching_thread:
            self._over.wait(self.delay + _LONGEST)

    def end(self) -> None:
        """Let the call return."""
        self._over.set()
