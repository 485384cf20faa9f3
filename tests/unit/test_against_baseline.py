"""The baseline in a run: file and markers together, what a run can tell of, what an update writes."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from pytest_foreignthread.matrix.baseline.file import parse, render
from pytest_foreignthread.matrix.baseline.known import Baseline
from pytest_foreignthread.matrix.baseline.merged import BY_MARKER, UPDATING, KnownOutcomes, split, without_expected
from pytest_foreignthread.matrix.verdicts import Matrix, matrix_of
from pytest_foreignthread.model.choices import MODES
from pytest_foreignthread.model.outcomes import Outcome
from pytest_foreignthread.run.against_baseline import (
    Settled,
    brought_up_to_date,
    differences,
    differences_from_markers,
    load,
)

from .sample_entries import row
from .sample_options import chosen

PASSED, FAILED, SEGFAULT, HANG = Outcome.PASSED, Outcome.FAILED, Outcome.SEGFAULT, Outcome.HANG
FILE: Final = "a.py::t | new=segfault, pool=hang/passed | a race\n"
BY_MARKERS: Final = {"a.py::t": {"new": frozenset({HANG})}, "a.py::u": {"new": frozenset({FAILED})}}


def baseline(text: str = FILE) -> Baseline:
    return parse(text, "known.txt")


def ran(*rows: tuple[str, Outcome]) -> Matrix:
    return matrix_of([entry for test, outcome in rows for entry in row(test, main=PASSED, new=outcome)], ())


def nothing_gone(test: str) -> bool:
    return False


KNOWN: Final = {
    "by the file": (KnownOutcomes(baseline()), "a.py::t", "new", {}, {SEGFAULT: "a race"}),
    "now so, now so": (KnownOutcomes(baseline()), "a.py::t", "pool", {}, {HANG: "a race", PASSED: "a race"}),
    "another mode": (KnownOutcomes(baseline()), "a.py::t", "main", {}, {}),
    "another test": (KnownOutcomes(baseline()), "a.py::u", "new", {}, {}),
    "no file": (KnownOutcomes(), "a.py::t", "new", {}, {}),
    "the marker wins": (KnownOutcomes(baseline()), "a.py::t", "new", BY_MARKERS["a.py::t"], {HANG: BY_MARKER}),
    "of another mode": (KnownOutcomes(baseline()), "a.py::t", "new", {"main": frozenset({HANG})}, {SEGFAULT: "a race"}),
    "the marker wins in an update": (
        KnownOutcomes(updating=True),
        "a.py::t",
        "new",
        BY_MARKERS["a.py::t"],
        {HANG: BY_MARKER},
    ),
}


@pytest.mark.parametrize("case", KNOWN)
def test_what_is_known_of_one_run(case: str) -> None:
    known, test, mode, expect, outcomes = KNOWN[case]
    assert known.of(test, mode, expect) == outcomes


def test_an_update_knows_every_break_and_no_other_outcome() -> None:
    found = KnownOutcomes(baseline(), updating=True).of("a.py::t", "new", {})
    assert set(found.values()) == {UPDATING}
    assert {outcome.value for outcome in found} == {"failed", "error", "segfault", "hang", "null_result", "crash"}


def test_markers_stand_over_the_file() -> None:
    merged = KnownOutcomes(baseline()).with_markers(BY_MARKERS)
    assert render(merged).splitlines() == [
        "a.py::t | new=hang, pool=hang/passed | a race",
        f"a.py::u | new=failed | {BY_MARKER}",
    ]


def test_cells_that_a_marker_explains_are_left_out() -> None:
    (left,) = without_expected(ran(("a.py::u", FAILED)), BY_MARKERS).rows
    assert list(left.cells) == ["main"]


def test_a_run_reports_what_ran_and_what_is_gone() -> None:
    text = "".join(f"{name}.py::t | new=hang | why\n" for name in ("ran", "gone", "elsewhere"))
    seen, aside = split(baseline(text), ran(("ran.py::t", HANG)), lambda test: test.startswith("gone"))
    assert (list(seen.tests), list(aside)) == (["ran.py::t", "gone.py::t"], ["elsewhere.py::t"])


def test_breaks_that_are_as_known_are_counted() -> None:
    known = KnownOutcomes(baseline())
    assert differences(known, ran(("a.py::t", SEGFAULT)), {}, nothing_gone) == Settled([], "1 as known")
    changed = differences(known, ran(("a.py::t", FAILED)), {}, nothing_gone)
    assert ([found.change.value for found in changed.differences], changed.note) == (["changed outcome"], "")


def test_an_update_leaves_alone_what_did_not_run_and_what_markers_say(tmp_path: Path) -> None:
    path = tmp_path / "known.txt"
    text = "# Ours.\n" + FILE + "b.py::t | new=hang | elsewhere\n"
    matrix = ran(("a.py::t", FAILED), ("a.py::u", PASSED), ("a.py::v", SEGFAULT))
    expected = {"a.py::u": BY_MARKERS["a.py::u"]}
    settled = brought_up_to_date(path, baseline(text), matrix, expected, nothing_gone)
    assert path.read_text(encoding="utf-8").splitlines() == [
        "# Ours.",
        "a.py::t | new=failed, pool=hang/passed | a race",
        "a.py::v | new=segfault | no reason given yet",
        "b.py::t | new=hang | elsewhere",
    ]
    assert settled.note == f"{path}: 3 known tests (1 added, 1 changed)"
    assert [found.text for found in settled.differences] == [
        f"stale entry: a.py::u in new: passed, it no longer breaks ({BY_MARKER})"
    ]


def test_an_update_that_cannot_write_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    settled = brought_up_to_date(tmp_path / "file" / "known.txt", baseline(), ran(), {}, nothing_gone)
    assert settled.error.startswith(f"--foreign-thread-baseline={tmp_path}/file/known.txt: ")
    assert (settled.differences, settled.note) == ((), "")


def test_an_update_needs_no_file_and_a_comparison_does(tmp_path: Path) -> None:
    path = str(tmp_path / "known.txt")
    assert load(chosen(baseline=None, update_baseline=False), MODES) == KnownOutcomes()
    assert load(chosen(baseline=path, update_baseline=True), MODES) == KnownOutcomes(Baseline({}), updating=True)
    with pytest.raises(pytest.UsageError, match="--foreign-thread-update-baseline writes a new one"):
        load(chosen(baseline=path, update_baseline=False), MODES)
    (tmp_path / "known.txt").write_text(FILE, encoding="utf-8")
    assert load(chosen(baseline=path, update_baseline=False), MODES).baseline.tests.keys() == {"a.py::t"}
    (tmp_path / "known.txt").write_text(f"# Ours.\n{FILE}b.py::t | nwe=hang | why\n", encoding="utf-8")
    for updating in (False, True):
        with pytest.raises(pytest.UsageError, match=r"known.txt:3: no mode: 'nwe': expected one of 'same', "):
            load(chosen(baseline=path, update_baseline=updating), MODES)
    assert load(chosen(baseline=path, update_baseline=False), (*MODES, "nwe"))


def test_without_a_file_only_tests_with_a_marker_are_compared() -> None:
    matrix = ran(("a.py::u", PASSED), ("a.py::v", SEGFAULT))
    settled = differences_from_markers(matrix, {"a.py::u": {"new": frozenset({PASSED})}}, nothing_gone)
    assert settled == Settled([])
