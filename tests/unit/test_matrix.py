"""Verdicts from rows, and rows from the entries of a report."""

from __future__ import annotations

import json
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_foreignthread.matrix.verdicts import BREAKS, Cell, Tally, Verdict, matrix_of, row_of
from pytest_foreignthread.model.outcomes import ABNORMAL, Outcome

from .sample_entries import entry, row

PASSED, FAILED, SKIPPED = Outcome.PASSED, Outcome.FAILED, Outcome.SKIPPED
SEGFAULT, HANG = Outcome.SEGFAULT, Outcome.HANG
XFAILED, XPASSED = Outcome.XFAILED, Outcome.XPASSED
Given = dict[str, tuple[Outcome, ...]]

VERDICTS: Final[dict[str, tuple[Given, Verdict, str]]] = {
    "passes everywhere": ({"main": (PASSED,), "new": (PASSED,)}, Verdict.SOUND, ""),
    "expected to fail": ({"main": (XFAILED,), "new": (XFAILED,), "python": (SKIPPED,)}, Verdict.SOUND, ""),
    "expected to fail, and does not": ({"main": (XPASSED,), "new": (PASSED,)}, Verdict.SOUND, ""),
    "expected to fail, and does abroad": (
        {"main": (XPASSED,), "same": (XPASSED,), "new": (XFAILED,)},
        Verdict.FOREIGN_UNSAFE,
        "xfailed in new",
    ),
    "expected to fail, and does in the control": (
        {"main": (XFAILED,), "new": (PASSED,)},
        Verdict.FOREIGN_ONLY,
        "xfailed in main",
    ),
    "expected to fail in the control, breaks in another way abroad": (
        {"main": (XFAILED,), "new": (SEGFAULT,)},
        Verdict.FOREIGN_UNSAFE,
        "segfault in new",
    ),
    "expected to fail, and repeats disagree": (
        {"main": (XPASSED, XPASSED), "new": (XFAILED, XPASSED)},
        Verdict.FLAKY,
        "xfailed in new (1 of 2 runs)",
    ),
    "a skip counts as not run": ({"main": (PASSED,), "new": (PASSED,), "virtual": (SKIPPED,)}, Verdict.SOUND, ""),
    "holds without the control": (
        {"same": (PASSED,), "new": (PASSED,)},
        Verdict.SOUND,
        "main, the control, did not run",
    ),
    "breaks on one": ({"main": (PASSED,), "new": (SEGFAULT,)}, Verdict.FOREIGN_UNSAFE, "segfault in new"),
    "breaks in several ways": (
        {"main": (PASSED,), "python": (PASSED,), "same": (PASSED,), "new": (SEGFAULT,), "pool": (HANG,), "a": (HANG,)},
        Verdict.FOREIGN_UNSAFE,
        "segfault in new; hang in pool, a",
    ),
    "breaks without the control": (
        {"same": (PASSED,), "new": (FAILED,)},
        Verdict.FOREIGN_UNSAFE,
        "failed in new; main, the control, did not run",
    ),
    "breaks on Python's too": (
        {"main": (PASSED,), "new": (SEGFAULT,), "python": (FAILED,)},
        Verdict.MAIN_THREAD_ONLY,
        "segfault in new; failed in python",
    ),
    "breaks on Python's alone": (
        {"main": (PASSED,), "new": (PASSED,), "python": (FAILED,)},
        Verdict.MAIN_THREAD_ONLY,
        "failed in python",
    ),
    "breaks in the control": ({"main": (FAILED,), "new": (PASSED,)}, Verdict.FOREIGN_ONLY, "failed in main"),
    "and below a Java frame": (
        {"main": (FAILED,), "same": (FAILED,), "new": (PASSED,), "python": (PASSED,)},
        Verdict.FOREIGN_ONLY,
        "failed in main, same",
    ),
    "on the main thread only": ({"main": (FAILED,), "same": (PASSED,)}, Verdict.BROKEN, "failed in main"),
    "in the control and in one more": (
        {"main": (FAILED,), "new": (PASSED,), "pool": (FAILED,)},
        Verdict.BROKEN,
        "failed in main, pool",
    ),
    "in the control, and the other was skipped": (
        {"main": (FAILED,), "new": (SKIPPED,)},
        Verdict.BROKEN,
        "failed in main",
    ),
    "breaks everywhere": ({"main": (FAILED,), "python": (FAILED,)}, Verdict.BROKEN, "failed in main, python"),
    "repeats disagree": (
        {"main": (PASSED, PASSED), "new": (PASSED, SEGFAULT, PASSED)},
        Verdict.FLAKY,
        "segfault in new (1 of 3 runs)",
    ),
    "repeats of the control disagree": (
        {"main": (PASSED, FAILED), "new": (PASSED,)},
        Verdict.FLAKY,
        "failed in main (1 of 2 runs)",
    ),
    "repeats break in different ways": (
        {"main": (PASSED,), "new": (SEGFAULT, HANG, SEGFAULT)},
        Verdict.FOREIGN_UNSAFE,
        "segfault in new (2 of 3 runs); hang in new (1 of 3 runs)",
    ),
    "a repeat was skipped": ({"main": (PASSED,), "new": (SKIPPED, HANG)}, Verdict.FOREIGN_UNSAFE, "hang in new"),
    "breaks wherever it ran, without the control": (
        {"main": (SKIPPED,), "new": (HANG,), "pool": (HANG,)},
        Verdict.UNKNOWN,
        "hang in new, pool; main, the control, did not run",
    ),
    "the control alone": (
        {"main": (PASSED,), "new": (SKIPPED,)},
        Verdict.UNKNOWN,
        "holds in main, the only mode in which it ran",
    ),
    "skipped everywhere": ({"main": (SKIPPED,), "new": (SKIPPED,)}, Verdict.UNKNOWN, "skipped in every mode"),
}


@pytest.mark.parametrize(("given", "verdict", "how"), VERDICTS.values(), ids=VERDICTS)
def test_verdict(given: Given, verdict: Verdict, how: str) -> None:
    found = row_of("t.py::test_x", {mode: Cell(outcomes) for mode, outcomes in given.items()})
    assert (found.verdict, found.how) == (verdict, how)


@pytest.mark.parametrize("outcome", Outcome)
def test_every_outcome_breaks_or_holds(outcome: Outcome) -> None:
    found = row_of("t.py::test_x", {"main": Cell((PASSED,)), "same": Cell((PASSED,)), "new": Cell((outcome,))})
    assert found.verdict is (Verdict.FOREIGN_UNSAFE if outcome in {*BREAKS, XFAILED} else Verdict.SOUND)
    assert (outcome in BREAKS) == (outcome in (*ABNORMAL, Outcome.FAILED, Outcome.ERROR))


def test_an_error_of_a_teardown_is_none_of_the_main_thread() -> None:
    """The teardown of a shared fixture fails in each mode, but after the test that came last in a child."""
    entries = row("a.py::test_x", main=Outcome.ERROR, new=PASSED)
    (found,) = matrix_of(entries, ()).rows
    assert found.verdict is Verdict.FOREIGN_ONLY
    (found,) = matrix_of([{**entries[0], "phase": "teardown"}, entries[1]], ()).rows
    assert (found.verdict, found.how) == (Verdict.BROKEN, "error in main")


CELLS: Final = st.lists(st.sampled_from(list(Outcome)), min_size=1, max_size=3).map(tuple).map(Cell)


# No deadline: a machine may be busy.
@settings(deadline=None, max_examples=60)
@given(st.dictionaries(st.sampled_from(["main", "python", "new", "pool"]), CELLS, min_size=1))
def test_no_row_is_sound_that_breaks_nor_unsound_that_holds(cells: dict[str, Cell]) -> None:
    found = row_of("t.py::test_x", cells)
    outcomes = {outcome for cell in cells.values() for outcome in cell.counted}
    breaks = any(cell.broken for cell in cells.values()) or (XFAILED in outcomes and bool(outcomes & {PASSED, XPASSED}))
    assert not (found.verdict is Verdict.SOUND and breaks)
    assert breaks or found.verdict in (Verdict.SOUND, Verdict.UNKNOWN)
    assert (found.verdict is Verdict.SOUND) or found.how


@pytest.mark.parametrize(
    ("outcomes", "shown", "often"),
    [
        ((PASSED,), PASSED, ""),
        ((SKIPPED, PASSED), PASSED, ""),
        ((SKIPPED,), SKIPPED, ""),
        ((PASSED, PASSED, HANG), HANG, " 1/3"),
        ((SEGFAULT, HANG, HANG), HANG, " 2/3"),
        ((Outcome.XFAILED, PASSED, PASSED), PASSED, " 2/3"),
    ],
)
def test_what_a_cell_shows(outcomes: tuple[Outcome, ...], shown: Outcome, often: str) -> None:
    assert (Cell(outcomes).outcome, Cell(outcomes).often) == (shown, often)


def stressed(outcome: Outcome, **rounds: int) -> dict[str, Any]:
    """Return an entry of a stressed test in mode `new`, with the number of rounds by outcome."""
    stress = {"outcomes": rounds, "rounds": sum(rounds.values())}
    return {**entry("a.py::test_x[new]", "new", outcome), "stress": stress}


STRESSED: Final[list[tuple[list[dict[str, Any]], Outcome, str, Verdict, str]]] = [
    (
        [stressed(SEGFAULT, passed=397, segfault=3)],
        SEGFAULT,
        " 3/400",
        Verdict.FLAKY,
        "segfault in new (3 of 400 rounds)",
    ),
    ([stressed(SEGFAULT, segfault=9)], SEGFAULT, "", Verdict.FOREIGN_UNSAFE, "segfault in new"),
    (
        [stressed(SEGFAULT, segfault=5, hang=4)],
        SEGFAULT,
        " 5/9",
        Verdict.FOREIGN_UNSAFE,
        "segfault in new (5 of 9 rounds); hang in new (4 of 9 rounds)",
    ),
    ([stressed(PASSED, passed=400)], PASSED, "", Verdict.SOUND, ""),
    ([stressed(SKIPPED, skipped=1)], SKIPPED, "", Verdict.UNKNOWN, "holds in main, the only mode in which it ran"),
    # A strict mark that expects a failure is broken by rounds that all pass.
    ([stressed(Outcome.FAILED, xpassed=6)], Outcome.FAILED, "", Verdict.FOREIGN_UNSAFE, "failed in new"),
    # Expected failures do not break a test, whatever its rounds did.
    ([stressed(Outcome.XFAILED, passed=3, segfault=1)], Outcome.XFAILED, "", Verdict.SOUND, ""),
    (
        [stressed(HANG, passed=2, hang=1), stressed(PASSED, passed=3)],
        HANG,
        " 1/6",
        Verdict.FLAKY,
        "hang in new (1 of 6 rounds)",
    ),
]


@pytest.mark.parametrize(("entries", "shown", "often", "verdict", "how"), STRESSED)
def test_rounds_count_as_repeats_do(
    entries: list[dict[str, Any]], shown: Outcome, often: str, verdict: Verdict, how: str
) -> None:
    matrix = matrix_of([entry("a.py::test_x[main]", "main"), *entries], ["main", "new"])
    cell = matrix.rows[0].cells["new"]
    assert (cell.outcome, cell.often) == (shown, often)
    assert (matrix.rows[0].verdict, matrix.rows[0].how) == (verdict, how)


ALONE: Final[dict[Outcome, Verdict]] = {
    PASSED: Verdict.FLAKY,
    Outcome.XPASSED: Verdict.FLAKY,
    Outcome.FAILED: Verdict.FOREIGN_UNSAFE,
    HANG: Verdict.FOREIGN_UNSAFE,
    Outcome.SKIPPED: Verdict.FOREIGN_UNSAFE,
}


@pytest.mark.parametrize(("alone", "verdict"), ALONE.items())
def test_what_breaks_after_other_tests_only_is_no_difference_of_a_mode(alone: Outcome, verdict: Verdict) -> None:
    control, broken = row("a.py::test_x", main=PASSED, new=Outcome.FAILED)
    (found,) = matrix_of([control, {**broken, "alone": {"outcome": alone.value}}], ["main", "new"]).rows
    assert found.verdict is verdict
    assert found.how == "failed in new" + (" (not in a child of its own)" if verdict is Verdict.FLAKY else "")


@pytest.mark.parametrize(
    ("control", "alone", "verdict", "how"),
    [
        (PASSED, FAILED, Verdict.FLAKY, "failed in new; main, the control, breaks in a child of its own"),
        (PASSED, PASSED, Verdict.FOREIGN_UNSAFE, "failed in new"),
        (PASSED, SKIPPED, Verdict.FOREIGN_UNSAFE, "failed in new"),
        (FAILED, FAILED, Verdict.BROKEN, "failed in main, new"),
    ],
)
def test_a_control_that_breaks_without_earlier_tests_is_no_control(
    control: Outcome, alone: Outcome, verdict: Verdict, how: str
) -> None:
    held, broken = row("a.py::test_x", main=control, new=FAILED)
    (found,) = matrix_of([held, {**broken, "control_alone": alone.value}], ["main", "new"]).rows
    assert (found.verdict, found.how) == (verdict, how)


def test_entries_become_rows_file_by_file() -> None:
    entries = [
        *row("a.py::test_x", main=PASSED, new=(PASSED, SEGFAULT)),
        *row("b.py::test_y", main=PASSED),
        *row("a.py::Case::test_z", own=PASSED),
    ]
    matrix = matrix_of(entries, ["main", "new", "pool"])
    assert matrix.modes == ("main", "new", "pool", "own")
    assert [one.test for one in matrix.rows] == ["a.py::test_x", "a.py::Case::test_z", "b.py::test_y"]
    assert {mode: cell.outcomes for mode, cell in matrix.rows[0].cells.items()} == {
        "main": (PASSED,),
        "new": (PASSED, SEGFAULT),
    }


def test_cells_stand_in_the_order_of_the_modes() -> None:
    matrix = matrix_of(row("a.py::test_x", pool=HANG, new=SEGFAULT, main=PASSED), ["main", "new", "pool"])
    assert list(matrix.rows[0].cells) == ["main", "new", "pool"]


def test_a_cell_has_the_diagnosis_that_most_repeats_share_and_the_first_cause() -> None:
    codes = ["late-callback", "gil-deadlock", "gil-deadlock", None]
    entries = [entry("a.py::test_x[new]", "new", SEGFAULT, code=code) for code in codes]
    cell = matrix_of(entries, ["new"]).rows[0].cells["new"]
    assert cell.diagnosis == "gil-deadlock"
    assert cell.short.startswith("SIGSEGV at address 0x10")


@pytest.mark.parametrize(
    ("changed", "short"),
    [
        ({"message": "  one\ntwo"}, "one"),
        ({"message": "", "signal": "SIGKILL"}, "SIGKILL"),
        ({"message": "", "signal": None, "exit_code": 0}, "exited with status 0"),
        ({"message": "", "signal": None, "exit_code": None}, ""),
    ],
)
def test_cause_in_one_line(changed: dict[str, object], short: str) -> None:
    crash = {**entry("a.py::test_x[new]", "new", Outcome.CRASH), **changed}
    assert matrix_of([crash], ["new"]).rows[0].cells["new"].short == short


def test_tallies_name_what_most_tests_share() -> None:
    entries = [*row("a.py::test_sound", main=PASSED, new=PASSED)]
    for number, code in enumerate(["late-callback", "gil-deadlock", "gil-deadlock", None]):
        test = f"a.py::test_{number}"
        entries += [entry(f"{test}[main]", "main"), entry(f"{test}[new]", "new", HANG, code=code)]
    assert list(matrix_of(entries, ["main", "new"]).tallies()) == [
        Tally(Verdict.SOUND, 1, None, 0),
        Tally(Verdict.FOREIGN_UNSAFE, 4, "gil-deadlock", 2),
    ]


@pytest.mark.parametrize("codes", [("b-code", "a-code"), ("a-code", "b-code")])
def test_of_diagnoses_as_frequent_the_first_by_name_is_reported(codes: tuple[str, str]) -> None:
    entries = [
        entry(f"a.py::test_{n}[{mode}]", mode, PASSED if mode == "main" else HANG, code=code)
        for n, code in enumerate(codes)
        for mode in ("main", "new")
    ]
    assert [tally.diagnosis for tally in matrix_of(entries, ["main", "new"]).tallies()] == ["a-code"]


def test_as_data_is_what_json_gives_back() -> None:
    entries = [entry("a.py::test_x[main]", "main"), entry("a.py::test_x[new]", "new", HANG, code="gil-deadlock")]
    data = matrix_of(entries, ["main", "new"]).as_data()
    assert json.loads(json.dumps(data)) == data
    assert data == {
        "modes": ["main", "new"],
        "rows": [
            {
                "test": "a.py::test_x",
                "file": "a.py",
                "verdict": "foreign-unsafe",
                "how": "hang in new",
                "cells": {
                    "main": {"outcomes": ["passed"], "diagnosis": None, "short": ""},
                    "new": {"outcomes": ["hang"], "diagnosis": "gil-deadlock", "short": "timed out after 5 s"},
                },
            }
        ],
        "verdicts": {"foreign-unsafe": {"tests": 1, "diagnosis": "gil-deadlock", "sharing": 1}},
    }


def test_nothing_ran() -> None:
    assert matrix_of([], ["main"]).as_data() == {"modes": ["main"], "rows": [], "verdicts": {}}
