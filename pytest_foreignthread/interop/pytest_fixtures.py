"""What pytest keeps of a test's fixtures and parameters on the item, and on the definition of a fixture."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any, Final

import pytest

OF_SETUP: Final = frozenset({"_request", "instance", "_instance"})
"""Attributes of a test that pytest sets, or makes when they are read: no plugin may read them where no setup ran.

flaky asks for `_request` with `hasattr`, and does without.
"""


def forget_instance(item: pytest.Item) -> None:
    """Let pytest make the instance of the test's class anew when it is next asked for, as it does for each item."""
    vars(item).pop("_instance", None)


class BeforeRounds:
    """What an item was before its first run, for runs of it one after the other in one process.

    pytest runs an item once: the output of its phases, its properties and its marks would add up.
    """

    def __init__(self, item: pytest.Item) -> None:
        self._item = item
        self._properties = list(item.user_properties)
        self._marks = list(item.own_markers)
        self._has_body = "runtest" in vars(item)

    def restore(self) -> None:
        item: Any = self._item
        item.user_properties[:] = self._properties
        item.own_markers[:] = self._marks
        item._report_sections.clear()
        if not self._has_body:
            vars(item).pop("runtest", None)
        forget_instance(item)
        if (begin := getattr(item, "_initrequest", None)) is not None:
            begin()


def fixture_names(item: Any) -> list[str]:
    """Return the names of the fixtures that an item requests, by whatever way; none for an item of another kind.

    Public are only those of a request and of a `Metafunc`, which are no more once the tests are collected.
    """
    return list(getattr(item, "fixturenames", ()))


def add_fixture(item: pytest.Item, name: str) -> None:
    """Let an item request one more fixture, after the others; without effect on an item of another kind.

    The public `usefixtures` counts at collection only.
    """
    names = getattr(item, "fixturenames", None)
    if names is not None and name not in names:
        names.append(name)


def parameters_of(item: pytest.Item) -> Mapping[str, Any]:
    """Return the values that a test is parametrized with. pytest shows them to the test and its fixtures only."""
    callspec = getattr(item, "callspec", None)
    return callspec.params if callspec is not None else {}


def is_of_pytest(fixturedef: pytest.FixtureDef[Any]) -> bool:
    """Whether pytest itself defines the fixture, as it does `tmp_path_factory`; those for `setup_module` are not."""
    function = fixturedef.func
    return getattr(function, "__module__", "").startswith("_pytest.") and not fixturedef.argname.startswith("_")


def finisher_of(fixturedef: pytest.FixtureDef[Any], request: Any) -> Callable[[], None]:
    """Return the function that tears a fixture down, with what depends on it; without effect where it is not set up.

    pytest tears down whole nodes only. The method has no underscore and no documentation.
    """
    return functools.partial(fixturedef.finish, request)
