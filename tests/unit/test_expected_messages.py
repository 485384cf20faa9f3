"""Which messages of a child are accepted in which state of its test."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable
from typing import Final

import pytest

from pytest_foreignthread.channel.expected_messages import MessagesOfEnd, MessagesOfTest, MessagesOfTrial, Unexpected
from pytest_foreignthread.model.observation import (
    DebuggerEntered,
    DebuggerLeft,
    Finished,
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
    WarningRecorded,
)
from pytest_foreignthread.model.outcomes import Phase

JVM, SETUP, CALL, TEARDOWN, EXIT = map(PhaseStarted, list(Phase)[1:])
THREAD: Final = ThreadNamed(1, 2, "MainThread")
STOP: Final = SessionStopped("exit", "enough")
STARTED: Final = JvmStarted(98_000)
FAILED: Final = JvmFailed("no memory")
NOT_SERVED: Final = NotServed("no such test")
LEFT: Final = DebuggerLeft()
NOTHING_LEFT: Final = Left("", False)
PASSED_TEARDOWN: Final = {"outcome": "passed", "when": "teardown", "duration": 0.1}


def report(when: str, outcome: str = "passed", nodeid: str = "t.py::test") -> ReportMade:
    return ReportMade({"nodeid": nodeid, "when": when, "outcome": outcome})


def part(when: str = "call") -> ReportMade:
    return ReportMade({"nodeid": "t.py::test", "when": when, "outcome": "failed", "_report_type": "SubTestReport"})


def warning(when: str) -> WarningRecorded:
    return WarningRecorded("builtins", "UserWarning", "careful", "t.py", 1, when)


def entered(at: float = 0.0) -> DebuggerEntered:
    return DebuggerEntered(False, at)


SET_UP: Final = (JVM, SETUP, report("setup"))
CALLED: Final = (*SET_UP, CALL, report("call"))
TORN_DOWN: Final = (*CALLED, TEARDOWN, report("teardown"))


def take(
    messages: Iterable[Message],
    *,
    starts_jvm: bool = True,
    late: bool = False,
    forked: bool = True,
    finalizes: bool = False,
) -> None:
    expected = MessagesOfTest("t.py::test", starts_jvm=starts_jvm, late=late, forked=forked, finalizes=finalizes)
    for message in messages:
        expected.take(message)


def test_what_a_test_left_is_reported_once_after_its_teardown() -> None:
    take((*TORN_DOWN, NOTHING_LEFT, TestEnded()))
    take((*TORN_DOWN, TestEnded()))


@pytest.mark.parametrize(
    "messages",
    [
        (*TORN_DOWN, NOTHING_LEFT, NOTHING_LEFT),
        (*TORN_DOWN, TestEnded(), NOTHING_LEFT),
        (*CALLED, NOTHING_LEFT),
        (NOT_SERVED, NOTHING_LEFT),
        (NOTHING_LEFT,),
    ],
    ids=["twice", "after the end", "before the teardown", "not served", "first"],
)
def test_what_a_test_left_is_refused_elsewhere(messages: tuple[Message, ...]) -> None:
    with pytest.raises(Unexpected):
        take(messages)


WHOLE: Final[dict[str, tuple[Message, ...]]] = {
    "passed": (THREAD, *TORN_DOWN, TestEnded()),
    "passed, and the child ends": (THREAD, *TORN_DOWN, Finished()),
    "failed in setup": (JVM, SETUP, report("setup", "failed"), TEARDOWN, report("teardown"), TestEnded()),
    "skipped in setup": (JVM, SETUP, report("setup", "skipped"), TEARDOWN, report("teardown"), TestEnded()),
    "only set up": (*SET_UP, TEARDOWN, report("teardown"), TestEnded()),
    "failed in call": (*SET_UP, CALL, report("call", "failed"), TEARDOWN, report("teardown"), TestEnded()),
    "stopped in call": (*SET_UP, CALL, STOP, TEARDOWN, report("teardown"), TestEnded()),
    "stopped by a hook that looked at the failure": (*SET_UP, CALL, report("call", "failed"), STOP, TEARDOWN),
    "with subtests": (*SET_UP, CALL, part(), part(), report("call"), TEARDOWN),
    "with warnings": (JVM, SETUP, warning("setup"), report("setup"), CALL, warning("call"), report("call")),
    "threads at any time": (THREAD, JVM, THREAD, SETUP, THREAD, report("setup"), CALL, THREAD, *TORN_DOWN[4:], THREAD),
    "the JVM fails": (JVM, FAILED),
    "the JVM's start is timed": (JVM, STARTED, *TORN_DOWN[1:]),
    "no such test": (NOT_SERVED, TestEnded()),
    "no such test, what stands is torn down": (NOT_SERVED, TEARDOWN, Finished()),
    "debugged": (*SET_UP, CALL, entered(), entered(1.5), LEFT, report("call", "failed")),
    "a debugger behind the report": (*SET_UP, CALL, report("call", "failed"), entered(), LEFT, TEARDOWN),
}


@pytest.mark.parametrize("messages", WHOLE.values(), ids=WHOLE)
def test_what_a_child_sends_in_order_is_accepted(messages: tuple[Message, ...]) -> None:
    take(messages)


def test_a_test_that_has_passed_may_be_finalized() -> None:
    take([*TORN_DOWN, EXIT, THREAD, entered(), LEFT, warning("exit"), THREAD], finalizes=True)
    take([*TORN_DOWN, Finished()], finalizes=True)


TO_FINALIZE: Final[dict[str, tuple[tuple[Message, ...], Message, str]]] = {
    "before the teardown": (CALLED, EXIT, "expected the start of the teardown, got the start of the exit"),
    "before the report of the teardown": ((*CALLED, TEARDOWN), EXIT, "expected the report of the teardown"),
    "after a call that failed": (
        (*SET_UP, CALL, report("call", "failed"), TEARDOWN, report("teardown")),
        EXIT,
        "expected the end of the test",
    ),
    "after a teardown that failed": ((*CALLED, TEARDOWN, report("teardown", "failed")), EXIT, "the end of the test"),
    "after a test that was stopped": (
        (*CALLED, TEARDOWN, report("teardown"), STOP),
        SETUP,
        "expected the end of the test",
    ),
    "twice": ((*TORN_DOWN, EXIT), EXIT, "expected the end of the child, whose interpreter is finalized"),
    "the end behind it": ((*TORN_DOWN, EXIT), Finished(), "got Finished"),
    "the end of the test alone": ((*TORN_DOWN, EXIT), TestEnded(), "got TestEnded"),
    "a report behind it": ((*TORN_DOWN, EXIT), report("teardown"), "got a report of the 'teardown'"),
    "a warning of an earlier phase": ((*TORN_DOWN, EXIT), warning("teardown"), "or a warning of it"),
    "a stop": ((*TORN_DOWN, EXIT), STOP, "got SessionStopped"),
    "another phase": ((*TORN_DOWN, EXIT), CALL, "got the start of the call"),
}


@pytest.mark.parametrize(("before", "message", "words"), TO_FINALIZE.values(), ids=TO_FINALIZE)
def test_what_a_child_that_is_to_be_finalized_may_not_send(
    before: tuple[Message, ...], message: Message, words: str
) -> None:
    take(before, finalizes=True)
    with pytest.raises(Unexpected) as raised:
        take([*before, message], finalizes=True)
    assert words in str(raised.value)


def test_a_shared_child_has_its_jvm_from_the_first_test_on() -> None:
    take([*TORN_DOWN[1:], TestEnded()], starts_jvm=False)


def test_a_jvm_may_start_late() -> None:
    take([SETUP, JVM, SETUP, report("setup"), *TORN_DOWN[3:]], late=True)
    take([SETUP, JVM, STARTED, SETUP, report("setup"), *TORN_DOWN[3:]], late=True)
    take([SETUP, JVM, JvmAdopted("25", ""), SETUP, JvmAdopted("25", "")], late=True, forked=False)
    take([JVM, JvmAdopted("25", ""), SETUP, JvmAdopted("25", "")], forked=False)
    take([SETUP, JVM, FAILED, report("setup", "failed"), TEARDOWN, report("teardown"), TestEnded()], late=True)


WRONG: Final[dict[str, tuple[tuple[Message, ...], Message, str]]] = {
    "a report before the setup": ((JVM,), report("setup"), "expected the start of the setup"),
    "a report of another phase": ((JVM, SETUP), report("call"), "expected the report of the setup, got one of 'call'"),
    "of another test": (
        (JVM, SETUP),
        report("setup", nodeid="t.py::other"),
        "expected a report of t.py::test, got one",
    ),
    "of no test": ((JVM, SETUP), ReportMade({"when": "setup"}), "got one of None"),
    "a second report": (SET_UP, report("setup"), "expected the start of the call, or of the teardown"),
    "of a part of another test": (
        (*SET_UP, CALL),
        ReportMade({"nodeid": "t.py::other", "_report_type": "SubTestReport"}),
        "expected a report of t.py::test",
    ),
    "a part behind the report": (CALLED, part(), "expected the start of the teardown"),
    "call after a setup that failed": (
        (JVM, SETUP, report("setup", "failed")),
        CALL,
        "expected the start of the teardown, got the start of the call",
    ),
    "call before the report of the setup": ((JVM, SETUP), CALL, "expected the report of the setup"),
    "teardown before the report of the call": ((*SET_UP, CALL), TEARDOWN, "expected the report of the call"),
    "setup again": (SET_UP, SETUP, "got the start of the setup"),
    "a second call": (CALLED, CALL, "expected the start of the teardown"),
    "a second teardown": (TORN_DOWN, TEARDOWN, "expected the end of the test"),
    "a JVM of the project's in a forked child": (
        (JVM, SETUP),
        JvmAdopted("25", ""),
        "expected no JVM of the project's",
    ),
    "a JVM in the call": ((*SET_UP, CALL), JVM, "got the start of the jvm"),
    "a second JVM": ((JVM,), JVM, "got the start of the jvm"),
    "a phase that no child has": ((JVM,), PhaseStarted(Phase.FORK), "got the start of the fork"),
    "the JVM fails in the call": ((*SET_UP, CALL), FAILED, "expected the report of the call, got JvmFailed"),
    "the JVM fails before it starts": ((), FAILED, "expected the start of the setup"),
    "a setup after the JVM failed": ((JVM, FAILED), SETUP, "expected the end of the child, whose JVM failed"),
    "not served in the call": ((*SET_UP, CALL), NOT_SERVED, "got NotServed"),
    "the start of a JVM before it began": ((), STARTED, "expected the start of the setup, got JvmStarted"),
    "timed twice": ((JVM, STARTED), STARTED, "got JvmStarted"),
    "timed in the call": ((*SET_UP, CALL), STARTED, "got JvmStarted"),
    "a JVM that failed and started": ((JVM, FAILED), STARTED, "got JvmStarted"),
    "in less than no time": ((JVM,), JvmStarted(-1), "got JvmStarted"),
    "in more than a day": ((JVM,), JvmStarted(10**12), "got JvmStarted"),
    "stopped before the setup": ((JVM,), STOP, "got SessionStopped"),
    "stopped twice": ((*SET_UP, CALL, STOP), STOP, "got SessionStopped"),
    "stopped in another way": ((*SET_UP, CALL), SessionStopped("crash", ""), "got SessionStopped"),
    "a warning of another phase": ((*SET_UP, CALL), warning("teardown"), "got WarningRecorded"),
    "a warning between phases": (SET_UP, warning("setup"), "got WarningRecorded"),
    "the end in the call": ((*SET_UP, CALL), TestEnded(), "got TestEnded"),
    "the end of the child in the call": ((*SET_UP, CALL), Finished(), "got Finished"),
    "the end before the teardown": (CALLED, TestEnded(), "expected the start of the teardown, got TestEnded"),
    "after the end": ((*TORN_DOWN, TestEnded()), report("call"), "expected no message after the end of the test"),
    "a test that is not to be finalized": (TORN_DOWN, EXIT, "expected the end of the test, got the start of the exit"),
    "a trial": ((*SET_UP, CALL), Tried("new", "passed", ""), "got Tried"),
    "a debugger before the setup": ((JVM,), entered(), "expected no debugger before the setup of the test"),
    "a debugger at no time": ((*SET_UP, CALL), entered(math.nan), "expected the time at which a debugger was entered"),
    "in the future": ((*SET_UP, CALL), entered(time.monotonic() + 3600), "expected the time"),
    "before time began": ((*SET_UP, CALL), entered(-1.0), "expected the time"),
    "in an endless number": ((*SET_UP, CALL), entered(math.inf), "expected the time"),
    "a debugger left before the setup": ((JVM,), LEFT, "expected no debugger"),
}


@pytest.mark.parametrize(("before", "message", "words"), WRONG.values(), ids=WRONG)
def test_what_does_not_fit_the_state_is_refused(before: tuple[Message, ...], message: Message, words: str) -> None:
    expected = MessagesOfTest("t.py::test", starts_jvm=True)
    for one in before:
        expected.take(one)
    with pytest.raises(Unexpected) as raised:
        expected.take(message)
    assert words in str(raised.value)


def test_a_child_without_a_jvm_starts_none() -> None:
    with pytest.raises(Unexpected):
        take([JVM], starts_jvm=False)


ENDS: Final[dict[str, tuple[Message, ...]]] = {
    "passes": (THREAD, TEARDOWN, entered(), LEFT, PhasePassed(PASSED_TEARDOWN), Finished()),
    "fails": (THREAD, TEARDOWN, warning("teardown"), report("teardown", "failed"), Finished()),
    "stops the run": (TEARDOWN, STOP, Finished()),
}


@pytest.mark.parametrize("messages", ENDS.values(), ids=ENDS)
def test_the_end_of_a_child_is_one_more_teardown(messages: tuple[Message, ...]) -> None:
    expected = MessagesOfEnd("t.py::test")
    for message in messages:
        expected.take(message)


OF_ANOTHER: Final = report("teardown", "failed", "t.py::other")
WRONG_ENDS: Final[dict[str, tuple[tuple[Message, ...], Message]]] = {
    "a report before the teardown": ((), report("teardown", "failed")),
    "a warning before the teardown": ((), warning("teardown")),
    "another phase": ((), CALL),
    "a JVM": ((), JVM),
    "no test": ((), NOT_SERVED),
    "the end before the teardown": ((), Finished()),
    "the end without a report": ((TEARDOWN,), Finished()),
    "a report of another test": ((TEARDOWN,), OF_ANOTHER),
    "a report of another phase": ((TEARDOWN,), report("call", "failed")),
    "a second report": ((TEARDOWN, report("teardown")), report("teardown", "failed")),
    "a second teardown": ((TEARDOWN, report("teardown")), TEARDOWN),
    "finalization": ((TEARDOWN, report("teardown")), EXIT),
    "what is left": ((TEARDOWN, report("teardown")), NOTHING_LEFT),
    "the wait for another test": ((TEARDOWN, report("teardown")), TestEnded()),
    "a second end": ((TEARDOWN, report("teardown"), Finished()), Finished()),
}


@pytest.mark.parametrize(("before", "message"), WRONG_ENDS.values(), ids=WRONG_ENDS)
def test_the_end_of_a_child_is_nothing_else(before: tuple[Message, ...], message: Message) -> None:
    expected = MessagesOfEnd("t.py::test")
    for one in before:
        expected.take(one)
    with pytest.raises(Unexpected):
        expected.take(message)


def test_a_trial_says_what_came_of_it() -> None:
    expected = MessagesOfTrial()
    for message in (THREAD, JVM, CALL, Tried("new", "passed", ""), CALL, TestEnded(), Finished()):
        expected.take(message)


@pytest.mark.parametrize("message", [report("call"), STOP, FAILED, CALL, Tried("new", "great", ""), entered()])
def test_a_trial_says_nothing_else(message: Message) -> None:
    with pytest.raises(Unexpected, match="expected what comes of a trial"):
        MessagesOfTrial().take(message)
