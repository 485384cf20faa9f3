"""Threads in the failure text: order, marks, waits, and which are shown."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import pytest

from pytest_foreignthread.model.outcomes import Outcome
from pytest_foreignthread.model.records import Evidence, RunRecord
from pytest_foreignthread.model.stacks import (
    Awaited,
    Frame,
    Gil,
    JavaFrame,
    Motion,
    NativeFrame,
    PythonFrame,
    Thread,
    Wait,
)
from pytest_foreignthread.report.stack_text import thread_lines

from .sample_records import CRASHED, HANG, JAVA_RUN, PLAIN, SEGFAULT, THUNK

SHOWN_THUNK = '  (Python) File "/project/test_bridge.py", line 12, in thunk'
POOL = Thread("pool-1-thread-1", 4300, None, False, ((JAVA_RUN,),), java_state="RUNNABLE")
BODY_WAITER = Thread(
    "MainThread",
    4236,
    1,
    False,
    (
        (
            PythonFrame("/lib/python3.11/threading.py", 327, "wait"),
            PythonFrame("/site-packages/pytest_foreignthread/child/foreign_calls.py", 60, "call"),
        ),
    ),
)


def lines(*threads: Thread, record: RunRecord = HANG, **how: Any) -> list[str]:
    return list(thread_lines(replace(record, evidence=Evidence(threads=threads)), width=80, **how))


MONITOR = Wait(Awaited.MONITOR, "the monitor of Object <0x1>", 1)
TITLES: dict[str, tuple[dict[str, Any], str]] = {
    "name, id and Java's state": ({}, 'thread "pool-1-thread-1" (native id 4300): RUNNABLE'),
    "a virtual thread": ({"native_id": None}, 'thread "pool-1-thread-1": RUNNABLE'),
    "Python's id for want of a name": ({"name": None, "python_id": 31}, "thread 0x1f (native id 4300): RUNNABLE"),
    "the kernel's id alone": ({"name": None}, "thread 4300: RUNNABLE"),
    "nothing known": ({"name": None, "native_id": None, "java_state": None}, "thread without a name"),
    "HotSpot's inner state": ({"java_state": "_thread_in_native"}, 'thread "pool-1-thread-1" (native id 4300)'),
    "the GIL": (
        {"gil": Gil.HOLDS, "waits": (MONITOR,)},
        'thread "pool-1-thread-1" (native id 4300): holds the GIL; waits for the monitor'
        ' of Object <0x1>, which "other" holds',
    ),
    "a task of a known thread": (
        {"waits": (Wait(Awaited.FUTURE, "FutureTask <0x2>", 1),)},
        'thread "pool-1-thread-1" (native id 4300): waits for FutureTask <0x2>, which "other" runs',
    ),
    "several waits": (
        {"waits": (Wait(Awaited.GIL, "the GIL"), Wait(Awaited.PYTHON_LOCK, "a Python lock"))},
        'thread "pool-1-thread-1" (native id 4300): waits for the GIL; waits for a Python lock',
    ),
    "still": ({"motion": Motion.STILL}, 'thread "pool-1-thread-1" (native id 4300): RUNNABLE; did not move'),
    "running": (
        {"motion": Motion.RUNNING},
        'thread "pool-1-thread-1" (native id 4300): RUNNABLE; was running in the same frames',
    ),
    "moving": (
        {"motion": Motion.MOVING, "seen": (THUNK, JAVA_RUN)},
        'thread "pool-1-thread-1" (native id 4300): RUNNABLE; was moving:'
        " thunk (test_bridge.py:12), Thread.run (Thread.java:840)",
    ),
    "moving, told below the headline": (
        {"motion": Motion.STILL, "current": True},
        'thread "pool-1-thread-1" (native id 4300): RUNNABLE',
    ),
}


@pytest.mark.parametrize(("fields", "title"), TITLES.values(), ids=TITLES)
def test_first_line(fields: dict[str, Any], title: str) -> None:
    shown = lines(replace(POOL, **fields), replace(POOL, name="other"))
    first = shown[: shown.index("  (Java)   at java.lang.Thread.run(Thread.java:840)")]
    assert " ".join(line.strip() for line in first) == title
    assert max(map(len, first)) <= 80


@pytest.mark.parametrize(
    ("outcome", "mark"),
    [(Outcome.SEGFAULT, ": crashed"), (Outcome.CRASH, ": ended the process"), (Outcome.HANG, "")],
)
def test_mark_of_the_thread_that_the_outcome_is_about(outcome: Outcome, mark: str) -> None:
    first, *_ = lines(CRASHED, replace(CRASHED, current=False, name="other"), record=replace(PLAIN, outcome=outcome))
    assert first == f'thread "pool-1-thread-1" (native id 4247){mark}'


def test_stacks_that_stand_apart_say_why() -> None:
    apart = replace(POOL, stacks=((THUNK,), (JAVA_RUN,)), apart="no Java frame shows where Python was entered")
    assert lines(apart)[1:] == [
        "  (not in one order: no Java frame shows where Python was entered)",
        SHOWN_THUNK,
        "  (Java)   at java.lang.Thread.run(Thread.java:840)",
    ]


def test_the_main_thread_that_waits_for_the_body_is_one_line() -> None:
    title = 'thread "MainThread" (native id 4236): waits for the test\'s body'
    assert lines(replace(BODY_WAITER, motion=Motion.MOVING)) == [title]
    assert lines(BODY_WAITER, whole=True)[0] == title
    assert len(lines(BODY_WAITER, whole=True)) == 3


SERVICE_THREADS = (
    *("Reference Handler", "Finalizer", "Signal Dispatcher", "Service Thread", "Monitor Deflation Thread"),
    *("C1 CompilerThread0", "C2 CompilerThread0", "Notification Thread", "Common-Cleaner", "Attach Listener"),
    *("GC Thread#0", "G1 Main Marker", "G1 Conc#0", "VM Thread", "VM Periodic Task Thread", "Sweeper thread"),
    "Python Reference Queue",
)


@pytest.mark.parametrize("name", SERVICE_THREADS)
def test_an_idle_service_thread_is_only_counted(name: str) -> None:
    service = replace(POOL, name=name, motion=Motion.STILL)
    assert lines(service) == ["(and 1 idle thread)"]
    assert lines(service, whole=True)[0].startswith(f'thread "{name}" ')


def test_idle_service_threads_are_counted_together() -> None:
    shown = lines(POOL, *(replace(POOL, name=name) for name in SERVICE_THREADS))
    assert shown[2:] == [f"(and {len(SERVICE_THREADS)} idle threads)"]


@pytest.mark.parametrize("name", ["main", "pool-1-thread-1", "Thread-0", "GC Thread of mine", "My Finalizer"])
def test_other_threads_are_shown(name: str) -> None:
    assert lines(replace(POOL, name=name))[0].startswith(f'thread "{name}" ')


PARTS: dict[str, dict[str, Any]] = {
    "blocked": {"waits": (MONITOR,)},
    "crashed": {"current": True},
    "crashed as well": {"also_crashed": True},
    "with the GIL": {"gil": Gil.HOLDS},
}


@pytest.mark.parametrize("fields", PARTS.values(), ids=PARTS)
def test_a_service_thread_with_a_part_in_it_is_shown(fields: dict[str, Any]) -> None:
    shown = lines(replace(POOL, name="Finalizer", **fields), POOL)
    assert shown[0].startswith('thread "Finalizer" (native id 4300): ')


def test_a_thread_that_crashed_as_well() -> None:
    of_c = Thread(None, 4301, None, False, ((NativeFrame("libc.so.6", "memset", "+0x3"),),), also_crashed=True)
    shown = lines(CRASHED, of_c, record=SEGFAULT)
    assert shown[0].endswith(": crashed")
    assert shown[-2:] == ["thread 4301: crashed as well", "  (C)      memset+0x3 (libc.so.6)"]


def test_brief_is_the_thread_that_the_outcome_is_about() -> None:
    service = replace(POOL, name="Finalizer")
    shown = lines(POOL, CRASHED, service, brief=True)
    assert shown[0] == 'thread "pool-1-thread-1" (native id 4247)'
    assert shown[-1] == "(and 2 more threads)"
    assert len(shown) == 2 + len(CRASHED.frames)


def test_brief_without_such_a_thread_is_the_first() -> None:
    assert lines(POOL, replace(POOL, name="other"), brief=True) == [*lines(POOL), "(and 1 more thread)"]


def test_a_segfault_without_threads_shows_none() -> None:
    assert lines(record=SEGFAULT) == []


IDLE: Final[dict[str, tuple[Frame, ...]]] = {
    "a timer": (
        JavaFrame("java.lang.Object.wait0", None, None),
        JavaFrame("java.util.TimerThread.mainLoop", None, None),
    ),
    "a pool's": (JavaFrame("java.util.concurrent.ThreadPoolExecutor.getTask", None, None),),
    "ForkJoin's": (JavaFrame("java.util.concurrent.ForkJoinPool.awaitWork", None, None),),
    "a cleaner's": (JavaFrame("jdk.internal.ref.CleanerImpl.run", None, None),),
    "a Python pool's": (PythonFrame("/usr/lib/python3.11/concurrent/futures/thread.py", 81, "_worker"),),
}


@pytest.mark.parametrize("frames", IDLE.values(), ids=IDLE)
def test_a_thread_without_a_task_is_only_counted(frames: tuple[Frame, ...]) -> None:
    idle = Thread("a-thread-1", 5, 6, False, (frames,))
    assert lines(POOL, idle)[2:] == ["(and 1 idle thread)"]
    assert lines(replace(idle, current=True))[0].startswith('thread "a-thread-1"')


def test_a_pool_thread_with_a_task_is_shown() -> None:
    worker = PythonFrame("/usr/lib/python3.11/concurrent/futures/thread.py", 58, "run")
    busy = Thread("a-thread-1", 5, 6, False, ((worker, *IDLE["a Python pool's"]),))
    assert lines(busy)[0].startswith('thread "a-thread-1"')
