"""Other plugins that run a test repeatedly."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import pytest

_FLAKY: Final = "flaky.flaky_pytest_plugin"
_MODULES: Final = frozenset({"pytest_rerunfailures", _FLAKY})
"""Plugins whose `pytest_runtest_protocol` runs pytest's steps of a test any number of times."""


_GUARD: Final = "foreign_thread_in_children"
"""The name of the plugin that guards the pytest process."""


def guard(config: pytest.Config, is_foreign: Callable[[pytest.Item], bool]) -> None:
    """Prevent other plugins from running the steps of a foreign-thread test in this process."""
    config.pluginmanager.register(InChildrenOnly(is_foreign), _GUARD)


def drop_guard(config: pytest.Config) -> None:
    """Remove the guard; call in a child, which runs these steps."""
    if config.pluginmanager.hasplugin(_GUARD):
        config.pluginmanager.unregister(name=_GUARD)


class InChildrenOnly:
    """Refuses to run a foreign-thread test in the pytest process, where a crash would lose all results."""

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
    """Return the repeating plugins of the run."""
    impls = config.hook.pytest_runtest_protocol.get_hookimpls()
    return frozenset(impl.plugin for impl in impls if getattr(impl.plugin, "__name__", "") in _MODULES)


def may_repeat_a_pass(config: pytest.Config) -> bool:
    """Return whether a plugin may run a test that has passed again: flaky does, if the test wants several passes."""
    return any(plugin.__name__ == _FLAKY for plugin in loops_of(config))
