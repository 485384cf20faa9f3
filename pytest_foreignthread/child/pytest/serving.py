"""The tests that a child serves, one after the other."""

from __future__ import annotations

import unittest
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import Any, Final

import pytest

from ...channel.orders import RunTest
from ...config.stash_keys import CHILD
from ...interop.exit_handlers import leave_inherited_at_exit
from ...interop.fixture_definitions import is_overridden
from ...interop.hypothesis import wrap_given_body
from ...interop.pytest_fixtures import BeforeRounds, add_fixture, fixture_names, forget_instance
from ...interop.pytest_steps import teardown_step
from ...model.modes import mode_needs_jvm
from ...model.observation import Left, NotServed, PhaseStarted
from ...model.outcomes import Phase
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
from .protocol import Protocol

Items = Sequence[pytest.Item] | Mapping[str, pytest.Item]
"""By the name that an order has for them."""

WarningFilter = tuple[Any, ...]
"""An entry of `warnings.filters`."""


_FIXTURES: Final = "pytest_foreignthread.fixtures"
_BRIDGE: Final = "foreign_thread_bridge"


@dataclass(frozen=True)
class Tests:
    """What a child may be told to run: as the pytest process had it at the fork, or as a fresh interpreter found it."""

    __test__ = False

    config: pytest.Config
    items: Items
    settings: pytest.StashKey[Settings]
    """Where an item's stash has the settings."""
    begun: int | None
    """The item amid whose protocol the child was forked: the hooks around that one have done their work."""
    shares_fixtures: bool
    """Whether the pytest process may have set up fixtures which these tests use and others will."""
    filters: Sequence[WarningFilter]
    """The warning filters outside of any test."""
    fresh: bool = False
    """Whether this is a fresh interpreter, in which the project may start the JVM, or has started it."""
    coverage: CoverageOptions | None = None
    """What the pytest process measures, where this is no fork of it."""
    why_missing: Callable[[object], str] = str
    """Says of a test that is not among the items why it is not."""


class _StandIn(pytest.Item):
    """Stands beside the test as the next one, so that pytest tears down the test alone."""

    def runtest(self) -> None:
        raise AssertionError("never run")


def _stand_in(item: pytest.Item) -> pytest.Item | None:
    return None if item.parent is None else _StandIn.from_parent(item.parent, name=item.name)


class Server:
    """A plugin: pytest's own protocol of a test ends here, inside whatever hooks wrap it."""

    def __init__(self, tests: Tests, state: ChildState, java: JavaSide) -> None:
        self._tests = tests
        self._order: RunTest | None = None
        self._left_by: pytest.Item | None = None
        """The test that ran last, where another was to come next than the one that does."""
        self.state = state
        self.java = java
        self.to_finalize: pytest.Item | None = None
        """The test that has passed and asks for the finalization of the interpreter."""
        self.ends = PhaseEnds(java, state.sender)
        self._leftovers: Leftovers | None = None
        """Made with the first order that asks for it."""
        self._before_rounds: BeforeRounds | None = None
        """Made with the first round of a stressed test."""
        self._looks = False
        """Whether what the test leaves is to be told."""

    def run(self, order: RunTest) -> None:
        tests, item = self._tests, self._item(order.item)
        self._looks = order.looks and item is not None
        if item is None:
            self.state.sender.send(NotServed(tests.why_missing(order.item)))
            return
        before, self._order = self._order, order
        self._left_by = self._item(before.item) if before and before.next_item != order.item else None
        if self._looks:
            self._look_before()
        if order.round is not None:
            self._begin_round(item)
        following = None if order.last or order.next_item is None else self._item(order.next_item) or _stand_in(item)
        if order.round is not None and not order.last:
            following = _stand_in(item)
        if order.item == tests.begun:
            self.pytest_runtest_protocol(item, following)
        else:
            # Wrappers of this hook set a test's own warning filters and such; those at the fork were another test's.
            warnings.resetwarnings()
            warnings.filters.extend(tests.filters)  # type: ignore[attr-defined]
            item.ihook.pytest_runtest_protocol(item=item, nextitem=following)

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

    def tell_what_is_left(self) -> None:
        """Call after a test. Where its order asked for that, the word goes out with the next message."""
        if self._looks and self._leftovers is not None:
            left = self._leftovers
            self.state.sender.send(Left(left.found(), left.stand), soon=True)

    @property
    def ran_last(self) -> bool:
        """Whether its last test has run, which has torn down all."""
        return self._order is not None and self._order.last

    def _item(self, name: Any) -> pytest.Item | None:
        try:
            return self._tests.items[name]
        except (LookupError, TypeError):
            return None

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item, nextitem: pytest.Item | None) -> bool:
        settings = item.stash[self._tests.settings]
        state = replace(self.state, settings=settings, launchers=[], values=ThreadValues())
        if self._order is not None and self._order.round is not None:
            state = _shaken(state, self._order.round)
        item.config.stash[CHILD] = state
        self._begin(state)
        if state.settings.finalize:
            leave_inherited_at_exit(item.config)
        _name_as_method(item)
        self._send_body_abroad(item)
        with nullcontext() if state.shaken is None else state.shaken.round():
            passed = Protocol(item, state, self.ends).run(self._beside(item) or nextitem)
        finalizes = passed and state.settings.finalize
        # The threads of this plugin's own pools are not to keep the interpreter.
        if finalizes or (self._order is not None and not self._order.last):
            for launchers in state.launchers:
                launchers.close()
        self.to_finalize = item if finalizes else None
        return True

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Tear down what this test has no use for, as ordinary tests in between would have done."""
        step = teardown_step(item.config)
        if self._left_by is not None and step is not None:
            step(item=self._left_by, nextitem=item)

    def _begin(self, state: ChildState) -> None:
        assert self._order is not None
        self.ends.begin(last=self._order.last)
        state.stacks.begin()
        # Messages are read test by test, and the first thread named is the main one.
        state.sender.send(current_thread(), soon=True)
        self.java.tell()

    def _beside(self, item: pytest.Item) -> pytest.Item | None:
        if not (self._order and self._order.last and self._tests.shares_fixtures):
            return None
        return _stand_in(item)

    def _send_body_abroad(self, item: pytest.Item) -> None:
        """Hand `item.runtest`, which is the body alone, to the thread that the mode names."""
        state: ChildState = item.config.stash[CHILD]
        mode = state.settings.mode
        names = fixture_names(item)
        if state.settings.jvm is None and mode == "main" and "foreign_thread" not in names:
            # It runs where it is, and no thread of ours runs beside it.
            return
        by_bridge = mode_needs_jvm(mode, state.settings.own_modes) and is_overridden(item, _BRIDGE, _FIXTURES)
        if by_bridge and "foreign_thread" not in names:
            # Two fixtures less to set up where none overrides the bridge.
            add_fixture(item, "foreign_thread")
        body = wrap_given_body(item, item.runtest)

        def runtest() -> None:
            __tracebackhide__ = True
            threads = getattr(item, "funcargs", {}).get("foreign_thread")
            if not isinstance(threads, ForeignThread):
                # A suite may have a fixture of that name of its own.
                threads = ForeignThread(jpype_bridge, state, mode)
            threads.call_body(body, mode)

        item.runtest = runtest  # type: ignore[method-assign]

    def finish(self) -> None:
        """Tear down what stands at the end of a child that was not told which test is its last."""
        if self._order is None:
            return
        self.state.sender.send(PhaseStarted(Phase.TEARDOWN))
        for error in self.ends.finish():
            raise error


def _shaken(state: ChildState, schedule: Mapping[str, Any]) -> ChildState:
    """Return the state of a round: with the schedule, and with its sizes where the test has chosen none."""
    settings = state.settings
    shaken = Shaken(schedule, has_jvm=settings.jvm is not None)
    stack = shaken.schedule.stack if settings.stack is None else settings.stack
    settings = replace(settings, stack=stack, pool=1 + shaken.schedule.pool)
    return replace(state, settings=settings, shaken=shaken)


def _name_as_method(item: pytest.Item) -> None:
    """Set the name of a one-mode `TestCase` item to its method's name: pytest makes the instance from that name."""
    if isinstance(item, pytest.Function) and item.cls and issubclass(item.cls, unittest.TestCase):
        # It is made from the name when it is first asked for, and heads the reports.
        assert item.location
        item.name = item.originalname
        # The items of the other modes were made with the same one, and would keep alive what the test puts there.
        forget_instance(item)
        item.obj = getattr(item.instance, item.name)
