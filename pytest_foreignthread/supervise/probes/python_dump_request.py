"""faulthandler's dump by signal, asked for from outside: it needs no GIL."""

from __future__ import annotations

import os
import time
from pathlib import Path

from .. import child_files
from ..process import processes
from . import attach

_POLL = 0.005


class DumpError(Exception):
    """Why there is no dump, or no whole one; `text` is what there is of it."""

    def __init__(self, reason: str, text: str = "") -> None:
        super().__init__(reason)
        self.text = text


class PythonDump:
    """One dump: what the file held when this was made is no part of it."""

    def __init__(self, pid: int, file: Path, number: int) -> None:
        self._pid = pid
        self._file = file
        self._number = number
        self._start = child_files.size(file)
        self._thread: int | None = None

    def ask(self) -> None:
        """Send the signal, once; raise DumpError when nobody would take it."""
        if self._thread is not None:
            return
        if not self._has("SigCgt", self._pid):
            # Its default action would end the child.
            raise DumpError("faulthandler was not waiting for the signal")
        service = attach.service_thread(self._pid)
        # The others for the case that the main thread has ended, or blocks the signal.
        for thread in [service] if service is not None else [self._pid, *processes.threads(self._pid)]:
            if not self._has("SigBlk", thread) and processes.signal_thread(self._pid, thread, self._number):
                self._thread = thread
                return
        raise DumpError("no thread takes the signal")

    def _has(self, field: str, thread: int) -> bool:
        return processes.has_signal(self._pid, thread, field, self._number)

    def text(self, give_up: float) -> str:
        """Ask, and wait for the end of the dump, until `give_up` at most; raise DumpError."""
        self.ask()
        while not self._complete():
            if time.monotonic() >= give_up:
                raise DumpError("faulthandler did not end its dump in time", self._written())
            time.sleep(_POLL)
        return self._written()

    def _complete(self) -> bool:
        """The kernel blocks a signal while its handler runs: neither pending nor blocked, the handler is done."""
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
