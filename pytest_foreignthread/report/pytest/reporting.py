"""Makes the reports that pytest logs for a test from the test's record."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from ...channel.report_shape import encodable
from ...evidence.python_dump import without_stacks
from ...model import documents
from ...model.null_results import raised_null_result
from ...model.observation import Observation, PhasePassed, ReportMade
from ...model.outcomes import Outcome, Phase
from ...model.records import RunRecord
from ...model.report_data import data_of, put_on
from ...model.settings import Settings
from ...model.status_words import is_abnormal
from ...model.wording import finding_lines, folded
from .. import json_report, text
from . import pytest_reports
from .passed_phases import PassedPhases
from .phases import HOOK_FAILED


def child_reports(item: pytest.Item, observation: Observation) -> list[pytest.TestReport]:
    reports: list[pytest.TestReport] = []
    alike: dict[str, Any] = {"nodeid": item.nodeid, "location": item.location}
    passed = PassedPhases(item)
    for message in observation.all(ReportMade):
        if isinstance(message, PhasePassed):
            report = passed.report(message.report)
        else:
            report = pytest_reports.from_plain_data(item.config, message.report)
        null = raised_null_result(message.exceptions) if report.failed else None
        if null is not None:
            pytest_reports.mark(report, Outcome.NULL_RESULT, null)
        if report.location != item.location:
            # JUnit's report writes these two into its file, where a lone surrogate could not be encoded.
            path, line, domain = report.location
            report.location = (encodable(path), line, encodable(domain))
        _share(report, alike)
        reports.append(report)
    return reports


def _share(report: pytest.TestReport, alike: dict[str, Any]) -> None:
    """Let the reports of a test share equal values in memory.

    pytest keeps all reports until the end of the run, and values that were read from JSON are never shared.
    """
    fields = vars(report)
    for name in ("when", "outcome"):
        fields[name] = sys.intern(fields[name])
    if "keywords" not in alike:
        alike["keywords"] = {sys.intern(word): value for word, value in report.keywords.items()}
    for name, value in alike.items():
        if fields.get(name) == value:
            fields[name] = value


def death_reports(
    item: pytest.Item, record: RunRecord, before: Sequence[pytest.TestReport], observation: Observation
) -> list[pytest.TestReport]:
    summary, duration = text.summary(record), observation.phase_duration
    layout = layout_of(item.config)
    words = text.render(record, layout)
    report = pytest_reports.death_report(item, record.outcome, record.phase, summary, words, duration)
    notes = [section for section in report.sections if section[0] == HOOK_FAILED]
    when = Phase.EXIT.value if record.phase is Phase.EXIT else str(report.when)
    earlier = before[-1].sections if before else []
    found = _found_by_checker(record, observation, when, [text for _, text in earlier])
    report.sections = [*earlier, *_captured(record, when, whole=layout.whole), *found, *notes]
    report.user_properties = list(before[-1].user_properties) if before else []
    pytest_reports.mark(report, record.outcome, summary, "\n".join(text.tail(record)))
    if report.when == "teardown":
        return [report]
    closing = pytest_reports.closing_report(item)
    # JUnit's report takes a test's output and its properties from the last report.
    closing.sections, closing.user_properties = list(report.sections), list(report.user_properties)
    return [report, closing]


def with_one_teardown(reports: Sequence[pytest.TestReport]) -> list[pytest.TestReport]:
    """Return the reports without that of a teardown which passed, if a report of the same phase follows.

    A death in the phase exit counts as a failed teardown, and so does what fails when a child is ended early.
    """
    superseded = [report for report in reports[:-1] if report.when == "teardown" and report.passed]
    if superseded:
        pytest_reports.hand_over_carried(superseded, reports[-1])
    return [report for report in reports if report not in superseded]


def layout_of(config: pytest.Config) -> text.Layout:
    verbose = config.getoption("verbose", 0) > 0
    return text.Layout(brief=config.getoption("tbstyle", "auto") == "short" and not verbose, whole=verbose)


def add_evidence(reports: Sequence[pytest.TestReport], record: RunRecord) -> None:
    """Mark the report of a null result, and add the evidence in a section: the report has a traceback already."""
    for report in reports:
        if is_abnormal(report):
            pytest_reports.mark(report, record.outcome, text.summary(record))
    add_section(reports, record, "evidence", text.render(record))


def add_section(reports: Sequence[pytest.TestReport], record: RunRecord, name: str, words: str) -> None:
    """Add a section to the failed report of the record's phase, before all other sections."""
    for report in reports:
        if report.failed and report.when == pytest_reports.pytest_phase(record.phase):
            report.sections = [(name, words), *report.sections]


def add_stress(reports: Sequence[pytest.TestReport], data: dict[str, Any]) -> None:
    """Add the tally of a stressed test to its failure, and to its entry."""
    # Imported here: few runs of pytest are stressed.
    from ...stress.shrunk import lines_of_shrunk
    from ...stress.tally import lines_of

    lines = [data["verdict"], *lines_of(data), *text.rerun_lines(data["rerun"])]
    if (shrunk := data["shrunk"]) is not None:
        lines += [*lines_of_shrunk(shrunk), *text.rerun_lines(shrunk["rerun"])]
    words = "\n".join(lines)
    for report in reports:
        if report.failed or hasattr(report, "wasxfail"):
            report.sections = [("stress", words), *report.sections]
        found = data_of(report)
        if found.entry is not None:
            put_on(report, replace(found, entry={**found.entry, "stress": data}))


def _captured(record: RunRecord, when: str, *, whole: bool) -> list[tuple[str, str]]:
    stderr = record.evidence.stderr
    # The report has these stacks already, with their C and Java frames.
    repeated = () if whole else {thread.id for thread in record.evidence.python_threads}
    streams = (("stdout", record.evidence.stdout), ("stderr", without_stacks(stderr, repeated)))
    shown = ((name, documents.without_banner(written)) for name, written in streams)
    return [(f"Captured {name} {when}", text) for name, text in shown if text]


def _found_by_checker(
    record: RunRecord, observation: Observation, when: str, earlier: Sequence[str]
) -> list[tuple[str, str]]:
    """Return a section for each finding about a call of JNI that no earlier phase has shown."""
    names = dict(observation.names.values())
    texts = ("\n".join(finding_lines(one, names.get(one.native_id or 0))) for one in record.evidence.jni)
    return [(f"Captured jni {when}", text) for text in folded(texts) if text not in earlier]


def reported_outcome(record: RunRecord, reports: Sequence[pytest.TestReport]) -> Outcome:
    """Return the outcome that pytest shows: an expected death is xfailed, like an expected exception."""
    if record.outcome.abnormal and not any(is_abnormal(report) for report in reports):
        return pytest_reports.outcome_of(reports)[0]
    return record.outcome


def with_entry(reports: list[pytest.TestReport], record: RunRecord, settings: Settings) -> list[pytest.TestReport]:
    """Attach the record's entry to the last report, which pytest takes as the end of the test; return the reports.

    A known failure (`settings.known`) stays a failure in the record, but pytest gets it as an expected failure.
    """
    if (reason := settings.known.get(record.outcome)) is not None:
        pytest_reports.excuse(reports, f"known: {reason}")
    if reports:
        pytest_reports.attach_entry(reports[-1], json_report.test_entry(record), settings.expect)
    return reports
