"""Which fixture of a name a test is given: pytest has no public way to ask."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any

import pytest


def is_overridden(item: pytest.Item, name: str, module: str) -> bool:
    """Return whether the test is given another fixture of that name than the one that the module defines."""
    function = _function(item, name)
    return function is None or getattr(function, "__module__", "") != module


def place_of_fixture(item: Any, name: str) -> str:
    """Return file and line of the fixture that a test is given; an empty text where they are not known."""
    return "" if (function := _function(item, name)) is None else _place(function)


def fixtures_of_plugins(config: pytest.Config, name: str, module: str) -> Iterator[tuple[str, Callable[..., Any]]]:
    """Yield place and function of each fixture of that name in a loaded plugin or conftest, except the module's.

    Once a session has begun pytest knows them; this function looks for them before.
    """
    for plugin in config.pluginmanager.get_plugins():
        function = getattr(getattr(plugin, name, None), "__wrapped__", None)
        if function is not None and getattr(function, "__module__", "") != module:
            yield _place(function), function


def _function(item: Any, name: str) -> Callable[..., Any] | None:
    fixtures = item.config.pluginmanager.getplugin("funcmanage")
    found = None if fixtures is None else fixtures.getfixturedefs(name, item)
    return found[-1].func if found else None


def _place(function: Callable[..., Any]) -> str:
    code = getattr(inspect.unwrap(function), "__code__", None)
    return "" if code is None else f"{code.co_filename}:{code.co_firstlineno}"
