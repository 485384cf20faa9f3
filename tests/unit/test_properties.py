"""Which reports carry the properties of an abnormal outcome, and which properties these are."""

from __future__ import annotations

from dataclasses import replace
from typing import Final, Literal

import pytest

from pytest_foreignthread.matrix.verdicts import Verdict
from pytest_foreignthread.model.outcomes import Outcome, Phase
from pytest_foreignthread.model.records import Diagnosis, RunRecord
from pytest_foreignthread.report.pytest.properties import add_properties, add_verdict

RECORD: Final = RunRecord("t.py::test", "pool", Outcome.HANG, Phase.CALL, 1.0)
OWN: Final = ("colour", "red")
ADDED: Final = [("foreign_thread_mode", "pool"), ("foreign_thread_outcome", "hang")]

When = Literal["setup", "call", "teardown"]


def made(when: When, *, failed: bool = False) -> pytest.TestReport:
    outcome: Literal["failed", "passed"] = "failed" if failed else "passed"
    return pytest.TestReport("t.py::test", ("t.py", 0, "test"), {}, outcome, None, when, user_properties=[OWN])


def properties_after(record: RunRecord, *reports: pytest.TestReport) -> list[list[tuple[str, object]]]:
    add_properties(reports, record)
    return [report.user_properties for report in reports]


def test_from_the_failure_on() -> None:
    found = properties_after(RECORD, made("setup"), made("call", failed=True), made("teardown"))
    assert found == [[OWN], [OWN, *ADDED], [OWN, *ADDED]]


def test_in_teardown() -> None:
    found = properties_after(RECORD, made("setup"), made("call"), made("teardown", failed=True))
    assert found == [[OWN], [OWN], [OWN, *ADDED]]


def test_with_a_diagnosis() -> None:
    record = replace(RECORD, diagnosis=Diagnosis("deadlock", "Two wait.", "Let one go."))
    (found,) = properties_after(record, made("call", failed=True))
    assert found == [OWN, *ADDED, ("foreign_thread_diagnosis", "deadlock")]


def test_a_verdict_stands_in_the_last_report() -> None:
    reports = (made("call"), made("teardown"))
    add_verdict(reports, Verdict.FOREIGN_UNSAFE)
    assert [one.user_properties for one in reports] == [[OWN], [OWN, ("foreign_thread_verdict", "foreign-unsafe")]]


@pytest.mark.parametrize("outcome", [Outcome.PASSED, Outcome.FAILED, Outcome.ERROR, Outcome.XFAILED, Outcome.SKIPPED])
def test_an_ordinary_outcome_has_none(outcome: Outcome) -> None:
    reports = (made("call", failed=True), made("teardown"))
    assert properties_after(replace(RECORD, outcome=outcome), *reports) == [[OWN], [OWN]]


def test_a_list_that_reports_share_is_left_alone() -> None:
    shared: list[tuple[str, object]] = [OWN]
    report = made("call", failed=True)
    report.user_properties = shared
    properties_after(RECORD, report)
    assert shared == [OWN]
