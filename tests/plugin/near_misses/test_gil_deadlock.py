"""The GIL is held for long but no one who wants it is waited for, or it is not held at all."""

from __future__ import annotations

import ctypes
import threading
import time
from typing import Any

import pytest


@pytest.mark.foreign_thread(mode=["main", "new"], timeout=2)
def test_sleeps_with_the_gil() -> None:
    """In mode `new` the main thread, which waits for the body, wants the GIL, but the body does not wait for it."""
    ctypes.PyDLL(None).sleep(100)


@pytest.mark.foreign_thread(timeout=2)
def test_waits_without_the_gil() -> None:
    semaphore = ctypes.create_string_buffer(64)
    libc = ctypes.CDLL(None)
    libc.sem_init(semaphore, 0, 0)
    libc.sem_wait(semaphore)


@pytest.mark.foreign_thread
def test_waits_for_the_monitor_without_the_gil(jvm: Any, foreign_thread: Any) -> None:
    numbers = jvm.JClass("java.util.Vector")(range(10))
    called = threading.Event()

    def look_at(number: Any) -> None:
        called.set()
        time.sleep(0.01)

    visit = foreign_thread.submit(numbers.forEach, jvm.JProxy("java.util.function.Consumer", dict={"accept": look_at}))
    called.wait()
    numbers.hashCode()
    visit.result()
