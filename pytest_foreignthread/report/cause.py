"""The phrases about what ended a test, and where, that its headline and its summary are made of."""

from __future__ import annotations

import re

from ..model.outcomes import Outcome
from ..model.records import RunRecord
from ..model.roles import is_java_born, is_native_born, is_python_born
from ..model.stacks import FatalError, Thread
from ..model.wording import called, frame_words, native_words

# HotSpot's notations: `C  [libc.so.6+0x1]  memcpy+0x2`, `j  a.B.c()V+0`, `J 7 c2 a.B.c()V (9 bytes) @ 0x1`.
_NATIVE = re.compile(r"[CVv]\s+\[([^\]]+)\]\s*(.*?)(?:\+0x[0-9a-f]+)?")
_JAVA = re.compile(r"(?:j|J\s+\d+%?(?:\s+c\d)?)\s+([^(\s]+)\(.*")
_ADDRESS = re.compile(r"0x[0-9a-f]{1,16}")
_NO_ADDRESS = "address unknown (no memory can have it)"
SENT = "sent by kill() or raise()"
_FIRST_PAGE = 4096
"""Size of the page at address 0, in bytes. It is never mapped: an access there goes through a null pointer."""
_GUARD = 65536
"""Bytes on both sides of a stack's low end, where the guard pages are: a stack that is full faults there."""


def fatal_words(record: RunRecord) -> list[str]:
    fatal = record.evidence.fatal_error
    if fatal is not None and not fatal.held:
        # HotSpot calls abort() after any fatal error, so faulthandler's line says "Aborted" and not what happened.
        return [fatal.message] if fatal.signal is None else []
    last = record.evidence.jni[-1] if record.evidence.jni else None
    if last is not None and last.fatal and record.signal == "SIGABRT":
        # HotSpot aborts then, without an error log.
        return [f"FATAL ERROR in native method: {last.text}"]
    return [record.evidence.fatal_python_error] if record.evidence.fatal_python_error else []


def on_thread(record: RunRecord) -> str:
    thread = record.evidence.current_thread
    # A null result is shown with its traceback, which may be of any thread: the current thread proves nothing.
    if thread is None or thread.name is None or record.outcome is Outcome.NULL_RESULT:
        return ""
    return f" on {_kind(thread)}thread {called(thread)}"


def _kind(thread: Thread) -> str:
    if is_native_born(thread):
        return "native "
    return "Java " if is_java_born(thread) else "Python " if is_python_born(thread) else ""


def place(record: RunRecord) -> str:
    fatal, thread = record.evidence.fatal_error, record.evidence.current_thread
    if fatal is not None and fatal.problematic_frame is not None:
        return _function(fatal.problematic_frame, thread)
    if thread is not None and thread.python_frames:
        return frame_words(thread.python_frames[0])
    return record.phase.value


def _function(problematic_frame: str, thread: Thread | None) -> str:
    if native := _NATIVE.fullmatch(problematic_frame):
        return native[2] or _named_by_pystack(native[1], thread) or native[1]
    java = _JAVA.fullmatch(problematic_frame)
    return problematic_frame if java is None else java[1]


def _named_by_pystack(where: str, thread: Thread | None) -> str | None:
    """Return the innermost C function that pystack found; None if it is not of the library that HotSpot names.

    HotSpot often knows the library and not the function. The check of the library guards against frames of another
    moment.
    """
    frame = thread.native_frames[0] if thread is not None and thread.native_frames else None
    library = where.partition("+")[0]
    return native_words(frame) if frame is not None and frame.function and frame.library == library else None


def address_words(fatal: FatalError) -> str | None:
    """Return the address of the fault and what the address means; None if no address is known."""
    if (number := _address(fatal)) is None:
        return _NO_ADDRESS if fatal.registers else None
    meaning = _meaning(fatal, number)
    return f"address {hex(number) if number else 0}" + (f" ({meaning})" if meaning else "")


def fault_words(record: RunRecord) -> str:
    """Return the address of a fault, to be put after the function; empty if the address has no meaning to a reader."""
    if (fatal := record.evidence.fatal_error) is None:
        return ""
    if fatal.sent:
        return f", {SENT}"
    number = _address(fatal)
    has_meaning = fatal.registers if number is None else _meaning(fatal, number)
    return f", {address_words(fatal)}" if has_meaning else ""


def _address(fatal: FatalError) -> int | None:
    known = fatal.signal is not None and fatal.address is not None and _ADDRESS.fullmatch(fatal.address)
    return int(known[0], 16) if known else None


def _meaning(fatal: FatalError, number: int) -> str:
    """Return what the address of a fault means; empty if the address may be anything."""
    if number < _FIRST_PAGE:
        return f"null pointer, {number} bytes on" if number else "null pointer"
    near_the_end = fatal.stack is not None and fatal.stack[0] - _GUARD <= number < fatal.stack[0] + _GUARD
    return "the end of the thread's stack" if near_the_end else ""


def end(record: RunRecord) -> str:
    if record.signal is not None:
        return f"killed by {record.signal}"
    if record.exit_code is not None:
        return f"exited with status {record.exit_code}"
    return record.message or "its end was not seen"


def no_end(record: RunRecord) -> str:
    return f"timed out after {seconds(record.duration)}"


def seconds(duration: float) -> str:
    return f"{duration:.2f}".rstrip("0").rstrip(".") + " s"
