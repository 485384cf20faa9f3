"""What the kernel shows of a crash in a child without a JVM → the same data as an hs_err file has."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import dropwhile, takewhile

from ..model.stacks import FatalError, NativeFrame, NativeThread, PythonFrame
from .signal_frames import before_the_signal

_LINE = re.compile(
    r"(signal|thread|also|address|registers|stack|main stack|library|sent|code|code file|code function): (.*)"
)
# The functions of glibc that a call of abort() or raise() leaves on top of the stack.
_RAISES = re.compile(r"_*(?:GI_)?(?:pthread_kill.*|raise|gsignal|abort)")
_SIGNAL = re.compile(r"SIG[A-Z]{2,5}")
_NUMBER = re.compile(r"[0-9]{1,9}")
_BYTES = re.compile(r"[0-9]{1,15}")
_MOST_REGISTERS = 32
_ADDRESS = re.compile(r"0x[0-9a-f]{1,16}")
_PLACE = re.compile(r"(0x[0-9a-f]{1,16}) (.+)")


def with_crashing_code(text: str, native: Sequence[NativeThread]) -> tuple[NativeThread, ...]:
    """Return pystack's threads, with the frame of the code that met the fault if pystack does not print that.

    pystack hides the frames of CPython that it takes for parts of a call: those whose names begin with `_Py`, `PyEval`,
    `PyObject_Call` and the like. So a crash in such a function looks like one in the code that called Python.
    """
    values = _values(text)
    thread, code = _first(values, "thread"), _code(values)
    if code is None or not _NUMBER.fullmatch(thread):
        return tuple(native)
    return tuple(_on_top(one, code) if one.native_id == int(thread) else one for one in native)


def _on_top(thread: NativeThread, code: NativeFrame) -> NativeThread:
    newest = before_the_signal(thread.frames)
    if any(_RAISES.fullmatch(frame.function or "") for frame in newest[:1]):
        # The handler of that signal has crashed, and its frames are among the handlers'.
        return thread
    # Not by its name: pystack also prints the inline functions of a function, which no symbol table has.
    is_shown = any(isinstance(frame, NativeFrame) and frame.library == code.library for frame in newest[:1])
    handlers = thread.frames[: len(thread.frames) - len(newest)]
    return thread if is_shown and code.library else replace(thread, frames=(*handlers, code, *newest))


def _values(text: str) -> dict[str, list[str]]:
    # The last line is dropped if it has no newline: it may be torn.
    values: dict[str, list[str]] = {}
    for line in text.split("\n")[:-1]:
        if found := _LINE.fullmatch(line):
            values.setdefault(found[1], []).append(found[2])
    return values


def _code(values: dict[str, list[str]]) -> NativeFrame | None:
    """Return the frame of the code at the program counter of the fault; None if the kernel's frame was not found."""
    counter = _first(values, "code")
    if not _ADDRESS.fullmatch(counter):
        return None
    file, function = (_PLACE.fullmatch(_first(values, f"code {name}")) for name in ("file", "function"))
    if file is None:
        return NativeFrame(None, None, counter)
    offset, name = (file[1], None) if function is None else function.groups()
    return NativeFrame(file[2].rpartition("/")[2], name, f"+{offset}")


def parse_held_crash(text: str, native: Sequence[NativeThread]) -> FatalError | None:
    """Return the crash that a document describes; None for any other text.

    `native` has pystack's threads, as `with_crashing_code` returns them. The C frames are the crashing thread's. There
    are none of a fault if nothing tells which code met it: the newest frame that pystack prints need not be of it.
    """
    values = _values(text)
    name, thread = _first(values, "signal"), _first(values, "thread")
    if not _SIGNAL.fullmatch(name) or not _NUMBER.fullmatch(thread):
        return None
    frames = _frames(native, int(thread))
    address, code = _first(values, "address"), _code(values)
    aborts, sent = _aborts(native, int(thread)), _first(values, "sent") == "yes"
    if not aborts and not sent:
        is_of_code = code is not None and frames and frames[0].library == code.library
        frames = frames if is_of_code else () if code is None else (code,)
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
        library_path=_path(frames, [*values.get("code file", []), *values.get("library", [])]),
        main_stack=_number(_first(values, "main stack")),
        registers=registers,
        held=True,
        also=tuple(int(one) for one in values.get("also", []) if _NUMBER.fullmatch(one)),
        sent=sent and not aborts,
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
    if frame.library is None and frame.function is None:
        return f"C  {frame.offset}".rstrip()
    if frame.function is None:
        return f"C  [{frame.library}{frame.offset}]"
    return f"C  [{frame.library or '?'}]  {frame.function}{frame.offset}"


def _path(frames: Sequence[NativeFrame], places: Sequence[str]) -> str | None:
    """Return the path of the library of the newest frame; `places` have paths, with an offset before it or not."""
    library = frames[0].library if frames else None
    paths = (place[place.find("/") :] for place in places)
    return next((path for path in paths if library is not None and path.endswith(f"/{library}")), None)
