"""The matrix: what became of each test in each mode, and what that says of the test."""

from __future__ import annotations

import enum
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from ..model.nodeids import file_of
from ..model.outcomes import Outcome

CONTROL: Final = "main"
PYTHON: Final = "python"
"""The mode whose thread Python made itself."""

_ON_MAIN_THREAD: Final = (CONTROL, "same")
"""Modes whose body runs on the main thread, from which Java may have been entered."""

BREAKS: Final = frozenset(
    {Outcome.FAILED, Outcome.ERROR, Outcome.SEGFAULT, Outcome.HANG, Outcome.NULL_RESULT, Outcome.CRASH}
)


class Verdict(enum.Enum):
    """What its row says of a test; the value is the word used in every report."""

    SOUND = "sound"
    FOREIGN_UNSAFE = "foreign-unsafe"
    MAIN_THREAD_ONLY = "main-thread-only"
    FOREIGN_ONLY = "foreign-only"
    BROKEN = "broken"
    FLAKY = "flaky"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Cell:
    """One test in one mode: an outcome for each repeat, in the order in which they ended."""

    outcomes: tuple[Outcome, ...]
    diagnosis: str | None = None
    """The code that most of the repeats share which break."""
    short: str = ""
    """One line on the cause of the first break; empty where nothing broke."""

    @property
    def told(self) -> tuple[Outcome, ...]:
        """The outcomes that say something: a skip does not."""
        return tuple(outcome for outcome in self.outcomes if outcome is not Outcome.SKIPPED)

    @property
    def broken(self) -> tuple[Outcome, ...]:
        return tuple(outcome for outcome in self.outcomes if outcome in BREAKS)

    @property
    def flaky(self) -> bool:
        """Whether repeats disagree on whether the test breaks; different ways to break are no disagreement."""
        return 0 < len(self.broken) < len(self.told)

    @property
    def outcome(self) -> Outcome:
        """The one to show: the most frequent break, else what else was told, else the skip."""
        # Most tests run once in a mode, and a page asks for thousands.
        several = len(self.outcomes) > 1
        return Counter(self.broken or self.told or self.outcomes).most_common(1)[0][0] if several else self.outcomes[0]

    @property
    def often(self) -> str:
        """How many of the repeats had `outcome`, where not all had: ` 2/5`."""
        if len(self.outcomes) == 1:
            return ""
        times = self.told.count(self.outcome)
        return f" {times}/{len(self.told)}" if times < len(self.told) else ""


@dataclass(frozen=True)
class Row:
    """One test. `how` tells in which modes it breaks and by what, and what is missing for a firmer verdict."""

    test: str
    file: str
    cells: Mapping[str, Cell]
    verdict: Verdict
    how: str

    @property
    def diagnoses(self) -> frozenset[str]:
        return frozenset(cell.diagnosis for cell in self.cells.values() if cell.diagnosis is not None)


@dataclass(frozen=True)
class Tally:
    """How many tests have a verdict, and the diagnosis that most of them share; `sharing` is how many do."""

    verdict: Verdict
    tests: int
    diagnosis: str | None
    sharing: int


@dataclass(frozen=True)
class Matrix:
    modes: tuple[str, ...]
    rows: tuple[Row, ...]
    """File by file."""

    def tallies(self) -> Iterator[Tally]:
        """Yield one for each verdict that occurs."""
        for verdict in Verdict:
            rows = [row for row in self.rows if row.verdict is verdict]
            if rows:
                # By name where two are as frequent: the reports of two runs should differ in what happened only.
                codes = Counter(sorted(code for row in rows for code in row.diagnoses))
                code, sharing = next(iter(codes.most_common(1)), (None, 0))
                yield Tally(verdict, len(rows), code, sharing)

    def as_data(self) -> dict[str, Any]:
        """Return plain data that JSON gives back unchanged."""
        return {
            "modes": list(self.modes),
            "rows": [_row_data(row) for row in self.rows],
            "verdicts": {
                tally.verdict.value: {"tests": tally.tests, "diagnosis": tally.diagnosis, "sharing": tally.sharing}
                for tally in self.tallies()
            },
        }


def matrix_of(entries: Sequence[Mapping[str, Any]], modes: Sequence[str]) -> Matrix:
    """Make the matrix of a report's entries; modes that `modes` does not name get columns behind those that it does.

    A test breaks in a mode by `failed`, `error`, `segfault`, `hang`, `null_result` and `crash`. It holds by `passed`,
    and by `xfailed` and `xpassed`, with which pytest does not fail a run either. `skipped` counts as not run.
    """
    found: dict[str, dict[str, dict[str, list[Mapping[str, Any]]]]] = {}
    for entry in entries:
        test = entry["test"]
        found.setdefault(file_of(test), {}).setdefault(test, {}).setdefault(entry["mode"], []).append(entry)
    columns = tuple(dict.fromkeys([*modes, *(entry["mode"] for entry in entries)]))
    rows = (
        row_of(test, {mode: _cell(by_mode[mode]) for mode in columns if mode in by_mode})
        for tests_by_id in found.values()
        for test, by_mode in tests_by_id.items()
    )
    return Matrix(columns, tuple(rows))


def row_of(test: str, cells: Mapping[str, Cell]) -> Row:
    verdict = _verdict({mode: cell for mode, cell in cells.items() if cell.told})
    return Row(test, file_of(test), cells, verdict, _how(verdict, cells))


def _cell(entries: Sequence[Mapping[str, Any]]) -> Cell:
    broken = [entry for entry in entries if Outcome(entry["outcome"]) in BREAKS]
    codes = Counter(entry["diagnosis"]["code"] for entry in broken if entry.get("diagnosis"))
    return Cell(
        tuple(Outcome(entry["outcome"]) for entry in entries),
        next((code for code, _ in codes.most_common(1)), None),
        _cause(broken[0]) if broken else "",
    )


def _cause(entry: Mapping[str, Any]) -> str:
    message = " ".join(str(entry.get("message") or "").split("\n", 1)[0].split())
    status = "" if entry.get("exit_code") is None else f"exited with status {entry['exit_code']}"
    return message or entry.get("signal") or status


def _verdict(told: Mapping[str, Cell]) -> Verdict:
    broken = [mode for mode, cell in told.items() if cell.broken]
    if any(cell.flaky for cell in told.values()):
        return Verdict.FLAKY
    if CONTROL in broken:
        foreign = [mode for mode in told if mode not in _ON_MAIN_THREAD]
        holds = foreign and not any(mode in broken for mode in foreign)
        return Verdict.FOREIGN_ONLY if holds else Verdict.BROKEN
    if not broken:
        return Verdict.SOUND if len(told) > 1 else Verdict.UNKNOWN
    if len(broken) == len(told):
        # Without the control a test that breaks everywhere may be broken as well as foreign-unsafe.
        return Verdict.UNKNOWN
    return Verdict.MAIN_THREAD_ONLY if PYTHON in broken else Verdict.FOREIGN_UNSAFE


def _how(verdict: Verdict, cells: Mapping[str, Cell]) -> str:
    told = [mode for mode, cell in cells.items() if cell.told]
    if not told:
        return "skipped in every mode"
    if verdict is Verdict.UNKNOWN and not any(cell.broken for cell in cells.values()):
        return f"holds in {told[0]}, the only mode in which it ran"
    missing = "" if CONTROL in told else f"{CONTROL}, the control, did not run"
    return "; ".join(filter(None, [*_breaks(cells), missing]))


def _breaks(cells: Mapping[str, Cell]) -> Iterator[str]:
    """Yield a part for each way to break: `segfault in new, pool (2 of 5 runs)`."""
    ways: dict[Outcome, list[str]] = {}
    for mode, cell in cells.items():
        for outcome, times in Counter(cell.broken).most_common():
            repeats = f" ({times} of {len(cell.told)} runs)" if times < len(cell.told) else ""
            ways.setdefault(outcome, []).append(mode + repeats)
    yield from (f"{outcome.value} in {', '.join(modes)}" for outcome, modes in ways.items())


def _row_data(row: Row) -> dict[str, Any]:
    return {
        "test": row.test,
        "file": row.file,
        "verdict": row.verdict.value,
        "how": row.how,
        "cells": {
            mode: {
                "outcomes": [outcome.value for outcome in cell.outcomes],
                "diagnosis": cell.diagnosis,
                "short": cell.short,
            }
            for mode, cell in row.cells.items()
        },
    }
