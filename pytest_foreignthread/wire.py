"""Messages from child to parent: bytes ↔ data.

A message is a line of JSON: the name of its class, a tab, its fields, a newline. JSON text holds no raw newline, so a
reader finds the next message however the stream was cut, and bytes that a test wrote into the pipe cost one line.
"""

from __future__ import annotations

import dataclasses
import json
import os
import threading
from collections.abc import Mapping
from typing import Any, Final

from .observation import (
    DebuggerEntered,
    DebuggerLeft,
    Finished,
    JvmAdopted,
    JvmFailed,
    Message,
    NotServed,
    PhaseStarted,
    ReportMade,
    SessionStopped,
    TestEnded,
    ThreadNamed,
    Tried,
    WarningRecorded,
)
from .outcomes import Phase

_CLASSES: Final[Mapping[bytes, type[Message]]] = {
    cls.__name__.encode(): cls
    for cls in (
        *(PhaseStarted, ThreadNamed, ReportMade, WarningRecorded, SessionStopped),
        *(JvmFailed, JvmAdopted, NotServed, DebuggerEntered, DebuggerLeft, Tried, TestEnded, Finished),
    )
}
_TYPES: Final[Mapping[str, type | tuple[type, ...]]] = {
    "int": int,
    "float": (float, int),
    "str": str,
    "bool": bool,
    "int | None": (int, type(None)),
}
_FIELDS: Final[Mapping[type[Message], tuple[tuple[str, str], ...]]] = {
    cls: tuple((field.name, str(field.type)) for field in dataclasses.fields(cls)) for cls in _CLASSES.values()
}

LONGEST = 64 * 1024 * 1024
"""Bytes of a line; a longer one is dropped, so that no flood fills the parent's memory."""


def encode(message: Message) -> bytes:
    """Raise TypeError when a report holds what JSON does not take."""
    fields = {name: _plain(value) for name, value in vars(message).items()}
    return f"{type(message).__name__}\t{json.dumps(fields)}\n".encode()


def encode_report(report: str, exceptions: tuple[tuple[str, str], ...], elsewhere: str) -> bytes:
    """Give a `ReportMade` whose report is JSON already."""
    rest = json.dumps({"exceptions": exceptions, "elsewhere": elsewhere})
    return f'{ReportMade.__name__}\t{{"report": {report}, {rest[1:]}\n'.encode()


def _plain(value: Any) -> Any:
    return value.value if isinstance(value, Phase) else value


class Sender:
    """The child's end of the pipe: a message has left the process when `send` returns.

    Threads may share it. A process forked from the owner sends nothing.
    """

    def __init__(self, fd: int, owner_pid: int) -> None:
        self._fd = fd
        self._owner_pid = owner_pid
        self._file = _identity(fd)
        self._lock = threading.Lock()
        self._torn = False
        self._kept_back = b""
        self.broken = False
        """The pipe is gone: the test closed it, or the parent died. Later messages are dropped."""

    def fileno(self) -> int:
        return self._fd

    def send(self, message: Message, *, soon: bool = False) -> None:
        """Raise TypeError when a report holds what JSON does not take; nothing when the pipe is gone.

        With `soon` the message goes out together with the next one, which must be about to come: each write wakes the
        parent.
        """
        self._send(encode(message), soon)

    def send_report(
        self, report: str, exceptions: tuple[tuple[str, str], ...], elsewhere: str, *, soon: bool = False
    ) -> None:
        """Send a `ReportMade` whose report is JSON already; as `send` does."""
        self._send(encode_report(report, exceptions, elsewhere), soon)

    def _send(self, data: bytes, soon: bool) -> None:
        if os.getpid() != self._owner_pid:
            return
        with self._lock:
            self._kept_back += data
            if soon:
                return
            data, self._kept_back = self._kept_back, b""
            try:
                # A test that closed the descriptor may have another file under its number by now.
                if self.broken or _identity(self._fd) != self._file:
                    self.broken = True
                else:
                    self._write(data)
            except OSError:
                self.broken = True

    def _write(self, data: bytes) -> None:
        # A signal handler's exception may have cut the message before: end its line, or it would spoil this one.
        view = memoryview(b"\n" + data if self._torn else data)
        self._torn = True
        while view:
            view = view[os.write(self._fd, view) :]
        self._torn = False


def _identity(fd: int) -> tuple[int, int] | None:
    try:
        status = os.fstat(fd)
    except OSError:
        return None
    return status.st_dev, status.st_ino


class Decoder:
    """Takes the stream in pieces of any size, gives whole messages."""

    def __init__(self, longest: int = LONGEST) -> None:
        self._longest = longest
        self._rest = bytearray()
        self._dropping = False
        self.foreign_lines = 0
        """Lines that were no message: a test wrote into the pipe."""

    def feed(self, data: bytes) -> list[Message]:
        first, newline, rest = data.partition(b"\n")
        if not newline:
            self._keep(data)
            return []
        whole, _, tail = rest.rpartition(b"\n")
        # A flood of lines that are no messages is sorted out without a look at each.
        lines = [self._first_line(first), *(whole.split(b"\n") if b"\t" in whole else ())]
        messages = [message for line in lines if (message := _decode(line)) is not None]
        self.foreign_lines += data.count(b"\n") - len(messages)
        self._keep(tail)
        return messages

    def _first_line(self, end: bytes) -> bytes:
        """The line that `end` ends; nothing of a line that was too long."""
        self._keep(end)
        line = b"" if self._dropping else bytes(self._rest)
        self._rest, self._dropping = bytearray(), False
        return line

    def _keep(self, piece: bytes) -> None:
        if self._dropping or len(self._rest) + len(piece) > self._longest:
            self._rest, self._dropping = bytearray(), True
        else:
            self._rest += piece

    @property
    def torn(self) -> int:
        """Bytes of a last message that never came whole, as far as they were kept."""
        return len(self._rest)


def _decode(line: bytes) -> Message | None:
    name, _, text = line.partition(b"\t")
    cls = _CLASSES.get(name)
    if cls is None:
        return None
    try:
        fields = json.loads(text)
        if cls is PhaseStarted:
            return PhaseStarted(Phase(fields["phase"]))
        if cls is ReportMade:
            return _decode_report(fields)
        message = cls(**fields)
    # RecursionError: brackets without end.
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    typed = all(isinstance(getattr(message, name), _TYPES[kind]) for name, kind in _FIELDS[cls])
    return message if typed else None


def _decode_report(fields: dict[str, Any]) -> ReportMade | None:
    pairs = tuple((str(kind), str(text)) for kind, text in fields["exceptions"])
    report = fields["report"]
    return ReportMade(report, pairs, str(fields["elsewhere"])) if isinstance(report, dict) else None
