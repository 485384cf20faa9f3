"""The record of one foreign-thread test, the one source of every report."""

from __future__ import annotations

from dataclasses import dataclass, field

from .outcomes import Outcome, Phase
from .stacks import FatalError, JavaThread, NativeFrame, NativeThread, PythonThread, Thread


@dataclass(frozen=True)
class Evidence:
    """What was read from the scratch directory or from the living child."""

    fatal_error: FatalError | None = None
    fatal_python_error: str | None = None
    """faulthandler's or CPython's head line, e.g. `Fatal Python error: Aborted`."""
    python_threads: tuple[PythonThread, ...] = ()
    java_threads: tuple[JavaThread, ...] = ()
    native_frames: tuple[NativeFrame, ...] = ()
    native_threads: tuple[NativeThread, ...] = ()
    threads: tuple[Thread, ...] = ()
    """Each thread once, joined from the documents; the one that crashed, or that the test runs on, first."""
    looks: int = 0
    """How many times the stacks of a hang were taken."""
    missing: dict[str, str] = field(default_factory=dict)
    """Pieces that should be here and are not → the reason."""
    stdout: str = ""
    stderr: str = ""

    @property
    def current_thread(self) -> Thread | None:
        """The thread that crashed, ended the process or hangs; None where the evidence names none."""
        return next((one for one in self.threads if one.current), None)


@dataclass(frozen=True)
class Diagnosis:
    """The probable cause of an outcome, as far as the evidence proves it."""

    code: str
    """The rule's name, which is also the name of its page in the docs."""
    text: str
    """One sentence on what is proved."""
    help: str
    """What to do about it."""
    evidence: tuple[str, ...] = ()
    """What the sentence rests on, one line each."""


@dataclass(frozen=True)
class Place:
    """A line of the user's own code."""

    file: str
    """Relative to pytest's rootdir where it lies below that."""
    line: int
    source: str
    """Its text without the indentation; empty where the file could not be read."""


@dataclass(frozen=True)
class Alone:
    """What became of a test that broke in a shared child, when it was run once more, in a child of its own."""

    outcome: Outcome
    message: str
    before: tuple[str, ...]
    """The tests that the shared child had served before it, the first one first."""
    rerun: tuple[str, ...] = ()
    """Arguments of pytest that run those tests, or `only_after`, and this one again in one child."""
    only_after: tuple[str, ...] | None = None
    """The smallest part of `before` after which the test broke again; None where none was looked for or found."""
    search: str = ""
    """Why `only_after` is None, or may not be the smallest part; empty where it is, and where it is not needed."""


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
    uncaught: tuple[str, ...] = ()
    """Of a test that hung or died: the exceptions that no one caught meanwhile, each with its thread and its stack."""
    at: Place | None = None
    """Of a test that hung or died: where in the user's own code."""
    diagnosis: Diagnosis | None = None
    alone: Alone | None = None
    """None for a test that had a child of its own, or was the first in a shared one."""
    jvm: bool = True
    """Whether the child had a JVM: one of a forked test has none."""
    start: str | None = None
    """How the child came to be, one of STARTS; None where the test had none."""
    test: str = ""
    """The node id without the mode; the node id where it holds none."""
    rerun: str = ""
    """The node id as it is given on the command line from the directory in which pytest was started."""
    rerun_options: tuple[str, ...] = ()
    """Options without which pytest finds no test of that id, or would run it in its own process."""

    @property
    def rerun_arguments(self) -> tuple[str, ...]:
        if self.alone is not None and self.alone.outcome is not self.outcome:
            return self.alone.rerun
        return (self.rerun or self.nodeid, *self.rerun_options)
