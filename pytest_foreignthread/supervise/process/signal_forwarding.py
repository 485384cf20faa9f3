"""The keys ^C and ^Z while a child has the terminal.

The child is in a session of its own, where no terminal stops those who read from it or change it. So the kernel sends
the signals of the keys to this process, which passes them on.
"""

from __future__ import annotations

import math
import os
import signal
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import Any, Final

from . import processes
from .controlling_terminal import ControllingTerminal, stops

_WITHOUT_ANSWER: Final = 2
"""As many ^C in a row the child may leave without an answer; the next one is for this process."""


class Keys:
    """As a context: they are the child's. On a thread other than Python's main one nothing can be, and is, done."""

    def __init__(self, pid: Callable[[], int | None], terminal: ControllingTerminal | None) -> None:
        self._pid = pid
        self._terminal = terminal
        self._usual = None if terminal is None else terminal.attributes()
        self._before: dict[int, Any] = {}
        self._unanswered = 0
        self._last = -math.inf

    def answered(self, at: float) -> None:
        """By a prompt. One from before the last ^C, that this process was too busy to read then, is no answer to it."""
        if at > self._last:
            self._unanswered = 0

    def __enter__(self) -> Keys:
        if threading.current_thread() is threading.main_thread():
            ours = {signal.SIGINT: self._interrupt, signal.SIGTSTP: self._stop, signal.SIGWINCH: self._pass_on}
            for number, handler in ours.items():
                # None: a handler that Python did not set and could not set again.
                if (before := signal.getsignal(number)) is not None:
                    self._before[number] = before
                    signal.signal(number, handler)
        return self

    def __exit__(self, *_: object) -> None:
        while self._before:
            number, before = next(iter(self._before.items()))
            signal.signal(number, before)
            del self._before[number]

    def _pass_on(self, number: int, _frame: FrameType | None) -> None:
        if (pid := self._pid()) is not None:
            processes.kill(pid, number)

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        self._unanswered += 1
        self._last = time.clock_gettime(time.CLOCK_MONOTONIC)
        before = self._before.get(number)
        if self._unanswered > _WITHOUT_ANSWER and callable(before):
            before(number, frame)
        self._pass_on(number, frame)

    def _stop(self, number: int, frame: FrameType | None) -> None:
        """Stop the child, then this process, whose parent is a shell that takes the terminal; go on in the same order.

        A child that goes on in the background would read what is typed to the shell: so does this process, and waits.
        """
        self._pass_on(signal.SIGSTOP, frame)
        used = None if self._terminal is None else self._terminal.attributes()
        self.make_usual()
        handler = signal.signal(number, signal.SIG_DFL)
        try:
            stops(lambda: os.kill(os.getpid(), number))
            if self._terminal is None or self._terminal.wait_for_foreground():
                self._set(used)
        finally:
            signal.signal(number, handler or signal.SIG_DFL)
            self._pass_on(signal.SIGCONT, frame)

    def make_usual(self) -> None:
        """Restore the modes that the terminal had before: a shell without echo is of little use."""
        self._set(self._usual)

    def _set(self, attributes: list[Any] | None) -> None:
        if self._terminal is not None:
            self._terminal.set_attributes(attributes)
