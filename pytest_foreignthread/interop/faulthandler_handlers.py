"""Who answers a fatal signal, as sigaction(2) has it: read and put back as it was."""

from __future__ import annotations

import ctypes
import os
import signal
from collections.abc import Iterable
from typing import Final

HOTSPOTS: Final = (signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGILL) if os.name == "posix" else ()
"""Those which HotSpot sets for its own ends. SIGABRT it leaves alone: faulthandler answers that one."""
SHUTDOWN: Final = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM) if os.name == "posix" else ()
"""Those which HotSpot takes, but with `-Xrs`, for Java's shutdown hooks; JPype may put handlers of its own there."""

_ROOM: Final = 256
"""Bytes, more than any platform's struct sigaction."""


class Handlers:
    """What stood when it was made; nothing off POSIX, where Python's faulthandler and HotSpot set no signal handler."""

    def __init__(self, numbers: Iterable[signal.Signals] = HOTSPOTS) -> None:
        self._actions: dict[int, ctypes.Array[ctypes.c_char]] = {}
        if os.name != "posix":
            return
        self._libc = ctypes.CDLL(None)
        for number in numbers:
            action = ctypes.create_string_buffer(_ROOM)
            if self._libc.sigaction(number, None, action) == 0:
                self._actions[number] = action

    def address_of(self, number: int) -> int:
        """Return the address of a handler; 0 where there is none, or where it was not read."""
        # The first member of struct sigaction on Linux and macOS.
        action = self._actions.get(number)
        return 0 if action is None else ctypes.c_void_p.from_buffer(action).value or 0

    def put_back(self) -> bool:
        """Whether there was something to put back."""
        for number, action in self._actions.items():
            self._libc.sigaction(number, action, None)
        return bool(self._actions)
