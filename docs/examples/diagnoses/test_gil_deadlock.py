import ctypes
import threading
import time

import pytest


@pytest.mark.foreign_thread(timeout=5)
def test_waits_in_java(jvm, foreign_thread):
    numbers = jvm.JClass("java.util.Vector")(range(100))
    called = threading.Event()

    def look_at(number):
        called.set()
        time.sleep(0.01)

    consumer = jvm.JProxy("java.util.function.Consumer", dict={"accept": look_at})
    visit = foreign_thread.submit(numbers.forEach, consumer)
    called.wait()
    hash(numbers)  # Vector.hashCode wants the monitor that forEach holds, and JPype's hash() keeps the GIL
    visit.result()


@pytest.mark.foreign_thread(timeout=5)
def test_waits_in_c(foreign_thread):
    done = ctypes.create_string_buffer(64)  # a sem_t
    libc = ctypes.PyDLL(None)  # a PyDLL keeps the GIL, a CDLL would let go of it
    libc.sem_init(done, 0, 0)

    def work():
        for _ in range(100):
            time.sleep(0.01)
        libc.sem_post(done)

    foreign_thread.submit(work, mode="pool")
    libc.sem_wait(done)
