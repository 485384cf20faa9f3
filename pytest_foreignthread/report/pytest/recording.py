"""Makes the record of a test from the observation of its child, the child's documents and its reports."""

from __future__ import annotations

import inspect
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

import pytest

from ...channel.report_shape import encodable
from ...collect.identity import identity
from ...model import documents
from ...model.checkers import OF_INTERPRETER, note_of
from ...model.observation import (
    Exited,
    InternalError,
    JvmAdopted,
    JvmFailed,
    JvmStarted,
    Observation,
    PhaseStarted,
    ThreadNamed,
    UncaughtException,
)
from ...model.outcomes import Outcome, Phase
from ...model.records import Diagnosis, Evidence, RunRecord, Verdict
from ...model.report_data import data_of
from ...model.settings import Settings
from ...model.status_words import is_abnormal
from . import pytest_reports

_MOST_UNCAUGHT: Final = 5


def jvm_failure(observation: Observation, taken: documents.Documents) -> str | None:
    """Return what the JVM said when its start failed, without secrets, because reports show it; None if it started."""
    if (reason := _jvm_failure(observation, taken)) is None:
        return None
    from ..kept.document_redaction import start_text_without_secrets

    return start_text_without_secrets(reason)


def _jvm_failure(observation: Observation, taken: documents.Documents) -> str | None:
    if (failed := observation.first(JvmFailed)) is not None:
        return failed.reason
    if observation.phase is Phase.JVM and isinstance(observation.end, Exited):
        # HotSpot refuses some options with a printed reason and exit(1), so that JPype cannot raise an exception.
        return f"it ended the process with status {observation.end.code}\n{taken.get(documents.JVM_START, '')}".strip()
    return None


def internal_error(observation: Observation) -> str | None:
    """Return the text of an error in this plugin or a hook that ended the child; None if there was none."""
    error = observation.first(InternalError)
    return None if error is None else str(encodable(error.text))


def record_of(
    item: pytest.Item,
    settings: Settings,
    observation: Observation,
    taken: documents.Documents,
    reports: Sequence[pytest.TestReport],
) -> tuple[RunRecord, bool]:
    """Return the record, and whether the child died. If it died, none of its own reports says so."""
    # A test that passed has no death to explain.
    if observation.all_passed or observation.ended_well:
        return _record(item, settings, observation, Evidence(), *_from_reports(reports)), False
    # Imported here, and below: a run whose tests pass needs none of this.
    from ...diagnosis.classify import classify_end
    from .crash_gaps import gaps
    from .user_place import user_place

    evidence = _evidence(observation, taken)
    evidence = replace(evidence, missing={**evidence.missing, **gaps(settings, observation, evidence)})
    death = classify_end(observation, evidence)
    verdict, phase = (death, observation.phase) if death else _from_reports(reports)
    record = _record(item, settings, observation, evidence, verdict, phase)
    if death is None and record.outcome in (Outcome.PASSED, Outcome.SKIPPED):
        return record, False
    uncaught = tuple(_uncaught(observation)) if death is not None else ()
    record = replace(record, at=user_place(evidence, item.config.rootpath) if death is not None else None)
    diagnosis = _diagnosis(item, settings, record, observation, evidence)
    return replace(record, diagnosis=diagnosis, uncaught=uncaught), death is not None


def _uncaught(observation: Observation) -> Iterator[str]:
    """Yield the first uncaught exceptions and a count of the others, which often follow from the first."""
    texts = [message.text for message in observation.all(UncaughtException)]
    yield from texts[:_MOST_UNCAUGHT]
    if len(texts) > _MOST_UNCAUGHT:
        yield f"{len(texts) - _MOST_UNCAUGHT} more exceptions that no one caught"


def _evidence(observation: Observation, taken: documents.Documents) -> Evidence:
    from ...evidence.merge import read_evidence

    if observation.passed_its_deadline:
        taken = documents.without_late_death(taken)
    joined = {one.ident for one in observation.all(ThreadNamed) if one.joined}
    return read_evidence(taken, observation.names, observation.missing, _subject(observation), joined)


def _subject(observation: Observation) -> int | None:
    """Return Python's id of the thread on which the last phase ran.

    In the call that is the first thread named after the call began, or the main thread if none was. In all other phases
    it is the main thread, which is named first. None if no thread was named.
    """
    subject, in_call = None, False
    for message in observation.messages:
        if isinstance(message, PhaseStarted):
            in_call = message.phase is Phase.CALL
        elif isinstance(message, ThreadNamed) and (subject is None or in_call):
            subject, in_call = message.ident, False
    if observation.phase is Phase.CALL:
        return subject
    main = observation.first(ThreadNamed)
    return None if main is None else main.ident


def _from_reports(reports: Sequence[pytest.TestReport]) -> tuple[Verdict, Phase]:
    for report in reports:
        if is_abnormal(report):
            verdict = Verdict(Outcome.NULL_RESULT, None, None, data_of(report).text)
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
        evidence=evidence if verdict.outcome.abnormal else Evidence(missing=dict(observation.missing)),
        notes=(*observation.notes, *_about_own_jvm(observation), *_about_checkers(settings)),
        jvm_start=None if (started := observation.first(JvmStarted)) is None else started.microseconds / 1e6,
        **identity(item, settings),
    )


def _about_own_jvm(observation: Observation) -> Iterator[str]:
    if (found := observation.first(JvmAdopted)) is not None:
        yield f"the JVM, {found.version}, is the project's own, with its own options"
        if found.unused:
            from ..kept.redaction import jvm_text_without_secrets

            yield f"it runs without {jvm_text_without_secrets(found.unused)}: it was there before the test"


def _about_checkers(settings: Settings) -> Iterator[str]:
    if settings.checks:
        yield note_of(settings.checks)


def _diagnosis(
    item: pytest.Item, settings: Settings, record: RunRecord, observation: Observation, evidence: Evidence
) -> Diagnosis | None:
    from ...diagnosis import diagnose
    from ...diagnosis.case import Case

    case = Case(
        record.outcome,
        record.phase,
        record.signal,
        record.exit_code,
        evidence,
        observation,
        record.mode,
        _body(item),
        record.jvm,
        at=record.at,
        debugs_memory=not OF_INTERPRETER.isdisjoint(settings.checks) or _debugs_memory_here(),
    )
    return diagnose(case)


def _debugs_memory_here() -> bool:
    """Return whether CPython's debug hooks of memory are on in this process, and so in its forks."""
    asked = "" if sys.flags.ignore_environment else os.environ.get("PYTHONMALLOC", "")
    return sys.flags.dev_mode or asked.endswith("debug")


def _body(item: pytest.Item) -> tuple[str, int, int] | None:
    function = getattr(item, "function", None)
    try:
        lines, first = inspect.getsourcelines(function)  # type: ignore[arg-type]
    except (OSError, TypeError):
        return None
    return inspect.getfile(function), first, first + len(lines) - 1  # type: ignore[arg-type]
