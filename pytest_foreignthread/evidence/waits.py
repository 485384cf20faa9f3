"""What each thread waits for, and which thread holds that."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import takewhile
from typing import Final

from ..model.roles import is_of_c, waiting_call
from ..model.stacks import (
    END_IN_C,
    MUTEX_IN_C,
    Awaited,
    Frame,
    Gil,
    JavaThread,
    NativeFrame,
    OsThread,
    PythonFrame,
    Thread,
    Wait,
)
from .java_dump import Blocked

# `- locked <0x…> (a X)`, `- waiting to re-lock in wait() <0x…> (a X)`; an owned synchronizer has no verb.
_LOCK = re.compile(
    r"- (?:(?P<verb>[a-z]+(?:[ -][a-z]+)*(?: in wait\(\))?) *)?<(?P<object>0x[0-9a-f]+)> \((?:a )?(?P<kind>.*)\)"
)
_ON_MONITOR = ("waiting to lock", "waiting to re-lock in wait()")
_FUTURES = re.compile(
    r"java\.util\.concurrent\.(?:FutureTask|CompletableFuture.*|ForkJoinTask.*|ThreadPerTaskExecutor.*Future)"
)
# CPython's Modules/_threadmodule.c and Python/thread_pthread.h; Python/lock.c from 3.13 on.
_PYTHON_LOCK = re.compile(
    r"lock_PyThread_acquire_lock|r?lock_acquire|acquire_timed|PyThread_acquire_lock(?:_timed(?:_with_retries)?)?"
    r"|_PyMutex_Lock.*"
)
# Waits without a timeout, by the names of glibc's functions without underscores and versions.
_NATIVE_WAITS: Final = {
    "pthread_clockjoin_ex": END_IN_C,
    "pthread_join": END_IN_C,
    "sem_wait": "a semaphore (in C)",
    "new_sem_wait_slow64": "a semaphore (in C)",
    "pthread_cond_wait": "a condition (in C)",
    "pthread_mutex_lock": MUTEX_IN_C,
    "lll_lock_wait": MUTEX_IN_C,
}
_FUTEX: Final = (202, 98)
"""The number of the system call on x86-64 and on aarch64."""
# Of linux/futex.h: the mask of the command; FUTEX_WAIT, FUTEX_LOCK_PI, FUTEX_WAIT_BITSET.
_COMMAND: Final = 0x7F
_WAITING: Final = (0, 6, 9)
_DESCRIPTOR: Final = 2304
"""Bytes of a thread's descriptor in glibc 2.36 (`struct pthread`); pthread_self() returns its address."""
_PYTHON_FUTURE = re.compile(r"[/\\]concurrent[/\\]futures[/\\]_base\.py$")
_PYTHON_THREADING = re.compile(r"[/\\]threading\.py$")
LOCK: Final = "a Python lock"
"""A wait for a lock that implements no wait for something else."""
PYTHON_END: Final = "the end of a threading.Thread"
_PYTHON_QUEUE = re.compile(r"[/\\]queue\.py$")
_SIMPLE_QUEUE = re.compile(r"_?queue_SimpleQueue_get.*")


def waits(
    threads: Sequence[Thread], java: Sequence[JavaThread], links: Sequence[Blocked], tasks: Mapping[int, OsThread]
) -> list[tuple[Wait, ...]]:
    """Return what each of the threads waits for, in the order of `threads`.

    `links` are the deadlocks that HotSpot found, by the names of the `java` threads. `tasks` are the threads as the
    kernel shows them, by kernel id.
    """
    places = _places(threads, java)
    owners = _owners(threads, links, places)
    holder = next((place for place, thread in enumerate(threads) if thread.gil is Gil.HOLDS), None)
    links_of = {
        places[link.name]: Wait(Awaited.MONITOR, _words(Awaited.MONITOR, link.object, link.of), places.get(link.owner))
        for link in links
        if link.name in places
    }
    found = [tuple(_waits(thread, owners, holder, links_of.get(place))) for place, thread in enumerate(threads)]
    for place, thread in enumerate(threads):
        # Another process may end a wait of a Python thread without the GIL: for a semaphore of multiprocessing, say.
        in_c = place == holder or is_of_c(thread) or _waits_for_mutex_or_thread(_newest(thread))
        if in_c and not found[place]:
            found[place] = tuple(_native_waits(threads, place, tasks))
    return found


def _newest(thread: Thread) -> Sequence[Frame]:
    return thread.stacks[0] if thread.stacks else ()


def _places(threads: Sequence[Thread], java: Sequence[JavaThread]) -> Mapping[str, int]:
    """Return the index in `threads` of each Java thread whose name is unique.

    The names are Java's, which HotSpot's links use; Python may have another name for the thread.
    """
    by_id = {thread.native_id: place for place, thread in enumerate(threads) if thread.native_id is not None}
    named = Counter(thread.name for thread in java)
    return {
        thread.name: by_id[thread.native_id] for thread in java if named[thread.name] == 1 and thread.native_id in by_id
    }


def _owners(threads: Sequence[Thread], links: Sequence[Blocked], places: Mapping[str, int]) -> Mapping[str, int]:
    """Return, by the address of a Java object, the index of the thread that holds the object."""
    owners = {link.object: places[link.owner] for link in links if link.owner in places}
    for place, thread in enumerate(threads):
        found = [match for lock in thread.locks if (match := _LOCK.fullmatch(lock))]
        # A thread in Object.wait() has released the monitor, although one of its frames is shown to have locked it.
        release = {match["object"] for match in found if match["verb"] in ("waiting on", _ON_MONITOR[1])}
        held = [match["object"] for match in found if match["verb"] in ("locked", None)]
        owners.update({name: place for name in held if name not in release})
    return owners


def _waits(thread: Thread, owners: Mapping[str, int], holder: int | None, link: Wait | None) -> Iterator[Wait]:
    if thread.gil is Gil.WAITS:
        yield Wait(Awaited.GIL, "the GIL", holder)
    in_java = list(_java_waits(thread, owners))
    yield from in_java
    if not in_java and (thread.java_state or "").startswith("BLOCKED"):
        # C code waits for the monitor (JNI's MonitorEnter): no Java frame names it.
        yield link or Wait(Awaited.MONITOR, "a monitor (by JNI)")
    yield from _python_waits(thread)


def _java_waits(thread: Thread, owners: Mapping[str, int]) -> Iterator[Wait]:
    for lock in thread.locks:
        match = _LOCK.fullmatch(lock)
        kind = _kind(match["verb"], match["kind"]) if match is not None else None
        if match is not None and kind is not None:
            yield Wait(kind, _words(kind, match["object"], match["kind"]), owners.get(match["object"]))


def _kind(verb: str | None, of: str) -> Awaited | None:
    if verb in _ON_MONITOR:
        return Awaited.MONITOR
    if verb == "waiting on":
        return Awaited.THREAD if of == "java.lang.Thread" else None
    if verb is None or not verb.startswith("parking to wait for"):
        return None
    return Awaited.FUTURE if _FUTURES.fullmatch(of) else Awaited.SYNCHRONIZER


def _words(kind: Awaited, name: str, of: str) -> str:
    simple = of.rpartition(".")[2]
    if kind is Awaited.MONITOR:
        return f"the monitor of {simple} {name}"
    return f"{simple} {name}"


def _python_waits(thread: Thread) -> Iterator[Wait]:
    frames = thread.stacks[0] if thread.stacks else ()
    top = next((place for place, frame in enumerate(frames) if isinstance(frame, PythonFrame)), len(frames))
    in_lock = any(
        isinstance(frame, NativeFrame) and frame.function and _PYTHON_LOCK.fullmatch(frame.function)
        for frame in frames[:top]
    )
    # The newest frames are those of threading.Condition and of the lock; the method that waits stands just below them.
    callers = thread.python_frames[:4]
    if waiting_call(thread.python_frames) is not None or any(
        _PYTHON_FUTURE.search(frame.file) and frame.function in ("result", "wait", "exception") for frame in callers
    ):
        yield Wait(Awaited.FUTURE, "a concurrent.futures.Future")
    elif any(_PYTHON_THREADING.search(frame.file) and frame.function == "join" for frame in callers):
        yield Wait(Awaited.THREAD, PYTHON_END)
    elif in_lock:
        yield Wait(Awaited.PYTHON_LOCK, _lock_words(frames[:top], thread.python_frames))


def _lock_words(newest: Sequence[object], frames: Sequence[PythonFrame]) -> str:
    """Return what a wait for a lock is about: it may implement the wait for an event or for an item of a queue."""
    if any(isinstance(frame, NativeFrame) and _SIMPLE_QUEUE.fullmatch(frame.function or "") for frame in newest):
        return "an item of a queue"
    of_library = list(takewhile(lambda frame: _is_of_waits(frame.file), frames))
    names = [frame.function.rpartition(".")[2] for frame in of_library]
    if of_library and _PYTHON_QUEUE.search(of_library[-1].file):
        return {"get": "an item of a queue", "put": "room in a queue"}.get(names[-1], "a queue")
    if "wait" not in names:
        return LOCK
    return "a threading.Semaphore" if names[-1] == "acquire" else "an event or a condition of threading"


def _is_of_waits(file: str) -> bool:
    return any(pattern.search(file) for pattern in (_PYTHON_THREADING, _PYTHON_QUEUE))


def _waits_for_mutex_or_thread(frames: Sequence[Frame]) -> bool:
    """Return whether C code on top of these frames, the newest first, waits for a mutex or for the end of a thread."""
    return any(_NATIVE_WAITS.get(_bare(name)) in (MUTEX_IN_C, END_IN_C) for name in _functions_on_top(frames))


def _functions_on_top(frames: Sequence[Frame]) -> list[str]:
    top = takewhile(lambda frame: isinstance(frame, NativeFrame), frames)
    return [frame.function for frame in top if isinstance(frame, NativeFrame) and frame.function]


def _native_waits(threads: Sequence[Thread], place: int, tasks: Mapping[int, OsThread]) -> Iterator[Wait]:
    task = tasks.get(threads[place].native_id or 0)
    names = _functions_on_top(_newest(threads[place]))
    found = next((words for name in names if (words := _NATIVE_WAITS.get(_bare(name)))), None)
    call = () if task is None else task.system_call
    if found is None and _is_endless_futex(call):
        found = "a lock or an event (in C)"
    # glibc has one function for semaphores with and without a timeout.
    if found is not None and not _is_timed_futex(call):
        yield Wait(Awaited.NATIVE, found, _joined_thread(threads, task))


def _waits_for_futex(call: Sequence[int]) -> bool:
    return len(call) >= 5 and call[0] in _FUTEX and call[2] & _COMMAND in _WAITING


def _is_endless_futex(call: Sequence[int]) -> bool:
    """Return whether a system call, as in `OsThread`, waits for a futex without a timeout."""
    return _waits_for_futex(call) and call[4] == 0


def _is_timed_futex(call: Sequence[int]) -> bool:
    return _waits_for_futex(call) and call[4] != 0


def waits_for_lock(frames: Sequence[Frame], call: Sequence[int]) -> bool:
    """Return whether a thread with these frames, the newest first, and this system call waits for a lock of Python's.

    A wait with a timeout is none.
    """
    return _is_endless_futex(call) and any(map(_PYTHON_LOCK.fullmatch, _functions_on_top(frames)))


def _bare(function: str) -> str:
    return function.partition("@")[0].partition(".")[0].strip("_")


def _joined_thread(threads: Sequence[Thread], task: OsThread | None) -> int | None:
    """Return the index of the thread that a pthread_join() waits for; None if that is unknown.

    glibc's pthread_join() waits, by futex(), on a field in the descriptor of that thread.
    """
    address = task.system_call[1] if task is not None and len(task.system_call) > 1 else 0
    descriptors = ((place, thread.python_id) for place, thread in enumerate(threads) if thread.python_id is not None)
    return next((place for place, ident in descriptors if 0 <= address - ident < _DESCRIPTOR), None)
