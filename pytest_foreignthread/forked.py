"""One child as the run holds it: what it knows, what it has served, and its folder."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from . import documents
from .isolation import JvmKey, jvm_key
from .items import SETTINGS
from .measured import take_in
from .observation import Observation
from .orders import End, RunTest
from .outcomes import Phase
from .settings import DEBUGGER_FIFO, DUMP_SIGNAL, Settings
from .supervise import native
from .supervise.fork import ChildMain, OpenEnds
from .supervise.held import CrashWatch
from .supervise.lender import Lender
from .supervise.probe import take_crash, take_documents
from .supervise.pystack import Pystack
from .supervise.supervisor import SupervisedChild

Standing = frozenset[pytest.Item | pytest.Collector]
"""Nodes on which fixtures stand."""

_INTERRUPTED: Final = 5.0
"""Seconds for each phase that is left of a test which is interrupted."""


class ForkedChild:
    """Whoever made it calls `close`."""

    start_word = "fork"
    """One of `choices.STARTS`."""
    is_copy = True
    """Whether it has what the pytest process had when it came to be."""

    def __init__(
        self,
        child_main: ChildMain,
        settings: Settings,
        folder: Path,
        standing: Standing,
        ends: OpenEnds,
        pystack: Pystack,
        step_aside: Callable[[], object] | None = None,
        known: int = 0,
    ) -> None:
        """`standing` is where fixtures stand that are not the child's to tear down, `known` how many items it has.

        `step_aside` is called before a debugger there has the screen.
        """
        self.folder = folder
        self._lender = Lender(folder / DEBUGGER_FIFO, step_aside)
        self._settings = settings
        self._pystack = pystack
        self._standing = standing
        self._known = known
        self._supervised = SupervisedChild(child_main, _crash_watch(settings, folder, pystack), ends, self._lender)
        self.served: list[pytest.Item] = []
        self.ahead: pytest.Item | None = None
        """The test that it was told to run before its turn."""

    @property
    def key(self) -> JvmKey:
        return jvm_key(self._settings)

    def start(self) -> None:
        """Fork now; where there is no room, `observe` will say so."""
        self._supervised.start_quietly()

    @property
    def ended(self) -> bool:
        return self._supervised.ended

    def knows(self, item: pytest.Item, place: int) -> bool:
        """Whether the item, of that place, was there at the fork."""
        return place < self._known

    def name_of(self, item: pytest.Item, place: int) -> int | str:
        """Give the name by which an order tells it the item."""
        return place

    def can_serve(self, item: pytest.Item, place: int) -> bool:
        # A second run of an item would find what the first one left in it. What it was told ahead it tells of first.
        fresh = item not in self.served and self.ahead in (None, item)
        return fresh and self.knows(item, place) and self.can_go_on_to(item)

    def can_go_on_to(self, item: pytest.Item) -> bool:
        """Whether nothing has to be torn down before that is not the child's."""
        return self._standing <= set(item.listchain())

    def order_ahead(self, item: pytest.Item, order: RunTest) -> None:
        self.ahead = item
        self._supervised.give(order)

    def observe(
        self,
        item: pytest.Item,
        order: RunTest | None,
        tick: Callable[[], object] | None,
        entered: Callable[[Phase], object] | None = None,
    ) -> tuple[Observation, documents.Documents]:
        """Watch it run the test; without an order it was told ahead."""
        self.served.append(item)
        self.ahead = None
        limits = item.stash[SETTINGS].limit
        seen = self._supervised.observe(limits, probe=self._probe(), order=order, tick=tick, entered=entered)
        # Most tests leave nothing to explain.
        return seen, {} if seen.all_passed else documents.read(self.folder, seen)

    def end(self) -> Observation:
        """Let it tear down what it has set up, and end."""
        if self.ahead is not None:
            # It runs a test that is not to be reported. What that has set up is to be torn down all the same.
            self._lender.refuse()
            self._supervised.interrupt()
            self._supervised.observe(lambda _: _INTERRUPTED)
        limits = self.served[-1].stash[SETTINGS].limit
        return self._supervised.observe(limits, probe=self._probe(), order=End())

    def close(self) -> None:
        """Nothing is left of it but its folder; it may be closed again."""
        self._supervised.close()
        take_in(self.folder / f"{documents.COVERAGE}.{documents.COVERAGE_SUFFIX}")

    def _probe(self) -> functools.partial[tuple[dict[str, str], dict[str, str]]]:
        return functools.partial(
            take_documents,
            traceback_file=self.folder / documents.PYTHON_HANG,
            dump_signal=DUMP_SIGNAL,
            native_choice=self._settings.native,
            pystack=self._pystack,
        )


def _crash_watch(settings: Settings, folder: Path, pystack: Pystack) -> CrashWatch | None:
    """Hold a crash where HotSpot can do that."""
    if settings.jvm is None or not native.is_wanted(settings.native):
        return None
    return CrashWatch(folder, functools.partial(take_crash, native_choice=settings.native, pystack=pystack))
