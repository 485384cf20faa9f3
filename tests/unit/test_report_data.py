"""What a report carries, as plain data and back; what else came from an xdist worker is refused."""

from __future__ import annotations

import json
import math
from typing import Any, Final

import pytest

from pytest_foreignthread.model.outcomes import ABNORMAL, Outcome
from pytest_foreignthread.model.report_data import BadReportData, ReportData

from .sample_entries import entry

FULL: Final = ReportData(
    Outcome.SEGFAULT,
    entry=entry("t.py::test[new]", "new", Outcome.SEGFAULT, code="late"),
    expect={"new": frozenset({Outcome.SEGFAULT, Outcome.PASSED}), "pool": frozenset({Outcome.HANG})},
    text="the cause",
    tail="the last lines",
    round=2,
    late=True,
)
SAMPLES: Final = (ReportData(), FULL, *(ReportData(outcome) for outcome in ABNORMAL))


@pytest.mark.parametrize("data", SAMPLES)
def test_json_gives_it_back(data: ReportData) -> None:
    assert ReportData.from_json(json.loads(json.dumps(data.to_json()))) == data


@pytest.mark.parametrize("outcome", Outcome)
def test_each_entry_is_one(outcome: Outcome) -> None:
    data = ReportData(entry=entry("t.py::test[new]", "new", outcome))
    assert ReportData.from_json(data.to_json()) == data


A_WORD: Final = "null or one of segfault, hang, null_result, crash"
AN_ENTRY: Final = "null or the entry of a test"
BY_MODE: Final = "lists of outcomes by mode"
A_NUMBER: Final = "null or a number from 0"
NO_TIMES: Final[tuple[object, ...]] = ("1", True, -1, math.nan, [], {})


def a_start_of(seconds: object) -> dict[str, Any]:
    return {**entry("t.py::test[new]", "new"), "jvm_start": seconds}


WRONG: Final[dict[str, tuple[str, tuple[object, ...]]]] = {
    "outcome": (A_WORD, ("passed", "nope", "", 3, ["hang"], {}, False)),
    "entry": (AN_ENTRY, (3, [], {}, "text", {"nodeid": "t.py::test"}, *(a_start_of(time) for time in NO_TIMES))),
    "expect": (BY_MODE, (None, [], {3: []}, {"new": "hang"}, {"new": ["nope"]}, {"new": [[]]})),
    "text": ("text", (None, 3, ["a"], {})),
    "tail": ("text", (None, 3, ["a"], {})),
    "round": (A_NUMBER, (-1, 0.5, "1", True, [])),
    "late": ("true or false", (None, 0, 1, "yes", [])),
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, (_, values) in WRONG.items() for value in values])
def test_a_wrong_value_is_reported(name: str, value: object) -> None:
    with pytest.raises(BadReportData) as raised:
        ReportData.from_json({**FULL.to_json(), name: value})
    assert str(raised.value).startswith(f"expected {WRONG[name][0]} as {name!r}, got ")


WRONG_IN_ENTRY: Final[dict[str, tuple[Any, ...]]] = {
    **dict.fromkeys(["nodeid", "test", "mode"], (None, 3, [])),
    "outcome": (None, "nope", 3, []),
    "jvm": (None, "yes"),
    "diagnosis": ("late", [], {}, {"code": 3}),
}


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, values in WRONG_IN_ENTRY.items() for value in values]
)
def test_a_wrong_value_in_an_entry(name: str, value: object) -> None:
    with pytest.raises(BadReportData, match=f"^expected {AN_ENTRY} as 'entry', got "):
        ReportData.from_json({**FULL.to_json(), "entry": {**(FULL.entry or {}), name: value}})


@pytest.mark.parametrize("data", [None, 5, True, "text", [], {}, {"outcome": "hang"}, {**FULL.to_json(), "more": 1}])
def test_another_shape(data: object) -> None:
    with pytest.raises(BadReportData, match=r"^expected an object of outcome, entry, .*, round, late, got "):
        ReportData.from_json(data)


def test_the_text_stays_short() -> None:
    with pytest.raises(BadReportData) as raised:
        ReportData.from_json({**FULL.to_json(), "outcome": "x" * 10_000})
    assert len(str(raised.value)) < 200
