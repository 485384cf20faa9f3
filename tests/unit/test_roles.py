"""What a thread is there for."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from pytest_foreignthread.model.roles import (
    awaits_the_body,
    is_at_rest,
    is_idle,
    is_java_born,
    is_python_born,
    is_service,
    is_worker,
    waiting_call,
)
from pytest_foreignthread.model.stacks import (
    END_IN_C,
    MUTEX_IN_C,
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

from .sample_records import BOOTSTRAP, CALLBACK, JAVA_RUN, THUNK

START = PythonFrame("/usr/bin/pytest", 8, "<module>")
MAIN_METHOD = JavaFrame("jdk.proxy2.$Proxy6.run", None, None)
VIRTUAL = JavaFrame("java.lang.VirtualThread.run", "VirtualThread.java", 309)
EVENT_WAIT = PythonFrame("/lib/python3.11/threading.py", 629, "wait")
MODE_CALL = PythonFrame("/site-packages/pytest_foreignthread/child/foreign_calls.py", 60, "call")


def java(function: str) -> JavaFrame:
    return JavaFrame(f"java.util.concurrent.{function}", None, None)


def thread(*stack: Frame, name: str | None = "pool-1-thread-1", **fields: Any) -> Thread:
    return Thread(**{"name": name, "native_id": 4300, "python_id": 31, "current": False, "stacks": (stack,), **fields})


BORN: dict[str, tuple[Thread, bool, bool]] = {
    "a pool's thread": (thread(THUNK, JAVA_RUN), True, False),
    "without Java's frames": (thread(THUNK, CALLBACK), True, False),
    "a thread that Java alone knows": (thread(java_state="RUNNABLE"), True, False),
    "JDK 19 and later": (thread(JavaFrame("java.lang.Thread.runWith", None, None)), True, False),
    "a virtual thread": (thread(THUNK, VIRTUAL, native_id=None), True, False),
    "of the common pool": (thread(THUNK, java("ForkJoinWorkerThread.run")), True, False),
    "the main thread": (thread(THUNK, MAIN_METHOD, START, name="MainThread"), False, True),
    "the main thread, known to Java": (thread(START, name="MainThread", java_state="RUNNABLE"), False, True),
    "the main thread, called back": (thread(CALLBACK, MAIN_METHOD, START, name="MainThread"), False, True),
    "a thread of Python's": (thread(THUNK, BOOTSTRAP), False, True),
    "a thread of Python's with a call into Java": (thread(MAIN_METHOD, THUNK, BOOTSTRAP), False, True),
    "a thread of Python's, known to Java": (thread(THUNK, BOOTSTRAP, java_state="RUNNABLE"), False, True),
    "a thread of C's": (thread(THUNK), False, False),
    "nothing known": (thread(name=None), False, False),
}


@pytest.mark.parametrize(("one", "by_java", "by_python"), BORN.values(), ids=BORN)
def test_who_made_a_thread(one: Thread, by_java: bool, by_python: bool) -> None:
    assert (is_java_born(one), is_python_born(one)) == (by_java, by_python)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        *(
            (name, True)
            for name in (
                "Finalizer",
                "C2 CompilerThread0",
                "GC Thread#3",
                "G1 Conc#0",
                "Common-Cleaner",
                "Training replay thread",
            )
        ),
        *((name, False) for name in ("main", "My Finalizer", "GC Thread of mine", "C3 CompilerThread0", "", None)),
    ],
)
def test_is_service(name: str | None, expected: bool) -> None:
    assert is_service(thread(name=name)) is expected


CONDITION = Wait(Awaited.SYNCHRONIZER, "AbstractQueuedSynchronizer$ConditionObject <0x1>")
MONITOR = Wait(Awaited.MONITOR, "the monitor of Object <0x1>")
REST: dict[str, tuple[Thread, bool]] = {
    "a pool's thread without a task": (thread(java("ThreadPoolExecutor.getTask"), JAVA_RUN), True),
    "one of a fork-join pool": (thread(java("ForkJoinPool.awaitWork")), True),
    "one with a task": (thread(java("ThreadPoolExecutor.runWorker"), JAVA_RUN), False),
    "a service thread": (thread(name="Finalizer"), True),
    "a service thread that waits for work": (thread(name="Common-Cleaner", waits=(CONDITION,)), True),
    "another thread with such a wait": (thread(waits=(CONDITION,)), False),
    "a service thread that waits for a monitor": (thread(name="Finalizer", waits=(MONITOR,)), False),
    "a service thread with the GIL": (thread(name="Python Reference Queue", gil=Gil.HOLDS), False),
}


@pytest.mark.parametrize(("one", "expected"), REST.values(), ids=REST)
def test_is_at_rest(one: Thread, expected: bool) -> None:
    assert is_at_rest(one) is expected


@pytest.mark.parametrize(
    ("function", "expected"),
    [("ThreadPoolExecutor.runWorker", True), ("ForkJoinPool.runWorker", True), ("FutureTask.run", False)],
)
def test_is_worker(function: str, expected: bool) -> None:
    assert is_worker(thread(THUNK, java(function), JAVA_RUN)) is expected


LAUNCHER = PythonFrame("/site-packages/pytest_foreignthread/child/launchers.py", 60, "launch")
BODY: dict[str, tuple[Thread, bool]] = {
    "waits": (thread(EVENT_WAIT, EVENT_WAIT, MODE_CALL, name="MainThread"), True),
    "has not come back from the launch": (thread(EVENT_WAIT, LAUNCHER, MODE_CALL, name="MainThread"), True),
    "has a name of its own": (thread(EVENT_WAIT, MODE_CALL), False),
    "is what the outcome is about": (thread(EVENT_WAIT, MODE_CALL, name="MainThread", current=True), False),
    "waits for the test's own thread": (thread(EVENT_WAIT, THUNK, MODE_CALL, name="MainThread"), False),
    "waits before the body": (thread(EVENT_WAIT, START, name="MainThread"), False),
    "shows no frames": (thread(name="MainThread"), False),
}


@pytest.mark.parametrize(("one", "expected"), BODY.values(), ids=BODY)
def test_awaits_the_body(one: Thread, expected: bool) -> None:
    assert awaits_the_body(one) is expected


OWN_WAIT = PythonFrame("/site-packages/pytest_foreignthread/child/foreign_calls.py", 140, "_has_ended")
BODY_CALL = replace(MODE_CALL, function="ForeignThread.call_body")
TESTS_WAIT = PythonFrame("/project/test_bridge.py", 9, "wait")


@pytest.mark.parametrize(
    ("frames", "place"),
    [
        ((EVENT_WAIT, MODE_CALL, THUNK), 1),
        ((EVENT_WAIT, EVENT_WAIT, MODE_CALL), 2),
        ((OWN_WAIT, MODE_CALL, THUNK), 1),
        ((EVENT_WAIT, replace(MODE_CALL, function="ForeignThread._result"), BODY_CALL, THUNK), 2),
        ((MODE_CALL,), 0),
        # The thread runs the callback itself, as in modes `main` and `same`, or waits in the test's own code.
        ((THUNK, MODE_CALL), None),
        ((EVENT_WAIT, TESTS_WAIT, MODE_CALL), None),
        ((EVENT_WAIT, OWN_WAIT), None),
        ((), None),
    ],
)
def test_waiting_call(frames: tuple[PythonFrame, ...], place: int | None) -> None:
    assert waiting_call(frames) == place


C_FRAMES = (NativeFrame("libc.so.6", "futex_wait", ""), NativeFrame("libblas.so", "worker", ""))


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        (thread(*C_FRAMES), True),
        (replace(thread(*C_FRAMES), waits=(Wait(Awaited.NATIVE, "a condition (in C)"),)), True),
        (replace(thread(*C_FRAMES), waits=(Wait(Awaited.NATIVE, MUTEX_IN_C),)), False),
        (replace(thread(*C_FRAMES), waits=(Wait(Awaited.NATIVE, END_IN_C),)), False),
        (replace(thread(*C_FRAMES), motion=Motion.RUNNING), False),
        (replace(thread(*C_FRAMES), gil=Gil.WAITS), False),
        (thread(*C_FRAMES, THUNK), False),
    ],
)
def test_a_thread_of_c_that_a_report_can_leave_out(one: Thread, expected: bool) -> None:
    assert is_idle(one) is expected
