"""The result of one examination, as data."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

Level = Literal["ok", "note", "problem"]
LEVELS: Final[tuple[Level, ...]] = ("ok", "note", "problem")
"""`ok`: nothing to do. `note`: tests run, with less evidence or speed. `problem`: tests cannot run, or a failure could
not be explained."""


@dataclass(frozen=True)
class Finding:
    """The result of an examination. `value` and `advice` are one line each; `advice` is empty if the level is `ok`."""

    section: str
    name: str
    level: Level
    value: str
    advice: str = ""


def count(findings: Iterable[Finding], level: Level) -> int:
    return sum(one.level == level for one in findings)


def one_line(text: object) -> str:
    """Return the text of an object with its lines joined by semicolons."""
    return "; ".join(line.strip() for line in str(text).splitlines() if line.strip())


def milliseconds(seconds: float) -> str:
    """Return a duration in milliseconds with about two digits: `0.08 ms`, `0.6 ms`, `24 ms`."""
    value = seconds * 1000
    return f"{value:.2g} ms" if value < 10 else f"{value:.0f} ms"


def megabytes(size: int) -> str:
    return f"{size / 2**20:.0f} MB"
