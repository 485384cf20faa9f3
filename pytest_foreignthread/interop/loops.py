"""Other plugins that run a test again and again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import pytest

_MODULES: Final = frozenset({"pytest_rerunfailures", "flaky.flaky_pytest_plugin"})
"""Those whose `pytest_runtest_protocol` goes through pytest's own steps as often as it likes."""


_GUARD: Final = "foreign_thread_in_children"
"""Name of the plugin that guards the pytest process."""


def guard(config: pytest.Config, is_foreign: Callable[[pytest.Item], bool]) -> None:
    """Let no other plugin run the steps of a foreign-thread test in this process."""
    config.pluginmanager.register(InChildrenOnly(is_foreign), _GUARD)


def drop_guard(config: pytest.Config) -> None:
    """Call in a child, which runs these steps."""
    if config.pluginmanager.hasplugin(_GUARD):
        config.pluginmanager.unregister(name=_GUARD)


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
    """Return those of the plugins that the run has."""
    impls = config.hook.pytest_runtest_protocol.get_hookimpls()
    return frozenset(impl.plugin for impl in impls if getattr(impl.plugin, "__name__", "") in _MODULES)
