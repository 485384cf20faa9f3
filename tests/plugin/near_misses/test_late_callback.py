"""A callback that crashes while its submitter waits, and one that comes late and does no harm."""

from __future__ import annotations

import ctypes
import threading
from concurrent import futures
from typing import Any

import pytest


@pytest.mark.foreign_thread
def test_the_submitter_waits(foreign_thread: Any) -> None:
    foreign_thread.submit(ctypes.string_at, 0, mode="pool").result()


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
