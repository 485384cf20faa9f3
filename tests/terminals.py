"""A terminal for programs under test: a pseudo-terminal, and an emulator that knows what its screen shows."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, Protocol

import pyte

from .forked_runs import start_at_terminal

ENDLESS: Final = 300.0
"""Seconds after which what never comes is given up; never a measure of speed."""
_MARK: Final = b"\0"
"""What no program under test writes, and no terminal shows."""
# ^C reaches the process group in the foreground of a terminal that is the controlling one.
_WITH_THE_TERMINAL: Final = (
    "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.argv[1], sys.argv[1:])"
)


class Process(Protocol):
    """A program under test."""

    @property
    def pid(self) -> int: ...
    def kill(self) -> None: ...
    def wait(self, timeout: float, /) -> int: ...


class Terminal:
    def __init__(self, columns: int = 80, rows: int = 24) -> None:
        self.master, self.slave = os.openpty()
        self.screen = pyte.Screen(columns, rows)
        self.written = b""
        self._marks = 0
        self._stream = pyte.ByteStream(self.screen)
        self._set_size(columns, rows)

    def _set_size(self, columns: int, rows: int) -> None:
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def resize(self, columns: int, rows: int) -> None:
        self.screen.resize(rows, columns)
        self._set_size(columns, rows)

    def start(self, command: list[str], folder: Path, environment: Mapping[str, str]) -> Process:
        if forked := start_at_terminal(command, folder, environment, self.slave):
            return forked
        return subprocess.Popen(
            [sys.executable, "-c", _WITH_THE_TERMINAL, *command],
            cwd=folder,
            env=dict(environment),
            stdin=self.slave,
            stdout=self.slave,
            stderr=self.slave,
            start_new_session=True,
        )

    def type(self, text: str) -> None:
        os.write(self.master, text.encode())

    def read(self, seconds: float = 0.0) -> bool:
        """Take what was written, or wait so long for it; False where nothing was."""
        if not select.select([self.master], [], [], seconds)[0]:
            return False
        try:
            data = os.read(self.master, 65536)
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            return False
        self._marks += data.count(_MARK)
        data = data.replace(_MARK, b"")
        self.written += data
        self._stream.feed(data)
        return True

    def settle(self) -> None:
        """Read all that has been written by now: the kernel hands it over a moment later, in its order."""
        awaited = self._marks + 1
        os.write(self.slave, _MARK)
        self.until(lambda: self._marks == awaited)

    def until(self, condition: Callable[[], bool]) -> None:
        """Read until it holds."""
        give_up = time.monotonic() + ENDLESS
        while not condition():
            if time.monotonic() > give_up or not self.read(ENDLESS):
                raise AssertionError("\n".join(["not seen on the screen:", *self.lines]))

    def until_true(self, condition: Callable[[], bool]) -> None:
        """Until something holds of which the terminal tells nothing."""
        give_up = time.monotonic() + ENDLESS
        while not condition():
            assert time.monotonic() < give_up
            self.read(0.01)

    def end_of(self, process: Process) -> int:
        """Read until the program ends; return its exit status. One that does not end is killed."""
        give_up = time.monotonic() + ENDLESS
        pidfd = os.pidfd_open(process.pid)
        try:
            while not select.select([pidfd], [], [], 0)[0]:
                if time.monotonic() > give_up:
                    process.kill()
                    raise AssertionError("\n".join(["did not end; the screen:", *self.lines]))
                select.select([pidfd, self.master], [], [], max(0.0, give_up - time.monotonic()))
                self.read()
        finally:
            os.close(pidfd)
        self.settle()
        return process.wait(ENDLESS)

    @property
    def lines(self) -> list[str]:
        return [line.rstrip() for line in self.screen.display]

    @property
    def last_line(self) -> str:
        """The last one that is not empty."""
        return next((line for line in reversed(self.lines) if line), "")

    def close(self) -> None:
        for descriptor in (self.master, self.slave):
            with contextlib.suppress(OSError):
                os.close(descriptor)
