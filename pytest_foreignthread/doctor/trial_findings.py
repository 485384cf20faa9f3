"""The messages and the end of a child that made trials → findings."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Final

from ..child.pytest.trial import JVM, SIGNALS
from ..diagnosis.classify import classify_end
from ..evidence.merge import read_evidence
from ..model import documents
from ..model.observation import Observation, ThreadNamed, Tried
from ..model.outcomes import Phase
from ..model.records import Evidence, RunRecord
from ..model.settings import Settings
from ..report.kept.redaction import jvm_words_without_secrets
from ..report.pytest.recording import jvm_failure
from ..report.text import summary
from .findings import Finding, Level, milliseconds, one_line

SECTION: Final = "trial"

_OTHER_JVM: Final = "foreign_thread_jvm_args, foreign_thread_classpath or foreign_thread_jvm (the directory of a JDK)"
_LEVELS: Final[dict[str, Level]] = {"passed": "ok", "skipped": "note", "failed": "problem"}


def of_trials(tried: Iterable[Tried], settings: Settings, *, again: bool) -> Iterator[Finding]:
    """Yield a finding for each trial.

    `again` says that the child continues the trials of one that died: then the JVM and the signals were found already.
    """
    for one in tried:
        if one.what not in (JVM, SIGNALS):
            yield _of_mode(one, settings)
        elif again:
            continue
        elif one.what == JVM:
            took = milliseconds(one.microseconds / 1e6)
            yield Finding(SECTION, "JVM", "ok", f"{one.text} started in {took}")
        else:
            yield _of_signals(one)


def _of_mode(tried: Tried, settings: Settings) -> Finding:
    level = _LEVELS[tried.outcome]
    value = f"called back in {milliseconds(tried.microseconds / 1e6)}" if level == "ok" else one_line(tried.text)
    advice = {"ok": "", "note": "leave the mode out, or use a newer JDK", "problem": _mend_mode(tried.what, settings)}
    return Finding(SECTION, f"mode {tried.what}", level, value, advice[level])


def _of_signals(tried: Tried) -> Finding:
    if tried.outcome == "passed":
        return Finding(SECTION, "faulthandler order", "ok", tried.text or "not known on this platform")
    help = (
        "HotSpot should answer for all but SIGABRT, and Python for that: leave out what replaces signal handlers "
        "(libjsig, -Xrs, another crash reporter)"
    )
    return Finding(SECTION, "faulthandler order", "problem", tried.text, help)


def not_tried(modes: Iterable[str]) -> Finding:
    return Finding(SECTION, "modes", "note", f"not tried: {', '.join(modes)}", "mend the problem above first")


def broken_mode(observation: Observation, tried: Sequence[Tried], modes: Sequence[str]) -> str | None:
    """Return the mode that the child was trying when it died; None if it had not begun with the modes."""
    done = {one.what for one in tried}
    first = next((mode for mode in modes if mode not in done), None)
    return first if observation.phase is Phase.CALL else None


def of_death(observation: Observation, taken: documents.Documents, settings: Settings, mode: str | None) -> Finding:
    """Return the finding on a child that died while it tried `mode`, or, if `mode` is None, while its JVM started."""
    if mode is not None:
        return Finding(SECTION, f"mode {mode}", "problem", death(observation, taken, mode), _mend_mode(mode, settings))
    reason = jvm_failure(observation, taken)
    why = one_line(reason) if reason is not None else death(observation, taken, "main")
    return Finding(SECTION, "JVM", "problem", f"did not start: {why}{_used(settings)}", f"change {_OTHER_JVM}")


def _used(settings: Settings) -> str:
    arguments = shlex.join(jvm_words_without_secrets(settings.jvm_args))
    return f" (its arguments: {arguments})" if arguments else ""


def _mend_mode(mode: str, settings: Settings) -> str:
    if mode in settings.own_modes:
        return "mend its launcher, which pytest_foreign_thread_modes gave"
    return f"try another JDK, or change {_OTHER_JVM}; a bundle of a failed test has all its documents"


def death(observation: Observation, taken: documents.Documents, mode: str) -> str:
    """Return one line on the death of a child, the same as for a test whose child dies so."""
    evidence = _evidence(observation, taken)
    verdict = classify_end(observation, evidence)
    if verdict is None:
        return "the child ended before the end of the trial"
    record = RunRecord("", mode, verdict.outcome, observation.phase, observation.duration, evidence=evidence)
    ended = replace(record, signal=verdict.signal, exit_code=verdict.exit_code, message=verdict.message)
    return f"{ended.outcome.value}: {summary(ended)}"


def _evidence(observation: Observation, taken: documents.Documents) -> Evidence:
    named = observation.all(ThreadNamed)
    return read_evidence(taken, observation.names, observation.missing, named[-1].ident if named else None)
