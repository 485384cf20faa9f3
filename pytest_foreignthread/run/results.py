"""The results of a run's foreign-thread tests, gathered from the reports of this process and of xdist's workers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest

from ..collect.selection import Census, Selection
from ..config.chosen_options import Options
from ..config.stash_keys import DESELECTED, LOGS, ORDER
from ..interop import xdist
from ..matrix.baseline.merged import Expected, KnownOutcomes
from ..matrix.verdicts import Matrix, matrix_of
from ..model.nodeids import file_of
from ..model.outcomes import Outcome
from ..model.report_data import ReportData, data_of
from ..report.pytest.properties import add_verdict
from ..report.pytest.pytest_reports import why_refused
from . import against_baseline
from .against_baseline import Settled
from .child_costs import ChildCosts
from .started import COUNTED, ENTERED, LastStarted

_CENSUS: Final = "foreign_thread_census"
"""Key of the census in the data that an xdist worker sends its controller at the worker's end."""

_CHILDREN: Final = "foreign_thread_children"
"""Key of the counts of `ChildCosts` in the same data."""


Key = tuple[str | None, str]
"""xdist's id of the worker that ran a test, None without xdist; the node id of the test."""

_KEPT_FIELDS: Final = ("duration", "jvm_start", "stress")
"""The fields of an entry that a late teardown does not change."""

_NO_DATA: Final = ReportData()


class Results:
    """A plugin that gathers the results. In an xdist worker it only sends the census and the counts of children.

    The controller sees the reports of all workers, and so is the only process that knows the results of the run.
    """

    def __init__(self, config: pytest.Config, options: Options, selection: Selection, known: KnownOutcomes) -> None:
        self._config = config
        self._options = options
        self._known = known
        self._entries: list[dict[str, Any]] = []
        self._by_test: dict[str, list[dict[str, Any]]] = {}
        """Test of the matrix → its entries among `_entries`."""
        self._cut_short: list[dict[str, Any]] = []
        """Entries of tests that were not reported because the run, or an xdist worker, ended."""
        self._reported: dict[Key, dict[str, Any]] = {}
        """The tests that were reported → the last entry of each."""
        self._refused: dict[Key, tuple[str, str]] = {}
        """Test → the phase of the first report whose data was refused, and why it was refused."""
        self.last_started = LastStarted(config)
        config.stash[ENTERED] = self.last_started.enter
        config.stash[COUNTED] = self.last_started.count
        self._expected: dict[str, Expected] = {}
        self._order = _numbered(config.stash.get(ORDER, ()))
        self._runs_of: Mapping[str, int] = {}
        self.selection = selection
        self.census = Census(deselected=config.stash.get(DESELECTED, 0))
        self.settled = Settled()
        self.child_costs = ChildCosts()

    @property
    def entries(self) -> list[dict[str, Any]]:
        """The entries of the report, in the order of the collection. Reports of xdist's workers come in any order."""
        return self._in_order([*self._entries, *self._cut_short])

    @property
    def _with_outcome(self) -> list[dict[str, Any]]:
        """The entries with an outcome. A test that was cut short has none, like a test that did not run."""
        return self._in_order(self._entries)

    def _in_order(self, entries: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        return sorted(entries, key=lambda entry: self._order.get(entry["nodeid"], len(self._order)))

    def matrix(self) -> Matrix:
        """Return the matrix of the run. If the user asked for none, return that of the modes which markers list."""
        if not self.selection.modes:
            return matrix_of(self._with_outcome, ())
        # An item that was made for the matrix has its mode in its node id; the test that it was made from has not.
        entries = [entry for entry in self._with_outcome if entry["test"] != entry["nodeid"]]
        return matrix_of(entries, self.selection.modes)

    def collected(self, nodeids: Sequence[str], census: Census, runs_of: Mapping[str, int]) -> None:
        """Take the node ids of the collection; `runs_of` maps each test of the matrix to the number of its items."""
        self._order = _numbered(nodeids)
        self._runs_of = runs_of
        self.census = replace(census, deselected=self.census.deselected)

    def pytest_deselected(self, items: Sequence[pytest.Item]) -> None:
        self.census = replace(self.census, deselected=self.census.deselected + len(items))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        data, key = data_of(report), (xdist.worker_of(report), report.nodeid)
        if (why := why_refused(report)) is not None:
            self._refused.setdefault(key, (report.when, why))
            # The last report of a test carries its entry. If that report's data was refused, the worker's log is the
            # only other source of an entry.
            if report.when == "teardown" and (logged := self._logged(*key)) is not None:
                self._take(self._as_refused(key, logged), key)
        if (entry := data.entry) is not None:
            if not data.late:
                self.last_started.reported()
            entry = self._as_refused(key, entry)
            # xdist may run a test again whose worker was killed.
            self._cut_short = [one for one in self._cut_short if one["nodeid"] != entry["nodeid"]]
            self._take(entry, (key[0], entry["nodeid"]), data)
            if data.expect:
                self._expected[entry["test"]] = data.expect

    def _logged(self, worker: str | None, nodeid: str) -> dict[str, Any] | None:
        if worker is None or LOGS not in self._config.stash:
            return None
        logged = self._config.stash[LOGS].last_entry(worker, nodeid)
        return None if logged is None else logged[1]

    def _as_refused(self, key: tuple[str | None, str], entry: dict[str, Any]) -> dict[str, Any]:
        """Return the entry as pytest shows the test: as an error if the data of one of its reports was refused."""
        if key not in self._refused:
            return entry
        phase, why = self._refused[key]
        outcome = Outcome.FAILED if phase == "call" else Outcome.ERROR
        logged = {"outcome": outcome.value, "phase": phase, "message": why, "summary": why, "diagnosis": None}
        return {**entry, **logged}

    def _take(self, entry: dict[str, Any], key: Key, data: ReportData = _NO_DATA) -> None:
        """Add the entry, or replace that of an earlier round, or of the time before a late teardown.

        The earlier entry is changed in place, because `_entries` and `_by_test` share the object.
        """
        earlier = self._reported.get(key)
        if earlier is not None and (data.round or data.late):
            entry = _with_late_end(earlier, entry) if data.late else dict(entry)
            earlier.clear()
            earlier.update(entry)
        else:
            self._reported[key] = entry
            self._entries.append(entry)
            self._by_test.setdefault(entry["test"], []).append(entry)

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: Sequence[str]) -> None:
        self._order = _numbered(ids)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        if (census := xdist.left_by(node).get(_CENSUS)) is not None:
            self.census = Census(**census)
        if (noted := xdist.left_by(node).get(_CHILDREN)) is not None:
            self.child_costs.add(noted)

    def add_verdict(self, reports: Sequence[pytest.TestReport]) -> None:
        """Add the verdict of the test to the reports of its last run, if all its runs were in this process.

        Call this before the reports are logged: what is added later does not reach other plugins.
        """
        last = next((data for data in map(data_of, reports) if data.entry is not None), ReportData())
        entry = last.entry
        if entry is None:
            return
        self.last_started.end(entry)
        if not self.selection.modes:
            return
        before = entry["nodeid"] if last.round else None
        others = [one for one in self._by_test.get(entry["test"], ()) if one["nodeid"] != before]
        runs = [*others, entry]
        if len(runs) == self._runs_of[entry["test"]]:
            (row,) = matrix_of(runs, self.selection.modes).rows
            add_verdict(reports, row.verdict)

    def worker_ended(self, report: pytest.TestReport) -> None:
        """Take the entry of the test that this report, made by xdist, blames for the end of a worker."""
        worker = xdist.worker_of(report)
        if worker is not None and LOGS in self._config.stash:
            logged = self._config.stash[LOGS].last_entry(worker, report.nodeid)
            if logged is not None:
                has_begun, entry = logged
                self._cut(
                    worker, entry, f"xdist's worker {worker!r} ended before the test {'did' if has_begun else 'began'}"
                )

    def _cut(self, worker: str | None, entry: dict[str, Any], why: str) -> None:
        if (worker, entry["nodeid"]) not in self._reported:
            message = entry.get("message") or why
            cut = self._reported[worker, entry["nodeid"]] = {**entry, "message": message, "summary": message}
            self._cut_short.append(cut)

    def run_ended(self) -> None:
        """Take the entries of tests that began and were not reported."""
        why = "the run ended before the test did"
        if self.last_started.entry is not None:
            self._cut(None, self.last_started.entry, why)
        if LOGS in self._config.stash:
            for worker, entry in self._config.stash[LOGS].entries_of_begun():
                self._cut(worker, entry, why)

    def settle(self, session: pytest.Session, exitstatus: int | pytest.ExitCode) -> None:
        """Compare the outcomes with the baseline and the markers, or update the baseline. A difference fails the run.

        Nothing is compared in an xdist worker, or if the run ended in any other way than with tests passed or failed.
        """
        self.run_ended()
        if (output := xdist.worker_output(self._config)) is not None:
            output[_CENSUS] = self.census.as_data()
            output[_CHILDREN] = self.child_costs.as_data()
            return
        ran = not any(self._config.getoption(name, False) for name in ("collectonly", "setuponly", "setupplan"))
        if not ran or exitstatus not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
            return
        path, expected = self._options.baseline, self._expected
        if path is None and not expected:
            return
        matrix, is_gone = matrix_of(self._with_outcome, ()), self._is_gone(session)
        if path is None:
            self.settled = against_baseline.differences_from_markers(matrix, expected, is_gone)
        elif self._known.updating:
            self.settled = against_baseline.brought_up_to_date(
                Path(path), self._known.baseline, matrix, expected, is_gone
            )
        else:
            self.settled = against_baseline.differences(self._known, matrix, expected, is_gone)
        if self.settled.differences and exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def _is_gone(self, session: pytest.Session) -> Callable[[str], bool]:
        """Return a function that returns whether a test that did not run on a foreign thread does not exist any more.

        That is known only if the test's file was collected completely, or is gone. Nothing is known after a run that
        stopped early, selected tests by node id, or deselected tests. A test that ran as an ordinary test exists.
        """
        selected = any("::" in str(argument) for argument in self._config.args)
        stopped = session.shouldstop or session.shouldfail or self._cut_short
        if selected or stopped or self.census.deselected:
            return lambda test: False
        files = set(map(file_of, self._order))
        root = self._config.rootpath
        return lambda test: test not in self._order and (file_of(test) in files or not (root / file_of(test)).exists())

    def write(self, environment: Callable[[], dict[str, Any]]) -> None:
        """Write the reports that the options ask for. Exit pytest with an error if a file could not be written."""
        if xdist.is_worker(self._config):
            return
        if self._options.report:
            # Imported here because few runs of pytest write a report, and the import is slow.
            from ..report.kept.environment import run_facts
            from . import report_files

            asked = bool(self.selection.modes)
            facts = report_files.Facts(self.matrix(), self.entries, environment, run_facts(self._config), asked)
            report_files.write(self._options.report, facts)
        if self.settled.error:
            pytest.exit(self.settled.error, returncode=pytest.ExitCode.USAGE_ERROR)


def _with_late_end(entry: Mapping[str, Any], late: Mapping[str, Any]) -> dict[str, Any]:
    """Return the entry of a test one of whose fixtures was torn down after the test had been reported.

    As in pytest, what went wrong first is the outcome of the test.
    """
    if entry["outcome"] != Outcome.PASSED.value:
        return dict(entry)
    return {**late, **{name: entry[name] for name in _KEPT_FIELDS if name in entry}}


def _numbered(nodeids: Sequence[str]) -> dict[str, int]:
    return {nodeid: number for number, nodeid in enumerate(nodeids)}
