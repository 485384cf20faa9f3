"""Take the stacks of a child that passed its deadline, from outside, while it lives."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from . import attach, processes

JAVA_DUMP = "java_dump"
PYTHON_HANG = "python_hang"
_POLL = 0.005


def take_documents(
    pid: int, traceback_file: Path, dump_signal: int, budget: float = 2.0
) -> tuple[dict[str, str], dict[str, str]]:
    """Give (`java_dump` and `python_hang` → text, those that could not be taken → why); takes `budget` seconds at most.

    The child has to have called `faulthandler.register(dump_signal, file=…)` with `traceback_file` opened for writing.
    What that file held before is no part of the text.
    """
    give_up = time.monotonic() + budget
    dump = _PythonDump(pid, traceback_file, dump_signal)
    stat = processes.stat(pid)
    if stat is not None and stat.stopped:
        # The signal stays pending until the process goes on, so the stacks are those it was stopped with.
        dump.ask()
        processes.kill_group(pid, signal.SIGCONT)
    documents: dict[str, str] = {}
    missing: dict[str, str] = {}
    try:
        documents[JAVA_DUMP] = attach.ask(pid, give_up - budget / 4, "threaddump", "-l")
    except attach.AttachError as error:
        missing[JAVA_DUMP] = str(error)
    dump.ask()
    text, reason = dump.wait(give_up)
    if text:
        documents[PYTHON_HANG] = text
    if reason:
        missing[PYTHON_HANG] = reason
    return documents, missing


class _PythonDump:
    """faulthandler's dump by signal: it needs no GIL."""

    def __init__(self, pid: int, file: Path, number: int) -> None:
        self._pid = pid
        self._file = file
        self._number = number
        self._start = _size(file)
        self._thread: int | None = None
        self._refusal: str | None = None

    def ask(self) -> None:
        """Send the signal, once."""
        if self._thread is not None or self._refusal is not None:
            return
        if not self._has("SigCgt", self._pid):
            # Its default action would end the child.
            self._refusal = "faulthandler was not waiting for the signal"
            return
        service = attach.service_thread(self._pid)
        # The others for the case that the main thread has ended, or blocks the signal.
        for thread in [service] if service is not None else [self._pid, *processes.threads(self._pid)]:
            if not self._has("SigBlk", thread) and processes.signal_thread(self._pid, thread, self._number):
                self._thread = thread
                return
        self._refusal = "no thread takes the signal"

    def _has(self, field: str, thread: int) -> bool:
        return processes.has_signal(self._pid, thread, field, self._number)

    def wait(self, give_up: float) -> tuple[str, str | None]:
        """The text, and why it is missing or cut."""
        if self._refusal is not None or self._thread is None:
            return "", self._refusal
        while not self._complete(self._thread):
            if time.monotonic() >= give_up:
                return self._text(), "faulthandler did not end its dump in time"
            time.sleep(_POLL)
        return self._text(), None

    def _complete(self, thread: int) -> bool:
        """The kernel blocks a signal while its handler runs: neither pending nor blocked, the handler is done."""
        if self._has("SigPnd", thread) or self._has("SigBlk", thread):
            return False
        return _size(self._file) > self._start or not os.path.exists(f"/proc/{self._pid}/task/{thread}")

    def _text(self) -> str:
        try:
            with self._file.open("rb") as file:
                file.seek(self._start)
                return file.read().decode("utf-8", "replace")
        except OSError:
            return ""


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:
        return 0
