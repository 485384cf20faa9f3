"""One waits for a monitor or lock whose owner waits for none."""

from __future__ import annotations

import threading
from typing import Any

import jpype
import pytest


@pytest.mark.foreign_thread(timeout=2)
def test_the_owner_sleeps(foreign_thread: Any) -> None:
    monitor, held = jpype.JClass("java.util.Vector")(), threading.Event()

    def hold() -> None:
        with jpype.synchronized(monitor):
            held.set()
            jpype.JClass("java.lang.Thread").sleep(100_000)

    foreign_thread.submit(hold)
    held.wait()
    with jpype.synchronized(monitor):
        pass


@pytest.mark.foreign_thread(timeout=2)
def test_the_owner_of_a_lock_waits_for_a_signal(foreign_thread: Any) -> None:
    lock, held = jpype.JClass("java.util.concurrent.locks.ReentrantLock")(), threading.Event()

    def hold() -> None:
        lock.lock()
        held.set()
        jpype.JClass("java.util.concurrent.CountDownLatch")(1).await_()

    foreign_thread.submit(hold)
    held.wait()
    lock.lock()
