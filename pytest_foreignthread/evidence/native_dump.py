"""The text that pystack prints of a process → threads with their C and Python frames."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from itertools import dropwhile
from typing import Final

from ..model.stacks import Gil, NativeFrame, NativeThread, PythonFrame

# `Traceback for thread 913 (pool-1-thread-1) [Has the GIL] (most recent call last):`
_THREAD = re.compile(
    r"Traceback for thread (?P<id>[0-9]{1,18}) (?:\((?P<name>.*)\) )?(?:\[(?P<status>[^][]*)\] )?"
    r"\(most recent call last\):"
)
# If the process has several interpreters, the thread's status in each stands below its header.
_INTERPRETER = re.compile(
    r"  (?:Not currently attached to any interpreter|In the main interpreter|In interpreter [0-9]+)"
    r" \[(?P<status>[^]]*)\]"
)
# `    (C) File "x.c", line 5, in f(int) (inlined) (/usr/lib/libx.so)`; source lines and locals stand further right.
_NATIVE_START = '    (C) File "'
_PYTHON = re.compile(r'    \(Python\) File "(?P<file>.*)", line (?P<line>[0-9]{1,9}|-1|None), in (?P<function>.*)')
_UNKNOWN = ("???", "")
_TIMED_WAIT: Final = "pthread_cond_timedwait"


@dataclass
class _Reading:
    """A thread whose lines are being read."""

    id: int
    name: str | None
    gil: Gil | None
    frames: list[PythonFrame | NativeFrame] = field(default_factory=list)

    def thread(self) -> NativeThread:
        return NativeThread(self.id, self.name, self.gil, tuple(reversed(self.frames)))


def parse_native_dump(text: str) -> tuple[NativeThread, ...]:
    """Return the threads that `pystack remote --native-all --no-color` prints, in its order; () for any other text.

    Java's own frames, interpreted or compiled, are C frames without a function. If pystack could not merge the Python
    and C frames of a thread, it prints only the Python ones. A last line without its newline is dropped.
    """
    readings: list[_Reading] = []
    for line in text.split("\n")[:-1]:
        if header := _THREAD.fullmatch(line):
            readings.append(_Reading(int(header["id"]), header["name"], _gil(header["status"])))
        elif readings:
            _read(line, readings[-1])
    threads = tuple(reading.thread() for reading in readings)
    if not any(thread.gil is Gil.HOLDS for thread in threads):
        return threads
    return tuple(replace(thread, gil=thread.gil or _gil_by_frames(thread)) for thread in threads)


def _gil_by_frames(thread: NativeThread) -> Gil | None:
    """Return `Gil.WAITS` if the thread waits for the GIL by its frames, else None.

    pystack tells this by the name `take_gil`, which a stripped Python does not have. CPython's own code waits for a
    condition with a timeout in `take_gil` (Python/ceval_gil.c) and nowhere else, because its locks are semaphores on
    Linux (Python/thread_pthread.h, Python/parking_lot.c).
    """
    frames = dropwhile(lambda frame: not _waits_for_a_time(frame), thread.frames)
    caller = next((frame for frame in frames if not _waits_for_a_time(frame)), None)
    if not isinstance(caller, NativeFrame) or caller.function not in (None, "take_gil"):
        return None
    return Gil.WAITS if caller.is_pythons else None


def _waits_for_a_time(frame: PythonFrame | NativeFrame) -> bool:
    return isinstance(frame, NativeFrame) and (frame.function or "").partition("@")[0] == _TIMED_WAIT


def _read(line: str, reading: _Reading) -> None:
    if (native := _native_frame(line)) is not None:
        reading.frames.append(native)
    elif python := _PYTHON.fullmatch(line):
        number = int(python["line"]) if python["line"].isdecimal() else None
        reading.frames.append(PythonFrame(python["file"], number, python["function"]))
    elif interpreter := _INTERPRETER.fullmatch(line):
        reading.gil = reading.gil or _gil(interpreter["status"])


def _native_frame(line: str) -> NativeFrame | None:
    """Return the C frame of a line; None for any other line. By hand, as a pattern would take cubic time."""
    _, _, rest = line.partition('", line ')
    number, _, rest = rest.partition(", in ")
    if not (line.startswith(_NATIVE_START) and number.isdecimal() and rest.endswith(")")):
        return None
    # A path may have parentheses, and so may a function; what else stands for a library has none.
    place = rest.find(" (/")
    place = rest.rfind(" (") if place < 0 else place
    function, library = rest[:place].removesuffix(" (inlined)"), rest[place + 2 : -1]
    if place < 0 or (not library.startswith("/") and not {"(", ")"}.isdisjoint(library)):
        return None
    return NativeFrame(_known(library.rpartition("/")[2]), _known(function), "")


def _known(name: str) -> str | None:
    return None if name in _UNKNOWN else name


def _gil(status: str | None) -> Gil | None:
    words = (status or "").split(",")
    if "Has the GIL" in words:
        return Gil.HOLDS
    return Gil.WAITS if "Waiting for the GIL" in words else None
