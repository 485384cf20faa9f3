"""Threads of a class whose name raises: nothing that lists threads fails on one."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from pytest_foreignthread.child.callback import current_thread
from pytest_foreignthread.child.process_looks import thread_names
from pytest_foreignthread.model.observation import ThreadNamed
from pytest_foreignthread.model.thread_names import name_of
from pytest_foreignthread.run.threads_before_fork import other_threads


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


def test_the_name_is_the_one_that_threading_keeps(nameless: Nameless) -> None:
    assert name_of(nameless) == "feed-worker"


def test_a_callback_on_it_is_named(nameless: Nameless) -> None:
    assert nameless.found is not None
    assert nameless.found.name == "feed-worker"


def test_it_is_among_the_threads_before_a_fork(nameless: Nameless) -> None:
    assert f'"feed-worker" of {__name__}' in other_threads().names


def test_it_is_among_the_threads_that_a_test_left(nameless: Nameless) -> None:
    assert nameless.native_id is not None
    assert thread_names([nameless.native_id]) == {nameless.native_id: "feed-worker"}
