"""Threads of Python live when the program ends, and do not keep it; or something else does."""

from __future__ import annotations

import atexit
import threading
import time

import pytest


@pytest.mark.foreign_thread(mode="main", finalize=True)
def test_a_daemon() -> None:
    threading.Thread(target=threading.Event().wait, daemon=True).start()


@pytest.mark.foreign_thread(mode="native", finalize=True)
def test_a_thread_that_a_daemon_started() -> None:
    """The thread on which C calls Python is a daemon for Python, and those that it starts are, too."""
    threading.Thread(target=threading.Event().wait).start()


@pytest.mark.foreign_thread(mode="main", finalize=True)
def test_a_thread_that_ends_in_time() -> None:
    threading.Thread(target=time.sleep, args=(0.2,)).start()


@pytest.mark.foreign_thread(mode="main", finalize=True)
def test_a_handler_joins_a_daemon() -> None:
    done = threading.Event()
    thread = threading.Thread(target=done.wait, daemon=True)
    thread.start()

    def close() -> None:
        done.set()
        thread.join()

    atexit.register(close)


@pytest.mark.foreign_thread(mode="main", finalize=True, timeout=3)
def test_a_handler_that_waits() -> None:
    atexit.register(threading.Event().wait)
    threading.Thread(target=threading.Event().wait, daemon=True).start()
