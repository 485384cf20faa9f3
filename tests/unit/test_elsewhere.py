from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from pytest_foreignthread.child.main_thread_state import kept_by_main_thread


def raised_elsewhere(function: Callable[[], object]) -> BaseException:
    """Return what the function raises on another thread."""
    with ThreadPoolExecutor(1) as pool:
        error = pool.submit(function).exception()
    assert error is not None
    return error


@pytest.fixture
def local() -> threading.local:
    local = threading.local()
    local.user = "Ada"
    return local


def in_context(function: Callable[[], object]) -> object:
    """Call it in a context of its own, so that no other test finds what it sets."""
    return contextvars.copy_context().run(function)


LOCAL = "the main thread has the attribute 'user' of this threading.local"


def test_a_local_that_the_main_thread_has_filled(local: threading.local) -> None:
    assert kept_by_main_thread(raised_elsewhere(lambda: local.user)) == LOCAL


def test_a_local_that_no_thread_has_filled() -> None:
    empty = threading.local()
    assert kept_by_main_thread(raised_elsewhere(lambda: empty.user)) == ""


def test_another_attribute_of_a_local(local: threading.local) -> None:
    assert kept_by_main_thread(raised_elsewhere(lambda: local.group)) == ""


def test_a_local_of_a_class_of_ones_own() -> None:
    class Request(threading.local):
        pass

    local = Request()
    local.user = "Ada"
    assert kept_by_main_thread(raised_elsewhere(lambda: local.user)) == LOCAL


def test_an_attribute_that_has_nothing_to_do_with_threads() -> None:
    class Request:
        user: str

    assert kept_by_main_thread(raised_elsewhere(lambda: Request().user)) == ""


def test_a_variable_that_the_main_thread_has_set() -> None:
    user: contextvars.ContextVar[str] = contextvars.ContextVar("user")

    def on_main() -> str:
        user.set("Ada")
        return kept_by_main_thread(raised_elsewhere(user.get))

    assert in_context(on_main) == "the main thread has a value of the context variable 'user'"


def test_a_variable_that_no_thread_has_set() -> None:
    user: contextvars.ContextVar[str] = contextvars.ContextVar("user")
    assert kept_by_main_thread(raised_elsewhere(user.get)) == ""


@pytest.mark.parametrize("chained", ["cause", "context", "hidden"])
def test_an_exception_that_came_of_it(local: threading.local, chained: str) -> None:
    def wrap() -> None:
        try:
            assert local.user
        except AttributeError as error:
            match chained:
                case "cause":
                    raise RuntimeError("no user") from error
                case "context":
                    raise RuntimeError("no user")  # noqa: B904
                case _:
                    raise RuntimeError("no user") from None

    assert kept_by_main_thread(raised_elsewhere(wrap)) == LOCAL


def test_an_exception_that_is_its_own_cause() -> None:
    first, second = ValueError("first"), ValueError("second")
    first.__cause__, second.__cause__ = second, first
    assert kept_by_main_thread(first) == ""


@pytest.mark.parametrize(
    "error",
    [
        None,
        KeyError("user"),
        LookupError(),
        LookupError("user"),
        AttributeError("user"),
        AttributeError("user", name="user", obj=None),
        SystemExit(1),
    ],
)
def test_any_other_exception(error: BaseException | None) -> None:
    assert kept_by_main_thread(error) == ""
