"""Threads of a class whose properties raise: nothing that lists threads fails on one."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator

import pytest

from pytest_foreignthread.child.callback import current_thread
from pytest_foreignthread.child.process_looks import thread_names
from pytest_foreignthread.model.observation import ThreadNamed
from pytest_foreignthread.model.python_threads import ident_of, name_of, native_id_of
from pytest_foreignthread.run.threads_before_fork import native_ids, other_threads


class Nameless(threading.Thread):
    """A thread that keeps what names it, and waits until the test ends."""

    def __init__(self) -> None:
        self.found: ThreadNamed | None = None
        self.is_known, self.ends = threading.Event(), threading.Event()
        super().__init__(daemon=True)
        self._name = "feed-worker"

    @property
    def name(self) -> str:
        raise RuntimeError("this thread has no name")

    @name.setter
    def name(self, name: str) -> None:
        raise RuntimeError("this thread cannot be named")

    @property
    def ident(self) -> int | None:
        return self._raised()

    @property
    def native_id(self) -> int | None:
        return self._raised()

    def _raised(self) -> int | None:
        raise RuntimeError("this thread tells nothing")

    def run(self) -> None:
        self.found = current_thread()
        self.is_known.set()
        self.ends.wait()


@pytest.fixture
def nameless() -> Iterator[Nameless]:
    thread = Nameless()
    thread.start()
    thread.is_known.wait()
    yield thread
    thread.ends.set()
    thread.join()


def test_the_values_are_those_that_threading_keeps(nameless: Nameless) -> None:
    assert name_of(nameless) == "feed-worker"
    assert ident_of(nameless) in sys._current_frames()
    assert native_id_of(nameless) in native_ids()


def test_a_callback_on_it_is_named(nameless: Nameless) -> None:
    assert nameless.found is not None
    assert nameless.found.name == "feed-worker"


def test_it_is_among_the_threads_before_a_fork(nameless: Nameless) -> None:
    assert f'"feed-worker" of {__name__}' in other_threads().names


def test_it_is_among_the_threads_that_a_test_left(nameless: Nameless) -> None:
    number = native_id_of(nameless)
    assert number is not None
    assert thread_names([number]) == {number: "feed-worker"}


def test_an_object_of_a_library_that_replaces_threads_may_lack_values() -> None:
    thread = threading.Thread(name="green")
    for name in ("_ident", "_native_id"):
        vars(thread).pop(name)
    assert (name_of(thread), ident_of(thread), native_id_of(thread)) == ("green", None, None)
