"""The machine-readable report; `docs/report.schema.json` holds its form."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from ..records import RunRecord
from ..stacks import JavaFrame, JavaThread, NativeFrame, PythonFrame, PythonThread
from . import crashing

SCHEMA_VERSION: Final = 1


def test_entry(record: RunRecord) -> dict[str, Any]:
    """Give the report's entry on one run: plain data that JSON gives back unchanged."""
    evidence = record.evidence
    fatal = evidence.fatal_error
    return {
        "nodeid": record.nodeid,
        "mode": record.mode,
        "outcome": record.outcome.value,
        "phase": record.phase.value,
        "duration": record.duration,
        "signal": record.signal,
        "exit_code": record.exit_code,
        "message": record.message,
        "problematic_frame": None if fatal is None else fatal.problematic_frame,
        "python_threads": [_python_thread(thread) for thread in evidence.python_threads],
        "java_threads": [_java_thread(thread) for thread in crashing.java_threads(evidence)],
        "native_frames": [_native_frame(frame) for frame in crashing.native_frames(evidence)],
        "artifacts": dict(record.artifacts),
        "missing": dict(evidence.missing),
        "notes": list(record.notes),
    }


def document(entries: Sequence[Mapping[str, Any]], environment: Mapping[str, Any]) -> dict[str, Any]:
    return {"schema_version": SCHEMA_VERSION, "environment": dict(environment), "tests": list(entries)}


def write(path: Path, document: Mapping[str, Any]) -> None:
    """Put a whole document in place of the file, its folders made; raise OSError and leave the old file."""
    text = json.dumps(document, indent=2) + "\n"
    # A link stays a link, and a pipe or a device such as /dev/stdout is written to, not replaced.
    path = path.resolve()
    if path.exists() and not path.is_file():
        path.write_text(text, encoding="utf-8")
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    half_done = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        half_done.write_text(text, encoding="utf-8")
        half_done.replace(path)
    finally:
        half_done.unlink(missing_ok=True)


def _python_thread(thread: PythonThread) -> dict[str, Any]:
    return {
        # Thread idents exceed 2**53, where a reader in JavaScript loses bits.
        "id": hex(thread.id),
        "name": thread.name,
        "current": thread.current,
        "frames": [_source_frame(frame) for frame in thread.frames],
    }


def _java_thread(thread: JavaThread) -> dict[str, Any]:
    return {
        "name": thread.name,
        "native_id": thread.native_id,
        "current": thread.current,
        "state": thread.state,
        "frames": [_source_frame(frame) for frame in thread.frames],
        "locks": list(thread.locks),
    }


def _source_frame(frame: PythonFrame | JavaFrame) -> dict[str, Any]:
    return {"file": frame.file, "line": frame.line, "function": frame.function}


def _native_frame(frame: NativeFrame) -> dict[str, Any]:
    return {"library": frame.library, "function": frame.function, "offset": frame.offset}
