"""The user's terminal, lent to a child while a debugger runs in the child."""

from __future__ import annotations

import contextlib
import os
import select
import stat
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from ...model.settings import LENT
from ..child_files import UnreadableError, open_fifo
from .controlling_terminal import ControllingTerminal
from .fork import flush_output
from .signal_forwarding import Keys

_REFUSED: Final = b"n"
WITHOUT_TERMINAL: Final = 600.0
"""Seconds that debuggers may take in one test if the input is no terminal."""

UsualInput = Callable[[], "int | None"]
"""Returns a new descriptor of what a debugger reads from; None if there is nothing to read from."""


def usual_input() -> int | None:
    """Return a new descriptor of this process's standard input; None if standard input is closed."""
    with contextlib.suppress(OSError):
        return os.dup(0)
    return None


class Lender:
    """Lends the terminal to a child that asks for it, and counts the time that is then the debugger's.

    A child that asks waits for the answer. A child that was forked ahead of need gets it when its test's turn comes.

    The request of a child is no proof of a debugger: a test that asks and then hangs must not put off its deadline for
    ever. At a terminal the user sees the prompt and has ^C. Without a terminal the debugger's time has a limit, and
    ends as soon as nothing is left to read that a debugger could wait for.
    """

    def __init__(
        self,
        answers: Path | None,
        step_aside: Callable[[], object] | None = None,
        usual_input: UsualInput = usual_input,
    ) -> None:
        """`answers` is the path of a FIFO that the child makes; None if nobody waits for an answer.

        `step_aside` removes from the screen what a prompt must not stand beside. The lender closes the descriptor that
        `usual_input` returns.
        """
        self._answers = answers
        self._step_aside = step_aside
        self._usual_input = usual_input
        self._input: int | None = None
        self._at_terminal = False
        self._refuses = False
        self._since: float | None = None
        """When the debugger's time was counted last; None while nothing is lent."""
        self._stood = 0.0
        self._left = WITHOUT_TERMINAL
        self._keys: Keys | None = None
        self._held = contextlib.ExitStack()

    def begin(self) -> None:
        """Start a new test: its debuggers have their full time."""
        self._left = WITHOUT_TERMINAL

    @property
    def lends(self) -> bool:
        return self._since is not None

    def refuse(self) -> None:
        """Refuse all requests from now on."""
        self._refuses = True

    def lend(self, pid: Callable[[], int | None], *, at_terminal: bool, at: float, began: float) -> None:
        """Answer a child that asked for the terminal at the time `at` (CLOCK_MONOTONIC).

        A child that has the terminal already asks again at each prompt. That is no new loan: it shows that the child
        answers ^C. The debugger's time counts from `began`.
        """
        if self._keys is not None:
            self._keys.answered(at)
        if self.lends:
            return
        if self._refuses:
            self._answer(_REFUSED)
            return
        self._since, self._stood = began, 0.0
        self._look_at_input()
        # Before the answer: the child's prompt must come after all that this process has to show.
        if self._step_aside is not None:
            self._step_aside()
        flush_output()
        wanted = at_terminal and self._at_terminal
        # Only if the input is a terminal: with input from a pipe or a file, a debugger changes no modes and needs no
        # foreground.
        terminal = self._held.enter_context(ControllingTerminal.opened()) if wanted else None
        if terminal is None or terminal.wait_for_foreground():
            self._keys = self._held.enter_context(Keys(pid, terminal))
            self._answer(LENT)
        else:
            self._answer(_REFUSED)

    def _look_at_input(self) -> None:
        self._input = self._usual_input()
        self._at_terminal = self._input is not None and os.isatty(self._input)
        if self._input is not None:
            self._held.callback(os.close, self._input)

    def _answer(self, word: bytes) -> None:
        # If the file system takes no FIFO, or the test has put something else in its place, the child gets no answer,
        # and does not wait for one.
        if self._answers is None:
            return
        with contextlib.suppress(OSError, UnreadableError):
            # Open until the terminal is taken back: the byte in the FIFO is lost when the last descriptor is closed,
            # and the child may not have opened the FIFO yet.
            descriptor = open_fifo(self._answers)
            self._held.callback(os.close, descriptor)
            os.write(descriptor, word)

    def stood(self) -> float:
        """Return the seconds since the terminal was lent that were the debugger's and not the test's."""
        if self._since is None:
            return 0.0
        now = time.monotonic()
        passed = max(0.0, now - self._since)
        self._since = now
        if not self._at_terminal:
            # Counted in small steps, as the watch asks every second: time counts only while there is something to read.
            passed = min(passed, self._left) if self._input is not None and _may_come(self._input) else 0.0
            self._left -= passed
        self._stood += passed
        return self._stood

    def take_back(self, *, in_order: bool) -> float:
        """End the loan and return the seconds that were the debugger's; do nothing and return 0.0 if nothing is lent.

        Restore the modes of the terminal unless the debugger left by itself (`in_order`): a debugger that was killed
        at its prompt leaves a terminal without echo.
        """
        stood, keys = self.stood(), self._keys
        if keys is not None and not in_order:
            keys.make_usual()
        self._since = self._keys = self._input = None
        self._held.close()
        return stood


def _may_come(descriptor: int) -> bool:
    """Return whether a descriptor has more to read, or may get more: a file before its end, a pipe with a writer.

    False for everything else, such as /dev/null, which is at its end from the start.
    """
    with contextlib.suppress(OSError):
        status = os.fstat(descriptor)
        if stat.S_ISREG(status.st_mode):
            return os.lseek(descriptor, 0, os.SEEK_CUR) < status.st_size
        if stat.S_ISFIFO(status.st_mode) or stat.S_ISSOCK(status.st_mode):
            poll = select.poll()
            poll.register(descriptor, select.POLLIN)
            ready = dict(poll.poll(0)).get(descriptor, 0)
            return not ready & (select.POLLHUP | select.POLLERR) or bool(ready & select.POLLIN)
    return False
