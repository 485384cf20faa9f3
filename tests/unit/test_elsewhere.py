from __future__ import annotations

import contextvars
import decimal
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from pytest_foreignthread.child import main_thread_state
from pytest_foreignthread.model.observation import Elsewhere, Holder, Kept


def kept_by_main_thread(error: BaseException | None) -> Elsewhere | None:
    return main_thread_state.kept_by_main_thread(error, is_foreign=True)


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


LOCAL = Elsewhere(Holder.MAIN_THREAD, Kept.LOCAL, "the attribute 'user' of this threading.local")
VARIABLE = Elsewhere(Holder.MAIN_THREAD, Kept.CONTEXT, "a value of the context variable 'user'")


def test_a_local_that_the_main_thread_has_filled(local: threading.local) -> None:
    assert kept_by_main_thread(raised_elsewhere(lambda: local.user)) == LOCAL


def test_a_local_that_no_thread_has_filled() -> None:
    empty = threading.local()
    assert kept_by_main_thread(raised_elsewhere(lambda: empty.user)) is None


def test_another_attribute_of_a_local(local: threading.local) -> None:
    assert kept_by_main_thread(raised_elsewhere(lambda: local.group)) is None


def test_a_local_of_a_class_of_ones_own() -> None:
    class Request(threading.local):
        pass

    local = Request()
    local.user = "Ada"
    assert kept_by_main_thread(raised_elsewhere(lambda: local.user)) == LOCAL


def test_an_attribute_that_has_nothing_to_do_with_threads() -> None:
    class Request:
        user: str

    assert kept_by_main_thread(raised_elsewhere(lambda: Request().user)) is None


def test_a_variable_that_the_main_thread_has_set() -> None:
    user: contextvars.ContextVar[str] = contextvars.ContextVar("user")

    def on_main() -> Elsewhere | None:
        user.set("Ada")
        return kept_by_main_thread(raised_elsewhere(user.get))

    assert in_context(on_main) == VARIABLE


def test_another_context_of_the_main_thread() -> None:
    user: contextvars.ContextVar[str] = contextvars.ContextVar("user")

    def on_main() -> Elsewhere | None:
        user.set("Ada")
        return main_thread_state.kept_by_main_thread(raised_elsewhere(user.get), is_foreign=False)

    assert in_context(on_main) is None


@pytest.mark.parametrize(
    ("signal", "calculation", "words"),
    [
        (decimal.InvalidOperation, lambda: decimal.Decimal("n/a"), "does not trap InvalidOperation"),
        (decimal.DivisionByZero, lambda: decimal.Decimal(1) / 0, "does not trap DivisionByZero"),
    ],
)
def test_a_decimal_context_that_the_main_thread_has_made(
    signal: type[decimal.DecimalException], calculation: Callable[[], object], words: str
) -> None:
    error = raised_elsewhere(calculation)
    assert isinstance(error, signal)
    assert kept_by_main_thread(error) is None
    with decimal.localcontext() as context:
        context.traps[signal] = False
        assert kept_by_main_thread(error) == Elsewhere(
            Holder.MAIN_THREAD, Kept.CONTEXT, f"a decimal context that {words}"
        )


def test_a_class_that_fills_each_threads_own_is_not_called() -> None:
    calls = []

    class Session(threading.local):
        def __init__(self) -> None:
            calls.append(threading.get_ident())

    def on_a_thread() -> object:
        local = Session()
        made.append(local)
        return local.user

    made: list[Session] = []
    error = raised_elsewhere(on_a_thread)
    assert kept_by_main_thread(error) is None
    assert len(calls) == 1


def test_a_variable_that_no_thread_has_set() -> None:
    user: contextvars.ContextVar[str] = contextvars.ContextVar("user")
    assert kept_by_main_thread(raised_elsewhere(user.get)) is None


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
    assert kept_by_main_thread(first) is None


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
    assert kept_by_main_thread(error) is None
