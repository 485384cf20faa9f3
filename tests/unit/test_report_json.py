"""The entry of one test in the machine-readable report, against the schema that ships with the docs."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_foreignthread.model.choices import MODES
from pytest_foreignthread.model.outcomes import Outcome, Phase
from pytest_foreignthread.model.records import Diagnosis, Evidence, Place, RunRecord
from pytest_foreignthread.model.stacks import Awaited, Gil, JavaFrame, Motion, NativeFrame, PythonFrame, Thread, Wait
from pytest_foreignthread.report import json_report

from .sample_report import ENVIRONMENT, FATAL, RECORD, VALIDATOR


def test_an_entry_field_by_field() -> None:
    assert json_report.test_entry(RECORD) == {
        "nodeid": "tests/test_bridge.py::test_late[pool]",
        "test": "tests/test_bridge.py::test_late",
        "mode": "pool",
        "jvm": True,
        "jvm_start": 0.098,
        "start": "spawn",
        "outcome": "segfault",
        "phase": "call",
        "duration": 0.312,
        "signal": "SIGSEGV",
        "exit_code": None,
        "message": "died",
        "summary": "late-callback: tests/test_bridge.py:12: SIGSEGV in _PyType_Lookup, "
        'address 0x10 (null pointer, 16 bytes on) on Java thread "pool-1-thread-1"',
        "at": {"file": "tests/test_bridge.py", "line": 12, "source": "queue.put(answer)"},
        "problematic_frame": FATAL.problematic_frame,
        "fault": "SIGSEGV at address 0x10 (null pointer, 16 bytes on)",
        "diagnosis": {
            "code": "late-callback",
            "text": "it came late",
            "help": "wait for it",
            "evidence": ["no one waits"],
        },
        "next_steps": [],
        "looks": 0,
        "threads": [
            {
                "name": "pool-1-thread-1",
                "native_id": 4247,
                "python_id": "0x7fc7cc8516c0",
                "current": True,
                "also_crashed": False,
                "java_state": None,
                "gil": "waits",
                "waits": [{"kind": "gil", "what": "the GIL", "owner": 1}],
                "locks": [],
                "motion": None,
                "seen": [],
                "stacks": [
                    [
                        {
                            "language": "c",
                            "library": "libpython3.11.so.1.0",
                            "function": "_PyType_Lookup",
                            "offset": "+0x3b",
                        },
                        {"language": "python", "file": "t.py", "line": 12, "function": "thunk"},
                        {"language": "java", "file": "Thread.java", "line": 840, "function": "java.lang.Thread.run"},
                    ]
                ],
                "apart": None,
            },
            {
                "name": None,
                "native_id": None,
                "python_id": None,
                "current": False,
                "also_crashed": True,
                "java_state": "BLOCKED (on object monitor)",
                "gil": "holds",
                "waits": [{"kind": "monitor", "what": "the monitor of X <0x1>", "owner": None}],
                "locks": ["- locked <0x1> (a X)"],
                "motion": "still",
                "seen": [{"language": "python", "file": "t.py", "line": 3, "function": "f"}],
                "stacks": [
                    [{"language": "python", "file": "t.py", "line": None, "function": "f"}],
                    [{"language": "java", "file": None, "line": None, "function": "a.B.c"}],
                    [{"language": "c", "library": None, "function": None, "offset": ""}],
                ],
                "apart": "no Java frame shows where Python was entered",
            },
        ],
        "artifacts": {"hs_err": "/kept/hs_err.txt"},
        "missing": {"java_dump": "no answer"},
        "alone": None,
        "also_alone": None,
        "only_after": None,
        "control_alone": None,
        "stress": None,
        "notes": ["a note"],
        "uncaught": [],
        "rerun": ["test_bridge.py::test_late[pool]", "--foreign-thread-modes=pool"],
    }


def test_what_is_not_known_is_null() -> None:
    entry = json_report.test_entry(RunRecord("t.py::test", "main", Outcome.HANG, Phase.CALL, 1.0))
    assert {name for name, value in entry.items() if value is None} == {
        *("jvm_start", "start", "signal", "exit_code", "at", "problematic_frame", "fault", "diagnosis"),
        *("alone", "also_alone", "only_after", "control_alone", "stress"),
    }
    assert entry["threads"] == []


@pytest.mark.parametrize("outcome", Outcome)
@pytest.mark.parametrize("phase", Phase)
def test_every_outcome_and_phase_is_valid(outcome: Outcome, phase: Phase) -> None:
    entry = json_report.test_entry(RunRecord("t.py::test", "main", outcome, phase, 0.0))
    VALIDATOR.validate(json_report.document([entry], ENVIRONMENT))


@pytest.mark.parametrize(
    "changed",
    [
        {"jvm": None, "jpype": None},
        {"jvm": {"version": None, "path": "/jdk/libjvm.so", "source": "JAVA_HOME"}},
    ],
)
def test_an_environment_with_less_in_it_is_valid(changed: dict[str, Any]) -> None:
    VALIDATOR.validate(json_report.document([], {**ENVIRONMENT, **changed}))


texts = st.text(st.characters(codec=None))
numbers = st.integers(0, 2**64 - 1)
lines = st.none() | st.integers(0, 2**31)
frames = st.one_of(
    st.builds(PythonFrame, texts, lines, texts),
    st.builds(JavaFrame, texts, st.none() | texts, lines, st.booleans()),
    st.builds(NativeFrame, st.none() | texts, st.none() | texts, texts),
)
threads = st.builds(
    Thread,
    name=st.none() | texts,
    native_id=st.none() | numbers,
    python_id=st.none() | numbers,
    current=st.booleans(),
    stacks=st.lists(st.lists(frames, min_size=1, max_size=2).map(tuple), max_size=2).map(tuple),
    apart=st.none() | texts,
    java_state=st.none() | texts,
    locks=st.lists(texts, max_size=1).map(tuple),
    gil=st.none() | st.sampled_from(Gil),
    waits=st.lists(st.builds(Wait, st.sampled_from(Awaited), texts, st.none() | st.integers(0, 9)), max_size=1).map(
        tuple
    ),
    motion=st.none() | st.sampled_from(Motion),
    seen=st.lists(frames.filter(lambda frame: not isinstance(frame, NativeFrame)), max_size=2).map(tuple),
)
diagnoses = st.builds(
    Diagnosis, st.sampled_from(["no-gil", "exited"]), texts, texts, st.lists(texts, max_size=2).map(tuple)
)
records = st.builds(
    RunRecord,
    nodeid=texts.filter(bool),
    mode=st.sampled_from(MODES),
    outcome=st.sampled_from(Outcome),
    phase=st.sampled_from(Phase),
    duration=st.floats(0, 1e9),
    signal=st.sampled_from([None, "SIGBUS", "SIGRTMIN+1"]),
    exit_code=st.none() | st.integers(0, 255),
    message=texts,
    at=st.none() | st.builds(Place, texts, st.integers(1, 2**31), texts),
    evidence=st.builds(
        Evidence,
        fatal_error=st.sampled_from([None, FATAL]),
        threads=st.lists(threads, max_size=2).map(tuple),
        missing=st.dictionaries(texts, texts, max_size=2),
    ),
    artifacts=st.dictionaries(texts, texts, max_size=2),
    notes=st.lists(texts, max_size=2).map(tuple),
    diagnosis=st.none() | diagnoses,
)


@given(records)
def test_every_entry_is_valid_and_comes_back_from_json(record: RunRecord) -> None:
    entry = json_report.test_entry(record)
    assert json.loads(json.dumps(entry)) == entry
    VALIDATOR.validate(json_report.document([entry], ENVIRONMENT))
