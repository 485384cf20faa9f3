"""What a report carries, and pytest's words for a test as its reports give them."""

from __future__ import annotations

import json
from typing import Any, Final, Literal

import pytest

from pytest_foreignthread.model.outcomes import ABNORMAL, Outcome, Phase
from pytest_foreignthread.model.report_attribute import ATTRIBUTE
from pytest_foreignthread.model.report_data import ReportData, data_of
from pytest_foreignthread.model.status_words import is_abnormal, status_words
from pytest_foreignthread.report.pytest import pytest_reports

from .sample_entries import entry

ENTRY: Final = entry("t.py::test", "new")
When = Literal["setup", "call", "teardown"]
State = Literal["passed", "failed", "skipped"]


def made(when: When, outcome: Any = "passed", longrepr: Any = None, **attributes: Any) -> pytest.TestReport:
    report = pytest.TestReport("t.py::test", ("t.py", 0, "test"), {}, outcome, longrepr, when)
    for name, value in attributes.items():
        setattr(report, name, value)
    return report


SETUP: Final = made("setup")
TEARDOWN: Final = made("teardown")

TESTS: Final[dict[str, tuple[list[pytest.TestReport], Outcome, Phase]]] = {
    "passed": ([SETUP, made("call"), TEARDOWN], Outcome.PASSED, Phase.CALL),
    "failed": ([SETUP, made("call", "failed"), TEARDOWN], Outcome.FAILED, Phase.CALL),
    "error in setup": ([made("setup", "failed"), TEARDOWN], Outcome.ERROR, Phase.SETUP),
    "error in teardown": ([SETUP, made("call"), made("teardown", "failed")], Outcome.ERROR, Phase.TEARDOWN),
    "the first counts": ([SETUP, made("call", "failed"), made("teardown", "failed")], Outcome.FAILED, Phase.CALL),
    "skipped": ([made("setup", "skipped"), TEARDOWN], Outcome.SKIPPED, Phase.SETUP),
    "skipped in the body": ([SETUP, made("call", "skipped"), TEARDOWN], Outcome.SKIPPED, Phase.CALL),
    "xfailed": ([SETUP, made("call", "skipped", wasxfail="why"), TEARDOWN], Outcome.XFAILED, Phase.CALL),
    "xfailed in setup": ([made("setup", "skipped", wasxfail=""), TEARDOWN], Outcome.XFAILED, Phase.SETUP),
    "xpassed": ([SETUP, made("call", wasxfail="why"), TEARDOWN], Outcome.XPASSED, Phase.CALL),
    "xpassed, strict": ([SETUP, made("call", "failed"), TEARDOWN], Outcome.FAILED, Phase.CALL),
    "a word of a hook's": ([SETUP, made("call", outcome="odd"), TEARDOWN], Outcome.ERROR, Phase.CALL),
    "no word at all": ([made("setup", outcome=None), TEARDOWN], Outcome.ERROR, Phase.SETUP),
    "no report": ([], Outcome.PASSED, Phase.CALL),
}


@pytest.mark.parametrize("case", TESTS)
def test_outcome_of(case: str) -> None:
    reports, outcome, phase = TESTS[case]
    assert pytest_reports.outcome_of(reports) == (outcome, phase)


class PartOfATest(pytest.TestReport):
    """As pytest's subtests report."""


@pytest.mark.parametrize(
    ("state", "outcome"),
    [("failed", Outcome.FAILED), ("skipped", Outcome.PASSED), ("passed", Outcome.PASSED)],
)
def test_a_part_that_fails_fails_the_test(state: State, outcome: Outcome) -> None:
    part = PartOfATest("t.py::test", ("t.py", 0, "test"), {}, state, None, "call")
    assert pytest_reports.outcome_of([SETUP, part, made("call"), TEARDOWN]) == (outcome, Phase.CALL)


@pytest.mark.parametrize(
    ("report", "outcome", "reason"),
    [
        (made("call", "failed", "assert 1 == 2\nmore"), Outcome.FAILED, "assert 1 == 2"),
        (made("setup", "failed", ""), Outcome.ERROR, ""),
        (made("setup", "skipped", ("t.py", 3, "Skipped: later")), Outcome.SKIPPED, "Skipped: later"),
        (made("call", "skipped", "long", wasxfail="expected"), Outcome.XFAILED, "expected"),
        (made("call", wasxfail="not met"), Outcome.XPASSED, "not met"),
        (made("call"), Outcome.PASSED, ""),
    ],
)
def test_reason_of(report: pytest.TestReport, outcome: Outcome, reason: str) -> None:
    assert pytest_reports.reason_of([SETUP, report, TEARDOWN], outcome) == reason


WORDS: Final = {
    Outcome.SEGFAULT: ("segfault", "S", "SEGFAULT"),
    Outcome.HANG: ("hang", "H", "HANG"),
    Outcome.NULL_RESULT: ("null_result", "N", "NULL_RESULT"),
    Outcome.CRASH: ("crash", "C", "CRASH"),
}


@pytest.mark.parametrize("outcome", ABNORMAL)
def test_words_of_an_abnormal_outcome(outcome: Outcome) -> None:
    report = made("call", "failed")
    pytest_reports.mark(report, outcome, "the cause")
    category, letter, word = WORDS[outcome]
    assert status_words(report) == (category, letter, word)
    assert is_abnormal(report)
    assert data_of(report) == ReportData(outcome, text="the cause")


@pytest.mark.parametrize("state", ["passed", "skipped"])
def test_a_report_that_is_no_failure_keeps_pytests_words(state: State) -> None:
    """An expected death."""
    report = made("call", state)
    pytest_reports.mark(report, Outcome.SEGFAULT, "the cause")
    assert status_words(report) is None


@pytest.mark.parametrize("outcome", [None, *(one for one in Outcome if not one.abnormal)])
def test_ordinary_outcomes_have_no_words_of_ours(outcome: Outcome | None) -> None:
    report = made("call", "failed")
    pytest_reports.mark(report, outcome, "")
    assert status_words(report) is None


def test_an_excused_failure_is_an_expected_one() -> None:
    reports = [SETUP, made("call", "failed"), made("teardown")]
    pytest_reports.excuse(reports, "known: a race")
    assert pytest_reports.outcome_of(reports) == (Outcome.XFAILED, Phase.CALL)
    assert [getattr(one, "wasxfail", None) for one in reports] == [None, "known: a race", None]


def test_what_a_marker_expects_comes_along() -> None:
    report = made("teardown")
    expect = {"new": frozenset({Outcome.HANG, Outcome.PASSED})}
    pytest_reports.attach_entry(report, ENTRY, expect)
    assert getattr(report, ATTRIBUTE)["expect"] == {"new": ["hang", "passed"]}
    assert data_of(report) == ReportData(entry=ENTRY, expect=expect)


def test_reports_of_others() -> None:
    assert status_words(made("call", "failed")) is None
    assert status_words(object()) is None
    assert data_of(made("call")) == ReportData()
    assert data_of(made("call", foreign_thread=True)) == ReportData()
    assert status_words(made("call", "failed", foreign_thread=True)) is None


def test_the_entry_and_the_words_live_together() -> None:
    report = made("teardown", "failed")
    pytest_reports.mark(report, Outcome.CRASH, "the cause")
    pytest_reports.attach_entry(report, ENTRY)
    assert data_of(report) == ReportData(Outcome.CRASH, entry=ENTRY, text="the cause")
    assert is_abnormal(report)


def test_a_round_is_numbered_beside_the_entry() -> None:
    reports = [made("call"), made("teardown")]
    pytest_reports.attach_entry(reports[1], ENTRY)
    pytest_reports.number_round(reports, 3)
    assert [data_of(one) for one in reports] == [ReportData(), ReportData(entry=ENTRY, round=3)]


def test_a_report_whose_data_is_not_ours_fails() -> None:
    report = made("call", foreign_thread={"outcome": "nope"})
    pytest_reports.refuse_bad_data(report)
    assert (report.outcome, hasattr(report, ATTRIBUTE)) == ("failed", False)
    assert pytest_reports.why_refused(report) == report.longrepr
    assert pytest_reports.why_refused(made("call")) is None
    assert report.longreprtext == (
        "an xdist worker sent a report that pytest-foreignthread cannot accept: foreign_thread: "
        "expected an object of outcome, entry, expect, text, tail, round, late, got {'outcome': 'nope'}"
    )


def test_a_report_whose_data_is_ours_stays() -> None:
    report = made("call", "failed")
    pytest_reports.mark(report, Outcome.HANG, "the cause")
    before = dict(vars(report))
    pytest_reports.refuse_bad_data(report)
    assert vars(report) == before


@pytest.mark.parametrize(
    ("phase", "when"),
    [
        (Phase.FORK, "setup"),
        (Phase.JVM, "setup"),
        (Phase.SETUP, "setup"),
        (Phase.CALL, "call"),
        (Phase.TEARDOWN, "teardown"),
        (Phase.EXIT, "teardown"),
    ],
)
def test_pytest_phase(phase: Phase, when: str) -> None:
    assert pytest_reports.pytest_phase(phase) == when


def test_a_report_survives_the_pipe(pytestconfig: pytest.Config) -> None:
    """JSON has no tuples; pytest's own code counts on them."""
    report = made("setup", "skipped", ("t.py", 3, "Skipped: later"))
    report.sections = [("Captured stdout setup", "printed")]
    report.user_properties = [("colour", "blue")]
    data = pytestconfig.hook.pytest_report_to_serializable(config=pytestconfig, report=report)
    back = pytest_reports.from_plain_data(pytestconfig, json.loads(json.dumps(data)))
    assert back.longrepr == ("t.py", 3, "Skipped: later")
    assert back.location == ("t.py", 0, "test")
    assert back.sections == [("Captured stdout setup", "printed")]
    assert back.user_properties == [("colour", "blue")]
