import ctypes
import sys

import pytest


class Ballast(ctypes.Structure):
    _fields_ = [("bytes", ctypes.c_char * 4096)]


@ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int, Ballast)
def down(levels, ballast):  # each level takes more than 4 KB of the C stack
    return levels and down(levels - 1, ballast)


@pytest.mark.foreign_thread
def test_recursion_limit_above_the_stack():
    sys.setrecursionlimit(1_000_000)
    down(20_000, Ballast())
