"""What the kernel shows of a crash in a child without a JVM → the same data as an hs_err file has."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import dropwhile, takewhile

from ..model.stacks import FatalError, NativeFrame, NativeThread, PythonFrame
from .signal_frames import before_the_signal

_LINE = re.compile(r"(signal|thread|address|registers|stack|main stack|library|sent): (.*)")
# The functions of glibc that a call of abort() or raise() leaves on top of the stack.
_RAISES = re.compile(r"_*(?:GI_)?(?:pthread_kill.*|raise|gsignal|abort)")
_SIGNAL = re.compile(r"SIG[A-Z]{2,5}")
_NUMBER = re.compile(r"[0-9]{1,9}")
_BYTES = re.compile(r"[0-9]{1,15}")
_MOST_REGISTERS = 32
_ADDRESS = re.compile(r"0x[0-9a-f]{1,16}")


def parse_held_crash(text: str, native: Sequence[NativeThread]) -> FatalError | None:
    """Return the crash that a document describes, with the C frames that pystack saw; None for any other text."""
    # The last line is dropped if it has no newline: it may be torn.
    values: dict[str, list[str]] = {}
    for line in text.split("\n")[:-1]:
        if found := _LINE.fullmatch(line):
            values.setdefault(found[1], []).append(found[2])
    name, thread = _first(values, "signal"), _first(values, "thread")
    if not _SIGNAL.fullmatch(name) or not _NUMBER.fullmatch(thread):
        return None
    frames = _frames(native, int(thread))
    address = _first(values, "address")
    aborts = _aborts(native, int(thread))
    if aborts:
        # The handler of SIGABRT may crash as well, by another signal.
        name, address = "SIGABRT", ""
    registers = _registers(_first(values, "registers").split())
    if registers:
        address = ""
    return FatalError(
        signal=name,
        address=f"{int(address, 16):#018x}" if _ADDRESS.fullmatch(address) else None,
        problematic_frame=_in_hotspots_notation(frames[0]) if frames else None,
        message="",
        jvm=None,
        native_id=int(thread),
        thread=None,
        stack=_stack(_first(values, "stack").split()),
        native_frames=frames,
        java_frames=(),
        library_path=_path(frames, values.get("library", [])),
        main_stack=_number(_first(values, "main stack")),
        registers=registers,
        held=True,
        sent=not aborts and _first(values, "sent") == "yes",
    )


def _first(values: dict[str, list[str]], name: str) -> str:
    return values.get(name, [""])[0]


def _number(text: str) -> int | None:
    return int(text) if _BYTES.fullmatch(text) else None


def _registers(words: Sequence[str]) -> tuple[int, ...]:
    return tuple(int(word, 16) for word in words[:_MOST_REGISTERS] if _ADDRESS.fullmatch(word))


def _stack(words: Sequence[str]) -> tuple[int, int] | None:
    if len(words) != 2 or not all(map(_ADDRESS.fullmatch, words)):
        return None
    return int(words[0], 16), int(words[1], 16)


def _frames(native: Sequence[NativeThread], thread: int) -> tuple[NativeFrame, ...]:
    """Return the thread's C frames that are newer than all its Python frames."""
    crashed = next((one for one in native if one.native_id == thread), None)
    newest = takewhile(_is_c, () if crashed is None else before_the_signal(crashed.frames))
    # A reader wants the caller of abort(), not abort() itself.
    callers = dropwhile(lambda frame: _RAISES.fullmatch(frame.function or "") is not None, newest)
    return tuple(frame for frame in callers if isinstance(frame, NativeFrame))


def _aborts(native: Sequence[NativeThread], thread: int) -> bool:
    crashed = next((one for one in native if one.native_id == thread), None)
    newest = takewhile(_is_c, () if crashed is None else before_the_signal(crashed.frames))
    raising = takewhile(lambda frame: _RAISES.fullmatch(frame.function or "") is not None, newest)
    return any(frame.function == "abort" for frame in raising)


def _is_c(frame: PythonFrame | NativeFrame) -> bool:
    return isinstance(frame, NativeFrame)


def _in_hotspots_notation(frame: NativeFrame) -> str:
    return f"C  [{frame.library or '?'}]  {frame.function or ''}".rstrip()


def _path(frames: Sequence[NativeFrame], libraries: Sequence[str]) -> str | None:
    library = frames[0].library if frames else None
    return next((path for path in libraries if library is not None and path.endswith(f"/{library}")), None)
