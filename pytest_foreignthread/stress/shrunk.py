"""The smallest part of a failed round's schedule with which a round still fails, as text and as plain data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from ..model.stress_choice import Seed
from .interval import interval, percent
from .verdict import rounds_in_words


class Count(NamedTuple):
    failed: int = 0
    rounds: int = 0

    def and_round(self, failed: bool) -> Count:
        return Count(self.failed + failed, self.rounds + 1)

    def as_data(self) -> dict[str, int]:
        return {"failed": self.failed, "rounds": self.rounds}

    def __str__(self) -> str:
        return f"{self.failed} of {rounds_in_words(self.rounds)}"


NO_ROUNDS: Final = Count()


@dataclass(frozen=True)
class Shrunk:
    """What a search has found; `ended` says why it ended early, and is empty for one that came to its end."""

    seconds: float
    ended: str = ""
    whole: Count = NO_ROUNDS
    """The rounds with the whole schedule."""
    seed: Seed | None = None
    """Names the smallest setting that failed; None if no round failed in the same way again."""
    schedule: str = ""
    searched: Count = NO_ROUNDS
    """The rounds of the search with the smallest setting: these end with the first failure."""
    fresh: Count = NO_ROUNDS
    """Rounds with the smallest setting after the search."""
    is_whole: bool = False
    """Whether the smallest setting is the whole schedule."""
    without: Mapping[str, Count] = field(default_factory=dict)
    """Each part of the smallest setting, in words → the rounds without this part."""

    def verdict(self) -> str:
        """Return the result in one line."""
        ended = f"; {self.ended}" if self.ended else ""
        if self.seed is None:
            if not self.whole.rounds:
                return f"not shrunk: {self.ended}"
            return f"not shrunk: of the same schedule, {proof(self.whole)} failed in the same way{ended}"
        count = str(self.fresh) if self.fresh.failed else f"{self.searched} of the search"
        count += f", then {self.fresh}" if self.fresh.rounds and not self.fresh.failed else ""
        if not self.seed.parts:
            return f"it needs no shaking: as in an ordinary run, it failed in {count}{ended}"
        if self.is_whole and self.ended:
            return f"not shrunk: the same schedule failed in {count}{ended}"
        whole = ", all that its round had" if self.is_whole else ""
        return f"smallest setting that failed: {self.schedule}{whole} ({count}){ended}"

    def as_data(self, rerun: tuple[str, ...]) -> dict[str, Any]:
        """Return plain data for reports; `rerun` has the arguments that run the setting."""
        return {
            "verdict": self.verdict(),
            "seconds": self.seconds,
            "complete": not self.ended,
            "seed": None if self.seed is None else str(self.seed),
            "schedule": self.schedule,
            "searched": self.searched.as_data(),
            "fresh": self.fresh.as_data(),
            "without": [{"part": part, **count.as_data()} for part, count in self.without.items()],
            "rerun": list(rerun),
        }


def lines_of_shrunk(data: Mapping[str, Any]) -> Iterator[str]:
    """Yield the lines of a search's data, but for the command."""
    yield data["verdict"]
    for one in data["without"]:
        yield f"  without {one['part']}: {proof(Count(one['failed'], one['rounds']))}"


def proof(count: Count) -> str:
    """Return how many rounds failed and, if none did, how little that proves."""
    if count.failed:
        return str(count)
    return f"{count} (under {percent(interval(0, count.rounds)[1])} % with 95 % confidence)"
