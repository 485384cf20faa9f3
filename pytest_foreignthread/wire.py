"""Messages from child to parent: bytes ↔ data.

A message is a line of JSON: the name of its class, a tab, its fields, a newline. JSON text holds no raw newline, so a
reader finds the next message however the stream was cut, and bytes that a test wrote into the pipe cost one line.
"""

from __future__ import annotations

import dataclasses
import json
from typing import Any

from .observation import (
    Finished,
    JvmFailed,
    Message,
    PhaseStarted,
    ReportMade,
    SessionStopped,
    ThreadNamed,
    WarningRecorded,
)
from .outcomes import Phase

_CLASSES: dict[str, type[Message]] = {
    cls.__name__: cls
    for cls in (PhaseStarted, ThreadNamed, ReportMade, WarningRecorded, JvmFailed, SessionStopped, Finished)
}


def encode(message: Message) -> bytes:
    """Raise TypeError when a report holds what JSON does not take."""
    fields = {field.name: _plain(getattr(message, field.name)) for field in dataclasses.fields(message)}
    return f"{type(message).__name__}\t{json.dumps(fields)}\n".encode()


def _plain(value: Any) -> Any:
    return value.value if isinstance(value, Phase) else value


class Decoder:
    """Takes the stream in pieces of any size, gives whole messages."""

    def __init__(self) -> None:
        self._rest = bytearray()
        self.foreign_lines = 0
        """Lines that were no message: a test wrote into the pipe."""

    def feed(self, data: bytes) -> list[Message]:
        self._rest += data
        *lines, rest = self._rest.split(b"\n") if b"\n" in data else [self._rest]
        self._rest = bytearray(rest)
        messages = []
        for line in lines:
            message = _decode(bytes(line))
            if message is None:
                self.foreign_lines += 1
            else:
                messages.append(message)
        return messages

    @property
    def torn(self) -> int:
        """Bytes of a last message that never came whole."""
        return len(self._rest)


def _decode(line: bytes) -> Message | None:
    name, _, text = line.decode("utf-8", "replace").partition("\t")
    try:
        fields = json.loads(text)
        if name == PhaseStarted.__name__:
            return PhaseStarted(Phase(fields["phase"]))
        if name == ReportMade.__name__:
            pairs = tuple((str(kind), str(text)) for kind, text in fields["exceptions"])
            return ReportMade(dict(fields["report"]), pairs)
        return _CLASSES[name](**fields)
    except (ValueError, KeyError, TypeError):
        return None
