"""The children of a run: which one serves a test, for how long it lives, and which are ready ahead of need."""

from __future__ import annotations

import functools
import gc
import itertools
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import pytest

from ..channel.orders import Orders, RunTest
from ..channel.wire import Sender
from ..child import collector
from ..child import main as child
from ..child.pytest.serving import Tests, WarningFilter
from ..config.stash_keys import SETTINGS, STEP_ASIDE, TICK
from ..interop.usual_input import usual_input_of
from ..model import documents
from ..model.observation import EndedBy, Lost, NotServed, Observation, WarningRecorded
from ..model.outcomes import Phase
from ..model.settings import Settings
from ..report.pytest.recorded_warnings import replay
from ..supervise.child_files import no_room
from ..supervise.probes.pystack import Pystack
from ..supervise.process.scratch import ChildFolder, ScratchError, ScratchRoot
from ..supervise.process.signals import SignalsHeld, retry_interrupted
from .child_handle import ForkedChild
from .isolation import Group, Places, group_of, jvm_key, module_of
from .shared_fixtures import SharedFixtures
from .spawned import SpawnedChild
from .start_method import Starts
from .started import ENTERED


@dataclass(frozen=True)
class Seen:
    """What was seen of a test, and which tests the child had served before it, the first one first."""

    observation: Observation
    taken: documents.Documents
    start: str
    """How the child came to be."""
    before: tuple[pytest.Item, ...] = ()


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
        starts: Starts,
        before_fork: Callable[[], None],
    ) -> None:
        """`filters` are the warning filters outside of any test, `ready` how many children may wait for theirs."""
        self._with_cache = with_cache
        self._before_fork = before_fork
        self.starts = starts
        self._config = session.config
        self._places = Places(session.items)
        self._scratch = scratch
        self._fixtures = fixtures
        self._filters = filters
        self._most_ready = ready
        # In an xdist worker others than the next item are not known to come.
        self._order_is_known = not hasattr(session.config, "workerinput")
        # A debugger that is to be in each test, or each failure, is in one test at a time, and once.
        self.debugs = any(session.config.getoption(name, False) for name in ("usepdb", "trace"))
        self._ends = scratch.ends
        self._pystack = Pystack(self._ends)
        self._living: dict[Group, ForkedChild] = {}
        self._ready: list[ForkedChild] = []
        self._made: list[ForkedChild] = []
        """Each that was not closed."""

    def run(self, item: pytest.Item, nextitem: pytest.Item | None, *, alone: bool = False) -> Seen:
        """Let a child run the test: its group's, one that is ready, or a new one; `alone` wants one of its own."""
        group = None if alone else group_of(item)
        self._end_other_modules(item)
        try:
            serving = self._serving(item, group)
        except ScratchError as error:
            return self._not_started(item, str(error))
        if group is not None:
            self._living[group] = serving
        before = tuple(serving.served)
        order = None if serving.ahead is item else self._order(serving, group, item, nextitem)
        observation, taken = self._observed(serving, item, nextitem, order)
        if observation.all_passed and nextitem is not None:
            self._order_ahead(serving, group, nextitem)
        return Seen(observation, taken, serving.start_word, before)

    def _not_started(self, item: pytest.Item, reason: str) -> Seen:
        """Return what there is of a test for which there is no scratch folder; there may be one for the next."""
        settings = item.stash[SETTINGS]
        limit, lost = settings.limit(Phase.FORK), Lost("it was not forked")
        seen = Observation((NotServed(reason),), lost, EndedBy.ITSELF, Phase.FORK, 0.0, 0.0, limit)
        return Seen(seen, {}, self.starts.how(settings))

    def _serving(self, item: pytest.Item, group: Group | None) -> ForkedChild:
        living = self._living.get(group) if group is not None else None
        if living is not None and (living.ahead is item or self._can_serve(living, item)):
            return living
        if living is not None:
            self.retire(item)
        return self._taken_from_ready(item) or self._new(item, group, begun=True)

    def _can_serve(self, living: ForkedChild, item: pytest.Item) -> bool:
        # Without its folder, which a test may have removed, it would serve, and leave nothing that tells of its death.
        return living.folder.in_place() and living.can_serve(item, self._places.of(item))

    def _order(
        self, serving: ForkedChild, group: Group | None, item: pytest.Item, nextitem: pytest.Item | None
    ) -> RunTest:
        following = None if nextitem is None else self._name(serving, nextitem)
        ends = group is None or nextitem is None or not self._places.may_come_again(group, item)
        last = ends or nextitem is None or not serving.can_go_on_to(nextitem)
        return RunTest(serving.name_of(item, self._places.of(item)), following, last)

    def _name(self, serving: ForkedChild, item: pytest.Item) -> int | str | None:
        """Return the name by which an order tells the child the item, None where it has none of it."""
        place = self._places.of(item)
        return serving.name_of(item, place) if serving.knows(item, place) else None

    def _order_ahead(self, serving: ForkedChild, group: Group | None, item: pytest.Item) -> None:
        """Let the child begin its next test while the reports of this one are written, where nothing can come between.

        A test that failed may end the run, and ordinary tests may change what this one needs.
        """
        known = self._order_is_known and not self.debugs
        certain = known and not self._fixtures.ordinary_tests_ran and not _may_be_skipped(item)
        if certain and group_of(item) == group and self._can_serve(serving, item):
            following = next(iter(self._places.after(item)), None)
            serving.order_ahead(item, self._order(serving, group, item, following))

    def _observed(
        self, serving: ForkedChild, item: pytest.Item, nextitem: pytest.Item | None, order: RunTest | None
    ) -> tuple[Observation, documents.Documents]:
        observation = None
        try:
            self._fork_ahead(item, nextitem)
            tick, entered = self._config.stash.get(TICK, None), self._config.stash.get(ENTERED, None)
            observation, taken = serving.observe(item, order, tick, entered)
        finally:
            if observation is None or not observation.serving:
                retry_interrupted(functools.partial(self._close, serving))
        if serving.coverage_lost is not None:
            messages = (*observation.messages, _warning(serving.coverage_lost))
            lost = {documents.COVERAGE: serving.coverage_lost}
            observation = replace(observation, messages=messages, missing={**observation.missing, **lost})
        return observation, taken

    def _fork_ahead(self, item: pytest.Item, nextitem: pytest.Item | None) -> None:
        """Let the children of the next tests start their JVMs while this test runs."""
        have = Counter(one.key for one in self._ready)
        for one in itertools.islice(self._likely_next(item, nextitem), self._most_ready):
            settings = one.stash[SETTINGS]
            if have[jvm_key(settings)] > 0:
                have[jvm_key(settings)] -= 1
                continue
            try:
                waiting = self._new(one, None, begun=False)
            except ScratchError:
                # Its own test will say so, unless there is room by then.
                return
            self._ready.append(waiting)

    def _likely_next(self, item: pytest.Item, nextitem: pytest.Item | None) -> Iterator[pytest.Item]:
        """Yield the tests that come next with a child of their own, as long as the pytest process does not change."""
        if nextitem is None:
            return
        later: Iterable[pytest.Item] = self._places.after(nextitem) if self._order_is_known else ()
        for one in itertools.chain([nextitem], later):
            moves = self._fixtures.ordinary_tests_ran and one.parent is not item.parent
            if SETTINGS not in one.stash or group_of(one) is not None or moves:
                return
            # Without a JVM there is nothing that takes time to start.
            if one.stash[SETTINGS].jvm is not None:
                yield one

    def _taken_from_ready(self, item: pytest.Item) -> ForkedChild | None:
        key = jvm_key(item.stash[SETTINGS])
        for waiting in tuple(self._ready):
            if waiting.ended or not waiting.folder.in_place():
                self._ready.remove(waiting)
                retry_interrupted(functools.partial(self._close, waiting))
            elif waiting.key == key and self._can_serve(waiting, item):
                self._ready.remove(waiting)
                return waiting
        return None

    def _new(self, item: pytest.Item, group: Group | None, *, begun: bool) -> ForkedChild:
        """Start a child for the item, and for others of its group; `begun` where it comes amid the item's protocol."""
        # SIGTERM would end this process after it has made the folder and before there is a keeper, who removes it.
        with SignalsHeld() as held:
            made = self._made_for(item, group, begun=begun)
            self._made.append(made)
            made.start(held)
            return made

    def _made_for(self, item: pytest.Item, group: Group | None, *, begun: bool) -> ForkedChild:
        settings = self._with_cache(item.stash[SETTINGS])
        spawns = self.starts.how(settings) == "spawn"
        if not spawns:
            self._before_fork()
        folder = self._scratch.child_folder()
        try:
            if spawns:
                made: ForkedChild = self._spawned(item, group, settings, folder)
            else:
                made = self._forked(settings, self._places.of(item) if begun else None, folder)
        except BaseException as error:
            self._scratch.discard(folder)
            if isinstance(error, OSError):
                raise ScratchError(no_room(error)) from error
            raise
        return made

    def _forked(self, settings: Settings, begun: int | None, folder: ChildFolder) -> ForkedChild:
        places = self._places
        tests = Tests(self._config, places.items, SETTINGS, begun, self._fixtures.ordinary_tests_ran, self._filters)
        collects = gc.isenabled()

        def run(sender: Sender, orders: Orders) -> None:
            collector.forget_jvm_of_parent()
            child.run(tests, settings, folder.path, sender, orders, collects=collects)

        standing = self._fixtures.standing()
        aside = self._config.stash.get(STEP_ASIDE, None)
        known, reads = len(places.items), usual_input_of(self._config)
        return ForkedChild(run, settings, folder, standing, self._ends, self._pystack, aside, known, reads)

    def _spawned(self, item: pytest.Item, group: Group | None, settings: Settings, folder: ChildFolder) -> SpawnedChild:
        others = self._places.items if group is not None else ()
        files = frozenset(str(one.path) for one in others if group_of(one) == group) | {str(item.path)}
        return SpawnedChild(self._config, settings, folder, self._ends, self._pystack, files)

    def _end_other_modules(self, item: pytest.Item) -> None:
        here = module_of(item)
        for group in [group for group in self._living if group.module not in (None, here)]:
            self._end(group)

    def retire(self, item: pytest.Item) -> None:
        """Let the child of the item's group tear down what it has set up, and end; its next test gets another."""
        if (group := group_of(item)) in self._living:
            self._end(group)

    def drop_ready(self) -> None:
        """Call when the pytest process has changed, or may look at its children: those that are copies of it go."""
        retry_interrupted(self._pystack.close)
        copies = [one for one in self._ready if one.is_copy]
        self._ready = [one for one in self._ready if not one.is_copy]
        for one in copies:
            retry_interrupted(functools.partial(self._close, one))

    def _end(self, group: Group) -> None:
        ending = self._living.pop(group)
        try:
            seen = ending.end()
        finally:
            retry_interrupted(functools.partial(self._close, ending))
        if not seen.finished:
            # No test is there to bear it.
            last = ending.served[-1].nodeid
            warnings.warn(
                pytest.PytestWarning(f"the child that served {last} last did not end in order: {seen.end}"),
                stacklevel=2,
            )
        if ending.coverage_lost is not None:
            replay(ending.served[-1], [_warning(ending.coverage_lost)])

    def finish(self) -> None:
        for group in tuple(self._living):
            self._end(group)

    def close(self) -> None:
        """End what still lives; nothing of it is left."""
        retry_interrupted(self._pystack.close)
        self._living.clear()
        self._ready.clear()
        for one in tuple(self._made):
            retry_interrupted(functools.partial(self._close, one))

    def _close(self, one: ForkedChild) -> None:
        for group in [group for group, living in self._living.items() if living is one]:
            del self._living[group]
        one.close(self._scratch.discard)
        if one in self._made:
            self._made.remove(one)


def _warning(text: str) -> WarningRecorded:
    return WarningRecorded("pytest", "PytestWarning", text, __file__, 0, "runtest")


def _may_be_skipped(item: pytest.Item) -> bool:
    """Whether a mark may keep it from running: that is seen to in the pytest process."""
    return any(item.get_closest_marker(name) is not None for name in ("skip", "skipif", "xfail"))
