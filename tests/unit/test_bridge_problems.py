"""What a fixture `foreign_thread_bridge` may return."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Final

import pytest

from pytest_foreignthread.child.bridge_errors import problem_of_bridge


class Callables:
    def __init__(self, function: Callable[[], None]) -> None:
        self.function = function

    def method(self, function: Callable[[], None]) -> object:
        return function


def with_more(function: Callable[[], None], name: str = "") -> object:
    return function, name


def none_at_all() -> None: ...


def two_at_least(function: Callable[[], None], name: str) -> None: ...


GOOD: Final = (
    Callables,
    Callables(none_at_all).method,
    with_more,
    functools.partial(two_at_least, name=""),
    print,
    type,
)


@pytest.mark.parametrize("bridge", GOOD)
def test_what_takes_a_function_is_a_bridge(bridge: object) -> None:
    assert problem_of_bridge(bridge) is None


BAD: Final[dict[str, tuple[object, str]]] = {
    "nothing": (None, "got None"),
    "no function": ({"run": 1}, "got {'run': 1}"),
    "a number": (5, "got 5"),
    "takes nothing": (none_at_all, "got one that takes ()"),
    "takes more": (two_at_least, "got one that takes (function"),
    "a long text": ("x" * 500, "got 'xxxx"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_takes_none_is_reported(name: str) -> None:
    bridge, got = BAD[name]
    problem = problem_of_bridge(bridge)
    assert problem is not None
    assert problem.startswith("expected a function that takes a Python callable and returns a java.lang.Runnable, got ")
    assert got in problem
    assert problem.endswith(": return such a function, or leave the fixture out")
    assert len(problem) < 250
