"""Causes of a death that a checker names: HotSpot's of calls of JNI, and CPython's of its memory."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from ..evidence.jni_checks import is_of_checker
from ..evidence.memory_block import OF_BLOCK, parse_memory_block, what_of
from ..model.observation import Exited
from ..model.outcomes import Outcome
from ..model.records import Diagnosis
from ..model.wording import called, frame_words
from .case import Case

# CPython's Objects/obmalloc.c: PYMEM_DEADBYTE, PYMEM_CLEANBYTE, PYMEM_FORBIDDENBYTE.
_FILLED: Final[Mapping[int, str]] = {
    0xDD: "that was freed",
    0xCD: "to which nothing had been written",
    0xFD: "beyond the end of a block",
}
_NEAR: Final = 4096
"""The distance of a field from the start of what a pointer points to, at most."""
# glibc's malloc/malloc.c, malloc_printerr(), and debug/fortify_fail.c.
_GLIBC: Final = re.compile(
    r"^(?:[a-z_]{0,30}(?:alloc|free|chunk|consolidate|shutdown)\(\): [ -~]{1,100}"
    r"|(?:double free or corruption|corrupted (?:size vs\. prev_size|double-linked list|unsorted chunks))[ -~]{0,60}"
    r"|\*\*\* (?:stack smashing|buffer overflow) detected \*\*\*[ -~]{0,100})$",
    re.MULTILINE,
)
_HELP: Final = (
    "the fault was made before it was found, by C code or ctypes: look for a write beyond a buffer of that size, a "
    "reference count that C code lowers once too often, a pointer that is kept longer than its object; "
    "PYTHONTRACEMALLOC=10 in the environment tells where a broken block was allocated"
)


def jni_misuse(case: Case) -> Diagnosis | None:
    """Find HotSpot's own word that a call of JNI broke a rule, for which it ended the process by abort().

    It aborts at once, so the word is the last that it says of the thread that ended the process.
    """
    last = case.evidence.jni[-1] if case.evidence.jni else None
    if case.signal != "SIGABRT" or last is None or not is_of_checker(last):
        return None
    thread = case.thread
    known = None if thread is None else thread.native_id
    if known is not None and last.native_id is not None and known != last.native_id:
        return None
    who = called(thread) if thread is not None else "a thread"
    return Diagnosis(
        "jni-misuse",
        f"{who} called JNI against its rules: {last.text}",
        "look at the C code, or the calls of JNI by ctypes, in the newest line of your own code: a JNIEnv and local "
        "references belong to one thread and one call; keep NewGlobalRef of what lives longer, and look for a pending "
        "exception (ExceptionCheck) after each call that may throw",
        (
            f"HotSpot's checker (-Xcheck:jni) said: {last.text}",
            *(f"the call was in {frame_words(frame)}" for frame in last.frames[:1]),
        ),
    )


def memory_misuse(case: Case) -> Diagnosis | None:
    """Return the diagnosis of a misused block of memory; None if nothing reports one.

    CPython's debug hooks of memory (`PYTHONMALLOC=debug`) report such a block, and so does glibc.
    Another process of the test may write to the same stderr: a child that exited has not died of the block.
    """
    if isinstance(case.observation.end, Exited) and case.evidence.fatal_error is None:
        return None
    return _broken_block(case) or _pointer_from_memory(case) or _broken_heap(case)


def _broken_block(case: Case) -> Diagnosis | None:
    """Find the block that the hooks have described before the process died.

    Proof is Python's fatal error about a block; or, because the description of a freed block may crash itself, a
    description at the very end of stderr.
    """
    block = parse_memory_block(case.evidence.stderr)
    head = case.evidence.fatal_python_error or ""
    error = next((text for text in (head, block.error if block is not None else "") if OF_BLOCK.search(text)), "")
    if block is None or (not error and not block.is_last):
        return _unseen_block(case, error)
    what = block.what(error)
    return Diagnosis(
        "memory-misuse",
        f"a block of Python's memory {what}",
        _HELP,
        (
            *([error] if error else []),
            f"the block: {block.words}",
            *([f"it was allocated in {block.allocated}"] if block.allocated else []),
        ),
    )


def _unseen_block(case: Case, error: str) -> Diagnosis | None:
    """Return the diagnosis of a block whose description the captured stderr does not have."""
    if not error:
        return None
    return Diagnosis("memory-misuse", f"a block of Python's memory {what_of(error)}", _HELP, (error,))


def _pointer_from_memory(case: Case) -> Diagnosis | None:
    """Find a fault by a pointer that has the bytes with which the hooks fill memory that is not in use.

    Proof is that the kernel names no address of the fault, as for a pointer that no memory can have, and that a
    register has the bytes; and that the hooks were on, because the bytes mean something only then.
    """
    fatal = case.evidence.fatal_error
    if fatal is None or case.outcome is not Outcome.SEGFAULT or not case.debugs_memory:
        return None
    for byte, meaning in _FILLED.items():
        filled = int.from_bytes(bytes([byte]) * 8, "big")
        if any(abs(value - filled) <= _NEAR for value in fatal.registers):
            return Diagnosis(
                "memory-misuse",
                f"a pointer was used that was read from memory {meaning}",
                _HELP,
                (
                    f"a register has {filled:#x}: PYTHONMALLOC=debug fills memory {meaning} with {byte:#x}",
                    "the kernel names no address of the fault: no memory can have that one",
                ),
            )
    return None


def _broken_heap(case: Case) -> Diagnosis | None:
    """Find glibc's own word that a block of malloc(), or a buffer, is broken, for which it called abort()."""
    found = _GLIBC.findall(case.evidence.stderr) if case.signal == "SIGABRT" else []
    if not found:
        return None
    smashed = found[-1].startswith("***")
    return Diagnosis(
        "memory-misuse",
        "C code wrote beyond the end of a buffer" if smashed else "a block of malloc() was freed twice, or overwritten",
        "the fault was made before it was found, by C code or ctypes: look for a buffer that is too small, memory that "
        "two owners free, a pointer that is kept longer than its block; valgrind, or the library built with "
        "-fsanitize=address, names the place",
        (f"glibc said: {found[-1]}",),
    )
