import threading

import jpype
import pytest


@pytest.mark.foreign_thread(timeout=3)
def test_callback_wants_the_lock(foreign_thread):
    lock = threading.Lock()

    def callback():
        with lock:
            return 1

    with lock:
        future = foreign_thread.submit(callback)
        future.result()


@pytest.mark.foreign_thread(timeout=3)
def test_java_future(jvm):
    lock = threading.Lock()
    pool = jvm.JClass("java.util.concurrent.Executors").newSingleThreadExecutor()

    def callback():
        with lock:
            return 1

    with lock:
        pool.submit(jvm.JProxy("java.util.concurrent.Callable", dict={"call": callback})).get()


@pytest.mark.foreign_thread(timeout=3)
def test_monitor(jvm):
    pool = jvm.JClass("java.util.concurrent.Executors").newSingleThreadExecutor()
    numbers = jvm.JClass("java.util.Vector")([1])

    def callback():
        numbers.size()

    with jpype.synchronized(numbers):
        pool.submit(jvm.JProxy("java.lang.Runnable", dict={"run": callback})).get()


@pytest.mark.foreign_thread(timeout=3)
def test_task_of_another_pool(jvm):
    executors = jvm.JClass("java.util.concurrent.Executors")
    outer, inner = executors.newSingleThreadExecutor(), executors.newSingleThreadExecutor()
    lock = threading.Lock()

    def callable_of(function):
        return jvm.JProxy("java.util.concurrent.Callable", dict={"call": function})

    def callback():
        with lock:
            return 1

    def first():
        with lock:
            return inner.submit(callable_of(callback)).get()

    outer.submit(callable_of(first)).get()
