"""When the rounds of a test may stop early: as soon as a difference is certain."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from .anytime import anytime_interval, excludes
from .interval import CONFIDENCE
from .shrunk import Count

_OF_ONE: Final = 1 - (1 - CONFIDENCE) / 2
"""The confidence of each of two intervals. Equal rates lie outside of one of them in 5 % of the cases at most."""


class StopRule:
    """Compares the rounds of one test in one mode with those in `others`, its other modes.

    Without others the rounds stop at the first failure that is not expected: the test fails.
    """

    def __init__(self, others: Mapping[str, Count]) -> None:
        self._others = others
        self._intervals = {mode: anytime_interval(*count, _OF_ONE) for mode, count in others.items()}

    def reason(self, count: Count, *, fails: bool) -> str:
        """Return why the rounds stop after this count; empty if they go on. `fails` is whether the test has failed."""
        if not self._others:
            return "at the first failure" if fails else ""
        words = [self._difference(mode, count) for mode in self._others]
        return f"because the test fails {', '.join(words)}" if all(words) else ""

    def _difference(self, mode: str, count: Count) -> str:
        """Return how the rate certainly differs from that in the other mode; empty if that is not certain."""
        (low, high), rate = self._intervals[mode], count.failed / count.rounds
        than = f"often than in {mode} ({self._others[mode]})"
        if rate > high and excludes(*count, high, _OF_ONE):
            return f"more {than}"
        if rate < low and excludes(*count, low, _OF_ONE):
            return f"less {than}"
        return ""
