"""Repeats a test that broke in a shared child, in a child of its own, and searches for the earlier tests to blame."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import pytest

from ..channel.report_shape import BadShape
from ..collect.identity import as_typed, own_id
from ..config.stash_keys import SETTINGS
from ..matrix.verdicts import BREAKS, CONTROL
from ..model.nodeids import file_of
from ..model.observation import CANNOT_ACCEPT, DebuggerEntered, NotServed
from ..model.outcomes import Outcome
from ..model.records import OwnChildRun, RunRecord
from ..model.settings import Settings
from ..report.pytest.recording import internal_error, jvm_failure, record_of
from ..report.pytest.reporting import child_reports
from .bisection import smallest_part
from .children import Children
from .served_test import ServedTest

SEARCH: Final = 30.0
"""Seconds after which a search tries no other part of the order: each part runs tests, and may hang."""
_OPTION: Final = "--foreign-thread-bisect"
_MOST_NAMED: Final = 10
"""Tests that a command for a rerun names one by one; for more tests it names their files."""


class SecondRuns:
    """The second runs of a session. `searches` is the number of failures for which the earlier tests are searched."""

    def __init__(self, children: Children, searches: int) -> None:
        self._children = children
        self._most = self._searches = searches
        self._control: dict[str, bool] = {}
        """Test of the matrix → whether the test breaks in mode `main`, the control."""
        self._control_alone: dict[str, Outcome | None] = {}
        """Test of the matrix → the outcome of the control in a child of its own, if it was asked for."""

    def compared(self, item: pytest.Item, settings: Settings, record: RunRecord, seen: ServedTest) -> RunRecord:
        """Repeat the test in a child of its own if it broke in a shared child; return the record with the comparison.

        Return the record unchanged if there is nothing to compare. A test in which the user has been in a debugger is
        not repeated: the debugger would open again.
        """
        if settings.mode == CONTROL:
            self._control[settings.test] = record.outcome in BREAKS
        if self._children.debugs or seen.observation.first(DebuggerEntered) is not None:
            return record
        if seen.number_before and self._is_worth_repeating(settings, record):
            record = self._run_in_own_child(item, settings, record, seen)
        if self._may_lack_earlier_tests(settings, record):
            record = replace(record, control_alone=self._outcome_of_control(settings.test))
        return record

    def _run_in_own_child(
        self, item: pytest.Item, settings: Settings, record: RunRecord, seen: ServedTest
    ) -> RunRecord:
        again = self._children.run(item, None, own_child=True)
        if again.observation.first(NotServed) is not None:
            return record
        try:
            alone = _record(item, settings, again)
        except BadShape as error:
            note = f"run alone, in a child of its own, the test {CANNOT_ACCEPT}: {error}"
            return replace(record, notes=(*record.notes, note))
        return replace(record, alone=self._compared_with(item, settings, record, alone, seen.before))

    def _is_worth_repeating(self, settings: Settings, record: RunRecord) -> bool:
        """Return whether the test is worth a second run.

        A crash or a hang always is. A failure is with isolation `auto`, if the test does not break in the control too
        and the failure is not known already. With isolation `module` or `session` the user chose to share, so a failure
        counts as it does in pytest, whose tests share one process.
        """
        if record.outcome.abnormal:
            return True
        is_new = settings.mode == CONTROL or not self._control.get(settings.test, False)
        return (
            settings.isolation == "auto"
            and record.outcome in BREAKS
            and is_new
            and record.outcome not in settings.known
        )

    def _may_lack_earlier_tests(self, settings: Settings, record: RunRecord) -> bool:
        """Return whether the test broke without earlier tests, and its control may have held thanks to such tests.

        A child that a test has left something in is replaced, one in which a test died too. So the same test may have
        earlier tests in its child in one mode, and none in another mode.
        """
        alone = record.outcome if record.alone is None else record.alone.outcome
        return (
            settings.isolation == "auto"
            and settings.mode != CONTROL
            and alone in BREAKS
            and record.outcome not in settings.known
            and not self._control.get(settings.test, False)
        )

    def _outcome_of_control(self, test: str) -> Outcome | None:
        """Return the outcome of the control in a child of its own; None if the run has no control, or it did not run.

        A control that a mark may skip is not run: the pytest process evaluates marks, just before a test.
        """
        if test not in self._control_alone:
            self._control_alone[test] = None
            if (control := self._children.control_of(test)) is not None:
                seen = self._children.run_after((), control, lambda: True)
                settings = control.stash[SETTINGS]
                self._control_alone[test] = None if seen is None else _outcome(control, settings, seen)
        return self._control_alone[test]

    def _compared_with(
        self, item: pytest.Item, settings: Settings, record: RunRecord, alone: RunRecord, before: Sequence[pytest.Item]
    ) -> OwnChildRun:
        earlier = _typed(before)
        own = OwnChildRun(alone.outcome, alone.message, earlier, _rerun(item, before, record))
        return own if alone.outcome is record.outcome else self._searched(item, settings, record, own, before)

    def _searched(
        self, item: pytest.Item, settings: Settings, record: RunRecord, own: OwnChildRun, before: Sequence[pytest.Item]
    ) -> OwnChildRun:
        if self._searches <= 0:
            searches = {0: "no search", 1: "1 search"}.get(self._most, f"{self._most} searches")
            return replace(own, search=f"not searched: {_OPTION}={self._most} allows {searches}")
        self._searches -= 1
        until = time.monotonic() + SEARCH

        def has_time() -> bool:
            return time.monotonic() < until

        def breaks(part: Sequence[pytest.Item]) -> bool:
            seen = self._children.run_after(part, item, has_time)
            return seen is not None and _outcome(item, settings, seen) is record.outcome

        found = smallest_part(before, breaks, has_time)
        if found.tests is None:
            return replace(own, search="the test did not break when it ran after the same tests a second time")
        search = "" if found.in_time else f"perhaps not all of them: the search ended after {SEARCH:g} s"
        return replace(own, only_after=_typed(found.tests), search=search, rerun=_rerun(item, found.tests, record))


def _record(item: pytest.Item, settings: Settings, seen: ServedTest) -> RunRecord:
    """Return the record of the test. Raise BadShape if the child sent something else than reports."""
    reports = child_reports(item, seen.observation)
    return record_of(item, settings, seen.observation, seen.taken, reports)[0]


def _outcome(item: pytest.Item, settings: Settings, seen: ServedTest) -> Outcome | None:
    """Return the outcome; None if the test did not run, or if the child sent something else than reports."""
    observation = seen.observation
    ran = not observation.refused and internal_error(observation) is None and observation.first(NotServed) is None
    if not ran or jvm_failure(observation, seen.taken) is not None:
        return None
    try:
        return _record(item, settings, seen).outcome
    except BadShape:
        return None


def _typed(items: Sequence[pytest.Item]) -> tuple[str, ...]:
    return tuple(as_typed(one.config, own_id(one)) for one in items)


def _rerun(item: pytest.Item, before: Sequence[pytest.Item], record: RunRecord) -> tuple[str, ...]:
    """Return the arguments of pytest that run these tests and then the item again in one child."""
    together = _together(_typed(before), record.rerun)
    return (*together, *_modes_of(item, before), "--foreign-thread-isolation=session")


def _together(earlier: Sequence[str], test: str) -> tuple[str, ...]:
    """Return the arguments that select all these tests: their node ids, or their files if the tests are many."""
    tests = (*earlier, test)
    return tests if len(tests) <= _MOST_NAMED else tuple(dict.fromkeys(map(file_of, tests)))


def _modes_of(item: pytest.Item, before: Sequence[pytest.Item]) -> tuple[str, ...]:
    """Return the options that make pytest generate these items of a matrix; empty if the run has no matrix."""
    options = item.stash[SETTINGS].rerun_options
    modes = dict.fromkeys(one.stash[SETTINGS].mode for one in (*before, item))
    return options and (f"--foreign-thread-modes={','.join(modes)}", *options[1:])
