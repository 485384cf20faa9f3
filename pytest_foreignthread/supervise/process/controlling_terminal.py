"""The terminal that controls this process: whether it may be used now, and what a debugger may leave wrong in it."""

from __future__ import annotations

import contextlib
import os
import signal
import termios
import threading
from collections.abc import Callable, Iterator
from typing import Any, Final

_TERMINAL: Final = "/dev/tty"


class ControllingTerminal:
    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    @classmethod
    @contextlib.contextmanager
    def opened(cls) -> Iterator[ControllingTerminal | None]:
        """None where the process has none: under CI, in a service."""
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
        """Return once this process is in the foreground; stopped till then, as the kernel stops one that reads.

        False where nobody would let it go on: the kernel refuses such a process to read.
        """
        while not self.in_foreground():
            if not stops(lambda: os.killpg(os.getpgrp(), signal.SIGTTIN)):
                return False
        return True

    def in_foreground(self) -> bool:
        """Also where the terminal has gone: whoever uses it is told so."""
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
        """Also from the background, where the kernel would stop this process for it."""
        if attributes is None:
            return
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTTOU})
        try:
            with contextlib.suppress(termios.error):
                termios.tcsetattr(self._descriptor, termios.TCSANOW, attributes)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)


def stops(send: Callable[[], object]) -> bool:
    """Send this process a signal that stops it; return when it goes on. False where it was not stopped.

    Nor is it from a thread other than Python's main one, which alone could tell.
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
