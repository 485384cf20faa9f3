"""A stack that is large enough, one that is as large as the main thread's, and crashes elsewhere on a small one."""

from __future__ import annotations

import ctypes
import sys

import pytest


class Row(ctypes.Structure):
    _fields_ = (("bytes", ctypes.c_char * 4096),)


@ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int, Row)  # type: ignore[untyped-decorator]
def walk(levels: int, row: Row) -> int:
    return levels and walk(levels - 1, row)


@pytest.mark.foreign_thread(mode=["native", "native-pool"], stack="2m")
def test_fits() -> None:
    walk(50, Row())


@pytest.mark.foreign_thread(mode=["main", "native"])
def test_the_limit_is_above_all_stacks() -> None:
    sys.setrecursionlimit(1_000_000)
    walk(20_000, Row())


@pytest.mark.foreign_thread(mode=["native", "native-pool"], stack="256k")
def test_a_null_pointer() -> None:
    ctypes.string_at(0)
