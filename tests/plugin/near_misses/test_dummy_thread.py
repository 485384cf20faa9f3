"""Threads that may be joined, and errors of `join` with another cause."""

from __future__ import annotations

import threading

import pytest

from pytest_foreignthread import ForeignThread


@pytest.mark.foreign_thread(mode="python")
def test_joins_itself() -> None:
    threading.current_thread().join()


@pytest.mark.foreign_thread(mode=["native", "new"])
def test_a_thread_of_pythons() -> None:
    worker = threading.Thread(target=len, args=("",))
    worker.start()
    worker.join()


@pytest.mark.foreign_thread(mode="native")
def test_a_thread_that_was_not_started() -> None:
    threading.Thread().join()


@pytest.mark.foreign_thread(mode=["native", "new"])
def test_the_name_of_one(foreign_thread: ForeignThread) -> None:
    assert foreign_thread.call(threading.current_thread).name == "MainThread"
