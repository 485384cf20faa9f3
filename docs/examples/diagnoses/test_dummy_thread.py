import threading

import pytest


@pytest.mark.foreign_thread(mode=["native", "new"])
def test_waits_for_the_thread(foreign_thread):
    worker = foreign_thread.call(threading.current_thread)
    worker.join()
