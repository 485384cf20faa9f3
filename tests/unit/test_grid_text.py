"""The matrix as lines for a terminal."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final
from unicodedata import combining, east_asian_width

import pyte
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_foreignthread.matrix.verdicts import BREAKS, Cell, Matrix, matrix_of, row_of
from pytest_foreignthread.model.outcomes import Outcome
from pytest_foreignthread.report.grid_text import grid_lines, verdict_lines
from pytest_foreignthread.report.screen import Line, Screen

from .sample_entries import diagnosed, row

PASSED, FAILED, SKIPPED = Outcome.PASSED, Outcome.FAILED, Outcome.SKIPPED
SEGFAULT, HANG = Outcome.SEGFAULT, Outcome.HANG

MIXED: Final = matrix_of(
    [
        *row("tests/test_a.py::test_sound", main=PASSED, new=PASSED, pool=PASSED),
        *diagnosed(row("tests/test_a.py::Case::test_late", main=PASSED, new=SEGFAULT, pool=HANG), "late-callback"),
        *row("tests/test_a.py::test_seldom", main=PASSED, new=(PASSED, SEGFAULT, PASSED)),
        *row("tests/test_b.py::test_wrong", main=FAILED, new=FAILED, pool=SKIPPED),
        *row("tests/test_c.py::test_sound", main=PASSED, new=PASSED, pool=PASSED),
    ],
    ["main", "new", "pool"],
)
SOUND: Final = matrix_of(
    [entry for n in range(40) for entry in row(f"tests/test_{n % 4}.py::test_{n}", main=PASSED, new=PASSED)],
    ["main", "new"],
)
EIGHT: Final = ("main", "same", "new", "pool", "virtual", "forkjoin", "scheduled", "python")


def shown(lines: Iterable[Line]) -> list[str]:
    return ["".join(span.text for span in line) for line in lines]


def test_grid() -> None:
    assert shown(grid_lines(MIXED, Screen(80, 24))) == [
        "tests/test_a.py       main       new  pool",
        "  test_sound            ok        ok    ok",
        "  Case::test_late       ok      SEGV  HANG",
        "  test_seldom           ok  SEGV 1/3     –",
        "tests/test_b.py       main       new  pool",
        "  test_wrong          FAIL      FAIL  skip",
        "tests/test_c.py       main       new  pool",
        "  test_sound            ok        ok    ok",
    ]


def test_sound_rows_are_counted_when_there_are_more_than_fit() -> None:
    folded = shown(grid_lines(MIXED, Screen(80, 7)))
    assert folded == [
        "tests/test_a.py       main       new  pool",
        "  Case::test_late       ok      SEGV  HANG",
        "  test_seldom           ok  SEGV 1/3     –",
        "  (1 sound)",
        "tests/test_b.py       main       new  pool",
        "  test_wrong          FAIL      FAIL  skip",
        "1 sound test in 1 more file",
    ]
    assert shown(grid_lines(MIXED, Screen(80, 8))) == shown(grid_lines(MIXED, Screen(80, 7, verbose=True)))


def test_a_grid_of_sound_rows_alone() -> None:
    assert shown(grid_lines(SOUND, Screen(80, 24))) == ["40 sound tests in 4 files"]


def test_nothing_ran() -> None:
    empty = Matrix(("main",), ())
    assert (shown(grid_lines(empty, Screen())), shown(verdict_lines(empty, Screen()))) == ([], [])


def wide(**outcomes: Outcome) -> Matrix:
    cells = {mode: Cell((outcomes.get(mode, PASSED),)) for mode in EIGHT}
    return Matrix(EIGHT, (row_of("tests/test_a.py::TestBridge::test_with_a_long_name[parameter-2]", cells),))


@pytest.mark.parametrize("width", [120, 90, 80, 70, 64])
def test_columns_give_way_before_the_grid_does(width: int) -> None:
    head, line = shown(grid_lines(wide(new=SEGFAULT), Screen(width)))
    assert len(head) == len(line) < width
    assert head.startswith("tests/test_a.py ")
    assert line.split()[-8:] == ["ok", "ok", "SEGV", "ok", "ok", "ok", "ok", "ok"]
    assert line.split()[-9].endswith("ameter-2]")
    titles = head.split()[1:]
    assert all(mode.startswith(title) and len(title) >= 3 for mode, title in zip(EIGHT, titles, strict=True))
    assert (tuple(titles) == EIGHT) == (width >= 90)


def test_without_room_for_columns_what_breaks_is_reported_in_words() -> None:
    assert shown(grid_lines(wide(new=SEGFAULT, virtual=HANG), Screen(40))) == [
        "tests/test_a.py",
        "  TestBridge::t…a_long_name[parameter-2]",
        "    foreign-unsafe: segfault in new;",
        "    hang in virtual",
    ]


def test_columns_that_could_not_be_told_apart_are_not_cut() -> None:
    modes = tuple(f"executor-{number}" for number in range(5))
    matrix = Matrix(modes, (row_of("t.py::test_x", {mode: Cell((PASSED,)) for mode in modes}),))
    assert shown(grid_lines(matrix, Screen(60)))[1:] == ["  test_x", "    sound: main, the control, did not run"]


def test_a_long_path_stands_on_a_line_of_its_own() -> None:
    matrix = matrix_of(row(f"{'folder/' * 6}test_a.py::test_x", main=PASSED, new=PASSED), ["main", "new"])
    first, second, _ = shown(grid_lines(matrix, Screen(80)))
    assert first == f"{'folder/' * 6}test_a.py"
    assert second.split() == ["main", "new"]


def test_verdicts_with_the_diagnosis_that_most_tests_share() -> None:
    assert shown(verdict_lines(MIXED, Screen(80))) == [
        "sound           2  same result in every mode",
        "foreign-unsafe  1  late-callback; hold in main, break on a foreign thread",
        "broken          1  break in main, the control",
        "flaky           1  runs or rounds in one mode disagree",
    ]
    two = matrix_of(
        [
            *diagnosed(row("t.py::test_a", main=PASSED, new=HANG), "gil-deadlock"),
            *row("t.py::test_b", main=PASSED, new=HANG),
        ],
        ["main", "new"],
    )
    assert shown(verdict_lines(two, Screen(60))) == ["foreign-unsafe  2  gil-deadlock (1 of 2); hold in main, bre…"]


def test_verdicts_of_a_matrix_without_the_control() -> None:
    matrix = matrix_of(row("t.py::test_a", native=FAILED, **{"native-pool": PASSED}), ["native", "native-pool"])
    assert shown(verdict_lines(matrix, Screen(80))) == [
        "foreign-unsafe  1  hold in another mode, break on a foreign thread"
    ]


@pytest.mark.parametrize("outcome", Outcome)
def test_breaks_stand_out_with_colour_and_without(outcome: Outcome) -> None:
    matrix = matrix_of(row("t.py::test_x", main=PASSED, new=outcome), ["main", "new"])
    _, line = grid_lines(matrix, Screen())
    assert ("red" in line[-1].markup) == line[-1].text.strip().isupper() == (outcome in BREAKS)


def test_without_unicode_all_is_ascii() -> None:
    matrix = matrix_of(row("t.py::test_ü[日本" + "x" * 60 + "]", main=PASSED), ["main", "new"])
    lines = shown([*grid_lines(matrix, Screen(60, unicode=False)), *verdict_lines(matrix, Screen(30, unicode=False))])
    assert all(line.isascii() for line in lines)
    assert lines[1].startswith("  test_\\xfc")
    assert lines[1].split()[-2:] == ["ok", "-"]


@pytest.mark.parametrize("pair", ["日本", "ＡＢ", "한글"], ids=["wide", "full width", "Hangul"])
def test_wide_characters_take_two_columns(pair: str) -> None:
    matrix = matrix_of([*row(f"t.py::test_x[{pair}]", main=PASSED), *row("t.py::test_x[abcd]", main=PASSED)], ["main"])
    _, first, second = shown(grid_lines(matrix, Screen()))
    assert (first.replace(pair, "abcd"), len(first)) == (second, len(second) - 2)


@pytest.mark.parametrize("char", "a日Ａ한", ids=ascii)
def test_each_row_is_one_line_of_a_terminal(char: str) -> None:
    """As an emulator of a terminal counts columns, which has its own tables."""
    terminal = pyte.Screen(80, 24)
    matrix = matrix_of(row(f"t.py::test_x[{char * 60}]", main=PASSED, new=SEGFAULT), ["main", "new"])
    lines = shown(grid_lines(matrix, Screen(80)))
    pyte.Stream(terminal).feed("\r\n".join(lines))
    assert terminal.cursor.y == len(lines) - 1
    assert terminal.display[1].rstrip().endswith(" SEGV")


def test_what_a_terminal_would_obey_is_escaped() -> None:
    matrix = matrix_of(row("t.py::test_x[\x1b[31m]", main=PASSED), ["main"])
    assert "\x1b" not in "".join(shown(grid_lines(matrix, Screen())))


def columns(line: str) -> int:
    return sum(0 if combining(char) else 2 if east_asian_width(char) in "WF" else 1 for char in line)


NAMES: Final = st.text(st.one_of(st.characters(exclude_categories=()), st.sampled_from("日本ｶ́")), max_size=60)


# No deadline: a machine may be busy.
@settings(deadline=None, max_examples=60)
@given(NAMES, st.integers(24, 120), st.booleans(), st.booleans())
def test_no_line_is_wider_than_the_terminal(name: str, width: int, unicode: bool, repeated: bool) -> None:
    cells = {mode: Cell((SEGFAULT, PASSED) if repeated else (PASSED,)) for mode in EIGHT}
    matrix = Matrix(EIGHT, (row_of(f"t.py::test_x[{name}]", cells),))
    screen = Screen(width, unicode=unicode)
    for line in shown([*grid_lines(matrix, screen), *verdict_lines(matrix, screen)]):
        assert columns(line) <= width
        assert line.isprintable()
