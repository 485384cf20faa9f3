"""What callbacks leave on their threads. Each `begin` is a callback: a thread of C's has a new state for each."""

from __future__ import annotations

import contextvars
import gc
import threading
import weakref
from collections.abc import Callable
from typing import Any

import pytest

from pytest_foreignthread.child.native.native_pool import NativePool
from pytest_foreignthread.child.tasks import CallTask
from pytest_foreignthread.child.thread_attributes import ThreadAttributes
from pytest_foreignthread.child.thread_values import Submitter, ThreadValues
from pytest_foreignthread.interop.thread_locals import locals_of_this_thread, namespace_of
from pytest_foreignthread.model.observation import Elsewhere, Holder, Kept

EARLIER = Holder.EARLIER_CALLBACK


class Callbacks:
    """Callbacks on one thread of C's."""

    def __init__(self) -> None:
        self.pool = NativePool("values", ThreadAttributes(), 4)
        self.values = ThreadValues()
        self.threads: set[int] = set()

    def call(self, function: Callable[[], Any], submitter: Submitter | None = None) -> Elsewhere | None:
        """Call it as `Callback` does; return what is found of what the function raises."""
        submitter = submitter or contextvars.Context().run(Submitter, is_main_thread=True)
        found: list[Elsewhere | None] = []

        def callback() -> None:
            self.threads.add(threading.get_native_id())
            try:
                function()
                found.append(None)
            except Exception as error:
                self.values.explain(error, submitter)
                found.append(self.values.explanation(error))
            self.values.keep_names()

        task = CallTask(callback)
        self.pool.execute(task)
        task.result()
        return found[0]


@pytest.fixture
def callbacks() -> Callbacks:
    return Callbacks()


class Session(threading.local):
    """Any class."""


@pytest.mark.parametrize("kind", [threading.local, Session])
def test_a_local_of_an_earlier_callback(callbacks: Callbacks, kind: type[threading.local]) -> None:
    local = kind()
    assert callbacks.call(lambda: setattr(local, "user", "Ada")) is None
    found = callbacks.call(lambda: local.user)
    # A task is done before its thread is at rest, so that there may be a second thread.
    holder = EARLIER if len(callbacks.threads) == 1 else Holder.OTHER_CALLBACK
    assert found == Elsewhere(holder, Kept.LOCAL, "the attribute 'user' of this threading.local")
    assert callbacks.call(lambda: local.group) is None


def test_another_local(callbacks: Callbacks) -> None:
    one, other = threading.local(), threading.local()
    callbacks.call(lambda: setattr(one, "user", "Ada"))
    assert callbacks.call(lambda: other.user) is None


def test_a_local_that_is_gone_is_no_other(callbacks: Callbacks) -> None:
    known: list[threading.local] = [threading.local()]
    callbacks.call(lambda: setattr(known[0], "user", "Ada"))
    address = id(known.pop())
    gc.collect()
    kept: list[threading.local] = []
    # Another one may get its place in memory.
    while len(kept) < 1000 and (not kept or id(kept[-1]) != address):
        kept.append(threading.local())
    assert callbacks.call(lambda: kept[-1].user) is None


def test_values_are_not_kept(callbacks: Callbacks) -> None:
    class Value:
        pass

    local, seen, variable = threading.local(), [], contextvars.ContextVar[Value]("variable")

    def fill() -> None:
        local.value = Value()
        variable.set(Value())
        seen.extend([weakref.ref(local.value), weakref.ref(variable.get())])

    callbacks.call(fill)
    callbacks.call(list)
    gc.collect()
    assert [one() for one in seen] == [None, None]


def test_a_variable_of_an_earlier_callback(callbacks: Callbacks) -> None:
    user: contextvars.ContextVar[str] = contextvars.ContextVar("user")
    assert callbacks.call(user.get) is None
    callbacks.call(lambda: user.set("Ada"))
    found = callbacks.call(user.get)
    assert found is not None
    assert (found.holder in (EARLIER, Holder.OTHER_CALLBACK), found.kept) == (True, Kept.CONTEXT)


@pytest.mark.parametrize(("is_main", "holder"), [(True, Holder.MAIN_THREAD), (False, Holder.SUBMITTER)])
def test_a_variable_of_the_code_that_submits(callbacks: Callbacks, is_main: bool, holder: Holder) -> None:
    user: contextvars.ContextVar[str] = contextvars.ContextVar("user")

    def submit() -> Elsewhere | None:
        user.set("Ada")
        return callbacks.call(user.get, Submitter(is_main_thread=is_main))

    assert contextvars.copy_context().run(submit) == Elsewhere(
        holder, Kept.CONTEXT, "a value of the context variable 'user'"
    )


def test_an_exception_that_came_of_it(callbacks: Callbacks) -> None:
    local = threading.local()

    def wrap() -> None:
        try:
            assert local.user
        except AttributeError:
            raise RuntimeError("no user") from None

    callbacks.call(lambda: setattr(local, "user", "Ada"))
    found = callbacks.call(wrap)
    assert found is not None
    assert found.kept is Kept.LOCAL


def test_all_locals_of_a_thread_are_found() -> None:
    """CPython has no list of them; the ways to them are no promise of its."""

    class Odd(threading.local):
        @property
        def __dict__(self) -> Any:  # type: ignore[override]
            raise RuntimeError("of the test's")

    one, odd, elsewhere = threading.local(), Odd(), threading.local()
    elsewhere.name = "main"
    found: list[dict[str, Any]] = []

    def look() -> None:
        one.name, odd.name = "one", "odd"
        found.extend(namespace_of(local) for local in locals_of_this_thread() if local in (one, odd, elsewhere))

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert sorted(found, key=str) == [{"name": "odd"}, {"name": "one"}]
