"""How often a test is to run, and from which seed the schedules of its rounds come."""

from __future__ import annotations

from typing import Final, NamedTuple


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


class Share(NamedTuple):
    """Which rounds of a test this process runs: of each `of` rounds that of the number `first`, which is at least 1."""

    first: int
    of: int

    def number(self, done: int) -> int:
        """Return the number of the round that follows after so many rounds of this process."""
        return self.first + done * self.of

    def part_of(self, amount: Amount) -> Amount:
        """Return how much of an amount this process runs: at least one round, and all of a time."""
        if amount.rounds is None:
            return amount
        return amount._replace(rounds=max(1, len(range(self.first, amount.rounds + 1, self.of))))


ALL_ROUNDS: Final = Share(1, 1)


class Part(NamedTuple):
    """A part of a schedule that stays shaken: a name in `stress.schedule_parts`. A delay may be divided."""

    name: str
    divisor: int = 1

    def __str__(self) -> str:
        return self.name if self.divisor == 1 else f"{self.name}/{self.divisor}"


NO_PART: Final = "none"
"""Stands for the parts of a schedule in which nothing is shaken."""


class Seed(NamedTuple):
    """The seed of a run; with `round` each round of a test has the schedule of the round of that number.

    With `parts` only these parts of that schedule are shaken, and the others are as in an ordinary run.
    """

    run: int
    round: int | None = None
    parts: tuple[Part, ...] | None = None

    def __str__(self) -> str:
        shaken = None if self.parts is None else ",".join(map(str, self.parts)) or NO_PART
        return ":".join(str(one) for one in (self.run, self.round, shaken) if one is not None)
