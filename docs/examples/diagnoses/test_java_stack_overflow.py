import ctypes

import pytest


@ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int)
def down(levels):  # each level goes through C, and takes half a kilobyte of the C stack or more
    return levels and down(levels - 1)


@pytest.mark.foreign_thread(jvm_args="-Xss256k")
def test_thread_with_a_small_stack():
    down(500)
