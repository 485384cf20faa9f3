from __future__ import annotations

from dataclasses import replace
from typing import Final

import pytest

from pytest_foreignthread.model.outcomes import Phase
from pytest_foreignthread.model.stacks import Awaited, Frame, Gil, NativeFrame, NativeThread, PythonFrame, Thread, Wait

from .sample_cases import FOREIGN, MAIN, RUN, TEST, THUNK, code, crashed, evidence_of, fatal, seen, thread

MODES: Final = "/lib/pytest_foreignthread/child/foreign_calls.py"
THREADING: Final = PythonFrame("/usr/lib/python3.11/threading.py", 331, "wait")
FOR_BODY: Final = thread(THREADING, PythonFrame(MODES, 55, "call"), name="MainThread", ident=MAIN, current=False)
LATE: Final = thread(THUNK, RUN)
INTO_JAVA: Final = "JavaCalls::call_helper(JavaValue*)"
GOES_ON: Final = PythonFrame(TEST, 40, "go_on")
FINALIZER: Final = thread(
    NativeFrame("libjvm.so", INTO_JAVA, ""), name="Finalizer", native_id=12, ident=None, current=False
)
SEEN: Final = (seen(7), seen(11))


def caller(*top: str, wait: Awaited | None = None, gil: Gil | None = None) -> Thread:
    """Return the body's thread; `top` are C frames newer than Python's."""
    frames: tuple[Frame, ...] = (*(NativeFrame("libjvm.so", name, "") for name in top), GOES_ON)
    waits = () if wait is None else (Wait(wait, "something"),)
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
    main = thread(PythonFrame(TEST, 40, "wait"), name="MainThread", native_id=10, ident=None, current=False)
    assert late(thread(THUNK, NATIVE_ENTRY, native_id=11, ident=None), main, native=SEEN) is None
    assert late(thread(THUNK, NATIVE_ENTRY, native_id=12, ident=None), main, native=SEEN) == "late-callback"


@pytest.mark.parametrize(
    ("others", "expected"),
    [
        ([caller()], "late-callback"),
        ([caller(), FOR_BODY, FINALIZER], "late-callback"),
        ([caller(), thread(name="unseen", ident=None, current=False)], "late-callback"),
        ([caller("clock_nanosleep")], "late-callback"),
        # It waits for the GIL, which the callback has.
        ([caller("pthread_cond_timedwait", "take_gil", wait=Awaited.GIL, gil=Gil.WAITS)], "late-callback"),
        # Nothing is known of any other thread.
        ([], None),
        ([FOR_BODY], None),
        # It may wait for the callback: for its future, for a lock, in Java or in C.
        *(([caller(wait=kind)], None) for kind in Awaited if kind is not Awaited.GIL),
        ([caller("park", INTO_JAVA, "jni_CallObjectMethod")], None),
        ([caller("sem_wait@@GLIBC_2.2.5")], None),
        ([caller("__pthread_clockjoin_ex")], None),
        ([caller("pthread_cond_wait@@GLIBC_2.3.2", "wait_for_callback")], None),
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
    assert evidence_of(crashed(LATE, caller("clock_nanosleep"), FOR_BODY, native_threads=SEEN)) == (
        'no thread waits for it: "foreign-1" is in go_on (test_bridge.py:40)',
    )


def test_a_call_of_java_below_python_is_no_wait() -> None:
    called = replace(caller(), stacks=((*caller().frames, NativeFrame("libjvm.so", INTO_JAVA, "")),))
    assert late(LATE, called) == "late-callback"


def test_the_main_thread_waits_for_the_callback_of_a_test_on_it() -> None:
    """`foreign_thread.call` in the mode `main`: it waits in the same place as for a body."""
    error = fatal(NativeFrame("libc.so.6", None, "+0x1"))
    case = crashed(LATE, caller(), FOR_BODY, fatal_error=error, native_threads=SEEN)
    assert (code(case), code(replace(case, mode="main"))) == ("late-callback", None)
