"""One test from item to reports: fork, observation, evidence, outcome, record, reports."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import pytest

from . import documents, pytest_reports
from .artifacts import Artifacts
from .children import Children, Seen
from .items import SETTINGS
from .nodeids import file_of
from .observation import Observation, ReportMade, SessionStopped, WarningRecorded
from .outcomes import Outcome, Phase
from .phases import make_report
from .properties import add_properties
from .recording import identity, jvm_failure, record_of
from .records import Alone, RunRecord
from .report import text
from .reporting import add_evidence, add_section, child_reports, death_reports, reported_outcome, with_entry
from .reruns import Raised
from .settings import Settings

_MOST_NAMED: Final = 10
"""Tests that a command for a rerun names one by one."""


@dataclass(frozen=True)
class Result:
    """The reports of one test, its warnings, and whether it asked for the end of the run."""

    reports: list[pytest.TestReport]
    warnings: tuple[WarningRecorded, ...]
    stop: SessionStopped | None
    raised: Raised = field(default_factory=dict)


class Runner:
    """Runs tests in children, one after the other, within one run of pytest."""

    def __init__(self, children: Children, artifacts: Artifacts) -> None:
        self.children = children
        self._artifacts = artifacts
        self._jvm_has_started = False

    def run(self, item: pytest.Item, nextitem: pytest.Item | None) -> Result:
        """Raise UsageError when the first JVM of the run does not start, or one runs in this process."""
        settings = item.stash[SETTINGS]
        if settings.jvm is not None and _a_jvm_runs_here():
            raise pytest.UsageError(
                "jvm-before-fork: a JVM runs in the pytest process already, and no forked child can use it or have one "
                "of its own: let no conftest and no other test call jpype.startJVM, or run the foreign-thread tests by "
                f"themselves ({text.PAGES}jvm-before-fork/)"
            )
        seen = self.children.run(item, nextitem)
        observation = seen.observation
        if (reason := jvm_failure(observation, seen.taken)) is not None:
            return Result(self._jvm_failed(item, settings, observation, reason), (), None)
        self._jvm_has_started = self._jvm_has_started or settings.jvm is not None
        warnings = tuple(message for message in observation.messages if isinstance(message, WarningRecorded))
        return Result(self._reports(item, settings, seen), warnings, _stop(observation), _raised(observation))

    def _reports(self, item: pytest.Item, settings: Settings, seen: Seen) -> list[pytest.TestReport]:
        observation = seen.observation
        reports = child_reports(item, observation)
        record, died = record_of(item, settings, observation, seen.taken, reports)
        if _stop(observation) is not None and not died:
            # It has no outcome: pytest reports nothing of a test that is interrupted.
            return reports
        if record.outcome.abnormal:
            self.children.retire(item)
            record = self._compared(item, settings, record, seen)
        record = self._with_artifacts(record, seen.taken, _traceback(reports))
        if died:
            reports += death_reports(item, record, reports, observation)
        elif record.outcome is Outcome.NULL_RESULT:
            add_evidence(reports, record)
        elif record.diagnosis is not None:
            add_section(reports, record, "diagnosis", "\n".join(text.diagnosis_lines(record)))
        record = replace(record, outcome=reported_outcome(record, reports))
        add_properties(reports, record)
        return with_entry(reports, record, settings)

    def _compared(self, item: pytest.Item, settings: Settings, record: RunRecord, seen: Seen) -> RunRecord:
        """Run a test that broke in a shared child once more, alone: what it owes to those before it is to be told.

        Not one that the user has debugged: he would be asked to do so again.
        """
        before = seen.before
        if not before or self.children.debugs or seen.observation.debugged:
            return record
        seen = self.children.run(item, None, alone=True)
        reports = child_reports(item, seen.observation)
        alone, _ = record_of(item, settings, seen.observation, seen.taken, reports)
        earlier = tuple(pytest_reports.as_typed(item.config, pytest_reports.own_id(one)) for one in before)
        rerun = (*_together(earlier, record.rerun), *_modes_of(item, before), "--foreign-thread-isolation=session")
        return replace(record, alone=Alone(alone.outcome, alone.message, earlier, rerun))

    def _jvm_failed(
        self, item: pytest.Item, settings: Settings, observation: Observation, reason: str
    ) -> list[pytest.TestReport]:
        message = _start_failure(settings, reason)
        if not self._jvm_has_started and not settings.own_jvm_args:
            raise pytest.UsageError(message)
        duration = observation.duration
        report = pytest_reports.death_report(item, Outcome.ERROR, Phase.JVM, message, message, duration)
        which = identity(item, settings)
        record = RunRecord(item.nodeid, settings.mode, Outcome.ERROR, Phase.JVM, duration, message=message, **which)
        return with_entry([report, pytest_reports.closing_report(item)], record, settings)

    def _with_artifacts(self, record: RunRecord, taken: documents.Documents, traceback: str) -> RunRecord:
        if not record.outcome.abnormal:
            self._artifacts.forget(record.nodeid)
            return record
        kept = self._artifacts.keep(record.nodeid, taken)
        record = _with_note(replace(record, artifacts=kept.paths), kept.note)
        note = self._artifacts.complete(record, traceback)
        return _with_note(record, note if kept.note is None else None)


def _a_jvm_runs_here() -> bool:
    from .child import jvm

    return jvm.is_started()


def _together(earlier: Sequence[str], test: str) -> tuple[str, ...]:
    """Give what selects all these tests: their ids, or the files of many."""
    tests = (*earlier, test)
    return tests if len(tests) <= _MOST_NAMED else tuple(dict.fromkeys(map(file_of, tests)))


def _modes_of(item: pytest.Item, before: Sequence[pytest.Item]) -> tuple[str, ...]:
    """Give the options without which pytest would not make these items of a matrix."""
    options = item.stash[SETTINGS].rerun_options
    modes = dict.fromkeys(one.stash[SETTINGS].mode for one in (*before, item))
    return options and (f"--foreign-thread-modes={','.join(modes)}", *options[1:])


def _with_note(record: RunRecord, note: str | None) -> RunRecord:
    return record if note is None else replace(record, notes=(*record.notes, note))


def _traceback(reports: Sequence[pytest.TestReport]) -> str:
    return "\n".join(report.longreprtext for report in reports if pytest_reports.is_abnormal(report))


def not_run(item: pytest.Item, settings: Settings, call: pytest.CallInfo[None]) -> Result:
    """Give the reports of a test that its marks keep from running."""
    reports = [make_report(item, call), pytest_reports.closing_report(item)]
    outcome, phase = pytest_reports.outcome_of(reports)
    reason = pytest_reports.reason_of(reports, outcome)
    which = identity(item, settings)
    record = RunRecord(item.nodeid, settings.mode, outcome, phase, call.duration, message=reason, **which)
    return Result(with_entry(reports, record, settings), (), None)


def _start_failure(settings: Settings, reason: str) -> str:
    words = "; ".join(line.strip() for line in reason.splitlines() if line.strip())
    used = f"{settings.jvm}; its arguments: {shlex.join(settings.jvm_args) or 'none'}"
    arguments = "the marker's jvm_args or classpath, " if settings.own_jvm_args else ""
    options = "foreign_thread_jvm_args, foreign_thread_classpath or foreign_thread_jvm (the folder of a JDK)"
    return f"the JVM did not start: {words} ({used}): change {arguments}{options}"


def _raised(observation: Observation) -> Raised:
    made = (message for message in observation.messages if isinstance(message, ReportMade))
    return {str(one.report.get("when")): one.exceptions for one in made if one.exceptions}


def _stop(observation: Observation) -> SessionStopped | None:
    return next((message for message in observation.messages if isinstance(message, SessionStopped)), None)
