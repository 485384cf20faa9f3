"""Children that wait for their test: their JVMs start while the tests before them run."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Final

import pytest

from ..config.stash_keys import SETTINGS
from ..supervise.process.scratch import ScratchError
from .child_factory import ChildFactory
from .child_handle import ForkedChild
from .isolation import Places, group_of, jvm_key
from .shared_fixtures import SharedFixtures

_LOOKED_AT: Final = 32
"""Next tests among which those with a JVM are looked for: of thousands without one each would search all the others."""


class ReadyChildren:
    """The waiting children, at most `most`, for tests that have a child of their own."""

    def __init__(
        self, factory: ChildFactory, places: Places, fixtures: SharedFixtures, most: int, *, sequence_is_known: bool
    ) -> None:
        """`sequence_is_known` is False in an xdist worker, which knows only the next test in advance."""
        self._factory = factory
        self._places = places
        self._fixtures = fixtures
        self._most = most
        self._sequence_is_known = sequence_is_known
        self._waiting: list[ForkedChild] = []

    def take(self, item: pytest.Item, can_serve: Callable[[ForkedChild, pytest.Item], bool]) -> ForkedChild | None:
        """Remove and return a waiting child that can serve the item; return None if no waiting child can.

        A waiting child that has died, or that has lost its directory, is ended.
        """
        key = jvm_key(item.stash[SETTINGS])
        for waiting in tuple(self._waiting):
            if waiting.ended or not waiting.folder.in_place():
                self._waiting.remove(waiting)
                self._factory.end(waiting)
            elif waiting.key == key and can_serve(waiting, item):
                self._waiting.remove(waiting)
                return waiting
        return None

    def fork_ahead(self, item: pytest.Item, nextitem: pytest.Item | None) -> None:
        """Start children for the next tests, so that their JVMs start while this test runs."""
        have = Counter(one.key for one in self._waiting)
        for one in itertools.islice(self._likely_next(item, nextitem), self._most):
            settings = one.stash[SETTINGS]
            if have[jvm_key(settings)] > 0:
                have[jvm_key(settings)] -= 1
                continue
            try:
                waiting = self._factory.new(one, None, inside_protocol=False)
            except ScratchError:
                # Not this test's error. If there is still no room when the other test runs, that test reports it.
                return
            self._waiting.append(waiting)

    def _likely_next(self, item: pytest.Item, nextitem: pytest.Item | None) -> Iterator[pytest.Item]:
        """Yield the next tests that have a child of their own, up to the first test that may change the pytest process.

        An ordinary test changes the process. So does a step to another parent once ordinary tests have run: pytest then
        tears down fixtures in the pytest process, and an earlier fork would still hold them.
        """
        if nextitem is None:
            return
        later: Iterable[pytest.Item] = self._places.after(nextitem) if self._sequence_is_known else ()
        for one in itertools.islice(itertools.chain([nextitem], later), _LOOKED_AT):
            moves = self._fixtures.ordinary_tests_ran and one.parent is not item.parent
            if SETTINGS not in one.stash or group_of(one) is not None or moves:
                return
            # The JVM is what takes time to start: forking a child without one ahead of need saves nothing.
            if one.stash[SETTINGS].jvm is not None:
                yield one

    def drop_copies(self) -> None:
        """End the waiting children that are forks of the pytest process."""
        copies = [one for one in self._waiting if one.is_copy]
        self._waiting = [one for one in self._waiting if not one.is_copy]
        for one in copies:
            self._factory.end(one)
