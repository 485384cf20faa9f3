"""A pool that could still run its tasks, or whose threads are at work."""

from __future__ import annotations

import threading
from typing import Any

import pytest


def submitted(jvm: Any, pool: Any, function: Any) -> Any:
    return pool.submit(jvm.JProxy("java.util.concurrent.Callable", dict={"call": function}))


def pool_of_two(jvm: Any) -> Any:
    return jvm.JClass("java.util.concurrent.Executors").newFixedThreadPool(2)


@pytest.mark.foreign_thread(mode="main", timeout=2)
def test_a_thread_is_idle(jvm: Any) -> None:
    pool, never = pool_of_two(jvm), jvm.JClass("java.util.concurrent.CompletableFuture")()
    submitted(jvm, pool, lambda: 1).get()
    submitted(jvm, pool, lambda: 2).get()
    submitted(jvm, pool, never.get).get()


@pytest.mark.foreign_thread(mode="main", timeout=1)
def test_all_are_at_work(jvm: Any) -> None:
    pool, no_end = pool_of_two(jvm), threading.Event()

    def work() -> None:
        while not no_end.is_set():
            pass

    for future in [submitted(jvm, pool, work) for _ in range(2)]:
        future.get()


@pytest.mark.foreign_thread(mode="main", timeout=2)
def test_the_task_runs_in_another_pool_and_waits_for_a_lock(jvm: Any) -> None:
    outer, inner = (jvm.JClass("java.util.concurrent.Executors").newSingleThreadExecutor() for _ in range(2))
    lock = threading.Lock()

    def first() -> Any:
        with lock:
            return submitted(jvm, inner, lock.acquire).get()

    submitted(jvm, outer, first).get()


@pytest.mark.foreign_thread(mode="main")
def test_a_thread_is_left_for_the_task(jvm: Any) -> None:
    pool = pool_of_two(jvm)
    assert submitted(jvm, pool, lambda: submitted(jvm, pool, lambda: 3).get()).get() == 3
