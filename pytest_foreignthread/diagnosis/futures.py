"""Causes of a hang: a thread waits for a result, and the thread that would produce it waits for the first thread."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final

from ..evidence.waits import LOCK
from ..model.records import Diagnosis
from ..model.roles import is_alone
from ..model.stacks import Awaited, NativeFrame, PythonFrame, Thread
from ..model.wording import called, frame_words
from .case import Case
from .waiting import Waiting, stands, waiting_in

_TASK_STEP: Final = re.compile(r"task_step(?:_impl)?")
_ASYNCIO: Final = re.compile(r"_asyncio\.|(?:lib)?python")
_IMPORTLIB: Final = "<frozen importlib._bootstrap>"
_WAITS_FOR_IMPORT: Final = ("acquire", "_lock_unlock_module")
_IMPORTS: Final = "_load_unlocked"
_SEPARATOR: Final = r"[/\\]"
_LOOP: Final = re.compile(r"[/\\]asyncio[/\\]base_events\.py$")
# In these files a wait for a lock implements a wait for an event, a condition or an item of a queue. No thread holds
# that lock in the sense of a deadlock.
_NOT_A_LOCK: Final = re.compile(r"[/\\](?:threading|queue|concurrent[/\\]futures[/\\]_base)\.py$|^<frozen importlib")


def import_lock(case: Case) -> Diagnosis | None:
    """Find a thread that imports a module and waits for a thread that waits for the end of that import."""
    for waiting, importing, _ in _circles(case, _is_importing, _waits_for_an_import):
        thread = waiting.threads[importing]
        module = next((one for one in thread.python_frames if one.function == "<module>"), None)
        shown = [] if module is None else [f"{called(thread)} is importing {re.split(_SEPARATOR, module.file)[-1]}"]
        return Diagnosis(
            "import-lock",
            "a module that is being imported waits for a thread, and that thread waits for the end of the import",
            "start no threads, and wait for none, while a module is imported: put the code into a function that is "
            "called after the import; import what a callback needs before the callback is handed out",
            (*waiting.links(), *shown),
        )
    return None


def event_loop(case: Case) -> Diagnosis | None:
    """Find a callback that waits for a coroutine, while the thread of the event loop waits for the callback."""
    for waiting, loop, _ in _circles(case, _runs_a_loop, _waits_for_a_python_future):
        thread = waiting.threads[loop]
        return Diagnosis(
            "event-loop",
            "a callback waits for a result of the event loop, and the loop's thread waits for the callback",
            "do not block the loop's thread: await loop.run_in_executor(None, future.get), or let the callback go on "
            "without the result (Future.add_done_callback)",
            (*waiting.links(), f"{called(thread)} runs the event loop"),
        )
    return None


def blocked_loop(case: Case) -> Diagnosis | None:
    """Find code of an event loop that waits for a result, while no thread but the loop's own could complete the result.

    It may be that nobody would complete the result. The code blocks its loop all the same.
    """
    waiting = waiting_in(case)
    for place, thread in enumerate(waiting.threads if waiting is not None and case.has_all_threads else ()):
        if waiting is None or not _runs_a_loop(waiting, place) or not _waits_for_a_result(waiting, place):
            continue
        if not stands(thread) or not is_alone(thread, waiting.threads):
            continue
        return Diagnosis(
            "event-loop",
            "code of the event loop waits for a result and so blocks the loop, and no other thread is left that could "
            "complete the result",
            "let the loop run while the code waits: await the coroutine itself, asyncio.wrap_future(future) in place "
            "of future.result(), loop.run_in_executor(None, future.get) in place of Java's future.get()",
            (
                f"{called(thread)} waits for {thread.waits[0].what} in {frame_words(_waiting_code(thread))}",
                f"{called(thread)} runs the event loop",
                "no other thread runs Python or Java code",
            ),
        )
    return None


def _waiting_code(thread: Thread) -> PythonFrame:
    frames = thread.python_frames
    return next((frame for frame in frames if not _NOT_A_LOCK.search(frame.file)), frames[0])


def lock_and_future(case: Case) -> Diagnosis | None:
    """Find a thread that waits for a result, while the thread that would produce the result waits for a lock.

    The circle proves that only the first thread could release the lock. The end of a thread counts like a result.
    """
    for waiting, place, _ in _circles(case, _waits_for_a_result_or_an_end, _waits_for_a_lock):
        if waiting.kind(place) is Awaited.THREAD:
            return Diagnosis(
                "lock-and-future",
                "a thread waits for the end of another, which waits for a lock that only the first could release",
                "do not wait for the end of a thread while you hold a lock that the thread needs: release the lock "
                "before you call join()",
                waiting.links(),
            )
        return Diagnosis(
            "lock-and-future",
            "a thread waits for a result, and the thread that must complete it waits for a lock that only the first "
            "could release",
            "do not wait for a result while you hold a lock that the callback needs: release the lock before you call "
            "Future.get() or result()",
            waiting.links(),
        )
    return None


Test = Callable[[Waiting, int], bool]


def _circles(case: Case, first: Test, second: Test) -> Iterator[tuple[Waiting, int, int]]:
    """Yield pairs of stuck threads, of which each waits for the other, directly or through other threads.

    `first` and `second` are the tests that the threads of the pair must pass.
    """
    waiting = waiting_in(case)
    if waiting is None:
        return
    for place in waiting.stuck:
        for other in sorted(waiting.sought_by(place)) if first(waiting, place) else ():
            if other != place and second(waiting, other) and place in waiting.sought_by(other):
                yield waiting, place, other


def _is_importing(waiting: Waiting, place: int) -> bool:
    return any(_is_importlibs(frame, _IMPORTS) for frame in waiting.threads[place].python_frames)


def _waits_for_an_import(waiting: Waiting, place: int) -> bool:
    newest = waiting.threads[place].python_frames[:1]
    return waiting.kind(place) is Awaited.PYTHON_LOCK and any(
        _is_importlibs(frame, *_WAITS_FOR_IMPORT) for frame in newest
    )


def _is_importlibs(frame: PythonFrame, *functions: str) -> bool:
    # From Python 3.11 on some dumps have the name of the class before that of the method.
    return frame.file == _IMPORTLIB and frame.function.rpartition(".")[2] in functions


def _runs_a_loop(waiting: Waiting, place: int) -> bool:
    thread = waiting.threads[place]
    if any(_LOOP.search(frame.file) and frame.function.endswith("_run_once") for frame in thread.python_frames):
        return True
    # A loop in C, such as uvloop's, has no frame of Python's. It runs each step of a task by asyncio's own C code.
    return any(
        isinstance(frame, NativeFrame)
        and _TASK_STEP.fullmatch(frame.function or "")
        and _ASYNCIO.match(frame.library or "")
        for frame in (frame for stack in thread.stacks for frame in stack)
    )


def _waits_for_a_python_future(waiting: Waiting, place: int) -> bool:
    return waiting.kind(place) is Awaited.FUTURE and waiting.threads[place].waits[0].what.startswith("a concurrent")


def _waits_for_a_result(waiting: Waiting, place: int) -> bool:
    return waiting.kind(place) is Awaited.FUTURE


def _waits_for_a_result_or_an_end(waiting: Waiting, place: int) -> bool:
    return waiting.kind(place) in (Awaited.FUTURE, Awaited.THREAD)


def _waits_for_a_lock(waiting: Waiting, place: int) -> bool:
    thread = waiting.threads[place]
    # What an idle thread of a pool waits for is an item of a queue, which no thread holds.
    is_lock = waiting.kind(place) is Awaited.PYTHON_LOCK and thread.waits[0].what == LOCK
    return (is_lock and waits_in_own_code(thread)) or waiting.waits_for_java_lock(place)


def waits_in_own_code(thread: Thread) -> bool:
    """Return whether the newest Python frame is of code that takes a lock itself, and not of a wait for an event."""
    return not any(_NOT_A_LOCK.search(frame.file) for frame in thread.python_frames[:1])
