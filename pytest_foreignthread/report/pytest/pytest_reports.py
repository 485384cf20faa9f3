"""Converts between records and pytest's reports: a child's death to a TestReport, and reports to an outcome."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, Literal

import pytest

from ...channel import report_shape
from ...channel.expected_messages import is_part
from ...channel.report_shape import BadShape, encodable
from ...child.pytest.plain_data import CARRIED, HAD_A_FORM
from ...interop.pytest_subtests import unquote_arguments
from ...interop.xdist import is_worker
from ...model.observation import CANNOT_ACCEPT
from ...model.outcomes import ChildCrash, ForeignThreadError, Hang, NullResult, Outcome, Phase, Segfault
from ...model.report_attribute import ATTRIBUTE, REFUSED
from ...model.report_data import BadReportData, ReportData, data_of, put_on
from ...model.status_words import status_words
from .phases import make_report

NOTHING: Final[Mapping[str, frozenset[Outcome]]] = {}


_EXCEPTIONS: Final[dict[Outcome, type[ForeignThreadError]]] = {
    Outcome.SEGFAULT: Segfault,
    Outcome.HANG: Hang,
    Outcome.NULL_RESULT: NullResult,
    Outcome.CRASH: ChildCrash,
    Outcome.ERROR: ForeignThreadError,
}


class ShownText:
    """A longrepr that is only text to show. pytest would also put a plain string into the line of the short summary."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __str__(self) -> str:
        return self._text

    def toterminal(self, tw: Any) -> None:
        tw.line(self._text)


def from_plain_data(config: pytest.Config, data: dict[str, Any]) -> pytest.TestReport:
    """Return the report that the child made. Lists are turned into tuples again: JSON has no tuples, pytest needs some.

    `data` has passed `report_shape.check`. Raise BadShape if pytest or its plugins cannot make a report of the data.
    """
    data = dict(data)
    had_a_form = data.pop(HAD_A_FORM, False) is True
    _check(data)
    if is_worker(config):
        # xdist can send the controller only text that can be encoded. Without xdist pytest shows a lone surrogate.
        data = encodable(data)
    report = _read(config, data)
    path, line, domain = report.location
    report.location = (path, line, domain)
    report.sections = [(name, content) for name, content in report.sections]
    report.user_properties = [(encodable(name), value) for name, value in report.user_properties]
    longrepr: Any = report.longrepr
    if isinstance(longrepr, list):
        report.longrepr = (longrepr[0], longrepr[1], longrepr[2])
    elif had_a_form and isinstance(longrepr, str):
        report.longrepr = ShownText(longrepr)  # type: ignore[assignment]
    if hasattr(report, "url"):
        report.url = encodable(report.url)  # type: ignore[attr-defined]
    _complete(report)
    unquote_arguments(report, data)
    return report


def _check(data: Mapping[str, Any]) -> None:
    for name in data:
        if name != "nodeid" and hasattr(pytest.TestReport, name):
            raise BadShape(f"expected a report without {name!r}, which is not a child's to set")
    if not isinstance(data.get(CARRIED, {}), dict):
        raise BadShape(f"expected an object as {CARRIED!r} of a report, got {report_shape.shown(data[CARRIED])}")


def _read(config: pytest.Config, data: Mapping[str, Any]) -> pytest.TestReport:
    try:
        report = config.hook.pytest_report_from_serializable(config=config, data=dict(data))
    # The boundary to a child: a hook of pytest or a plugin reads untrusted data, and may raise anything.
    except Exception as error:
        words = report_shape.shown(f"{type(error).__name__}: {error}")
        raise BadShape(f"expected a report that pytest can read, got {words}") from None
    if not isinstance(report, pytest.TestReport):
        raise BadShape(f"expected the report of a test, got {_kind_of(report, data)}")
    if is_part(data) and type(report) is pytest.TestReport:
        raise BadShape("expected the report of a subtest, got one of a test")
    if "$report_type" not in data:
        # Checked again after the hook: a report in a plugin's own form may have other keys, and is not checked here.
        report_shape.check({name: getattr(report, name, None) for name in report_shape.READ}, required=True)
    for name in ("nodeid", "when", "outcome"):
        if name in data and getattr(report, name) != data[name]:
            raise BadShape(f"expected a report of {name} {data[name]!r}, got one of {getattr(report, name)!r}")
    return report


def _complete(report: pytest.TestReport) -> None:
    """Add a `longrepr` that pytest needs for a skip or a failure; a plugin that changed the outcome may set none."""
    longrepr: Any = report.longrepr
    if report.skipped and not hasattr(report, "wasxfail") and not isinstance(longrepr, tuple):
        path, line, _ = report.location
        report.longrepr = (path, line or 0, str(longrepr or "skipped without a reason"))
    elif report.failed and longrepr is None:
        report.longrepr = "failed without a text"


def _kind_of(report: object, data: Mapping[str, Any]) -> str:
    kind = data.get("$report_type", data.get("_report_type"))
    return (
        f"an instance of {type(report).__name__}" if report is not None else f"one of type {report_shape.shown(kind)}"
    )


def mark(report: pytest.TestReport, outcome: Outcome | None, text: str, tail: str = "") -> None:
    abnormal = outcome if outcome is not None and outcome.abnormal else None
    put_on(report, ReportData(abnormal, text=text, tail=tail))


def excuse(reports: Sequence[pytest.TestReport], reason: str) -> None:
    """Turn failed reports into expected failures: they do not fail the run, and `-rx` shows the reason."""
    for report in reports:
        if report.failed:
            report.outcome = "skipped"
            report.wasxfail = reason


def attach_entry(
    report: pytest.TestReport, entry: dict[str, Any], expect: Mapping[str, frozenset[Outcome]] = NOTHING
) -> None:
    put_on(report, replace(data_of(report), entry=entry, expect=expect))


def number_round(reports: Sequence[pytest.TestReport], number: int) -> None:
    """Store with the entry how often the test had run before."""
    for report in reports:
        if (data := data_of(report)).entry is not None:
            put_on(report, replace(data, round=number))


def refuse_bad_data(report: pytest.TestReport) -> None:
    """Make a report fail if its data, which an xdist worker has sent, has not the expected shape."""
    vars(report).pop(REFUSED, None)
    try:
        ReportData.from_json(getattr(report, ATTRIBUTE))
    except BadReportData as error:
        delattr(report, ATTRIBUTE)
        report.outcome = "failed"
        report.longrepr = f"an xdist worker {CANNOT_ACCEPT}: {ATTRIBUTE}: {error}"
        setattr(report, REFUSED, report.longrepr)


def why_refused(report: pytest.TestReport) -> str | None:
    """Return why the data of the report was not accepted; None if it was accepted."""
    found: str | None = getattr(report, REFUSED, None)
    return found


def own_exception(report: pytest.TestReport) -> ForeignThreadError | None:
    """Return the exception that stands for an abnormal outcome; None if the outcome is one of pytest's own."""
    data = data_of(report)
    return None if data.outcome is None else _EXCEPTIONS[data.outcome](data.text)


def take_carried(reports: Sequence[pytest.TestReport]) -> Mapping[str, Any] | None:
    """Remove and return the data that a child's report carries for other plugins; None if no report carries any."""
    return next((vars(report).pop(CARRIED) for report in reports if hasattr(report, CARRIED)), None)


def hand_over_carried(reports: Sequence[pytest.TestReport], report: pytest.TestReport) -> None:
    """Move the data for other plugins from `reports` to the report that replaces the last of them."""
    if (carried := take_carried(reports)) is not None:
        setattr(report, CARRIED, carried)


def pytest_phase(phase: Phase) -> Literal["setup", "call", "teardown"]:
    """Return the step of pytest that a phase counts as. Phases before the setup count as setup, exit as teardown."""
    if phase is Phase.CALL:
        return "call"
    return "teardown" if phase in (Phase.TEARDOWN, Phase.EXIT) else "setup"


def death_report(
    item: pytest.Item, outcome: Outcome, phase: Phase, message: str, text: str, duration: float
) -> pytest.TestReport:
    """Return a report of the death, made by pytest and its plugins from an exception that stands for the death.

    That way `xfail(raises=...)` and plugins see an exception, as they do for any failure.
    """

    def die() -> None:
        raise _EXCEPTIONS[outcome](message)

    call = pytest.CallInfo.from_call(die, when=pytest_phase(phase))
    report = make_report(item, call)
    report.duration = duration
    # Also of a death that an `xfail` mark expects: pytest shows it with --xfail-tb.
    if report.failed or hasattr(report, "wasxfail"):
        report.longrepr = text
    return report


def closing_report(item: pytest.Item) -> pytest.TestReport:
    """Return a teardown report for a child that made none: pytest and its plugins take that report as a test's end."""
    call = pytest.CallInfo.from_call(lambda: None, when="teardown")
    return make_report(item, call)


def outcome_of(reports: Sequence[pytest.TestReport]) -> tuple[Outcome, Phase]:
    """Return the outcome of the whole test, as pytest counts it, and the phase that decided it."""
    for report in reports:
        # A report of a subclass is of a part of the test: a subtest.
        if type(report) is pytest.TestReport and (word := _word(report)) is not Outcome.PASSED:
            return word, Phase(report.when)
    # In pytest 9 a test passes even if its unittest subtests fail; the subtests fail the run.
    failed = any(report.failed for report in reports)
    return Outcome.FAILED if failed else Outcome.PASSED, Phase.CALL


def reported_outcome(report: pytest.TestReport) -> Outcome | None:
    """Return the outcome that a report counts as; None for a report that counts as nothing, such as a passed setup."""
    if report.outcome not in ("passed", "skipped", "failed") or (report.passed and report.when != "call"):
        return None
    if type(report) is not pytest.TestReport and not report.failed:
        return None
    words = status_words(report)
    return Outcome(words[0]) if words is not None else _word(report)


def reason_of(reports: Sequence[pytest.TestReport], outcome: Outcome) -> str:
    """Return one line that says why a test ended with one of pytest's own outcomes; empty for a test that passed."""
    report = next((one for one in reports if _word(one) is outcome), None)
    if report is None or outcome is Outcome.PASSED:
        return ""
    if hasattr(report, "wasxfail"):
        return str(report.wasxfail)
    if report.skipped:
        return skip_reason(report)
    if not report.failed:
        return "expected a report whose outcome is passed, failed or skipped: a hook has set another one"
    crash = getattr(report.longrepr, "reprcrash", None)
    return str(getattr(crash, "message", "") or report.longrepr or "").partition("\n")[0]


def skip_reason(report: pytest.TestReport) -> str:
    return str(report.longrepr[-1] if isinstance(report.longrepr, tuple) else report.longrepr)


def _word(report: pytest.TestReport) -> Outcome:
    if hasattr(report, "wasxfail"):
        return Outcome.XFAILED if report.skipped else Outcome.XPASSED
    if report.skipped:
        return Outcome.SKIPPED
    if report.failed:
        return Outcome.FAILED if report.when == "call" else Outcome.ERROR
    # A hook may set an outcome that pytest does not know and does not count. That does not prove that the test passed.
    return Outcome.PASSED if report.passed else Outcome.ERROR
