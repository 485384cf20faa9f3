import threading

import pytest


@pytest.mark.foreign_thread(mode="main", timeout=5)
def test_tasks_wait_for_tasks_of_their_pool(jvm):
    pool = jvm.JClass("java.util.concurrent.Executors").newFixedThreadPool(2)
    both_run = threading.Barrier(2)

    def inner():
        return "done"

    def outer():
        both_run.wait()
        return pool.submit(callable_of(inner)).get()

    def callable_of(function):
        return jvm.JProxy("java.util.concurrent.Callable", dict={"call": function})

    for future in [pool.submit(callable_of(outer)) for _ in range(2)]:
        future.get()


@pytest.mark.foreign_thread(mode="pool", timeout=5)
def test_the_pool_of_the_plugin(foreign_thread):
    """It has four threads; each of the four calls waits for the one below."""

    def nested(depth):
        return depth if depth == 0 else foreign_thread.call(nested, depth - 1)

    assert nested(4) == 0
