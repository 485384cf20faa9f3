"""The user's terminal, lent to a child for as long as a debugger runs there."""

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
"""Seconds that debuggers may take in one test where no user is known to be there."""

UsualInput = Callable[[], "int | None"]


def usual_input() -> int | None:
    """Return a descriptor of its own for what this process reads from; None where that is closed."""
    with contextlib.suppress(OSError):
        return os.dup(0)
    return None


class Lender:
    """A child that asks waits for the answer, which comes when this process has come to its test.

    The child's word proves no debugger. At a terminal the user sees the prompt, and has ^C. Elsewhere its time is
    bounded, and ends where nothing is left that a debugger could wait for.
    """

    def __init__(
        self,
        answers: Path | None,
        step_aside: Callable[[], object] | None = None,
        usual_input: UsualInput = usual_input,
    ) -> None:
        """`answers` is a FIFO that the child makes; `step_aside` clears the screen of what is not to stay.

        `usual_input` returns a descriptor of what a debugger reads from, which is closed here.
        """
        self._answers = answers
        self._step_aside = step_aside
        self._usual_input = usual_input
        self._input: int | None = None
        self._at_terminal = False
        self._refuses = False
        self._since: float | None = None
        """When its time was counted last; None where nothing is lent."""
        self._stood = 0.0
        self._left = WITHOUT_TERMINAL
        self._keys: Keys | None = None
        self._held = contextlib.ExitStack()

    def begin(self) -> None:
        """Call before each test."""
        self._left = WITHOUT_TERMINAL

    @property
    def lends(self) -> bool:
        return self._since is not None

    def refuse(self) -> None:
        """From now on."""
        self._refuses = True

    def lend(self, pid: Callable[[], int | None], *, at_terminal: bool, at: float, began: float) -> None:
        """Answer a child that asked `at`. Where it has the terminal already, it says that it is at another prompt.

        The time that is the debugger's counts from `began`.
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
        if self._step_aside is not None:
            self._step_aside()
        flush_output()
        wanted = at_terminal and self._at_terminal
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
        # A file system that takes no FIFO leaves the child without an answer, and it does not wait for one. Nor does it
        # where something else is in the place of the FIFO.
        if self._answers is None:
            return
        with contextlib.suppress(OSError, UnreadableError):
            # Open until it is given back: neither side waits for the other to open it.
            descriptor = open_fifo(self._answers)
            self._held.callback(os.close, descriptor)
            os.write(descriptor, word)

    def stood(self) -> float:
        """Return the seconds that were the debugger's since it was lent, and not the test's."""
        if self._since is None:
            return 0.0
        now = time.monotonic()
        passed = max(0.0, now - self._since)
        self._since = now
        if not self._at_terminal:
            passed = min(passed, self._left) if self._input is not None and _may_come(self._input) else 0.0
            self._left -= passed
        self._stood += passed
        return self._stood

    def take_back(self, *, in_order: bool) -> float:
        """Return the seconds that were the debugger's. One that did not leave in order may leave it without echo."""
        stood, keys = self.stood(), self._keys
        if keys is not None and not in_order:
            keys.make_usual()
        self._since = self._keys = self._input = None
        self._held.close()
        return stood


def _may_come(descriptor: int) -> bool:
    """Whether there is more to read, or may be yet."""
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
