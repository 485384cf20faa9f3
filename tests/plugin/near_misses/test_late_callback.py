"""A callback that crashes while its submitter waits, and one that comes late and does no harm."""

from __future__ import annotations

import ctypes
import os
import select
import threading
import time
from concurrent import futures
from typing import Any

import pytest


@pytest.mark.foreign_thread
def test_the_submitter_waits(foreign_thread: Any) -> None:
    foreign_thread.submit(ctypes.string_at, 0, mode="pool").result()


@pytest.mark.foreign_thread
def test_the_submitter_polls(foreign_thread: Any) -> None:
    future = foreign_thread.submit(ctypes.string_at, 0, mode="native-pool")
    while not future.done():
        time.sleep(0.001)


@pytest.mark.foreign_thread
def test_the_submitter_waits_for_a_descriptor(foreign_thread: Any) -> None:
    read, write = os.pipe()
    foreign_thread.submit(lambda: os.write(write, ctypes.string_at(0)), mode="pool")
    select.select([read], [], [])


@pytest.mark.foreign_thread(mode="native")
def test_the_submitter_is_in_a_library(foreign_thread: Any) -> None:
    """libc's lfind stands for a library that calls back while a thread of its own works for it."""
    going_on = threading.Event()
    compare = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)

    def wait_or_crash() -> None:
        going_on.wait()
        ctypes.string_at(0)

    def go_on(_: Any, __: Any) -> int:
        going_on.set()
        while True:
            sorted(range(100))

    foreign_thread.submit(wait_or_crash, mode="native-pool")
    ctypes.CDLL(None).lfind(b"x", b"x", ctypes.byref(ctypes.c_size_t(1)), 1, compare(go_on))


@pytest.mark.foreign_thread
def test_late_and_harmless(foreign_thread: Any) -> None:
    gate = threading.Event()
    future = foreign_thread.submit(gate.wait, mode="pool")
    with pytest.raises(futures.TimeoutError):
        future.result(timeout=0.01)
    gate.set()
    assert future.result()


@pytest.mark.foreign_thread
def test_the_test_crashes_after_a_late_callback(foreign_thread: Any) -> None:
    gate = threading.Event()
    future = foreign_thread.submit(gate.wait, mode="pool")
    with pytest.raises(futures.TimeoutError):
        future.result(timeout=0.01)
    gate.set()
    future.result()
    ctypes.string_at(0)
