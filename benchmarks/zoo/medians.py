"""How many rounds a race needs until it shows: medians of a few runs, and the table of all races."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median_high
from typing import Final

RUNS: Final = 5
_BLOCK: Final = re.compile("(<!-- made by: make zoo -->\n).*?(<!-- end -->\n)", re.DOTALL)
_HEAD: Final = (
    "| race | mode | threads | plain repetition | shaken schedule | ends as |",
    "|---|---|---|---|---|---|",
)


@dataclass
class Race:
    """The rounds until the first failure of a race, by run; infinity if a run reached the limit first."""

    name: str
    mode: str = ""
    threads: int = 1
    outcomes: set[str] = field(default_factory=set)
    plain: list[float] = field(default_factory=list)
    shaken: list[float] = field(default_factory=list)

    def add(self, entry: Mapping[str, object], *, plain: bool) -> None:
        """Add a test's entry of a machine-readable report."""
        stress = entry["stress"]
        assert isinstance(stress, dict)
        self.mode, self.threads = str(entry["mode"]), int(stress["threads"])
        failed = int(stress["failed"]) > 0
        (self.plain if plain else self.shaken).append(int(stress["rounds"]) if failed else math.inf)
        if failed:
            self.outcomes.add(str(entry["outcome"]))

    def row(self, limit: int) -> str:
        name = self.name.replace("_", " ")
        plain, shaken = (_shown(counts, limit) for counts in (self.plain, self.shaken))
        return f"| {name} | `{self.mode}` | {self.threads} | {plain} | {shaken} | {', '.join(sorted(self.outcomes))} |"


def is_decided(counts: Sequence[float]) -> bool:
    """Return whether more runs cannot change the median of `RUNS`: most of them have reached the limit."""
    return len(counts) >= RUNS or sum(map(math.isinf, counts)) > RUNS // 2


def _shown(counts: Sequence[float], limit: int) -> str:
    """Return the median, with the least and the most."""
    if not counts:
        return ""
    least, most = min(counts), max(counts)
    middle = math.inf if is_decided(counts) and len(counts) < RUNS else median_high(counts)
    if math.isinf(least):
        return f"over {limit}"
    words = [f"over {limit}" if math.isinf(one) else str(int(one)) for one in (middle, least, most)]
    return words[0] if least == most else f"{words[0]} ({words[1]} to {words[2]})"


def table(races: Sequence[Race], limit: int) -> str:
    return "\n".join([*_HEAD, *(race.row(limit) for race in races)])


def with_block(page: str, block: str) -> str:
    """Return a page with the block of figures replaced. Raise ValueError if the page has none."""
    made, number = _BLOCK.subn(lambda found: f"{found[1]}\n{block}\n\n{found[2]}", page)
    if number != 1:
        raise ValueError(f"expected one block of figures in the page, got {number}")
    return made
