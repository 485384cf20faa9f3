"""A thread waits for long, and not for a lock that it holds itself."""

from __future__ import annotations

import queue
import threading
import time
from typing import Any

import pytest


@pytest.mark.foreign_thread(timeout=2)
def test_another_thread_has_the_lock(foreign_thread: Any) -> None:
    lock, taken = threading.Lock(), threading.Event()

    def hold() -> None:
        with lock:
            taken.set()
            time.sleep(100)

    foreign_thread.submit(hold)
    taken.wait()
    lock.acquire()


@pytest.mark.foreign_thread(timeout=2)
def test_an_event_that_never_comes() -> None:
    threading.Event().wait()


@pytest.mark.foreign_thread(timeout=2)
def test_a_queue_that_stays_empty() -> None:
    queue.SimpleQueue[int]().get()


@pytest.mark.foreign_thread(timeout=2)
def test_a_timer_of_javas_would_release_it(jvm: Any) -> None:
    """A lock may be a signal: whoever releases it need not have taken it."""
    lock, pool = threading.Lock(), jvm.JClass("java.util.concurrent.Executors").newScheduledThreadPool(1)
    lock.acquire()
    release = jvm.JProxy("java.lang.Runnable", dict={"run": lock.release})
    pool.schedule(release, 100, jvm.JClass("java.util.concurrent.TimeUnit").SECONDS)
    lock.acquire()


@pytest.mark.foreign_thread(timeout=2)
def test_it_joins_a_thread_of_a_pool(jvm: Any) -> None:
    """Nobody ends that thread, but the end that is waited for is another's."""
    current = jvm.JClass("java.lang.Thread").currentThread
    callable_of = jvm.JProxy("java.util.concurrent.Callable", dict={"call": current})
    jvm.JClass("java.util.concurrent.Executors").newSingleThreadExecutor().submit(callable_of).get().join()


@pytest.mark.foreign_thread
def test_a_lock_for_one_thread() -> None:
    lock = threading.RLock()
    with lock, lock:
        pass
