import threading

import pytest
from feed import Feed


@pytest.mark.foreign_thread(timeout=60)
def test_a_price_comes_late(foreign_thread):
    feed = Feed()
    is_closed, has_come = threading.Event(), threading.Event()

    def late():
        is_closed.wait()
        feed.on_price(12.5)
        has_come.set()

    foreign_thread.submit(late, mode="pool")  # a thread of a Java pool delivers the price
    feed.close()
    is_closed.set()
    while not has_come.is_set():
        sorted(range(100))  # the program does other things
