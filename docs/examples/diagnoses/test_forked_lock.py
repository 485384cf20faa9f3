import multiprocessing
import threading

import pytest

LOCK = threading.Lock()


def work(begun, goes_on):
    with LOCK:
        begun.set()
        goes_on.wait()


def count():
    with LOCK:  # locked since the fork, and the thread that would release it was not copied
        return 1


@pytest.mark.foreign_thread(mode="native", timeout=3)
def test_process_that_is_forked_while_a_thread_has_the_lock():
    begun, goes_on = threading.Event(), threading.Event()
    threading.Thread(target=work, args=(begun, goes_on), daemon=True).start()
    begun.wait()
    process = multiprocessing.get_context("fork").Process(target=count)
    process.start()
    goes_on.set()
    process.join()
