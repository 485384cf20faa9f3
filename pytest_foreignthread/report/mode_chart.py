"""The bars of a chart that shows how the runs of each mode ended."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..matrix.verdicts import Matrix
from ..model.outcomes import Outcome


@dataclass(frozen=True)
class Bar:
    """The runs in one mode, by their outcomes. The bar of a mode without runs has no parts."""

    mode: str
    parts: tuple[tuple[str, int], ...]
    """Outcome and number of runs, in the order of the outcomes."""

    @property
    def number(self) -> int:
        return sum(number for _, number in self.parts)

    @property
    def words(self) -> str:
        return ", ".join(f"{number} {outcome}" for outcome, number in self.parts) or "no runs"


def bars(matrix: Matrix) -> Iterator[Bar]:
    for mode in matrix.modes:
        yield Bar(mode, _parts([row.cells[mode].outcomes for row in matrix.rows if mode in row.cells]))


def total(matrix: Matrix) -> Bar:
    """Return the bar of all modes together, which has no name."""
    return Bar("", _parts([cell.outcomes for row in matrix.rows for cell in row.cells.values()]))


def _parts(cells: Sequence[Sequence[Outcome]]) -> tuple[tuple[str, int], ...]:
    counts = Counter(outcome for outcomes in cells for outcome in outcomes)
    return tuple((outcome.value, counts[outcome]) for outcome in Outcome if counts[outcome])
