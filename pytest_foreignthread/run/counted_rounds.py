"""The counted rounds of the run's stressed tests by mode: what a test that may stop early is compared with."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

import pytest

from ..config.stash_keys import SETTINGS
from ..matrix.verdicts import CONTROL
from ..model.settings import Settings
from ..stress.shrunk import Count
from ..stress.stopping import StopRule


class CountedRounds:
    def __init__(self, items: Iterable[pytest.Item]) -> None:
        """`items` are all of the run, as far as this process knows."""
        self._modes = defaultdict[str, set[str]](set)
        """Test → the modes in which it runs."""
        for item in items:
            if (settings := item.stash.get(SETTINGS, None)) is not None:
                self._modes[settings.test].add(settings.mode)
        self._counts = defaultdict[str, dict[str, Count]](dict)
        """Test → mode → its rounds."""

    def stop_rule(self, settings: Settings) -> StopRule | None:
        """Return the rule that may stop a test's rounds; None if nothing has run yet with which they are compared.

        The control is compared with the modes that came before it, and each other mode with the control.
        """
        modes = self._modes[settings.test]
        if CONTROL not in modes or len(modes) == 1:
            return StopRule({})
        is_control = settings.mode == CONTROL
        others = {one: count for one, count in self._counts[settings.test].items() if (one == CONTROL) != is_control}
        return StopRule(others) if others else None

    def record(self, settings: Settings, failed: int, rounds: int) -> None:
        self._counts[settings.test][settings.mode] = Count(failed, rounds)
