"""JPype keeps the GIL while Java computes hash(), str() or == of a Java object."""

import operator
import threading
import time

import pytest

TIMEOUT = 10


@pytest.mark.foreign_thread(timeout=TIMEOUT)
@pytest.mark.parametrize("operation", [hash, str, operator.eq], ids=["hash", "str", "eq"])
def test_a_callback_comes_meanwhile(jvm, foreign_thread, operation):
    numbers = jvm.JClass("java.util.Vector")(range(100))
    called = threading.Event()

    def look_at(number):
        called.set()
        time.sleep(0.01)

    consumer = jvm.JProxy("java.util.function.Consumer", dict={"accept": look_at})
    visit = foreign_thread.submit(numbers.forEach, consumer)  # forEach holds the Vector's monitor
    called.wait()
    operands = [numbers, jvm.JClass("java.util.Vector")()] if operation is operator.eq else [numbers]
    operation(*operands)  # wants that monitor, and should let go of the GIL first
    visit.result()
