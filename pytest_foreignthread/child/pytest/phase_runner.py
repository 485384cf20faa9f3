"""The three phases of one test, as pytest's own runner does them; each report is sent with the message after it."""

from __future__ import annotations

import bdb
import copy
import functools
import itertools
import linecache
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any, Final, Literal

import pytest

from ...channel.wire import Sender
from ...interop.hook_calls import hook_of
from ...interop.pytest_fixtures import fixture_names
from ...interop.pytest_plugins import records_warnings
from ...interop.pytest_steps import is_pytests_own
from ...model.blame import place_of_others
from ...model.observation import Elsewhere, PhasePassed, PhaseStarted, SessionStopped, WarningRecorded
from ...model.outcomes import ForeignThreadError, NullResult, Phase
from ...model.settings import MESSAGE_LIMIT_OPTION
from ..exceptions import carried_by_java, exception_chain, null_result
from ..main_thread_state import kept_by_main_thread
from ..state import ChildState
from .phase_ends import PhaseEnds
from .plain_data import CARRIED, class_name, failure_text, fields_text, report_fields, text_of
from .short_reports import ShortReports

if TYPE_CHECKING:
    from ..java.uncaught import Uncaught

RAISED_IN_PYTHON: Final = "raised in Python"
"""The title of the sections of a failure that show the Python exceptions in a Java exception."""
When = Literal["setup", "call", "teardown"]


class PhaseRunner:
    """Runs the phases of `item`; as in pytest, the fixtures that `nextitem` shares survive its teardown."""

    def __init__(self, item: pytest.Item, state: ChildState, ends: PhaseEnds) -> None:
        self._item = item
        # pytest looks up the item's conftest files each time that this is read.
        self._hook = item.ihook
        self._sender = state.sender
        self._debugging = state.debugging
        self._stacks = state.stacks
        self._crash = state.crash
        self._values = state.values
        self._at_once = state.at_once
        self._is_foreign = state.settings.mode != "main"
        self._ends = ends
        self._limit = state.settings.message_limit
        self._is_over_limit = False
        self._recorded: list[warnings.WarningMessage] = []
        self._short = ShortReports()
        self._is_rest = False
        """Whether the teardown is not the test's own: the other plugins have handed over what they carry."""

    def run(self, nextitem: pytest.Item | None) -> bool:
        """Run setup, call and teardown; return whether all of them passed."""
        item, hook = self._item, self._hook
        with self._recording():
            is_set_up = self._phase("setup", functools.partial(hook.pytest_runtest_setup, item=item))
            if is_set_up and item.config.getoption("setupshow", False):
                _show(item)
            passed = is_set_up and (
                self._setup_only or self._phase("call", functools.partial(hook.pytest_runtest_call, item=item))
            )
            teardown = functools.partial(hook.pytest_runtest_teardown, item=item, nextitem=nextitem)
            return self._phase("teardown", teardown) and passed

    def tear_down_rest(self) -> None:
        """Tear down what still stands after the test, whose own teardown has run; send a report of that."""
        self._is_rest = True
        with self._recording():
            self._phase("teardown", functools.partial(self._ends.tear_down_rest, self._item))

    @contextmanager
    def _recording(self) -> Iterator[None]:
        # The filters in force come from pytest's own recorder, which the parent has around this test. If that plugin is
        # off, warnings go to stderr, as they do without a fork.
        records = records_warnings(self._item.config)
        with warnings.catch_warnings(record=True) if records else nullcontext() as recorded:
            self._recorded = [] if recorded is None else recorded
            yield

    @property
    def _setup_only(self) -> bool:
        return bool(self._item.config.getoption("setuponly", False))

    def _phase(self, when: When, function: Callable[[], Any]) -> bool:
        self._sender.send(PhaseStarted(Phase(when)))
        call = pytest.CallInfo.from_call(function, when=when, reraise=None)
        # The phase in which a thread has crashed has not ended.
        self._crash.await_end()
        stop = self._session_stop(call.excinfo) if call.excinfo is not None else None
        report, stop = (None, stop) if stop is not None else self._looked_at(call)
        self._debugging.give_back()
        self._send_warnings(when)
        passed = report is not None and self._send_report(call, report)
        if stop is not None:
            self._sender.send(stop)
        return passed

    def _looked_at(self, call: pytest.CallInfo[None]) -> tuple[pytest.TestReport | None, SessionStopped | None]:
        """Return the report after all plugins have seen it, and the end of the run if a plugin asks for it."""
        try:
            report = self._report(call)
            return report, self._interact(call, report)
        except (KeyboardInterrupt, pytest.exit.Exception) as stopped:
            return None, _session_stop(pytest.ExceptionInfo.from_exception(stopped))
        # A hook may raise anything, and so may the exception of the test. pytest would end the run with an
        # INTERNALERROR.
        except BaseException as error:
            return self._unreported(call, error), None

    def _unreported(self, call: pytest.CallInfo[None], error: BaseException) -> pytest.TestReport:
        """Return the report of a phase whose report could not be made or sent."""
        item = self._item
        stack = _traceback(error)
        what = stack.rstrip().rpartition("\n")[2]
        where = f" ({place})" if (place := place_of_others(error)) is not None else ""
        words = f"no report of the {call.when} could be made or sent: {what}{where}\n{stack}"
        when: Any = call.when
        return pytest.TestReport(item.nodeid, item.location, {}, "failed", words, when, duration=call.duration)

    def _send_report(self, call: pytest.CallInfo[None], report: pytest.TestReport) -> bool:
        """Send the report; return whether the phase passed."""
        chain: tuple[tuple[str, str], ...] = ()
        elsewhere: Elsewhere | None = None
        try:
            if report.when == "teardown" and not self._is_rest:
                setattr(report, CARRIED, self._carried())
            if call.excinfo is not None:
                chain = exception_chain(call.excinfo.value)
                elsewhere = self._elsewhere(call.excinfo.value) if report.failed else None
            self._check_output(report)
            fields, passed = self._fields_of(report), bool(report.passed)
            short = self._short.of(fields) if call.excinfo is None else None
            data = fields_text(fields) if short is None else ""
        # A hook may raise anything, as in `_looked_at`.
        except BaseException as error:
            data, passed, short = failure_text(self._unreported(call, error)), False, None
        # `soon`: the message of the next phase or of the test's end follows, and takes this one along.
        if short is None:
            self._sender.send_report(data, chain, elsewhere, soon=True)
        else:
            self._sender.send(PhasePassed(short), soon=True)
        return passed

    def _elsewhere(self, error: BaseException) -> Elsewhere | None:
        return self._values.explanation(error) or kept_by_main_thread(error, is_foreign=self._is_foreign)

    def _check_output(self, report: pytest.TestReport) -> None:
        """Fail a report with more output than the parent accepts.

        To encode so much output might take longer than the deadline.
        """
        length = sum(len(content) for _, content in report.sections)
        if length <= self._limit:
            return
        # Each later report of the test contains the same output, and must be cut as well.
        report.sections = []
        if not self._is_over_limit:
            self._is_over_limit = True
            report.outcome = "failed"
            report.longrepr = (
                f"{self._item.nodeid}: expected at most {self._limit} characters of captured output "
                f"({MESSAGE_LIMIT_OPTION}), got {length}: write less, or raise {MESSAGE_LIMIT_OPTION}"
            )

    def _fields_of(self, report: pytest.TestReport) -> dict[str, Any]:
        if (fields := report_fields(self._item.config, report, self._item.nodeid)) is None:
            raise TypeError(f"expected a report that pytest can send to another process, got a {type(report).__name__}")
        return fields

    def _session_stop(self, excinfo: pytest.ExceptionInfo[BaseException]) -> SessionStopped | None:
        # With `--pdb`, pytest opens its debugger at the place of the interruption.
        looked_at = isinstance(excinfo.value, KeyboardInterrupt) and self._item.config.getoption("usepdb", False)
        return None if looked_at else _session_stop(excinfo)

    def _interact(self, call: pytest.CallInfo[None], report: pytest.TestReport) -> SessionStopped | None:
        """Show a failure to the plugins, pytest's debugger among them; return the end of the run if a plugin asks."""
        if call.excinfo is None or report.skipped or isinstance(call.excinfo.value, bdb.BdbQuit):
            return None
        try:
            self._hook.pytest_exception_interact(node=self._item, call=call, report=report)
        except (KeyboardInterrupt, pytest.exit.Exception) as stopped:
            return _session_stop(pytest.ExceptionInfo.from_exception(stopped))
        return None

    def _report(self, call: pytest.CallInfo[None]) -> pytest.TestReport:
        hook = self._hook.pytest_runtest_makereport
        if self._is_rest:
            # The other plugins have seen the end of the test, and some have dropped what they knew of it.
            hook = hook_of(self._item.config, hook.name, is_pytests_own)
        report: pytest.TestReport = hook(item=self._item, call=call)
        thrown = self._ends.thrown
        if report.failed and call.excinfo and thrown and call.excinfo.value is thrown.error:
            report.longrepr = _uncaught_text(thrown, call.excinfo)
        if report.failed and call.excinfo:
            _show_carried(report, call.excinfo.value)
            for title, text in self._at_once.sections(self._item, call.excinfo.value):
                _add_section(report, title, text)
        if report.failed and call.excinfo and (null := null_result(call.excinfo)):
            self._stacks.write_for(call.excinfo.value)
            report = self._expected(call, null) or report
        return report

    def _expected(self, call: pytest.CallInfo[None], null: NullResult) -> pytest.TestReport | None:
        """Return pytest's report of the failure if `xfail(raises=...)` names `NullResult` or a base of it; else None.

        The test itself raised a SystemError.
        """
        if not self._expects_own_exceptions():
            return None
        again = copy.copy(call)
        again.excinfo = pytest.ExceptionInfo.from_exception(null)
        report: pytest.TestReport = self._hook.pytest_runtest_makereport(item=self._item, call=again)
        return report if hasattr(report, "wasxfail") else None

    def _expects_own_exceptions(self) -> bool:
        raises = [mark.kwargs.get("raises") for mark in self._item.iter_markers("xfail")]
        types = itertools.chain.from_iterable(one if isinstance(one, tuple) else (one,) for one in raises)
        return any(isinstance(kind, type) and issubclass(kind, ForeignThreadError) for kind in types)

    def _carried(self) -> dict[str, Any]:
        given = self._hook.pytest_foreign_thread_carry(item=self._item)
        return {name: data for one in given for name, data in one.items()}

    def _send_warnings(self, when: When) -> None:
        for warning in self._recorded:
            self._sender.send(_described(warning, when))
        self._recorded.clear()


def _show(item: pytest.Item) -> None:
    """Write the line of the test that `--setup-show` prints between setup and teardown."""
    names = ", ".join(sorted(fixture_names(item)))
    writer = item.config.get_terminal_writer()
    writer.line()
    writer.write(f"        {item.nodeid} (fixtures used: {names}) " if names else f"        {item.nodeid} ")
    writer.flush()


def _show_carried(report: pytest.TestReport, error: BaseException) -> None:
    """Add the exceptions that Python callbacks raised; pytest shows only Java's wrapper of them."""
    for text in carried_by_java(error):
        _add_section(report, RAISED_IN_PYTHON, text)


def _add_section(report: pytest.TestReport, title: str, text: str) -> None:
    """Add a section to a failure, or to the report if the failure has only a text."""
    add = getattr(report.longrepr, "addsection", None)
    if add is not None:
        add(title, text)
    else:
        report.sections.append((title, text))


def _uncaught_text(thrown: Uncaught, excinfo: pytest.ExceptionInfo[BaseException]) -> Any:
    """Return a failure in pytest's form with Java's stack: the traceback has no frame of the test."""
    shown = excinfo.getrepr(style="value", chain=False)
    shown.reprtraceback.reprentries[-1].lines = [thrown.head, *thrown.stack.splitlines()]
    if shown.reprcrash is not None:
        shown.reprcrash.message = thrown.head
    return shown


def send_report(
    config: pytest.Config,
    sender: Sender,
    report: pytest.TestReport,
    nodeid: str,
) -> None:
    """Send a report that another plugin has made, of a part of the test with this node id."""
    # A plugin's own type of report may have no serialized form.
    if (fields := report_fields(config, report, nodeid)) is not None:
        sender.send_report(fields_text(fields), (), None)


def _traceback(error: BaseException) -> str:
    try:
        return "".join(traceback.format_exception(error))
    # A test's exception may raise anything when it is asked for its cause.
    except BaseException:
        return text_of(error)


def _described(warning: warnings.WarningMessage, when: When) -> WarningRecorded:
    """Return the message for a warning; any field may be any object, because a test may call `warnings.showwarning`."""
    kind: Any = warning.category
    name = class_name(kind) if isinstance(kind, type) else text_of(kind)
    filename, lineno = text_of(warning.filename), warning.lineno
    lineno = int(lineno) if isinstance(lineno, int) else 0
    module, message = text_of(getattr(kind, "__module__", "")), text_of(warning.message)
    return WarningRecorded(module, name, message, filename, lineno, when, _line(filename, lineno))


def _line(filename: str, lineno: int) -> str:
    try:
        return linecache.getline(filename, lineno)
    # The name may be impossible for a file, for example because of a NUL.
    except ValueError:
        return ""


def _status(code: object) -> int | None:
    """Return the exit status for a code; None for None. Python exits with 1 if the code is not a number."""
    return None if code is None else int(code) if isinstance(code, int) else 1


def _session_stop(excinfo: pytest.ExceptionInfo[BaseException]) -> SessionStopped | None:
    error = excinfo.value
    if isinstance(error, KeyboardInterrupt):
        place = excinfo.traceback[-1]
        return SessionStopped("interrupt", text_of(error) or f"{place.path}:{place.lineno + 1}")
    if isinstance(error, pytest.exit.Exception):
        return SessionStopped("exit", text_of(error.msg), _status(error.returncode))
    return None
