"""A debugger in the child, which borrows the user's terminal from the parent."""

from __future__ import annotations

import builtins
import contextlib
import ctypes
import errno
import io
import os
import stat
import sys
import threading
import time
from collections.abc import Callable
from os import getpid
from pathlib import Path
from typing import Any

import pytest

from ...channel.wire import Sender
from ...model.observation import DebuggerEntered, DebuggerLeft
from ...model.settings import DEBUGGER_FIFO, LENT
from .prompt_reader import LineReader, line_from_descriptor


class Debugging:
    """A plugin. The parent suspends the deadline and lends the terminal between `take` and `give_back`."""

    def __init__(self, folder: Path, sender: Sender) -> None:
        self._answers = folder / DEBUGGER_FIFO
        self._sender = sender
        self._owner = getpid()
        self._lock = threading.Lock()
        self._thread: int | None = None
        """Python's id of the thread that debugs; None if no thread debugs."""
        self._usual_input: Callable[..., str] = input
        self.lines = LineReader(self._read_line, self._interrupt)

    @pytest.hookimpl(tryfirst=True)
    def pytest_enter_pdb(self, pdb: Any) -> None:
        self.take()
        # `continue` leaves the debugger. A breakpoint that was set at the prompt enters it again without a call of this
        # hook.
        if (preloop := getattr(pdb, "preloop", None)) is not None:

            def ask_first() -> None:
                self.take()
                preloop()

            pdb.preloop = ask_first

    def pytest_leave_pdb(self) -> None:
        self.give_back()

    def take(self) -> None:
        """Return when the terminal may be used. Raise OSError if the parent does not lend it."""
        # A process that the test forked reads from the terminal beside this process, as it would without the plugin.
        if getpid() != self._owner:
            return
        with self._lock:
            if self._thread is None:
                self._ask()
                self._take_input()
            self._thread = threading.get_ident()

    def _ask(self) -> None:
        answered = self._has_fifo()
        self._send_entered()
        if answered and not self._sender.broken and self._answer() != LENT:
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    def _send_entered(self) -> None:
        self._sender.send(DebuggerEntered(_at_terminal(), time.clock_gettime(time.CLOCK_MONOTONIC)))

    def _answer(self) -> bytes:
        while True:
            with open(self._answers, "rb", buffering=0) as answers:
                # Nothing to read: the parent had not yet closed its end after an earlier answer.
                if word := answers.read(1):
                    return word

    def _has_fifo(self) -> bool:
        """Create the FIFO for the answer; return whether it exists.

        Its file system may have no FIFOs, or a test may have put another file in its place.
        """
        with contextlib.suppress(OSError):
            os.mkfifo(self._answers, 0o600)
        # The parent checks the same, because it must not write through a link.
        with contextlib.suppress(OSError):
            found = self._answers.lstat()
            return stat.S_ISFIFO(found.st_mode) and found.st_nlink == 1
        return False

    def _take_input(self) -> None:
        self._usual_input = builtins.input
        builtins.input = self._input
        # Text that is still in the buffer when the capture resumes would become output of the test.
        if isinstance(sys.__stdout__, io.TextIOWrapper):
            sys.__stdout__.reconfigure(line_buffering=True)

    def give_back(self) -> None:
        """Return the terminal to the parent, if this process has it."""
        if getpid() != self._owner or self._thread is None:
            return
        with self._lock:
            self._thread = None
            if builtins.input == self._input:
                builtins.input = self._usual_input
            self._sender.send(DebuggerLeft())

    def _input(self, prompt: object = "", /) -> str:
        if getpid() != self._owner:
            return self._usual_input(prompt)
        # Sent again at each prompt: the parent counts the ^C that went by without an answer.
        self._send_entered()
        return self.lines.read(str(prompt))

    def _read_line(self, prompt: str) -> str:
        if sys.stdin is None or sys.stdin is not sys.__stdin__ or _at_terminal():
            return self._usual_input(prompt)
        return line_from_descriptor(prompt, 0)

    def _interrupt(self) -> bool:
        """Raise KeyboardInterrupt in the thread that debugs; return whether a thread debugs."""
        if self._thread is None:
            return False
        raised = ctypes.py_object(KeyboardInterrupt)
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(self._thread), raised)
        return True


def _at_terminal() -> bool:
    # A test may have replaced `sys.stdin` by an object without this method.
    isatty = getattr(sys.stdin, "isatty", None)
    return isatty is not None and bool(isatty())
