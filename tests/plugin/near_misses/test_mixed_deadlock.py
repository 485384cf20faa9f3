"""A lock of each language, and no cycle."""

from __future__ import annotations

import threading
import time
from typing import Any

import jpype
import pytest


@pytest.mark.foreign_thread(timeout=2)
def test_a_python_lock_that_no_one_releases() -> None:
    lock = threading.Lock()
    lock.acquire()
    lock.acquire()


@pytest.mark.foreign_thread(timeout=2)
def test_the_callback_of_a_synchronized_method_sleeps(jvm: Any, foreign_thread: Any) -> None:
    """In Java all is as in the deadlock: the waiting thread, the monitor, and its owner in a Python callback."""
    numbers, lock, called = jvm.JClass("java.util.Vector")([1]), threading.Lock(), threading.Event()

    def look_at(number: Any) -> None:
        called.set()
        time.sleep(100)

    consumer = jvm.JProxy("java.util.function.Consumer", dict={"accept": look_at})
    with lock:
        foreign_thread.submit(numbers.forEach, consumer)
        called.wait()
        numbers.size()


@pytest.mark.foreign_thread(timeout=2)
def test_the_owner_of_the_monitor_wants_nothing(foreign_thread: Any) -> None:
    lock, monitor, held = threading.Lock(), jpype.JClass("java.util.Vector")(), threading.Event()

    def hold() -> None:
        with jpype.synchronized(monitor):
            held.set()
            jpype.JClass("java.lang.Thread").sleep(100_000)

    foreign_thread.submit(hold)
    held.wait()
    with lock, jpype.synchronized(monitor):
        pass
