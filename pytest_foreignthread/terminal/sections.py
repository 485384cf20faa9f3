"""The sections and short summary lines of abnormal outcomes in pytest's terminal summary."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import Any, Final

import pytest

from ..collect.identity import as_typed
from ..interop.pytest_terminal import (
    colour_red,
    count_in_red,
    reports_of,
    shows_failures_at_once,
    shows_in_summary,
    timed_besides,
    titles_noted,
)
from ..interop.xdist import worker_line
from ..model.outcomes import Phase
from ..model.report_data import data_of
from ..model.status_words import is_abnormal, status_words
from .alike import entries_of, groups, same_lines

_TITLES: Final = {"segfault": "SEGFAULTS", "hang": "HANGS", "null_result": "NULL RESULTS", "crash": "CRASHES"}
_MARKUP: Final = {"diagnosis: ": {"yellow": True, "bold": True}, "thread ": {"bold": True}}
_EXIT: Final = Phase.EXIT.value
_SUMMARY: Final = "short test summary info"


@dataclass(frozen=True)
class StartOfJvm:
    """What `--durations` shows as a phase of its own; the child starts the JVM before the setup, or ahead of need."""

    nodeid: str
    duration: float
    when: str = "jvm"
    sections: tuple[tuple[str, str], ...] = ()


class TerminalPart:
    """Shows abnormal outcomes as pytest shows failures.

    pytest counts a category that it does not know in its last line. But it prints FAILURES and short summary lines only
    for `failed` and `error`, and makes the last line yellow instead of red.
    """

    def __init__(self, terminal: Any) -> None:
        self._terminal = terminal
        count_in_red(terminal, _TITLES)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if is_abnormal(report):
            colour_red(self._terminal)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_terminal_summary(self, config: pytest.Config) -> Generator[None, object, object]:
        if config.getoption("no_summary", False):
            with timed_besides(self._terminal, list(self._starts_of_jvms())):
                return (yield)
        self._write_sections(config)
        with titles_noted(self._terminal) as titles, timed_besides(self._terminal, list(self._starts_of_jvms())):
            result = yield
        self._write_short_lines(config, header=titles[-1:] != [_SUMMARY])
        return result

    def _starts_of_jvms(self) -> Iterator[StartOfJvm]:
        for nodeid, entry in entries_of(self._terminal.stats).items():
            if (seconds := entry.get("jvm_start")) is not None:
                yield StartOfJvm(nodeid, seconds)

    def _write_sections(self, config: pytest.Config) -> None:
        style = config.getoption("tbstyle", "auto")
        if shows_failures_at_once(self._terminal):
            return
        for category, title in _TITLES.items():
            reports = self._reports(category)
            if reports and style != "no":
                self._terminal.write_sep("=", title)
                self._write_reports(config, reports, style)

    def _write_reports(self, config: pytest.Config, reports: list[pytest.TestReport], style: str) -> None:
        """Write the reports; of reports of a test in several modes that say the same only the first, without -v."""
        entries = entries_of(self._terminal.stats)
        modes = {nodeid: str(entry["mode"]) for nodeid, entry in entries.items()}
        whole = style == "line" or config.getoption("verbose", 0) > 0
        for first, *others in [[report] for report in reports] if whole else groups(reports, entries):
            self._write_report(config, first, style)
            for line in same_lines(first, others, modes):
                self._terminal.write_line(line)

    def _reports(self, category: str) -> list[pytest.TestReport]:
        return reports_of(self._terminal, category)

    def _write_report(self, config: pytest.Config, report: pytest.TestReport, style: str) -> None:
        if style == "line":
            where = as_typed(config, report.nodeid)
            self._terminal.write_line(f"{where}: {data_of(report).text}")
            return
        # For pytest it is a part of the teardown.
        when = _EXIT if (data_of(report).entry or {}).get("phase") == _EXIT else report.when
        place = "" if when == "call" else f"{when} of "
        self._terminal.write_sep("_", f"{place}{report.head_line}", red=True, bold=True)
        tw = config.get_terminal_writer()
        tail = data_of(report).tail
        _write_text(tw, report, tail)
        wanted = config.getoption("showcapture", "all")
        sections = (*report.sections, *self._teardown_sections(report))
        shown = [section for section in sections if wanted == "all" or wanted in section[0]]
        for name, content in shown:
            tw.sep("-", name)
            tw.line(content.removesuffix("\n"))
        if tail:
            if shown:
                # A line between, or the tail would look like the end of the captured output.
                tw.sep("-")
            tw.line(tail)

    def _teardown_sections(self, report: pytest.TestReport) -> list[tuple[str, str]]:
        """Return the captured output of a teardown that passed after the phase of `report`, as pytest shows it."""
        # The category "" has the reports of setups and teardowns that passed.
        passed = self._reports("")
        later = (one for one in passed if one.nodeid == report.nodeid and one.when == "teardown" != report.when)
        return [section for one in later for section in one.sections if "teardown" in section[0]]

    def _write_short_lines(self, config: pytest.Config, *, header: bool) -> None:
        reports = [report for category in _TITLES for report in self._reports(category)]
        if not reports or not shows_in_summary(self._terminal, "f"):
            return
        if header:
            self._terminal.write_sep("=", _SUMMARY, cyan=True, bold=True)
        tw = config.get_terminal_writer()
        for report in reports:
            words = status_words(report)
            tw.write(words[2] if words else "", red=True)
            where = as_typed(config, report.nodeid)
            tw.line(f" {where} - {data_of(report).text}")


def _write_text(tw: Any, report: pytest.TestReport, tail: str) -> None:
    if not isinstance(report.longrepr, str):
        report.toterminal(tw)
        return
    if (worker := worker_line(report)) is not None:
        tw.line(worker)
    first, *rest = report.longrepr.removesuffix(tail).rstrip("\n").split("\n")
    tw.line(first, red=True, bold=True)
    for line in rest:
        tw.line(line, **next((markup for start, markup in _MARKUP.items() if line.startswith(start)), {}))
