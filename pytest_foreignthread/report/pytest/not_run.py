"""The reports of a test that ends before it has a child."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from ...collect.identity import identity
from ...model.observation import SessionStopped, WarningRecorded
from ...model.outcomes import Outcome, Phase
from ...model.records import RunRecord
from ...model.settings import Settings
from ..json_report import test_entry
from . import pytest_reports
from .phases import make_report
from .reporting import with_entry


@dataclass(frozen=True)
class Result:
    """The reports of one test, its warnings, and its request to end the run (`stop`; None if it made none)."""

    reports: list[pytest.TestReport]
    warnings: tuple[WarningRecorded, ...]
    stop: SessionStopped | None
    raised: Raised = field(default_factory=dict)


def bare_entry(item: pytest.Item, settings: Settings) -> dict[str, Any]:
    """Return the report's entry for a test that was started and of which nothing else is known."""
    which = identity(item, settings)
    return test_entry(RunRecord(item.nodeid, settings.mode, Outcome.ERROR, Phase.FORK, 0.0, **which))


def not_run(item: pytest.Item, settings: Settings, call: pytest.CallInfo[None]) -> Result:
    """Return the result of a test that ended with this step, which ran in the pytest process."""
    reports = [make_report(item, call), pytest_reports.closing_report(item)]
    outcome, phase = pytest_reports.outcome_of(reports)
    reason = pytest_reports.reason_of(reports, outcome)
    which = identity(item, settings)
    record = RunRecord(item.nodeid, settings.mode, outcome, phase, call.duration, message=reason, **which)
    return Result(with_entry(reports, record, settings), (), None)


Raised = Mapping[str, Sequence[tuple[str, str]]]
"""pytest's step ("setup", "call", "teardown") → type name and text of the step's exception and of its causes."""
