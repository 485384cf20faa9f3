"""The differences between a run and the baseline: those that fail the run, and the baseline updated by them."""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

from ...model.outcomes import Outcome
from ..verdicts import Cell, Matrix, Row
from .known import Baseline, Known, words_of

NO_REASON: Final = "no reason given yet"
"""The reason that an update writes for a break without a diagnosis: an entry without a reason is an error."""


class Change(enum.Enum):
    """The kinds of differences; the value is the name that every report uses."""

    NEW_BREAK = "new break"
    CHANGED = "changed outcome"
    STALE = "stale entry"
    EXPIRED = "expired entry"


@dataclass(frozen=True)
class Difference:
    """One difference, which fails the run. `mode` is None if the difference is about the whole entry of the test."""

    change: Change
    test: str
    mode: str | None = None
    seen: frozenset[Outcome] = frozenset()
    known: Known | None = None

    @property
    def text(self) -> str:
        """One line: what differs, the line of the entry, and the entry's reason."""
        where = self.test if self.mode is None else f"{self.test} in {self.mode}"
        return f"{self.change.value}: {where}: {self._what()}{self._entry()}"

    def _what(self) -> str:
        match self.change:
            case Change.NEW_BREAK:
                return words_of(self.seen)
            case Change.CHANGED:
                return f"{words_of(self.seen)}, known is {self._known_words()}"
            case Change.STALE:
                return "no such test any more" if self.mode is None else f"{words_of(self.seen)}, it no longer breaks"
            case Change.EXPIRED:
                return f"it held until {self.known.until if self.known else None}"

    def _known_words(self) -> str:
        return words_of(self.known.outcomes[self.mode]) if self.known and self.mode is not None else ""

    def _entry(self) -> str:
        if self.known is None:
            return ""
        line = "" if self.known.line is None else f"line {self.known.line}: "
        link = "" if self.known.link is None else f", {self.known.link}"
        return f" ({line}{self.known.reason}{link})"


def compare(baseline: Baseline, matrix: Matrix, today: date, *, complete: bool = False) -> list[Difference]:
    """Return the differences, each of which fails the run.

    If `complete`, no test was left out of the run, and so an entry whose test did not run is stale. A mode in which a
    test was skipped or did not run makes no difference.
    """
    differences = [found for row in matrix.rows for found in _of_row(row, baseline.tests.get(row.test), today)]
    gone = _gone(baseline, matrix) if complete else []
    return [*differences, *(Difference(Change.STALE, known.test, known=known) for known in gone)]


def update(baseline: Baseline, matrix: Matrix, *, complete: bool = False) -> Baseline:
    """Return the baseline changed by the differences of `compare`, except for expired entries.

    The author of an entry set the date of its end; only the author can move it.
    """
    tests = dict(baseline.tests)
    for row in matrix.rows:
        known = _updated(row, tests.pop(row.test, None))
        if known.outcomes:
            tests[row.test] = known
    for known in _gone(baseline, matrix) if complete else []:
        del tests[known.test]
    return replace(baseline, tests=tests)


def _gone(baseline: Baseline, matrix: Matrix) -> list[Known]:
    ran = {row.test for row in matrix.rows}
    return [known for test, known in baseline.tests.items() if test not in ran]


def _of_row(row: Row, known: Known | None, today: date) -> Iterator[Difference]:
    expected: Mapping[str, frozenset[Outcome]] = known.outcomes if known else {}
    for mode, cell in row.cells.items():
        change = _change(cell, expected.get(mode))
        if change is not None:
            entry = known if mode in expected else None
            yield Difference(change, row.test, mode, frozenset(cell.counted), entry)
    if known is not None and known.expired(today):
        yield Difference(Change.EXPIRED, row.test, known=known)


def _change(cell: Cell, expected: frozenset[Outcome] | None) -> Change | None:
    if not cell.counted:
        return None
    if expected is None:
        return Change.NEW_BREAK if cell.broken else None
    # All repeats count: one that is not known is a difference, also if the others are known.
    if expected >= cell.to_be_known:
        return None
    return Change.CHANGED if cell.broken else Change.STALE


def _updated(row: Row, known: Known | None) -> Known:
    """Return the entry of a test, changed by its row; an entry without modes is to be removed."""
    if known is None:
        known = Known(row.test, {}, ", ".join(sorted(row.diagnoses)) or NO_REASON)
    outcomes = dict(known.outcomes)
    for mode, cell in row.cells.items():
        change = _change(cell, outcomes.get(mode))
        if change is Change.STALE:
            del outcomes[mode]
        elif change is not None:
            outcomes[mode] = frozenset(cell.counted)
    return replace(known, outcomes=outcomes)
