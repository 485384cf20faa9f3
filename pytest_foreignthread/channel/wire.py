"""Messages from a child to the pytest process: bytes ↔ data.

A message is one line: the name of its class, a tab, its fields as JSON, a newline. JSON text has no raw newline. So the
reader finds the next message wherever the stream was cut, and bytes that a test writes into the pipe damage one line.

The child's side binds functions of `os` and `json` by name when it is imported, here and in other modules. A test may
replace `os.getpid` or `json.dumps` in their modules, and monkeypatch restores them only in the teardown, after the
report of the body was sent.

A line that is no message is counted and dropped. Whether a message is accepted, `expected_messages` decides.
"""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Iterable, Iterator, Mapping
from json import dumps, loads
from os import getpid, write
from typing import Any, Final

from ..model.choices import MESSAGE_LIMIT
from ..model.observation import (
    DebuggerEntered,
    DebuggerLeft,
    Elsewhere,
    Finished,
    Holder,
    InternalError,
    JvmAdopted,
    JvmFailed,
    JvmStarted,
    Kept,
    Left,
    Message,
    NotServed,
    PhasePassed,
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
from .descriptor import Descriptor

_CLASSES: Final[Mapping[bytes, type[Message]]] = {
    cls.__name__.encode(): cls
    for cls in (
        *(PhaseStarted, PhasePassed, ThreadNamed, ReportMade, WarningRecorded, UncaughtException, InternalError),
        *(
            SessionStopped,
            JvmFailed,
            JvmStarted,
            JvmAdopted,
            NotServed,
            DebuggerEntered,
            DebuggerLeft,
            Tried,
            Left,
            TestEnded,
            Finished,
        ),
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

_PHASE_STARTS: Final[Mapping[Phase, bytes]] = {
    phase: f"{PhaseStarted.__name__}\t{dumps({'phase': phase.value})}\n".encode() for phase in Phase
}
"""The line of each start of a phase, of which each test sends three."""

DEEPEST: Final = 100
"""The depth of nested lists and objects in a message: a deeper one would break code that walks it by recursion."""

# Bytes that a message, and a value in it, take in this process's memory in addition to their text. Without them a child
# could send `[[],[],...` and take many times the limit.
_PER_MESSAGE: Final = 1024
_PER_VALUE: Final = 96
# Bytes: up to this size an estimate is good enough that counts the separators in strings as well.
_SMALL: Final = 65536
_PIECE: Final = 1024 * 1024


def encode(message: Message) -> bytes:
    """Return a message as a line of bytes; raise TypeError if a report has a value that JSON cannot represent."""
    if isinstance(message, PhasePassed):
        return f"{PhasePassed.__name__}\t{dumps(message.report)}\n".encode()
    if isinstance(message, PhaseStarted):
        return _PHASE_STARTS[message.phase]
    fields = {name: _plain(value) for name, value in vars(message).items()}
    return f"{type(message).__name__}\t{dumps(fields)}\n".encode()


def encode_report(report: str, exceptions: tuple[tuple[str, str], ...], elsewhere: Elsewhere | None) -> bytes:
    """Return a `ReportMade` as a line of bytes; `report` is JSON text already."""
    rest = dumps({"exceptions": exceptions, "elsewhere": _plain(elsewhere)})
    return f'{ReportMade.__name__}\t{{"report": {report}, {rest[1:]}\n'.encode()


def _plain(value: Any) -> Any:
    return [value.holder.value, value.kept.value, value.what] if isinstance(value, Elsewhere) else value


class Sender:
    """The child's end of the pipe of messages.

    When `send` returns, the message has left the process, because the child may crash in its next line; only a message
    that is sent with `soon` waits for the next one. Threads may share a sender. In a process that the test forks,
    `send` does nothing: the pytest process would take the messages for the test's.
    """

    def __init__(self, fd: int, owner_pid: int) -> None:
        self._descriptor = Descriptor(fd)
        self._owner_pid = owner_pid
        self._lock = threading.Lock()
        self._torn = False
        self._kept_back = b""
        self.broken = False
        """Whether the pipe is gone: the test closed it, or the pytest process died. Later messages are dropped."""

    def fileno(self) -> int:
        return self._descriptor.number

    @property
    def stands(self) -> bool:
        """Whether messages still reach the pipe."""
        return not self.broken and self._descriptor.stands

    def send(self, message: Message, *, soon: bool = False) -> None:
        """Send a message; do nothing if the pipe is gone. Raise TypeError if JSON cannot represent the message.

        With `soon` the message leaves in one write with the next one, which saves time: each write wakes the pytest
        process. A crash before the next message loses this one.
        """
        self._send(encode(message), soon)

    def send_report(
        self, report: str, exceptions: tuple[tuple[str, str], ...], elsewhere: Elsewhere | None, *, soon: bool = False
    ) -> None:
        """Send a `ReportMade` whose `report` is JSON text already; `soon` is that of `send`."""
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
                # A test may have closed the descriptor and opened a file of its own, which then has its number.
                if self.stands:
                    self._write(data)
                else:
                    self.broken = True
            except OSError:
                self.broken = True

    def _write(self, data: bytes) -> None:
        # An exception of a signal handler may have cut the last message. End its line, or this message would be part of
        # that line and be lost too.
        view = memoryview(b"\n" + data if self._torn else data)
        self._torn = True
        while view:
            try:
                view = view[write(self._descriptor.number, view) :]
            except BlockingIOError:
                self._descriptor.set_blocking()
        self._torn = False


class Decoder:
    """Turns a stream, in pieces of any size, into complete messages, up to a limit of memory."""

    def __init__(self, limit: int = MESSAGE_LIMIT) -> None:
        """`limit` is the number of bytes that the messages of one test may take in this process's memory, about."""
        self._limit = limit
        self._rest = bytearray()
        self._taken = 0
        self.exceeded = False
        """Whether the messages take more than the limit; everything that comes later is dropped unread."""
        self.foreign_lines = 0
        """The number of lines of the current test that are no message, because the test wrote into the pipe."""

    def begin(self) -> None:
        """Start to count for the next test."""
        self._taken = len(self._rest)
        self.foreign_lines = 0

    def feed(self, data: bytes) -> list[Message]:
        """Return the messages that `data` completes."""
        if self._exceeds(len(data)):
            return []
        first, newline, rest = data.partition(b"\n")
        self._rest += first
        if not newline:
            return []
        line, self._rest = bytes(self._rest), bytearray()
        whole, _, tail = rest.rpartition(b"\n")
        # A message has a tab. A flood of lines without one is dropped as a whole, without a look at each line.
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
                # A line that is no message takes no memory any more.
                self._taken = before

    def _exceeds(self, size: int) -> bool:
        self._taken += size
        if self._taken > self._limit:
            self._rest, self.exceeded = bytearray(), True
        return self.exceeded

    @property
    def torn(self) -> int:
        """The number of bytes of a last message that is incomplete."""
        return len(self._rest)


def _values_in(text: bytes) -> int:
    """Return about how many values the JSON text has."""
    # Counted before json.loads(), which would take the memory that this guards.
    count = _separators(text)
    return count if count * _PER_VALUE <= _SMALL else sum(map(_separators, _outside_strings(text)))


def _separators(text: bytes) -> int:
    return text.count(b",") + text.count(b"[") + text.count(b"{")


def _outside_strings(text: bytes) -> Iterator[bytes]:
    """Yield the parts of a JSON text that are in no string, piece by piece: all at once would take much memory."""
    text = text.replace(b"\\\\", b"").replace(b'\\"', b"")
    quotes = 0
    for start in range(0, len(text), _PIECE):
        parts = text[start : start + _PIECE].split(b'"')
        yield b" ".join(parts[quotes % 2 :: 2])
        quotes += len(parts) - 1


def too_deep(value: object) -> bool:
    """Return whether lists and objects are nested deeper than `DEEPEST`."""
    # Level by level: recursion would fail in the case that this is to find.
    level = [value]
    for _ in range(DEEPEST):
        # Each object once per level: an object that contains itself twice, which only a child can have, would double
        # the level each time.
        level = list({id(inner): inner for outer in level for inner in _inside(outer)}.values())
        if not level:
            return False
    return True


def _inside(value: object) -> Iterable[object]:
    found = value.values() if isinstance(value, dict) else value if isinstance(value, (list, tuple)) else ()
    return [one for one in found if isinstance(one, (dict, list, tuple))]


def _decode(cls: type[Message], text: bytes) -> Message | None:
    try:
        # The form that json.loads() would find out from bytes, at a cost.
        fields = loads(str(text, "utf-8", "surrogatepass"))
        # Few brackets cannot be nested deeply.
        if text.count(b"[") + text.count(b"{") >= DEEPEST and too_deep(fields):
            return None
        if cls is PhaseStarted:
            return PhaseStarted(Phase(fields["phase"]))
        if cls is PhasePassed:
            return PhasePassed(fields) if isinstance(fields, dict) else None
        if cls is ReportMade:
            return _decode_report(**fields)
        message = cls(**fields)
    # json.loads() raises RecursionError for a long row of opening brackets.
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    typed = all(_fits(getattr(message, name), kind) for name, kind in _FIELDS[cls])
    return message if typed else None


def _fits(value: object, kind: str) -> bool:
    return isinstance(value, _TYPES[kind]) and (kind == "bool" or not isinstance(value, bool))


def _decode_report(report: object, exceptions: object, elsewhere: object) -> ReportMade | None:
    if not isinstance(report, dict) or not isinstance(exceptions, list):
        return None
    if not all(isinstance(pair, list) and [*map(type, pair)] == [str, str] for pair in exceptions):
        return None
    return ReportMade(report, tuple((kind, text) for kind, text in exceptions), _decode_elsewhere(elsewhere))


def _decode_elsewhere(value: object) -> Elsewhere | None:
    """Raise ValueError or TypeError for anything but what `_plain` makes."""
    if value is None:
        return None
    if not isinstance(value, list) or [*map(type, value)] != [str, str, str]:
        raise ValueError("expected a holder, where it keeps the value, and what the value is")
    holder, kept, what = value
    return Elsewhere(Holder(holder), Kept(kept), what)
