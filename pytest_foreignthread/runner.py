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
from .classify import Verdict, classify_end, raised_null_result
from .evidence.merge import read_evidence
from .observation import Exited, JvmFailed, Observation, ReportMade, SessionStopped, ThreadNamed, WarningRecorded
from .outcomes import Outcome, Phase
from .records import Evidence, RunRecord
from .report import json_report, text
from .settings import DUMP_SIGNAL, Settings
from .supervise.probe import take_documents
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
                "a JVM runs in the pytest process already, and no forked child can use it or have one of its own: let "
                "no conftest and no other test call jpype.startJVM, or run the foreign-thread tests by themselves"
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
        reports = _child_reports(item.config, observation)
        evidence = _evidence(observation, taken)
        death = classify_end(observation, evidence)
        verdict, phase = (death, observation.phase) if death else _from_reports(reports)
        record = self._with_artifacts(_record(item, settings, observation, evidence, verdict, phase), taken)
        if death is not None:
            reports += _death_reports(item, record, reports, observation)
        elif _stop(observation) is not None:
            # It has no outcome: pytest reports nothing of a test that is interrupted.
            return reports
        elif record.outcome is Outcome.NULL_RESULT:
            _add_evidence(reports, record)
        return _with_entry(reports, replace(record, outcome=_reported_outcome(record, reports)))

    def _observe(self, item: pytest.Item, settings: Settings, folder: Path, shares_fixtures: bool) -> Observation:
        return supervise(
            lambda sender: child.run(item, settings, folder, sender, shares_fixtures=shares_fixtures),
            limits=settings.limit,
            probe=functools.partial(
                take_documents, traceback_file=folder / documents.PYTHON_HANG, dump_signal=DUMP_SIGNAL
            ),
        )

    def _jvm_failed(
        self, item: pytest.Item, settings: Settings, observation: Observation, reason: str
    ) -> list[pytest.TestReport]:
        message = _start_failure(settings, reason)
        if not self._jvm_has_started and not settings.own_jvm_args:
            raise pytest.UsageError(message)
        duration = observation.duration
        report = pytest_reports.death_report(item, Outcome.ERROR, Phase.JVM, message, message, duration)
        record = RunRecord(item.nodeid, settings.mode, Outcome.ERROR, Phase.JVM, duration, message=message)
        return _with_entry([report, pytest_reports.closing_report(item)], record)

    def _with_artifacts(self, record: RunRecord, taken: documents.Documents) -> RunRecord:
        if not record.outcome.abnormal:
            self._artifacts.forget(record.nodeid)
            return record
        kept = self._artifacts.keep(record.nodeid, taken)
        notes = record.notes if kept.note is None else (*record.notes, kept.note)
        return replace(record, artifacts=kept.paths, notes=notes)


def not_run(item: pytest.Item, settings: Settings, call: pytest.CallInfo[None]) -> Result:
    """Give the reports of a test that its marks keep from running."""
    report = item.ihook.pytest_runtest_makereport(item=item, call=call)
    reports = [report, pytest_reports.closing_report(item)]
    outcome, phase = pytest_reports.outcome_of(reports)
    reason = pytest_reports.reason_of(reports, outcome)
    record = RunRecord(item.nodeid, settings.mode, outcome, phase, call.duration, message=reason)
    return Result(_with_entry(reports, record), (), None)


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


def _child_reports(config: pytest.Config, observation: Observation) -> list[pytest.TestReport]:
    reports = []
    for message in observation.messages:
        if isinstance(message, ReportMade):
            report = pytest_reports.from_plain_data(config, message.report)
            null = raised_null_result(message.exceptions) if report.failed else None
            if null is not None:
                pytest_reports.mark(report, Outcome.NULL_RESULT, null)
            reports.append(report)
    return reports


def _evidence(observation: Observation, taken: documents.Documents) -> Evidence:
    named = [message for message in observation.messages if isinstance(message, ThreadNamed)]
    return read_evidence(taken, {one.ident: (one.native_id, one.name) for one in named}, observation.missing)


def _from_reports(reports: Sequence[pytest.TestReport]) -> tuple[Verdict, Phase]:
    for report in reports:
        if pytest_reports.is_abnormal(report):
            verdict = Verdict(Outcome.NULL_RESULT, None, None, pytest_reports.summary_of(report))
            return verdict, Phase(report.when)
    outcome, phase = pytest_reports.outcome_of(reports)
    return Verdict(outcome, None, None, pytest_reports.reason_of(reports, outcome)), phase


def _record(
    item: pytest.Item,
    settings: Settings,
    observation: Observation,
    evidence: Evidence,
    verdict: Verdict,
    phase: Phase,
) -> RunRecord:
    return RunRecord(
        nodeid=item.nodeid,
        mode=settings.mode,
        outcome=verdict.outcome,
        phase=phase,
        duration=observation.duration,
        signal=verdict.signal,
        exit_code=verdict.exit_code,
        message=verdict.message,
        evidence=evidence if verdict.outcome.abnormal else Evidence(),
        notes=observation.notes,
        rerun=pytest_reports.as_typed(item.config, item.nodeid),
    )


def _death_reports(
    item: pytest.Item, record: RunRecord, before: Sequence[pytest.TestReport], observation: Observation
) -> list[pytest.TestReport]:
    summary, duration = text.summary(record), observation.phase_duration
    report = pytest_reports.death_report(item, record.outcome, record.phase, summary, text.render(record), duration)
    report.sections = [*(before[-1].sections if before else ()), *_captured(record, str(report.when))]
    report.user_properties = list(before[-1].user_properties) if before else []
    pytest_reports.mark(report, record.outcome, summary)
    if report.when == "teardown":
        return [report]
    closing = pytest_reports.closing_report(item)
    # JUnit takes a test's output and its properties from the last report.
    closing.sections, closing.user_properties = list(report.sections), list(report.user_properties)
    return [report, closing]


def _add_evidence(reports: Sequence[pytest.TestReport], record: RunRecord) -> None:
    """A null result has a traceback of its own; say where its documents are."""
    for report in reports:
        if pytest_reports.is_abnormal(report) and report.when == record.phase.value:
            report.sections = [("evidence", text.render(record)), *report.sections]


def _captured(record: RunRecord, when: str) -> list[tuple[str, str]]:
    streams = (("stdout", record.evidence.stdout), ("stderr", record.evidence.stderr))
    shown = ((name, documents.without_banner(written)) for name, written in streams)
    return [(f"Captured {name} {when}", text) for name, text in shown if text]


def _reported_outcome(record: RunRecord, reports: Sequence[pytest.TestReport]) -> Outcome:
    """An expected death is pytest's xfailed, like an expected exception."""
    if record.outcome.abnormal and not any(pytest_reports.is_abnormal(report) for report in reports):
        return pytest_reports.outcome_of(reports)[0]
    return record.outcome


def _with_entry(reports: list[pytest.TestReport], record: RunRecord) -> list[pytest.TestReport]:
    """Let the last report carry the record: pytest takes it as the end of the test."""
    if reports:
        pytest_reports.attach_entry(reports[-1], json_report.test_entry(record))
    return reports


def _stop(observation: Observation) -> SessionStopped | None:
    return next((message for message in observation.messages if isinstance(message, SessionStopped)), None)
