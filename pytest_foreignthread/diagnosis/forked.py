"""Causes of a hang in a process that the test forked: it waits for a thread that the fork did not copy."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import takewhile
from typing import Final

from ..evidence.waits import waits_for_lock
from ..model.records import Diagnosis
from ..model.stacks import ForkedProcess, NativeFrame, NativeThread, PythonFrame, Thread
from ..model.wording import called, frame_words, native_words
from .case import Case

_JVMS: Final = re.compile(r"libjvm\.so")
_MOST_FRAMES: Final = 3
_PROCESS_CALLS: Final = re.compile(r"_*(?:wait4|waitpid|waitid)")
_PROCESS_MODULES: Final = re.compile(
    r"[/\\](?:multiprocessing[/\\]\w+|concurrent[/\\]futures[/\\]process|subprocess)\.py"
)


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


def forked_lock(case: Case) -> Diagnosis | None:
    """Find a process that was forked, has one thread, and waits without a timeout for a lock of Python's.

    Only threads of that process could release the lock. Either a thread held the lock at the fork, which copied no
    other thread than the one that forked, or the thread that waits holds the lock itself.

    Such a process is the cause only if a thread of the test waits for a process.
    """
    waiting = next(filter(_waits_for_a_process, case.evidence.threads), None)
    if waiting is None:
        return None
    for process in case.evidence.forked:
        if process.number == 1 and len(process.threads) == 1 and waits_for_lock(process.threads[0].frames):
            return Diagnosis(
                "forked-lock",
                "a process that was forked waits for a lock that nobody can release there: a fork copies the thread "
                "that forks and no other, and each lock in the state that it has then",
                "start the process as a new program: multiprocessing.get_context('spawn') or 'forkserver', subprocess; "
                "or fork while no other thread holds a lock that the process needs",
                (
                    f'process {process.pid} ("{process.name}") is a fork with {_count(process)}',
                    *_callers(process.threads[0], "it waits for a Python lock in"),
                    f"{called(waiting)} waits for a process",
                ),
            )
    return None


def _waits_for_a_process(thread: Thread) -> bool:
    frames = thread.stacks[0] if thread.stacks else ()
    top = takewhile(lambda frame: not isinstance(frame, PythonFrame), frames)
    if any(isinstance(frame, NativeFrame) and _PROCESS_CALLS.fullmatch(frame.function or "") for frame in top):
        return True
    return any(_PROCESS_MODULES.search(frame.file) for frame in thread.python_frames)


def _callers(thread: NativeThread, first: str = "called by") -> Iterator[str]:
    """Yield the Python functions that made the call in which the thread is, the newest first, after these words."""
    frames = [frame for frame in thread.frames if isinstance(frame, PythonFrame)]
    for place, frame in enumerate(frames[:_MOST_FRAMES]):
        yield f"{'called by' if place else first} {frame_words(frame)}"


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
            *_callers(thread),
        ),
    )


def _count(process: ForkedProcess) -> str:
    return "1 thread" if process.number == 1 else f"{process.number} threads"
