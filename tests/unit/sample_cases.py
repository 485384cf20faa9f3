"""Cases of a child that died, as the rules of `diagnose` get them."""

from __future__ import annotations

from typing import Any, Final

from pytest_foreignthread.diagnosis import diagnose
from pytest_foreignthread.diagnosis.case import Case
from pytest_foreignthread.model.observation import End, EndedBy, Observation, PhaseStarted, Signaled, ThreadNamed
from pytest_foreignthread.model.outcomes import Outcome, Phase
from pytest_foreignthread.model.records import Evidence
from pytest_foreignthread.model.stacks import (
    FatalError,
    Frame,
    JavaFrame,
    NativeFrame,
    NativeThread,
    PythonFrame,
    Thread,
)

TEST: Final = "/project/test_bridge.py"
BODY: Final = PythonFrame(TEST, 12, "test_bridge")
THUNK: Final = PythonFrame(TEST, 15, "thunk")
RUN: Final = JavaFrame("java.lang.Thread.run", "Thread.java", 840)
LIBPYTHON: Final = "libpython3.11.so.1.0"
LOOKUP: Final = NativeFrame(LIBPYTHON, "_PyType_Lookup", "+0x3b")
MAIN, FOREIGN = 1, 2
"""Python's ids of the main thread and of the one on which the test runs."""


def code(case: Case) -> str | None:
    diagnosis = diagnose(case)
    return None if diagnosis is None else diagnosis.code


def evidence_of(case: Case) -> tuple[str, ...]:
    diagnosis = diagnose(case)
    assert diagnosis is not None
    return diagnosis.evidence


POOL: Final = "pool-1-thread-1"
ABORTED: Final = Signaled(6)


def fatal(*frames: NativeFrame, message: str = "SIGSEGV (0xb)", **more: Any) -> FatalError:
    of_java = {"thread": POOL, "stack": (0x7000_0000, 0x7010_0000), "address": "0x10", **more}
    return FatalError(
        signal="SIGSEGV", problematic_frame=None, message=message, jvm=None, native_id=7, native_frames=frames,
        java_frames=(), **of_java,
    )  # fmt: skip


def thread(*frames: Frame, name: str | None = POOL, native_id: int = 7, ident: int | None = 3, **more: Any) -> Thread:
    return Thread(name, native_id, ident, more.pop("current", True), (frames,) if frames else (), **more)


def seen(native_id: int, name: str = POOL) -> NativeThread:
    return NativeThread(native_id, name, None, ())


def crashed(
    *threads: Thread,
    outcome: Outcome = Outcome.SEGFAULT,
    phase: Phase = Phase.CALL,
    signal: str | None = "SIGSEGV",
    end: End = ABORTED,
    exit_code: int | None = None,
    oom_kills: int = 0,
    jvm: bool = True,
    **more: Any,
) -> Case:
    """Return the case of a child that died while a test ran on the thread FOREIGN; without a JVM, on the main one."""
    messages = (
        PhaseStarted(Phase.SETUP),
        ThreadNamed(MAIN, 10, "MainThread"),
        PhaseStarted(Phase.CALL),
        ThreadNamed(FOREIGN, 11, "foreign-1"),
    )
    observed = Observation(messages, end, EndedBy.ITSELF, phase, 1.0, 1.0, 5.0, oom_kills=oom_kills)
    body = (TEST, 10, 30)
    mode = "new" if jvm else "main"
    return Case(outcome, phase, signal, exit_code, Evidence(threads=threads, **more), observed, mode, body, jvm)
