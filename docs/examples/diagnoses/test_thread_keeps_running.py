import queue
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest


class Log:
    def __init__(self):
        self.lines = queue.SimpleQueue()
        threading.Thread(target=self.write, name="log-writer", daemon=False).start()

    def write(self):
        while True:  # nothing tells it to end
            self.last = self.lines.get()


@pytest.mark.foreign_thread(mode="native", finalize=True, timeout=3)
def test_writer_of_a_log():
    Log().lines.put("hello")


@pytest.mark.foreign_thread(mode="native", finalize=True, timeout=3)
def test_task_of_an_executor():
    ThreadPoolExecutor().submit(time.sleep, 100)
