"""The report in GitHub's Markdown, for the summary of a CI job: the matrix, or the tests of a run without one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from ..matrix.verdicts import BREAKS, Cell, Matrix, Row, Tally, Verdict
from . import mode_chart, stress_words

LIMIT: Final = 1_000_000
"""Bytes of a report. GitHub refuses a step's summary over 1 MiB; the rest is for what else the step writes."""

_NONE: Final = (
    "No foreign-thread test ran. Mark tests with `@pytest.mark.foreign_thread`, or run all tests with "
    "`--foreign-thread-all`."
)
_SPECIAL: Final = re.compile(r"[^\w\s.,:;/()-]|_")


def render(matrix: Matrix, limit: int = LIMIT, *, asked: bool = True, entries: Sequence[Mapping[str, Any]] = ()) -> str:
    """Return title, counts and grid in at most `limit` bytes of UTF-8. The last line counts the rows that do not fit.

    Sound tests are counted and have no row, because readers of a summary look for what breaks. `asked` says whether the
    user asked for a matrix; otherwise there are no verdicts, and the rows are the tests that break. Each of the
    `entries` that is of a stressed test has a row in a second table.
    """
    if not matrix.rows:
        return f"## Foreign-thread {'matrix' if asked else 'tests'}: none\n\n{_NONE}\n"
    parts = [*(_top(matrix) if asked else _top_without_matrix(matrix)), ""]
    rows = [row for row in matrix.rows if (row.verdict is not Verdict.SOUND if asked else _breaks(row))]
    if rows:
        parts += _head(matrix.modes, asked=asked)
    # 200 bytes are more than the last line, which counts the left-out rows, ever takes.
    room = limit - _bytes("\n".join(parts)) - 200
    shown = list(_fitting((_row(row, matrix.modes, asked=asked) for row in rows), room))
    stressed = list(map(_stress_row, stress_words.stressed_tests(entries)))
    head = ["", *_table_head(stress_words.COLUMNS)] if stressed else []
    left = room - _bytes("\n".join([*shown, *head]))
    more = list(_fitting(iter(stressed), left))
    missing = len(rows) - len(shown) + len(stressed) - len(more)
    return "\n".join([*parts, *shown, *(head if more else []), *more, *_left_out(missing)]).rstrip("\n") + "\n"


def _top(matrix: Matrix) -> Iterator[str]:
    yield f"## Foreign-thread matrix: {len(matrix.rows)} tests in {len(matrix.modes)} modes"
    yield from ("", "| verdict | tests | most share |", "|---|--:|---|")
    yield from map(_tally, matrix.tallies())


def _top_without_matrix(matrix: Matrix) -> Iterator[str]:
    number = len(matrix.rows)
    yield f"## Foreign-thread tests: {number} {'test' if number == 1 else 'tests'}"
    yield from ("", "| outcome | runs |", "|---|--:|")
    yield from (f"| {outcome} | {runs} |" for outcome, runs in mode_chart.total(matrix).parts)


def _breaks(row: Row) -> bool:
    return any(cell.broken for cell in row.cells.values())


def _tally(tally: Tally) -> str:
    some = f" ({tally.sharing})" if tally.sharing < tally.tests else ""
    shared = "" if tally.diagnosis is None else code(tally.diagnosis) + some
    return f"| {tally.verdict.value} | {tally.tests} | {shared} |"


def _head(modes: Sequence[str], *, asked: bool) -> list[str]:
    titles = ["test", *map(code, modes), "verdict" if asked else "diagnosis"]
    return _table_head(titles)


def _table_head(titles: Sequence[str]) -> list[str]:
    return [f"| {' | '.join(titles)} |", f"|{'---|' * len(titles)}"]


def _stress_row(entry: Mapping[str, Any]) -> str:
    # Numbers are plain: they need no code, and have no mark of Markdown's in them.
    texts = stress_words.table_row(entry)
    cells = (text if place in stress_words.NUMBERS or not text else code(text) for place, text in enumerate(texts))
    return f"| {' | '.join(cells)} |"


def _row(row: Row, modes: Sequence[str], *, asked: bool) -> str:
    last = row.verdict.value if asked else ", ".join(map(code, sorted(row.diagnoses)))
    cells = [code(row.test), *(_cell(row.cells.get(mode)) for mode in modes), last]
    return f"| {' | '.join(cells)} |"


def _cell(cell: Cell | None) -> str:
    if cell is None:
        return "–"
    word = cell.outcome.value + cell.often
    return f"**{word}**" if cell.outcome in BREAKS else word


def _fitting(lines: Iterator[str], room: int) -> Iterator[str]:
    for line in lines:
        room -= _bytes(line) + 1
        if room < 0:
            return
        yield line


def _left_out(number: int) -> list[str]:
    return (
        ["", f"{number} more {'row does' if number == 1 else 'rows do'} not fit into this summary."] if number else []
    )


def _bytes(text: str) -> int:
    return len(text.encode("utf-8", "backslashreplace"))


def code(text: str) -> str:
    """Return the text as Markdown code. In plain code a backtick would end the code, and a `|` the table's cell."""
    text = text.encode("utf-8", "backslashreplace").decode("utf-8")
    text = "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)
    if not set(text) & set("`|\\") and text == text.strip() and text:
        return f"`{text}`"
    return f"<code>{_SPECIAL.sub(lambda found: f'&#{ord(found[0])};', text)}</code>"
