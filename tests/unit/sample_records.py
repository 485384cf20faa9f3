"""Records of each outcome, as the reports get them."""

from __future__ import annotations

from dataclasses import replace

from pytest_foreignthread.model.outcomes import Outcome, Phase
from pytest_foreignthread.model.records import Diagnosis, Evidence, RunRecord
from pytest_foreignthread.model.stacks import FatalError, Frame, JavaFrame, Motion, NativeFrame, PythonFrame, Thread

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
    java_frames=(JAVA_RUN,),
)
MAIN = Thread("MainThread", 4236, 0x7FC7EB5BCB80, False, ((PythonFrame("/project/test_bridge.py", 40, "wait"),),))
CRASHED = Thread("pool-1-thread-1", 4247, 0x7FC7CC8516C0, True, ((*FATAL.native_frames, THUNK, JAVA_RUN),))
LATE = Diagnosis("late-callback", "the callback came late", "wait for it", ("thunk is part of the test", "it had left"))
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
        threads=(CRASHED, MAIN),
        missing={"java_dump": "the JVM did not answer in 2 s"},
        stdout="printed by the child\n",
    ),
    artifacts={"hs_err": "/kept/a/hs_err.txt", "python": "/kept/a/python.txt"},
    notes=("1 process outlived the child and was ended",),
    diagnosis=LATE,
)
PLAIN = RunRecord("tests/test_a.py::test_x", "new", Outcome.CRASH, Phase.TEARDOWN, 0.5)
HANG = replace(
    SEGFAULT,
    outcome=Outcome.HANG,
    signal=None,
    message="timed out after 5 s",
    diagnosis=None,
    evidence=Evidence(threads=(replace(CRASHED, motion=Motion.STILL), MAIN), looks=3),
)
NULL = replace(SEGFAULT, outcome=Outcome.NULL_RESULT, signal=None, message="f returned NULL", notes=(), diagnosis=None)
CALLBACK = PythonFrame("/site-packages/pytest_foreignthread/child/callback.py", 90, "__call__")
BOOTSTRAP = PythonFrame("/lib/python3.11/threading.py", 1002, "_bootstrap")


def on(*stack: Frame, name: str = "worker") -> Evidence:
    return Evidence(threads=(replace(CRASHED, name=name, stacks=(stack,)),))
