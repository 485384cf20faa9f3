"""Numbers of two sides → figures, rows of a table, rows of the history: pure."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

HEADINGS: Final = ("benchmark", "ours", "other side", "ratio", "target", "reached")


class Compared(Enum):
    """What is made of the two sides' medians. ALONE has no other side."""

    RATIO = "ratio"
    DIFFERENCE = "difference"
    ALONE = "alone"


@dataclass(frozen=True)
class Row:
    """One figure. `ours` and `other` have the value of each run, in `unit`; `target` is the most that is wanted."""

    name: str
    unit: str
    ours: tuple[float, ...]
    other: tuple[float, ...] = ()
    target: float | None = None
    compared: Compared = Compared.RATIO

    @property
    def figure(self) -> float:
        """The ratio, which has no unit, or else the difference or our own median, in `unit`."""
        ours = statistics.median(self.ours)
        match self.compared:
            case Compared.RATIO:
                return ours / statistics.median(self.other)
            case Compared.DIFFERENCE:
                return ours - statistics.median(self.other)
        return ours

    @property
    def reached(self) -> bool | None:
        """None where nothing is aimed at."""
        return None if self.target is None else self.figure <= self.target

    def cells(self) -> tuple[str, ...]:
        unit = "" if self.compared is Compared.RATIO else self.unit
        sign = "+" if self.compared is Compared.DIFFERENCE and self.figure >= 0 else ""
        return (
            self.name,
            shown(statistics.median(self.ours), self.unit),
            shown(statistics.median(self.other), self.unit) if self.other else "",
            "" if self.compared is Compared.ALONE else sign + shown(self.figure, unit),
            "" if self.target is None else f"≤ {shown(self.target, unit)}",
            "" if self.reached is None else "yes" if self.reached else "no",
        )

    def as_data(self) -> dict[str, Any]:
        return {
            "benchmark": self.name,
            "unit": self.unit,
            "compared": self.compared.value,
            "ours": list(self.ours),
            "other": list(self.other),
            "figure": self.figure,
            "target": self.target,
            "reached": self.reached,
        }


def shown(value: float, unit: str = "") -> str:
    """Return three digits of what they tell, without an exponent."""
    number = f"{value:.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"
    return f"{number} {unit}".rstrip()


def table(headings: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """Return a table of Markdown whose columns stand below each other."""
    widths = [max(map(len, column)) for column in zip(headings, *lines, strict=True)]
    padded = [_line([cell.ljust(width) for cell, width in zip(line, widths, strict=True)]) for line in lines]
    rule = _line(["-" * width for width in widths])
    return "\n".join([_line([cell.ljust(width) for cell, width in zip(headings, widths, strict=True)]), rule, *padded])


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def history_line(around: Sequence[str], row: Row) -> str:
    """Return the row's line of the history, behind what tells when and where it was taken."""
    return _line([*around, *(cell or "–" for cell in row.cells())])


def with_history(document: str, lines: Sequence[str]) -> str:
    """Add lines to the table at the end of the document."""
    return "\n".join([document.rstrip("\n"), *lines, ""])
