"""What became of a run's foreign-thread tests, gathered from the reports of this process and of xdist's workers."""

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
from .own_children import OwnChildren
from .started import ENTERED, LastStarted

_CENSUS: Final = "foreign_thread_census"
"""Key in the data that an xdist worker leaves its controller at its end."""

_CHILDREN: Final = "foreign_thread_children"
"""The same of what is noted of its children."""


class Results:
    """A plugin. In an xdist worker it leaves all but the census to the controller's."""

    def __init__(self, config: pytest.Config, options: Options, selection: Selection, known: KnownOutcomes) -> None:
        self._config = config
        self._options = options
        self._known = known
        self._entries: list[dict[str, Any]] = []
        self._cut_short: list[dict[str, Any]] = []
        """Of tests which the end of the run, or of an xdist worker, has kept from being reported."""
        self._reported: set[tuple[str | None, str]] = set()
        """xdist's id of the worker, and the node id."""
        self._refused: dict[tuple[str | None, str], tuple[str, str]] = {}
        """By worker and node id: the phase of the first report whose data was refused, and why."""
        self.last_started = LastStarted(config)
        config.stash[ENTERED] = self.last_started.enter
        self._of_round: dict[tuple[str, int], list[dict[str, Any]]] = {}
        """Node id and number of a round → its entries; xdist may let each worker run the test."""
        self._expected: dict[str, Expected] = {}
        self._order = _numbered(config.stash.get(ORDER, ()))
        self._runs_of: Mapping[str, int] = {}
        self.selection = selection
        self.census = Census(deselected=config.stash.get(DESELECTED, 0))
        self.settled = Settled()
        self.own_children = OwnChildren()

    @property
    def entries(self) -> list[dict[str, Any]]:
        """Those of the report, in the order of collection: workers end in any."""
        return self._in_order([*self._entries, *self._cut_short])

    @property
    def _told(self) -> list[dict[str, Any]]:
        """Those with an outcome: a test that was cut short is as one that did not run."""
        return self._in_order(self._entries)

    def _in_order(self, entries: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        return sorted(entries, key=lambda entry: self._order.get(entry["nodeid"], len(self._order)))

    def matrix(self) -> Matrix:
        """Return that of the run; of a run without one that of the modes which the markers list."""
        if not self.selection.modes:
            return matrix_of(self._told, ())
        # What was made for the matrix bears its mode in its name.
        entries = [entry for entry in self._told if entry["test"] != entry["nodeid"]]
        return matrix_of(entries, self.selection.modes)

    def collected(self, nodeids: Sequence[str], census: Census, runs_of: Mapping[str, int]) -> None:
        """`runs_of` has how many items each test of the matrix is."""
        self._order = _numbered(nodeids)
        self._runs_of = runs_of
        self.census = replace(census, deselected=self.census.deselected)

    def pytest_deselected(self, items: Sequence[pytest.Item]) -> None:
        self.census = replace(self.census, deselected=self.census.deselected + len(items))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        data, key = data_of(report), (xdist.worker_of(report), report.nodeid)
        if (why := why_refused(report)) is not None:
            self._refused.setdefault(key, (report.when, why))
            # The last report of a test brings its entry: without its data only the worker's log has one.
            if report.when == "teardown" and (logged := self._logged(*key)) is not None:
                self._reported.add(key)
                self._take(self._as_refused(key, logged), None)
        if (entry := data.entry) is not None:
            self.last_started.reported()
            self._reported.add((xdist.worker_of(report), entry["nodeid"]))
            entry = self._as_refused(key, entry)
            # xdist may be told to run a test again whose worker was killed.
            self._cut_short = [one for one in self._cut_short if one["nodeid"] != entry["nodeid"]]
            self._take(entry, data.round)
            if data.expect:
                self._expected[entry["test"]] = data.expect

    def _logged(self, worker: str | None, nodeid: str) -> dict[str, Any] | None:
        if worker is None or LOGS not in self._config.stash:
            return None
        told = self._config.stash[LOGS].told_of(worker, nodeid)
        return None if told is None else told[1]

    def _as_refused(self, key: tuple[str | None, str], entry: dict[str, Any]) -> dict[str, Any]:
        """Return the entry as pytest shows the test: with an error where the data of one of its reports was refused."""
        if key not in self._refused:
            return entry
        phase, why = self._refused[key]
        outcome = Outcome.FAILED if phase == "call" else Outcome.ERROR
        told = {"outcome": outcome.value, "phase": phase, "message": why, "summary": why, "diagnosis": None}
        return {**entry, **told}

    def _take(self, entry: dict[str, Any], number: int | None) -> None:
        """The last round of a test that runs in a loop is the one that counts."""
        nodeid = entry["nodeid"]
        if number and (earlier := self._of_round.get((nodeid, number - 1))):
            replaced = earlier.pop()
            replaced.clear()
            replaced.update(entry)
            entry = replaced
        else:
            self._entries.append(entry)
        if number is not None:
            self._of_round.setdefault((nodeid, number), []).append(entry)

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: Sequence[str]) -> None:
        self._order = _numbered(ids)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        if (census := xdist.left_by(node).get(_CENSUS)) is not None:
            self.census = Census(**census)
        if (noted := xdist.left_by(node).get(_CHILDREN)) is not None:
            self.own_children.add(noted)

    def tell_verdict(self, reports: Sequence[pytest.TestReport]) -> None:
        """Call before the reports are logged: with the last run of a test its verdict is known, if all ran here."""
        last = next((data for data in map(data_of, reports) if data.entry is not None), ReportData())
        entry = last.entry
        if entry is None:
            return
        self.last_started.end(entry)
        if not self.selection.modes:
            return
        before = entry["nodeid"] if last.round else None
        others = [one for one in self._entries if one["test"] == entry["test"] and one["nodeid"] != before]
        runs = [*others, entry]
        if len(runs) == self._runs_of[entry["test"]]:
            (row,) = matrix_of(runs, self.selection.modes).rows
            add_verdict(reports, row.verdict)

    def worker_ended(self, report: pytest.TestReport) -> None:
        """Take the entry of the test that this report of xdist's blames for the end of a worker."""
        worker = xdist.worker_of(report)
        if worker is not None and LOGS in self._config.stash:
            told = self._config.stash[LOGS].told_of(worker, report.nodeid)
            if told is not None:
                has_begun, entry = told
                self._cut(
                    worker, entry, f"xdist's worker {worker!r} ended before the test {'did' if has_begun else 'began'}"
                )

    def _cut(self, worker: str | None, entry: dict[str, Any], why: str) -> None:
        if (worker, entry["nodeid"]) not in self._reported:
            self._reported.add((worker, entry["nodeid"]))
            message = entry.get("message") or why
            self._cut_short.append({**entry, "message": message, "summary": message})

    def run_ended(self) -> None:
        """Take the entries of tests that were started and not reported."""
        why = "the run ended before the test did"
        if self.last_started.entry is not None:
            self._cut(None, self.last_started.entry, why)
        if LOGS in self._config.stash:
            for worker, entry in self._config.stash[LOGS].entries_of_begun():
                self._cut(worker, entry, why)

    def settle(self, session: pytest.Session, exitstatus: int | pytest.ExitCode) -> None:
        """Compare with what is known, or write it down; a difference fails the run."""
        self.run_ended()
        if (output := xdist.worker_output(self._config)) is not None:
            output[_CENSUS] = self.census.as_data()
            output[_CHILDREN] = self.own_children.as_data()
            return
        ran = not any(self._config.getoption(name, False) for name in ("collectonly", "setuponly", "setupplan"))
        if not ran or exitstatus not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
            return
        is_gone = self._is_gone(session)
        path = self._options.baseline
        if path is not None and self._known.updating:
            self.settled = against_baseline.brought_up_to_date(
                Path(path), self._known.baseline, matrix_of(self._told, ()), self._expected, is_gone
            )
        elif path is not None or self._expected:
            matrix = matrix_of(self._told, ())
            self.settled = against_baseline.differences(self._known, matrix, self._expected, is_gone)
        if self.settled.differences and exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def _is_gone(self, session: pytest.Session) -> Callable[[str], bool]:
        """Tell whether a test that did not run is not there any more: its file was collected as a whole, or is gone."""
        selected = any("::" in str(argument) for argument in self._config.args)
        stopped = session.shouldstop or session.shouldfail or self._cut_short
        if selected or stopped or self.census.deselected:
            return lambda test: False
        files = set(map(file_of, self._order))
        root = self._config.rootpath
        return lambda test: file_of(test) in files or not (root / file_of(test)).exists()

    def write(self, environment: Callable[[], dict[str, Any]]) -> None:
        """Write the reports that are asked for; end pytest with an error where a file cannot be written."""
        if xdist.is_worker(self._config):
            return
        if self._options.report:
            # Imported here, and with it the records of tests: few runs of pytest have any.
            from ..report.kept.environment import run_facts
            from . import report_files

            asked = bool(self.selection.modes)
            facts = report_files.Facts(self.matrix(), self.entries, environment, run_facts(self._config), asked)
            report_files.write(self._options.report, facts)
        if self.settled.error:
            pytest.exit(self.settled.error, returncode=pytest.ExitCode.USAGE_ERROR)


def _numbered(nodeids: Sequence[str]) -> dict[str, int]:
    return {nodeid: number for number, nodeid in enumerate(nodeids)}
