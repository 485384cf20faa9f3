import threading

import pytest


@pytest.fixture
def timer(jvm):
    timer = jvm.JClass("java.util.concurrent.Executors").newSingleThreadScheduledExecutor()
    yield timer
    timer.shutdownNow()


def test_the_timer_calls(jvm, timer):
    called = threading.Semaphore(0)
    tick = jvm.JProxy("java.lang.Runnable", dict={"run": called.release})
    timer.scheduleAtFixedRate(tick, 0, 5, jvm.JClass("java.util.concurrent.TimeUnit").MILLISECONDS)
    assert all(called.acquire(timeout=10) for _ in range(3))
