from __future__ import annotations

from dataclasses import replace
from typing import Final

import pytest

from pytest_foreignthread.model.outcomes import Phase
from pytest_foreignthread.model.stacks import (
    Awaited,
    Frame,
    Gil,
    JavaFrame,
    NativeFrame,
    NativeThread,
    PythonFrame,
    Thread,
    Wait,
)

from .sample_cases import FOREIGN, LIBPYTHON, MAIN, RUN, TEST, THUNK, code, crashed, evidence_of, fatal, seen, thread

MODES: Final = "/lib/pytest_foreignthread/child/foreign_calls.py"
THREADING: Final = PythonFrame("/usr/lib/python3.11/threading.py", 331, "wait")
FOR_BODY: Final = thread(THREADING, PythonFrame(MODES, 55, "call"), name="MainThread", ident=MAIN, current=False)
LATE: Final = thread(THUNK, RUN)
GOES_ON: Final = PythonFrame(TEST, 40, "go_on")


def c(*functions: str, library: str = LIBPYTHON) -> tuple[Frame, ...]:
    return tuple(NativeFrame(library, name, "") for name in functions)


FINALIZER: Final = thread(
    NativeFrame("libjvm.so", "JavaCalls::call_helper(JavaValue*)", ""),
    name="Finalizer",
    native_id=12,
    ident=None,
    current=False,
)
SEEN: Final = (seen(7), seen(11))


TAKES: Final = (*c("pthread_cond_timedwait@@GLIBC_2.3.2", library="libc.so.6"), *c("PyCOND_TIMEDWAIT", "take_gil"))
NAMELESS: Final = NativeFrame("python3.11", None, "")
IN_LOOP: Final = (*TAKES, *c("eval_frame_handle_pending"))
# The way from Java's thread to the body.
ENTRY: Final = (
    PythonFrame("/lib/pytest_foreignthread/child/callback.py", 74, "__call__"),
    *c("x", library="_jpype.so"),
)


def caller(
    *top: Frame, wait: Awaited | None = None, gil: Gil | None = Gil.WAITS, below: tuple[Frame, ...] = ()
) -> Thread:
    """Return the body's thread; `top` are C frames newer than Python's, `below` are frames older than `GOES_ON`."""
    waits = () if wait is None else (Wait(wait, "something"),)
    frames = (*(top or IN_LOOP), GOES_ON, *below, *ENTRY)
    return thread(*frames, name="foreign-1", native_id=11, ident=FOREIGN, current=False, waits=waits, gil=gil)


def late(*threads: Thread, phase: Phase = Phase.CALL, native: tuple[NativeThread, ...] = SEEN) -> str | None:
    error = fatal(NativeFrame("libc.so.6", None, "+0x156219"))
    return code(crashed(*threads, phase=phase, fatal_error=error, native_threads=native))


NATIVE_ENTRY: Final = PythonFrame("/lib/pytest_foreignthread/child/native/native_pool.py", 160, "_serve")
BOOTSTRAP: Final = PythonFrame("/usr/lib/python3.11/threading.py", 1002, "_bootstrap")


@pytest.mark.parametrize(
    ("crashing", "expected"),
    [
        (LATE, "late-callback"),
        (thread(PythonFrame(TEST, 10, "thunk"), RUN), "late-callback"),
        (thread(PythonFrame(TEST, 30, "thunk"), RUN), "late-callback"),
        (thread(PythonFrame(TEST, None, "thunk"), RUN), None),
        # It is no part of the test, which reaches from line 10 to 30.
        (thread(PythonFrame(TEST, 9, "fixture"), RUN), None),
        (thread(PythonFrame(TEST, 31, "other_test"), RUN), None),
        (thread(PythonFrame("/project/bridge.py", 15, "thunk"), RUN), None),
        # Python made the thread; or no Python ran on it.
        (thread(THUNK, BOOTSTRAP), None),
        (thread(RUN), None),
        # The body had run on it: a pool gives its threads to other callbacks.
        (replace(LATE, python_id=FOREIGN), "late-callback"),
        (thread(THUNK, NATIVE_ENTRY), "late-callback"),
    ],
)
def test_a_callback_after_the_test(crashing: Thread, expected: str | None) -> None:
    assert late(crashing, phase=Phase.TEARDOWN, native=()) == expected
    assert late(crashing, native=()) is None


def test_the_body_is_not_late_if_python_wrote_no_dump() -> None:
    """The test may have disabled faulthandler: then only pystack tells of the thread, by its kernel id."""
    going_on = (*IN_LOOP, PythonFrame(TEST, 40, "go_on"))
    main = thread(*going_on, name="MainThread", native_id=10, ident=None, current=False, gil=Gil.WAITS)
    assert late(thread(THUNK, NATIVE_ENTRY, native_id=11, ident=None), main, native=SEEN) is None
    assert late(thread(THUNK, NATIVE_ENTRY, native_id=12, ident=None), main, native=SEEN) == "late-callback"


@pytest.mark.parametrize(
    ("others", "expected"),
    [
        ([caller()], "late-callback"),
        ([caller(), FOR_BODY, FINALIZER], "late-callback"),
        ([caller(), thread(name="unseen", ident=None, current=False)], "late-callback"),
        # From Python 3.12 on pystack hides the loop's own function.
        ([caller(*TAKES)], "late-callback"),
        ([caller(wait=Awaited.GIL)], "late-callback"),
        ([caller(*c("list_sort"), gil=Gil.HOLDS)], "late-callback"),
        ([caller(below=c("thread_run"))], "late-callback"),
        # It may poll: it sleeps, or has slept; it waits for a descriptor, or in a way that has no name.
        ([caller(*c("clock_nanosleep", library="libc.so.6"), *c("time_sleep"), gil=None)], None),
        ([caller(*TAKES, *c("pysleep", "time_sleep"))], None),
        ([caller(*c("__select", library="libc.so.6"), *c("select_select_impl", library="select.so"), gil=None)], None),
        ([caller(*c("syscall", library="libc.so.6"), *c("wait", library="libmine.so"), gil=None)], None),
        ([caller(*c("new_threadstate"), gil=None)], None),
        # Without symbols a call has one frame more than the loop.
        ([caller(*TAKES[:1], NAMELESS)], "late-callback"),
        ([caller(*TAKES[:1], NAMELESS, NAMELESS)], None),
        ([caller(*TAKES[:1])], None),
        # It is in a call of a library, which may have submitted the callback: also one that keeps the GIL, that wants
        # it back, or that has called Python.
        ([caller(*c("submit", library="libmine.so"), gil=Gil.HOLDS)], None),
        ([caller(*TAKES, *c("PyGILState_Ensure"), *c("execute", library="_duckdb.so"))], None),
        ([caller(below=c("execute", library="_duckdb.so"))], None),
        ([caller(below=(JavaFrame("com.acme.Pool.submit", None, None),))], None),
        ([replace(caller(), apart="the thread moved")], None),
        # Nothing is known of any other thread.
        ([], None),
        ([FOR_BODY], None),
        # It may wait for the callback: for its future, for a lock, in Java or in C.
        *(([caller(wait=kind)], None) for kind in Awaited if kind is not Awaited.GIL),
        ([caller(*c("park", "JavaCalls::call_helper(JavaValue*)", library="libjvm.so"), gil=None)], None),
        ([caller(*c("sem_wait@@GLIBC_2.2.5", library="libc.so.6"), gil=None)], None),
        ([caller(), caller(wait=Awaited.FUTURE)], None),
    ],
)
def test_a_callback_for_which_nobody_waits(others: list[Thread], expected: str | None) -> None:
    assert late(LATE, *others) == expected
    assert late(LATE, *others, native=()) is None
    assert late(replace(LATE, python_id=FOREIGN), *others) is None
    assert late(thread(RUN), *others) is None


def test_a_callback_of_which_less_is_known() -> None:
    case = crashed(replace(LATE, python_id=None), phase=Phase.TEARDOWN)
    assert code(case) == code(replace(case, mode="main")) == "late-callback"
    assert code(replace(case, body=None)) is None
    assert late(phase=Phase.TEARDOWN) is None


def test_where_the_others_are() -> None:
    assert evidence_of(crashed(LATE, caller(), FOR_BODY, native_threads=SEEN)) == (
        'no thread waits for it: "foreign-1" is in go_on (test_bridge.py:40)',
    )


def test_the_main_thread_waits_for_the_callback_of_a_test_on_it() -> None:
    """`foreign_thread.call` in the mode `main`: it waits in the same place as for a body."""
    error = fatal(NativeFrame("libc.so.6", None, "+0x1"))
    case = crashed(LATE, caller(), FOR_BODY, fatal_error=error, native_threads=SEEN)
    assert (code(case), code(replace(case, mode="main"))) == ("late-callback", None)
