"""The machine-readable report. `docs/report.schema.json` is its schema."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from ..matrix.verdicts import Matrix
from ..model.records import Diagnosis, OwnChildRun, Place, RunRecord
from ..model.stacks import Frame, NativeFrame, PythonFrame, Thread
from .next_steps import next_steps
from .text import fault_line, summary

SCHEMA_VERSION: Final = 5


def test_entry(record: RunRecord) -> dict[str, Any]:
    """Return the report's entry for one run: plain data that JSON can write and read back unchanged."""
    evidence = record.evidence
    fatal = evidence.fatal_error
    return {
        "nodeid": record.nodeid,
        "test": record.test or record.nodeid,
        "mode": record.mode,
        "jvm": record.jvm,
        "jvm_start": record.jvm_start,
        "start": record.start,
        "outcome": record.outcome.value,
        "phase": record.phase.value,
        "duration": record.duration,
        "signal": record.signal,
        "exit_code": record.exit_code,
        "message": record.message,
        "summary": summary(record),
        "at": None if record.at is None else _place(record.at),
        "problematic_frame": None if fatal is None else fatal.problematic_frame,
        "fault": None if fatal is None else fault_line(fatal),
        "diagnosis": None if record.diagnosis is None else _diagnosis(record.diagnosis),
        "next_steps": list(next_steps(record)) if record.diagnosis is None and record.outcome.abnormal else [],
        "looks": evidence.looks,
        "threads": [_thread(thread) for thread in evidence.threads],
        "artifacts": dict(record.artifacts),
        "missing": dict(evidence.missing),
        "alone": None if record.alone is None else _alone(record.alone),
        "also_alone": None if record.alone is None else record.alone.outcome is record.outcome,
        "only_after": None if record.alone is None else _only_after(record.alone),
        "control_alone": None if record.control_alone is None else record.control_alone.value,
        "stress": None,
        "notes": list(record.notes),
        "uncaught": list(record.uncaught),
        "rerun": list(record.rerun_arguments),
    }


def document(
    entries: Sequence[Mapping[str, Any]],
    environment: Mapping[str, Any],
    matrix: Matrix | None = None,
    run: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the report. `matrix` is None if the user asked for none; `run` has the end and the command of the run."""
    return {
        "schema_version": SCHEMA_VERSION,
        "run": None if run is None else dict(run),
        "environment": dict(environment),
        "tests": list(entries),
        "matrix": None if matrix is None else matrix.as_data(),
    }


def render(document: Mapping[str, Any]) -> str:
    return json.dumps(document, indent=2) + "\n"


def _place(at: Place) -> dict[str, Any]:
    return {"file": at.file, "line": at.line, "source": at.source}


def _diagnosis(found: Diagnosis) -> dict[str, Any]:
    return {"code": found.code, "text": found.text, "help": found.help, "evidence": list(found.evidence)}


def _alone(alone: OwnChildRun) -> dict[str, Any]:
    return {
        "outcome": alone.outcome.value,
        "message": alone.message,
        "before": list(alone.before),
        "search": alone.search,
    }


def _only_after(alone: OwnChildRun) -> list[str] | None:
    return None if alone.only_after is None else list(alone.only_after)


def _thread(thread: Thread) -> dict[str, Any]:
    return {
        "name": thread.name,
        "native_id": thread.native_id,
        # As text, because thread idents exceed 2**53, above which numbers of JavaScript lose bits.
        "python_id": None if thread.python_id is None else hex(thread.python_id),
        "current": thread.current,
        "also_crashed": thread.also_crashed,
        "java_state": thread.java_state,
        "gil": None if thread.gil is None else thread.gil.value,
        "waits": [{"kind": wait.kind.value, "what": wait.what, "owner": wait.owner} for wait in thread.waits],
        "locks": list(thread.locks),
        "motion": None if thread.motion is None else thread.motion.value,
        "seen": [_frame(frame) for frame in thread.seen],
        "stacks": [[_frame(frame) for frame in stack] for stack in thread.stacks],
        "apart": thread.apart,
    }


def _frame(frame: Frame) -> dict[str, Any]:
    if isinstance(frame, NativeFrame):
        return {"language": "c", "library": frame.library, "function": frame.function, "offset": frame.offset}
    language = "python" if isinstance(frame, PythonFrame) else "java"
    return {"language": language, "file": frame.file, "line": frame.line, "function": frame.function}
