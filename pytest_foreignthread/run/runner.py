"""Runs one test, from its item to its reports: fork, observation, evidence, outcome, record, reports."""

from __future__ import annotations

import shlex
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from ..channel.report_shape import BadShape, encodable
from ..collect.identity import identity
from ..config.stash_keys import SETTINGS
from ..matrix.verdicts import BREAKS
from ..model import documents
from ..model.blame import error_text
from ..model.observation import (
    CANNOT_ACCEPT,
    NotServed,
    Observation,
    PhaseStarted,
    ReportMade,
    SessionStopped,
    WarningRecorded,
)
from ..model.outcomes import Outcome, Phase
from ..model.records import RunRecord
from ..model.report_data import data_of, put_on
from ..model.settings import Settings
from ..model.status_words import is_abnormal
from ..report import text
from ..report.kept.artifacts import Artifacts
from ..report.pytest import pytest_reports
from ..report.pytest.not_run import Raised, Result
from ..report.pytest.properties import add_properties
from ..report.pytest.recording import internal_error, jvm_failure, record_of
from ..report.pytest.reporting import (
    add_evidence,
    add_section,
    add_stress,
    child_reports,
    death_reports,
    reported_outcome,
    with_entry,
    with_one_teardown,
)
from .children import Children
from .second_runs import SecondRuns
from .served_test import ServedTest

if TYPE_CHECKING:
    from .counted_rounds import CountedRounds


class Runner:
    """Runs tests in children, one after the other, within one run of pytest."""

    def __init__(self, children: Children, artifacts: Artifacts, searches: int) -> None:
        """`searches` is the number of failures for which the earlier tests are searched; see `SecondRuns`."""
        self.children = children
        self._second_runs = SecondRuns(children, searches)
        self._artifacts = artifacts
        self._jvm_has_started = False
        self._counted: CountedRounds | None = None

    def run(self, item: pytest.Item, nextitem: pytest.Item | None) -> Result:
        """Run the test in a child and return its result.

        Raise UsageError if the first JVM of the run does not start, or if a JVM in this process prevents the start.
        """
        try:
            return self._run(item, nextitem)
        except pytest.UsageError:
            raise
        # The boundary of one test: a fault of this plugin becomes an error of the test that met it, because an
        # INTERNALERROR of pytest would lose the results of all others.
        except Exception as error:
            return Result(_internal_error(item, error_text(error, "the pytest process")), (), None)

    def _run(self, item: pytest.Item, nextitem: pytest.Item | None) -> Result:
        settings = item.stash[SETTINGS]
        if settings.stress is None:
            return self._result(item, settings, self.children.run(item, nextitem))
        # Imported here: few runs of pytest are stressed.
        from .stress import run_rounds

        rounds = self._counted_rounds(item) if settings.stress_stop else None
        rule = None if rounds is None else rounds.stop_rule(settings)
        stressed = run_rounds(self.children, item, settings, settings.stress, rule)
        if rounds is not None and stressed.data is not None:
            rounds.record(settings, stressed.data["failed"], stressed.data["rounds"])
        result = self._result(item, settings, stressed.seen)
        data, stop = stressed.data, result.stop or stressed.stop
        if data is None:
            return replace(result, stop=stop)
        if stop is None and stressed.row is not None and _wants_shrinking(settings, result):
            from .shrinking import shrink

            shrunk = shrink(self.children, item, settings, stressed.row)
            data, stop = {**data, "shrunk": shrunk.data}, shrunk.stop
        add_stress(result.reports, data)
        return replace(result, stop=stop)

    def _counted_rounds(self, item: pytest.Item) -> CountedRounds:
        """Return the counts of the run's stressed tests. The first call makes the object."""
        from .counted_rounds import CountedRounds

        if self._counted is None:
            self._counted = CountedRounds(item.session.items)
        return self._counted

    def _result(self, item: pytest.Item, settings: Settings, seen: ServedTest) -> Result:
        observation = seen.observation
        if observation.refused:
            return self._refused(item, settings, seen, observation.refused)
        if (text := internal_error(observation)) is not None:
            return Result(_internal_error(item, text, observation), (), None)
        if (not_served := observation.first(NotServed)) is not None:
            return Result(_error(item, settings, seen, Phase.FORK, not_served.reason), (), None)
        if (reason := jvm_failure(observation, seen.taken)) is not None:
            return Result(self._jvm_failed(item, settings, seen, reason), (), None)
        self._jvm_has_started = self._jvm_has_started or settings.jvm is not None
        try:
            reports = self._reports(item, settings, seen)
        except BadShape as error:
            return self._refused(item, settings, seen, f"{CANNOT_ACCEPT}: {error}")
        warnings, stop = observation.all(WarningRecorded), observation.first(SessionStopped)
        return Result(reports, warnings, stop, _raised(observation))

    def _refused(self, item: pytest.Item, settings: Settings, seen: ServedTest, what: str) -> Result:
        """End the test's child, and return an error: a child that sent a bad message serves no other test."""
        self.children.retire(item)
        message = f"{item.nodeid} {what}; its child was ended"
        return Result(_error(item, settings, seen, seen.observation.phase, message), (), None)

    def _reports(self, item: pytest.Item, settings: Settings, seen: ServedTest) -> list[pytest.TestReport]:
        observation = seen.observation
        reports = child_reports(item, observation)
        record, died = record_of(item, settings, observation, seen.taken, reports)
        record = replace(record, start=seen.start)
        if observation.first(SessionStopped) is not None and not died:
            # The test has no outcome: pytest reports nothing of a test that is interrupted.
            return reports
        # A child may survive an abnormal outcome, such as a null result. It gets no other test: what the outcome left
        # in the process is unknown.
        if record.outcome.abnormal:
            self.children.retire(item)
        record = self._second_runs.compared(item, settings, record, seen)
        return self._reports_of(item, settings, observation, reports, record, seen.taken, died=died)

    def late_result(self, item: pytest.Item, seen: ServedTest, *, repeats: bool) -> Result:
        """Return the result of the end of a child, as one more teardown of the test that the child had served last.

        `repeats` is whether the run has time for a second run of the test.
        """
        try:
            result = self._late_result(item, seen, repeats=repeats)
        # The boundary of one test, as in `run`.
        except Exception as error:
            result = Result(_internal_error(item, error_text(error, "the pytest process")), (), None)
        for report in result.reports:
            put_on(report, replace(data_of(report), late=True))
        return result

    def _late_result(self, item: pytest.Item, seen: ServedTest, *, repeats: bool) -> Result:
        settings, observation = item.stash[SETTINGS], seen.observation
        reports: list[pytest.TestReport] = []
        refused = internal_error(observation)
        try:
            reports = [report for report in child_reports(item, observation) if not report.passed]
        except BadShape as error:
            refused = f"{CANNOT_ACCEPT}: {error}"
        observation = replace(observation, refused=observation.refused or refused or "")
        record, died = record_of(item, settings, observation, seen.taken, reports)
        if reports or died:
            record = replace(record, start=seen.start)
            record = self._second_runs.compared(item, settings, record, seen) if repeats else record
            reports = self._reports_of(item, settings, observation, reports, record, seen.taken, died=died)
        return Result(reports, observation.all(WarningRecorded), observation.first(SessionStopped))

    def _reports_of(
        self,
        item: pytest.Item,
        settings: Settings,
        observation: Observation,
        reports: list[pytest.TestReport],
        record: RunRecord,
        taken: documents.Documents,
        *,
        died: bool,
    ) -> list[pytest.TestReport]:
        """Return the reports that pytest logs of a record: those of the child, with what the record adds."""
        traceback = "\n".join(report.longreprtext for report in reports if is_abnormal(report))
        record = self._with_artifacts(record, taken, traceback)
        if died:
            reports = [*reports, *death_reports(item, record, reports, observation)]
        elif record.outcome is Outcome.NULL_RESULT:
            add_evidence(reports, record)
        elif record.diagnosis is not None:
            add_section(reports, record, "diagnosis", "\n".join(text.diagnosis_lines(record)))
        repeated = record.alone is not None or record.control_alone in BREAKS
        if repeated and not record.outcome.abnormal:
            add_section(reports, record, "run once more", "\n".join(text.own_child_lines(record)))
        reports = with_one_teardown(reports)
        record = replace(record, outcome=reported_outcome(record, reports))
        add_properties(reports, record)
        return with_entry(reports, record, settings)

    def _jvm_failed(
        self, item: pytest.Item, settings: Settings, seen: ServedTest, reason: str
    ) -> list[pytest.TestReport]:
        message = _start_failure(settings, reason)
        # The first JVM of the run fails with arguments that all tests share: each other test would fail in the same
        # way. Text that a test's own code may have sent must not end the run, hence the proof.
        if not self._jvm_has_started and not settings.own_jvm_args and _is_proven(seen.observation):
            raise pytest.UsageError(message)
        return _error(item, settings, seen, Phase.JVM, message)

    def _with_artifacts(self, record: RunRecord, taken: documents.Documents, traceback: str) -> RunRecord:
        if not record.outcome.abnormal:
            self._artifacts.forget(record.nodeid)
            return record
        kept = self._artifacts.keep(record.nodeid, taken)
        record = _with_note(replace(record, artifacts=kept.paths), kept.note)
        note = self._artifacts.complete(record, traceback)
        return _with_note(record, note if kept.note is None else None)


def _error(
    item: pytest.Item, settings: Settings, seen: ServedTest, phase: Phase, message: str
) -> list[pytest.TestReport]:
    """Return the reports of a test that a child could not run."""
    duration, which, message = seen.observation.duration, identity(item, settings), encodable(message)
    # The report is of the setup, whatever the phase was: pytest shows a failed setup as an error, not as a failure.
    report = pytest_reports.death_report(item, Outcome.ERROR, Phase.SETUP, message, message, duration)
    reports = [report, pytest_reports.closing_report(item)]
    outcome, _ = pytest_reports.outcome_of(reports)
    record = RunRecord(item.nodeid, settings.mode, outcome, phase, duration, message=message, **which)
    return with_entry(reports, replace(record, start=seen.start), settings)


def _internal_error(item: pytest.Item, text: str, observation: Observation | None = None) -> list[pytest.TestReport]:
    """Return the reports of a test during which this plugin, or a hook in the child, failed.

    The first report is made without pytest's hooks: they would let an `xfail` mark hide the error, and such a mark
    expects failures of the test only.
    """
    settings, duration = item.stash[SETTINGS], 0.0 if observation is None else observation.duration
    phase = Phase.SETUP if observation is None else observation.phase
    report = pytest.TestReport(item.nodeid, item.location, {}, "failed", text, "setup", duration=duration)
    record = RunRecord(
        item.nodeid, settings.mode, Outcome.ERROR, phase, duration, message=text, **identity(item, settings)
    )
    return with_entry([report, pytest_reports.closing_report(item)], record, settings)


def _wants_shrinking(settings: Settings, result: Result) -> bool:
    """Return whether to search for a smaller setting. The user names one by `parts`, and a known failure needs none."""
    failed = any(report.failed for report in result.reports)
    return failed and settings.stress_shrink > 0 and settings.stress_seed.parts is None


def _with_note(record: RunRecord, note: str | None) -> RunRecord:
    return record if note is None else replace(record, notes=(*record.notes, note))


def _start_failure(settings: Settings, reason: str) -> str:
    # Imported here: a JVM that does not start ends the run.
    from ..report.kept.redaction import jvm_words_without_secrets

    words = "; ".join(line.strip() for line in reason.splitlines() if line.strip())
    arguments = shlex.join(jvm_words_without_secrets(settings.jvm_args))
    used = f"{settings.jvm}; its arguments: {arguments or 'none'}"
    own = "the marker's jvm_args or classpath, " if settings.own_jvm_args else ""
    options = "foreign_thread_jvm_args, foreign_thread_classpath or foreign_thread_jvm (the directory of a JDK)"
    return f"the JVM did not start: {words} ({used}): change {own}{options}"


def _is_proven(observation: Observation) -> bool:
    """Return whether the message about the JVM's failure cannot come from code of a test.

    It cannot if no setup had begun, or if the child went on in order to its end or its next test.
    """
    begun = any(one.phase is Phase.SETUP for one in observation.all(PhaseStarted))
    return not begun or observation.waits_for_order or observation.finished


def _raised(observation: Observation) -> Raised:
    made = observation.all(ReportMade)
    return {str(one.report.get("when")): one.exceptions for one in made if one.exceptions}
