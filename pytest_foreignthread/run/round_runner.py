"""The children of a stressed test, which serve its rounds only."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Final

import pytest

from ..channel.orders import RunTest
from ..config.stash_keys import TICK
from ..model.observation import Left, Observation, ReportMade
from ..supervise.process.scratch import ScratchError
from . import interrupted
from .child_factory import ChildFactory
from .child_handle import ForkedChild
from .isolation import Places
from .served_test import ServedTest
from .started import ENTERED

_PACE: Final = 0.1
"""Seconds between two drawings of the live line during rounds."""


class RoundRunner:
    """Runs the rounds of one test. A child serves one after the other until it dies or cannot be trusted any more."""

    def __init__(
        self,
        config: pytest.Config,
        places: Places,
        factory: ChildFactory,
        item: pytest.Item,
        not_started: Callable[[pytest.Item, str], ServedTest],
    ) -> None:
        self._config = config
        self._places = places
        self._factory = factory
        self._item = item
        self._not_started = not_started
        self._child: ForkedChild | None = None
        draw = config.stash.get(TICK, None)
        self._tick = None if draw is None else paced(draw)

    def run(self, order: RunTest) -> ServedTest:
        """Run a round in the child that lives, or in a new one; the item's name in the order is set here."""
        item, observation = self._item, None
        try:
            if self._child is None or not self._child.folder.in_place():
                self.close()
                self._child = self._factory.new(item, None, inside_protocol=False)
        except ScratchError as error:
            return self._not_started(item, str(error))
        child = self._child
        try:
            name = child.name_of(item, self._places.of(item))
            order, entered = replace(order, item=name), self._config.stash.get(ENTERED, None)
            observation, taken = child.observe(item, order, self._tick, entered)
        except KeyboardInterrupt:
            interrupted.tear_down(self._config, child, item)
            raise
        finally:
            if not child.waits_for_order or (observation is not None and not _goes_on(observation)):
                self._child = None
                self._factory.end(child)
        return ServedTest(observation, taken, child.start_word)

    def close(self) -> ServedTest | None:
        """Let the child tear down what stands, and end; return what was seen, None if there is nothing to tell."""
        child, self._child = self._child, None
        if child is None:
            return None
        try:
            return child.end(self._places.of)
        finally:
            self._factory.end(child)


def paced(draw: Callable[[], None]) -> Callable[[], None]:
    """Return a function that calls `draw` at most once in `_PACE` seconds: a round may take a millisecond."""
    due = 0.0

    def tick() -> None:
        nonlocal due
        if time.monotonic() >= due:
            draw()
            due = time.monotonic() + _PACE

    return tick


def _goes_on(observation: Observation) -> bool:
    """Return whether the child may serve another round.

    It may not after an abnormal result, which may have left anything there, nor if the round shut the JVM down.
    """
    broke = any(one.exceptions and one.exceptions[0][0] == "SystemError" for one in observation.all(ReportMade))
    return observation.first(Left) is None and not broke
