import ctypes
import mmap
import threading
from concurrent import futures

import pytest


@pytest.fixture
def pool(jvm):
    pool = jvm.JClass("java.util.concurrent.Executors").newSingleThreadExecutor()
    yield pool
    pool.shutdown()
    pool.awaitTermination(10, jvm.JClass("java.util.concurrent.TimeUnit").SECONDS)


@pytest.fixture
def memory(pool):
    memory = mmap.mmap(-1, mmap.PAGESIZE)
    memory_is_closed = threading.Event()
    yield memory, memory_is_closed
    memory.close()
    memory_is_closed.set()


@pytest.mark.foreign_thread(mode="main")
def test_callback_outlives_the_test(jvm, pool, memory):
    mapped, closed = memory
    address = ctypes.addressof(ctypes.c_char.from_buffer(mapped))

    def callback():
        closed.wait()
        return ctypes.string_at(address, 1)  # the test has returned, and its memory is gone

    future = pool.submit(jvm.JProxy("java.util.concurrent.Callable", dict={"call": callback}))
    with pytest.raises(jvm.JClass("java.util.concurrent.TimeoutException")):
        future.get(50, jvm.JClass("java.util.concurrent.TimeUnit").MILLISECONDS)


@pytest.mark.foreign_thread
def test_callback_outlives_its_caller(foreign_thread):
    closed = threading.Event()

    def sum_or_give_up():
        with mmap.mmap(-1, mmap.PAGESIZE) as mapped:
            address = ctypes.addressof(ctypes.c_char.from_buffer(mapped))
            future = foreign_thread.submit(callback, address, mode="pool")
            with pytest.raises(futures.TimeoutError):
                future.result(timeout=0.05)

    def callback(address):
        closed.wait()
        ctypes.string_at(address, 1)

    sum_or_give_up()
    closed.set()
    while True:
        sorted(range(100))  # the caller does other things
