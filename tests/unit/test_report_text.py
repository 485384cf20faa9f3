"""The failure text: what is told, in which order, and how wide."""

from __future__ import annotations

import shlex
from dataclasses import replace
from typing import Any, Final

import pytest

from pytest_foreignthread.model.observation import ENDED_BY_ITSELF
from pytest_foreignthread.model.outcomes import ABNORMAL, Outcome
from pytest_foreignthread.model.records import Diagnosis, Evidence, Place, RunRecord
from pytest_foreignthread.model.stacks import Awaited, Motion, NativeThread, PythonFrame, Thread, Wait
from pytest_foreignthread.report.text import Layout, diagnosis_lines, render, summary, tail

from .sample_records import (
    BOOTSTRAP,
    CALLBACK,
    CRASHED,
    FATAL,
    FRAME,
    HANG,
    JAVA_RUN,
    MAIN,
    NULL,
    PLAIN,
    SEGFAULT,
    THUNK,
    on,
)


def test_a_segfault_from_head_to_command() -> None:
    record = replace(SEGFAULT, at=Place("tests/test_bridge.py", 12, "queue.put(answer)"))
    assert render(record).splitlines() == [
        'segfault on Java thread "pool-1-thread-1" in call, after 0.31 s',
        "at: tests/test_bridge.py:12: queue.put(answer)",
        "SIGSEGV at address 0x10 (null pointer, 16 bytes on)",
        f"problematic frame: {FRAME}",
        "diagnosis: late-callback: the callback came late",
        "  - thunk is part of the test",
        "  - it had left",
        "  help: wait for it",
        "  more: pytest --foreign-thread-explain=late-callback",
        'thread "pool-1-thread-1" (native id 4247): crashed',
        "  (C)      _PyEval_EvalFrameDefault+0x3b (libpython3.11.so.1.0)",
        '  (Python) File "/project/test_bridge.py", line 12, in thunk',
        "  (Java)   at java.lang.Thread.run(Thread.java:840)",
        'thread "MainThread" (native id 4236)',
        '  (Python) File "/project/test_bridge.py", line 40, in wait',
        "not available: java_dump: the JVM did not answer in 2 s",
        "note: 1 process outlived the child and was ended",
        "documents in /kept/a",
        "rerun: pytest 'tests/test_bridge.py::test_late[pool]'",
    ]


def test_a_place_whose_source_cannot_be_read() -> None:
    record = replace(SEGFAULT, at=Place("tests/test_bridge.py", 12, ""))
    assert render(record).splitlines()[1] == "at: tests/test_bridge.py:12"


ADDRESSES: Final = {
    "0x0000000000000000": "SIGSEGV at address 0 (null pointer)",
    "0x0000000000000fff": "SIGSEGV at address 0xfff (null pointer, 4095 bytes on)",
    "0x0000000000001000": "SIGSEGV at address 0x1000",
    "0x00007f0000000ff8": "SIGSEGV at address 0x7f0000000ff8 (the end of the thread's stack)",
    "0x00007efffffff000": "SIGSEGV at address 0x7efffffff000 (the end of the thread's stack)",
    "0x00007f0000080000": "SIGSEGV at address 0x7f0000080000",
    "odd": "SIGSEGV",
    None: "SIGSEGV",
}


@pytest.mark.parametrize(("address", "line"), ADDRESSES.items())
def test_the_address_of_a_fault_and_what_it_says(address: str | None, line: str) -> None:
    fatal = replace(FATAL, address=address, stack=(0x7F0000000000, 0x7F0000100000))
    record = replace(SEGFAULT, evidence=Evidence(fatal_error=fatal))
    assert render(record).splitlines()[1] == line
    words = line.partition(" at ")[2]
    assert (f", {words}" in summary(record)) == words.endswith(")")


def test_a_signal_that_was_sent_is_no_fault() -> None:
    """Its address would be that of a process and a user; checkers of memory tell nothing of it."""
    record = replace(SEGFAULT, evidence=Evidence(fatal_error=replace(FATAL, sent=True)), diagnosis=None)
    assert render(record).splitlines()[1] == "SIGSEGV, sent by kill() or raise()"
    assert ", sent by kill() or raise()" in summary(record)
    assert "--foreign-thread-check" not in render(record)


def test_a_fault_of_which_the_kernel_names_no_address() -> None:
    record = replace(SEGFAULT, evidence=Evidence(fatal_error=replace(FATAL, address=None, registers=(0,))))
    assert render(record).splitlines()[1] == "SIGSEGV at address unknown (no memory can have it)"
    assert ", address unknown (no memory can have it)" in summary(record)


IDLE: Final = replace(MAIN, name="Finalizer", stacks=((JAVA_RUN,),))
WAITS: Final = replace(
    CRASHED,
    stacks=((BOOTSTRAP,),),
    motion=Motion.STILL,
    waits=(Wait(Awaited.PYTHON_LOCK, "an item of a queue"),),
)
OF_JAVA: Final = replace(WAITS, waits=(), java_state="WAITING (on object monitor)")
ENDS: Final = "the code that should end the wait"
ANOTHER: Final = replace(MAIN, name="worker")


def waiting(thread: Thread, *others: Thread, **more: Any) -> RunRecord:
    return replace(HANG, mode="main", evidence=Evidence(threads=(thread, *others), **{"looks": 3, **more}))


OF_PLUGIN: Final = "/site-packages/pytest_foreignthread/child/"
CALL: Final = PythonFrame(f"{OF_PLUGIN}foreign_calls.py", 60, "call_body")
CALLS: Final = replace(
    WAITS,
    name="MainThread",
    stacks=((PythonFrame("/usr/lib/python3.11/threading.py", 331, "wait"), CALL),),
    waits=(Wait(Awaited.FUTURE, "a concurrent.futures.Future"),),
)
IN_LAUNCHER: Final = replace(CALLS, stacks=((PythonFrame(f"{OF_PLUGIN}launchers.py", 66, "launch"), CALL),))
C_FRAMES: Final = ["--foreign-thread-native=auto"]
STEPS: Final = {
    "a wait that no thread is left to end": (waiting(WAITS), [f"{ENDS} for an item of a queue"]),
    "beside a thread at rest": (waiting(WAITS, IDLE), [f"{ENDS} for an item of a queue"]),
    "a wait for a notify of Java's": (waiting(OF_JAVA), [ENDS]),
    "without Java's threads": (
        replace(waiting(WAITS, missing={"java_dump": "no JVM was running"}), jvm=False),
        [f"{ENDS} for an item of a queue"],
    ),
    # Another thread may end the wait, or not all are known; or it ends by itself.
    "a wait beside another thread": (waiting(WAITS, ANOTHER), C_FRAMES),
    "a wait beside unknown threads of Java": (
        waiting(WAITS, missing={"java_dump": "the JVM did not answer"}),
        C_FRAMES,
    ),
    "a wait beside unknown threads of Python": (waiting(WAITS, missing={"python_hang": "it did not answer"}), C_FRAMES),
    "a wait for the GIL": (waiting(replace(WAITS, waits=(Wait(Awaited.GIL, "the GIL"),))), C_FRAMES),
    "a wait in C": (waiting(replace(WAITS, waits=(Wait(Awaited.NATIVE, "a semaphore (in C)"),))), C_FRAMES),
    "a sleep of Java's": (waiting(replace(OF_JAVA, java_state="TIMED_WAITING (sleeping)")), C_FRAMES),
    "a sleep of Python's": (waiting(replace(WAITS, waits=())), C_FRAMES),
    "a segfault with a JVM": (
        replace(SEGFAULT, diagnosis=None),
        ["--foreign-thread-check=malloc", "--foreign-thread-check=jni", "--foreign-thread-modes=main,pool"],
    ),
    "a crash whose control has run": (
        replace(SEGFAULT, diagnosis=None, control_alone=Outcome.PASSED),
        ["--foreign-thread-check=malloc", "--foreign-thread-check=jni"],
    ),
    "without": (replace(SEGFAULT, diagnosis=None, jvm=False, mode="main"), ["--foreign-thread-check=malloc"]),
    "a segfault of which nothing was written": (
        replace(SEGFAULT, diagnosis=None, evidence=Evidence(), jvm=False, mode="main"),
        ["a larger stack for the threads that libraries make (ulimit -s 65536, before pytest starts)"],
    ),
    "an abort of which nothing was written": (
        replace(SEGFAULT, diagnosis=None, evidence=Evidence(), jvm=False, mode="main", signal="SIGABRT"),
        ["--foreign-thread-check=malloc"],
    ),
    "a bus error": (
        replace(SEGFAULT, diagnosis=None, signal="SIGBUS", jvm=False, mode="main"),
        ["the size and the file system (full?) of what is mapped"],
    ),
    "under checkers": (
        replace(SEGFAULT, diagnosis=None, mode="main", notes=("checkers: jni, malloc",)),
        [],
    ),
    "under one": (
        replace(SEGFAULT, diagnosis=None, mode="main", notes=("checkers: malloc, dev",)),
        ["--foreign-thread-check=jni"],
    ),
    "an exit": (replace(PLAIN, exit_code=3), ["--foreign-thread-modes=main,new"]),
    "a hang": (HANG, ["--foreign-thread-modes=main,pool"]),
    "a hang that moved": (
        replace(HANG, evidence=replace(HANG.evidence, threads=(replace(CRASHED, motion=Motion.MOVING),))),
        ["a higher --foreign-thread-timeout", "--foreign-thread-modes=main,pool"],
    ),
    "a launcher that forgot its argument": (
        replace(waiting(CALLS), mode="forgets"),
        ["the launcher of the mode 'forgets'", "--foreign-thread-modes=main,forgets"],
    ),
    "a launcher that does not return": (
        replace(waiting(IN_LAUNCHER), mode="forgets"),
        [f"{ENDS} for a concurrent.futures.Future", "--foreign-thread-modes=main,forgets"],
    ),
    "a hang that pystack saw": (
        replace(HANG, mode="main", evidence=replace(HANG.evidence, native_threads=(NativeThread(1, None, None, ()),))),
        ["--foreign-thread-native=locals"],
    ),
    "a hang of which pystack could tell nothing": (waiting(WAITS, ANOTHER, missing={"native": "no pystack"}), []),
    "a hang that a look ended": (
        replace(waiting(replace(WAITS, waits=())), notes=(ENDED_BY_ITSELF,)),
        ["a higher --foreign-thread-timeout", "--foreign-thread-modes=main,python"],
    ),
    "a hang elsewhere that ended during a look": (
        replace(waiting(replace(WAITS, waits=())), notes=(ENDED_BY_ITSELF,), mode="native"),
        ["a higher --foreign-thread-timeout", "--foreign-thread-modes=main,native"],
    ),
    "a signal that is no fault": (replace(PLAIN, mode="main", signal="SIGTERM"), ["who sends SIGTERM"]),
    "the end was not seen": (replace(PLAIN, mode="main"), []),
}


@pytest.mark.parametrize(("record", "steps"), STEPS.values(), ids=STEPS)
def test_without_a_diagnosis_there_is_something_to_try(record: RunRecord, steps: list[str]) -> None:
    lines = diagnosis_lines(record, 300)
    assert lines[0] == "diagnosis: none: what was found proves no known cause"
    tried = [line.removeprefix("  - try ").partition(": ")[0] for line in lines[1:-1]]
    assert [step.removesuffix(" in the environment") for step in tried] == steps
    assert lines[-1].endswith("--foreign-thread-explain=none")


def test_a_hang_says_how_it_moved() -> None:
    assert render(HANG).splitlines()[:4] == [
        'hang on Java thread "pool-1-thread-1" in call: timed out after 5 s',
        "it did not move (3 looks at its stack)",
        "diagnosis: none: what was found proves no known cause",
        "  - try --foreign-thread-modes=main,pool: if the test ends alike on the main",
    ]


def test_a_null_result_has_no_stacks_and_no_command() -> None:
    assert render(replace(NULL, diagnosis=SEGFAULT.diagnosis)).splitlines() == [
        "null_result in call, after 0.31 s",
        *diagnosis_lines(SEGFAULT),
        "documents in /kept/a",
    ]


def test_a_crash_without_evidence_is_head_and_command() -> None:
    record = replace(PLAIN, exit_code=3, message="exited with status 3 before its end")
    assert render(record).splitlines() == [
        "crash in teardown: exited with status 3, after 0.5 s",
        "diagnosis: none: what was found proves no known cause",
        "  - try --foreign-thread-modes=main,new: if the test ends alike on the main",
        "    thread, no foreign thread is the cause",
        "  more: pytest --foreign-thread-explain=none",
        "rerun: pytest 'tests/test_a.py::test_x'",
    ]


HEADS = {
    "exit status": (replace(PLAIN, exit_code=3), "crash in teardown: exited with status 3, after 0.5 s"),
    "signal": (replace(PLAIN, signal="SIGKILL"), "crash in teardown: killed by SIGKILL, after 0.5 s"),
    "lost child": (replace(PLAIN, message="no such child"), "crash in teardown: no such child, after 0.5 s"),
    "unseen end": (PLAIN, "crash in teardown: its end was not seen, after 0.5 s"),
    "hang": (
        replace(PLAIN, outcome=Outcome.HANG, message="timed out after 5 s"),
        "hang in teardown: timed out after 5 s",
    ),
    "hang without a message": (
        replace(PLAIN, outcome=Outcome.HANG, duration=5.0),
        "hang in teardown: timed out after 5 s",
    ),
    "segfault": (replace(PLAIN, outcome=Outcome.SEGFAULT), "segfault in teardown, after 0.5 s"),
    "a thread of Java's": (
        replace(PLAIN, outcome=Outcome.SEGFAULT, evidence=on(THUNK, JAVA_RUN)),
        'segfault on Java thread "worker" in teardown, after 0.5 s',
    ),
    "a thread of Java's, by its callback": (
        replace(PLAIN, outcome=Outcome.SEGFAULT, evidence=on(THUNK, CALLBACK)),
        'segfault on Java thread "worker" in teardown, after 0.5 s',
    ),
    "a thread of Python's": (
        replace(PLAIN, outcome=Outcome.SEGFAULT, evidence=on(THUNK, BOOTSTRAP)),
        'segfault on Python thread "worker" in teardown, after 0.5 s',
    ),
    "a thread of no known origin": (
        replace(PLAIN, outcome=Outcome.SEGFAULT, evidence=on(THUNK)),
        'segfault on thread "worker" in teardown, after 0.5 s',
    ),
    "no thread of the outcome": (
        replace(PLAIN, outcome=Outcome.SEGFAULT, evidence=Evidence(threads=(MAIN,))),
        "segfault in teardown, after 0.5 s",
    ),
}


@pytest.mark.parametrize(("record", "head"), HEADS.values(), ids=HEADS)
def test_first_line(record: RunRecord, head: str) -> None:
    assert render(record).splitlines()[0] == head


INTERNAL = replace(FATAL, signal=None, address=None, problematic_frame=None, message="Internal Error (x)")
ABORTED = replace(PLAIN, signal="SIGABRT", message="killed by SIGABRT: and so on")
SECOND_LINES = {
    "HotSpot's internal error": (
        replace(ABORTED, evidence=Evidence(fatal_error=INTERNAL, fatal_python_error="Fatal Python error: Aborted")),
        ["Internal Error (x)"],
    ),
    "no address": (
        replace(ABORTED, evidence=Evidence(fatal_error=replace(FATAL, address=None))),
        ["SIGSEGV", f"problematic frame: {FRAME}"],
    ),
    "Python's own": (
        replace(ABORTED, evidence=Evidence(fatal_python_error="Fatal Python error: no thread state")),
        ["Fatal Python error: no thread state"],
    ),
    "a segfault without a JVM": (
        replace(PLAIN, outcome=Outcome.SEGFAULT, signal="SIGBUS", message="killed by SIGBUS"),
        ["killed by SIGBUS"],
    ),
    "a hang that was looked at once": (replace(HANG, evidence=Evidence(threads=(CRASHED,), looks=1)), []),
    "a hang that went on": (
        replace(HANG, evidence=Evidence(threads=(replace(CRASHED, motion=Motion.MOVING, seen=(THUNK,)),), looks=2)),
        ["it was moving: thunk (test_bridge.py:12) (2 looks at its stack)"],
    ),
    "a null result, whose traceback says it": (NULL, []),
}


@pytest.mark.parametrize(("record", "facts"), SECOND_LINES.values(), ids=SECOND_LINES)
def test_lines_between_head_and_diagnosis(record: RunRecord, facts: list[str]) -> None:
    lines = render(record).splitlines()
    assert lines[1 : lines.index("diagnosis: none: what was found proves no known cause")] == facts


def test_an_ordinary_failure_needs_no_word_on_a_missing_diagnosis() -> None:
    assert diagnosis_lines(replace(PLAIN, outcome=Outcome.FAILED)) == []
    assert diagnosis_lines(replace(SEGFAULT, outcome=Outcome.FAILED)) == diagnosis_lines(SEGFAULT)


LAYOUTS = {
    "all but those at rest": (Layout(), [CRASHED, MAIN], "(and 1 idle thread)"),
    "brief": (Layout(brief=True), [CRASHED], "(and 2 more threads)"),
    "whole": (Layout(whole=True), [CRASHED, MAIN, IDLE], "  (Java)   at java.lang.Thread.run(Thread.java:840)"),
}


@pytest.mark.parametrize(("layout", "threads", "last"), LAYOUTS.values(), ids=LAYOUTS)
def test_layouts(layout: Layout, threads: list[Thread], last: str) -> None:
    lines = render(replace(HANG, evidence=Evidence(threads=(CRASHED, MAIN, IDLE))), layout).splitlines()
    titles = [line for line in lines if line.startswith("thread ")]
    assert [title.split('"')[1] for title in titles] == [thread.name for thread in threads]
    assert lines[lines.index("note: 1 process outlived the child and was ended") - 1] == last


LONG = "some words that go on and on, " * 9
WIDE = replace(
    SEGFAULT,
    outcome=Outcome.CRASH,
    message=LONG,
    signal=None,
    diagnosis=Diagnosis("late-callback", LONG, LONG, (LONG, LONG)),
    notes=(LONG,),
    evidence=Evidence(
        fatal_error=replace(FATAL, signal=None, message=LONG),
        threads=(replace(CRASHED, name="a pool with a long name " * 5, apart=LONG, java_state=LONG),),
        missing={"java_dump": LONG},
    ),
)
MAY_BE_WIDE = ("  (C) ", "  (Python) ", "  (Java) ", "  more: ", "problematic frame: ", "documents in ", "rerun: ")


@pytest.mark.parametrize("width", [40, 80])
def test_nothing_but_frames_paths_links_and_the_command_is_wider(width: int) -> None:
    lines = render(WIDE, Layout(width=width)).splitlines()
    assert [line for line in lines if len(line) > width and not line.startswith(MAY_BE_WIDE)] == []
    assert len(lines) > 9 * len(LONG) // width


def test_a_long_word_is_not_broken() -> None:
    path = "/a-path-with-hyphens/" + "x" * 40
    assert f"  {path}" in render(replace(PLAIN, notes=(f"see {path}",)), Layout(width=40)).splitlines()


def test_the_tail_closes_the_text() -> None:
    assert tail(SEGFAULT) == render(SEGFAULT).splitlines()[-2:]
    assert tail(NULL) == ["documents in /kept/a"]
    assert tail(replace(NULL, artifacts={})) == []


def test_documents_of_several_folders_are_listed() -> None:
    record = replace(NULL, artifacts={"a": "/kept/1/a", "b": "/kept/2/b"})
    assert tail(record) == ["document: /kept/1/a", "document: /kept/2/b"]


@pytest.mark.parametrize("nodeid", ["t.py::test_x", "t.py::test_x[new-a b]", "t.py::test_x[it's $HOME]"])
def test_the_command_gives_the_shell_one_word(nodeid: str) -> None:
    command = tail(replace(PLAIN, nodeid=nodeid))[-1].removeprefix("rerun: ")
    assert shlex.split(command) == ["pytest", nodeid]
    assert command != f"pytest {nodeid}"


def test_the_command_names_the_test_as_typed() -> None:
    assert tail(replace(PLAIN, rerun="test_a.py::test_x")) == ["rerun: pytest 'test_a.py::test_x'"]


def test_captured_output_is_left_to_pytest() -> None:
    assert "printed by the child" not in render(SEGFAULT)


@pytest.mark.parametrize("outcome", ABNORMAL)
def test_text_opens_with_the_outcome(outcome: Outcome) -> None:
    assert render(replace(PLAIN, outcome=outcome)).startswith(outcome.value)
