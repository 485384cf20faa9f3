"""A dump of faulthandler or of `Py_FatalError`, which have the same form → threads."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from ..model.stacks import PythonFrame, PythonThread

# Searched, not matched: a text that the test wrote to stderr without a newline may stand before it in the line.
_FATAL = re.compile(r"Fatal Python error: .*")
_THREAD = re.compile(
    r"(?P<current>Current thread|Thread) 0x(?P<id>[0-9a-f]{1,16})(?: \[(?P<name>.*)\])? \(most recent call first\):"
    r"|Stack \(most recent call first\):"
)
_STACK = re.compile(rf"(?:{_THREAD.pattern})\n(?:  .*\n)+\n?", re.MULTILINE)
_NO_FRAME = "  <no Python frame>"
_FRAME = re.compile(r'  File (?:"(?P<file>.*)"|\?\?\?), line (?P<line>[0-9]{1,9}|\?\?\?) in (?P<function>.*)')


@dataclass(frozen=True)
class PythonDump:
    """The threads of a dump; `fatal_error` is its line `Fatal Python error: …`, None in a dump that was asked for."""

    fatal_error: str | None
    threads: tuple[PythonThread, ...]


@dataclass
class _Reading:
    """A thread whose lines are read at the moment."""

    id: int
    name: str | None
    current: bool
    frames: list[PythonFrame] = field(default_factory=list)
    whole: bool = False
    """Whether a line follows the thread's header; for a thread without frames it is `<no Python frame>`."""

    def thread(self) -> PythonThread:
        return PythonThread(self.id, self.name, self.current, tuple(self.frames))


@dataclass
class _Dump:
    fatal_error: str | None
    threads: list[_Reading] = field(default_factory=list)

    @property
    def whole(self) -> bool:
        return bool(self.threads) and self.threads[-1].whole


def parse_python_dump(text: str) -> PythonDump:
    """Return the dump in a document of CPython 3.10 to 3.14; an empty one for any other text.

    Of several dumps the last is returned, or the last complete one if the last is torn, but none from before a fatal
    error. A thread below `Stack (most recent call first):` has the id 0. A last line without its newline is dropped.
    """
    lines = text.split("\n")
    dumps = _dumps(_without_left_states(lines[:-1]))
    if dumps and lines[-1]:
        # The document was cut in its last line: the lines of its last thread may be missing as well.
        for reading in dumps[-1].threads[-1:]:
            reading.whole = False
    fatal = max((index for index, dump in enumerate(dumps) if dump.fatal_error is not None), default=0)
    while fatal and _is_torn(dumps[fatal - 1]):
        # faulthandler crashed during its own dump: the first dump says what happened.
        fatal -= 1
        del dumps[fatal].threads[-1:]
    candidates = [dump for dump in dumps[fatal:] if dump.threads]
    chosen = next((dump for dump in reversed(candidates) if dump.whole), candidates[-1] if candidates else None)
    threads = () if chosen is None else tuple(reading.thread() for reading in chosen.threads)
    return PythonDump(dumps[fatal].fatal_error if dumps else None, threads)


def without_stacks(text: str, shown: Collection[int]) -> str:
    """Return the text with a remark in place of the stacks that a fatal error of Python wrote into it.

    `shown` has the ids of the threads whose stacks the report has. Any other thread's stack is the test's own text.
    """
    if (fatal := _FATAL.search(text)) is None:
        return text
    stacks = [found for found in _STACK.finditer(text, fatal.end()) if int(found["id"] or "0", 16) in shown]
    ends = [fatal.end(), *(found.end() for found in stacks)]
    rest = "".join(text[end:begin] for end, begin in zip(ends, [*(f.start() for f in stacks), None], strict=True))
    words = "stack of 1 thread" if len(stacks) == 1 else f"stacks of {len(stacks)} threads"
    return f"{text[: fatal.end()]}{rest.rstrip()}\n({words}: see above)\n" if stacks else text


def _is_torn(dump: _Dump) -> bool:
    return dump.fatal_error is not None and not dump.whole


def _without_left_states(lines: Sequence[str]) -> list[str]:
    """Return the lines without those of a thread that has ended and left its state, if a later thread has its id.

    A greenlet that never ends keeps the state of its thread, and pthreads uses the id of an ended thread again.
    """
    headers = {place: found for place, line in enumerate(lines) if (found := _THREAD.fullmatch(line))}
    frameless = {place for place in headers if lines[place + 1 : place + 2] == [_NO_FRAME]}
    living = {found["id"] for place, found in headers.items() if place not in frameless}
    dropped = set[int]()
    for place in frameless:
        if headers[place]["id"] in living and headers[place]["current"] == "Thread":
            # One empty line with it: within a dump, one stands between two threads.
            dropped.update((place, place + 1, place - 1 if lines[place - 1 : place] == [""] else place + 2))
    return [line for place, line in enumerate(lines) if place not in dropped]


def _dumps(lines: Sequence[str]) -> list[_Dump]:
    dumps: list[_Dump] = []
    reading: _Reading | None = None
    for before, line in zip(["", *lines], lines, strict=False):
        if fatal := _FATAL.search(line):
            dumps.append(_Dump(fatal[0]))
            reading = None
        elif header := _THREAD.fullmatch(line):
            reading = _begin(header)
            if not dumps or _starts_dump(dumps[-1], reading, before):
                dumps.append(_Dump(None))
            dumps[-1].threads.append(reading)
        elif not line.startswith("  "):
            reading = None
        elif reading is not None:
            reading.whole = True
            if frame := _FRAME.fullmatch(line):
                reading.frames.append(_python_frame(frame))
    return dumps


def _begin(header: re.Match[str]) -> _Reading:
    if header["id"] is None:
        return _Reading(0, None, current=True)
    return _Reading(int(header["id"], 16), header["name"], current=header["current"] == "Current thread")


def _starts_dump(dump: _Dump, reading: _Reading, before: str) -> bool:
    """Return whether a thread is the first of a new dump: within a dump, an empty line stands between two threads."""
    return bool(dump.threads) and (before != "" or reading.id in [other.id for other in dump.threads])


def _python_frame(frame: re.Match[str]) -> PythonFrame:
    line = None if frame["line"] == "???" else int(frame["line"])
    return PythonFrame(frame["file"] if frame["file"] is not None else "???", line, frame["function"])
