"""The user's terminal, lent to a child for as long as a debugger runs there."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable
from pathlib import Path

from ..child_files import UnreadableError, open_fifo
from ..settings import LENT
from .fork import flush_output
from .keys import Keys
from .terminal import ControllingTerminal

_REFUSED = b"n"


class Lender:
    """A child that asks waits for the answer, which comes when this process has come to its test."""

    def __init__(self, answers: Path | None, step_aside: Callable[[], object] | None = None) -> None:
        """`answers` is a FIFO that the child makes; `step_aside` clears the screen of what is not to stay."""
        self._answers = answers
        self._step_aside = step_aside
        self._refuses = False
        self._since: float | None = None
        self._keys: Keys | None = None
        self._held = contextlib.ExitStack()

    @property
    def lends(self) -> bool:
        return self._since is not None

    def refuse(self) -> None:
        """From now on."""
        self._refuses = True

    def lend(self, pid: Callable[[], int | None], *, at_terminal: bool, at: float) -> None:
        """Answer a child that asked `at`. Where it has the terminal already, it says that it is at another prompt."""
        if self._keys is not None:
            self._keys.answered(at)
        if self.lends:
            return
        if self._refuses:
            self._answer(_REFUSED)
            return
        self._since = time.monotonic()
        if self._step_aside is not None:
            self._step_aside()
        flush_output()
        terminal = self._held.enter_context(ControllingTerminal.opened()) if at_terminal else None
        if terminal is None or terminal.wait_for_foreground():
            self._keys = self._held.enter_context(Keys(pid, terminal))
            self._answer(LENT)
        else:
            self._answer(_REFUSED)

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

    def take_back(self, *, in_order: bool) -> float:
        """Give the seconds for which it was lent. A child that did not leave in order may have left it without echo."""
        since, keys = self._since, self._keys
        if keys is not None and not in_order:
            keys.make_usual()
        self._since = self._keys = None
        self._held.close()
        return 0.0 if since is None else time.monotonic() - since
