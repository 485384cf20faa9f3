"""The record of one foreign-thread test, the one source of every report."""

from __future__ import annotations

from dataclasses import dataclass, field

from .outcomes import Outcome, Phase
from .stacks import FatalError, JavaThread, NativeFrame, PythonThread


@dataclass(frozen=True)
class Evidence:
    """What was read from the scratch folder or from the living child."""

    fatal_error: FatalError | None = None
    fatal_python_error: str | None = None
    """faulthandler's or CPython's head line, e.g. `Fatal Python error: Aborted`."""
    python_threads: tuple[PythonThread, ...] = ()
    java_threads: tuple[JavaThread, ...] = ()
    native_frames: tuple[NativeFrame, ...] = ()
    missing: dict[str, str] = field(default_factory=dict)
    """Pieces that should be here and are not → the reason."""
    stdout: str = ""
    stderr: str = ""


@dataclass(frozen=True)
class RunRecord:
    """One run of one test in one mode. `duration` is in seconds, `artifacts` maps a document to its path."""

    nodeid: str
    mode: str
    outcome: Outcome
    phase: Phase
    duration: float
    signal: str | None = None
    exit_code: int | None = None
    message: str = ""
    evidence: Evidence = field(default_factory=Evidence)
    artifacts: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    rerun: str = ""
    """The node id as it is given on the command line from the folder in which pytest was started."""
