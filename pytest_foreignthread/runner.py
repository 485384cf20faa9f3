"""One test from item to reports: fork, observation, evidence, outcome, record, reports."""

from __future__ import annotations

import functools
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from . import documents, pytest_reports
from .artifacts import Artifacts
from .child import jvm
from .child import main as child
from .observation import Exited, JvmFailed, Observation, SessionStopped, WarningRecorded
from .outcomes import Outcome, Phase
from .properties import add_properties
from .recording import identity, record_of
from .records import RunRecord
from .report import text
from .reporting import add_evidence, add_section, child_reports, death_reports, reported_outcome, with_entry
from .settings import DUMP_SIGNAL, Settings
from .supervise import native
from .supervise.held import CrashWatch
from .supervise.probe import take_crash, take_documents
from .supervise.scratch import ScratchRoot
from .supervise.supervisor import supervise


@dataclass(frozen=True)
class Result:
    """The reports of one test, its warnings, and whether it asked for the end of the run."""

    reports: list[pytest.TestReport]
    warnings: tuple[WarningRecorded, ...]
    stop: SessionStopped | None


class Runner:
    """Runs tests in children, one after the other, within one run of pytest."""

    def __init__(self, scratch: ScratchRoot, artifacts: Artifacts) -> None:
        self._scratch = scratch
        self._artifacts = artifacts
        self._jvm_has_started = False

    def run(self, item: pytest.Item, settings: Settings, *, shares_fixtures: bool) -> Result:
        """Raise UsageError when the first JVM of the run does not start, or one runs in this process."""
        if jvm.is_started():
            raise pytest.UsageError(
                "jvm-before-fork: a JVM runs in the pytest process already, and no forked child can use it or have one "
                "of its own: let no conftest and no other test call jpype.startJVM, or run the foreign-thread tests by "
                f"themselves ({text.PAGES}jvm-before-fork/)"
            )
        folder = self._scratch.child_folder()
        try:
            observation = self._observe(item, settings, folder, shares_fixtures)
            taken = documents.read(folder, observation)
        finally:
            self._scratch.discard(folder)
        if (reason := _jvm_failure(observation, taken)) is not None:
            return Result(self._jvm_failed(item, settings, observation, reason), (), None)
        self._jvm_has_started = True
        warnings = tuple(message for message in observation.messages if isinstance(message, WarningRecorded))
        return Result(self._reports(item, settings, observation, taken), warnings, _stop(observation))

    def _reports(
        self, item: pytest.Item, settings: Settings, observation: Observation, taken: documents.Documents
    ) -> list[pytest.TestReport]:
        reports = child_reports(item.config, observation)
        record, died = record_of(item, settings, observation, taken, reports)
        record = self._with_artifacts(record, taken, _traceback(reports))
        if died:
            reports += death_reports(item, record, reports, observation)
        elif _stop(observation) is not None:
            # It has no outcome: pytest reports nothing of a test that is interrupted.
            return reports
        elif record.outcome is Outcome.NULL_RESULT:
            add_evidence(reports, record)
        elif record.diagnosis is not None:
            add_section(reports, record, "diagnosis", "\n".join(text.diagnosis_lines(record)))
        record = replace(record, outcome=reported_outcome(record, reports))
        add_properties(reports, record)
        return with_entry(reports, record, settings)

    def _observe(self, item: pytest.Item, settings: Settings, folder: Path, shares_fixtures: bool) -> Observation:
        return supervise(
            lambda sender: child.run(item, settings, folder, sender, shares_fixtures=shares_fixtures),
            limits=settings.limit,
            probe=functools.partial(
                take_documents,
                traceback_file=folder / documents.PYTHON_HANG,
                dump_signal=DUMP_SIGNAL,
                native_choice=settings.native,
            ),
            crash=_crash_watch(settings, folder),
        )

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


def _with_note(record: RunRecord, note: str | None) -> RunRecord:
    return record if note is None else replace(record, notes=(*record.notes, note))


def _traceback(reports: Sequence[pytest.TestReport]) -> str:
    return "\n".join(report.longreprtext for report in reports if pytest_reports.is_abnormal(report))


def _crash_watch(settings: Settings, folder: Path) -> CrashWatch | None:
    if not native.is_wanted(settings.native):
        return None
    return CrashWatch(folder, functools.partial(take_crash, native_choice=settings.native))


def not_run(item: pytest.Item, settings: Settings, call: pytest.CallInfo[None]) -> Result:
    """Give the reports of a test that its marks keep from running."""
    report = item.ihook.pytest_runtest_makereport(item=item, call=call)
    reports = [report, pytest_reports.closing_report(item)]
    outcome, phase = pytest_reports.outcome_of(reports)
    reason = pytest_reports.reason_of(reports, outcome)
    which = identity(item, settings)
    record = RunRecord(item.nodeid, settings.mode, outcome, phase, call.duration, message=reason, **which)
    return Result(with_entry(reports, record, settings), (), None)


def _jvm_failure(observation: Observation, taken: documents.Documents) -> str | None:
    for message in observation.messages:
        if isinstance(message, JvmFailed):
            return message.reason
    if observation.phase is Phase.JVM and isinstance(observation.end, Exited):
        # Some refused options end in exit(1) inside HotSpot, with the reason printed.
        return f"it ended the process with status {observation.end.code}\n{taken.get(documents.JVM_START, '')}".strip()
    return None


def _start_failure(settings: Settings, reason: str) -> str:
    words = "; ".join(line.strip() for line in reason.splitlines() if line.strip())
    used = f"{settings.jvm}; its arguments: {shlex.join(settings.jvm_args) or 'none'}"
    arguments = "the marker's jvm_args or classpath, " if settings.own_jvm_args else ""
    options = "foreign_thread_jvm_args, foreign_thread_classpath or foreign_thread_jvm (the folder of a JDK)"
    return f"the JVM did not start: {words} ({used}): change {arguments}{options}"


def _stop(observation: Observation) -> SessionStopped | None:
    return next((message for message in observation.messages if isinstance(message, SessionStopped)), None)
