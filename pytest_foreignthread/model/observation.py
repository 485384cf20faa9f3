"""What the supervisor has seen of a child while it served one test: its messages and its end."""

from __future__ import annotations

import enum
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final, TypeVar

from .outcomes import Phase

ENDED_BY_ITSELF: Final = "the child ended by itself while its stacks were taken"
"""A note on a child that was past its deadline."""


@dataclass(frozen=True)
class PhaseStarted:
    """A phase begins. The child writes this before the phase, so that the deadline is armed even if the phase hangs."""

    phase: Phase


@dataclass(frozen=True)
class ThreadNamed:
    """A thread runs a part of the test: its Python ident, kernel id and name."""

    ident: int
    native_id: int
    name: str
    joined: bool = False
    """Whether Python waits for its end before the interpreter is finalized: it is no daemon."""


class Holder(enum.Enum):
    """Who has what an exception says is missing."""

    MAIN_THREAD = "main_thread"
    SUBMITTER = "submitter"
    """The code, on another thread, that handed the callback over."""
    EARLIER_CALLBACK = "earlier_callback"
    """A callback of the same test that had run on the same thread."""
    OTHER_CALLBACK = "other_callback"
    """A callback of the same test that had run on another thread."""


class Kept(enum.Enum):
    """Where Python keeps a value of one thread."""

    LOCAL = "local"
    """In a `threading.local`."""
    CONTEXT = "context"
    """In a context variable."""


@dataclass(frozen=True)
class Elsewhere:
    """Where there is what an exception says is missing; `what` is in words that follow "has"."""

    holder: Holder
    kept: Kept
    what: str


@dataclass(frozen=True)
class ReportMade:
    """A pytest report, in pytest's serialized form, with the exceptions that led to it."""

    report: dict[str, Any]
    exceptions: tuple[tuple[str, str], ...] = ()
    """Type name and text of the exception that was raised, and of its explicit causes, outermost first."""
    elsewhere: Elsewhere | None = None
    """Who has the state that is missing, by the exception, on the thread that raised."""


@dataclass(frozen=True)
class PhasePassed(ReportMade):
    """The report of a phase that passed, in a short form: without what the pytest process knows.

    `report` has the outcome, the phase and the times. It has the location and the keywords if they are not those of the
    test's last short report; sections and properties if there are any. `channel.report_shape.check_short` checks it.
    """


@dataclass(frozen=True)
class WarningRecorded:
    module: str
    category: str
    text: str
    filename: str
    lineno: int
    when: str
    line: str = ""
    """The line of source. The child sends it, because the pytest process opens no file that a child names."""


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
    """The child uses a JVM that the project has started there, with the project's options."""

    version: str
    unused: str
    """The settings' JVM arguments, which this JVM did not get, as shell words; empty if there are none."""


@dataclass(frozen=True)
class NotServed:
    """The child could not run the test: it found no test with that node id, or failed before it ran it."""

    reason: str


@dataclass(frozen=True)
class UncaughtException:
    """An exception has ended a thread, could not be raised ("unraisable"), or came from a fixture's teardown.

    Sent at once, at any time.
    pytest reports such an exception at the end of the phase, which a test that hangs or dies does not reach.
    """

    text: str
    """The place in the first line; then the exception with its stack, as Java or Python prints it."""


@dataclass(frozen=True)
class InternalError:
    """An error of this plugin or of a hook, not of the test. Sent at any time.

    It is the child's last message, unless only the explanation of a test's exception failed.
    """

    text: str
    """Who is to blame, and the traceback."""


@dataclass(frozen=True)
class SessionStopped:
    """The test asked for the end of the run: KeyboardInterrupt or `pytest.exit`."""

    kind: str
    """`interrupt` or `exit`."""
    reason: str
    returncode: int | None = None


@dataclass(frozen=True)
class DebuggerEntered:
    """A debugger asks for the user's terminal, or is at another prompt. The deadline stands still until it leaves."""

    at_terminal: bool
    """Whether the debugger reads from a terminal."""
    at: float
    """The time on `CLOCK_MONOTONIC`, which all processes share; libraries that freeze the time do not patch it."""


@dataclass(frozen=True)
class DebuggerLeft:
    """The debugger has gone, and the test goes on."""


@dataclass(frozen=True)
class Tried:
    """The result of a trial that the doctor makes in a child."""

    what: str
    outcome: str
    """`passed`, `skipped` or `failed`."""
    text: str
    microseconds: int = 0


@dataclass(frozen=True)
class Left:
    """What a test has left in its process: the child looks after each test if the order says so."""

    what: str
    """As text; empty if the child found nothing."""
    has_wide_fixtures: bool
    """Whether fixtures of wider scopes, which the child has set up, stand until a later test."""
    teardown_failed: bool = False
    """Whether the test's setup failed in the teardown of a fixture that had been set up for earlier tests."""


@dataclass(frozen=True)
class TestEnded:
    """The child has done all for a test, and waits for its next order."""

    __test__ = False


@dataclass(frozen=True)
class Finished:
    """The child has done all for its last test, and exits next. A death before this message is an outcome."""


Message = (
    PhaseStarted
    | ThreadNamed
    | ReportMade
    | PhasePassed
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
    | Left
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
    """The end of the child is unknown."""

    reason: str


@dataclass(frozen=True)
class WaitsForOrder:
    """No end: the child waits for its next test."""


End = Exited | Signaled | Lost | WaitsForOrder


RAISED: Final = 70
"""The exit status of a child in which this plugin's own code raised (EX_SOFTWARE)."""

CANNOT_ACCEPT: Final = "sent a report that pytest-foreignthread cannot accept"

Taken = tuple[dict[str, str], dict[str, str]]
"""The result of a look at a child: the documents by name, and for each one that could not be taken the reason."""


class EndedBy(enum.Enum):
    """The reason why the supervisor ended the child, if it did. It is recorded before the signal, never inferred."""

    ITSELF = "itself"
    DEADLINE = "deadline"
    REFUSAL = "refusal"
    """The child sent a message that is not accepted."""


@dataclass(frozen=True)
class Observation:
    """What was seen of a child during one test. Durations are in seconds."""

    messages: tuple[Message, ...]
    end: End
    ended_by: EndedBy
    phase: Phase
    """The phase that began last."""
    duration: float
    phase_duration: float
    phase_limit: float
    torn: int = 0
    """The number of bytes of a last message that is incomplete."""
    documents: dict[str, str] = field(default_factory=dict)
    """The documents that were taken from the living child, at its deadline or in its crash: name → text."""
    missing: dict[str, str] = field(default_factory=dict)
    """The documents that could not be taken → the reason."""
    notes: tuple[str, ...] = ()
    """Remarks of the supervisor, for example on a stopped child, or on processes that outlived the child."""
    refused: str = ""
    """A text on the message that was not accepted, and on what was expected; empty if all messages were accepted."""
    dying: bool = False
    """Whether the child was already dying of a fatal error when its deadline passed. A later death is no outcome."""
    oom_kills: int = 0
    """How many processes of the control group, the child or others, the OOM killer has killed since the fork."""

    def first(self, kind: type[M]) -> M | None:
        """Return the first message of the kind; None if the child sent none."""
        return next(self._of(kind), None)

    def all(self, kind: type[M]) -> tuple[M, ...]:
        """Return the messages of the kind, in the order in which the child sent them."""
        return tuple(self._of(kind))

    @property
    def names(self) -> dict[int, tuple[int, str]]:
        """Python's ident of each thread that the child named → its kernel id and name."""
        return {one.ident: (one.native_id, one.name) for one in self.all(ThreadNamed)}

    def _of(self, kind: type[M]) -> Iterator[M]:
        found: list[Any] = self._by_kind.get(kind, [])
        return iter(found)

    @cached_property
    def _by_kind(self) -> dict[type, list[Message]]:
        """Each class → the messages of the class and of its subclasses: many are asked for, of each test."""
        found: dict[type, list[Message]] = {}
        for message in self.messages:
            for kind in type(message).__mro__:
                found.setdefault(kind, []).append(message)
        return found

    @property
    def passed_its_deadline(self) -> bool:
        """Whether the test hangs: its deadline passed, and the child was not dying already."""
        return self.ended_by is EndedBy.DEADLINE and not self.dying

    @property
    def waits_for_order(self) -> bool:
        return isinstance(self.end, WaitsForOrder)

    @cached_property
    def all_passed(self) -> bool:
        """Whether the child waits for its next test, and each report of this test says passed."""
        return self.waits_for_order and self._reports_passed

    @property
    def ended_well(self) -> bool:
        """Whether the child has done all, has said so and ended by itself, and each report says passed."""
        orderly = self.finished and self.end == Exited(0) and self.ended_by is EndedBy.ITSELF and not self.refused
        return orderly and self._reports_passed

    @property
    def _reports_passed(self) -> bool:
        return all(one.report.get("outcome") == "passed" for one in self.all(ReportMade))

    @property
    def finished(self) -> bool:
        """Whether the child said that it had done all, or finalized the interpreter, after which nobody can speak."""
        return self.first(Finished) is not None or (self.phase is Phase.EXIT and self.end == Exited(0))
