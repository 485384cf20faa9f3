"""Threads of C live while Python ends, or crash then for another reason."""

from __future__ import annotations

import atexit
import ctypes
import threading
import time
from typing import Any

import pytest

LIBC = ctypes.CDLL(None)


RUN = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p)
KEPT: list[Any] = []


def start(function: Any) -> ctypes.c_ulong:
    """Run the function on a new thread of C's, which may need it beyond the end of the test."""
    thread, run = ctypes.c_ulong(), RUN(function)
    KEPT.append(run)
    LIBC.pthread_create(ctypes.byref(thread), None, run, None)
    return thread


@pytest.mark.foreign_thread(mode="main", finalize=True)
def test_a_handler_joins_the_thread() -> None:
    done = threading.Event()
    thread = start(lambda _: done.wait() and None)

    def close() -> None:
        done.set()
        LIBC.pthread_join(thread, None)

    atexit.register(close)


@pytest.mark.foreign_thread(mode="main", finalize=True)
def test_a_thread_of_c_alone() -> None:
    """Python ends it, or lets it wait: nothing of C++ is on its stack, and nobody waits for it."""
    called = threading.Event()

    def run(_: Any) -> None:
        called.set()
        while True:
            time.sleep(0.001)

    start(run)
    called.wait()


@pytest.mark.foreign_thread(mode="main", finalize=True)
def test_it_aborts_while_a_handler_runs() -> None:
    """Python still runs then."""
    going_on = threading.Event()

    def run(_: Any) -> None:
        going_on.wait()
        LIBC.abort()

    thread = start(run)

    def close() -> None:
        going_on.set()
        LIBC.pthread_join(thread, None)

    atexit.register(close)
