"""Known outcomes of tests, as plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from ...model.outcomes import Outcome

HEADER: Final = (
    "# Known outcomes of foreign-thread tests: test | mode=outcome, … | reason | link=… | until=YYYY-MM-DD",
    "# Only what differs from them fails a run. --foreign-thread-update-baseline brings them up to date; reasons stay.",
)


@dataclass(frozen=True)
class Known:
    """The known outcomes of one test: its entry in the baseline. An entry has a reason and at least one mode."""

    test: str
    outcomes: Mapping[str, frozenset[Outcome]]
    """Mode → the outcomes that are known in that mode, several for a flaky test."""
    reason: str
    link: str | None = None
    until: date | None = None
    """The last day on which the entry is valid."""
    comments: tuple[str, ...] = ()
    """The lines of comment above the entry, `#` included."""
    line: int | None = None
    """The line of the entry in the file; None for an entry that is in no file."""

    def expired(self, today: date) -> bool:
        return self.until is not None and self.until < today


@dataclass(frozen=True)
class Baseline:
    tests: Mapping[str, Known]
    header: tuple[str, ...] = HEADER
    footer: tuple[str, ...] = ()
    """Comments below the last test."""


def outcomes_of(words: str) -> frozenset[Outcome]:
    """Return the outcomes in a text such as `segfault` or `hang/passed`; raise ValueError for anything else."""
    found = {word.strip(): None for word in words.split("/")}
    valid = {outcome.value: outcome for outcome in Outcome}
    if wrong := [word for word in found if word not in valid]:
        raise ValueError(f"no outcome: {wrong[0]!r}: expected one of {', '.join(valid)}, or several with `/` between")
    return frozenset(valid[word] for word in found)


def words_of(outcomes: frozenset[Outcome]) -> str:
    """Return the text that `outcomes_of` reads."""
    return "/".join(sorted(outcome.value for outcome in outcomes))
