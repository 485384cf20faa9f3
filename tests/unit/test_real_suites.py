"""What `make real` makes of the outcomes of a suite; the suites themselves run there."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, Final

import pytest

from pytest_foreignthread.matrix.baseline.file import parse
from pytest_foreignthread.matrix.baseline.known import Baseline
from pytest_foreignthread.matrix.verdicts import Verdict
from tests.real import suites, tables
from tests.real.results import SuiteResult, result_of

TODAY: Final = date(2026, 1, 31)
KNOWN: Final = parse("t.py::test_a | new=failed | it asks for the main thread", "known.txt")


def report(**outcomes: Mapping[str, str]) -> dict[str, Any]:
    """Return a report with the tests of `t.py`: name → mode → outcome."""
    return {
        "tests": [
            {"test": f"t.py::{name}", "mode": mode, "outcome": outcome}
            for name, modes in outcomes.items()
            for mode, outcome in modes.items()
        ],
        "matrix": {"modes": ["main", "new"]},
    }


def result(reported: Mapping[str, Any], plain: Mapping[str, str], known: Baseline = KNOWN) -> SuiteResult:
    return result_of("suite", "1.0", plain, reported, known, TODAY)


def test_known_break_is_no_difference() -> None:
    reported = report(test_a={"main": "passed", "new": "failed"}, test_b={"main": "skipped", "new": "skipped"})
    found = result(reported, {"t.py::test_a": "passed", "t.py::test_b": "skipped", "a.rst::a.rst": "passed"})
    assert found.differences == []
    assert (found.tests, found.left) == (2, 1)
    assert found.verdicts == {Verdict.FOREIGN_UNSAFE: 1, Verdict.UNKNOWN: 1}
    (group,) = found.explained
    assert group.tests == ("t.py::test_a",)
    assert (group.verdict, group.outcomes) == (Verdict.FOREIGN_UNSAFE, "new=failed")
    assert group.reason == "it asks for the main thread"


@pytest.mark.parametrize(
    ("modes", "plain", "difference"),
    [
        ({"main": "passed", "new": "passed"}, "passed", "stale entry: t.py::test_a in new: passed"),
        ({"main": "passed", "new": "segfault"}, "passed", "changed outcome: t.py::test_a in new: segfault"),
        ({"main": "failed", "new": "failed"}, "failed", "new break: t.py::test_a in main: failed"),
        (
            {"main": "skipped", "new": "failed"},
            "passed",
            "control: t.py::test_a: passed in plain pytest, skipped in main",
        ),
        ({"new": "failed"}, "passed", "control: t.py::test_a: passed in plain pytest, not run in main"),
    ],
)
def test_differences(modes: Mapping[str, str], plain: str, difference: str) -> None:
    (reported,) = result(report(test_a=modes), {"t.py::test_a": plain}).differences
    assert reported.startswith(difference)


def test_entry_of_a_test_that_is_gone() -> None:
    found = result(report(test_b={"main": "passed", "new": "passed"}), {"t.py::test_b": "passed"})
    assert [line.split(" (")[0] for line in found.differences] == ["stale entry: t.py::test_a: no such test any more"]


def test_control_that_is_known_to_differ() -> None:
    known = parse("t.py::test_a | main=failed, new=failed | counts the frames below it", "known.txt")
    modes = {"main": "failed", "new": "failed"}
    assert result(report(test_a=modes), {"t.py::test_a": "passed"}, known).differences == []


def test_tables() -> None:
    reported = report(test_a={"main": "passed", "new": "failed"})
    found = result(reported, {"t.py::test_a": "passed"})
    assert tables.markdown([found]).splitlines()[2].startswith("| suite | 1.0 | 1 | | 1 | |")
    assert "| `test_a` | foreign-unsafe | new=failed | it asks for the main thread |" in tables.markdown([found])
    broken = SuiteResult("other", "2.0", differences=["plain pytest ends with status 1"])
    assert tables.terminal([found, broken]).splitlines()[-1] == "other: plain pytest ends with status 1"


def test_suites_are_chosen_by_name() -> None:
    assert suites.chosen([]) == suites.SUITES
    assert [suite.name for suite in suites.chosen(["click"])] == ["click"]
    assert {suite.version for suite in suites.chosen(["cpython"])} == {""}
    with pytest.raises(ValueError, match="no suite 'nose'"):
        suites.chosen(["nose"])


def test_names_of_suites_are_unique() -> None:
    names = [suite.name for suite in suites.SUITES]
    assert sorted(names) == sorted(set(names))
