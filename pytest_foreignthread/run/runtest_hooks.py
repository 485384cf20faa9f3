"""Runs a foreign-thread test in place of pytest's own protocol, and logs its reports."""

from __future__ import annotations

import functools
import itertools
import sys
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import pytest

from ..config.stash_keys import SETTINGS
from ..interop import xdist
from ..interop.loops import loops_of
from ..interop.pytest_steps import skipping_step
from ..interop.pytest_terminal import output_kept_blocking
from ..report.pytest import phases, pytest_reports
from ..report.pytest.recorded_warnings import own_warning, replay
from .session import CAN_FORK, Run
from .worker_errors import errors_for_controller

if TYPE_CHECKING:
    from ..model.observation import SessionStopped
    from ..report.pytest.not_run import Result

_NO_FORK: Final = (
    f"needs a child of pytest, and this platform cannot fork ({sys.platform}): run it on Linux, or mark it with "
    "pytest.mark.skipif(not hasattr(os, 'fork'), reason=...)"
)
# The reports of a test without subtests: setup, call, teardown, and an error of a fixture of the pytest process.
_WITHOUT_SUBTESTS: Final = 3


class RunTestHooks:
    """A plugin with the hooks of pytest that run a test."""

    def __init__(self, run: Run) -> None:
        self._run = run

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
        """Run a foreign-thread test, log its reports and return True. Return None for an ordinary test.

        pytest-forked implements this hook with `tryfirst` as well. pytest then calls the plugin first that was
        registered last, which is this one.
        """
        self._run.order.append(item.nodeid)
        self._announce(nextitem)
        if SETTINGS not in item.stash:
            self._run.fixtures.ordinary_tests_ran = True
            if self._run.runner is not None:
                self._run.runner.children.drop_ready()
            return None
        if not self._in_loop(item, nextitem):
            self._once(item, nextitem)
        self._log_late_ends(repeats=True)
        return True

    @pytest.hookimpl(optionalhook=True)
    def pytest_timeout_set_timer(self, item: pytest.Item) -> bool | None:
        """Return True for a foreign-thread test, so that pytest-timeout arms no timer for it here or in the child.

        In this process its timer would end the run, and this plugin enforces the timeout from outside the child.
        """
        return SETTINGS in item.stash or None

    def _once(self, item: pytest.Item, nextitem: pytest.Item | None) -> None:
        with self._started(item):
            item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
            result = self._result(item, nextitem)
            # Taken out first: what the child has for other plugins in this process must not be in the logged reports.
            carried = pytest_reports.take_carried(result.reports)
            self._run.results.add_verdict(result.reports)
            reports = self._run.fixtures.tear_down(item, nextitem, result.reports)
            if len(reports) > _WITHOUT_SUBTESTS:
                # Imported here: few tests have subtests.
                from ..interop.pytest_subtests import leave_failure_to_pytest

                leave_failure_to_pytest(item.config, reports)
            for report in reports:
                item.ihook.pytest_runtest_logreport(report=report)
            for report in _hand_on(item, carried):
                item.ihook.pytest_runtest_logreport(report=report)
            item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
            _close(item, result)

    @contextmanager
    def _started(self, item: pytest.Item) -> Iterator[None]:
        """Note an entry of the test for the report, in case the run or this process ends before the test does."""
        from ..report.pytest.not_run import bare_entry

        self._run.results.last_started.begin(functools.partial(bare_entry, item, item.stash[SETTINGS]))
        try:
            yield
        # BaseException because ^C, pytest.exit() and a JVM that does not start (UsageError) end the run here.
        except BaseException as error:
            last_started = self._run.results.last_started
            if isinstance(error, KeyboardInterrupt) and not error.args and last_started.runs:
                # pytest shows the line that was interrupted, which is one of this plugin's, and these words.
                error.args = (last_started.words,)
            last_started.end_by(error)
            raise

    def _announce(self, nextitem: pytest.Item | None) -> None:
        settings = nextitem.stash.get(SETTINGS, None) if nextitem is not None else None
        if nextitem is None or settings is None:
            self._run.results.last_started.announce(None)
        else:
            from ..report.pytest.not_run import bare_entry

            self._run.results.last_started.announce(functools.partial(bare_entry, nextitem, settings))

    def _in_loop(self, item: pytest.Item, nextitem: pytest.Item | None) -> bool:
        """Let a plugin that loops run the test. Return False if no such plugin takes the test."""
        if not loops_of(self._run.config):
            return False
        # Imported here: few runs of pytest have such a plugin.
        from .reruns import Round, run_in_loop

        numbers = itertools.count()

        def run() -> Round:
            result = self._result(item, nextitem)
            errors = [*_hand_on(item, pytest_reports.take_carried(result.reports))]
            pytest_reports.number_round(result.reports, next(numbers))
            self._run.results.add_verdict(result.reports)
            _close(item, result)
            return Round([*result.reports, *errors], result.raised)

        with self._started(item):
            if not run_in_loop(item, nextitem, run):
                self._run.results.last_started.reported()
                return False
        # After the last round, not between two rounds: the next round may need fixtures that no later test needs.
        for report in self._run.fixtures.tear_down(item, nextitem, []):
            if report.failed:
                item.ihook.pytest_runtest_logreport(report=report)
        return True

    def _result(self, item: pytest.Item, nextitem: pytest.Item | None) -> Result:
        phases.begin(item)
        if (result := self._result_if_skipped(item)) is not None:
            return result
        if not CAN_FORK:
            return _result_without_fork(item)
        return self._result_of_failed_teardown(item) or self._in_child(item, nextitem)

    def _result_if_skipped(self, item: pytest.Item) -> Result | None:
        """Evaluate skip and xfail marks: a skipped test needs no child, and xfail must hold for a child's death."""
        if (step := skipping_step(self._run.config)) is None:
            return None
        stops = (KeyboardInterrupt, pytest.exit.Exception)
        call = pytest.CallInfo.from_call(lambda: step(item), when="setup", reraise=stops)
        return _result_if_raised(item, call)

    def _result_of_failed_teardown(self, item: pytest.Item) -> Result | None:
        call = self._run.fixtures.finish_unfit(item)
        if call is not None and self._run.runner is not None:
            # These children hold copies of the fixtures that were torn down.
            self._run.runner.children.drop_ready()
            self._run.runner.children.retire(item)
        return _result_if_raised(item, call) if call is not None else None

    def _in_child(self, item: pytest.Item, nextitem: pytest.Item | None) -> Result:
        with errors_for_controller(self._run.config):
            if self._run.runner is None:
                # Imported here so that a run without such tests does not pay for it, and before the fork so that no
                # child has to import it.
                from .assembly import new_runner

                self._run.runner = new_runner(self._run, item.session)
            with output_kept_blocking(self._run.config):
                return self._run.runner.run(item, nextitem)

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_runtestloop(self, session: pytest.Session) -> Generator[None, object, object]:
        """Let the children that still live tear down their fixtures, while an error there can still fail the run."""
        ran_all = False
        try:
            result = yield
            ran_all = not (session.shouldfail or session.shouldstop)
            return result
        finally:
            self._end_children(repeats=ran_all)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self) -> None:
        # Nothing is left to do, unless the user interrupted what ends the children.
        self._end_children(repeats=False)

    def _end_children(self, *, repeats: bool) -> None:
        if self._run.runner is not None:
            self._run.runner.children.finish()
            self._log_late_ends(repeats=repeats)

    def _log_late_ends(self, *, repeats: bool) -> None:
        """Log an error of the last test of each child whose end brought one."""
        runner = self._run.runner
        while runner is not None and runner.children.late:
            item, seen = runner.children.late.pop(0)
            result = runner.late_result(item, seen, repeats=repeats)
            with xdist.as_running(item) as is_accepted:
                for report in result.reports:
                    if is_accepted:
                        item.ihook.pytest_runtest_logreport(report=report)
                    elif report.failed:
                        replay(item, [own_warning(_as_text(report))])
            _close(item, result)


def _result_without_fork(item: pytest.Item) -> Result:
    from ..report.pytest.not_run import not_run

    def refuse() -> None:
        pytest.fail(f"{item.nodeid} {_NO_FORK}", pytrace=False)

    return not_run(item, item.stash[SETTINGS], pytest.CallInfo.from_call(refuse, when="setup"))


def _result_if_raised(item: pytest.Item, call: pytest.CallInfo[None]) -> Result | None:
    """Return the result of a test that this step ended; None if the step raised nothing."""
    if call.excinfo is None:
        return None
    from ..report.pytest.not_run import not_run

    return not_run(item, item.stash[SETTINGS], call)


def _hand_on(item: pytest.Item, carried: Mapping[str, Any] | None) -> Iterator[pytest.TestReport]:
    """Pass the child's data for other plugins to these plugins; yield an error of the test if one of them raises.

    A plugin expects its own data, but a test may have put anything in its place. That must not end the run.
    """

    def hand_on() -> None:
        item.ihook.pytest_foreign_thread_carried(item=item, data=carried)

    stops = (KeyboardInterrupt, pytest.exit.Exception)
    call = pytest.CallInfo.from_call(hand_on, when="teardown", reraise=stops)
    if call.excinfo is not None:
        yield phases.make_report(item, call)


def _as_text(report: pytest.TestReport) -> str:
    """Return the failure in one line, for a release of xdist that takes no report of an earlier test."""
    what = str(getattr(report.longrepr, "reprcrash", None) or report.longreprtext)
    return f"the teardown of what {report.nodeid} shared with later tests failed: {what.partition(chr(10))[0]}"


def _close(item: pytest.Item, result: Result) -> None:
    replay(item, result.warnings)
    if result.stop is not None:
        _stop_session(result.stop)


def _stop_session(stop: SessionStopped) -> None:
    if stop.kind == "interrupt":
        raise KeyboardInterrupt(stop.reason)
    pytest.exit(stop.reason, returncode=stop.returncode)
