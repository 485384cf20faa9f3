"""What xdist's controller takes from the log of a worker, into which a test might write, too."""

from __future__ import annotations

import functools
import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pytest_foreignthread.model.outcomes import Outcome, Phase
from pytest_foreignthread.model.records import RunRecord
from pytest_foreignthread.report.json_report import test_entry as entry_of
from pytest_foreignthread.run.started import LastStarted, WorkerLogs

from .sample_tally import tally_data

STRESS = tally_data()
ENTRY = entry_of(RunRecord("a.py::test_it", "new", Outcome.ERROR, Phase.FORK, 0.0, rerun="a.py::test_it"))


@pytest.fixture
def logs() -> Iterator[WorkerLogs]:
    made = WorkerLogs()
    yield made
    made.close()


def worker(logs: WorkerLogs) -> Any:
    """The config of a worker `gw0`."""
    node = SimpleNamespace(gateway=SimpleNamespace(id="gw0", spec=SimpleNamespace(popen=True)), workerinput={})
    logs.open_for(node)
    return SimpleNamespace(workerinput=node.workerinput)


def reported(logs: WorkerLogs) -> list[tuple[str, dict[str, Any]]]:
    return list(logs.entries_of_begun())


def test_test_that_is_under_way(logs: WorkerLogs) -> None:
    started = LastStarted(worker(logs))
    started.begin(lambda: ENTRY)
    assert reported(logs) == [("gw0", ENTRY)]
    started.enter(Phase.CALL)
    ((_, entry),) = reported(logs)
    assert (entry["phase"], entry["outcome"]) == ("call", "error")
    assert entry["duration"] > 0
    started.end_by(KeyboardInterrupt())
    ((_, entry),) = reported(logs)
    assert entry["message"] == "the run ended before the test did: KeyboardInterrupt"


def test_test_that_comes_next(logs: WorkerLogs) -> None:
    """It has an entry in no report of a run that ends, unless xdist itself reports the test."""
    started = LastStarted(worker(logs))
    started.announce(lambda: ENTRY)
    assert (reported(logs), logs.last_entry("gw0", ENTRY["nodeid"])) == ([], (False, ENTRY))
    started.announce(None)
    started.begin(lambda: ENTRY)
    assert (reported(logs), logs.last_entry("gw0", ENTRY["nodeid"])) == ([("gw0", ENTRY)], (True, ENTRY))
    assert logs.last_entry("gw0", "another") is None


def test_test_that_has_ended_keeps_its_outcome(logs: WorkerLogs) -> None:
    started = LastStarted(worker(logs))
    started.begin(lambda: ENTRY)
    started.end({**ENTRY, "outcome": "passed"})
    started.end_by(KeyboardInterrupt())
    ((_, entry),) = reported(logs)
    assert (entry["outcome"], entry["message"]) == ("passed", "")


def test_rounds_of_a_stressed_test(logs: WorkerLogs) -> None:
    started = LastStarted(worker(logs))
    started.begin(lambda: ENTRY)
    started.count(lambda: {"stress": STRESS, "outcome": "segfault"})
    # The next one comes too soon.
    started.count(dict)
    ((_, entry),) = reported(logs)
    assert (entry["stress"], entry["outcome"]) == (STRESS, "segfault")


def test_log_does_not_grow_without_end(logs: WorkerLogs) -> None:
    config = worker(logs)
    started = LastStarted(config)
    entries = [{**ENTRY, "nodeid": f"{'x' * 100_000}{number}"} for number in range(41)]
    for entry, following in itertools.pairwise(entries):
        started.announce(functools.partial(dict, following))
        started.begin(functools.partial(dict, entry))
    assert Path(config.workerinput["foreign_thread_started"]).stat().st_size <= 1 << 20
    assert reported(logs)[-1][1]["nodeid"].endswith("x39")
    assert logs.last_entry("gw0", f"{'x' * 100_000}40") is not None


FORGED = [
    {"stress": {}},
    {"stress": {**STRESS, "rounds": STRESS["rounds"] + 1}},
    {"stress": 7},
    {"outcome": "splendid"},
    {"phase": "end"},
    {"mode": 7},
    {"mode": "new; rm"},
    {"mode": ""},
    {"test": ""},
    {"duration": True},
    {"duration": 10**400},
    {"duration": float("nan")},
    {"duration": -1},
    {"rerun": [7]},
    {"threads": []},
]


@pytest.mark.parametrize("forged", FORGED, ids=str)
def test_line_that_a_test_wrote(logs: WorkerLogs, forged: dict[str, Any]) -> None:
    config = worker(logs)
    LastStarted(config).begin(lambda: ENTRY)
    path = Path(config.workerinput["foreign_thread_started"])
    line = json.loads(path.read_text())
    with path.open("a") as log:
        log.write(json.dumps({**line, "nodeid": "forged", **forged}) + "\n[[[[\nnull\n\xff\n" + "[" * 100_000 + "\n")
    assert reported(logs) == [("gw0", ENTRY)]


def test_worker_of_another_machine_has_no_log(logs: WorkerLogs) -> None:
    node = SimpleNamespace(gateway=SimpleNamespace(id="gw0", spec=SimpleNamespace(popen=None)), workerinput={})
    logs.open_for(node)
    assert node.workerinput == {}
    started = LastStarted(SimpleNamespace(workerinput=node.workerinput))  # type: ignore[arg-type]
    started.begin(lambda: ENTRY)
    assert (started.entry, reported(logs), logs.has_entries) == (ENTRY, [], False)
