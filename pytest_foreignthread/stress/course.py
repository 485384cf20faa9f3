"""The course of a test's rounds in bounded memory: the outcomes in bins of rounds, and how long the rounds took."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any, Final

MOST_BINS: Final = 60
_RATIO: Final = math.log(1.02)
"""Durations whose logarithms differ by less are one: the median is known within 1 %."""
_LEAST: Final = 1e-9
"""Seconds. The logarithm of 0 does not exist."""


class Course:
    def __init__(self) -> None:
        self._width = 1
        """Rounds of a bin: the bins are merged in pairs as soon as they are too many."""
        self._bins: list[Counter[str]] = []
        self._steps = Counter[int]()
        self._shortest, self._longest = math.inf, 0.0
        self._rounds = 0

    def add(self, outcome: str, seconds: float) -> None:
        if self._rounds == MOST_BINS * self._width:
            self._bins = [first + second for first, second in zip(self._bins[::2], self._bins[1::2], strict=True)]
            self._width *= 2
        if self._rounds % self._width == 0:
            self._bins.append(Counter())
        self._bins[-1][outcome] += 1
        self._rounds += 1
        self._steps[round(math.log(max(seconds, _LEAST)) / _RATIO)] += 1
        self._shortest, self._longest = min(self._shortest, seconds), max(self._longest, seconds)

    def bins(self) -> list[dict[str, Any]]:
        """Return the bins as plain data: numbers of the first and the last round, and how many had which outcome."""
        width = self._width
        return [
            {"first": number * width + 1, "last": min((number + 1) * width, self._rounds), "outcomes": dict(outcomes)}
            for number, outcomes in enumerate(self._bins)
        ]

    def durations(self) -> dict[str, float]:
        """Return the shortest, the median and the longest duration in seconds. There is at least one round."""
        median = min(max(self._median(), self._shortest), self._longest)
        return {"min": self._shortest, "median": median, "max": self._longest}

    def _median(self) -> float:
        left = (self._rounds + 1) // 2
        for step in sorted(self._steps):
            left -= self._steps[step]
            if left <= 0:
                return math.exp(step * _RATIO)
        return self._longest
