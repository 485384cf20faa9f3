"""Decides which child serves a test (its group's, a child that is ready, or a new child), and when a child ends."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from ..channel.orders import RunTest
from ..config.stash_keys import SETTINGS, TICK
from ..interop.loops import may_repeat_a_pass
from ..interop.xdist import is_worker
from ..matrix.verdicts import CONTROL
from ..model import documents
from ..model.observation import EndedBy, Left, Lost, NotServed, Observation, ReportMade
from ..model.outcomes import Phase
from ..report.pytest.recorded_warnings import own_warning, replay
from ..supervise.process.scratch import ScratchError
from ..supervise.process.signals import retry_interrupted
from . import interrupted
from .child_costs import ChildCosts, shown
from .child_factory import ChildFactory
from .child_handle import ForkedChild
from .isolation import Group, Places, group_of, module_of
from .ready_children import ReadyChildren
from .round_runner import RoundRunner
from .served_test import ServedTest
from .shared_fixtures import SharedFixtures
from .started import ENTERED


class Children:
    """The children of a run. The caller must call `finish` if the run ends in order, and `close` in any case."""

    def __init__(
        self,
        config: pytest.Config,
        places: Places,
        fixtures: SharedFixtures,
        factory: ChildFactory,
        most_ready: int,
        costs: ChildCosts,
    ) -> None:
        """`most_ready` is how many children may wait for their tests; `costs` counts what the run's last lines say."""
        self._config = config
        self._places = places
        self._fixtures = fixtures
        self._factory = factory
        # An xdist worker knows which item comes next, and of no later item whether it comes to this worker.
        self._sequence_is_known = not is_worker(config)
        self._ready = ReadyChildren(factory, places, fixtures, most_ready, sequence_is_known=self._sequence_is_known)
        # With --pdb or --trace no test runs ahead and none runs a second time: the debugger would open in both.
        self.debugs = any(config.getoption(name, False) for name in ("usepdb", "trace"))
        self._may_repeat = may_repeat_a_pass(config)
        self.starts = factory.starts
        self._costs = costs
        self._living: dict[Group, ForkedChild] = {}
        self._with_wide_fixtures: set[ForkedChild] = set()
        """The children that have sent a message which says that their fixtures of wider scopes are set up."""
        self._setup_began = 0.0
        """When the setup of the last test began, on the monotonic clock, in seconds."""
        self._controls: dict[str, pytest.Item] | None = None
        """Test of the matrix → its item in mode `main`; None until somebody asks."""
        self.late: list[tuple[pytest.Item, ServedTest]] = []
        """The ends of children that are to be reported: the test that a child had served last, and what was seen."""
        self._one_at_a_time = False
        """Whether a fixture of a wider scope could not be set up in two children at once: it takes a port, for example.

        From then on a child ends before a test in another child sets up such fixtures.
        """

    def run(self, item: pytest.Item, nextitem: pytest.Item | None, *, own_child: bool = False) -> ServedTest:
        """Run the test in its group's child, or in another; with `own_child`, in a child that serves no other test.

        A setup that fails while another child has fixtures of wider scopes is repeated once without that child.
        """
        group = None if own_child else group_of(item)
        if own_child or (group is not None and group.reports_leftovers and self._one_at_a_time):
            self._end_those_with_wide_fixtures(besides=group)
        began = time.monotonic()
        seen = self._run(item, nextitem, group)
        if group is None and not own_child:
            self._costs.began(max(0.0, self._setup_began - began))
        if (
            group is None
            or not group.reports_leftovers
            or self._one_at_a_time
            or not _could_not_set_up(seen.observation)
        ):
            return seen
        if not any(living in self._with_wide_fixtures for other, living in self._living.items() if other != group):
            return seen
        # Without this plugin one process sets up these fixtures once. Here two children did so at the same time; a
        # setup that fails for that reason is not the test's failure.
        self.retire(item)
        self._end_those_with_wide_fixtures()
        # Set before the run: the next test would otherwise begin in another child, ahead of its turn.
        self._one_at_a_time = True
        again = self._run(item, nextitem, group)
        self._one_at_a_time = not _could_not_set_up(again.observation)
        return again if self._one_at_a_time else seen

    def _run(self, item: pytest.Item, nextitem: pytest.Item | None, group: Group | None) -> ServedTest:
        self._end_other_modules(item)
        try:
            child = self._child_for(item, group)
        except ScratchError as error:
            return self._not_started(item, str(error))
        if group is not None:
            self._living[group] = child
        number_before = len(child.served)
        order = None if child.ahead is item else self._new_order(child, group, item, nextitem)
        observation, taken = self._observed(child, item, nextitem, order)
        self._note_wide_fixtures(child, observation)
        seen = ServedTest(observation, taken, child.start_word, child.served, number_before)
        left = None if group is None else _left_in(observation, reports_leftovers=group.reports_leftovers)
        if group is not None and left is not None:
            if group.reports_leftovers:
                self._costs.left(item.nodeid, left)
            ended = self._ended(group) if observation.waits_for_order else None
            seen = seen if ended is None else seen.torn_down(ended)
            if not group.reports_leftovers:
                seen = seen.warned(own_warning(f"the test left {shown(left)}: a new child serves the next test"))
        elif observation.all_passed and nextitem is not None and not self.late:
            # The report of a late end may need a second run, before which other children end.
            self._start_ahead(nextitem)
        return seen

    def run_after(
        self, before: Sequence[pytest.Item], item: pytest.Item, has_time: Callable[[], bool]
    ) -> ServedTest | None:
        """Run the tests `before` in a new child, then the item; return what was seen of the item.

        Return None if the child ended before the item began, or if `has_time` returned False before a test.
        """
        self._end_those_with_wide_fixtures()
        try:
            child = self._factory.new(item, group_of(item), inside_protocol=False)
        except ScratchError:
            return None
        tick = self._config.stash.get(TICK, None)
        try:
            for one, following in itertools.pairwise([*before, item, None]):
                if one is None or not has_time() or not self._can_serve(child, one):
                    return None
                next_item = None if following is None else self._name(child, following)
                order = RunTest(child.name_of(one, self._places.of(one)), next_item, last=following is None)
                observation, taken = child.observe(one, order, tick)
                if following is not None and not observation.waits_for_order:
                    return None
            return ServedTest(observation, taken, child.start_word, before, len(before))
        finally:
            self._factory.end(child)

    def control_of(self, test: str) -> pytest.Item | None:
        """Return the item of the test in mode `main`; None if there is none, or if a mark may skip it."""
        if self._controls is None:
            settings = ((item, item.stash.get(SETTINGS, None)) for item in self._places.items)
            self._controls = {one.test: item for item, one in settings if one is not None and one.mode == CONTROL}
        control = self._controls.get(test)
        return None if control is None or _may_be_skipped(control) else control

    def round_runner(self, item: pytest.Item) -> RoundRunner:
        """Return the runner of the test's rounds. The caller must call its `close`."""
        self._end_those_with_wide_fixtures()
        return RoundRunner(self._config, self._places, self._factory, item, self._not_started)

    def _note_wide_fixtures(self, child: ForkedChild, observation: Observation) -> None:
        left = observation.first(Left)
        if left is not None and left.has_wide_fixtures and observation.waits_for_order:
            self._with_wide_fixtures.add(child)
        else:
            self._with_wide_fixtures.discard(child)

    def _end_those_with_wide_fixtures(self, besides: Group | None = None) -> None:
        """End the children whose fixtures of wider scopes are set up, except the child of `besides`.

        What such a fixture needs may exist once: no second child may set up the same fixture at the same time.
        """
        for group in [group for group, living in self._living.items() if living in self._with_wide_fixtures]:
            if group != besides:
                self._end(group)

    def _not_started(self, item: pytest.Item, reason: str) -> ServedTest:
        """Return the result of a test for which no scratch directory could be made. The next test tries again."""
        settings = item.stash[SETTINGS]
        limit, lost = settings.limit(Phase.FORK), Lost("it was not forked")
        observation = Observation((NotServed(reason),), lost, EndedBy.ITSELF, Phase.FORK, 0.0, 0.0, limit)
        return ServedTest(observation, {}, self.starts.how(settings))

    def _child_for(self, item: pytest.Item, group: Group | None) -> ForkedChild:
        living = self._living.get(group) if group is not None else None
        if living is not None and (living.ahead is item or self._can_serve(living, item)):
            return living
        if living is not None:
            self.retire(item)
        return self._ready.take(item, self._can_serve) or self._factory.new(item, group, inside_protocol=True)

    def _can_serve(self, living: ForkedChild, item: pytest.Item) -> bool:
        # A test may have removed the child's directory. Without it a crash would leave no stacks.
        return living.folder.in_place() and living.can_serve(item, self._places.of(item))

    def _new_order(
        self, child: ForkedChild, group: Group | None, item: pytest.Item, nextitem: pytest.Item | None
    ) -> RunTest:
        if group is not None and self._sequence_is_known:
            # In a matrix the next test of the run is mostly one of another child. A fixture that only that test needs
            # is torn down now: later its failure would be lost, or be another test's.
            nextitem = self._places.next_in_group(item)
        following = None if nextitem is None else self._name(child, nextitem)
        ends = group is None or nextitem is None or not self._places.may_come_again(group, item)
        last = ends or nextitem is None or not child.can_go_on_to(nextitem)
        reports_leftovers = group is not None and group.reports_leftovers and not last
        return RunTest(child.name_of(item, self._places.of(item)), following, last, reports_leftovers)

    def _name(self, child: ForkedChild, item: pytest.Item) -> int | str | None:
        """Return the name that an order uses for the item; None if the child does not know the item."""
        place = self._places.of(item)
        return child.name_of(item, place) if child.knows(item, place) else None

    def _start_ahead(self, item: pytest.Item) -> None:
        """Let the next test begin, in the child of its group, while the reports of this one are written.

        That is done if the next test surely comes. The caller has checked that this test passed, because a failure may
        end the run (`-x`). This method also wants a known sequence of tests, no debugger, no plugin that repeats a test
        that passed, no mark that may skip the next test, and no ordinary test so far: once ordinary tests have run,
        fixtures of the pytest process may be torn down between two tests. Nor may another child have to end first, or
        the test be stressed: other children run its rounds.
        """
        group = group_of(item)
        serves = group is not None and not self._one_at_a_time and item.stash[SETTINGS].stress is None
        child = self._living.get(group) if group is not None and serves else None
        known = self._sequence_is_known and not self.debugs and not self._may_repeat
        certain = known and not self._fixtures.ordinary_tests_ran and not _may_be_skipped(item)
        if child is not None and certain and self._can_serve(child, item):
            # The sequence is known, so `_new_order` itself finds what follows in the group.
            child.order_ahead(item, self._new_order(child, group, item, None))

    def _observed(
        self, child: ForkedChild, item: pytest.Item, nextitem: pytest.Item | None, order: RunTest | None
    ) -> tuple[Observation, documents.Documents]:
        try:
            self._ready.fork_ahead(item, nextitem)
            tick, entered = self._config.stash.get(TICK, None), self._config.stash.get(ENTERED, None)

            def enter(phase: Phase) -> None:
                if phase is Phase.SETUP:
                    self._setup_began = time.monotonic()
                if entered is not None:
                    entered(phase)

            observation, taken = child.observe(item, order, tick, enter)
        except KeyboardInterrupt:
            interrupted.tear_down(self._config, child, item)
            raise
        finally:
            if not child.waits_for_order:
                self._close(child)
        if child.coverage_lost is not None:
            messages = (*observation.messages, own_warning(child.coverage_lost))
            lost = {documents.COVERAGE: child.coverage_lost}
            observation = replace(observation, messages=messages, missing={**observation.missing, **lost})
        return observation, taken

    def _end_other_modules(self, item: pytest.Item) -> None:
        here = module_of(item)
        for group in [group for group in self._living if group.module not in (None, here)]:
            self._end(group)

    def retire(self, item: pytest.Item) -> None:
        """Let the child of the item's group tear down its fixtures and end. The group's next test gets a new child."""
        if (group := group_of(item)) in self._living:
            self._end(group)

    def drop_ready(self) -> None:
        """End the waiting children that are forks of the pytest process, and the process that holds pystack ready.

        Call this when the pytest process has changed, or when an ordinary test, which may count children, comes next.
        """
        self._factory.end_pystack()
        self._ready.drop_copies()

    def _end(self, group: Group) -> None:
        """End the child of the group. What comes of it is an error of the test that the child has served last."""
        ending = self._living[group]
        if (seen := self._ended(group)) is not None:
            self.late.append((ending.last_served, seen))

    def _ended(self, group: Group) -> ServedTest | None:
        """End the child of the group; return what was seen of that, None if there is nothing to tell."""
        ending = self._living.pop(group)
        try:
            ahead = ending.interrupt_ahead()
            seen = ending.end(self._places.of) if ahead is None else None
        finally:
            self._close(ending)
        if ending.served:
            last = ending.last_served
            if ahead is not None and not ahead.finished:
                # That test was not reported, so that nothing but a warning can tell of it.
                words = interrupted.end_words(ahead)
                replay(last, [own_warning(f"the child that served {last.nodeid} last did not end in order: {words}")])
            if ending.coverage_lost is not None:
                replay(last, [own_warning(ending.coverage_lost)])
        return seen

    def finish(self) -> None:
        """Let each child of a group tear down its fixtures and end."""
        for group in tuple(self._living):
            self._end(group)

    def close(self) -> None:
        """End all children without a teardown, and remove their files."""
        self._living.clear()
        # A second ^C would otherwise leave some of the children behind.
        retry_interrupted(self._factory.close)

    def _close(self, one: ForkedChild) -> None:
        for group in [group for group, living in self._living.items() if living is one]:
            del self._living[group]
        self._with_wide_fixtures.discard(one)
        self._factory.end(one)


def _left_in(observation: Observation, *, reports_leftovers: bool) -> str | None:
    """Return what the test may have left in the child that a next test must not meet; None for nothing.

    A child that had to look, and lives, and sent no `Left`, counts as one in which something was left.
    """
    if (left := observation.first(Left)) is not None:
        return left.what or None
    return "" if reports_leftovers and observation.waits_for_order else None


def _could_not_set_up(observation: Observation) -> bool:
    """Return whether the setup failed for another reason than the teardown of a fixture of earlier tests."""
    left = observation.first(Left)
    if left is not None and left.teardown_failed:
        return False
    reports = (one.report for one in observation.all(ReportMade))
    return any(report.get("when") == "setup" and report.get("outcome") == "failed" for report in reports)


def _may_be_skipped(item: pytest.Item) -> bool:
    """Return whether a mark may keep the test from running: the pytest process evaluates marks, just before a test."""
    return any(item.get_closest_marker(name) is not None for name in ("skip", "skipif", "xfail"))
