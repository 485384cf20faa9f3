"""The fixtures that ordinary tests set up in the pytest process, and that forked foreign-thread tests use, too."""

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
    """A plugin that records which fixtures are set up, and tears them down around a test that runs in a child.

    pytest tears down fixtures in the setup and teardown of a test; for a foreign-thread test these run in the child,
    which has copies only.
    """

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
        """Return the nodes of the fixtures that are set up in this process now."""
        return frozenset(request.node for request in self._set_up.values())

    def finish_unfit(self, item: pytest.Item) -> pytest.CallInfo[None] | None:
        """Tear down the fixtures that the test needs with another parameter; return how that ended.

        Return None if no fixture had to be torn down. Call this before the fork. pytest tears down such a fixture in
        the setup of the test. That is in the child, but the fixture belongs to this process.
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
        """Tear down the fixtures that no later test needs, as pytest does after a test.

        Return the reports of the test, with the output of the teardown in the last of them. An error in the teardown is
        one more report.
        """
        step = teardown_step(self._config)
        if not self.ordinary_tests_ran or step is None:
            return reports
        call = self._captured(item, "teardown", functools.partial(step, item=item, nextitem=nextitem))
        if call.excinfo is not None:
            return [*reports, make_report(item, call)]
        # Made without the hooks of other plugins: they have seen the child's report of this phase already.
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
    """Compare two parameters as pytest does. If `==` has no truth value (numpy arrays), compare by identity."""
    try:
        return bool(one == other)
    except (ValueError, RuntimeError):
        return one is other
