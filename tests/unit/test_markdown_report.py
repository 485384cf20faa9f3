"""The matrix as GitHub Markdown."""

from __future__ import annotations

import html
import re
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_foreignthread.matrix.verdicts import Cell, Matrix, matrix_of, row_of
from pytest_foreignthread.model.outcomes import Outcome
from pytest_foreignthread.report.markdown_report import LIMIT, code, render

from .sample_entries import Entry, diagnosed, entry, row
from .sample_tally import filled, stressed

PASSED, SEGFAULT, HANG = Outcome.PASSED, Outcome.SEGFAULT, Outcome.HANG
MODES: Final = ["main", "new", "pool"]


def broken(number: int, padding: str = "") -> Matrix:
    cells = {"main": Cell((PASSED,)), "new": Cell((HANG,))}
    return Matrix(("main", "new"), tuple(row_of(f"tests/test_a.py::test_{n}{padding}", cells) for n in range(number)))


def test_grid_and_verdicts() -> None:
    entries = [
        *row("tests/test_a.py::test_sound", main=PASSED, new=PASSED),
        *diagnosed(row("tests/test_a.py::test_late", main=PASSED, new=SEGFAULT), "late-callback"),
        *row("tests/test_a.py::test_stuck", main=PASSED, new=HANG, pool=Outcome.NULL_RESULT),
        *row("tests/test_a.py::test_seldom[a|b]", main=PASSED, new=(PASSED, HANG)),
    ]
    assert render(matrix_of(entries, MODES)).splitlines() == [
        "## Foreign-thread matrix: 4 tests in 3 modes",
        "",
        "| verdict | tests | most share |",
        "|---|--:|---|",
        "| sound | 1 |  |",
        "| foreign-unsafe | 2 | `late-callback` (1) |",
        "| flaky | 1 |  |",
        "",
        "| test | `main` | `new` | `pool` | verdict |",
        "|---|---|---|---|---|",
        "| `tests/test_a.py::test_late` | passed | **segfault** | – | foreign-unsafe |",
        "| `tests/test_a.py::test_stuck` | passed | **hang** | **null_result** | foreign-unsafe |",
        "| <code>tests/test&#95;a.py::test&#95;seldom&#91;a&#124;b&#93;</code> | passed | **hang 1/2** | – | flaky |",
    ]


def test_stressed_tests_have_a_table() -> None:
    entries: list[Entry] = [
        *row("test_a.py::test_fine", main=PASSED),
        {**entry("test_a.py::test_x[new]", "new", SEGFAULT), "stress": stressed()},
        {**entry("test_a.py::test_y[new]", "new"), "stress": filled(5).as_data((), 1.0)},
    ]
    lines = render(matrix_of(entries, []), asked=False, entries=entries).splitlines()
    assert lines[-6:] == [
        "| `test_a.py::test_x` | – | **segfault 8/3000** |  |",
        "",
        "| stressed test | mode | rounds | failed | 95 % interval | most frequent failure | seed "
        "| smallest setting that failed |",
        "|---|---|---|---|---|---|---|---|",
        "| `test_a.py::test_x` | `new` | 3000 | 9 | 0.14–0.57 % | "
        "`segfault: <b>SIGSEGV</b> at address 0x0` | `7:2901` | "
        "`delay at submit 780 µs, pool of 1` |",
        "| `test_a.py::test_y` | `new` | 5 | 0 | 0–45 % |  |  |  |",
    ]
    # A table that does not fit is cut by rows, and counted.
    short = render(matrix_of(entries, []), 600, asked=False, entries=entries)
    assert len(short.encode()) <= 600
    assert short.endswith("2 more rows do not fit into this summary.\n")


def test_sound_tests_alone_need_no_grid() -> None:
    text = render(matrix_of(row("tests/test_a.py::test_sound", main=PASSED, new=PASSED), MODES))
    assert text.endswith("| sound | 1 |  |\n")


@pytest.mark.parametrize(("asked", "title"), [(True, "matrix"), (False, "tests")])
def test_nothing_ran(asked: bool, title: str) -> None:
    text = render(matrix_of([], MODES), asked=asked)
    assert text.startswith(f"## Foreign-thread {title}: none\n\nNo foreign-thread test ran. Mark tests")
    assert "|" not in text


def test_rows_that_do_not_fit_are_counted() -> None:
    text = render(broken(100), 2000)
    assert len(text.encode()) <= 2000
    left_out = re.search(r"^(\d+) more rows do not fit into this summary\.$", text, re.MULTILINE)
    assert left_out
    assert text.count("::test_") + int(left_out[1]) == 100
    assert "do not fit" not in render(broken(100))


def test_one_row_that_does_not_fit() -> None:
    assert render(broken(1), 10).endswith("\n\n1 more row does not fit into this summary.\n")


def test_github_takes_the_largest_one() -> None:
    assert 900_000 < len(render(broken(5_000, "x" * 250)).encode()) <= LIMIT < 1024 * 1024


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("test_x[1-new]", "`test_x[1-new]`"),
        ("a|b", "<code>a&#124;b</code>"),
        ("a`b", "<code>a&#96;b</code>"),
        ("a\\b", "<code>a&#92;b</code>"),
        (" a", "<code> a</code>"),
        (
            "<b>|*x*|_y_|[z](u)|@me",
            "<code>&#60;b&#62;&#124;&#42;x&#42;&#124;&#95;y&#95;&#124;&#91;z&#93;(u)&#124;&#64;me</code>",
        ),
        ("a\nb", "<code>a&#92;nb</code>"),
        ("日本", "`日本`"),
    ],
)
def test_code(text: str, written: str) -> None:
    assert code(text) == written


# No deadline: a machine may be busy.
@settings(deadline=None, max_examples=60)
@given(st.text(st.characters(exclude_categories=())))
def test_any_text_stays_in_its_cell_and_can_be_read_back(text: str) -> None:
    written = code(text)
    assert "|" not in written
    assert written.isprintable()
    assert written.encode("utf-8")
    inside = written[1:-1] if written.startswith("`") else html.unescape(written[6:-7])
    if text.isprintable():
        assert inside == text


def test_without_a_matrix_there_are_outcomes_and_what_breaks() -> None:
    entries = [
        *row("t.py::test_x", new=Outcome.PASSED),
        *diagnosed(row("t.py::test_y", new=Outcome.HANG, pool=Outcome.PASSED), "gil-deadlock"),
    ]
    assert render(matrix_of(entries, ()), asked=False).splitlines() == [
        "## Foreign-thread tests: 2 tests",
        "",
        "| outcome | runs |",
        "|---|--:|",
        "| passed | 2 |",
        "| hang | 1 |",
        "",
        "| test | `new` | `pool` | diagnosis |",
        "|---|---|---|---|",
        "| `t.py::test_y` | **hang** | passed | `gil-deadlock` |",
    ]


def test_one_test_without_a_matrix() -> None:
    text = render(matrix_of(row("t.py::test_x", new=Outcome.PASSED), ()), asked=False)
    assert text == "## Foreign-thread tests: 1 test\n\n| outcome | runs |\n|---|--:|\n| passed | 1 |\n"
