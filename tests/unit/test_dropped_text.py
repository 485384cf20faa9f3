"""Texts of dropped exceptions, whose objects are a test's and may raise when they are shown."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, NoReturn

import pytest

from pytest_foreignthread.child.dropped_text import place_text, stack_text, thread_name


class Nameless(type):
    def __getattribute__(cls, name: str) -> Any:
        if name in ("__name__", "__qualname__", "__module__"):
            raise RuntimeError
        return super().__getattribute__(name)


class Hostile(Exception, metaclass=Nameless):
    """An exception whose class has no name."""


class Leaving(BaseException):
    """Not an `Exception`."""


class Silent:
    def __init__(self, error: BaseException) -> None:
        self._error = error

    def __repr__(self) -> NoReturn:
        raise self._error

    @property
    def name(self) -> NoReturn:
        raise self._error


class NoText(str):
    def __str__(self) -> NoReturn:
        raise RuntimeError


def arguments(error: BaseException | None = None, **more: Any) -> Any:
    error = error or ValueError("a")
    return SimpleNamespace(exc_type=type(error), exc_value=error, exc_traceback=None, **more)


@pytest.mark.parametrize(("error", "text"), [(ValueError("a"), "ValueError: a\n"), (Hostile(), "Hostile")])
def test_stack(error: BaseException, text: str) -> None:
    assert stack_text(arguments(error)) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "Exception ignored"),
        (5, "Exception ignored in: 5"),
        (Silent(RuntimeError()), "Exception ignored in: <Silent, whose repr raised RuntimeError>"),
        (Silent(Leaving()), "Exception ignored in: <Silent, whose repr raised Leaving>"),
        (Silent(SystemExit(3)), "Exception ignored in: <Silent, whose repr raised SystemExit>"),
    ],
)
def test_place(value: object, text: str) -> None:
    assert place_text(arguments(object=value, err_msg=None)) == text


@pytest.mark.parametrize(
    ("thread", "name"),
    [
        (None, "?"),
        (SimpleNamespace(name="feed"), "feed"),
        (Silent(Leaving()), "?"),
        (SimpleNamespace(name=NoText("feed")), "<NoText, whose text raised RuntimeError>"),
    ],
)
def test_thread(thread: Any, name: str) -> None:
    assert thread_name(arguments(thread=thread)) == name
