"""Runs the tests that a child serves, one after the other."""

from __future__ import annotations

import functools
import sys
import unittest
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import Any, Final

import pytest

from ...channel.orders import Orders, RunTest
from ...config.stash_keys import CHILD
from ...interop import monkey_patches
from ...interop.exit_handlers import leave_inherited_at_exit
from ...interop.fixture_definitions import is_overridden
from ...interop.hook_calls import hook_of
from ...interop.hypothesis import wrap_given_body
from ...interop.pytest_fixtures import BeforeRounds, add_fixture, fixture_names, forget_instance
from ...interop.pytest_steps import is_pytests_own, teardown_step
from ...model.modes import mode_needs_jvm
from ...model.observation import Left, NotServed
from ...model.settings import Settings
from ..callback import current_thread
from ..foreign_calls import ForeignThread
from ..java.java_side import JavaSide
from ..java.jpype_bridge import jpype_bridge
from ..shaken import Shaken
from ..state import ChildState
from ..thread_values import ThreadValues
from .leftovers import Leftovers
from .measuring import CoverageOptions
from .phase_ends import PhaseEnds
from .phase_runner import PhaseRunner
from .raised_at_once import RaisedAtOnce

Items = Sequence[pytest.Item] | Mapping[str, pytest.Item]
"""Items by the names that orders have for them."""

WarningFilter = tuple[Any, ...]
"""An entry of `warnings.filters`."""


_FIXTURES: Final = "pytest_foreignthread.fixtures"
_BRIDGE: Final = "foreign_thread_bridge"


@dataclass(frozen=True)
class Tests:
    """The tests that a child may run, as the pytest process had them at the fork or a fresh interpreter found them."""

    __test__ = False

    config: pytest.Config
    items: Items
    settings: pytest.StashKey[Settings]
    """The key under which an item's stash has the settings."""
    forked_in: int | None
    """The item in whose protocol the child was forked: the hooks around this item have run already."""
    shares_fixtures: bool
    """Whether the pytest process may have set up fixtures that these tests share with later tests."""
    filters: Sequence[WarningFilter]
    """The warning filters outside of any test."""
    fresh: bool = False
    """Whether this is a fresh interpreter, in which the project may start the JVM or has started it."""
    coverage: CoverageOptions | None = None
    """What the pytest process measures, if this process is no fork of it."""
    why_missing: Callable[[object], str] = str
    """Returns why the named test is not among the items."""


def _is_closed(stream: object) -> bool:
    # A project may have put any object there.
    return getattr(stream, "closed", False) is True


class _Sibling(pytest.Item):
    """Stands beside the test as the next item, so that pytest tears down only the test."""

    def runtest(self) -> None:
        raise AssertionError("never run")


def _sibling_of(item: pytest.Item) -> pytest.Item | None:
    return None if item.parent is None else _Sibling.from_parent(item.parent, name=item.name)


class Server:
    """A plugin that replaces pytest's protocol of a test, inside all hooks that wrap the protocol."""

    def __init__(
        self, tests: Tests, state: ChildState, java: JavaSide, orders: Orders, capture_failed: Callable[[], bool]
    ) -> None:
        self._tests = tests
        self._orders = orders
        self._capture_failed = capture_failed
        self._streams = [stream for stream in (sys.stdout, sys.stderr) if not _is_closed(stream)]
        self._order: RunTest | None = None
        self._test_to_tear_down: pytest.Item | None = None
        """The test that ran last, if its order announced another next test than the test that runs now."""
        self.state = state
        self.java = java
        self.to_finalize: pytest.Item | None = None
        """The test that has passed and asks for finalization of the interpreter."""
        self.ends = PhaseEnds(java, state.sender, lambda: self.can_be_ordered)
        self._leftovers: Leftovers | None = None
        """Created with the first order that asks for a look."""
        self._before_rounds: BeforeRounds | None = None
        """Created with the first round of a stressed test."""
        self._reports_leftovers = False
        """Whether the parent wants to know what the test leaves."""
        self._only_tears_down = False
        """Whether the protocol is only the teardown of what stands at the end of the child."""

    def run(self, order: RunTest) -> None:
        """Run the test of an order, or send that this child does not have the test."""
        tests, item = self._tests, self._item(order.item)
        # An earlier test of this child may have patched the standard library.
        monkey_patches.step_around()
        self._reports_leftovers = order.reports_leftovers and item is not None
        if item is None:
            self.state.sender.send(NotServed(tests.why_missing(order.item)))
            return
        before, self._order = self._order, order
        self._test_to_tear_down = self._item(before.item) if before and before.next_item != order.item else None
        if self._reports_leftovers:
            self._look_before()
        if order.round is not None:
            self._begin_round(item)
        following = None if order.last or order.next_item is None else self._item(order.next_item) or _sibling_of(item)
        if order.round is not None and not order.last:
            following = _sibling_of(item)
        if order.item == tests.forked_in:
            self.pytest_runtest_protocol(item, following)
        else:
            self._restore_filters()
            item.ihook.pytest_runtest_protocol(item=item, nextitem=following)

    def _restore_filters(self) -> None:
        # Hook wrappers set the warning filters of the test. The filters at the fork may be those of another test.
        warnings.resetwarnings()
        warnings.filters.extend(self._tests.filters)  # type: ignore[attr-defined]

    def _begin_round(self, item: pytest.Item) -> None:
        """Let the item be as it was before its first round."""
        if self._before_rounds is None:
            self._before_rounds = BeforeRounds(item)
        self._before_rounds.restore()

    def _look_before(self) -> None:
        if self._leftovers is None:
            self._leftovers = Leftovers(self.ends)
            self._tests.config.pluginmanager.register(self._leftovers, "foreign_thread_leftovers")
        self._leftovers.begin()

    def send_leftovers(self) -> None:
        """Send what the test has left, if its order asks for that or no other test can run here; call after a test.

        The message travels with the next one.
        """
        leftovers = self._leftovers if self._reports_leftovers else None
        left = None if leftovers is None else Left(leftovers.found(), leftovers.stand, leftovers.teardown_failed)
        if (what := self._why_unfit()) is not None:
            left = replace(left or Left("", has_wide_fixtures=True), what=what)
        if left is not None:
            self.state.sender.send(left, soon=True)

    def _why_unfit(self) -> str | None:
        """Return what the test has left that keeps this child from running another test, whatever its isolation."""
        if not self.java.can_go_on():
            return "a JVM that was shut down"
        if self._capture_failed():
            return "a capture of pytest that fails since its descriptor was closed"
        if any(map(_is_closed, self._streams)):
            return "a standard stream that was closed"
        if not (self.can_be_ordered and self.state.stacks.stand):
            return "descriptors of pytest-foreignthread that were closed or replaced"
        return None

    @property
    def can_be_ordered(self) -> bool:
        """Whether both pipes to the pytest process stand: a test may have closed them."""
        return self.state.sender.stands and self._orders.stands

    @property
    def ran_last(self) -> bool:
        """Whether the last test of this child has run, whose teardown has torn down everything."""
        return self._order is not None and self._order.last

    def _item(self, name: Any) -> pytest.Item | None:
        try:
            return self._tests.items[name]
        except (LookupError, TypeError):
            return None

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item, nextitem: pytest.Item | None) -> bool:
        if self._only_tears_down:
            PhaseRunner(item, self.state, self.ends).tear_down_rest()
            return True
        settings = item.stash[self._tests.settings]
        state = replace(self.state, settings=settings, launchers=[], values=ThreadValues(), at_once=RaisedAtOnce())
        if self._order is not None and self._order.round is not None:
            state = _shaken(state, self._order.round)
        item.config.stash[CHILD] = state
        self._begin(state)
        if state.settings.finalize:
            leave_inherited_at_exit(item.config)
        _name_as_method(item)
        self._replace_body(item)
        with nullcontext() if state.shaken is None else state.shaken.round():
            passed = PhaseRunner(item, state, self.ends).run(self._next_if_fixtures_are_shared(item) or nextitem)
        finalizes = passed and state.settings.finalize
        # The threads of the plugin's pools must not keep the interpreter from its end, nor live on into the next test.
        if finalizes or (self._order is not None and not self._order.last):
            for launchers in state.launchers:
                launchers.close()
        self.to_finalize = item if finalizes else None
        return True

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Tear down the fixtures that this test does not need, as the tests in between would have done.

        An error of that teardown is reported by the teardown of this test, not by its setup: the body still runs.
        """
        step = teardown_step(item.config)
        if self._test_to_tear_down is not None and step is not None:
            self.ends.tear_down_earlier(functools.partial(step, item=self._test_to_tear_down, nextitem=item))

    def _begin(self, state: ChildState) -> None:
        assert self._order is not None
        self.ends.begin(last=self._order.last)
        state.stacks.begin()
        # The parent reads messages test by test, and the first thread of each test's messages is the main thread.
        state.sender.send(current_thread(), soon=True)
        self.java.send_adopted()

    def _next_if_fixtures_are_shared(self, item: pytest.Item) -> pytest.Item | None:
        if not (self._order and self._order.last and self._tests.shares_fixtures):
            return None
        return _sibling_of(item)

    def _replace_body(self, item: pytest.Item) -> None:
        """Replace `item.runtest`, which is only the body, by a call on the thread that the mode names."""
        state: ChildState = item.config.stash[CHILD]
        mode = state.settings.mode
        names = fixture_names(item)
        if state.settings.jvm is None and mode == "main" and "foreign_thread" not in names:
            # The body runs on this thread, and the plugin adds no thread of its own.
            return
        by_bridge = mode_needs_jvm(mode, state.settings.own_modes) and is_overridden(item, _BRIDGE, _FIXTURES)
        if by_bridge and "foreign_thread" not in names:
            # Only then: without an override this saves the setup of two fixtures.
            add_fixture(item, "foreign_thread")
        if state.settings.stress_threads > 1:
            assert isinstance(item, pytest.Function)
            item.runtest = _runtest_at_once(item, item.runtest, state)  # type: ignore[method-assign]
            return
        body = wrap_given_body(item, item.runtest)

        def runtest() -> None:
            __tracebackhide__ = True
            _foreign_thread_of(item, state).call_body(body, mode)

        item.runtest = runtest  # type: ignore[method-assign]

    def finish(self, name: int | str | None) -> None:
        """Tear down all fixtures that are still set up, at the end of a child that did not know its last test.

        That is one more teardown of the test with this name, or of the test that ran last.
        """
        if self._order is None:
            return
        item = self._item(self._order.item if name is None else name)
        self.state.sender.send(current_thread(), soon=True)
        self._restore_filters()
        self._only_tears_down = True
        # No plugin but pytest's own: the others have seen the end of the test.
        hook = hook_of(self._tests.config, "pytest_runtest_protocol", lambda one: one is self or is_pytests_own(one))
        hook(item=item, nextitem=None)


def _foreign_thread_of(item: pytest.Item, state: ChildState) -> ForeignThread:
    """Return what runs the body: the test's fixture, if it has that."""
    threads = getattr(item, "funcargs", {}).get("foreign_thread")
    # A suite may have its own fixture of that name.
    return threads if isinstance(threads, ForeignThread) else ForeignThread(jpype_bridge, state, state.settings.mode)


def _runtest_at_once(item: pytest.Function, runtest: Callable[[], object], state: ChildState) -> Callable[[], None]:
    """Return pytest's step of the call, on this thread, in which the test function is called on several threads.

    The step itself cannot run several times: it calls `setUp` and `tearDown` of a TestCase, and other plugins' hooks.
    """

    def at_once() -> None:
        __tracebackhide__ = True
        function, call = item.obj, _foreign_thread_of(item, state).call_at_once
        item.obj = state.at_once.on_threads(function, call)
        try:
            runtest()
        finally:
            item.obj = function

    return at_once


def _shaken(state: ChildState, schedule: Mapping[str, Any]) -> ChildState:
    """Return the state of a round: with the schedule, and with its sizes if the test has chosen none."""
    settings = state.settings
    shaken = Shaken(schedule, has_jvm=settings.jvm is not None)
    stack = shaken.schedule.stack if settings.stack is None else settings.stack
    # A search for a smaller setting tries fewer threads than the test asks for.
    threads = shaken.schedule.threads
    settings = replace(settings, stack=stack, stress_threads=threads, pool=threads + shaken.schedule.pool)
    return replace(state, settings=settings, shaken=shaken)


def _name_as_method(item: pytest.Item) -> None:
    """Set the name of a one-mode `TestCase` item to its method's name, by which pytest creates the instance."""
    if isinstance(item, pytest.Function) and item.cls and issubclass(item.cls, unittest.TestCase):
        # `location` is computed from the name at its first use, which is here, because it heads the reports.
        assert item.location
        item.name = item.originalname
        # The items of the other modes share the instance, and would keep alive what the test stores in it.
        forget_instance(item)
        item.obj = getattr(item.instance, item.name)
