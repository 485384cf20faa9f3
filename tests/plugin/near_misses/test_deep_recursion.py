"""A raised limit that is not reached, a limit that holds, and a crash of another cause that is as silent."""

from __future__ import annotations

import ctypes
import signal
import sys
from collections.abc import Callable

import pytest

down: Callable[[int], int] = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int)(lambda levels: levels and down(levels - 1))


def endless() -> None:
    endless()


@pytest.mark.foreign_thread
def test_limit_raised_and_not_reached() -> None:
    sys.setrecursionlimit(1_000_000)
    assert down(300) == 0


@pytest.mark.foreign_thread
def test_limit_holds() -> None:
    sys.setrecursionlimit(1_500)
    endless()


@pytest.mark.foreign_thread
def test_crash_elsewhere_under_a_raised_limit() -> None:
    sys.setrecursionlimit(1_000_000)
    ctypes.string_at(0)


@pytest.mark.foreign_thread(mode="main")
def test_silent_crash_without_recursion(jvm: object) -> None:
    """The test takes HotSpot's handler away, so nothing is written, as if the stack were exhausted."""
    signal.signal(signal.SIGSEGV, signal.SIG_DFL)
    ctypes.string_at(0)
