"""The controlling terminal of this process: whether the process may use it now, and its modes."""

from __future__ import annotations

import contextlib
import os
import signal
import termios
import threading
from collections.abc import Callable, Iterator
from typing import Any, Final

# The controlling terminal of the process that opens it, under whatever name.
_TERMINAL: Final = "/dev/tty"


class ControllingTerminal:
    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    @classmethod
    @contextlib.contextmanager
    def opened(cls) -> Iterator[ControllingTerminal | None]:
        """Open the controlling terminal; yield None if the process has none, as under CI or in a service."""
        try:
            descriptor = os.open(_TERMINAL, os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
        except OSError:
            yield None
            return
        try:
            yield cls(descriptor)
        finally:
            os.close(descriptor)

    def wait_for_foreground(self) -> bool:
        """Stop this process until it is in the foreground, as the kernel stops a background process that reads.

        Return False if the process was not stopped: the kernel ignores the signal in an orphaned process group, which
        has no shell that could continue it.
        """
        # Again after each continuation: `bg` continues a process in the background.
        while not self.in_foreground():
            if not stops(lambda: os.killpg(os.getpgrp(), signal.SIGTTIN)):
                return False
        return True

    def in_foreground(self) -> bool:
        """Return whether this process is in the foreground, also if the terminal was hung up.

        A process that waited for a terminal that is gone would wait for ever. A process that reads from such a terminal
        gets an error.
        """
        try:
            return os.tcgetpgrp(self._descriptor) == os.getpgrp()
        except OSError:
            return True

    def attributes(self) -> list[Any] | None:
        try:
            return termios.tcgetattr(self._descriptor)
        except termios.error:
            return None

    def set_attributes(self, attributes: list[Any] | None) -> None:
        """Set the modes of the terminal, also if this process is in the background."""
        if attributes is None:
            return
        # In the background the kernel would send SIGTTOU, which stops this process, unless the signal is blocked.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTTOU})
        try:
            with contextlib.suppress(termios.error):
                termios.tcsetattr(self._descriptor, termios.TCSANOW, attributes)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)


def stops(send: Callable[[], object]) -> bool:
    """Send this process a signal that stops it; return, once it goes on, whether it was stopped.

    On a thread other than Python's main one, send nothing and return False: only the main thread can set the handler
    that notices SIGCONT.
    """
    if threading.current_thread() is not threading.main_thread():
        return False
    continued: list[int] = []
    before = signal.signal(signal.SIGCONT, lambda number, _: continued.append(number))
    try:
        send()
    finally:
        signal.signal(signal.SIGCONT, before or signal.SIG_DFL)
    return bool(continued)
