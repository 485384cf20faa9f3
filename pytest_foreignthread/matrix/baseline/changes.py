"""What a run changes in what is known: the differences that fail it, and the baseline brought up to date."""

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
"""What an update writes of a break that has no diagnosis."""


class Change(enum.Enum):
    """The kinds of differences; the value is the word used in every report."""

    NEW_BREAK = "new break"
    CHANGED = "changed outcome"
    STALE = "stale entry"
    EXPIRED = "expired entry"


@dataclass(frozen=True)
class Difference:
    """One thing that fails the run. `mode` is None where it is about the test's whole entry."""

    change: Change
    test: str
    mode: str | None = None
    seen: frozenset[Outcome] = frozenset()
    known: Known | None = None

    @property
    def text(self) -> str:
        """One line: what differs, where the entry is, and its reason."""
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
    """Return what fails the run. With `complete` an entry whose test did not run is stale: there was nothing left out.

    A mode in which a test was skipped or did not run says nothing on its entry.
    """
    differences = [found for row in matrix.rows for found in _of_row(row, baseline.tests.get(row.test), today)]
    gone = _gone(baseline, matrix) if complete else []
    return [*differences, *(Difference(Change.STALE, known.test, known=known) for known in gone)]


def update(baseline: Baseline, matrix: Matrix, *, complete: bool = False) -> Baseline:
    """Change what `compare` tells of, expired entries apart: when those end is for their author to say."""
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
            yield Difference(change, row.test, mode, frozenset(cell.told), entry)
    if known is not None and known.expired(today):
        yield Difference(Change.EXPIRED, row.test, known=known)


def _change(cell: Cell, expected: frozenset[Outcome] | None) -> Change | None:
    if not cell.told:
        return None
    if expected is None:
        return Change.NEW_BREAK if cell.broken else None
    if expected.issuperset(cell.told):
        return None
    return Change.CHANGED if cell.broken else Change.STALE


def _updated(row: Row, known: Known | None) -> Known:
    """Return the entry of a test, without a mode in it where there is nothing to know."""
    if known is None:
        known = Known(row.test, {}, ", ".join(sorted(row.diagnoses)) or NO_REASON)
    outcomes = dict(known.outcomes)
    for mode, cell in row.cells.items():
        change = _change(cell, outcomes.get(mode))
        if change is Change.STALE:
            del outcomes[mode]
        elif change is not None:
            outcomes[mode] = frozenset(cell.told)
    return replace(known, outcomes=outcomes)
