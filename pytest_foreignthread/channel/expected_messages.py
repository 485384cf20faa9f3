"""Which messages of a child are accepted, and when. Everything that crosses the pipe is untrusted.

A test's code runs in the process that sends, and can write anything to the pipe. So each message must fit the state in
which the pytest process knows the child to be, and the test that the child was given. A message that does not fit ends
the child, and is an error of that test. A forged message that fits is accepted: it says nothing that the test could not
say of itself, for example by passing.

| state of a test | accepted | leads to |
|---|---|---|
| begun | `PhaseStarted` of `jvm`, once in a child that has a JVM to start | jvm |
| | `NotServed` | not served |
| | `PhaseStarted` of `setup` | setup |
| jvm | `JvmStarted`, once, with a time that is no longer than a day | the same |
| | `JvmFailed` | jvm failed |
| | `PhaseStarted` of `setup`, `NotServed` | setup, not served |
| jvm failed | none: the child ends; where the JVM starts in the setup, what setup accepts | |
| setup, call, teardown | `WarningRecorded` of this phase; reports of subtests | the same |
| | `SessionStopped` | stopped |
| | the report of this phase, with the test's own node id | reported |
| | `PhasePassed`: the same in a short form, which names no test | reported |
| | in setup, where the JVM starts late: `PhaseStarted` of `jvm`, once, and then what jvm accepts | the same |
| reported | `SessionStopped` | stopped |
| reported, stopped | `PhaseStarted` of `call` after a setup that passed, of `teardown` after both | that phase |
| | after the teardown `TestEnded` or `Finished` | ended |
| | after the teardown `Left`, once | the same |
| | after the teardown of a test that has passed, if it is to be finalized: `PhaseStarted` of `exit` | exit |
| exit | `WarningRecorded` of this phase; the child ends without another word | the same |
| not served | `PhaseStarted` of `teardown`, `TestEnded`, `Finished` | ended |

A child that is ordered to end sends the teardown of the test that it has served last once more, and then `Finished`.

Accepted in each state:

- `ThreadNamed` and `UncaughtException`. They change no state, and a thread of the body may send them late.
- `JvmAdopted` in a fresh interpreter: only there can the project start a JVM of its own.
- `InternalError`, which becomes an error of the test. The child that sends it then ends by itself, unless the error
  came from the explanation of an exception: then the test goes on.

Accepted from the setup on: `DebuggerEntered`, if its time is not in the future, and `DebuggerLeft`. How long a debugger
may take, `supervise.process.lender` decides. After the end of a test no other message is accepted, because the child
has no order for another test yet. `Tried` is a message of the doctor's trial only.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

from ..model.observation import (
    DebuggerEntered,
    DebuggerLeft,
    Finished,
    InternalError,
    JvmAdopted,
    JvmFailed,
    JvmStarted,
    Left,
    Message,
    NotServed,
    PhasePassed,
    PhaseStarted,
    ReportMade,
    SessionStopped,
    TestEnded,
    ThreadNamed,
    Tried,
    UncaughtException,
    WarningRecorded,
)
from ..model.outcomes import Phase
from . import report_shape
from .report_shape import shown

_TEST_PHASES: Final = (Phase.SETUP, Phase.CALL, Phase.TEARDOWN)
_DEBUGGED: Final = (*_TEST_PHASES, Phase.EXIT)
_A_DAY: Final = 86_400_000_000
"""Microseconds."""
_STOPS: Final = ("interrupt", "exit")
_TRIED: Final = ("passed", "skipped", "failed")


class Unexpected(Exception):
    """A message is not accepted; the text says what was expected and what came."""


class Expected(Protocol):
    """The messages that a child may send, as a state that each accepted message may change."""

    def take(self, message: Message) -> None:
        """Accept a message, or raise Unexpected if it does not fit the state."""


class MessagesOfTest:
    """The messages that a child may send about one test."""

    def __init__(
        self,
        nodeid: str,
        *,
        starts_jvm: bool,
        late: bool = False,
        forked: bool = True,
        finalizes: bool = False,
    ) -> None:
        """`starts_jvm` says whether the child has a JVM to start, `late` whether that may happen in the test's setup.

        `forked` says whether the child is a fork of the pytest process, not a fresh interpreter; `finalizes` whether
        the child ends by the finalization of its interpreter.
        """
        self._nodeid = nodeid
        self._starts_jvm = starts_jvm
        self._late = late
        self._forked = forked
        self._may_finalize = finalizes
        """False as soon as a phase has not passed."""
        self._has_left = False
        self._phase = Phase.FORK
        """The phase that began last. It stays SETUP while a JVM starts in the setup."""
        self._in_jvm = False
        self._jvm_failed = False
        self._jvm_started = False
        self._reported = False
        self._passed = False
        self._stopped = False
        self._not_served = False
        self._ended = False

    @property
    def phase(self) -> Phase:
        """The phase that began last; FORK or SETUP while a JVM starts."""
        return self._phase

    def take(self, message: Message) -> None:
        match message:
            case ThreadNamed() | UncaughtException() | InternalError():
                return
            case JvmAdopted():
                self._want(not self._forked, "no JVM of the project's own in a forked child", message)
            case DebuggerEntered():
                self._want(self._phase in _DEBUGGED, "no debugger before the setup of the test", message)
                check_time(message)
            case DebuggerLeft():
                self._want(self._phase in _DEBUGGED, "no debugger before the setup of the test", message)
            case _ if self._ended:
                raise unexpected("no message after the end of the test", message)
            case PhaseStarted(phase):
                self._enter(phase, message)
            case PhasePassed(report):
                self._take_passed(report, message)
            case ReportMade(report):
                self._take_report(report, message)
            case WarningRecorded(when=when):
                self._want(
                    (self._runs or self._phase is Phase.EXIT) and when == self._phase.value,
                    f"{self._next} or a warning of it",
                    message,
                )
            case SessionStopped(kind=kind):
                self._want(self._phase in _TEST_PHASES and not self._stopped and kind in _STOPS, self._next, message)
                self._stopped = True
            case JvmStarted(microseconds):
                fits = self._in_jvm and not self._jvm_failed and not self._jvm_started
                self._want(fits and 0 <= microseconds <= _A_DAY, self._next, message)
                self._jvm_started = True
            case JvmFailed():
                self._want(self._in_jvm and not self._jvm_failed, self._next, message)
                self._jvm_failed = True
            case NotServed():
                self._want(self._phase not in _TEST_PHASES and not self._jvm_failed, self._next, message)
                self._not_served = True
            case Left():
                self._want(self._is_torn_down and not self._has_left, self._next, message)
                self._has_left = True
            case TestEnded() | Finished():
                self._want(self._is_torn_down or self._not_served, self._next, message)
                self._ended = True
            case _:
                raise unexpected(self._next, message)

    def _want(self, fits: bool, expected: str, message: Message) -> None:
        if not fits:
            raise unexpected(expected, message)

    @property
    def _runs(self) -> bool:
        return self._phase in _TEST_PHASES and not self._phase_is_over

    @property
    def _phase_is_over(self) -> bool:
        return self._reported or self._stopped

    @property
    def _is_torn_down(self) -> bool:
        return self._phase is Phase.TEARDOWN and self._phase_is_over

    @property
    def _next(self) -> str:
        """The message that the test needs next, in words for an error."""
        if self._not_served:
            return "the end of a test that was not run"
        if self._jvm_failed and self._phase not in _TEST_PHASES:
            return "the end of the child, whose JVM failed"
        if self._phase is Phase.EXIT:
            return "the end of the child, whose interpreter is finalized"
        if self._phase not in _TEST_PHASES:
            return "the start of the setup"
        if not self._phase_is_over:
            return f"the report of the {self._phase.value}"
        if self._phase is Phase.TEARDOWN:
            return "the end of the test"
        if self._phase is Phase.SETUP and self._passed:
            return "the start of the call, or of the teardown"
        return "the start of the teardown"

    def _enter(self, phase: Phase, message: Message) -> None:
        if phase is Phase.JVM:
            self._want(self._may_start_jvm, self._next, message)
            self._starts_jvm, self._in_jvm = False, True
            return
        self._want(self._may_enter(phase), self._next, message)
        # A second PhaseStarted of the setup, after a JVM that was started in it, goes on with the same setup.
        self._phase, self._in_jvm = phase, False
        self._reported = self._stopped = self._passed = False

    @property
    def _may_start_jvm(self) -> bool:
        if self._phase is Phase.SETUP:
            return self._starts_jvm and self._late and not self._phase_is_over
        return self._starts_jvm and self._phase is Phase.FORK and not self._not_served

    def _may_enter(self, phase: Phase) -> bool:
        if self._not_served:
            return phase is Phase.TEARDOWN
        match phase:
            case Phase.SETUP:
                anew = self._phase is Phase.SETUP and self._in_jvm and not self._phase_is_over
                return (self._phase is Phase.FORK or anew) and not self._jvm_failed
            case Phase.CALL:
                return self._phase is Phase.SETUP and self._reported and self._passed and not self._stopped
            case Phase.TEARDOWN:
                return self._phase in (Phase.SETUP, Phase.CALL) and self._phase_is_over
            case Phase.EXIT:
                return self._phase is Phase.TEARDOWN and self._reported and self._may_finalize
            case _:
                return False

    def _take_report(self, report: dict[str, Any], message: Message) -> None:
        self._want(self._runs, self._next, message)
        try:
            report_shape.check(report, required="$report_type" in report)
        except report_shape.BadShape as error:
            raise Unexpected(str(error)) from None
        if report.get("nodeid") != self._nodeid:
            raise Unexpected(f"expected a report of {self._nodeid}, got one of {shown(report.get('nodeid'))}")
        if not is_part(report):
            self._end_phase(report)

    def _take_passed(self, report: dict[str, Any], message: Message) -> None:
        # It names no test: it is the report of the test that the child was given.
        self._want(self._runs, self._next, message)
        try:
            report_shape.check_short(report)
        except report_shape.BadShape as error:
            raise Unexpected(str(error)) from None
        self._end_phase(report)

    def _end_phase(self, report: dict[str, Any]) -> None:
        when = report.get("when")
        if when != self._phase.value:
            raise Unexpected(f"expected the report of the {self._phase.value}, got one of {shown(when)}")
        self._reported, self._passed = True, report.get("outcome") == "passed"
        self._may_finalize = self._may_finalize and self._passed


class MessagesOfEnd(MessagesOfTest):
    """The messages of a child that was ordered to tear down all fixtures, and to end.

    They are those of one more teardown of the test that the child has served last.
    """

    def __init__(self, nodeid: str, *, forked: bool = True) -> None:
        super().__init__(nodeid, starts_jvm=False, forked=forked)
        self._phase, self._reported = Phase.CALL, True

    def take(self, message: Message) -> None:
        if isinstance(message, (TestEnded, Left)):
            raise unexpected("the teardown of what stands, and the end", message)
        super().take(message)


class MessagesOfTrial:
    """The messages of a child of the doctor, which tries the project's own launchers."""

    def __init__(self) -> None:
        self._phase = Phase.FORK

    def take(self, message: Message) -> None:
        if not self._fits(message):
            raise unexpected(f"what comes of a trial, after {self._phase.value}", message)

    def _fits(self, message: Message) -> bool:
        match message:
            case ThreadNamed() | UncaughtException() | InternalError() | TestEnded() | Finished():
                return True
            case PhaseStarted(Phase.JVM):
                fits, self._phase = self._phase is Phase.FORK, Phase.JVM
                return fits
            case PhaseStarted(Phase.CALL):
                fits, self._phase = self._phase is not Phase.FORK, Phase.CALL
                return fits
            case JvmFailed():
                return self._phase is Phase.JVM
            case Tried(outcome=outcome):
                return outcome in _TRIED
            case _:
                return False


def is_part(report: Mapping[str, Any]) -> bool:
    """Return whether a report in serialized form is that of a subtest, and not that of a phase."""
    return report.get("_report_type") == "SubTestReport"


def check_time(message: DebuggerEntered, clock: Callable[[], float] = time.monotonic) -> None:
    """Raise Unexpected if the time of the message is no time in the past."""
    # The time counts as the debugger's from then on: a time in the future would put off the deadline. The comparison is
    # false for a NaN as well.
    if not 0 <= message.at <= clock():
        raise Unexpected(f"expected the time at which a debugger was entered, got {message.at!r}")


def unexpected(expected: str, message: Message) -> Unexpected:
    """Return the exception for a message that came while another was expected."""
    return Unexpected(f"expected {expected}, got {_named(message)}")


def _named(message: Message) -> str:
    match message:
        case PhaseStarted(phase):
            return f"the start of the {phase.value}"
        case ReportMade(report):
            return f"a report of the {shown(report.get('when'))}"
        case _:
            return shown(message)
