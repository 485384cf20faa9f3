"""Runs a test that another plugin repeats (pytest-rerunfailures, flaky): each round is one run in a child.

Such a plugin calls pytest's setup, call and teardown as often as it likes, and looks at the report of each. The steps
of a foreign-thread test cannot run in this process, so the plugin gets a stand-in for the test: the first step runs the
whole test in a child, and each step ends as it ended there.
"""

from __future__ import annotations

import builtins
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from ..interop.hook_calls import registered, with_only
from ..interop.loops import loops_of
from ..interop.pytest_fixtures import OF_SETUP
from ..report.pytest import pytest_reports
from ..report.pytest.not_run import Raised
from ..report.pytest.recorded_warnings import class_named


@dataclass(frozen=True)
class Round:
    """The result of one run of the test."""

    reports: Sequence[pytest.TestReport]
    raised: Raised


def run_in_loop(item: pytest.Item, nextitem: pytest.Item | None, run: Callable[[], Round]) -> bool:
    """Let a plugin that loops call `run` as often as it likes, and log the reports.

    Return whether a plugin took the test. If none did, the caller must run the test.
    """
    steps = _Steps(item, run)
    stand_in = _StandIn(item, steps)
    with registered(item.config, steps.given):
        loop = with_only(item.config, "pytest_runtest_protocol", loops_of(item.config))
        taken = loop(item=stand_in, nextitem=nextitem)
    # At the end of the run the plugin reads what it has written on the test (`execution_count`, for example) from the
    # test itself.
    vars(item).update((name, value) for name, value in vars(stand_in).items() if name not in ("item", "ihook"))
    return bool(taken)


class _StandIn:
    """Stands for the test in a plugin that loops. Keeps what the plugin writes; all other attributes are the test's."""

    def __init__(self, item: pytest.Item, ihook: _Steps) -> None:
        self.item = item
        self.ihook = ihook

    def __getattr__(self, name: str) -> Any:
        # These exist in the child only: reading them would make pytest build them in this process.
        if name in OF_SETUP:
            raise AttributeError(name)
        return getattr(self.item, name)


class _Given:
    """A plugin that returns the child's report of a step when a loop asks for a report."""

    report: pytest.TestReport | None = None

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_makereport(self) -> pytest.TestReport | None:
        return self.report


class _Steps:
    """pytest's hooks for the stand-in: the setup runs the test in a child, and each step ends as it ended there."""

    def __init__(self, item: pytest.Item, run: Callable[[], Round]) -> None:
        self._item = item
        self._run = run
        self._round = Round((), {})
        self.given = _Given()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._item.ihook, name)

    def _of_loops(self, hook: str) -> Any:
        return with_only(self._item.config, hook, {*loops_of(self._item.config), self.given})

    def pytest_runtest_setup(self, item: Any) -> None:
        # flaky reads its marker in this hook.
        self._of_loops("pytest_runtest_setup")(item=item)
        self._round = self._run()
        self._end("setup")

    def pytest_runtest_call(self, item: Any) -> None:
        self._end("call")

    def pytest_runtest_teardown(self, item: Any, nextitem: Any) -> None:
        self._end("teardown")

    def _end(self, when: str) -> None:
        report = self._report(when)
        if report is not None and (error := _error(report, self._round.raised.get(when, ()))) is not None:
            raise error

    def pytest_runtest_makereport(self, item: Any, call: pytest.CallInfo[None]) -> pytest.TestReport:
        """Return the child's report, after the hooks of plugins that loop: the hooks of others ran in the child.

        The step's other reports, which are of subtests, are logged here.
        """
        made = self._report(call.when)
        for other in self._round.reports:
            if other.when == call.when and other is not made:
                self._item.ihook.pytest_runtest_logreport(report=other)
        self.given.report = made or pytest.TestReport.from_item_and_call(self._item, call)
        try:
            report: pytest.TestReport = self._of_loops("pytest_runtest_makereport")(item=item, call=call)
        finally:
            self.given.report = None
        return report

    def pytest_exception_interact(self, node: Any, call: pytest.CallInfo[None], report: pytest.TestReport) -> None:
        """Do nothing: the child has called this hook for its plugins."""

    def _report(self, when: str) -> pytest.TestReport | None:
        """Return the report that says how the step ended; None if the step did not run.

        A step may have reports of subtests as well, which are of a subclass of TestReport.
        """
        found = [one for one in self._round.reports if one.when == when and type(one) is pytest.TestReport]
        return next((one for one in found if one.failed), found[-1] if found else None)


def _error(report: pytest.TestReport, raised: Sequence[tuple[str, str]]) -> BaseException | None:
    """Return an exception that stands for the child's; None if the step passed, or failed as its xfail mark expects.

    A plugin that loops decides by the exception's type and text whether it runs the test again.
    """
    if hasattr(report, "wasxfail") and not report.failed:
        return None
    if report.skipped:
        return pytest.skip.Exception(pytest_reports.skip_reason(report))
    if not report.failed:
        return None
    chain = [*filter(None, [pytest_reports.own_exception(report)]), *(_exception_named(*one) for one in raised)]
    for error, cause in itertools.pairwise(chain):
        error.__cause__ = cause
    return chain[0] if chain else pytest.fail.Exception(report.longreprtext)


def _exception_named(kind: str, text: str) -> Exception:
    """Return an exception with this name and text. If Python has an exception of that name, that is the base."""
    own = getattr(builtins, kind, None)
    base = own if isinstance(own, type) and issubclass(own, Exception) else Exception
    parts = {"__str__": lambda _: text, "__module__": base.__module__}
    try:
        made: Exception = class_named(kind, base, parts)(text)
    except TypeError:
        # Some built-in exceptions, such as UnicodeDecodeError, need more arguments than a text.
        made = class_named(kind, Exception, parts)(text)
    return made
