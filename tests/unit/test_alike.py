"""Which reports of a test's modes say the same."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any, Final

import pytest

from pytest_foreignthread.model.outcomes import Outcome
from pytest_foreignthread.model.report_data import ReportData, put_on
from pytest_foreignthread.terminal.alike import entries_of, groups, same_lines

ENTRY: Final[Mapping[str, Any]] = {
    "test": "t.py::test",
    "outcome": "segfault",
    "phase": "call",
    "signal": "SIGSEGV",
    "exit_code": None,
    "message": "SIGSEGV at address 0x10",
    "at": {"file": "t.py", "line": 3, "source": "crash()"},
    "alone": None,
    "also_alone": None,
    "only_after": None,
    "uncaught": [],
    "diagnosis": {"code": "no-gil"},
    "jvm": True,
}


def report(mode: str, text: str = "died", **fields: Any) -> tuple[pytest.TestReport, dict[str, Any]]:
    nodeid, when = f"t.py::test[{mode}]", fields.pop("when", "call")
    made = pytest.TestReport(nodeid, ("t.py", 3, "test"), {}, "failed", "died", when, fields.pop("sections", ()))
    entry = {**ENTRY, "nodeid": nodeid, "mode": mode, **fields}
    put_on(made, ReportData(outcome=Outcome.SEGFAULT, text=text, entry=entry))
    return made, entry


def grouped(*made: tuple[pytest.TestReport, dict[str, Any]]) -> list[list[str]]:
    entries = {entry["nodeid"]: entry for _, entry in made}
    return [[entries[one.nodeid]["mode"] for one in group] for group in groups([one for one, _ in made], entries)]


def test_a_test_that_ends_alike_in_its_modes_is_one_group() -> None:
    assert grouped(report("new"), report("pool", "died elsewhere"), report("same", message="at 0x20")) == [
        ["new", "pool", "same"]
    ]


@pytest.mark.parametrize(
    "other",
    [
        {"test": "t.py::other"},
        {"outcome": "crash"},
        {"phase": "teardown", "when": "teardown"},
        {"signal": "SIGBUS"},
        {"at": {"file": "t.py", "line": 4, "source": "crash()"}},
        {"at": None},
        {"diagnosis": None},
        {"diagnosis": {"code": "native-crash"}},
        {"uncaught": ["KeyError"]},
        {"sections": [("Captured stdout call", "words")]},
    ],
)
def test_what_differs_stands_apart(other: dict[str, Any]) -> None:
    assert grouped(report("new"), report("pool", **other), report("same")) == [["new", "same"], ["pool"]]


def alone(mode: str, outcome: str, only_after: list[str] | None = None) -> dict[str, Any]:
    """Return the fields of a test that was run once more in a child of its own."""
    before = [f"t.py::a[{mode}]", f"t.py::b[{mode}]"]
    ran = {"outcome": outcome, "message": f"in {mode}", "before": before, "search": ""}
    return {"alone": ran, "also_alone": outcome == "segfault", "only_after": only_after}


def test_the_shared_child_of_a_mode_makes_no_difference() -> None:
    assert grouped(*(report(mode, **alone(mode, "segfault")) for mode in ("new", "pool")), report("same")) == [
        ["new", "pool", "same"]
    ]


def test_what_a_break_owes_to_other_tests_is_compared_without_their_modes() -> None:
    entries = {f"t.py::{name}[{mode}]": {"test": f"t.py::{name}"} for name in "ab" for mode in ("new", "pool", "same")}
    made = [
        report(mode, **alone(mode, "passed", [f"t.py::{after}[{mode}]"]))
        for mode, after in (("new", "a"), ("pool", "a"), ("same", "b"))
    ]
    made += [report("main"), report("native", **alone("new", "crash", ["t.py::a[new]"]))]
    found = groups([one for one, _ in made], {**entries, **{entry["nodeid"]: entry for _, entry in made}})
    modes = {entry["nodeid"]: entry["mode"] for _, entry in made}
    assert [[modes[one.nodeid] for one in group] for group in found] == [
        ["new", "pool"],
        ["same"],
        ["main"],
        ["native"],
    ]


def test_the_words_of_a_hang_count() -> None:
    hang: dict[str, Any] = {"outcome": "hang", "signal": None}
    first, second = report("new", message="a", **hang), report("pool", message="b", **hang)
    assert grouped(first, second) == [["new"], ["pool"]]


def test_a_report_without_an_entry_stands_apart() -> None:
    (first, _), (second, _) = report("new"), report("pool")
    assert groups([first, second], {}) == [[first], [second]]


def test_the_entries_of_a_run() -> None:
    first, entry = report("new")
    other = pytest.TestReport("t.py::other", ("t.py", 9, "other"), {}, "passed", None, "call")
    assert entries_of({"segfault": [first], "": [other, "a warning"]}) == {first.nodeid: entry}


def test_the_lines_say_where_else_and_what_differs() -> None:
    (first, _), (second, _), (third, _) = report("new"), report("pool", "died on pool-1"), report("same")
    modes = {first.nodeid: "new", second.nodeid: "pool", third.nodeid: "same"}
    assert same_lines(first, [second, third], modes) == [
        "the same in pool, same (-v shows each)",
        "  pool: died on pool-1",
    ]
    assert same_lines(first, [], modes) == []


def test_the_lines_name_the_workers_if_a_test_ran_on_several() -> None:
    (first, _), (second, _), (third, _) = report("new"), report("new"), report("pool")
    for one, worker in ((first, "gw0"), (second, "gw1"), (third, "gw0")):
        one.node = SimpleNamespace(gateway=SimpleNamespace(id=worker))  # type: ignore[attr-defined]
    modes = {first.nodeid: "new", third.nodeid: "pool"}
    assert same_lines(first, [second, third], modes) == ["the same in new on gw1, pool on gw0 (-v shows each)"]
