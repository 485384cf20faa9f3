"""How fast the tests of a run end, and the time that those will take which are left."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Final

from ..model.nodeids import mode_of

_ENOUGH: Final = 5
"""Tests that have to be done before anything is said of the others."""


class Pace:
    """Counts tests by mode, for a mode that starts threads costs more than the control. Durations are in seconds."""

    def __init__(self, modes: Sequence[str]) -> None:
        self._modes = modes
        self._expected: Counter[str] = Counter()
        self._ended: Counter[str] = Counter()
        self._spent: defaultdict[str, float] = defaultdict(float)

    def expect(self, nodeids: Iterable[str]) -> None:
        self._expected.update(mode_of(nodeid, self._modes) for nodeid in nodeids)

    def ended(self, nodeid: str, seconds: float) -> None:
        mode = mode_of(nodeid, self._modes)
        self._ended[mode] += 1
        self._spent[mode] += seconds

    @property
    def done(self) -> int:
        return self._ended.total()

    @property
    def total(self) -> int:
        """Never less than `done`: plugins run tests again."""
        return max(self._expected.total(), self.done)

    def left(self, at_once: int = 1) -> float | None:
        """Return the time until all are done, where so many run at once; None while too few are."""
        if self.done < _ENOUGH:
            return None
        seconds = sum(count * self._mean(mode) for mode, count in (self._expected - self._ended).items())
        return seconds / max(1, at_once)

    def _mean(self, mode: str) -> float:
        if number := self._ended[mode]:
            return self._spent[mode] / number
        return sum(self._spent.values()) / self.done
