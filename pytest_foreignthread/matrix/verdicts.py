"""The matrix: the outcome of each test in each mode, and a verdict on each test."""

from __future__ import annotations

import enum
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from ..model.nodeids import file_of
from ..model.outcomes import Outcome, Phase

CONTROL: Final = "main"
PYTHON: Final = "python"
"""The mode whose thread Python's `threading` makes: the control for "any thread but the main one"."""

_ON_MAIN_THREAD: Final = (CONTROL, "same")
"""The modes whose body runs on the main thread: directly, or called back by Java that the main thread has called."""

BREAKS: Final = frozenset(
    {Outcome.FAILED, Outcome.ERROR, Outcome.SEGFAULT, Outcome.HANG, Outcome.NULL_RESULT, Outcome.CRASH}
)
_HOLDS: Final = frozenset({Outcome.PASSED, Outcome.XPASSED})


class Verdict(enum.Enum):
    """The verdict on a test by its row; the value is the name that every report uses."""

    SOUND = "sound"
    """Holds in each mode."""
    FOREIGN_UNSAFE = "foreign-unsafe"
    """Holds in the control, and breaks on a foreign thread."""
    MAIN_THREAD_ONLY = "main-thread-only"
    """Breaks on a thread of Python's own, too: any thread but the main one is too much for the test."""
    FOREIGN_ONLY = "foreign-only"
    """Breaks in the control, and holds on each foreign thread."""
    BROKEN = "broken"
    """Breaks in the control, and not only there, or in a teardown only."""
    FLAKY = "flaky"
    """Runs in one mode disagree: repeats, rounds of a stressed test, or runs in a shared child and in its own child."""
    UNKNOWN = "unknown"
    """Too little ran: only one mode, or no control and each mode breaks."""


@dataclass(frozen=True)
class Cell:
    """One test in one mode: the outcome of each repeat, in the order in which the repeats ended.

    A repeat may be stressed: it has rounds, and `outcomes` has the outcome of the round that stands for all.
    """

    outcomes: tuple[Outcome, ...]
    diagnosis: str | None = None
    """The most frequent code among the diagnoses of repeats that break; None if none has a diagnosis."""
    short: str = ""
    """One line on the cause of the first break; empty if no repeat breaks."""
    rounds: Mapping[Outcome, int] = field(default_factory=dict)
    """If a repeat is stressed, outcome → the number of rounds that had it; empty if none is."""
    holds_in_own_child: bool = False
    """Whether a repeat that broke in a shared child held when it was run once more, in a child of its own."""
    control_breaks_in_own_child: bool = False
    """Whether the control of a repeat that broke was run in a child of its own, and broke there."""
    breaks_in_teardown: bool = False
    """Whether each repeat that broke did so in the teardown, which runs on the main thread in each mode."""

    @property
    def counted(self) -> Counter[Outcome]:
        """The outcomes that count for a verdict, all but skips, and how many repeats or rounds had each."""
        counts = Counter(self.rounds or self.outcomes)
        del counts[Outcome.SKIPPED]
        return counts

    @property
    def broken(self) -> Counter[Outcome]:
        return Counter({outcome: number for outcome, number in self.counted.items() if outcome in BREAKS})

    @property
    def to_be_known(self) -> frozenset[Outcome]:
        """The outcomes that a baseline must have. Rounds that pass do not contradict the known failure of others."""
        return frozenset(self.broken if self.rounds and self.broken else self.counted)

    @property
    def flaky(self) -> bool:
        """Whether some runs or rounds break and some do not. Different ways to break do not make a test flaky."""
        return self.holds_in_own_child or 0 < self.broken.total() < self.counted.total()

    @property
    def outcome(self) -> Outcome:
        """The outcome to show: the most frequent break; without a break the most frequent other one; at last a skip."""
        # Most tests run once in a mode, and a page asks for thousands.
        if len(self.outcomes) == 1:
            return self.outcomes[0]
        return Counter(self.broken or self.counted or self.outcomes).most_common(1)[0][0]

    @property
    def often(self) -> str:
        """How many of the repeats, or of the rounds, had `outcome`, such as ` 2/5`; empty if all had."""
        if len(self.outcomes) == 1 and not self.rounds:
            return ""
        counted = self.counted
        times = counted[self.outcome]
        return f" {times}/{counted.total()}" if times < counted.total() else ""


@dataclass(frozen=True)
class Row:
    """One test. `how` says in which modes the test breaks and how, and which mode is missing for a firmer verdict."""

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
    """The number of tests with a verdict, and their most frequent diagnosis, which `sharing` of them have."""

    verdict: Verdict
    tests: int
    diagnosis: str | None
    sharing: int


@dataclass(frozen=True)
class Matrix:
    modes: tuple[str, ...]
    rows: tuple[Row, ...]
    """The tests of one file together, files in the order of the entries."""

    def tallies(self) -> Iterator[Tally]:
        """Yield the tally of each verdict that at least one test has."""
        for verdict in Verdict:
            rows = [row for row in self.rows if row.verdict is verdict]
            if rows:
                # Sorted: of two that are as frequent, the first by name counts. Reports of two runs should differ only
                # if the runs did.
                codes = Counter(sorted(code for row in rows for code in row.diagnoses))
                code, sharing = next(iter(codes.most_common(1)), (None, 0))
                yield Tally(verdict, len(rows), code, sharing)

    def as_data(self) -> dict[str, Any]:
        """Return the matrix as plain data, which a round trip through JSON does not change."""
        return {
            "modes": list(self.modes),
            "rows": [_row_data(row) for row in self.rows],
            "verdicts": {
                tally.verdict.value: {"tests": tally.tests, "diagnosis": tally.diagnosis, "sharing": tally.sharing}
                for tally in self.tallies()
            },
        }


def matrix_of(entries: Sequence[Mapping[str, Any]], modes: Sequence[str]) -> Matrix:
    """Return the matrix of a report's entries. Modes that are not in `modes` get columns behind the others.

    A test breaks in a mode if its outcome is `failed`, `error`, `segfault`, `hang`, `null_result` or `crash`. It holds
    if its outcome is `passed` or `xpassed`. An expected failure, `xfailed`, which fails no run of pytest, counts as a
    break only if the test holds in another mode or repeat. A skipped test counts as one that did not run.
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
    verdict = _verdict({mode: cell for mode, cell in cells.items() if cell.counted})
    return Row(test, file_of(test), cells, verdict, _how(verdict, cells))


def _breaks_of(cells: Mapping[str, Cell]) -> dict[str, Counter[Outcome]]:
    """Return mode → the outcomes that count as breaks when modes are compared, and how many runs or rounds had each.

    An `xfail` mark says that a failure is no news, not that all modes fail. Rounds of a stressed test have one mark
    for all.
    """
    holds = any(not _HOLDS.isdisjoint(cell.counted) for cell in cells.values())
    counted = BREAKS | {Outcome.XFAILED} if holds else BREAKS
    return {
        mode: cell.broken if cell.rounds else Counter({one: n for one, n in cell.counted.items() if one in counted})
        for mode, cell in cells.items()
    }


def _cell(entries: Sequence[Mapping[str, Any]]) -> Cell:
    broken = [entry for entry in entries if Outcome(entry["outcome"]) in BREAKS]
    codes = Counter(entry["diagnosis"]["code"] for entry in broken if entry.get("diagnosis"))
    return Cell(
        tuple(Outcome(entry["outcome"]) for entry in entries),
        next((code for code, _ in codes.most_common(1)), None),
        _cause(broken[0]) if broken else "",
        _rounds(entries),
        any(_holds_in_own_child(entry) for entry in broken),
        any(entry.get("control_alone") and Outcome(entry["control_alone"]) in BREAKS for entry in broken),
        bool(broken) and all(entry.get("phase") == Phase.TEARDOWN.value for entry in broken),
    )


def _holds_in_own_child(entry: Mapping[str, Any]) -> bool:
    run = entry.get("alone")
    return run is not None and Outcome(run["outcome"]) not in BREAKS | {Outcome.SKIPPED}


def _rounds(entries: Sequence[Mapping[str, Any]]) -> dict[Outcome, int]:
    """Return outcome → rounds that had it; an empty dictionary if no entry is of a stressed test."""
    if not any(entry.get("stress") for entry in entries):
        return {}
    counts = Counter[Outcome]()
    for entry in entries:
        outcome, stress = Outcome(entry["outcome"]), entry.get("stress")
        # An xfail mark looks at all rounds together: they may break as expected, or pass in spite of a strict mark.
        if stress and outcome in BREAKS and outcome.value in stress["outcomes"]:
            counts.update({Outcome(word): number for word, number in stress["outcomes"].items()})
        else:
            counts[outcome] += stress["rounds"] if stress else 1
    return dict(counts)


def _cause(entry: Mapping[str, Any]) -> str:
    message = " ".join(str(entry.get("message") or "").split("\n", 1)[0].split())
    status = "" if entry.get("exit_code") is None else f"exited with status {entry['exit_code']}"
    return message or entry.get("signal") or status


def _verdict(counted: Mapping[str, Cell]) -> Verdict:
    breaks = _breaks_of(counted)
    broken = [mode for mode in counted if breaks[mode]]
    # First: if repeats disagree within a mode, a difference between modes proves nothing.
    if any(cell.flaky or 0 < breaks[mode].total() < cell.counted.total() for mode, cell in counted.items()):
        return Verdict.FLAKY
    # Then the control held after earlier tests only, and this mode may lack just these.
    if (
        CONTROL in counted
        and CONTROL not in broken
        and any(cell.control_breaks_in_own_child for cell in counted.values())
    ):
        return Verdict.FLAKY
    if CONTROL in broken:
        foreign = [mode for mode in counted if mode not in _ON_MAIN_THREAD]
        holds = foreign and not any(mode in broken for mode in foreign)
        # Of the tests that share a fixture, the last one of a child has the error of the fixture's teardown. Which test
        # that is may differ from mode to mode, above all with xdist.
        by_chance = counted[CONTROL].breaks_in_teardown
        return Verdict.FOREIGN_ONLY if holds and not by_chance else Verdict.BROKEN
    if not broken:
        # A single mode compares nothing.
        return Verdict.SOUND if len(counted) > 1 else Verdict.UNKNOWN
    if len(broken) == len(counted):
        # Without the control, a test that breaks in all modes may be broken or foreign-unsafe.
        return Verdict.UNKNOWN
    return Verdict.MAIN_THREAD_ONLY if PYTHON in broken else Verdict.FOREIGN_UNSAFE


def _how(verdict: Verdict, cells: Mapping[str, Cell]) -> str:
    counted = [mode for mode, cell in cells.items() if cell.counted]
    if not counted:
        return "skipped in every mode"
    if verdict is Verdict.UNKNOWN and not any(_breaks_of(cells).values()):
        return f"holds in {counted[0]}, the only mode in which it ran"
    missing = "" if CONTROL in counted else f"{CONTROL}, the control, did not run"
    alone = f"{CONTROL}, the control, breaks in a child of its own"
    needs_others = verdict is Verdict.FLAKY and any(cell.control_breaks_in_own_child for cell in cells.values())
    return "; ".join(filter(None, [*_breaks(cells), alone if needs_others else "", missing]))


def _breaks(cells: Mapping[str, Cell]) -> Iterator[str]:
    """Yield a text for each outcome that breaks, such as `segfault in new, pool (2 of 5 runs)`."""
    ways: dict[Outcome, list[str]] = {}
    broken = _breaks_of(cells)
    for mode, cell in cells.items():
        for outcome, times in broken[mode].most_common():
            noun, total = "rounds" if cell.rounds else "runs", cell.counted.total()
            repeats = f" ({times} of {total} {noun})" if times < total else ""
            repeats += " (not in a child of its own)" if cell.holds_in_own_child else ""
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
