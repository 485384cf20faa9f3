"""Finds the fixture that a test gets for a name; pytest has no public function for this."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any

import pytest


def is_overridden(item: pytest.Item, name: str, module: str) -> bool:
    """Return whether the test gets another fixture of that name than the one defined in `module`."""
    function = _function(item, name)
    return function is None or getattr(function, "__module__", "") != module


def place_of_fixture(item: Any, name: str) -> str:
    """Return "file:line" of the fixture that a test gets; "" if unknown."""
    return "" if (function := _function(item, name)) is None else _place(function)


def fixtures_of_plugins(config: pytest.Config, name: str, module: str) -> Iterator[tuple[str, Callable[..., Any]]]:
    """Yield (place, function) of each fixture of that name in a plugin or conftest, except the one in `module`.

    pytest knows the fixtures only after the session has begun; this function finds them before.
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
