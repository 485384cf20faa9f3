"""The line in pytest's short test summary."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_foreignthread.model.outcomes import Outcome
from pytest_foreignthread.model.records import Evidence, Place, RunRecord
from pytest_foreignthread.model.stacks import NativeFrame
from pytest_foreignthread.report.text import summary

from .sample_records import BOOTSTRAP, CRASHED, FATAL, FRAME, HANG, LATE, NULL, PLAIN, SEGFAULT, THUNK, on


def seen_by_pystack(function: str, library: str) -> Evidence:
    crashed = replace(CRASHED, stacks=((NativeFrame(library, function, ""), THUNK),))
    fatal = replace(FATAL, problematic_frame="C  [libc.so.6+0x156219]")
    return Evidence(fatal_error=fatal, threads=(crashed,))


UNDIAGNOSED = replace(SEGFAULT, diagnosis=None)
NEAR_NULL = ", address 0x10 (null pointer, 16 bytes on)"
SUMMARIES = {
    "segfault": (UNDIAGNOSED, f'SIGSEGV in _PyEval_EvalFrameDefault{NEAR_NULL} on Java thread "pool-1-thread-1"'),
    "segfault, named by pystack": (
        replace(UNDIAGNOSED, evidence=seen_by_pystack("strlen", "libc.so.6")),
        f'SIGSEGV in strlen (libc.so.6){NEAR_NULL} on thread "pool-1-thread-1"',
    ),
    "segfault, elsewhere by pystack": (
        replace(UNDIAGNOSED, evidence=seen_by_pystack("nap", "libffi.so.8")),
        f'SIGSEGV in libc.so.6+0x156219{NEAR_NULL} on thread "pool-1-thread-1"',
    ),
    "segfault without a JVM": (
        replace(UNDIAGNOSED, evidence=on(THUNK, BOOTSTRAP)),
        'SIGSEGV in thunk (test_bridge.py:12) on Python thread "worker"',
    ),
    "segfault, no evidence": (replace(UNDIAGNOSED, evidence=Evidence()), "SIGSEGV in call"),
    "hang": (HANG, "timed out after 5 s"),
    "hang, no message": (replace(HANG, message="", duration=5.0), "timed out after 5 s in call"),
    "null result": (
        replace(NULL, message="f returned NULL\nwithout setting an exception"),
        "f returned NULL without setting an exception",
    ),
    "exit": (replace(PLAIN, exit_code=0), "exited with status 0 in teardown"),
    "kill": (replace(PLAIN, signal="SIGKILL", message="killed by SIGKILL"), "killed by SIGKILL in teardown"),
    "fatal Python error": (
        replace(PLAIN, signal="SIGABRT", evidence=Evidence(fatal_python_error="Fatal Python error: no GIL")),
        "killed by SIGABRT in teardown: Fatal Python error: no GIL",
    ),
    "a signal that was sent": (
        replace(
            PLAIN,
            signal="SIGFPE",
            evidence=Evidence(
                fatal_error=replace(FATAL, signal="SIGFPE", held=True, sent=True),
                fatal_python_error="Fatal Python error: Floating point exception",
            ),
        ),
        "killed by SIGFPE in teardown: sent by kill() or raise()",
    ),
    "ordinary": (replace(PLAIN, outcome=Outcome.FAILED, message="assert 1 == 2"), "assert 1 == 2"),
}


@pytest.mark.parametrize(("record", "line"), SUMMARIES.values(), ids=SUMMARIES)
def test_summary_and_the_diagnosis_before_it(record: RunRecord, line: str) -> None:
    assert summary(record) == line
    assert summary(replace(record, diagnosis=LATE)) == f"late-callback: {line}"
    at = Place("tests/test_bridge.py", 12, "queue.put(answer)")
    assert summary(replace(record, at=at)) == f"tests/test_bridge.py:12: {line}"
    assert summary(replace(record, at=at, diagnosis=LATE)) == f"late-callback: tests/test_bridge.py:12: {line}"


FRAMES = {
    FRAME: "_PyEval_EvalFrameDefault",
    "C  [libc.so.6+0x91]": "libc.so.6+0x91",
    "V  [libjvm.so+0x8ee]  Unsafe_PutInt(JNIEnv_*, _jobject*, long, int)+0xae": (
        "Unsafe_PutInt(JNIEnv_*, _jobject*, long, int)"
    ),
    "j  java.lang.Object.wait0(J)V+0 java.base@25.0.2": "java.lang.Object.wait0",
    "J 180% c2 a.B.spin()I (60 bytes) @ 0x00007f [0x00007f+0x1]": "a.B.spin",
    "J 7  sun.misc.Unsafe.putAddress(JJ)V (0 bytes) @ 0x00007f": "sun.misc.Unsafe.putAddress",
    "v  ~StubRoutines::call_stub 0x00007fc7dcd38fa6": "v ~StubRoutines::call_stub 0x00007fc7dcd38fa6",
}


@pytest.mark.parametrize(("frame", "function"), FRAMES.items())
def test_summary_names_the_function_of_each_kind_of_frame(frame: str, function: str) -> None:
    evidence = Evidence(fatal_error=replace(FATAL, problematic_frame=frame))
    assert summary(replace(UNDIAGNOSED, evidence=evidence)) == f"SIGSEGV in {function}{NEAR_NULL}"


@pytest.mark.parametrize("outcome", Outcome)
def test_every_outcome_has_a_summary_of_one_line(outcome: Outcome) -> None:
    line = summary(replace(PLAIN, outcome=outcome))
    assert line
    assert line.splitlines() == [line]
