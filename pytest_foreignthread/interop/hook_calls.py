"""Calls of pytest's hooks that reach only some plugins."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import pluggy
import pytest

T = TypeVar("T")


def hook_of(config: pytest.Config, name: str, is_called: Callable[[object], bool]) -> pluggy.HookCaller:
    """Return the caller of a hook that calls only the plugins for which `is_called` returns true."""
    manager = config.pluginmanager
    return manager.subset_hook_caller(name, [plugin for plugin in manager.get_plugins() if not is_called(plugin)])


def with_only(config: pytest.Config, hook: str, plugins: Collection[Any]) -> pluggy.HookCaller:
    """Return the caller of a hook that calls only these plugins."""
    return hook_of(config, hook, lambda plugin: plugin in plugins)


def register_hooks(config: pytest.Config, plugin: object, name: str) -> None:
    """Register a plugin that has hooks and no fixtures.

    pytest's own `register` also searches the plugin for fixtures, which takes longer than all else in the start of a
    child without a JVM: it looks up each attribute in each class. No public way turns the search off.
    """
    pluggy.PluginManager.register(config.pluginmanager, plugin, name)


@contextmanager
def registered(config: pytest.Config, plugin: T) -> Iterator[T]:
    config.pluginmanager.register(plugin)
    try:
        yield plugin
    finally:
        config.pluginmanager.unregister(plugin)
