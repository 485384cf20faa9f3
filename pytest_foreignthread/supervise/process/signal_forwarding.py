"""The keys ^C and ^Z while a child has the terminal.

The child is in a session of its own, so that the kernel does not stop the child when it reads from this terminal or
changes it. For the same reason the kernel sends the signals of the keys to this process, which passes them on.
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
"""The number of ^C in a row that the child may leave unanswered; the next one interrupts this process as well.

A child that hangs, or one without a debugger, would otherwise leave the user without a way out.
"""


class Keys:
    """A context in which the signals of the keys, and SIGWINCH, go to the child.

    Only Python's main thread can set signal handlers: on any other thread the context does nothing.
    """

    def __init__(self, pid: Callable[[], int | None], terminal: ControllingTerminal | None) -> None:
        self._pid = pid
        self._terminal = terminal
        self._usual = None if terminal is None else terminal.attributes()
        self._before: dict[int, Any] = {}
        self._unanswered = 0
        self._last = -math.inf

    def answered(self, at: float) -> None:
        """Note that the child showed a prompt `at` that time, and so has answered each earlier ^C.

        A prompt from before the last ^C, which this process was too busy to read at once, does not answer that ^C.
        """
        if at > self._last:
            self._unanswered = 0

    def __enter__(self) -> Keys:
        if threading.current_thread() is threading.main_thread():
            ours = {signal.SIGINT: self._interrupt, signal.SIGTSTP: self._stop, signal.SIGWINCH: self._pass_on}
            for number, handler in ours.items():
                # None is a handler that C code has set. Python could not restore it.
                if (before := signal.getsignal(number)) is not None:
                    self._before[number] = before
                    signal.signal(number, handler)
        return self

    def __exit__(self, *_: object) -> None:
        # One at a time: if a handler raises in here, a second call restores the rest.
        while self._before:
            number, before = next(iter(self._before.items()))
            signal.signal(number, before)
            del self._before[number]

    def _pass_on(self, number: int, _frame: FrameType | None) -> None:
        if (pid := self._pid()) is not None:
            processes.kill(pid, number)

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        self._unanswered += 1
        # The clock by which the child stamps its prompts. Libraries that freeze the time do not patch this function.
        self._last = time.clock_gettime(time.CLOCK_MONOTONIC)
        before = self._before.get(number)
        if self._unanswered > _WITHOUT_ANSWER and callable(before):
            before(number, frame)
        self._pass_on(number, frame)

    def _stop(self, number: int, frame: FrameType | None) -> None:
        """Stop the child, then this process; once this process goes on in the foreground, continue the child.

        The shell that started this process takes the terminal while both are stopped. After `bg` this process waits for
        the foreground: a child that went on in the background would read what the user types to the shell.
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
        """Restore the modes that the terminal had before, because a debugger turns the echo off."""
        self._set(self._usual)

    def _set(self, attributes: list[Any] | None) -> None:
        if self._terminal is not None:
            self._terminal.set_attributes(attributes)
