"""Messages from child to parent: bytes ↔ data.

A message is a line of JSON: the name of its class, a tab, its fields, a newline. JSON text holds no raw newline, so a
reader finds the next message however the stream was cut, and bytes that a test wrote into the pipe cost one line.

The child's side binds functions of `os` and `json` by name when it is imported, here and elsewhere: a test may replace
`os.getpid` or `json.dumps` in their modules, and puts them back in its teardown, after the report of its body is sent.

A line that is no message is counted and dropped. What a message says is not judged here: `expected_messages` does that.
"""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Iterable, Iterator, Mapping
from json import dumps, loads
from os import fstat, getpid, write
from typing import Any, Final

from ..model.choices import MESSAGE_LIMIT
from ..model.observation import (
    DebuggerEntered,
    DebuggerLeft,
    Finished,
    InternalError,
    JvmAdopted,
    JvmFailed,
    Left,
    Message,
    NotServed,
    PhaseStarted,
    ReportMade,
    SessionStopped,
    TestEnded,
    ThreadNamed,
    Tried,
    UncaughtException,
    WarningRecorded,
)
from ..model.outcomes import Phase

_CLASSES: Final[Mapping[bytes, type[Message]]] = {
    cls.__name__.encode(): cls
    for cls in (
        *(PhaseStarted, ThreadNamed, ReportMade, WarningRecorded, UncaughtException, InternalError, SessionStopped),
        *(JvmFailed, JvmAdopted, NotServed, DebuggerEntered, DebuggerLeft, Tried, Left, TestEnded, Finished),
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

DEEPEST: Final = 100
"""Lists and objects inside one another, in a message: a deeper one breaks what walks it by recursion."""

# What a message, and a value in it, take of this process's memory beside their text.
_PER_MESSAGE: Final = 1024
_PER_VALUE: Final = 96
_SMALL: Final = 65536
_PIECE: Final = 1024 * 1024


def encode(message: Message) -> bytes:
    """Raise TypeError when a report holds what JSON does not take."""
    fields = {name: _plain(value) for name, value in vars(message).items()}
    return f"{type(message).__name__}\t{dumps(fields)}\n".encode()


def encode_report(report: str, exceptions: tuple[tuple[str, str], ...], elsewhere: str) -> bytes:
    """Return a `ReportMade` whose report is JSON already."""
    rest = dumps({"exceptions": exceptions, "elsewhere": elsewhere})
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
        if getpid() != self._owner_pid:
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
            view = view[write(self._fd, view) :]
        self._torn = False


def _identity(fd: int) -> tuple[int, int] | None:
    try:
        status = fstat(fd)
    except OSError:
        return None
    return status.st_dev, status.st_ino


class Decoder:
    """Takes the stream in pieces of any size, gives whole messages, and none beyond its limit."""

    def __init__(self, limit: int = MESSAGE_LIMIT) -> None:
        """`limit` is the bytes that the messages of one test may take in this process's memory, about."""
        self._limit = limit
        self._rest = bytearray()
        self._taken = 0
        self.exceeded = False
        """More came than the limit allows; what comes later is dropped unread."""
        self.foreign_lines = 0
        """Lines of the current test that were no message: a test wrote into the pipe."""

    def begin(self) -> None:
        """Count anew, for the next test."""
        self._taken = len(self._rest)
        self.foreign_lines = 0

    def feed(self, data: bytes) -> list[Message]:
        if self._exceeds(len(data)):
            return []
        first, newline, rest = data.partition(b"\n")
        self._rest += first
        if not newline:
            return []
        line, self._rest = bytes(self._rest), bytearray()
        whole, _, tail = rest.rpartition(b"\n")
        # A flood of lines that are no messages is sorted out without a look at each.
        lines = [line, *(whole.split(b"\n") if b"\t" in whole else ())]
        messages = list(self._messages(lines))
        if not self.exceeded:
            self.foreign_lines += data.count(b"\n") - len(messages)
            self._rest += tail
        return messages

    def _messages(self, lines: Iterable[bytes]) -> Iterator[Message]:
        for line in lines:
            name, _, text = line.partition(b"\t")
            if (cls := _CLASSES.get(name)) is None:
                continue
            before, size = self._taken, _PER_MESSAGE + _PER_VALUE * _values_in(text)
            if self._exceeds(size):
                return
            if (message := _decode(cls, text)) is not None:
                yield message
            else:
                # Nothing is kept of it.
                self._taken = before

    def _exceeds(self, size: int) -> bool:
        self._taken += size
        if self._taken > self._limit:
            self._rest, self.exceeded = bytearray(), True
        return self.exceeded

    @property
    def torn(self) -> int:
        """Bytes of a last message that never came whole."""
        return len(self._rest)


def _values_in(text: bytes) -> int:
    """Return about how many values JSON makes of the text."""
    count = _separators(text)
    return count if count * _PER_VALUE <= _SMALL else sum(map(_separators, _outside_strings(text)))


def _separators(text: bytes) -> int:
    return text.count(b",") + text.count(b"[") + text.count(b"{")


def _outside_strings(text: bytes) -> Iterator[bytes]:
    """Yield what is in no string, piece by piece: all parts of a long text at once would take a lot of memory."""
    text = text.replace(b"\\\\", b"").replace(b'\\"', b"")
    quotes = 0
    for start in range(0, len(text), _PIECE):
        parts = text[start : start + _PIECE].split(b'"')
        yield b" ".join(parts[quotes % 2 :: 2])
        quotes += len(parts) - 1


def too_deep(value: object) -> bool:
    """Whether lists and objects stand in one another deeper than a message may have them."""
    level = [value]
    for _ in range(DEEPEST):
        # Once each: in a child, what holds itself twice would be without end.
        level = list({id(inner): inner for outer in level for inner in _inside(outer)}.values())
        if not level:
            return False
    return True


def _inside(value: object) -> Iterable[object]:
    found = value.values() if isinstance(value, dict) else value if isinstance(value, (list, tuple)) else ()
    return [one for one in found if isinstance(one, (dict, list, tuple))]


def _decode(cls: type[Message], text: bytes) -> Message | None:
    try:
        fields = loads(text)
        if too_deep(fields):
            return None
        if cls is PhaseStarted:
            return PhaseStarted(Phase(fields["phase"]))
        if cls is ReportMade:
            return _decode_report(**fields)
        message = cls(**fields)
    # RecursionError: brackets without end.
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    typed = all(_fits(getattr(message, name), kind) for name, kind in _FIELDS[cls])
    return message if typed else None


def _fits(value: object, kind: str) -> bool:
    return isinstance(value, _TYPES[kind]) and (kind == "bool" or not isinstance(value, bool))


def _decode_report(report: object, exceptions: object, elsewhere: object) -> ReportMade | None:
    if not isinstance(report, dict) or not isinstance(exceptions, list) or not isinstance(elsewhere, str):
        return None
    if not all(isinstance(pair, list) and [*map(type, pair)] == [str, str] for pair in exceptions):
        return None
    return ReportMade(report, tuple((kind, text) for kind, text in exceptions), elsewhere)
