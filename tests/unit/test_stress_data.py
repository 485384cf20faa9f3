"""The tally of a stressed test as plain data: its schema, its check, what a search for a smaller setting says."""

from __future__ import annotations

import copy
import json
import math
from typing import Any, Final

import pytest

from pytest_foreignthread.model.outcomes import Outcome
from pytest_foreignthread.model.report_data import BadReportData, ReportData
from pytest_foreignthread.model.stress_choice import Part, Seed
from pytest_foreignthread.model.stress_shape import is_stress
from pytest_foreignthread.report import json_report
from pytest_foreignthread.stress.shrunk import Count, Shrunk, lines_of_shrunk

from .sample_entries import entry
from .sample_report import VALIDATOR, valid_document
from .sample_tally import shrunk, tally_data


def document(stress: Any) -> dict[str, Any]:
    made = valid_document()
    made["tests"][0]["stress"] = stress
    return made


@pytest.mark.parametrize("data", [tally_data(), {**tally_data(), "shrunk": None}])
def test_a_tally_is_valid(data: dict[str, Any]) -> None:
    VALIDATOR.validate(document(data))
    assert is_stress(json.loads(json.dumps(data)))
    json_report.render(document(data))


READ: Final = [
    *("seed", "verdict", "planned", "rounds", "failed", "seconds", "interval", "outcomes", "durations", "course"),
    *("rows", "shrunk", "rerun", "threads", "interrupted", "skipped", "stopped", "anytime"),
]


@pytest.mark.parametrize("name", READ)
def test_a_tally_without_a_field_is_refused(name: str) -> None:
    data = tally_data()
    del data[name]
    assert not is_stress(data)
    assert not VALIDATOR.is_valid(document(data))
    with pytest.raises(BadReportData, match="expected null or the entry of a test"):
        ReportData.from_json({**ReportData().to_json(), "entry": {**entry("t.py::t", "new"), "stress": data}})


WRONG: Final[list[tuple[tuple[str | int, ...], list[object]]]] = [
    (("planned",), [None, 400, {}, {"rounds": 400}, {"rounds": None, "seconds": None}]),
    (("planned", "rounds"), [0, "400", 1.5]),
    (("planned", "seconds"), [60, "60", -1]),
    (("rounds",), [0, -1, True, 1.5, "9", None]),
    (("seconds",), [math.nan, math.inf, -1, "1", None, True]),
    (("interval",), [[0], [0, 1, 2], [0, "1"], None, {}]),
    (("outcomes",), [{"exploded": 1}, {"passed": -1}, {"passed": "1"}, [], None]),
    (("durations",), [{}, {"min": 1, "median": 1}, {"min": 1, "median": 1, "max": "1"}, None]),
    (("course",), [None, {}, [3], [{"first": 1, "last": 2}], [{"first": 1, "last": 2, "outcomes": {"x": 1}}]]),
    (("outcomes",), [{}, {"passed": 399}]),
    (("threads",), [0, "8", None]),
    (("interrupted",), [None, 1, "yes"]),
    (("skipped",), [None, 1, "yes"]),
    (("anytime",), [None, 1, "yes"]),
    (("stopped",), [True, 0]),
    (("rows", 0, "count"), ["1", None, -1]),
    (("rows", 0, "outcome"), ["exploded", None]),
    (("rows", 0, "diagnosis"), [7]),
    (("rows", 0, "frame"), [None]),
    (("rows", 0, "seed"), [7, None]),
    (("shrunk",), [3, {}, []]),
    (("shrunk", "without"), [None, [3], [{}], [{"part": "pool of 1", "failed": 0, "rounds": 0}]]),
    (("shrunk", "rerun"), [None, [3], "text"]),
    (("shrunk", "seed"), [7, []]),
]


@pytest.mark.parametrize(("place", "value"), [(place, value) for place, values in WRONG for value in values])
def test_a_wrong_value_is_refused(place: tuple[str | int, ...], value: object) -> None:
    data: Any = tally_data()
    holder = data
    for key in place[:-1]:
        holder = holder[key]
    holder[place[-1]] = value
    assert not is_stress(data)


@pytest.mark.parametrize("value", [None, 3, "text", [], {}, {"seed": "7"}])
def test_what_is_no_tally_is_refused(value: object) -> None:
    assert not is_stress(value)


POOL: Final = Seed(7, 37, (Part("pool"),))
VERDICTS: Final[list[tuple[Shrunk, str]]] = [
    (
        Shrunk(1.0, "", Count(3, 9), POOL, "pool of 1", Count(1, 2), Count(7, 20)),
        "smallest setting that failed: pool of 1 (7 of 20 rounds)",
    ),
    (
        Shrunk(1.0, "the search ended early", Count(3, 9), POOL, "pool of 1", Count(1, 2)),
        "smallest setting that failed: pool of 1 (1 of 2 rounds of the search); the search ended early",
    ),
    (
        Shrunk(1.0, "", Count(3, 9), POOL, "pool of 1", Count(1, 1), Count(0, 20)),
        "smallest setting that failed: pool of 1 (1 of 1 round of the search, then 0 of 20 rounds)",
    ),
    (
        Shrunk(1.0, "", Count(3, 9), Seed(7, 37, ()), "as in an ordinary run", Count(1, 1), Count(4, 20)),
        "it needs no shaking: as in an ordinary run, it failed in 4 of 20 rounds",
    ),
    (
        Shrunk(1.0, "", Count(0, 300)),
        "not shrunk: of the same schedule, 0 of 300 rounds (under 0.99 % with 95 % confidence) failed in the same way",
    ),
    (
        Shrunk(1.0, "", Count(3, 9), POOL, "pool of 1", Count(3, 9), Count(7, 20), is_whole=True),
        "smallest setting that failed: pool of 1, all that its round had (7 of 20 rounds)",
    ),
    (
        Shrunk(1.0, "the search ended early", Count(1, 9), POOL, "pool of 1", Count(1, 9), is_whole=True),
        "not shrunk: the same schedule failed in 1 of 9 rounds of the search; the search ended early",
    ),
    (Shrunk(1.0, "a round takes 30 s"), "not shrunk: a round takes 30 s"),
]


@pytest.mark.parametrize(("found", "words"), VERDICTS)
def test_the_verdict_says_what_is_known(found: Shrunk, words: str) -> None:
    assert found.verdict() == words


def test_the_lines_say_what_each_part_is_needed_for() -> None:
    assert list(lines_of_shrunk(shrunk())) == [
        "smallest setting that failed: delay at submit 780 µs, pool of 1 (7 of 20 rounds)",
        "  without delay at submit 780 µs: 0 of 20 rounds (under 14 % with 95 % confidence)",
        "  without pool of 1: 0 of 20 rounds (under 14 % with 95 % confidence)",
    ]


def test_outcomes_of_a_tally_are_those_of_its_rounds() -> None:
    data = copy.deepcopy(tally_data())
    assert data["outcomes"] == {"passed": 397, "segfault": 2, "hang": 1}
    assert sum(data["outcomes"].values()) == data["rounds"]
    assert {Outcome(word) for word in data["outcomes"]} == {Outcome.PASSED, Outcome.SEGFAULT, Outcome.HANG}
