"""The `user_properties` of an abnormal outcome, for JUnit's report and other readers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from ...matrix.verdicts import Verdict
    from ...model.records import RunRecord


def add_properties(reports: Sequence[pytest.TestReport], record: RunRecord) -> None:
    """Add the properties to the report of the failure and to all later reports: JUnit's report takes the last one's."""
    if not record.outcome.abnormal:
        return
    first = next((number for number, report in enumerate(reports) if report.failed), len(reports))
    for report in reports[first:]:
        report.user_properties = [*report.user_properties, *_properties(record)]


def add_verdict(reports: Sequence[pytest.TestReport], verdict: Verdict) -> None:
    """Add the verdict of the matrix on the test to the last report of the test's last mode."""
    last = reports[-1]
    last.user_properties = [*last.user_properties, ("foreign_thread_verdict", verdict.value)]


def _properties(record: RunRecord) -> list[tuple[str, object]]:
    found = {"mode": record.mode, "outcome": record.outcome.value}
    if record.diagnosis is not None:
        found["diagnosis"] = record.diagnosis.code
    return [(f"foreign_thread_{name}", value) for name, value in found.items()]
