"""Finds the fixture that a test gets for a name; pytest has no public function for this."""

from __future__ import annotations

import contextlib
import inspect
import itertools
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
        spaces = (vars(space) for space in (plugin, *type(plugin).__mro__) if hasattr(space, "__dict__"))
        found = itertools.chain.from_iterable(list(space.items()) for space in spaces)
        for function in (value.__wrapped__ for attribute, value in found if _name(attribute, value) == name):
            if getattr(function, "__module__", "") != module:
                yield _place(function), function


def _name(attribute: str, value: object) -> str | None:
    """Return the name of the fixture that the value of an attribute defines; None if it defines none."""
    # pytest 8.4 made an object of its own of what was a function with an attribute.
    for marker in ("_fixture_function_marker", "_pytestfixturefunction"):
        # Most objects have no marker, and some have no `vars`.
        with contextlib.suppress(AttributeError, KeyError, TypeError):
            return str(vars(value)[marker].name or attribute)
    return None


def _function(item: Any, name: str) -> Callable[..., Any] | None:
    fixtures = item.config.pluginmanager.getplugin("funcmanage")
    found = None if fixtures is None else fixtures.getfixturedefs(name, item)
    return found[-1].func if found else None


def _place(function: Callable[..., Any]) -> str:
    code = getattr(inspect.unwrap(function), "__code__", None)
    return "" if code is None else f"{code.co_filename}:{code.co_firstlineno}"
