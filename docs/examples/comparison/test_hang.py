import threading


def test_hang(on_java_thread):
    lock = threading.Lock()
    with lock:
        on_java_thread(lock.acquire)


def test_after_it():
    pass
