"""A child that waits in its crash until it has been looked at.

HotSpot runs the shell command of `-XX:OnError` once hs_err is written, and waits for it. The child's command writes its
pid to one FIFO and waits for a line on another. A child without a JVM finds the FIFO there and holds itself, which is
seen by looking: it can write to no FIFO by then.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ...model.observation import Taken
from ...model.settings import CRASH_FIFO, GO_ON_FIFO
from ..child_files import UnreadableError, open_fifo
from ..process.fork import OpenEnds
from .held_thread import HeldThread, held_thread


@dataclass(frozen=True)
class CrashWatch:
    """Where the child and its supervisor meet, and what to do there."""

    folder: Path
    look: Callable[[int], Taken]
    """Called with the pid of a child that waits in its crash; it has to bound itself."""
    without_jvm: bool = False
    """Whether the child says by no FIFO that it waits."""


class CrashGate:
    """The supervisor's ends of both FIFOs."""

    def __init__(self, watch: CrashWatch, ends: OpenEnds) -> None:
        """Raise OSError or UnreadableError where the directory's file system takes no FIFO."""
        self.look = watch.look
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
        """None where no crash is to be held, or where the directory's file system takes no FIFO."""
        if watch is not None:
            with contextlib.suppress(OSError, UnreadableError):
                return cls(watch, ends)
        return None

    def _open(self, path: Path) -> int:
        os.mkfifo(path, 0o600)
        with self._ends.lock:
            # For both directions: no end of file comes when a writer leaves, and no reader has to wait for a writer.
            descriptor = open_fifo(path)
            self._opened.append(descriptor)
            self._ends.add(descriptor)
        return descriptor

    def wants_look(self, pid: int | None) -> bool:
        """Take what was written; whether it is the child's word, and the first: what it forked may die like it."""
        try:
            words = os.read(self.descriptor, 65536).split()
        except BlockingIOError:
            return False
        first, self._looked = not self._looked, self._looked or str(pid).encode() in words
        return first and self._looked

    def held(self, pid: int | None) -> HeldThread | None:
        """Return the thread of a child without a JVM that waits in its crash."""
        return held_thread(pid) if self.is_silent and pid is not None else None

    def wants_first_look(self) -> bool:
        first, self._looked = not self._looked, True
        return first

    def release(self) -> None:
        with contextlib.suppress(BlockingIOError):
            os.write(self._go_on, b"\n")

    def close(self) -> None:
        while self._opened:
            self._ends.close(self._opened.pop())
