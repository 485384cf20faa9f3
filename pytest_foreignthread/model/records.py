"""The record of one run of a foreign-thread test, from which every report is made."""

from __future__ import annotations

from dataclasses import dataclass, field

from .outcomes import Outcome, Phase
from .stacks import (
    FatalError,
    ForkedProcess,
    HeldSignal,
    JavaThread,
    JniFinding,
    NativeFrame,
    NativeThread,
    PythonThread,
    Thread,
)


@dataclass(frozen=True)
class Evidence:
    """The data that was read from the child's scratch directory, or from the living child."""

    fatal_error: FatalError | None = None
    fatal_python_error: str | None = None
    """The first line of a dump of faulthandler or CPython, such as `Fatal Python error: Aborted`."""
    python_threads: tuple[PythonThread, ...] = ()
    java_threads: tuple[JavaThread, ...] = ()
    native_frames: tuple[NativeFrame, ...] = ()
    native_threads: tuple[NativeThread, ...] = ()
    threads: tuple[Thread, ...] = ()
    """Each thread once, joined from the documents. The thread that crashed, or that runs the test, comes first."""
    forked: tuple[ForkedProcess, ...] = ()
    looks: int = 0
    """How many times the stacks of a hang were taken."""
    held_signals: tuple[HeldSignal, ...] = ()
    """Those that waited through all looks at a hang."""
    jni: tuple[JniFinding, ...] = ()
    """What HotSpot found about calls of JNI during the test, under the checker `jni`."""
    missing: dict[str, str] = field(default_factory=dict)
    """The documents that should be there and are not → the reason."""
    stdout: str = ""
    stderr: str = ""

    @property
    def current_thread(self) -> Thread | None:
        """The thread that crashed, ended the process or hangs; None if the evidence does not name it."""
        return next((one for one in self.threads if one.current), None)

    @property
    def is_silent(self) -> bool:
        """Whether no handler of a fatal signal has written anything, HotSpot's or Python's, or was seen to wait."""
        return self.fatal_error is None and self.fatal_python_error is None and not self.threads

    def has_all_threads(self, *, jvm: bool) -> bool:
        """Return whether the stacks of a hang have every thread of Python and of Java; `jvm`: the child has a JVM."""
        return self.looks > 0 and "python_hang" not in self.missing and not (jvm and "java_dump" in self.missing)


@dataclass(frozen=True)
class Diagnosis:
    """The probable cause of an outcome, as far as the evidence proves the cause."""

    code: str
    """The name of the rule, which is also the name of the rule's page in the docs."""
    text: str
    """One sentence that says what is proved."""
    help: str
    """What the user can do about the cause."""
    evidence: tuple[str, ...] = ()
    """The facts that prove the sentence, one line each."""


@dataclass(frozen=True)
class Place:
    """A line of the user's own code."""

    file: str
    """The path, relative to pytest's rootdir if it lies below rootdir."""
    line: int
    source: str
    """The text of the line without its indentation; empty if the file could not be read."""


@dataclass(frozen=True)
class OwnChildRun:
    """The second run, in a child of its own, of a test that broke in a shared child."""

    outcome: Outcome
    message: str
    before: tuple[str, ...]
    """The tests that the shared child had served before this one, in their order."""
    rerun: tuple[str, ...] = ()
    """The arguments of pytest that run those tests, or `only_after`, and this one again in one child."""
    only_after: tuple[str, ...] | None = None
    """The smallest part of `before` after which the test broke again; None if none was looked for, or found."""
    search: str = ""
    """Why `only_after` is None, or may not be the smallest part; empty if it is the smallest, or is not needed."""


@dataclass(frozen=True)
class Verdict:
    """The outcome of a test. `signal` is the one that HotSpot caught, not the SIGABRT that then ended the process."""

    outcome: Outcome
    signal: str | None
    exit_code: int | None
    message: str


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
    """The uncaught exceptions of a test that hung or died, each with its thread and its stack.

    pytest reports such exceptions at the end of a phase, which that test did not reach.
    """
    at: Place | None = None
    """The line of the user's own code in which a test hung or died."""
    diagnosis: Diagnosis | None = None
    alone: OwnChildRun | None = None
    """None for a test that had a child of its own, or was the first test of a shared child."""
    control_alone: Outcome | None = None
    """The outcome of the control, mode `main`, in a child of its own; None if that was not run.

    Isolation `auto` runs it so if the test breaks without earlier tests, and the control is not known to break.
    """
    jvm: bool = True
    """Whether the child had a JVM; the child of a test that is only forked has none."""
    jvm_start: float | None = None
    """Seconds that the JVM took to start in the child; None if the child has none, or had started it before."""
    start: str | None = None
    """How the child was started, one of `choices.STARTS`; None if the test had no child."""
    test: str = ""
    """The node id without the mode, if it has one."""
    rerun: str = ""
    """The node id for a command line in the directory in which pytest was started."""
    rerun_options: tuple[str, ...] = ()
    """The options without which pytest would not find the test, would run it in the pytest process, or unchecked."""

    @property
    def rerun_arguments(self) -> tuple[str, ...]:
        if self.alone is not None and self.alone.outcome is not self.outcome:
            return self.alone.rerun
        return (self.rerun or self.nodeid, *self.rerun_options)
