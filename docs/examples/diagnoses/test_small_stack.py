import ctypes

import pytest


class Row(ctypes.Structure):
    _fields_ = [("bytes", ctypes.c_char * 4096)]


@ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int, Row)
def walk(levels, row):
    return levels and walk(levels - 1, row)


@pytest.mark.foreign_thread(mode=["main", "native"], stack="256k")
def test_fifty_levels():
    walk(50, Row())


@pytest.mark.foreign_thread(mode="native", stack="256k")
def test_fifty_levels_beside_a_jvm(jvm):
    walk(50, Row())
