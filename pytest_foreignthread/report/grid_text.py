"""The matrix as lines for a terminal: a grid for each file, and a line for each verdict."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from ..matrix.verdicts import Cell, Matrix, Row, Tally, Verdict
from ..model.outcomes import Outcome
from .legend import meaning_of
from .screen import Line, Screen, Span, cut, printable, width_of

_INDENT: Final = 2
_NAME: Final = 20
"""Terminal columns that the longest test name may claim before the columns of the modes are made narrower."""

# Breaks are in capitals so that they stand out without colour.
_WORDS: Final = {
    Outcome.PASSED: ("ok", ("green",)),
    Outcome.FAILED: ("FAIL", ("red",)),
    Outcome.ERROR: ("ERROR", ("red",)),
    Outcome.SEGFAULT: ("SEGV", ("red", "bold")),
    Outcome.HANG: ("HANG", ("red", "bold")),
    Outcome.NULL_RESULT: ("NULL", ("red", "bold")),
    Outcome.CRASH: ("CRASH", ("red", "bold")),
    Outcome.SKIPPED: ("skip", ("yellow",)),
    Outcome.XFAILED: ("xfail", ("yellow",)),
    Outcome.XPASSED: ("xpass", ("yellow",)),
}
_MARKUP: Final = {
    Verdict.SOUND: ("green",),
    Verdict.FOREIGN_UNSAFE: ("red", "bold"),
    Verdict.MAIN_THREAD_ONLY: ("red", "bold"),
    Verdict.FOREIGN_ONLY: ("red",),
    Verdict.BROKEN: ("red",),
    Verdict.FLAKY: ("yellow", "bold"),
    Verdict.UNKNOWN: ("yellow",),
}


@dataclass(frozen=True)
class _Columns:
    """The widths of the grid in terminal columns. `modes` is empty if not even shortened names of the modes fit."""

    name: int
    modes: tuple[tuple[str, int], ...]
    gap: int = 2

    @property
    def terse(self) -> bool:
        """Whether a cell has no room for how many repeats broke."""
        return self.gap == 1


def grid_lines(matrix: Matrix, screen: Screen) -> Iterator[Line]:
    """Yield a line for each file and each row. If no grid fits the width, each row says in words what breaks."""
    files = [(file, list(rows)) for file, rows in groupby(matrix.rows, key=lambda row: row.file)]
    fold = not screen.verbose and len(matrix.rows) + len(files) > screen.height
    shown = [row for row in matrix.rows if not (fold and row.verdict is Verdict.SOUND)]
    columns = _columns(matrix.modes, shown, screen)
    unshown = [rows for _, rows in files if fold and all(row.verdict is Verdict.SOUND for row in rows)]
    for file, rows in files:
        if rows not in unshown:
            yield from _file_lines(file, rows, fold, columns, screen)
    if unshown:
        tests = sum(map(len, unshown))
        noun = "more file" if len(unshown) < len(files) else "file"
        yield (Span(f"{_count(tests, 'sound test')} in {_count(len(unshown), noun)}", ("green",)),)


def verdict_lines(matrix: Matrix, screen: Screen) -> Iterator[Line]:
    """Yield a line for each verdict that occurs, with the diagnosis that most of the verdict's tests share."""
    tallies = list(matrix.tallies())
    word_width = max((len(tally.verdict.value) for tally in tallies), default=0)
    count_width = max((len(str(tally.tests)) for tally in tallies), default=0)
    for tally in tallies:
        start = f"{tally.verdict.value:<{word_width}}  {tally.tests:>{count_width}}  "
        text = f"{_shared(tally)}{meaning_of(tally.verdict, matrix)}"
        yield (
            Span(start, _MARKUP[tally.verdict]),
            Span(cut(text, max(10, screen.width - len(start)), screen, end=True)),
        )


def _shared(tally: Tally) -> str:
    if tally.diagnosis is None:
        return ""
    return tally.diagnosis + (f" ({tally.sharing} of {tally.tests}); " if tally.sharing < tally.tests else "; ")


def _file_lines(file: str, rows: Sequence[Row], fold: bool, columns: _Columns, screen: Screen) -> Iterator[Line]:
    head = cut(printable(file, screen), screen.width, screen)
    modes = [Span(" " * columns.gap + mode[:width].rjust(width), ("bold",)) for mode, width in columns.modes]
    if width_of(head) > columns.name:
        yield (Span(head, ("bold",)),)
        head = ""
    yield Span(head + " " * (columns.name - width_of(head)) if modes else head, ("bold",)), *modes
    shown = [row for row in rows if not (fold and row.verdict is Verdict.SOUND)]
    for row in shown:
        yield from [_row_line(row, columns, screen)] if modes else _row_words(row, screen)
    if len(shown) < len(rows):
        yield (Span(f"{' ' * _INDENT}({len(rows) - len(shown)} sound)", ("green",)),)


def _row_line(row: Row, columns: _Columns, screen: Screen) -> Line:
    name = cut(" " * _INDENT + _name(row, screen), columns.name, screen)
    cells = (_cell_span(row.cells.get(mode), width, columns, screen) for mode, width in columns.modes)
    return Span(name + " " * (columns.name - width_of(name))), *cells


def _row_words(row: Row, screen: Screen) -> Iterator[Line]:
    """Yield the lines of a row on a screen that has no room for columns: the name, and below it what breaks."""
    yield (Span(" " * _INDENT + cut(_name(row, screen), screen.width - _INDENT, screen)),)
    words = f"{row.verdict.value}: {row.how}" if row.how else row.verdict.value
    for line in textwrap.wrap(words, max(10, screen.width - 2 * _INDENT)):
        yield (Span(" " * 2 * _INDENT + line, _MARKUP[row.verdict]),)


def _cell_span(cell: Cell | None, width: int, columns: _Columns, screen: Screen) -> Span:
    if cell is None:
        return Span(" " * columns.gap + ("–" if screen.unicode else "-").rjust(width))
    return Span(" " * columns.gap + _word(cell, columns.terse).rjust(width), _WORDS[cell.outcome][1])


def _word(cell: Cell, terse: bool) -> str:
    """Return the outcome in at most five letters. If repeats disagree, add how often: `SEGV 2/5`; tersely `SEGV?`."""
    often = "?" if terse and cell.often else cell.often
    return _WORDS[cell.outcome][0] + often


def _columns(modes: Sequence[str], rows: Sequence[Row], screen: Screen) -> _Columns:
    """Return the widths: the modes get their whole names if there is room, and the tests' names get what is left.

    Names are cut in steps. A cut that would make two modes look the same is not used.
    """
    longest = max((_INDENT + width_of(_name(row, screen)) for row in rows), default=_NAME)
    for limit, gap in ((max(map(len, modes), default=0), 2), (6, 2), (4, 1)):
        needed = (max((len(_word(r.cells[m], gap == 1)) for r in rows if m in r.cells), default=2) for m in modes)
        widths = tuple((m, max(need, min(len(m), limit))) for m, need in zip(modes, needed, strict=True))
        room = screen.width - 1 - sum(width + gap for _, width in widths)
        distinct = len({mode[:width] for mode, width in widths}) == len(widths)
        if distinct and room >= min(longest, _NAME):
            return _Columns(min(room, max(longest, _NAME)), widths, gap)
    return _Columns(screen.width, ())


def _name(row: Row, screen: Screen) -> str:
    return printable(row.test.removeprefix(f"{row.file}::"), screen)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
