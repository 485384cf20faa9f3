import threading

import pytest


class Counter:
    def __init__(self):
        self.lock = threading.Lock()
        self.value = 0

    def add(self, number):
        with self.lock:
            self.value += number

    def count(self, numbers):
        with self.lock:
            for number in numbers:
                self.add(number)  # takes the lock again


@pytest.mark.foreign_thread(timeout=3)
def test_method_that_calls_another():
    Counter().count([1, 2])


@pytest.mark.foreign_thread(timeout=3)
def test_thread_that_joins_itself(jvm):
    jvm.JClass("java.lang.Thread").currentThread().join()
