"""The results as text for the terminal, and as the table of the documents."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from pytest_foreignthread.matrix.verdicts import Verdict

from .results import Explained, SuiteResult

_HEAD: Final = ("suite", "version", "tests", *(verdict.value for verdict in Verdict), "not in it", "plain", "matrix")


def terminal(results: Sequence[SuiteResult]) -> str:
    rows = [_HEAD, *(_cells(result) for result in results)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    for result in results:
        lines += [f"{result.name}: {line}" for line in result.differences]
    return "\n".join(lines)


def _cells(result: SuiteResult) -> tuple[str, ...]:
    counts = (str(result.verdicts.get(verdict, 0) or "") for verdict in Verdict)
    times = (f"{result.seconds_plain:.0f} s", f"{result.seconds:.0f} s")
    return (result.name, result.version, str(result.tests), *counts, str(result.left or ""), *times)


def markdown(results: Sequence[SuiteResult]) -> str:
    """Return the table of the suites, and below it the known breaks of each with their reasons."""
    return "\n".join([*_table([_HEAD, *map(_cells, results)]), *_breaks(results)]) + "\n"


def _table(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    head, *body = rows
    yield from (_row(head), _row(["---"] * len(head)))
    yield from map(_row, body)


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |".replace("|  |", "| |").replace("|  |", "| |")


def _breaks(results: Sequence[SuiteResult]) -> Iterator[str]:
    for result in results:
        if result.explained:
            yield from ("", f"### {result.name}")
            rows = [(_names(group), group.verdict.value, group.outcomes, group.reason) for group in result.explained]
            yield from _table([("tests", "verdict", "breaks", "why"), *rows])


def _names(group: Explained) -> str:
    return ", ".join(f"`{test.partition('::')[2]}`" for test in group.tests)
