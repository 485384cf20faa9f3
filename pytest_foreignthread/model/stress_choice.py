"""How often a test is to run, and from which seed the schedules of its rounds come."""

from __future__ import annotations

from typing import NamedTuple


class Amount(NamedTuple):
    """How often a test runs in one mode: a number of rounds, or rounds for a number of seconds."""

    rounds: int | None
    seconds: float | None

    def __str__(self) -> str:
        return f"{self.rounds} rounds" if self.seconds is None else f"{self.seconds:g} s"

    def is_reached(self, rounds: int, seconds: float) -> bool:
        """Return whether so many rounds in so many seconds are enough. One round is the least."""
        if self.rounds is not None:
            return rounds >= self.rounds
        return rounds >= 1 and self.seconds is not None and seconds >= self.seconds


class Seed(NamedTuple):
    """The seed of a run; with `round` each round of a test has the schedule of the round of that number."""

    run: int
    round: int | None = None

    def __str__(self) -> str:
        return str(self.run) if self.round is None else f"{self.run}:{self.round}"
