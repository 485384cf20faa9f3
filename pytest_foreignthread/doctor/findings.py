"""What one examination found, as data."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

Level = Literal["ok", "note", "problem"]
LEVELS: Final[tuple[Level, ...]] = ("ok", "note", "problem")
"""Nothing to do; works, with less than there could be; tests cannot run, or a failure would not be explained."""


@dataclass(frozen=True)
class Finding:
    """`value` and `advice`, which says what to do, are one line each; what is ok needs no advice."""

    section: str
    name: str
    level: Level
    value: str
    advice: str = ""


def count(findings: Iterable[Finding], level: Level) -> int:
    return sum(one.level == level for one in findings)


def one_line(text: object) -> str:
    """Return a text of several lines as one."""
    return "; ".join(line.strip() for line in str(text).splitlines() if line.strip())


def milliseconds(seconds: float) -> str:
    """Return a duration as it is read best: `0.08 ms`, `0.6 ms`, `24 ms`."""
    value = seconds * 1000
    return f"{value:.2g} ms" if value < 10 else f"{value:.0f} ms"


def megabytes(size: int) -> str:
    return f"{size / 2**20:.0f} MB"
