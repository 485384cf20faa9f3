"""A context variable, or a decimal context, that nobody had set to something else."""

from __future__ import annotations

import contextvars
import decimal

import pytest

from pytest_foreignthread import ForeignThread

never_set: contextvars.ContextVar[str] = contextvars.ContextVar("never_set")
user: contextvars.ContextVar[str] = contextvars.ContextVar("user")


@pytest.fixture
def ada() -> None:
    user.set("Ada")


@pytest.mark.foreign_thread(mode=["native", "new"])
def test_never_set() -> None:
    never_set.get()


@pytest.mark.foreign_thread(mode="main")
def test_another_context_on_the_main_thread(ada: None) -> None:
    contextvars.Context().run(user.get)


@pytest.mark.foreign_thread(mode="native-pool")
def test_set_and_reset(foreign_thread: ForeignThread) -> None:
    foreign_thread.call(lambda: user.reset(user.set("Ada")))
    foreign_thread.call(user.get)


@pytest.mark.foreign_thread(mode=["native", "new"])
def test_decimal_as_everywhere() -> None:
    decimal.Decimal("n/a")


@pytest.mark.foreign_thread(mode="native")
def test_handed_over(ada: None, foreign_thread: ForeignThread) -> None:
    context = contextvars.copy_context()
    context.run(user.set, "Bob")
    assert foreign_thread.call(context.run, user.get) == "Bob"
