"""Other plugins that run a test again and again, and how pytest's hooks are called with them alone, or without them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, TypeVar

import pytest

if TYPE_CHECKING:
    import pluggy

T = TypeVar("T")

_MODULES: Final = frozenset({"pytest_rerunfailures", "flaky.flaky_pytest_plugin"})
"""Those whose `pytest_runtest_protocol` goes through pytest's own steps as often as it likes."""


IN_CHILDREN: Final = "foreign_thread_in_children"
"""Name of the plugin that guards the pytest process."""


class InChildrenOnly:
    """Refuses the steps of a foreign-thread test in the pytest process, which a crash would end, with all results."""

    def __init__(self, is_foreign: Callable[[pytest.Item], bool]) -> None:
        self._is_foreign = is_foreign

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        self._refuse(item)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_call(self, item: pytest.Item) -> None:
        self._refuse(item)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_teardown(self, item: pytest.Item) -> None:
        self._refuse(item)

    def _refuse(self, item: pytest.Item) -> None:
        if self._is_foreign(item):
            pytest.fail("a foreign-thread test runs in a child: no other plugin can run it again", pytrace=False)


def loops_of(config: pytest.Config) -> frozenset[Any]:
    """Give those of the plugins that the run has."""
    impls = config.hook.pytest_runtest_protocol.get_hookimpls()
    return frozenset(impl.plugin for impl in impls if getattr(impl.plugin, "__name__", "") in _MODULES)


def with_only(config: pytest.Config, hook: str, plugins: Collection[Any]) -> pluggy.HookCaller:
    """Give a hook that calls these plugins."""
    manager = config.pluginmanager
    return manager.subset_hook_caller(hook, [one for one in manager.get_plugins() if one not in plugins])


@contextmanager
def registered(config: pytest.Config, plugin: T) -> Iterator[T]:
    config.pluginmanager.register(plugin)
    try:
        yield plugin
    finally:
        config.pluginmanager.unregister(plugin)


def make_report(item: pytest.Item, call: pytest.CallInfo[None]) -> pytest.TestReport:
    """Let pytest and its plugins make the report of a step which a child did not report.

    Those that loop expect one of each step, from the first one on, and this is but one.
    """
    hook = item.ihook.pytest_runtest_makereport
    if loops := loops_of(item.config):
        hook = with_only(item.config, hook.name, {impl.plugin for impl in hook.get_hookimpls()} - loops)
    report: pytest.TestReport = hook(item=item, call=call)
    return report
