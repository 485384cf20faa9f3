"""faulthandler's dump of Python's stacks, asked for from outside by a signal: the handler needs no GIL."""

from __future__ import annotations

import os
import time
from pathlib import Path

from .. import child_files
from ..process import processes
from . import attach

_POLL = 0.005


class DumpError(Exception):
    """There is no dump, or an incomplete one; `text` is the part that was written."""

    def __init__(self, reason: str, text: str = "") -> None:
        super().__init__(reason)
        self.text = text


class PythonDump:
    """One dump: the part of the file that is written after this object was made."""

    def __init__(self, pid: int, file: Path, number: int) -> None:
        self._pid = pid
        self._file = file
        self._number = number
        # faulthandler appends: what is in the file now belongs to earlier dumps.
        self._start = child_files.size(file)
        self._thread: int | None = None

    def ask(self) -> None:
        """Send the signal, in the first call only; raise DumpError if no thread can take it."""
        if self._thread is not None:
            return
        if not self._has("SigCgt", self._pid):
            # Its default action would end the child.
            raise DumpError("faulthandler was not waiting for the signal")
        service = attach.service_thread(self._pid)
        # To HotSpot's thread, if there is one: a signal to the thread that hangs may interrupt its system call, and so
        # end the hang. Without a JVM the main thread comes first, then the others: the main thread may have ended, or
        # may block the signal.
        for thread in [service] if service is not None else [self._pid, *processes.threads(self._pid)]:
            if not self._has("SigBlk", thread) and processes.signal_thread(self._pid, thread, self._number):
                self._thread = thread
                return
        raise DumpError("no thread takes the signal")

    def _has(self, field: str, thread: int) -> bool:
        return processes.has_signal(self._pid, thread, field, self._number)

    def text(self, give_up: float) -> str:
        """Ask for the dump, wait for its end and return it; raise DumpError if there is none by `give_up`."""
        self.ask()
        while not self._complete():
            if time.monotonic() >= give_up:
                raise DumpError("faulthandler did not end its dump in time", self._written())
            stat = processes.stat(self._pid)
            if stat is None or not stat.alive:
                raise DumpError("the child ended before faulthandler had ended its dump", self._written())
            time.sleep(_POLL)
        return self._written()

    def _complete(self) -> bool:
        """Return whether faulthandler's handler has run to its end.

        The kernel blocks a signal while its handler runs: the handler is done once the signal is neither pending nor
        blocked. A file that has not grown shows that the handler has yet to begin, unless its thread has ended.
        """
        assert self._thread is not None
        if self._has("SigPnd", self._thread) or self._has("SigBlk", self._thread):
            return False
        return child_files.size(self._file) > self._start or not os.path.exists(
            f"/proc/{self._pid}/task/{self._thread}"
        )

    def _written(self) -> str:
        try:
            return child_files.read_text(self._file, self._start)
        except FileNotFoundError:
            return ""
        except child_files.UnreadableError as error:
            raise DumpError(f"its file could not be read: {error}") from error
