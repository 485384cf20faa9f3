"""The failure text and the summary line: order, marks, folding, and what is left out."""

from __future__ import annotations

import shlex
from dataclasses import replace
from typing import Any

import pytest

from pytest_foreignthread.outcomes import ABNORMAL, Outcome, Phase
from pytest_foreignthread.records import Evidence, RunRecord
from pytest_foreignthread.report.stack_text import java_stack, python_stacks
from pytest_foreignthread.report.text import render, summary
from pytest_foreignthread.stacks import FatalError, JavaFrame, JavaThread, NativeFrame, PythonFrame, PythonThread

FRAME = "C  [libpython3.11.so.1.0+0x1c70bb]  _PyEval_EvalFrameDefault+0x3b"
THUNK = PythonFrame("/project/test_bridge.py", 12, "thunk")
JAVA_RUN = JavaFrame("java.lang.Thread.run", "Thread.java", 840)
FATAL = FatalError(
    signal="SIGSEGV",
    address="0x0000000000000010",
    problematic_frame=FRAME,
    message="SIGSEGV (0xb) at pc=0x00007fc7eb1c70bb, pid=4236, tid=4247",
    jvm="OpenJDK 64-Bit Server VM (25.0.2+10-LTS)",
    native_id=4247,
    thread="pool-1-thread-1",
    stack=(0x7FC7CC752000, 0x7FC7CC852000),
    native_frames=(NativeFrame("libpython3.11.so.1.0", "_PyEval_EvalFrameDefault", "+0x3b"),),
    java_frames=(JavaFrame("org.jpype.proxy.JPypeProxy.hostInvoke", None, None), JAVA_RUN),
)
MAIN = PythonThread(0x7FC7EB5BCB80, "MainThread", False, (PythonFrame("/project/test_bridge.py", 40, "wait"),))
CRASHED = PythonThread(0x7FC7CC8516C0, "pool-1-thread-1", True, (THUNK,))
SEGFAULT = RunRecord(
    nodeid="tests/test_bridge.py::test_late[pool]",
    mode="pool",
    outcome=Outcome.SEGFAULT,
    phase=Phase.CALL,
    duration=0.312,
    signal="SIGSEGV",
    message=f"SIGSEGV at address 0x10 in {FRAME}",
    evidence=Evidence(
        fatal_error=FATAL,
        fatal_python_error="Fatal Python error: Aborted",
        python_threads=(MAIN, CRASHED),
        missing={"java_dump": "the JVM did not answer in 2 s"},
        stdout="printed by the child\n",
    ),
    artifacts={"hs_err": "/kept/a/hs_err", "python": "/kept/a/python"},
    notes=("1 process outlived the child and was ended",),
)
PLAIN = RunRecord("tests/test_a.py::test_x", "new", Outcome.CRASH, Phase.TEARDOWN, 0.5)


def java_thread(name: str, state: str | None = "RUNNABLE", **fields: Any) -> JavaThread:
    return replace(JavaThread(name, 4300, False, state, ()), **fields)


def test_a_segfault_from_head_to_command() -> None:
    assert render(SEGFAULT).splitlines() == [
        'segfault on Java thread "pool-1-thread-1" in call, after 0.31 s',
        f"SIGSEGV at address 0x0000000000000010, problematic frame: {FRAME}",
        "Python stacks (faulthandler): most recent call first",
        'Thread 0x00007fc7cc8516c0 "pool-1-thread-1" (crashed)',
        '  File "/project/test_bridge.py", line 12, in thunk',
        'Thread 0x00007fc7eb5bcb80 "MainThread"',
        '  File "/project/test_bridge.py", line 40, in wait',
        "Native frames:",
        "  _PyEval_EvalFrameDefault+0x3b (libpython3.11.so.1.0)",
        'Java frames of "pool-1-thread-1":',
        "  at org.jpype.proxy.JPypeProxy.hostInvoke",
        "  at java.lang.Thread.run(Thread.java:840)",
        "not available: java_dump: the JVM did not answer in 2 s",
        "documents in /kept/a: hs_err, python",
        "note: 1 process outlived the child and was ended",
        "rerun: pytest 'tests/test_bridge.py::test_late[pool]'",
    ]


def test_merged_frames_are_preferred_to_those_of_the_head() -> None:
    merged = Evidence(
        fatal_error=FATAL,
        java_threads=(java_thread("pool-1-thread-1", current=True, frames=(JAVA_RUN,)),),
        native_frames=(NativeFrame("libc.so.6", None, "+0x91"), NativeFrame(None, "start_thread", "+0x2")),
    )
    lines = render(replace(SEGFAULT, evidence=merged)).splitlines()
    assert lines[2:7] == [
        "Native frames:",
        "  libc.so.6+0x91",
        "  start_thread+0x2",
        'Java frames of "pool-1-thread-1":',
        "  at java.lang.Thread.run(Thread.java:840)",
    ]


HEADS = {
    "exit status": (replace(PLAIN, exit_code=3), "crash in teardown: exited with status 3, after 0.5 s"),
    "signal": (replace(PLAIN, signal="SIGKILL"), "crash in teardown: killed by SIGKILL, after 0.5 s"),
    "lost child": (replace(PLAIN, message="no such child"), "crash in teardown: no such child, after 0.5 s"),
    "unseen end": (PLAIN, "crash in teardown: its end was not seen, after 0.5 s"),
    "hang": (
        replace(PLAIN, outcome=Outcome.HANG, message="teardown did not end within 5 s"),
        "hang in teardown: teardown did not end within 5 s",
    ),
    "hang without a message": (
        replace(PLAIN, outcome=Outcome.HANG, duration=5.0),
        "hang in teardown: no end after 5 s",
    ),
    "segfault without a JVM": (
        replace(PLAIN, outcome=Outcome.SEGFAULT, evidence=Evidence(python_threads=(MAIN, CRASHED))),
        'segfault on Python thread "pool-1-thread-1" in teardown, after 0.5 s',
    ),
    "segfault without evidence": (
        replace(PLAIN, outcome=Outcome.SEGFAULT),
        "segfault in teardown, after 0.5 s",
    ),
}


@pytest.mark.parametrize(("record", "head"), HEADS.values(), ids=HEADS)
def test_first_line(record: RunRecord, head: str) -> None:
    assert render(record).splitlines()[0] == head


SECOND_LINES = {
    "HotSpot's internal error": (
        Evidence(
            fatal_error=replace(FATAL, signal=None, address=None, problematic_frame=None, message="Internal Error (x)"),
            fatal_python_error="Fatal Python error: Aborted",
        ),
        "Internal Error (x)",
    ),
    "no address": (
        Evidence(fatal_error=replace(FATAL, address=None)),
        f"SIGSEGV, problematic frame: {FRAME}",
    ),
    "Python's own": (
        Evidence(fatal_python_error="Fatal Python error: PyThreadState_Get: no thread state"),
        "Fatal Python error: PyThreadState_Get: no thread state",
    ),
}


@pytest.mark.parametrize(("evidence", "line"), SECOND_LINES.values(), ids=SECOND_LINES)
def test_second_line(evidence: Evidence, line: str) -> None:
    record = replace(PLAIN, signal="SIGABRT", message="killed by SIGABRT: and so on", evidence=evidence)
    assert render(record).splitlines()[1] == line


def test_a_crash_without_evidence_is_head_and_command() -> None:
    record = replace(PLAIN, exit_code=3, message="exited with status 3 before its end")
    assert render(record).splitlines() == [
        "crash in teardown: exited with status 3, after 0.5 s",
        "rerun: pytest 'tests/test_a.py::test_x'",
    ]


def test_a_null_result_is_its_head() -> None:
    words = "<built-in function unnamed_function> returned NULL without setting an exception"
    record = replace(SEGFAULT, outcome=Outcome.NULL_RESULT, signal=None, message=words, notes=(), artifacts={})
    record = replace(record, evidence=Evidence(python_threads=(MAIN,), java_threads=(java_thread("main"),)))
    assert render(record).splitlines() == ["null_result in call, after 0.31 s", words]


def hang(*java_threads: JavaThread) -> RunRecord:
    evidence = Evidence(python_threads=(CRASHED, MAIN), java_threads=java_threads)
    return replace(
        SEGFAULT, outcome=Outcome.HANG, signal=None, message="call did not end within 5 s", evidence=evidence
    )


def test_a_hang_shows_java_threads_with_states_and_locks() -> None:
    lock = "- waiting to lock <0x00000006874> (a Interpreter)"
    pool = java_thread("pool-1-thread-1", "BLOCKED (on object monitor)", locks=(lock,), frames=(JAVA_RUN,))
    unknown = JavaThread("virtual-1", None, False, None, (JavaFrame("a.B.c", "Native Method", None),))
    lines = render(hang(pool, unknown)).splitlines()
    start = lines.index("Java threads:")
    assert lines[start + 1 : start + 6] == [
        '"pool-1-thread-1", native id 4300: BLOCKED (on object monitor)',
        f"  {lock}",
        "  at java.lang.Thread.run(Thread.java:840)",
        '"virtual-1"',
        "  at a.B.c(Native Method)",
    ]
    assert "(crashed)" not in "\n".join(lines)


SERVICE_THREADS = (
    *("Reference Handler", "Finalizer", "Signal Dispatcher", "Service Thread", "Monitor Deflation Thread"),
    *("C1 CompilerThread0", "C2 CompilerThread0", "Notification Thread", "Common-Cleaner", "Attach Listener"),
    *("GC Thread#0", "G1 Main Marker", "G1 Conc#0", "VM Thread", "VM Periodic Task Thread", "Sweeper thread"),
    "Python Reference Queue",
)


@pytest.mark.parametrize("name", SERVICE_THREADS)
def test_an_idle_service_thread_is_only_counted(name: str) -> None:
    text = render(hang(java_thread(name, "WAITING (on object monitor)", locks=("- waiting on <0x1> (a Lock)",))))
    assert "(and 1 idle JVM service thread)" in text
    assert name not in text


def test_idle_service_threads_are_counted_together() -> None:
    text = render(hang(java_thread("main"), *map(java_thread, SERVICE_THREADS)))
    assert f"(and {len(SERVICE_THREADS)} idle JVM service threads)" in text


@pytest.mark.parametrize("name", ["main", "pool-1-thread-1", "Thread-0", "GC Thread of mine", "My Finalizer"])
def test_other_threads_are_shown(name: str) -> None:
    text = render(hang(java_thread(name)))
    assert f'"{name}"' in text
    assert "service thread" not in text


@pytest.mark.parametrize("fields", [{"state": "BLOCKED (on object monitor)"}, {"current": True}])
def test_a_service_thread_with_a_part_in_it_is_shown(fields: dict[str, Any]) -> None:
    assert '"Finalizer", native id 4300' in render(hang(replace(java_thread("Finalizer"), **fields)))


def python_lines(*frames: PythonFrame) -> list[str]:
    thread = replace(CRASHED, frames=frames)
    lines = render(replace(PLAIN, signal="SIGABRT", evidence=Evidence(python_threads=(thread,)))).splitlines()
    return lines[lines.index('Thread 0x00007fc7cc8516c0 "pool-1-thread-1" (crashed)') + 1 : -1]


def harness(package: str, count: int) -> list[PythonFrame]:
    return [PythonFrame(f"/lib/{package}/part.py", line, "step") for line in range(count)]


def test_frames_of_the_harness_are_folded_but_not_the_innermost() -> None:
    inner, *others = [*harness("_pytest", 4), *harness("pluggy", 3), *harness("pytest_foreignthread", 2)]
    assert python_lines(inner, *others, THUNK) == [
        '  File "/lib/_pytest/part.py", line 0, in step',
        "  (8 frames of pytest and this plugin)",
        '  File "/project/test_bridge.py", line 12, in thunk',
    ]


def test_few_frames_of_the_harness_are_shown() -> None:
    assert len(python_lines(THUNK, *harness("_pytest", 2))) == 3


def test_a_recursion_is_counted() -> None:
    shown = '  File "/project/test_bridge.py", line 12, in thunk'
    assert python_lines(*[THUNK] * 100) == [shown, shown, "  (the same frame 98 more times)"]
    assert python_lines(*[THUNK] * 4) == [shown] * 4


def test_an_unknown_line_and_an_unnamed_thread() -> None:
    thread = PythonThread(0x1F, None, False, (PythonFrame("x.py", None, "f"),))
    text = render(replace(PLAIN, evidence=Evidence(python_threads=(thread,))))
    assert 'Thread 0x000000000000001f\n  File "x.py", in f\n' in text


def test_prose_keeps_the_width_and_paths_do_not() -> None:
    path = "/kept/" + "long" * 20
    record = replace(
        PLAIN, notes=("word " * 30 + "/a-path-with-hyphens/" + "x" * 40,), artifacts={"hs_err": f"{path}/a"}
    )
    lines = render(record, width=40).splitlines()
    assert f"documents in {path}: a" in lines
    note = lines[lines.index(next(line for line in lines if line.startswith("note: "))) : -1]
    assert all(len(line) <= 40 for line in note[:-1])
    assert note[-1] == "  /a-path-with-hyphens/" + "x" * 40


def test_documents_of_several_folders_are_listed() -> None:
    text = render(replace(PLAIN, artifacts={"a": "/kept/1/a", "b": "/kept/2/b"}))
    assert "document: /kept/1/a\ndocument: /kept/2/b\n" in text


@pytest.mark.parametrize("nodeid", ["t.py::test_x", "t.py::test_x[new-a b]", "t.py::test_x[it's $HOME]"])
def test_the_command_gives_the_shell_one_word(nodeid: str) -> None:
    command = render(replace(PLAIN, nodeid=nodeid)).splitlines()[-1].removeprefix("rerun: ")
    assert shlex.split(command) == ["pytest", nodeid]
    assert command != f"pytest {nodeid}"


def test_captured_output_is_left_to_pytest() -> None:
    assert "printed by the child" not in render(SEGFAULT)


SUMMARIES = {
    "segfault": (SEGFAULT, 'SIGSEGV in _PyEval_EvalFrameDefault on Java thread "pool-1-thread-1"'),
    "segfault on no Java thread": (
        replace(SEGFAULT, evidence=Evidence(python_threads=(CRASHED,))),
        'SIGSEGV in thunk (test_bridge.py:12) on Python thread "pool-1-thread-1"',
    ),
    "segfault, no evidence": (replace(SEGFAULT, evidence=Evidence()), "SIGSEGV in call"),
    "hang": (hang(), "call did not end within 5 s"),
    "hang, no message": (replace(hang(), message="", duration=5.0), "no end after 5 s in call"),
    "null result": (
        replace(PLAIN, outcome=Outcome.NULL_RESULT, message="f returned NULL\nwithout setting an exception"),
        "f returned NULL without setting an exception",
    ),
    "exit": (replace(PLAIN, exit_code=0), "exited with status 0 in teardown"),
    "kill": (replace(PLAIN, signal="SIGKILL", message="killed by SIGKILL"), "killed by SIGKILL in teardown"),
    "fatal Python error": (
        replace(PLAIN, signal="SIGABRT", evidence=Evidence(fatal_python_error="Fatal Python error: no GIL")),
        "killed by SIGABRT in teardown: Fatal Python error: no GIL",
    ),
    "ordinary": (replace(PLAIN, outcome=Outcome.FAILED, message="assert 1 == 2"), "assert 1 == 2"),
}


@pytest.mark.parametrize(("record", "line"), SUMMARIES.values(), ids=SUMMARIES)
def test_summary(record: RunRecord, line: str) -> None:
    assert summary(record) == line


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
    record = replace(SEGFAULT, evidence=Evidence(fatal_error=replace(FATAL, problematic_frame=frame, thread=None)))
    assert summary(record) == f"SIGSEGV in {function}"


@pytest.mark.parametrize("outcome", Outcome)
def test_every_outcome_has_a_summary_of_one_line(outcome: Outcome) -> None:
    line = summary(replace(PLAIN, outcome=outcome))
    assert line
    assert line.splitlines() == [line]


@pytest.mark.parametrize("outcome", ABNORMAL)
def test_text_opens_with_the_outcome(outcome: Outcome) -> None:
    assert render(replace(PLAIN, outcome=outcome)).startswith(outcome.value)


def test_what_java_hides_is_counted() -> None:
    """java.lang.Throwable leaves these frames out as well; the JSON report keeps them."""
    functions = (
        "~RuntimeStub::nep_invoker_blob",
        "java.lang.invoke.LambdaForm$MH+0x1.invoke",
        "jdk.internal.foreign.abi.DowncallStub/0x2.invoke",
        "java.lang.invoke.Invokers$Holder.invokeExact_MT",
        "a.Bridge.call",
        "java.lang.invoke.DirectMethodHandle$Holder.invokeStatic",
        "java.lang.Thread.run",
    )
    assert list(java_stack([JavaFrame(function, None, None) for function in functions])) == [
        "  (4 hidden frames of HotSpot and method handles)",
        "  at a.Bridge.call",
        "  (1 hidden frame of HotSpot and method handles)",
        "  at java.lang.Thread.run",
    ]


def test_the_writer_of_a_dump_is_no_part_of_the_stack() -> None:
    """At os._exit the child writes its stacks itself."""
    writer = PythonFrame("/lib/pytest_foreignthread/child/faults.py", 32, "write")
    thread = PythonThread(1, None, True, (writer, PythonFrame("test_it.py", 5, "test_exit")))
    assert list(python_stacks([thread], crashed=False))[1:] == ['  File "test_it.py", line 5, in test_exit']
