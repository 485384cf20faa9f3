"""The threads of all documents → each thread of the process once."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from typing import Final, TypeVar

from ..model.stacks import (
    FatalError,
    JavaThread,
    NativeThread,
    OsThread,
    PythonFrame,
    PythonThread,
    Thread,
)
from .interleave import interleave
from .java_dump import Blocked
from .motion import Look, Motions, motions
from .signal_frames import before_the_signal
from .waits import waits

T = TypeVar("T")

_THREADING: Final = re.compile(r"[/\\]threading\.py$")


@dataclass(frozen=True)
class Sources:
    """The threads of each document; of a hang, those of the first look."""

    python: tuple[PythonThread, ...] = ()
    java: tuple[JavaThread, ...] = ()
    native: tuple[NativeThread, ...] = ()
    os: tuple[OsThread, ...] = ()
    fatal: FatalError | None = None
    """The thread that crashed, as HotSpot or the kernel describes it."""
    deadlocks: tuple[Blocked, ...] = ()
    looks: tuple[Look, ...] = ()
    """All looks at a hang, the first included."""


@dataclass
class _Parts:
    """The entries of one thread in the documents."""

    python: PythonThread | None = None
    java: JavaThread | None = None
    native: NativeThread | None = None
    os: OsThread | None = None
    fatal: FatalError | None = None


def join_threads(sources: Sources) -> tuple[Thread, ...]:
    """Return each thread once, the current one first; of a crash, and beside a JVM, none that runs only C code.

    The documents are joined by the kernel's thread id. If only faulthandler's id of a thread is known, its stack tells
    the kernel's: the id is the address of the thread's descriptor, which glibc puts on top of the thread's stack.
    """
    sources = replace(sources, python=_with_native_ids(sources))
    moved = motions(sources.looks)
    joined = _joined(sources)
    of_others = {_kernels_name(one) for one in joined if _given_name(one) is not None}
    also = () if sources.fatal is None else sources.fatal.also
    threads = [_thread(one, moved, of_others, also) for one in joined]
    threads = sorted(threads, key=lambda thread: not thread.current)
    found = waits(threads, sources.java, sources.deadlocks, {task.native_id: task for task in sources.os})
    names = Counter(thread.name or None for thread in threads)
    return tuple(
        replace(thread, waits=waited, shares_name=bool(thread.name) and names[thread.name] > 1)
        for thread, waited in zip(threads, found, strict=True)
    )


def _joined(sources: Sources) -> list[_Parts]:
    parts: dict[object, _Parts] = {}
    # There is one crashing thread, also if a torn document has no id of it: "crashed" then stands for the id.
    crashed: object = None if sources.fatal is None else sources.fatal.native_id or "crashed"
    # The current thread first: if another thread has the same id, by what the child sent, that one gets another key.
    for thread in sorted(sources.python, key=lambda thread: not thread.current):
        key = thread.native_id if crashed is None or not thread.current else crashed
        # The kernel uses an id again: the id that the child sent of a thread may by then be that of a later one.
        parts[("python", thread.id) if key is None or key in parts else key] = _Parts(python=thread)
    for number, one in enumerate(sources.java):
        key = one.native_id if crashed is None or not one.current else crashed
        parts.setdefault(("java", number) if key is None else key, _Parts()).java = one
    if sources.fatal is not None:
        parts.setdefault(crashed, _Parts()).fatal = sources.fatal
    # pystack shows all threads of the process. One counts if another document has it, if Python runs on it, or if a
    # hang may be due to it: in a process without a JVM, which has many threads of its own.
    also = () if sources.fatal is None else sources.fatal.also
    of_c = bool(sources.looks) and not sources.java
    python_side = {frame for thread in sources.python for frame in thread.frames}
    for native in sources.native:
        runs_python = native.gil is not None or not python_side.isdisjoint(native.frames)
        # Where Python wrote no stacks, those that pystack found of it are all there is.
        without_python = not python_side and _python_frames(native)
        if native.native_id in (*parts, *also) or runs_python or without_python or of_c:
            parts.setdefault(native.native_id, _Parts()).native = native
    for task in sources.os:
        if task.native_id in parts:
            parts[task.native_id].os = task
    return list(parts.values())


def _kernels_name(parts: _Parts) -> str | None:
    return _first(side.name for side in (parts.os, parts.native) if side is not None)


def _given_name(parts: _Parts) -> str | None:
    return _first(side.name for side in (parts.python, parts.java) if side is not None)


def _name(parts: _Parts, of_others: Collection[str | None]) -> str | None:
    """Return the name that Python, Java or the kernel has of a thread; None if no name is the thread's own.

    A thread inherits the kernel's name from the thread that starts it, and before Python 3.14 a `threading.Thread` does
    not change it. Such a thread is named after its function, as Python names a thread that has no other name. Of a
    thread that C code starts, a name is inherited if it is among those `of_others` that have a name of Python's or
    Java's.
    """
    if (given := _given_name(parts)) is not None:
        return given
    frames = parts.python.frames if parts.python else _python_frames(parts.native) if parts.native else ()
    if (function := _function_of_thread(frames)) is not None:
        return f"Thread ({function})"
    kernels = _kernels_name(parts)
    return None if kernels in of_others else kernels


def _function_of_thread(frames: Sequence[PythonFrame]) -> str | None:
    """Return the function that a `threading.Thread` runs; None for a thread that Python did not start."""
    oldest = frames[::-1]
    if not oldest or not (oldest[0].function.endswith("_bootstrap") and _THREADING.search(oldest[0].file)):
        return None
    of_library = list(takewhile(lambda frame: _THREADING.search(frame.file), oldest))
    # A threading.Timer that still waits runs no function but its own `run`, the third.
    return oldest[len(of_library)].function if len(of_library) < len(oldest) else of_library[:3][-1].function


def _thread(parts: _Parts, moved: Motions, of_others: Collection[str | None], also: Collection[int]) -> Thread:
    """Return one thread; `also` has the threads that crashed after Python's stacks were written."""
    python, java, native, fatal = parts.python, parts.java, parts.native, parts.fatal
    also_crashed = native is not None and native.native_id in also
    joined = interleave(
        _python_frames(native) if native and also_crashed else python.frames if python else (),
        java.frames if java else (),
        before_the_signal(native.frames) if native else (),
        fatal.native_frames if fatal else (),
    )
    ident = python.id if python is not None else None
    native_id = _first(side.native_id for side in (java, fatal, native, python) if side is not None)
    moves = moved.of(native_id, ident)
    return Thread(
        name=_name(parts, of_others),
        native_id=native_id,
        python_id=ident,
        current=fatal is not None or any(side is not None and side.current for side in (python, java)),
        stacks=joined.stacks,
        apart=joined.apart,
        java_state=java.state if java is not None else None,
        locks=java.locks if java is not None else (),
        gil=native.gil if native is not None else None,
        daemon=False if python is not None and python.joined else java.daemon if java is not None else None,
        motion=moves.motion if moves is not None else None,
        seen=moves.seen if moves is not None else (),
        system_call=parts.os.system_call if parts.os is not None else (),
        also_crashed=also_crashed,
    )


def _first(values: Iterable[T | None]) -> T | None:
    return next((value for value in values if value is not None), None)


def _with_native_ids(sources: Sources) -> tuple[PythonThread, ...]:
    """Fill in the kernel ids that the child did not send.

    pystack's threads have kernel ids and Python frames. For the rest, the address of a thread's descriptor tells whose
    stack it lies on.
    """
    sources = replace(sources, python=_by_frames(sources))
    known = {thread.native_id for thread in sources.python}
    unknown = {task.native_id for task in sources.os} - known
    pointers = {pointer: native_id for native_id, pointer in _stack_pointers(sources).items() if native_id in unknown}
    if len(pointers) < len(unknown):
        # A thread that runs shows no stack pointer. Its neighbour's would be the nearest, and be taken for its own.
        return sources.python
    idents = [thread.id for thread in sources.python]
    return tuple(_placed(thread, pointers, idents) for thread in sources.python)


def _stack_pointers(sources: Sources) -> dict[int, int]:
    """Return the stack pointer of each thread by kernel id, from all looks.

    A thread that ran during the first look may have waited, and so shown its stack pointer, during another.
    """
    pointers: dict[int, int] = {}
    for task in itertools.chain(sources.os, *(look.os for look in sources.looks)):
        if task.stack_pointer is not None:
            pointers.setdefault(task.native_id, task.stack_pointer)
    return pointers


def _placed(thread: PythonThread, pointers: Mapping[int, int], idents: Sequence[int]) -> PythonThread:
    # The descriptor is on top of the stack, so the nearest stack pointer below it is the thread's own, unless another
    # descriptor lies in between.
    below = max((pointer for pointer in pointers if pointer < thread.id), default=None)
    if thread.native_id is not None or below is None or any(below < ident < thread.id for ident in idents):
        return thread
    return replace(thread, native_id=pointers[below])


def _by_frames(sources: Sources) -> tuple[PythonThread, ...]:
    """Fill in pystack's kernel ids of threads whose Python frames are the same in both documents, and no other's.

    A thread without Python frames is in Python's document if it has entered Python. In pystack's it then waits for the
    GIL or holds it.
    """
    known = {thread.native_id for thread in sources.python}
    native: dict[tuple[object, ...], list[int]] = {}
    for one in sources.native:
        frames = _python_frames(one)
        if one.native_id not in known and (frames or one.gil is not None):
            native.setdefault(frames, []).append(one.native_id)
    alike = Counter(thread.frames for thread in sources.python if thread.native_id is None)
    return tuple(
        replace(thread, native_id=native[thread.frames][0])
        if thread.native_id is None and alike[thread.frames] == 1 == len(native.get(thread.frames, ()))
        else thread
        for thread in sources.python
    )


def _python_frames(thread: NativeThread) -> tuple[PythonFrame, ...]:
    return tuple(frame for frame in thread.frames if isinstance(frame, PythonFrame))
