"""The children of a run: which one serves a test, for how long it lives, and which are ready ahead of need."""

from __future__ import annotations

import functools
import itertools
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pytest

from . import documents
from .child import main as child
from .child.serving import Tests, WarningFilter
from .isolation import Group, JvmKey, Places, group_of, jvm_key, module_of
from .items import SETTINGS
from .live_line import TICK
from .measured import take_in
from .observation import Observation
from .orders import End, RunTest
from .settings import DUMP_SIGNAL, Settings
from .shared_fixtures import SharedFixtures
from .supervise import native
from .supervise.fork import OpenEnds
from .supervise.held import CrashWatch
from .supervise.probe import take_crash, take_documents
from .supervise.scratch import ScratchRoot
from .supervise.signals import surely
from .supervise.supervisor import SupervisedChild

_INTERRUPTED: Final = 5.0
"""Seconds for each phase that is left of a test which is interrupted."""


@dataclass(frozen=True)
class Seen:
    """What was seen of a test, and which tests the child had served before it, the first one first."""

    observation: Observation
    taken: documents.Documents
    before: tuple[pytest.Item, ...] = ()


@dataclass
class _Child:
    supervised: SupervisedChild
    folder: Path
    settings: Settings
    known: int
    """Items that it knows: those of the run at its fork."""
    standing: frozenset[pytest.Item | pytest.Collector]
    """Where fixtures stood at the fork that are not its own to tear down."""
    served: list[pytest.Item] = field(default_factory=list)
    ahead: pytest.Item | None = None
    """The test that it was told to run before its turn."""

    @property
    def key(self) -> JvmKey:
        return jvm_key(self.settings)


class Children:
    """Call `finish` where a run ends in order, and `close` in any case."""

    def __init__(
        self,
        session: pytest.Session,
        scratch: ScratchRoot,
        fixtures: SharedFixtures,
        filters: Sequence[WarningFilter],
        *,
        ready: int,
        with_cache: Callable[[Settings], Settings],
    ) -> None:
        """`filters` are the warning filters outside of any test, `ready` how many children may wait for theirs."""
        self._with_cache = with_cache
        self._config = session.config
        self._places = Places(session.items)
        self._scratch = scratch
        self._fixtures = fixtures
        self._filters = filters
        self._most_ready = ready
        # In an xdist worker others than the next item are not known to come.
        self._order_is_known = not hasattr(session.config, "workerinput")
        self._ends = OpenEnds()
        self._living: dict[Group, _Child] = {}
        self._ready: list[_Child] = []
        self._made: list[_Child] = []
        """Each that was not closed."""

    def run(self, item: pytest.Item, nextitem: pytest.Item | None, *, alone: bool = False) -> Seen:
        """Let a child run the test: its group's, one that is ready, or a new one; `alone` wants one of its own."""
        group = None if alone else group_of(item)
        self._end_other_modules(item)
        serving = self._living.get(group) if group is not None else None
        if serving is not None and not (serving.ahead is item or self._can_serve(serving, item)):
            self.retire(item)
            serving = None
        serving = serving or self._taken_from_ready(item) or self._new(item.stash[SETTINGS], item)
        if group is not None:
            self._living[group] = serving
        before = tuple(serving.served)
        serving.served.append(item)
        order = None if serving.ahead is item else self._order(serving, group, item, nextitem)
        observation, taken = self._observed(serving, item, nextitem, order)
        if observation.all_passed and nextitem is not None:
            self._order_ahead(serving, group, nextitem)
        return Seen(observation, taken, before)

    def _order(self, serving: _Child, group: Group | None, item: pytest.Item, nextitem: pytest.Item | None) -> RunTest:
        following = None if nextitem is None else self._places.of(nextitem)
        known = following if following is not None and following < serving.known else None
        return RunTest(self._places.of(item), known, self._is_last(serving, group, item, nextitem))

    def _order_ahead(self, serving: _Child, group: Group | None, item: pytest.Item) -> None:
        """Let the child begin its next test while the reports of this one are written, where nothing can come between.

        A test that failed may end the run, and ordinary tests may change what this one needs.
        """
        certain = self._order_is_known and not self._fixtures.ordinary_tests_ran
        if certain and group_of(item) == group and self._can_serve(serving, item):
            serving.ahead = item
            serving.supervised.give(self._order(serving, group, item, next(iter(self._places.after(item)), None)))

    def _can_serve(self, serving: _Child, item: pytest.Item) -> bool:
        known = self._places.of(item) < serving.known
        # A second run of an item would find what the first one left in it.
        return known and item not in serving.served and serving.standing <= set(item.listchain())

    def _is_last(self, serving: _Child, group: Group | None, item: pytest.Item, nextitem: pytest.Item | None) -> bool:
        if group is None or nextitem is None or not self._places.may_come_again(group, item):
            return True
        return not serving.standing <= set(nextitem.listchain())

    def _observed(
        self, serving: _Child, item: pytest.Item, nextitem: pytest.Item | None, order: RunTest | None
    ) -> tuple[Observation, documents.Documents]:
        settings = item.stash[SETTINGS]
        serving.ahead = None
        observation = None
        try:
            serving.supervised.start_quietly()
            self._fork_ahead(item, nextitem)
            observation = serving.supervised.observe(
                settings.limit, probe=_probe(serving), order=order, tick=self._config.stash.get(TICK, None)
            )
            # Most tests leave nothing to explain.
            taken = {} if observation.all_passed else documents.read(serving.folder, observation)
            return observation, taken
        finally:
            if observation is None or not observation.serving:
                surely(functools.partial(self._close, serving))

    def _fork_ahead(self, item: pytest.Item, nextitem: pytest.Item | None) -> None:
        """Let the children of the next tests start their JVMs while this test runs."""
        have = Counter(one.key for one in self._ready)
        for one in itertools.islice(self._likely_next(item, nextitem), self._most_ready):
            settings = one.stash[SETTINGS]
            if have[jvm_key(settings)] > 0:
                have[jvm_key(settings)] -= 1
                continue
            waiting = self._new(settings, None)
            self._ready.append(waiting)
            waiting.supervised.start_quietly()

    def _likely_next(self, item: pytest.Item, nextitem: pytest.Item | None) -> Iterator[pytest.Item]:
        """Give the tests that come next with a child of their own, as long as the pytest process stays as it is."""
        if nextitem is None:
            return
        later: Iterable[pytest.Item] = self._places.after(nextitem) if self._order_is_known else ()
        for one in itertools.chain([nextitem], later):
            moves = self._fixtures.ordinary_tests_ran and one.parent is not item.parent
            if SETTINGS not in one.stash or group_of(one) is not None or moves:
                return
            yield one

    def _taken_from_ready(self, item: pytest.Item) -> _Child | None:
        key = jvm_key(item.stash[SETTINGS])
        for waiting in self._ready:
            if waiting.key == key and self._can_serve(waiting, item) and not waiting.supervised.ended:
                self._ready.remove(waiting)
                return waiting
        return None

    def _new(self, settings: Settings, begun: pytest.Item | None) -> _Child:
        folder, settings = self._scratch.child_folder(), self._with_cache(settings)
        tests = Tests(
            self._config,
            self._places.items,
            SETTINGS,
            None if begun is None else self._places.of(begun),
            self._fixtures.ordinary_tests_ran,
            self._filters,
        )
        supervised = SupervisedChild(
            lambda sender, orders: child.run(tests, settings, folder, sender, orders),
            _crash_watch(settings, folder),
            self._ends,
        )
        made = _Child(supervised, folder, settings, len(self._places.items), self._fixtures.standing())
        self._made.append(made)
        return made

    def _end_other_modules(self, item: pytest.Item) -> None:
        here = module_of(item)
        for group in [group for group in self._living if group.module not in (None, here)]:
            self._end(group)

    def retire(self, item: pytest.Item) -> None:
        """Let the child of the item's group tear down what it has set up, and end; its next test gets another."""
        if (group := group_of(item)) in self._living:
            self._end(group)

    def drop_ready(self) -> None:
        """Call when the pytest process has changed: those that wait are copies of what it was."""
        waiting, self._ready = self._ready, []
        for one in waiting:
            surely(functools.partial(self._close, one))

    def _end(self, group: Group) -> None:
        ending = self._living.pop(group)
        try:
            limits = ending.served[-1].stash[SETTINGS].limit
            if ending.ahead is not None:
                # It runs a test that is not to be reported. What it has set up is to be torn down all the same.
                ending.supervised.interrupt()
                ending.supervised.observe(lambda _: _INTERRUPTED)
            seen = ending.supervised.observe(limits, probe=_probe(ending), order=End())
        finally:
            surely(functools.partial(self._close, ending))
        if not seen.finished:
            # No test is there to bear it.
            last = ending.served[-1].nodeid
            warnings.warn(
                pytest.PytestWarning(f"the child that served {last} last did not end in order: {seen.end}"),
                stacklevel=2,
            )

    def finish(self) -> None:
        self.drop_ready()
        for group in tuple(self._living):
            self._end(group)

    def close(self) -> None:
        """End what still lives; nothing of it is left."""
        self._living.clear()
        self._ready.clear()
        for one in tuple(self._made):
            surely(functools.partial(self._close, one))

    def _close(self, one: _Child) -> None:
        for group in [group for group, living in self._living.items() if living is one]:
            del self._living[group]
        one.supervised.close()
        take_in(one.folder / f"{documents.COVERAGE}.{documents.COVERAGE_SUFFIX}")
        self._scratch.discard(one.folder)
        if one in self._made:
            self._made.remove(one)


def _probe(serving: _Child) -> functools.partial[tuple[dict[str, str], dict[str, str]]]:
    return functools.partial(
        take_documents,
        traceback_file=serving.folder / documents.PYTHON_HANG,
        dump_signal=DUMP_SIGNAL,
        native_choice=serving.settings.native,
    )


def _crash_watch(settings: Settings, folder: Path) -> CrashWatch | None:
    if not native.is_wanted(settings.native):
        return None
    return CrashWatch(folder, functools.partial(take_crash, native_choice=settings.native))
