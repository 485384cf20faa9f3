"""What the child does at the end of each phase, still inside pytest's capture of the phase."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from os import getpid
from typing import TYPE_CHECKING, Any, Final

import pluggy
import pytest

from ...channel.wire import Sender
from ...interop.pytest_capture import captured_as
from ...interop.pytest_fixtures import finisher_of
from .. import dropped
from ..java.java_side import JavaSide

if sys.version_info < (3, 11):
    # pytest itself depends on it there.
    from exceptiongroup import BaseExceptionGroup

if TYPE_CHECKING:
    from ..java.uncaught import Uncaught

    End = Generator[None, pluggy.Result[Any], None]

_SCOPES: Final = ("session", "package", "module", "class", "function")


class PhaseEnds:
    """The innermost wrappers of pytest's three phases.

    They are old-style hook wrappers, which add no frame to a traceback: pytest decides by the frames what it shows.
    """

    def __init__(self, java: JavaSide, sender: Sender, can_be_ordered: Callable[[], bool]) -> None:
        """`can_be_ordered` returns whether another order can come: if none can, a test's teardown is the last."""
        self._java = java
        self._sender = sender
        self._can_be_ordered = can_be_ordered
        self._owner = getpid()
        self._set_up: dict[pytest.FixtureDef[Any], Any] = {}
        self._last = True
        self._earlier: BaseException | None = None
        """The exception of a teardown that was due before this test."""
        self.thrown: Uncaught | None = None
        """The uncaught exception that made a phase fail."""

    def begin(self, *, last: bool) -> None:
        """Prepare for a test; call before each test.

        The teardown of the last test tears down everything that was set up in this child.
        """
        self._last, self.thrown, self._earlier = last, None, None

    def tear_down_earlier(self, step: Callable[[], None]) -> None:
        """Tear down fixtures of earlier tests by `step`; an exception of it is raised in the teardown of this test."""
        self._earlier = self._error_of(step)
        if isinstance(self._earlier, (KeyboardInterrupt, pytest.exit.Exception)):
            raise self._earlier

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(
        self, fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest
    ) -> Generator[None, object, object]:
        # The order of the dictionary is the order of the last setups.
        self._set_up.pop(fixturedef, None)
        self._set_up[fixturedef] = request
        return (yield)

    def pytest_fixture_post_finalizer(self, fixturedef: pytest.FixtureDef[Any]) -> None:
        self._set_up.pop(fixturedef, None)
        dropped.send_raised_in_teardown(fixturedef.argname, self._sender)

    @pytest.hookimpl(hookwrapper=True, trylast=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> End:
        with dropped.sent(self._sender):
            outcome = yield
        self._end(item, "setup", outcome)

    @pytest.hookimpl(hookwrapper=True, trylast=True)
    def pytest_runtest_call(self, item: pytest.Item) -> End:
        with dropped.sent(self._sender):
            outcome = yield
        self._end(item, "call", outcome)

    @pytest.hookimpl(hookwrapper=True, trylast=True)
    def pytest_runtest_teardown(self, item: pytest.Item) -> End:
        with dropped.sent(self._sender):
            outcome = yield
        self._leave_if_forked(outcome.exception)
        self._end_teardown(item, outcome, finishes=self._last or not self._can_be_ordered())

    def tear_down_rest(self, item: pytest.Item) -> None:
        """Tear down the fixtures that stand after the teardown of the item; raise what that raises."""
        __tracebackhide__ = True
        outcome: pluggy.Result[Any] = pluggy.Result(None, None)
        with captured_as(item.config, "teardown", item):
            self._end_teardown(item, outcome, finishes=True)
        if outcome.exception is not None:
            raise outcome.exception

    def _end_teardown(self, item: pytest.Item, outcome: pluggy.Result[Any], *, finishes: bool) -> None:
        # pytest's own teardown has removed the variable, and finalizers may read it.
        with _variable("PYTEST_CURRENT_TEST", f"{item.nodeid} (teardown)"):
            raised = self._finish() if finishes else []
        errors = [error for error in (self._earlier, outcome.exception, *raised) if error is not None]
        self._earlier = None
        if len(errors) > 1:
            errors = [BaseExceptionGroup(f"errors while tearing down {item!r}", errors)]
        if errors:
            outcome.force_exception(errors[0])
        self._end(item, "teardown", outcome)

    def standing(self) -> tuple[pytest.FixtureDef[Any], ...]:
        """Return the fixtures that were set up in this child and not torn down."""
        return tuple(self._set_up)

    def _finish(self) -> list[BaseException]:
        """Tear down the fixtures that were set up in this child; return the exceptions of the teardown."""
        return [error for error in map(self._error_of, self._finishers()) if error is not None]

    def _finishers(self) -> list[Callable[[], None]]:
        """Return functions that tear down the fixtures set up here, in pytest's order.

        Fixtures that were set up before the fork stay. For a fixture that pytest has torn down itself, nothing is left
        to do.
        """
        narrow_last = sorted(self._set_up.items(), key=lambda one: _SCOPES.index(one[0].scope))
        return [finisher_of(fixturedef, request) for fixturedef, request in reversed(narrow_last)]

    def _error_of(self, step: Callable[[], None]) -> BaseException | None:
        error = None
        try:
            step()
        except BaseException as raised:
            error = raised
        self._leave_if_forked(error)
        return error

    def _end(self, item: pytest.Item, when: str, outcome: pluggy.Result[Any]) -> None:
        """Let an exception that no one caught on a Java thread fail the phase in which it was thrown."""
        self._leave_if_forked(outcome.exception)
        found = self._java.uncaught()
        if found and outcome.exception is None:
            self.thrown = found.pop(0)
            outcome.force_exception(self.thrown.error)
        for one in found:
            item.add_report_section(when, one.head, one.stack)
        self._warn_of_jni(item, when, outcome)

    def _warn_of_jni(self, item: pytest.Item, when: str, outcome: pluggy.Result[Any]) -> None:
        """Show each call of JNI that HotSpot warned of; the phase fails if a filter makes an error of the warning."""
        __tracebackhide__ = True
        for warning in self._java.jni_warnings():
            item.add_report_section(when, "jni", str(warning))
            try:
                item.warn(warning)
            except type(warning) as error:
                if outcome.exception is None:
                    outcome.force_exception(error)

    def _leave_if_forked(self, error: BaseException | None) -> None:
        # A process that the test forked would read the captured output of this process, and run the rest of the test
        # again.
        if getpid() != self._owner:
            os._exit(0 if error is None else 1)


@contextmanager
def _variable(name: str, value: str) -> Iterator[None]:
    os.environ[name] = value.replace("\0", "(null)")
    try:
        yield
    finally:
        os.environ.pop(name, None)
