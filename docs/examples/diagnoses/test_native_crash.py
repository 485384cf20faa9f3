import ctypes

import pytest


@pytest.mark.foreign_thread
def test_a_bad_pointer_for_zlib():
    zlib = ctypes.CDLL("libz.so.1")
    zlib.crc32(0, ctypes.c_void_p(8), 64)
