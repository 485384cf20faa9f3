"""What is told of a test that broke in a shared child and was run once more, alone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_foreignthread.model.outcomes import Outcome
from pytest_foreignthread.model.records import OwnChildRun
from pytest_foreignthread.report import json_report
from pytest_foreignthread.report.second_run_lines import own_child_line
from pytest_foreignthread.report.text import render

from .sample_records import NULL, SEGFAULT
from .sample_report import ENVIRONMENT, RECORD, VALIDATOR

BEFORE = tuple(f"t.py::test_{number}" for number in range(7))
AGAIN = ("t.py::test_0", "tests/test_bridge.py::test_late[pool]", "--foreign-thread-isolation=session")
SOUND = OwnChildRun(Outcome.PASSED, "", BEFORE[:1], AGAIN, only_after=BEFORE[:1])
UNKNOWN = OwnChildRun(Outcome.PASSED, "", BEFORE[:1], AGAIN, search="not searched")
SAME = OwnChildRun(Outcome.SEGFAULT, "SIGSEGV", BEFORE[:1], AGAIN)


@pytest.mark.parametrize(
    ("outcome", "alone", "line"),
    [
        (Outcome.SEGFAULT, SAME, "alone: also breaks (segfault in a child of its own)"),
        (Outcome.HANG, replace(SAME, only_after=BEFORE[:1]), "alone: segfault; breaks only after t.py::test_0"),
        (Outcome.SEGFAULT, SOUND, "alone: passes; breaks only after t.py::test_0"),
        (
            Outcome.FAILED,
            replace(SOUND, before=BEFORE, only_after=BEFORE[1:3]),
            "alone: passes; breaks only after t.py::test_1, t.py::test_2",
        ),
        (
            Outcome.CRASH,
            replace(SOUND, only_after=BEFORE[:2], search="perhaps not all of them"),
            "alone: passes; breaks only after t.py::test_0, t.py::test_1 (perhaps not all of them)",
        ),
        (
            Outcome.CRASH,
            replace(UNKNOWN, before=BEFORE[:2]),
            "alone: passes; broke after t.py::test_0, t.py::test_1 (not searched)",
        ),
        (
            Outcome.CRASH,
            replace(UNKNOWN, before=BEFORE),
            "alone: passes; broke after 2 more, t.py::test_2, t.py::test_3, t.py::test_4, t.py::test_5, t.py::test_6 "
            "(not searched)",
        ),
    ],
)
def test_the_line(outcome: Outcome, alone: OwnChildRun, line: str) -> None:
    assert own_child_line(outcome, alone) == line


def test_where_it_needs_the_tests_before_it_the_command_runs_them() -> None:
    lines = render(replace(SEGFAULT, alone=SOUND)).splitlines()
    assert lines[-4:-2] == [
        "alone: passes; breaks only after t.py::test_0",
        "note: 1 process outlived the child and was ended",
    ]
    assert lines[-1] == (
        "rerun: pytest 't.py::test_0' 'tests/test_bridge.py::test_late[pool]' --foreign-thread-isolation=session"
    )


def test_where_it_needs_none_the_command_runs_it_alone() -> None:
    lines = render(replace(SEGFAULT, alone=SAME)).splitlines()
    assert "alone: also breaks (segfault in a child of its own)" in lines
    assert lines[-1] == render(SEGFAULT).splitlines()[-1]


def test_a_null_result_has_the_line() -> None:
    assert "alone: passes; breaks only after t.py::test_0" in render(replace(NULL, alone=SOUND)).splitlines()


def test_a_control_that_breaks_alone_has_a_line() -> None:
    words = " ".join(render(replace(SEGFAULT, control_alone=Outcome.FAILED)).split())
    assert "control: breaks alone, too (failed in main, in a child of its own): the test needs earlier tests" in words


@pytest.mark.parametrize("control", [None, Outcome.PASSED, Outcome.SKIPPED])
def test_a_control_that_does_not_break_alone_has_none(control: Outcome | None) -> None:
    assert render(replace(SEGFAULT, control_alone=control)) == render(SEGFAULT)


def test_the_entry_has_the_outcome_of_the_control() -> None:
    entry = json_report.test_entry(replace(RECORD, control_alone=Outcome.HANG))
    assert entry["control_alone"] == "hang"
    VALIDATOR.validate(json_report.document([entry], ENVIRONMENT))


def test_the_entry() -> None:
    entry = json_report.test_entry(replace(RECORD, alone=SOUND))
    assert entry["alone"] == {"outcome": "passed", "message": "", "before": ["t.py::test_0"], "search": ""}
    assert (entry["also_alone"], entry["only_after"]) == (False, ["t.py::test_0"])
    assert entry["rerun"] == list(AGAIN)
    VALIDATOR.validate(json_report.document([entry], ENVIRONMENT))
