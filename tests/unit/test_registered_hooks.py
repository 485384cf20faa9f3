"""A plugin of a child is registered without pytest's search for fixtures."""

from __future__ import annotations

import pytest

from pytest_foreignthread.interop.hook_calls import register_hooks


class Searched:
    """A plugin with a hook and a fixture."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def pytest_foreign_thread_carry(self, item: object) -> dict[str, str]:
        self.said.append("called")
        return {"from": "here"}

    @pytest.fixture
    def never_searched(self) -> None:
        """Would be a fixture if pytest had searched the plugin."""


class Registrations:
    def __init__(self) -> None:
        self.plugins: list[object] = []

    def pytest_plugin_registered(self, plugin: object) -> None:
        self.plugins.append(plugin)


def test_hooks_are_called_and_fixtures_are_not_searched(pytestconfig: pytest.Config) -> None:
    manager, plugin, registrations = pytestconfig.pluginmanager, Searched(), Registrations()
    manager.register(registrations)
    try:
        register_hooks(pytestconfig, plugin, "searched")
        given = pytestconfig.hook.pytest_foreign_thread_carry(item=None)
        assert {"from": "here"} in given
        assert plugin.said == ["called"]
        assert manager.get_plugin("searched") is plugin
        assert plugin not in registrations.plugins
    finally:
        manager.unregister(plugin)
        manager.unregister(registrations)
