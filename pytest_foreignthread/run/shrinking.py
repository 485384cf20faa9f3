"""Shrinks the schedule of a failed round: runs the test with less and less of it, in children of its own."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, Final

import pytest

from ..channel.report_shape import BadShape
from ..model.observation import SessionStopped
from ..model.settings import Settings
from ..stress.schedule import Schedule
from ..stress.schedule_parts import with_only
from ..stress.shrunk import NO_ROUNDS, Shrunk
from ..stress.tally import Row
from .children import Children
from .round_runner import RoundRunner
from .smallest_setting import LEAST_ROUNDS, SmallestSetting, TimeIsOver
from .stress import ends_rounds, failure_of, order_of, rerun_of, schedule_of_round, show_progress

_OPTION: Final = "foreign_thread_stress_shrink"


@dataclass(frozen=True)
class Shrinking:
    data: dict[str, Any]
    stop: SessionStopped | None = None
    """The interruption of the run during the search."""


class _EndsSearch(Exception):
    """A round is no result of the test."""

    def __init__(self, stop: SessionStopped | None) -> None:
        self.stop = stop


def shrink(children: Children, item: pytest.Item, settings: Settings, row: Row) -> Shrinking:
    """Search for the smallest part of the schedule of the row's first round that fails in the same way.

    The search ends with its time, and at ^C; then what it has found stands.
    """
    return _Search(children, item, settings, row).run()


class _Search:
    def __init__(self, children: Children, item: pytest.Item, settings: Settings, row: Row) -> None:
        self._children = children
        self._item = item
        self._settings = settings
        self._row = row
        self._began = time.monotonic()
        self._schedule = schedule_of_round(item, settings, row.seed)
        self._runner: RoundRunner | None = None
        self._number = 0

    def run(self) -> Shrinking:
        search = SmallestSetting(self._schedule, self._fails)
        ended, stop = "", None
        self._runner = self._children.round_runner(self._item)
        try:
            search.run()
        except TimeIsOver:
            ended = self._why_over()
        except _EndsSearch as error:
            ended, stop = "a round of the search could not be run", error.stop
        except KeyboardInterrupt as error:
            ended = "the search was interrupted"
            stop = SessionStopped(
                "interrupt", str(error) or "during the search for a smaller setting of a stressed test"
            )
        finally:
            self._runner.close()
        return Shrinking(self._data(search, ended), stop)

    def _why_over(self) -> str:
        limit = f"{_OPTION} is {self._settings.stress_shrink:g} s"
        if not self._number:
            return f"a round that fails takes {self._row.seconds:.1f} s, and {limit}"
        return f"the search ended early: {limit}"

    def _fails(self, schedule: Schedule) -> bool:
        """Run a round; return whether it failed as the first round of the row did."""
        assert self._runner is not None
        # A round can be ended by the test's own limits only, so it is begun only if there is time for it.
        if time.monotonic() - self._began + self._row.seconds > self._settings.stress_shrink:
            raise TimeIsOver
        self._number += 1
        show_progress(self._item, self._settings, f"shrinking, round {self._number}")
        seen = self._runner.run(order_of(self._settings, schedule, last=False))
        if ends_rounds(seen):
            raise _EndsSearch(seen.observation.first(SessionStopped))
        if seen.observation.all_passed:
            return False
        try:
            return failure_of(self._item, self._settings, seen)[0] == self._row.failure
        except BadShape:
            raise _EndsSearch(None) from None

    def _data(self, search: SmallestSetting, ended: str) -> dict[str, Any]:
        setting = search.smallest
        seconds, whole = time.monotonic() - self._began, search.tried.get(search.whole, NO_ROUNDS)
        if setting is None:
            return Shrunk(seconds, ended, whole).as_data(())
        seed, fresh = self._row.seed._replace(parts=setting), search.fresh
        without = {str(with_only(self._schedule, (part,))): count for part, count in search.without().items()}
        words = str(with_only(self._schedule, setting))
        is_whole = setting == search.whole
        # The command that repeats the row runs the whole schedule.
        shrunk = Shrunk(seconds, ended, whole, seed, words, search.tried[setting], fresh, is_whole, without)
        number = max(LEAST_ROUNDS, fresh.rounds)
        return shrunk.as_data(() if is_whole else rerun_of(self._item, self._settings, seed, number))
