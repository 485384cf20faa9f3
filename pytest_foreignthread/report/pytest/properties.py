"""What JUnit and other readers of `user_properties` are told of an abnormal outcome."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from ...matrix.verdicts import Verdict
    from ...model.records import RunRecord


def add_properties(reports: Sequence[pytest.TestReport], record: RunRecord) -> None:
    """Add them to the report of the failure and to all after it: pytest's JUnit takes those of the last."""
    if not record.outcome.abnormal:
        return
    first = next((number for number, report in enumerate(reports) if report.failed), len(reports))
    for report in reports[first:]:
        report.user_properties = [*report.user_properties, *_properties(record)]


def add_verdict(reports: Sequence[pytest.TestReport], verdict: Verdict) -> None:
    """Add what all modes together say of a test to the last report of the last of them."""
    last = reports[-1]
    last.user_properties = [*last.user_properties, ("foreign_thread_verdict", verdict.value)]


def _properties(record: RunRecord) -> list[tuple[str, object]]:
    found = {"mode": record.mode, "outcome": record.outcome.value}
    if record.diagnosis is not None:
        found["diagnosis"] = record.diagnosis.code
    return [(f"foreign_thread_{name}", value) for name, value in found.items()]
