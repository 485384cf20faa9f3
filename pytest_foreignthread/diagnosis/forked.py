"""Causes of a hang in a process that the test forked: it waits for a thread that the fork did not copy."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
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
_PROCESS_MODULES: Final = re.compile(r"[/\\](?:multiprocessing[/\\]\w+|concurrent[/\\]futures[/\\]process)\.py")
_SUBPROCESS: Final = re.compile(r"[/\\]subprocess\.py")
_WAIT4: Final = (61, 260)
"""The number of the system call on x86-64 and on aarch64."""
_WAITID: Final = (247, 95)
_P_PID: Final = 1
"""Of linux/wait.h, as the first argument of `waitid`: the second argument is a pid."""
_NEGATIVE: Final = 0x80000000
"""The least negative value of 32 bits, as an unsigned one."""


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

    Such a process is the cause only if a thread of the test waits for it, or for a fork that it descends from.
    """
    parents = {process.pid: process.parent for process in case.evidence.forked}
    for process in filter(_waits_for_lock, case.evidence.forked):
        line = {process.pid, *_ancestors(process.pid, parents)}
        waiting = next((thread for thread in case.evidence.threads if _waits_for_one_of(thread, line)), None)
        if waiting is not None:
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


def _waits_for_lock(process: ForkedProcess) -> bool:
    if len(process.os) != 1 or len(process.threads) != 1:
        return False
    return waits_for_lock(process.threads[0].frames, process.os[0].system_call)


def _ancestors(pid: int, parents: Mapping[int, int]) -> Iterator[int]:
    """Yield the ancestors that are in `parents`, a map of pids to parents' pids, the nearest first."""
    # What a document says may be a circle, which would have no end.
    for _ in parents:
        pid = parents.get(pid, 0)
        if pid in parents:
            yield pid


def _waits_for_one_of(thread: Thread, pids: Collection[int]) -> bool:
    """Return whether the thread waits for one of these processes, or for any process that it has started."""
    frames = thread.stacks[0] if thread.stacks else ()
    top = takewhile(lambda frame: not isinstance(frame, PythonFrame), frames)
    if any(isinstance(frame, NativeFrame) and _PROCESS_CALLS.fullmatch(frame.function or "") for frame in top):
        return _may_return(thread.system_call, pids)
    return any(
        _PROCESS_MODULES.search(frame.file) or (_SUBPROCESS.search(frame.file) and _is_before_exec(frame))
        for frame in thread.python_frames
    )


def _may_return(call: Sequence[int], pids: Collection[int]) -> bool:
    """Return whether the system call is a `wait4` or `waitid` that names one of the pids, or no single pid."""
    number, first, second, *_ = (*call, 0, 0, 0)
    if number in _WAIT4:
        # Of a pid_t, 0 and negative values stand for several processes.
        pid = first & 0xFFFFFFFF
        return pid in pids or not 0 < pid < _NEGATIVE
    return number in _WAITID and (first != _P_PID or second in pids)


def _is_before_exec(frame: PythonFrame) -> bool:
    """Return whether `subprocess` waits, in this function, for its fork to start the program."""
    return frame.function.rpartition(".")[2] == "_execute_child"


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
    return "1 thread" if len(process.os) == 1 else f"{len(process.os)} threads"
