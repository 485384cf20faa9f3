"""What ordinary tests set up in the pytest process, and foreign-thread tests find there when they are forked."""

from __future__ import annotations

import functools
from collections.abc import Callable, Generator
from typing import Any, Literal

import pytest

from ..interop.pytest_capture import captured_as
from ..interop.pytest_fixtures import finisher_of, parameters_of
from ..interop.pytest_steps import teardown_step
from ..report.pytest.phases import make_own_report, make_report


class SharedFixtures:
    """A plugin that notes what was set up, and does for a test in a child what pytest does around one of its own."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._set_up: dict[pytest.FixtureDef[Any], Any] = {}
        self.ordinary_tests_ran = False

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(
        self, fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest
    ) -> Generator[None, object, object]:
        self._set_up[fixturedef] = request
        return (yield)

    def pytest_fixture_post_finalizer(self, fixturedef: pytest.FixtureDef[Any]) -> None:
        self._set_up.pop(fixturedef, None)

    def standing(self) -> frozenset[pytest.Item | pytest.Collector]:
        """Return the nodes on which fixtures stand now that were set up in this process."""
        return frozenset(request.node for request in self._set_up.values())

    def finish_unfit(self, item: pytest.Item) -> pytest.CallInfo[None] | None:
        """Call before the fork: tear down what the test wants with another parameter. None where there is nothing.

        pytest does so where the test sets up its own, which is the child, and what is torn down is not the child's.
        """
        wanted = parameters_of(item)
        unfit = [
            finisher_of(fixturedef, request)
            for fixturedef, request in self._set_up.items()
            if (name := fixturedef.argname) in wanted and not _is_same(wanted[name], getattr(request, "param", None))
        ]
        return self._captured(item, "setup", lambda: [finish() for finish in reversed(unfit)]) if unfit else None

    def tear_down(
        self, item: pytest.Item, nextitem: pytest.Item | None, reports: list[pytest.TestReport]
    ) -> list[pytest.TestReport]:
        """Tear down what no later test needs, as pytest does after a test.

        Give the reports of the test, with the output of this; an error in it is one more report.
        """
        step = teardown_step(self._config)
        if not self.ordinary_tests_ran or step is None:
            return reports
        call = self._captured(item, "teardown", functools.partial(step, item=item, nextitem=nextitem))
        if call.excinfo is not None:
            return [*reports, make_report(item, call)]
        # Other plugins have had the report of this phase from the child.
        report = make_own_report(item, call)
        if not reports:
            return [report]
        reports[-1].sections = [*reports[-1].sections, *report.sections]
        return reports

    def _captured(
        self, item: pytest.Item, when: Literal["setup", "teardown"], step: Callable[[], object]
    ) -> pytest.CallInfo[None]:
        def run() -> None:
            step()

        with captured_as(self._config, when, item):
            return pytest.CallInfo.from_call(run, when=when, reraise=(KeyboardInterrupt, pytest.exit.Exception))


def _is_same(one: object, other: object) -> bool:
    """Compare as pytest compares parameters; some have an `==` that is not to be had."""
    try:
        return bool(one == other)
    except (ValueError, RuntimeError):
        return one is other
