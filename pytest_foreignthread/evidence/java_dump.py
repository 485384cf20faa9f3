"""HotSpot's thread dump, which `threaddump -l` and SIGQUIT print → threads."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from ..model.stacks import JavaFrame, JavaThread

# JDK 17: `"main" #1 prio=5 … tid=0x… nid=0x2d1 …`; 21 on: `"main" #3 [913] prio=5 … tid=0x… nid=913 …`, without `nid=`
# if the thread carries a virtual one. `tid=` is required: the list of deadlocks at the end names threads without it.
_THREAD = re.compile(
    r'"(?P<name>.*)" (?P<number>#[0-9]+ )?(?:\[(?P<id>[0-9]{1,18})\] )?(?P<daemon>daemon )?[^"]*\btid=0x[0-9a-f]+'
    r"(?: +nid=(?P<nid>0x[0-9a-f]{1,16}|[0-9]{1,18})(?![0-9a-z]))?.*"
)
_STATE = re.compile(r"\s+(?:java\.lang\.Thread\.State: (.*)|(Carrying virtual thread #[0-9]+))")
_MOUNTED = re.compile(r"\s+Mounted (virtual thread #[0-9]+)")
_FRAME = re.compile(r"\s+at (?P<function>.+)\((?P<place>[^()]*)\)")
_LOCK = re.compile(r"\s+(- .*<.*)")
# The module stands before the class in a stack trace, and before the file in a thread dump.
_MODULE = re.compile(r"[^@()]*@[^/()]*/|[\w.$-]+//")
_LINE = re.compile(r"(?P<file>.+?)(?::(?P<line>[0-9]{1,9}))?")
_NATIVE = "Native Method"
_UNKNOWN = (_NATIVE, "Unknown Source", "")
# A link in the result of HotSpot's own search for deadlocks. Only this list has the owner of a monitor that JNI code
# holds (`jpype.synchronized`): the frames of the owner do not show it as locked.
_BLOCKED = re.compile(
    r'^"(?P<name>.*)":\n'
    r"  waiting (?:to lock monitor 0x[0-9a-f]+ \(object|for ownable synchronizer) "
    r"(?P<object>0x[0-9a-f]+), \(?a (?P<of>[^()\n]*)\)?,?\n"
    r'  (?:in JNI, )?which is held by "(?P<owner>.*)"$',
    re.MULTILINE,
)


@dataclass(frozen=True)
class Blocked:
    """A link of a deadlock that HotSpot found: the thread `name` waits for an object that the thread `owner` holds."""

    name: str
    object: str
    of: str
    """The object's class."""
    owner: str


def parse_deadlocks(text: str) -> tuple[Blocked, ...]:
    """Return the links of the deadlocks that HotSpot lists at the end of a dump; () for any other text."""
    found = _BLOCKED.finditer(text)
    return tuple(
        dict.fromkeys(Blocked(link["name"], link["object"], link["of"].rstrip("),"), link["owner"]) for link in found)
    )


@dataclass
class _Reading:
    """A thread whose lines are read at the moment."""

    name: str
    native_id: int | None
    daemon: bool | None = None
    state: str | None = None
    frames: list[JavaFrame] = field(default_factory=list)
    locks: list[str] = field(default_factory=list)

    def thread(self) -> JavaThread:
        return JavaThread(
            self.name, self.native_id, False, self.state, tuple(self.frames), tuple(self.locks), self.daemon
        )


def parse_thread_dump(text: str) -> tuple[JavaThread, ...]:
    """Return the threads of a dump of JDK 17 to 25 in the dump's order, HotSpot's own included; () for any other text.

    `locks` has the lines on monitors in the order of the frames, then the synchronizers that the thread owns, as
    `- <0x…> (a X)`. A mounted virtual thread comes after the thread that carries it and is named `virtual thread #30`.
    """
    # The last line is dropped if it has no newline: it may be torn.
    return tuple(reading.thread() for reading in _readings(text.split("\n")[:-1]))


def _readings(lines: list[str]) -> Iterator[_Reading]:
    reading: _Reading | None = None
    for line in lines:
        if header := _THREAD.fullmatch(line):
            if reading is not None:
                yield reading
            reading = _Reading(header["name"], _native_id(header), _daemon(header))
        elif reading is not None and (mounted := _MOUNTED.match(line)):
            yield reading
            reading = _Reading(mounted[1], None)
        elif reading is not None and line[:1].strip():
            yield reading
            reading = None
        elif reading is not None:
            _read(line, reading)
    if reading is not None:
        yield reading


def _native_id(header: re.Match[str]) -> int | None:
    number = header["id"] or header["nid"]
    return None if number is None else int(number, 16 if number.startswith("0x") else 10)


def _daemon(header: re.Match[str]) -> bool | None:
    """Return None of HotSpot's own threads, which have no number."""
    return None if header["number"] is None else header["daemon"] is not None


def _read(line: str, reading: _Reading) -> None:
    if frame := _FRAME.fullmatch(line):
        reading.frames.append(_java_frame(frame))
    elif lock := _LOCK.fullmatch(line):
        reading.locks.append(lock[1])
    elif (state := _STATE.fullmatch(line)) and reading.state is None:
        reading.state = state[1] or state[2]


def java_frame(line: str) -> JavaFrame | None:
    """Return the frame in a line of a stack; None for any other line."""
    return None if (frame := _FRAME.fullmatch(line)) is None else _java_frame(frame)


def _java_frame(frame: re.Match[str]) -> JavaFrame:
    module = _MODULE.match(frame["function"])
    function = frame["function"][module.end() :] if module else frame["function"]
    place = frame["place"].rpartition("/")[2]
    found = _LINE.fullmatch(place)
    if place in _UNKNOWN or found is None:
        return JavaFrame(function, None, None, native=place == _NATIVE)
    return JavaFrame(function, found["file"], None if found["line"] is None else int(found["line"]))
