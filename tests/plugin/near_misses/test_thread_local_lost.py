"""A `threading.local` that lacks something, and no earlier callback on this thread had it."""

from __future__ import annotations

import threading

import pytest

from pytest_foreignthread import ForeignThread

LOCAL = threading.local()


def remember() -> None:
    LOCAL.number = 1


def forget() -> None:
    LOCAL.number = 1
    del LOCAL.number


def recall() -> int:
    number: int = LOCAL.number
    return number


def remember_and_recall() -> None:
    remember()
    recall()


@pytest.mark.foreign_thread(mode=["native-pool", "pool"])
def test_never_set(foreign_thread: ForeignThread) -> None:
    foreign_thread.call(len, "")
    foreign_thread.call(recall)


@pytest.mark.foreign_thread(mode="native-pool")
def test_deleted_by_the_callback_that_had_set_it(foreign_thread: ForeignThread) -> None:
    foreign_thread.call(forget)
    foreign_thread.call(recall)


@pytest.mark.foreign_thread(mode="native")
def test_another_thread_had_it(foreign_thread: ForeignThread) -> None:
    foreign_thread.call(remember)
    foreign_thread.call(recall)


@pytest.mark.foreign_thread(mode="native-pool")
def test_set_again(foreign_thread: ForeignThread) -> None:
    foreign_thread.call(remember)
    foreign_thread.call(remember_and_recall)
