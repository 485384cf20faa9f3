"""What comes of the end of a shared child: joined with what was seen of its last test, or reported after it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, Final, cast

import pytest

from pytest_foreignthread.child.pytest.plain_data import CARRIED
from pytest_foreignthread.collect.selection import Selection
from pytest_foreignthread.interop import xdist
from pytest_foreignthread.model.observation import EndedBy, Observation, ReportMade, Signaled, WaitsForOrder
from pytest_foreignthread.model.outcomes import Outcome, Phase
from pytest_foreignthread.model.report_data import ReportData, put_on
from pytest_foreignthread.report.pytest.reporting import with_one_teardown
from pytest_foreignthread.run.results import Results
from pytest_foreignthread.run.served_test import ServedTest

from .sample_entries import entry
from .sample_options import chosen

NODEID: Final = "t.py::test[new]"


def report(when: Any, outcome: Any = "passed", data: ReportData | None = None, worker: str = "") -> pytest.TestReport:
    made = pytest.TestReport(NODEID, ("t.py", 1, "test"), {}, outcome, None, when)
    if data is not None:
        put_on(made, data)
    if worker:
        vars(made)["node"] = SimpleNamespace(gateway=SimpleNamespace(id=worker))
    return made


def seen(*words: str, end: Any, duration: float, **fields: Any) -> ServedTest:
    messages = tuple(ReportMade({"when": word}) for word in words)
    observation = Observation(messages, end, EndedBy.ITSELF, Phase.TEARDOWN, duration, 0.5, 30.0, **fields)
    return ServedTest(observation, {}, "fork", ["before"], 1)  # type: ignore[list-item]


def test_an_end_right_after_the_test_counts_as_its_teardown() -> None:
    test = seen("setup", "call", end=WaitsForOrder(), duration=2.0, notes=("one",), missing={"a": "x"})
    end = seen("teardown", end=Signaled(6), duration=1.0, notes=("two",), missing={"b": "y"})
    whole = test.torn_down(end)
    observation = whole.observation
    assert [one.report["when"] for one in observation.all(ReportMade)] == ["setup", "call", "teardown"]
    assert (observation.end, observation.duration, observation.phase_duration) == (Signaled(6), 3.0, 0.5)
    assert (observation.notes, observation.missing) == (("one", "two"), {"a": "x", "b": "y"})
    assert [*map(str, whole.before)] == ["before"], "the tests that the child had served before"


def test_a_teardown_that_passed_gives_way_to_the_next_one() -> None:
    setup, passed, failed = report("setup"), report("teardown"), report("teardown", "failed")
    vars(passed)[CARRIED] = {"a plugin": 1}
    assert with_one_teardown([setup, passed, failed]) == [setup, failed]
    assert vars(failed)[CARRIED] == {"a plugin": 1}


@pytest.mark.parametrize("reports", [[], [report("setup")], [report("setup"), report("teardown")]])
def test_one_teardown_stays(reports: list[pytest.TestReport]) -> None:
    assert with_one_teardown(reports) == reports


def test_two_teardowns_that_fail_stay() -> None:
    both = [report("teardown", "failed"), report("teardown", "failed")]
    assert with_one_teardown(both) == both


def results_after(*reports: pytest.TestReport) -> list[dict[str, Any]]:
    config: Any = SimpleNamespace(stash=pytest.Stash())
    results = Results(config, chosen(), Selection(modes=("new",)), cast(Any, None))
    for one in reports:
        results.pytest_runtest_logreport(one)
    (row,) = results.matrix().rows
    assert len(row.cells["new"].outcomes) == len(results.entries)
    return results.entries


def reported(outcome: Outcome, **more: Any) -> dict[str, Any]:
    return {**entry(NODEID, "new", outcome), "phase": "call", "message": "", **more}


LATE: Final = reported(Outcome.ERROR, phase="teardown", message="late", duration=9.0, jvm_start=None)


def test_a_late_end_replaces_the_entry_of_a_test_that_passed() -> None:
    before = reported(Outcome.PASSED, duration=1.0, jvm_start=0.5)
    (found,) = results_after(
        report("teardown", data=ReportData(entry=before)),
        report("teardown", "failed", ReportData(entry=LATE, late=True)),
    )
    assert (found["outcome"], found["phase"], found["message"]) == ("error", "teardown", "late")
    assert (found["duration"], found["jvm_start"]) == (1.0, 0.5)


@pytest.mark.parametrize("outcome", [Outcome.FAILED, Outcome.SEGFAULT, Outcome.SKIPPED])
def test_what_went_wrong_first_stays_the_outcome(outcome: Outcome) -> None:
    (found,) = results_after(
        report("teardown", data=ReportData(entry=reported(outcome))),
        report("teardown", "failed", ReportData(entry=LATE, late=True)),
    )
    assert (found["outcome"], found["phase"]) == (outcome.value, "call")


def test_a_late_end_is_of_the_worker_that_sends_it() -> None:
    found = results_after(
        report("teardown", data=ReportData(entry=reported(Outcome.PASSED)), worker="gw0"),
        report("teardown", data=ReportData(entry=reported(Outcome.PASSED)), worker="gw1"),
        report("teardown", "failed", ReportData(entry=LATE, late=True), worker="gw0"),
    )
    assert [one["outcome"] for one in found] == ["error", "passed"]


class WorkerInteractor:
    """Stands for xdist's plugin, which is known by this name."""


def item_of(worker: object | None) -> Any:
    """Return the second of three items."""
    config = SimpleNamespace(pluginmanager=SimpleNamespace(get_plugins=lambda: [object(), worker]))
    if worker is not None:
        config.workerinput = {}
    items: list[Any] = [SimpleNamespace(config=config) for _ in range(3)]
    items[1].session = SimpleNamespace(items=items)
    return items[1]


def test_a_worker_takes_the_reports_of_an_earlier_item() -> None:
    worker: Any = WorkerInteractor()
    worker.item_index = 2
    item = item_of(worker)
    with xdist.as_running(item) as is_accepted:
        assert (is_accepted, worker.item_index) == (True, 1)
    assert worker.item_index == 2


def test_a_worker_without_that_attribute_takes_none() -> None:
    worker = WorkerInteractor()
    item = item_of(worker)
    with xdist.as_running(item) as is_accepted:
        assert not is_accepted
    assert vars(worker) == {}


def test_without_xdist_all_reports_are_taken() -> None:
    with xdist.as_running(item_of(None)) as is_accepted:
        assert is_accepted
