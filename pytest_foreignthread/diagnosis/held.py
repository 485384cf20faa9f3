"""Causes of a hang without a circle: a thread keeps the GIL, or waits for a lock that nobody is left to release."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import takewhile
from typing import Final

from ..model.records import Diagnosis, Place
from ..model.roles import awaits_the_body, is_at_rest, may_call_later
from ..model.stacks import Awaited, Gil, JavaFrame, Motion, NativeFrame, PythonFrame, Thread
from ..model.wording import called, frame_words
from .case import Case
from .futures import waits_in_own_code
from .waiting import waiting_in

# The libraries whose frames are between a Python frame and the function that the Python code called.
_BETWEEN: Final = re.compile(r"(?:lib)?python\S*|libffi\S*|_ctypes\..*|_jpype\..*")
# The functions of CPython's Modules/_threadmodule.c that take a lock for Python code. Other functions of C that wait
# for a lock may wait for something else, such as an item of a queue.
_TAKES_LOCK: Final = ("lock_PyThread_acquire_lock", "lock_acquire", "rlock_acquire", "PyMutex_Lock")
_LOCK_LINE: Final = re.compile(r"^with\b|\.acquire\(")
_JOINS_ITSELF: Final = re.compile(
    r"(?:\S*\bThread|\S*\bJClass\([\"']java\.lang\.Thread[\"']\))\.currentThread\(\)\.join\(\)(?:\s*#.*)?"
)


def gil_held(case: Case) -> Diagnosis | None:
    """Find a call into C or Java that keeps the GIL and does not return, while other threads wait for the GIL.

    If the thread with the GIL waits for a thread that needs the GIL, the rule of `gil-deadlock` has matched before.
    """
    waiting = waiting_in(case)
    for thread in () if waiting is None else waiting.threads:
        others = [one for one in case.evidence.threads if one is not thread and one.gil is Gil.WAITS]
        if thread.gil is not Gil.HOLDS or not others or not _stays_outside_of_python(thread):
            continue
        if thread.waits and all(map(awaits_the_body, others)):
            # What the thread waits for is the cause. That the plugin's own thread cannot look meanwhile harms nobody.
            continue
        return Diagnosis(
            "gil-held",
            "a call out of Python does not return and keeps the GIL, so that no other Python thread can go on",
            "release the GIL around the call: ctypes.CDLL in place of PyDLL, Py_BEGIN_ALLOW_THREADS in C, `with nogil` "
            "in Cython, Python::detach in PyO3; and give the call a time limit",
            (
                f"{called(thread)} holds the GIL in {_called_function(thread)}",
                *(f"{called(one)} waits for the GIL" for one in others[:3]),
            ),
        )
    return None


def _stays_outside_of_python(thread: Thread) -> bool:
    """Return whether the thread stayed in one call out of Python through all looks.

    Its frames must be in one proved order, or the newest frame would not be known. A thread that runs counts too: a
    loop in C keeps the GIL as well.
    """
    known = all(wait.kind is Awaited.NATIVE for wait in thread.waits)
    frames = thread.stacks[0] if len(thread.stacks) == 1 else ()
    outside = bool(frames) and not isinstance(frames[0], PythonFrame) and bool(thread.python_frames)
    return known and outside and thread.motion in (Motion.STILL, Motion.RUNNING)


def _called_function(thread: Thread) -> str:
    """Return the function that the Python code called, or the library if it has no name, and the line of the call."""
    outside = list(takewhile(lambda frame: not isinstance(frame, PythonFrame), thread.stacks[0]))
    named = [frame for frame in outside if _is_of_the_library(frame)] or outside[:1]
    return f"{frame_words(named[-1])}, called by {frame_words(thread.python_frames[0])}"


def _is_of_the_library(frame: object) -> bool:
    if isinstance(frame, NativeFrame):
        return frame.function is not None and not _BETWEEN.fullmatch(frame.library or "")
    return isinstance(frame, JavaFrame)


def lock_without_a_holder(case: Case) -> Diagnosis | None:
    """Find threads that wait for locks while no other thread is left that could release the locks.

    Any Python code may release a `threading.Lock`, and only its holder an RLock. So no other thread may run Python
    code, and Java may have no timer or scheduled task that could call Python later.
    """
    waiting = waiting_in(case)
    if waiting is None or not case.has_all_threads or any(map(may_call_later, waiting.threads)):
        return None
    waits = [one for one in waiting.threads if _takes_a_lock(one, case.at)]
    if not waits or any(one not in waits for one in _in_python(waiting.threads)):
        return None
    proofs = (*map(_lock_line, waits), "no other thread runs Python code")
    if len(waits) == 1:
        return Diagnosis(
            "self-deadlock",
            "a thread waits for a lock that no other thread can release: it holds the lock itself, or a thread "
            "that has ended did not release it",
            "take a lock that one thread may need twice as threading.RLock, and every lock by `with`, which "
            "releases it in any case",
            proofs,
        )
    return Diagnosis(
        "self-deadlock",
        f"{len(waits)} threads wait for locks that nobody else can release: each holds what another needs, or a thread "
        "that has ended did not release one",
        "take the locks in one order everywhere, call no code of others while you hold one, and take every lock by "
        "`with`, which releases it in any case",
        proofs,
    )


def thread_that_joins_itself(case: Case) -> Diagnosis | None:
    """Find a thread that joins the current thread of Java.

    The dump does not say whose end a thread waits for, so the proof is the line of Python that calls `Thread.join`.
    """
    thread, at = case.thread, case.at
    if waiting_in(case) is None or thread is None or at is None or not _JOINS_ITSELF.fullmatch(at.source):
        return None
    in_join = any(frame.function == "java.lang.Thread.join" for frame in thread.java_frames)
    if not in_join or thread.motion is not Motion.STILL or not _is_newest(thread, at):
        return None
    return Diagnosis(
        "self-deadlock",
        "a thread waits for its own end",
        "join the thread that does the work, or wait for its result; to keep a thread alive, wait for an event that "
        "ends the wait (CountDownLatch.await)",
        (
            f"{called(thread)} is in java.lang.Thread.join, called by {frame_words(thread.python_frames[0])}",
            f"that line joins the current thread: {at.source}",
        ),
    )


def _is_newest(thread: Thread, at: Place) -> bool:
    return bool(thread.python_frames) and thread.python_frames[0].line == at.line


def _lock_line(thread: Thread) -> str:
    # Java that calls lock.acquire() through a bridge has no frame of Python's.
    return f"{called(thread)} waits for a Python lock in {frame_words((*thread.python_frames, *thread.frames)[0])}"


def _takes_a_lock(thread: Thread, at: Place | None) -> bool:
    if awaits_the_body(thread) or thread.motion is not Motion.STILL or not waits_in_own_code(thread):
        return False
    if [wait.kind for wait in thread.waits] != [Awaited.PYTHON_LOCK]:
        return False
    names = [frame.function for frame in thread.native_frames]
    return any(name in names for name in _TAKES_LOCK) or (thread.current and _takes_a_lock_there(thread, at))


def _takes_a_lock_there(thread: Thread, at: Place | None) -> bool:
    """Return whether the newest line takes a lock by its text. A stripped Python has no names of C functions."""
    return at is not None and _is_newest(thread, at) and _LOCK_LINE.search(at.source) is not None


def _in_python(threads: Sequence[Thread]) -> Iterator[Thread]:
    for one in threads:
        if not awaits_the_body(one) and not is_at_rest(one) and one.python_frames:
            yield one
