"""Causes of a hang: threads that wait for each other, proved by several looks at their stacks."""

from __future__ import annotations

from typing import Final

from ..model.records import Diagnosis
from ..model.roles import is_at_rest, is_executors, is_worker
from ..model.stacks import Awaited, Thread
from ..model.wording import called
from .at_exit import callback_at_exit, java_thread_keeps_running, thread_keeps_running
from .blocked import signals_blocked
from .case import Case
from .forked import forked_jvm, forked_lock
from .futures import blocked_loop, event_loop, import_lock, lock_and_future
from .held import gil_held, lock_without_a_holder, thread_that_joins_itself
from .memory import java_heap_filled
from .waiting import JAVA_LOCKS, runs_task, waiting_in


def _gil_deadlock(case: Case) -> Diagnosis | None:
    waiting = waiting_in(case)
    if waiting is None or not waiting.gil_is_in_a_circle():
        return None
    return Diagnosis(
        "gil-deadlock",
        "the thread that holds the GIL waits for a thread that waits for the GIL",
        "release the GIL before you wait: Py_BEGIN_ALLOW_THREADS around the call in C, ctypes.CDLL in place of PyDLL, "
        "a bridge that lets go of the GIL when it calls into Java",
        waiting.links(),
    )


def _mixed_deadlock(case: Case) -> Diagnosis | None:
    waiting = waiting_in(case)
    if waiting is None or not waiting.java_lock_held_by_one_that_waits_for(Awaited.PYTHON_LOCK):
        return None
    return Diagnosis(
        "mixed-deadlock",
        "a thread with a Python lock waits for a Java lock, and the thread with the Java lock waits for a Python lock",
        "take both locks in one order everywhere, or let go of the Python lock before you call into Java",
        waiting.links(),
    )


def _monitor_deadlock(case: Case) -> Diagnosis | None:
    waiting = waiting_in(case)
    if waiting is None or not waiting.has_circle_of(*JAVA_LOCKS):
        return None
    return Diagnosis(
        "monitor-deadlock",
        "Java threads wait in a circle for monitors or locks of java.util.concurrent",
        "take the locks in one order everywhere; jpype.synchronized takes the object's monitor as well",
        waiting.links(),
    )


def _pool_starvation(case: Case) -> Diagnosis | None:
    waiting = waiting_in(case)
    pools = waiting.pools() if waiting is not None else []
    starved = [threads for threads, stuck in pools if stuck and all(map(_waits_for_a_task, threads))]
    # The dump does not say which pool has the awaited task in its queue, and whether another thread runs that task. So
    # no thread of any pool may be at rest, for it would have taken the task, and none may run a task that is stuck in
    # anything else: the lock that it waits for may be one that a thread of the pool holds.
    if not starved or any(_is_free_worker(one) or _runs_stuck_task(one) for one in case.evidence.threads):
        return None
    return Diagnosis(
        "pool-starvation",
        _starved_words(len(starved[0])),
        "do not wait in a task for another task of the same pool: give the inner tasks a pool of their own, or chain "
        "them (CompletableFuture.thenCompose)",
        tuple(f"{called(thread)} waits for {thread.waits[0].what}" for thread in starved[0]),
    )


def _starved_words(number: int) -> str:
    if number == 1:
        return "the only thread of a pool waits for a task, and none is left to run the task"
    return (
        f"{'both' if number == 2 else f'all {number}'} threads of a pool wait for tasks, and none is left to run them"
    )


def _is_free_worker(thread: Thread) -> bool:
    return is_at_rest(thread) and is_worker(thread)


def _runs_stuck_task(thread: Thread) -> bool:
    # The test's own body may be such a task, but no thread of a pool waits for the body.
    runs = runs_task(thread) or is_executors(thread)
    return runs and not thread.current and bool(thread.waits) and not _waits_for_a_task(thread)


def _waits_for_a_task(thread: Thread) -> bool:
    return thread.waits[0].kind is Awaited.FUTURE


# A narrower rule comes before a wider one: the first rule that fits decides.
HANGS: Final = (
    callback_at_exit,
    java_thread_keeps_running,
    thread_keeps_running,
    _gil_deadlock,
    _mixed_deadlock,
    _monitor_deadlock,
    forked_jvm,
    import_lock,
    event_loop,
    _pool_starvation,
    lock_and_future,
    blocked_loop,
    gil_held,
    lock_without_a_holder,
    thread_that_joins_itself,
    java_heap_filled,
    forked_lock,
    signals_blocked,
)
