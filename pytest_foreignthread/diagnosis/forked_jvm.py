"""Cause of a hang: a process that the test forked uses the JVM, which does not work after a fork."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from ..model.records import Diagnosis
from ..model.stacks import ForkedProcess, NativeFrame, NativeThread, PythonFrame
from ..model.wording import frame_words, native_words
from .case import Case

_JVMS: Final = re.compile(r"libjvm\.so")
_MOST_FRAMES: Final = 3


def forked_jvm(case: Case) -> Diagnosis | None:
    """Find a process that was forked after the JVM's start and is inside the JVM.

    A fork copies none of the JVM's threads, so a call that waits for one of them waits forever. That the process exists
    is no proof: a fork that calls no Java works.
    """
    for process in case.evidence.forked:
        for thread in process.threads:
            if _is_in_jvm(thread):
                return _diagnosis(process, thread)
    return None


def _is_in_jvm(thread: NativeThread) -> bool:
    """Return whether a frame of the JVM is newer than all Python frames: Python called the JVM and still waits."""
    above = list(_above_python(thread))
    return len(above) < len(thread.frames) and any(_JVMS.fullmatch(frame.library or "") for frame in above)


def _above_python(thread: NativeThread) -> Iterator[NativeFrame]:
    for frame in thread.frames:
        if isinstance(frame, PythonFrame):
            return
        yield frame


def _diagnosis(process: ForkedProcess, thread: NativeThread) -> Diagnosis:
    called = [frame for frame in thread.frames if isinstance(frame, PythonFrame)][:_MOST_FRAMES]
    inside = next(frame for frame in _above_python(thread) if _JVMS.fullmatch(frame.library or ""))
    return Diagnosis(
        "forked-jvm",
        "a process that was forked after the JVM had started uses the JVM: a fork copies none of its threads, and "
        "what waits for one of them waits for ever",
        "start the process before the JVM, or as a new program: multiprocessing.get_context('spawn'), "
        "subprocess; or let the forked process call no Java",
        (
            f'process {process.pid} ("{process.name}") is a fork with the JVM in its memory and {_count(process)}',
            f"it is in the JVM, in {native_words(inside)}",
            *(f"called by {frame_words(frame)}" for frame in called),
        ),
    )


def _count(process: ForkedProcess) -> str:
    return "1 thread" if process.number == 1 else f"{process.number} threads"
