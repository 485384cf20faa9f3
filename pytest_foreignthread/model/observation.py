"""What the supervisor saw of one child: its messages and its end."""

from __future__ import annotations

import enum
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from .outcomes import Phase


@dataclass(frozen=True)
class PhaseStarted:
    """Written before a phase begins: it names the phase and arms its deadline."""

    phase: Phase


@dataclass(frozen=True)
class ThreadNamed:
    """A thread that runs a part of the test: its Python ident, kernel id and name."""

    ident: int
    native_id: int
    name: str


@dataclass(frozen=True)
class ReportMade:
    """A pytest report, in pytest's serialized form, with the exceptions that led to it."""

    report: dict[str, Any]
    exceptions: tuple[tuple[str, str], ...] = ()
    """Type name and text of the exception raised and of its explicit causes, outermost first."""
    elsewhere: str = ""
    """What the main thread has of the thing that the exception says is missing, in words."""


@dataclass(frozen=True)
class WarningRecorded:
    module: str
    category: str
    text: str
    filename: str
    lineno: int
    when: str
    line: str = ""
    """The line of source: the pytest process opens no file at a child's word."""


@dataclass(frozen=True)
class JvmFailed:
    """The JVM did not start."""

    reason: str


@dataclass(frozen=True)
class JvmStarted:
    """The child has started the JVM, which took so long."""

    microseconds: int


@dataclass(frozen=True)
class JvmAdopted:
    """The JVM of the child is one that the project has started there, with its own options."""

    version: str
    unused: str
    """Arguments for the JVM that were not given to it, as shell words; empty where there were none."""


@dataclass(frozen=True)
class NotServed:
    """The child could not run the test: it has none of that node id, or did not come so far."""

    reason: str


@dataclass(frozen=True)
class UncaughtException:
    """An exception that ended a thread, or that Python could not raise anywhere; sent when it happens.

    pytest tells of it at the end of the phase: a test that hangs or dies does not come so far. It may come at any time.
    """

    text: str
    """Where it happened, in the first line; then the exception with its stack, as Java or Python prints it."""


@dataclass(frozen=True)
class InternalError:
    """An error that ended the child, and is not the test's: this plugin's own, or a hook's. It may come at any time.

    Nothing comes after it.
    """

    text: str
    """Whose it is, and its traceback."""


@dataclass(frozen=True)
class SessionStopped:
    """The test asked for the end of the run: KeyboardInterrupt or `pytest.exit`."""

    kind: str
    """`interrupt` or `exit`."""
    reason: str
    returncode: int | None = None


@dataclass(frozen=True)
class DebuggerEntered:
    """A debugger wants what the user types, or is at another prompt: the deadline stands still."""

    at_terminal: bool
    """Whether he types it at a terminal."""
    at: float
    """When, on `CLOCK_MONOTONIC`, which processes share, and which libraries that freeze the time leave alone."""


@dataclass(frozen=True)
class DebuggerLeft:
    """The test goes on."""


@dataclass(frozen=True)
class Tried:
    """What came of a trial in the child of a doctor's examination."""

    what: str
    outcome: str
    """`passed`, `skipped` or `failed`."""
    text: str
    microseconds: int = 0


@dataclass(frozen=True)
class TestEnded:
    """The child did all it had to do for a test, and waits for the next order."""

    __test__ = False


@dataclass(frozen=True)
class Finished:
    """The child did all it had to do; what comes after is its own, intended, exit."""


Message = (
    PhaseStarted
    | ThreadNamed
    | ReportMade
    | WarningRecorded
    | JvmFailed
    | JvmStarted
    | JvmAdopted
    | NotServed
    | UncaughtException
    | InternalError
    | SessionStopped
    | DebuggerEntered
    | DebuggerLeft
    | Tried
    | TestEnded
    | Finished
)
M = TypeVar("M", bound=Message)


@dataclass(frozen=True)
class Exited:
    code: int


@dataclass(frozen=True)
class Signaled:
    signal: int


@dataclass(frozen=True)
class Lost:
    """The end of the child could not be seen."""

    reason: str


@dataclass(frozen=True)
class Serving:
    """No end: the child waits for its next test."""


End = Exited | Signaled | Lost | Serving


RAISED: Final = 70
"""Exit status of a child in which this plugin's own code raised (EX_SOFTWARE)."""

CANNOT_ACCEPT: Final = "sent a report that pytest-foreignthread cannot accept"

Taken = tuple[dict[str, str], dict[str, str]]
"""What a look at a child gives: name of a document → its text, name of one that could not be taken → why."""


class EndedBy(enum.Enum):
    """Who ended the child; recorded by whoever sends the signal, never inferred."""

    ITSELF = "itself"
    DEADLINE = "deadline"
    REFUSAL = "refusal"
    """It sent what the pytest process does not accept."""


@dataclass(frozen=True)
class Observation:
    """Durations are in seconds."""

    messages: tuple[Message, ...]
    end: End
    ended_by: EndedBy
    phase: Phase
    """The phase that ran last."""
    duration: float
    phase_duration: float
    phase_limit: float
    torn: int = 0
    """Bytes of a last message that never came whole."""
    documents: dict[str, str] = field(default_factory=dict)
    """What was taken from the living child, at its deadline or in its crash: name of the document → text."""
    missing: dict[str, str] = field(default_factory=dict)
    """Documents that could not be taken → why."""
    notes: tuple[str, ...] = ()
    """Remarks of the supervisor: a stopped child, processes that outlived it."""
    refused: str = ""
    """What the child sent that is not accepted, and what was expected, in words; empty of one that kept to it."""
    dying: bool = False
    """Whether the child was writing of its death already when its deadline passed; what came later is no outcome."""
    oom_kills: int = 0
    """Processes of the control group, the child or others, that the kernel killed meanwhile for lack of memory."""

    def first(self, kind: type[M]) -> M | None:
        """Return the first message of the kind; None of a child that sent none."""
        return next(self._of(kind), None)

    def all(self, kind: type[M]) -> tuple[M, ...]:
        """Return the messages of the kind, in the order in which the child sent them."""
        return tuple(self._of(kind))

    @property
    def names(self) -> dict[int, tuple[int, str]]:
        """Python's ident of each thread that the child named → its kernel id and name."""
        return {one.ident: (one.native_id, one.name) for one in self.all(ThreadNamed)}

    def _of(self, kind: type[M]) -> Iterator[M]:
        return (message for message in self.messages if isinstance(message, kind))

    @property
    def passed_its_deadline(self) -> bool:
        """Whether the test hangs: its deadline passed, and the child was not in the midst of its death."""
        return self.ended_by is EndedBy.DEADLINE and not self.dying

    @property
    def serving(self) -> bool:
        return isinstance(self.end, Serving)

    @property
    def all_passed(self) -> bool:
        """Whether the child waits for its next test, and each phase of this one passed."""
        return self.serving and all(one.report.get("outcome") == "passed" for one in self.all(ReportMade))

    @property
    def finished(self) -> bool:
        return self.first(Finished) is not None
