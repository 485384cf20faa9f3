"""The search for the smallest part of a schedule with which a round still fails.

A round fails at random. So a setting is tried in several rounds: so many that a setting which fails as often as the
whole schedule passes all of them in one of twenty cases only. A setting counts as failing with its first failure. The
search can keep a part that is not needed, and never claims that a setting fails which did not.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Final

from ..model.stress_choice import Part
from ..stress.interval import CONFIDENCE
from ..stress.schedule import Schedule
from ..stress.schedule_parts import halved, parts_of, with_only
from ..stress.shrunk import NO_ROUNDS, Count
from .bisection import smallest_part

Setting = tuple[Part, ...]

LEAST_ROUNDS: Final = 20
"""The least number of rounds by which a failure rate is measured: with the smallest setting, and without each part.

No setting is tried in more than MOST_ROUNDS.
"""
MOST_ROUNDS: Final = 300


class TimeIsOver(Exception):
    """The time of the search is over."""


class SmallestSetting:
    """A search. `fails` runs a round and returns whether it failed in the way that is searched for.

    `fails` raises TimeIsOver if there is no time for the round. An exception ends the search: what was found until then
    stands.
    """

    def __init__(self, schedule: Schedule, fails: Callable[[Schedule], bool]) -> None:
        self._schedule = schedule
        self._fails = fails
        self._rounds = MOST_ROUNDS
        """Rounds in which a setting is tried."""
        self.whole = parts_of(schedule)
        self.tried: dict[Setting, Count] = {}
        self.smallest: Setting | None = None
        """The smallest setting that failed so far; None if none has."""
        self._fresh: dict[Setting, Count] = {}
        """Setting → the rounds that tell how often it fails. Those of a trial end with the first failure."""

    def run(self) -> None:
        if not self._breaks(self.whole):
            return
        needed, self._rounds = rounds_to_try(self.tried[self.whole]), 0
        while needed > self._rounds:
            self._rounds = needed
            self._reduce()
            # A smaller setting may fail more seldom. Then more rounds are needed to tell what it does not need.
            needed = max(LEAST_ROUNDS, rounds_to_try(self._rate()))

    @property
    def fresh(self) -> Count:
        """The rounds that tell how often the smallest setting fails."""
        return self._fresh.get(self.smallest or (), NO_ROUNDS)

    def without(self) -> dict[Part, Count]:
        """Return each part of the smallest setting that was left out, with the rounds of all others."""
        smallest = self.smallest or ()
        rest = {part: _without(smallest, part) for part in smallest}
        return {part: self.tried[others] for part, others in rest.items() if others in self.tried}

    def _reduce(self) -> None:
        if self._breaks(()):
            return
        assert self.smallest is not None
        # `smallest_part` tries the whole first, which has failed already: `_breaks` answers from `tried`.
        setting = smallest_part(self.smallest, self._breaks, lambda: True).tests or ()
        for part in setting:
            while (half := halved(self._schedule, part)) is not None:
                smaller = tuple(half if one == part else one for one in setting)
                if not self._breaks(smaller):
                    break
                setting, part = smaller, half
        # With shorter delays the other parts may be needed more, or less.
        while (less := next(filter(self._breaks, (_without(setting, part) for part in setting)), None)) is not None:
            setting = less

    def _breaks(self, setting: Sequence[Part]) -> bool:
        """Run rounds until one fails; return whether one did. Rounds of an earlier trial count."""
        setting = tuple(setting)
        while not (count := self.tried.get(setting, NO_ROUNDS)).failed and count.rounds < self._rounds:
            failed = self._fails(with_only(self._schedule, setting))
            self.tried[setting] = count.and_round(failed)
            if failed:
                self.smallest = setting
        return self.tried[setting].failed > 0

    def _rate(self) -> Count:
        """Run rounds of the smallest setting; return how many of all its rounds failed."""
        assert self.smallest is not None
        schedule = with_only(self._schedule, self.smallest)
        while self.fresh.rounds < max(LEAST_ROUNDS, self._rounds):
            self._fresh[self.smallest] = self.fresh.and_round(self._fails(schedule))
        tried = self.tried[self.smallest]
        return Count(self.fresh.failed + tried.failed, self.fresh.rounds + tried.rounds)


def rounds_to_try(found: Count) -> int:
    """Return in how many rounds a setting that fails as often as this one fails at least once, at 95 % confidence."""
    # The rate is taken a little too low: it is known from few failures, at first from one.
    rate = found.failed / (found.rounds + 1)
    needed = math.ceil(math.log(1 - CONFIDENCE) / math.log(1 - rate))
    return min(needed, MOST_ROUNDS)


def _without(setting: Setting, part: Part) -> Setting:
    return tuple(one for one in setting if one != part)
