import threading

import jpype
import pytest


@pytest.mark.foreign_thread(timeout=5)
def test_callback_of_a_synchronized_method(jvm, foreign_thread):
    numbers, lock, called = jvm.JClass("java.util.Vector")([1]), threading.Lock(), threading.Event()

    def look_at(number):  # Vector.forEach holds the vector's monitor
        called.set()
        with lock:
            pass

    consumer = jvm.JProxy("java.util.function.Consumer", dict={"accept": look_at})
    with lock:
        foreign_thread.submit(numbers.forEach, consumer)
        called.wait()
        numbers.size()


@pytest.mark.foreign_thread(timeout=5)
def test_monitor_taken_in_python(foreign_thread):
    monitor, lock, meeting = jpype.JClass("java.util.Vector")(), threading.Lock(), threading.Barrier(2)

    def other():
        with jpype.synchronized(monitor):
            meeting.wait()
            with lock:
                pass

    foreign_thread.submit(other)
    with lock:
        meeting.wait()
        with jpype.synchronized(monitor):
            pass
