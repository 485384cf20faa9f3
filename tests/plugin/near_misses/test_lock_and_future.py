"""A thread waits for a result and another for a lock, but a third has the lock; or what is waited for is no lock."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest


@pytest.mark.foreign_thread(timeout=2)
def test_a_third_thread_has_the_lock(foreign_thread: Any) -> None:
    lock, taken = threading.Lock(), threading.Event()

    def hold() -> None:
        with lock:
            taken.set()
            time.sleep(100)

    foreign_thread.submit(hold)
    taken.wait()
    foreign_thread.submit(lock.acquire).result()


@pytest.mark.foreign_thread(timeout=2)
def test_the_callback_waits_for_an_event(foreign_thread: Any) -> None:
    foreign_thread.submit(threading.Event().wait).result()


@pytest.mark.foreign_thread(timeout=2)
def test_the_callback_waits_for_an_item_of_a_java_queue(jvm: Any) -> None:
    items = jvm.JClass("java.util.concurrent.LinkedBlockingQueue")()
    pool = jvm.JClass("java.util.concurrent.Executors").newSingleThreadExecutor()
    pool.submit(jvm.JProxy("java.util.concurrent.Callable", dict={"call": items.take})).get()


@pytest.mark.foreign_thread
def test_the_lock_is_released_before(foreign_thread: Any) -> None:
    lock = threading.Lock()
    with lock:
        future = foreign_thread.submit(lock.acquire)
    future.result()


@pytest.mark.foreign_thread(timeout=2)
def test_the_end_of_a_thread_that_waits_for_an_event(foreign_thread: Any) -> None:
    with threading.Lock():
        thread = threading.Thread(target=threading.Event().wait, daemon=True)
        thread.start()
        thread.join()
