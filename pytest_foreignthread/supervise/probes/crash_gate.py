"""A child that waits in its crash until it has been looked at.

HotSpot runs the shell command of `-XX:OnError` once hs_err is written, and waits for the command to end. The child's
command writes the child's pid to one FIFO and waits for a line from another. The command does not look by itself: with
Yama's ptrace_scope 1 a process may be traced by its ancestors, not by its own children.

A child without a JVM holds itself if it finds the FIFO. It writes nothing: its handler is libc's `pause`, which can do
no more than wait. The supervisor finds the waiting thread in /proc (`held_thread`).
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ...model.documents import PYTHON
from ...model.fault_signals import FATAL, FAULTHANDLERS_WORDS, numbers_of
from ...model.observation import Taken
from ...model.settings import CRASH_FIFO, GO_ON_FIFO
from ..child_files import UnreadableError, open_fifo, read_text
from ..process.fork import OpenEnds
from .held_thread import HeldThread, held_thread


@dataclass(frozen=True)
class CrashWatch:
    """The directory of the two FIFOs, and what to do with a child that waits in its crash."""

    folder: Path
    look: Callable[[int], Taken]
    """Takes the documents of a child that waits in its crash, by its pid; `look` must limit its own time."""
    without_jvm: bool = False
    """Whether the child has no JVM, and so writes to no FIFO when it waits."""


class CrashGate:
    """The supervisor's descriptors of both FIFOs."""

    def __init__(self, watch: CrashWatch, ends: OpenEnds) -> None:
        """Make both FIFOs; raise OSError or UnreadableError if the directory's file system takes none."""
        self.look = watch.look
        self._folder = watch.folder
        self.is_silent = watch.without_jvm
        self._ends = ends
        self._opened: list[int] = []
        self._looked = False
        try:
            self.descriptor, self._go_on = (self._open(watch.folder / name) for name in (CRASH_FIFO, GO_ON_FIFO))
        except BaseException:
            self.close()
            raise

    @classmethod
    def opened(cls, watch: CrashWatch | None, ends: OpenEnds) -> CrashGate | None:
        """Return a new gate; None if `watch` is None, or if the file system takes no FIFO: then no crash is held."""
        if watch is not None:
            with contextlib.suppress(OSError, UnreadableError):
                return cls(watch, ends)
        return None

    def _open(self, path: Path) -> int:
        os.mkfifo(path, 0o600)
        with self._ends.lock:
            # Opened for both directions: a FIFO without a writer would be at its end, and poll() would return at once
            # for ever; and neither side waits in open() for the other.
            descriptor = open_fifo(path)
            self._opened.append(descriptor)
            self._ends.add(descriptor)
        return descriptor

    def wants_look(self, pid: int | None) -> bool:
        """Read what was written; return whether the child itself waits in its crash, for the first time.

        Processes that the test forked inherit the command, and write their own pids when they crash. They are released
        without a look.
        """
        try:
            words = os.read(self.descriptor, 65536).split()
        except BlockingIOError:
            return False
        first, self._looked = not self._looked, self._looked or str(pid).encode() in words
        return first and self._looked

    def held(self, pid: int | None) -> HeldThread | None:
        """Return the thread of a child without a JVM that waits in its crash; None if none does, or if it has a JVM."""
        found = held_thread(pid) if self.is_silent and pid is not None else None
        return found if found is None or not found.others else held_thread(found.pid, self._first_signal())

    def _first_signal(self) -> int | None:
        """Return the signal of the first crash that faulthandler has written of."""
        text = ""
        with contextlib.suppress(FileNotFoundError, UnreadableError):
            text = read_text(self._folder / PYTHON)
        names = [name for words, name in FAULTHANDLERS_WORDS.items() if text.startswith(f"{FATAL}{words}")]
        return next(map(int, numbers_of(names)), None)

    def wants_first_look(self) -> bool:
        """Return whether this is the first call: one crash is looked at, later ones are let go at once."""
        first, self._looked = not self._looked, True
        return first

    def release(self) -> None:
        """Let a process that waits in its crash go on to its death, or the next one if none waits now."""
        # If the FIFO is full, it has a line for each process that can wait.
        with contextlib.suppress(BlockingIOError):
            os.write(self._go_on, b"\n")

    def close(self) -> None:
        while self._opened:
            self._ends.close(self._opened.pop())
